"""Fixtures that several packages' tests share."""

import pytest

from collabkit.ratings import RatingsError, movielens_100k


@pytest.fixture(scope="session")
def movielens():
    """The real MovieLens 100K; tests that need it are skipped, with the reason, where no source answers."""
    try:
        return movielens_100k(progress=False)
    except RatingsError as reason:
        pytest.skip(str(reason))
