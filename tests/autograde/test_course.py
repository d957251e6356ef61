"""Where a course keeps its things: lessons by any of their names, students wherever they are known."""

import os
import shutil
import subprocess
import sys

import pytest
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import AssignLatePenalties, ClearSolutions, DeduplicateIds, Execute

from autograde.course import CourseError, nbgrader_config
from autograde.lesson import ClearAnswers
from autograde.preprocessors import ExecuteAndJudge, PenaliseByPolicy, RepairCells

from .gradebooks import ON_POSTGRESQL, copy_of, course_at


@pytest.fixture
def course(tmp_path, empty_gradebook):
    (tmp_path / "solutions").mkdir()
    for name in ("02_two", "01_one", "10_ten_of_them"):
        (tmp_path / "solutions" / f"{name}.py").touch()
    (tmp_path / "solutions" / "notes.py").touch()
    copy_of(empty_gradebook, tmp_path / "class")
    return course_at(tmp_path, tmp_path / "class")


def test_lessons_are_the_numbered_scripts_in_order(course):
    assert course.lessons() == ["01_one", "02_two", "10_ten_of_them"]


@pytest.mark.parametrize("name", ["10_ten_of_them", "ten_of_them", "10"])
def test_a_lesson_is_chosen_by_name_slug_or_number(course, name):
    assert course.chosen([name]) == ["10_ten_of_them"]


def test_a_number_may_leave_its_zero_out(course):
    assert course.chosen(["1"]) == ["01_one"]


def test_all_are_chosen_without_a_name_and_each_once(course):
    assert course.chosen([]) == course.chosen(()) == course.lessons()
    assert course.chosen(["two", "02", "1"]) == ["02_two", "01_one"]


@pytest.mark.parametrize("name", ["three", "", "0", "1_one", "notes"])
def test_an_unknown_lesson_is_a_sentence_with_the_known_ones(course, name):
    with pytest.raises(CourseError, match=f"no lesson '{name}'. The lessons are: 01_one, 02_two, 10_ten_of_them"):
        course.chosen([name])


def test_students_have_handed_in_or_stand_on_the_roll(course):
    assert course.students() == []
    for name in ("zoe", "ada", ".ipynb_checkpoints"):
        (course.submitted / name).mkdir(parents=True)
    (course.submitted / "readme.txt").touch()
    with course.api.gradebook as gradebook:
        gradebook.update_or_create_student("mia")
        gradebook.update_or_create_student("ada")
    assert course.students() == ["ada", "mia", "zoe"]


def test_courses_do_not_share_a_gradebook(course, tmp_path):
    other = copy_of(course, tmp_path / "other")
    with course.api.gradebook as gradebook:
        gradebook.update_or_create_student("mia")
    assert (course.students(), other.students()) == (["mia"], [])
    assert (course.folder / "gradebook.db").is_file() is not ON_POSTGRESQL


def test_nbgrader_keeps_its_steps_but_for_the_four_that_are_replaced(course):
    config = nbgrader_config(course.root, course.folder)
    swapped = {
        ClearSolutions: ClearAnswers,
        DeduplicateIds: RepairCells,
        Execute: ExecuteAndJudge,
        AssignLatePenalties: PenaliseByPolicy,
    }
    pairs = [
        (GenerateAssignment.preprocessors, config.GenerateAssignment.preprocessors),
        (Autograde.sanitize_preprocessors, config.Autograde.sanitize_preprocessors),
        (Autograde.autograde_preprocessors, config.Autograde.autograde_preprocessors),
    ]
    for theirs, ours in pairs:
        assert ours == [swapped.get(each, each) for each in theirs.default()]
        assert ours != theirs.default()


def test_a_folder_outside_the_repository_is_found_by_nbgrader(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("far")
    config = nbgrader_config(course.root, folder)
    assert (course.root / config.CourseDirectory.submitted_directory).resolve() == folder / "submitted"
    assert config.CourseDirectory.db_url == f"sqlite:///{folder}/gradebook.db"


def test_a_gradebook_is_made_without_an_activated_environment(course):
    """nbgrader starts a bare `alembic`, which only the environment's own folder of scripts holds."""
    bare = {**os.environ, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    assert shutil.which("alembic", path=bare["PATH"]) is None
    code = (
        "import pathlib, sys; from autograde.course import Course; "
        "print(Course(*map(pathlib.Path, sys.argv[1:])).students())"
    )
    arguments = [sys.executable, "-c", code, str(course.root), str(course.folder / "new")]
    ran = subprocess.run(arguments, env=bare, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr
