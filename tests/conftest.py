"""Fixtures that several packages' tests share."""

import pytest


@pytest.fixture(scope="session")
def movielens():
    """The real MovieLens 100K; tests that need it are skipped, with the reason, where no source answers."""
    from collabkit.ratings import RatingsError, movielens_100k  # brings fastai, which most tests can do without

    try:
        return movielens_100k(progress=False)
    except RatingsError as reason:
        pytest.skip(str(reason))
