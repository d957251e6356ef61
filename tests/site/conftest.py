"""The site, built once for all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from .pages import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder with the pages; a warning while they were built is a failure of its tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
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
