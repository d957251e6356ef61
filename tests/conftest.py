"""Fixtures that several packages' tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent


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


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that the workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def site(shared) -> Path:
    """The documentation's folder of pages, built once; a warning on the way fails whatever asks for it."""
    folder = shared / "site"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            options = ["-q", "-E", "-W", "--keep-going", "-d", str(shared / "doctrees")]
            built = subprocess.run(
                [sys.executable, "-m", "sphinx", *options, "docs", str(folder)],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=600,
            )
            (shared / "site.txt").write_text(f"{built.returncode}\n{built.stdout}{built.stderr}", encoding="utf-8")
    status, _, said = (shared / "site.txt").read_text(encoding="utf-8").partition("\n")
    assert status == "0", said[-5000:]
    return folder
