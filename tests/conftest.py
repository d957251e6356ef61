"""Fixtures that several packages' tests share."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _progress_of_nobody(tmp_path_factory):
    """Checks in tests, and in the kernels that they start, leave the progress of whoever runs the tests alone."""
    before = os.environ.get("AUTOGRADE_PROGRESS")
    os.environ["AUTOGRADE_PROGRESS"] = str(tmp_path_factory.mktemp("progress") / "progress.db")
    yield
    os.environ.pop("AUTOGRADE_PROGRESS")
    if before is not None:
        os.environ["AUTOGRADE_PROGRESS"] = before


@pytest.fixture(scope="session")
def movielens():
    """The real MovieLens 100K; tests that need it are skipped, with the reason, where no source answers."""
    from collabkit.ratings import RatingsError, movielens_100k  # brings fastai, which most tests can do without

    try:
        return movielens_100k(progress=False)
    except RatingsError as reason:
        pytest.skip(str(reason))
