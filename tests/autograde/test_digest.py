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
    assert {"judge.py", "execute.py", "outside.py", "warm.py"} <= imported


def test_versions_name_python_and_what_draws_and_computes():
    assert digest.versions().startswith("Python 3.")
    assert all(name in digest.versions() for name in ("torch", "numpy", "pandas", "fastai"))


def test_a_lesson_depends_on_its_own_exercises_and_on_what_these_import(tmp_path):
    package = tmp_path / "exercises"
    package.mkdir()
    texts = {
        "alone": "import torch\nfrom autograde.exercise import Exercise\n",
        "shared": "WORLD = 7\n",
        "relative": "from . import shared\n",
        "relative_too": "from .shared import WORLD\n",
        "absolute": "def f():\n    from autograde.exercises.shared import (\n        WORLD,\n    )\n",
        "by_name": "import autograde.exercises.shared as s\n",
        "by_another": "from autograde.exercises import relative\n",
        "anything": "import importlib\nimportlib.import_module(name)\n",
        "any": "from autograde import exercises\n",
    }
    for name, text in texts.items():
        (package / f"{name}.py").write_text(text)

    def touched(name):
        before = digest.of_modules(package)
        with (package / f"{name}.py").open("a") as file:
            file.write("# changed\n")
        after = digest.of_modules(package)
        return {each for each in after if after[each] != before[each]}

    assert touched("alone") == {"alone", "anything", "any"}
    assert touched("relative_too") == {"relative_too", "anything", "any"}
    assert touched("relative") == {"relative", "by_another", "anything", "any"}
    assert touched("shared") == set(texts) - {"alone"}


def test_the_course_s_lessons_depend_on_themselves_alone():
    """Whoever shares code between lessons makes a change in one regrade others: then this test says so."""
    slugs = {path.stem for path in (Path(digest.__file__).parent / "exercises").glob("[a-z]*.py")}
    assert len({digest.of_judging(slug) for slug in slugs}) == len(slugs)
    assert len({digest.of_lesson_making(slug) for slug in slugs}) == len(slugs)
    folder = Path(digest.__file__).parent / "exercises"
    assert digest.of_modules(folder)["bias"] == digest.of_files([folder / "bias.py"])
