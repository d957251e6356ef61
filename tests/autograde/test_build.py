"""Derived files: written once, fresh until a word changes, and named when they are not."""

import os
import re
import shutil

import pytest
from click.testing import CliRunner

from autograde.build import build, built_files, stale
from autograde.cli import main
from autograde.course import Course, CourseError, find_root

LESSON = "03_dot_product"


@pytest.fixture
def course(tmp_path, root):
    """A repository of its own with lesson 03, built."""
    (tmp_path / "solutions").mkdir()
    shutil.copy(root / "solutions" / f"{LESSON}.py", tmp_path / "solutions")
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    course = Course(tmp_path, tmp_path / "course")
    build(course, course.lessons())
    return course


@pytest.fixture
def check(course, monkeypatch):
    monkeypatch.chdir(course.solutions)  # from a folder within the repository
    return lambda: CliRunner().invoke(main, ["build", "--check"])


def change(course, old, new):
    script = course.solutions / f"{LESSON}.py"
    text = script.read_text(encoding="utf-8")
    assert old in text
    script.write_text(text.replace(old, new, 1), encoding="utf-8")


def names(course, paths):
    return [str(path.relative_to(course.root)) for path in paths]


SOURCE, STUDENT = f"build/source/{LESSON}/{LESSON}.ipynb", f"lessons/{LESSON}/{LESSON}.ipynb"


def test_build_writes_both_notebooks(course):
    files = built_files(course, LESSON)
    assert names(course, files) == [SOURCE, STUDENT]
    for path, content in files.items():
        assert path.read_bytes() == content
    assert b"BEGIN SOLUTION" in files[course.root / SOURCE]
    assert b"SOLUTION" not in files[course.root / STUDENT]


def test_build_writes_nothing_when_fresh(course):
    before = {path: path.stat().st_mtime_ns for path in course.root.rglob("*")}
    assert build(course, course.lessons()) == []
    assert {path: path.stat().st_mtime_ns for path in course.root.rglob("*")} == before


def test_build_writes_what_changed_and_leaves_no_draft(course):
    change(course, "users = self.user_factors", "people = users = self.user_factors")
    assert names(course, build(course, course.lessons())) == [SOURCE]  # students see nothing of it
    change(course, "multiplying a user's factors", "multiplying the factors of a user")
    assert names(course, build(course, course.lessons())) == [SOURCE, STUDENT]
    assert list(course.root.rglob("*.tmp")) == []
    assert stale(course, course.lessons()) == []


def test_check_is_silent_when_fresh(check):
    result = check()
    assert (result.exit_code, result.output) == (0, "")


def test_check_names_the_stale_file_after_a_word_in_the_solution(course, check):
    change(course, "users = self.user_factors", "people = users = self.user_factors")
    result = check()
    assert result.exit_code == 1
    assert result.output == f"Error: {SOURCE} is stale: run make lessons\n"


def test_check_names_both_after_a_word_in_the_prose_and_writes_nothing(course, check):
    before = (course.root / STUDENT).read_bytes()
    change(course, "multiplying a user's factors", "multiplying a users' factors")  # of the same length
    result = check()
    assert result.exit_code == 1
    assert re.findall(r"(\S+) is stale", result.output) == [SOURCE, STUDENT]
    assert (course.root / STUDENT).read_bytes() == before


def test_check_names_a_notebook_that_was_edited_by_hand_or_is_gone(course, check):
    (course.root / STUDENT).write_bytes((course.root / STUDENT).read_bytes() + b"\n")
    assert f"{STUDENT} is stale" in check().output
    (course.root / STUDENT).unlink()
    assert f"{STUDENT} is stale" in check().output


def test_check_names_a_notebook_without_a_script(course, check):
    orphan = course.root / "lessons" / "04_gone" / "04_gone.ipynb"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    result = check()
    assert result.exit_code == 1
    assert result.output == "Error: lessons/04_gone/04_gone.ipynb is stale: run make lessons\n"


def test_a_clean_checkout_without_build_source_is_fresh(course, check):
    shutil.rmtree(course.root / "build")
    assert check().exit_code == 0


def test_a_script_that_is_no_lesson_is_one_sentence(course, check):
    change(course, '# %% check="train"', '# %% chekc="train"')
    result = check()
    assert result.exit_code == 1
    assert re.fullmatch(
        r"Error: solutions/03_dot_product.py, cell \d+: the marker 'chekc' is none of .*\n", result.output
    )


def test_a_script_without_exercises_is_one_sentence(course):
    (course.solutions / "09_nobody.py").write_text("# %% [markdown]\n# # 9. Nobody\n")
    with pytest.raises(CourseError, match="no lesson 'nobody' in autograde/exercises"):
        build(course, ["09_nobody"])


def test_find_root_goes_up_and_says_when_there_is_none(course, tmp_path_factory):
    deep = course.root / "lessons" / LESSON
    assert find_root(deep) == course.root
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(CourseError, match="does not lie in the course's repository") as caught:
        find_root(elsewhere)
    assert os.fspath(elsewhere) in str(caught.value)
