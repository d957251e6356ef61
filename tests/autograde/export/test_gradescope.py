"""results.json for Gradescope: valid by its specification, a file for each mark, none for a status."""

import json

import pytest

from autograde.course import CourseError
from autograde.exercise import Line, Outcome, Verdict
from autograde.export.gradescope import as_gradescope
from autograde.marks import lesson_mark

from . import readers
from .example import LESSON, OTHER, QUOTED, mark, settings

LOST = Verdict(
    "A", Outcome.FAILED, 1.0, 3.0, "Sum over the factors.", (Line("sums", False, 0.0, 3.0, "Sum over <b>."),)
)


def files(marks, verdicts=None, **chosen):
    done = as_gradescope(marks, lambda mark: verdicts or {}, settings(**chosen))
    return {path: json.loads(content) for path, content in done.files.items()}, done.notes


def test_a_file_for_each_mark_with_a_test_for_each_exercise():
    found, notes = files([mark("ada", 6.0), mark("ada", 2.5, lesson=OTHER, penalty=1), mark(QUOTED, 0.0, "failed")])
    assert {path: readers.gradescope(record) for path, record in found.items()} == {
        f"ada/{LESSON}/results.json": 6,
        f"ada/{OTHER}/results.json": 1.5,
        f"{QUOTED}/{LESSON}/results.json": 0,
    }
    tests = found[f"ada/{LESSON}/results.json"]["tests"]
    assert [(test["name"], test["score"], test["max_score"]) for test in tests] == [("A", 3, 3), ("B", 3, 5)]
    assert "1 point off" in found[f"ada/{OTHER}/results.json"]["output"]
    assert notes == ()


@pytest.mark.parametrize("outcome", ["missing", "malformed", "crashed", "ungraded", "not graded"])
def test_a_status_has_no_file_and_is_named(outcome):
    assert files([mark("ada", None, outcome)]) == ({}, (f"{LESSON}, {outcome}: no mark, so there is no file: ada.",))


def test_a_crash_beside_a_mark_is_a_failed_test_without_a_score():
    points = {"A": 3.0, "B": 5.0}
    found, _ = files([lesson_mark("ada", LESSON, points, {"A": ("passed", 3.0), "B": ("crashed", 0.0)}, "", {})])
    (record,) = found.values()
    assert readers.gradescope(record) == 3
    assert record["output"] == "Beside the mark: crashed."
    assert (record["tests"][1]["status"], record["tests"][1]["tags"]) == ("failed", ["crashed"])
    assert "score" not in record["tests"][1]


def test_what_learners_code_says_is_plain_text():
    found, _ = files([mark("ada", 1.0)], {"A": LOST})
    (record,) = found.values()
    assert record["test_output_format"] == record["test_name_format"] == record["output_format"] == "text"
    assert "Sum over <b>." in record["tests"][0]["output"]
    assert all("output_format" not in test for test in record["tests"])


def test_what_a_person_gave_is_said():
    found, _ = files([mark("ada", 3.0)], {"A": LOST})
    (record,) = found.values()
    assert record["tests"][0]["score"] == 3
    assert record["tests"][0]["output"].startswith("An instructor gave 3 of 3 points here.")


@pytest.mark.parametrize("visibility", ["after_published", "after_due_date", "visible", "hidden"])
def test_visibility(visibility):
    found, _ = files([mark("ada", 1.0)], visibility=visibility)
    (record,) = found.values()
    readers.gradescope(record)
    assert {record["visibility"], *(test["visibility"] for test in record["tests"])} == {visibility}


@pytest.mark.parametrize("student", ["../ada", "a/b", "..", "a\\b"])
def test_a_name_leads_nowhere_else(student):
    with pytest.raises(CourseError, match="can have no folder"):
        files([mark(student, 1.0)])
