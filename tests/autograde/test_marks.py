"""Marks: everybody's, as the gradebook has them, and readable by whoever reads CSV."""

import csv
import io

import pytest

from autograde.exercise import Outcome
from autograde.export import as_csv
from autograde.marks import LessonMark, Row, exercise_rows, lesson_mark, lesson_marks
from autograde.submissions import read_submission

from .small_class import LESSON, QUOTED

STATUSES = ("crashed", "timed out", "out of memory", "malformed", "missing", "ungraded")
HEADER = "student,lesson,exercise,outcome,score,points"


def rows(course, lessons):
    return exercise_rows(lesson_marks(course, lessons))


@pytest.fixture(scope="module")
def table(graded):
    return rows(graded[0], [LESSON])


def of(table, student):
    return {row.exercise: row for row in table if row.student == student}


def correct(course, student, exercise, **fields):
    """What a person does in formgrader."""
    with course.api.gradebook as gradebook:
        grade = gradebook.find_grade(exercise, LESSON, LESSON, student)
        for field, value in fields.items():
            setattr(grade, field, value)
        gradebook.db.commit()


def test_header_is_that_of_the_readme(table, root):
    assert as_csv(table).splitlines()[0] == HEADER
    assert as_csv([]) == f"{HEADER}\n"
    assert HEADER in (root / "README.md").read_text(encoding="utf-8")


def test_a_row_for_each_student_and_exercise_in_order(graded, table):
    course = graded[0]
    wanted = [(student, LESSON, name) for student in course.students() for name in course.exercises(LESSON)]
    assert [(row.student, row.lesson, row.exercise) for row in table] == wanted


def test_rows_are_the_verdicts(graded, table):
    for result in graded[2]:
        for name, row in of(table, result.student).items():
            verdict = result.verdicts.get(name)
            expected = (verdict.outcome, verdict.score) if verdict else (result.problem, None)
            if expected[0] in STATUSES:
                expected = (expected[0], None)
            assert (row.outcome, row.score) == expected
            assert row.points == graded[0].exercises(LESSON)[name].points


def test_a_status_has_no_zero_and_a_zero_is_no_status(table):
    assert {row.outcome for row in table} == {
        *("passed", "partial", "failed", "not attempted", "crashed", "timed out", "malformed", "missing"),
    }
    assert {row.outcome for row in table if row.score == 0} == {"failed", "not attempted"}
    assert {row.outcome for row in table if row.score is None} == {"crashed", "timed out", "malformed", "missing"}


def test_names_survive_the_reading_of_csv(graded, table):
    read = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [row["student"] for row in read] == [row.student for row in table]
    mine = [row for row in read if row["student"] == QUOTED]
    assert [(row["outcome"], row["score"]) for row in mine[:2]] == [("passed", "3.5"), ("passed", "2")]


def test_a_name_may_hold_whatever_csv_is_made_of():
    row = Row('a,"b"\nc', "l", "x", "passed", 2.0, 2.5)
    (read,) = csv.DictReader(io.StringIO(as_csv([row]), newline=""))
    assert (read["student"], read["score"], read["points"]) == (row.student, "2", "2.5")


@pytest.mark.parametrize(
    ("fields", "score"),
    [
        ({"manual_score": 1.25}, 1.25),
        ({"manual_score": 0.0}, 0),
        ({"extra_credit": 0.5}, 2.5),
        ({"manual_score": 1.0, "extra_credit": 0.25}, 1.25),
    ],
)
def test_what_a_person_gave_in_formgrader_wins(own, fields, score):
    correct(own, "ada-solved", "gradient_step", **fields)
    table = of(rows(own, [LESSON]), "ada-solved")
    assert table["gradient_step"] == Row("ada-solved", LESSON, "gradient_step", "passed", score, 2.0)
    assert table["train"].score == 1
    with own.api.gradebook as gradebook:
        assert gradebook.find_grade("gradient_step", LESSON, LESSON, "ada-solved").score == score


def test_a_mark_by_hand_stays_when_the_notebook_is_lost(own):
    correct(own, "ada-solved", "train", manual_score=1.0)
    problem = own.problems / "ada-solved" / f"{LESSON}.json"
    problem.parent.mkdir(parents=True, exist_ok=True)
    problem.write_text('{"outcome": "malformed", "note": "damaged"}')
    table = of(rows(own, [LESSON]), "ada-solved")
    assert (table["train"].outcome, table["train"].score) == ("malformed", 1)
    assert (table["DotProduct"].outcome, table["DotProduct"].score) == ("malformed", None)


def test_a_failure_of_ours_is_no_zero(own):
    correct(own, "ada-solved", "train", manual_score=1.0)
    problem = own.problems / "ada-solved" / f"{LESSON}.json"
    problem.parent.mkdir(parents=True, exist_ok=True)
    problem.write_text('{"outcome": "ungraded", "note": "Grading itself failed."}')
    table = rows(own, [LESSON])
    mine = of(table, "ada-solved")
    assert (mine["train"].outcome, mine["train"].score) == ("ungraded", 1)
    assert (mine["DotProduct"].outcome, mine["DotProduct"].score) == ("ungraded", None)
    assert f"ada-solved,{LESSON},DotProduct,ungraded,,3.5\n" in as_csv(table)


def test_before_grading_the_outcome_says_what_is_there(own):
    for folder in (own.autograded, own.problems):
        for path in folder.rglob("*"):
            path.chmod(0o755)
            if path.is_file():
                path.unlink()
    table = rows(own, [LESSON])
    assert read_submission(own, "ada-solved", LESSON)
    assert {(row.outcome, row.score) for row in of(table, "ada-solved").values()} == {("not graded", None)}
    assert {row.outcome for row in of(table, "eva-damaged").values()} == {Outcome.MALFORMED}
    assert {row.outcome for row in of(table, "odd-renamed").values()} == {Outcome.MISSING}


# ---- lessons


POINTS = {"a": 2.0, "b.c": 3.0}


def mark(scores, elsewhere="", by_hand=None, penalty=None):
    return lesson_mark("mia", "03_x", POINTS, scores, elsewhere, by_hand or {}, penalty)


def test_a_lesson_is_the_sum_of_its_exercises_less_the_penalty():
    found = mark({"a": ("passed", 2.0), "b.c": ("partial", 0.7)}, penalty=0.5)
    assert (found.score, found.points, found.final, found.statuses) == (2.7, 5, 2.2, ())
    assert mark({"a": ("passed", 2.0), "b.c": ("failed", 0.0)}, penalty=2.5).final == 0


@pytest.mark.parametrize("outcome", ["failed", "not attempted"])
def test_a_zero_that_was_earned_is_a_mark(outcome):
    found = mark({"a": (outcome, 0.0), "b.c": (outcome, 0.0)})
    assert (found.score, found.final, found.statuses) == (0, 0, ())


@pytest.mark.parametrize(
    "outcome", ["missing", "malformed", "crashed", "timed out", "out of memory", "ungraded", "not graded"]
)
def test_a_status_is_no_zero(outcome):
    for found in (mark({}, outcome), mark({"a": ("failed", 0.0)}, outcome)):
        assert (found.score, found.final, found.statuses) == (None, None, (outcome,))


def test_what_was_earned_beside_a_crash_counts():
    found = mark({"a": ("passed", 2.0), "b.c": ("crashed", 0.0)})
    assert (found.score, found.statuses) == (2, ("crashed",))


@pytest.mark.parametrize("outcome", ["missing", "malformed", "crashed"])
def test_a_zero_that_a_person_gave_is_a_mark(outcome):
    assert mark({}, outcome, {"b-c": (0.0, 0.0)}).score == 0
    assert mark({}, outcome, {"b-c": (None, 1.5)}).score == 1.5
    assert mark({}, outcome, {"b-c": (None, 0.0)}).score is None  # formgrader writes such a row, and nobody gave a mark


def test_a_part_that_has_not_been_graded_leaves_no_mark():
    assert mark({"a": ("passed", 2.0)}, "ungraded", {"a": (1.0, 0.0)}).score is None
    assert mark({}, "not graded", {"a": (1.0, 0.0), "b-c": (2.0, 0.5)}).score == 3.5


def test_lessons_of_some_students(graded):
    found = lesson_marks(graded[0], [LESSON], ["odd-renamed", "ada-solved"])
    assert [each.student for each in found] == ["ada-solved", "odd-renamed"]
    assert [(each.score, each.statuses) for each in found] == [(8, ()), (None, ("missing",))]
    assert isinstance(found[0], LessonMark)


def test_the_penalty_of_nbgrader_is_taken_off(own):
    with own.api.gradebook as gradebook:
        (submission,) = gradebook.student_submissions("ada-solved")
        submission.notebooks[0].late_submission_penalty = 1.5
        gradebook.db.commit()
    (found,) = lesson_marks(own, [LESSON], ["ada-solved"])
    assert (found.score, found.penalty, found.final) == (8, 1.5, 6.5)
