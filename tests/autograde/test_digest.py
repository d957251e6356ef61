"""Digests tell one state of the code from another, and are the same wherever it lies."""

import shutil
from pathlib import Path

from autograde import digest


def test_equal_files_elsewhere_have_the_same_digest_and_changed_ones_another(tmp_path):
    here = Path(digest.__file__).parent
    names = ["judge.py", "compare.py"]
    (tmp_path / "autograde").mkdir()
    copies = [Path(shutil.copy(here / name, tmp_path / "autograde")) for name in names]
    originals = [here / name for name in names]
    assert digest.of_files(copies) == digest.of_files(reversed(originals)) != digest.of_files(originals[:1])
    with copies[0].open("a") as file:
        file.write("#")
    assert digest.of_files(copies) != digest.of_files(originals)
    assert digest.of_files(originals, "a", "b") != digest.of_files(originals, "ab")


def test_whatever_judges_counts():
    """A pattern that matches nothing would let changed code pass for unchanged."""
    here = Path(digest.__file__).parent
    for pattern in (*digest.JUDGING, *digest.LESSON_MAKING):
        assert list(here.glob(pattern)), pattern
    imported = {path.name for pattern in digest.JUDGING for path in here.glob(pattern)}
    assert {"judge.py", "execute.py", "outside.py", "warm.py", "dot_product.py"} <= imported


def test_versions_name_python_and_what_draws_and_computes():
    assert digest.versions().startswith("Python 3.")
    assert all(name in digest.versions() for name in ("torch", "numpy", "pandas", "fastai"))
