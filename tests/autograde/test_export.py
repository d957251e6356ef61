"""Marks as rows: everybody's, as the gradebook has them, and readable by whoever reads CSV."""

import csv
import io

import pytest

from autograde.exercise import Outcome
from autograde.export import Row, as_csv, rows
from autograde.submissions import read_submission

from .small_class import LESSON, QUOTED

HEADER = "student,lesson,exercise,outcome,score,points"


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
            expected = (verdict.outcome, verdict.score) if verdict else (result.problem, 0)
            assert (row.outcome, row.score) == expected
            assert row.points == graded[0].exercises(LESSON)[name].points


def test_every_zero_has_its_outcome_beside_it(table):
    assert {row.outcome for row in table} == {
        *("passed", "partial", "failed", "not attempted", "crashed", "timed out", "malformed", "missing"),
    }
    assert all(row.outcome != "passed" for row in table if row.score == 0)


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
    assert (table["DotProduct"].outcome, table["DotProduct"].score) == ("malformed", 0)


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
    assert {row.outcome for row in of(table, "ada-solved").values()} == {"not graded"}
    assert {row.outcome for row in of(table, "eva-damaged").values()} == {Outcome.MALFORMED}
    assert {row.outcome for row in of(table, "odd-renamed").values()} == {Outcome.MISSING}
