"""Two who grade at the same time lose nothing: no submission, no mark, no mark by hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograde.cells import is_grade
from autograde.exercise import Outcome
from autograde.gradebook import Gradebook
from autograde.grading import grade, register
from autograde.kernel.limits import Limits
from autograde.results import results_of
from autograde.verdict import reported

from .gradebooks import ON_POSTGRESQL, course_at, in_threads, rows_in
from .small_class import LESSON, hand_in
from .test_gradebook import executed, rows, submission

PATIENCE = 600  # seconds, on a machine that may be busy
ROUNDS = 20
LIMITS = Limits(cell_seconds=15)  # as in the fixture, or nothing that was graded counts


@pytest.fixture
def unregistered(graded, tmp_path):
    """A course in which some have handed in, and nothing else has happened: no gradebook, no secret."""
    course = course_at(graded[0].root, tmp_path / "class")
    for student in ("ada-solved", "ben-blank", "eva-damaged", "gus-mistakes", "hana-mistakes", "odd-markdown"):
        shutil.copytree(graded[0].submitted / student, course.submitted / student)
    return course


def started(course):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [Path(sys.executable).with_name("autograde"), "grade", "--course", course.folder, "--workers", "1"]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=course.root,
        env=environment | {"AUTOGRADE_DB": course.gradebook},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_commands_that_begin_with_nothing(unregistered, graded):
    both = [started(unregistered) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    then = {result.student: result.score for result in graded[2]}
    now = {result.student: result.score for result in results_of(unregistered, [LESSON])}
    assert now == {student: then[student] for student in unregistered.students()}
    marks = {}
    for student, _, auto, *_ in rows(unregistered)["grades"]:
        marks[student] = marks.get(student, 0) + auto
    assert marks == {student: score for student, score in now.items() if student != "eva-damaged"}
    for table in ("assignment", "notebook"):
        assert rows_in(unregistered, f"SELECT count(*) FROM {table}") == [(1,)]
    assert not list(unregistered.folder.rglob("*.draft"))


def test_notebook_and_marks_are_of_the_same_grader(fresh):
    """Both enter other marks for the same submission, again and again: the last one counts, whole."""
    register(fresh, [LESSON])
    notebook = submission(fresh)
    hand_in(fresh, "ada", notebook)

    def enters(share):
        done = executed(notebook, share)

        def work():
            with Gradebook(fresh.db_url, fresh.submitted, fresh.autograded) as gradebook:
                for _ in range(ROUNDS):
                    gradebook.enter("ada", LESSON, done)

        return work

    in_threads(enters(0.25), enters(0.75))
    left = nbformat.read(fresh.graded("ada", LESSON), as_version=4)
    said = {cell.metadata.nbgrader.grade_id: reported(cell).score for cell in left.cells if is_grade(cell)}
    assert {name: auto for _, name, auto, *_ in rows(fresh)["grades"]} == said
    assert len(rows(fresh)["submissions"]) == 1


def test_marks_by_hand_are_kept_while_a_class_is_entered(fresh):
    register(fresh, [LESSON])
    notebook = submission(fresh)
    students = [f"student-{number}" for number in range(ROUNDS)]
    for student in students:
        hand_in(fresh, student, notebook)

    def enter():
        with Gradebook(fresh.db_url, fresh.submitted, fresh.autograded) as gradebook:
            for student in students:
                gradebook.enter(student, LESSON, executed(notebook, 0.5))

    def by_hand():
        with fresh.api.gradebook as gradebook:
            for student in students:
                gradebook.find_grade("train", LESSON, LESSON, student).manual_score = 0.25
                gradebook.db.commit()

    enter()
    in_threads(enter, by_hand, enter)
    enter()
    kept = [row for row in rows(fresh)["grades"] if row[1] == "train"]
    assert len(kept) == ROUNDS
    assert {(auto, manual, bool(again)) for _, _, auto, manual, _, again in kept} == {(kept[0][2], 0.25, True)}


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such a name")
def test_a_name_that_is_no_text_stops_nobody(own):
    name = b"half \xff".decode("utf-8", "surrogateescape")
    shutil.copytree(own.submitted / "hana-mistakes", own.submitted / name)
    odd, blank = grade(own, [LESSON], [name, "ben-blank"], limits=LIMITS)
    assert (odd.problem, "rename the folder" in odd.note) == (Outcome.MALFORMED, True)
    assert blank.problem is None


def test_a_name_that_is_too_long_for_the_gradebook_stops_nobody(own):
    """PostgreSQL keeps nbgrader's limit of 128 letters, SQLite does not mind."""
    name = "x" * 129
    shutil.copytree(own.submitted / "ada-solved", own.submitted / name)
    odd, blank = grade(own, [LESSON], [name, "ben-blank"], limits=LIMITS, workers=1)
    assert odd.problem is (Outcome.UNGRADED if ON_POSTGRESQL else None)
    assert ("too long" in odd.note) is ON_POSTGRESQL
    assert blank.problem is None
