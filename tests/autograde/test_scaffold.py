"""A new lesson: two files, which build, grade and teach from the first minute; and slugs that would do harm."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograde.course import Course, CourseError
from autograde.scaffold import scaffold

from .small_class import LESSON


@pytest.fixture
def copied(tmp_path, root):
    """A copy of the repository with lesson 03 alone."""
    shutil.copytree(root / "autograde", tmp_path / "autograde", ignore=shutil.ignore_patterns("__pycache__"))
    for module in (tmp_path / "autograde" / "exercises").glob("[!_]*.py"):
        if module.name != "dot_product.py":
            module.unlink()
    (tmp_path / "solutions").mkdir()
    shutil.copy(root / "solutions" / f"{LESSON}.py", tmp_path / "solutions")
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    return Course(tmp_path, tmp_path / "course")


def files(course):
    return {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "Weight",
        "weight-decay",
        "weight decay",
        "4th",
        "größe",
        "class",
        "_weight",
        "__init__",
        "../x",
        "a.b",
        "a/b",
        "x\n",
    ],
)
def test_a_bad_slug_is_refused_in_a_sentence(copied, slug):
    before = files(copied)
    with pytest.raises(CourseError, match="is no slug: use lower-case words joined by underscores, like weight_decay"):
        scaffold(copied, slug)
    assert files(copied) == before


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("dot_product", "There is a lesson"),
        ("find", "means something else"),
        ("slugs", "means something else"),
        ("importlib", "means something else"),
    ],
)
def test_a_taken_slug_is_refused_in_a_sentence(copied, slug, why):
    before = files(copied)
    with pytest.raises(CourseError, match=f"{why}.*choose another slug"):
        scaffold(copied, slug)
    assert files(copied) == before


def test_a_slug_is_taken_by_either_of_the_two_files(copied):
    module, script = scaffold(copied, "side_information")
    for lost in (script, module):
        content = lost.read_bytes()
        lost.unlink()
        with pytest.raises(CourseError, match="There is a lesson side_information already"):
            scaffold(copied, "side_information")
        assert not lost.exists()
        lost.write_bytes(content)


def test_a_new_lesson_stands_behind_the_last(copied):
    assert [str(path.relative_to(copied.root)) for path in scaffold(copied, "side_information")] == [
        "autograde/exercises/side_information.py",
        "solutions/04_side_information.py",
    ]
    assert copied.lessons() == [LESSON, "04_side_information"]
    assert (
        (copied.solutions / "04_side_information.py")
        .read_text()
        .startswith("# %% [markdown]\n# # 4. Side information\n")
    )


def test_the_first_lesson_is_number_one(copied):
    (copied.solutions / f"{LESSON}.py").unlink()
    scaffold(copied, "begin")
    assert copied.lessons() == ["01_begin"]


PRACTICE = Path(__file__).parents[1] / "practice.py"

IN_THE_COPY = """
import json, runpy, sys
from pathlib import Path
import nbformat
import autograde
from autograde.cli import main
from autograde.verdict import verdicts_in
from autograde.judge import judgements
from autograde import exercises

root = Path.cwd()
practice = runpy.run_path(sys.argv[1])
assert Path(autograde.__file__).is_relative_to(root), autograde.__file__
said = []
for command in (["new", "side_information"], ["build"], ["build", "--check"]):
    main(command, standalone_mode=False)
found = {}
for name in ("build/source", "lessons"):
    notebook = nbformat.read(root / name / "04_side_information" / "04_side_information.ipynb", as_version=4)
    endings = practice["run_in_jupyter"](notebook, root)
    verdicts = {name: (str(verdict.outcome), verdict.score) for name, verdict in verdicts_in(notebook).items()}
    found[name] = [sorted({*map(str, endings)}), verdicts]
found["mistakes"] = [
    [mistake.sentence in verdict.feedback, verdict.score < verdict.points]
    for exercise in exercises.of_lesson("side_information").values()
    for mistake, verdict in judgements(exercise, 1)
]
Path("found.json").write_text(json.dumps(found))
"""


def test_a_new_lesson_runs_as_it_is(copied):
    """In a process of its own, in which the copy's package is the one that is imported."""
    environment = {**os.environ, "PYTHONPATH": str(copied.root), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", IN_THE_COPY, str(PRACTICE)],
        cwd=copied.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "wrote autograde/exercises/side_information.py\nwrote solutions/04_side_information.py\n" in ran.stdout
    assert "wrote lessons/04_side_information/04_side_information.ipynb\n" in ran.stdout
    found = json.loads((copied.root / "found.json").read_text())
    assert found["build/source"] == [
        ["ok", "skipped"],
        {"side_information_double": ["passed", 1], "side_information_why": ["passed", 0.5]},
    ]
    assert found["lessons"] == [
        ["ok", "skipped"],
        {"side_information_double": ["not attempted", 0], "side_information_why": ["not attempted", 0]},
    ]
    assert found["mistakes"] == [[True, True]] * 2
