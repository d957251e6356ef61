"""nbgrader's own commands, run as an instructor runs them: the same marks, and no notebook stops the class."""

import csv
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from autograde.results import Result, results_of

from .gradebooks import course_at
from .small_class import LESSON

# by name, so that the one that used to stop the class comes before others
CLASS = ["cleo-crash", "eva-damaged", "gus-mistakes", "odd-duplicated", "odd-markdown"]


@pytest.fixture(scope="module")
def by_command(graded, shared):
    """(course, what each command printed): a part of the class graded by nbgrader's commands alone."""
    course = course_at(graded[0].root, shared / "by-command")
    record = shared / "by-command.pickle"
    with FileLock(f"{record}.lock"):
        if not record.exists():
            record.write_bytes(pickle.dumps(graded_by_commands(graded[0], course)))
    return course, pickle.loads(record.read_bytes())


def graded_by_commands(here, course):
    for student in CLASS:
        shutil.copytree(here.submitted / student, course.submitted / student)
    said = {}
    for command in (
        ["generate_assignment", LESSON, "--create"],
        ["autograde", LESSON],
        ["generate_feedback", LESSON],
        ["export", "--to", str(course.folder / "grades.csv")],
    ):
        said[command[0]] = nbgrader(course, *command)
    return said


def nbgrader(course, *arguments):
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "AUTOGRADE_COURSE": str(course.folder),
        "AUTOGRADE_DB": course.gradebook,
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
    }
    return subprocess.run(
        [scripts / "nbgrader", *arguments],
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def scores(course, student):
    with course.api.gradebook as gradebook:
        (submission,) = gradebook.student_submissions(student)
        return {grade.name: grade.score for notebook in submission.notebooks for grade in notebook.grades}


def test_the_student_s_notebook_is_the_committed_one_byte_for_byte(by_command):
    course, said = by_command
    assert said["generate_assignment"].returncode == 0, said["generate_assignment"].stderr
    released = course.folder / "release" / LESSON / f"{LESSON}.ipynb"
    assert released.read_bytes() == (course.root / "lessons" / LESSON / f"{LESSON}.ipynb").read_bytes()


@pytest.mark.parametrize("student", [student for student in CLASS if student != "eva-damaged"])
def test_marks_are_those_of_autograde_grade(by_command, graded, student):
    course, _ = by_command
    assert scores(course, student) == scores(graded[0], student)


def test_the_results_on_disk_are_those_of_autograde_grade(by_command, graded):
    course, _ = by_command
    theirs = {result.student: result for result in results_of(course, [LESSON])}
    ours = {result.student: result for result in graded[2]}
    assert set(theirs) == set(CLASS) - {"eva-damaged"}
    for student, result in theirs.items():
        assert told(result) == told(ours[student]), student


def told(result: Result):
    """A result without what is drawn anew in each run: numbers in the sentence of a mistake that nobody knows."""
    return result.statuses, {name: (v.outcome, v.score, v.feedback) for name, v in result.verdicts.items()}


def test_only_the_damaged_notebook_fails_and_all_others_are_graded(by_command):
    said = by_command[1]["autograde"]
    assert said.returncode != 0
    failed = re.findall(r"There was an error processing assignment '(\S+)' for student '(\S+)'", said.stderr)
    assert failed == [(LESSON, "eva-damaged")]


@pytest.mark.parametrize("student", [student for student in CLASS if student != "eva-damaged"])
def test_feedback_shows_the_card(by_command, graded, student):
    course, said = by_command
    assert said["generate_feedback"].returncode == 0, said["generate_feedback"].stderr
    page = (course.folder / "feedback" / student / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    (result,) = [result for result in graded[2] if result.student == student]
    for verdict in result.verdicts.values():
        assert f"{verdict.name}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} point" in page


def test_export_has_the_sums(by_command, graded):
    course, said = by_command
    assert said["export"].returncode == 0, said["export"].stderr
    with (course.folder / "grades.csv").open(newline="") as file:
        read = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    ours = {result.student: result.score for result in graded[2] if result.student in CLASS}
    assert read == ours


def test_the_repository_is_as_it_was(by_command):
    course, _ = by_command
    assert {path.name for path in course.root.iterdir()} <= {
        *("build", "course", "lessons", "nbgrader_config.py", "solutions", "__pycache__"),
    }
