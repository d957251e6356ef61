"""Scores for LTI: valid by its schema, and a status is never a score."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from autograde.export.lti import as_lti
from autograde.export.people import Person

from . import readers
from .example import LESSON, QUOTED, mark, persons, settings

NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def scores(marks, known=None, comment=lambda mark: "", **chosen):
    done = as_lti(marks, known or persons(marks), settings(**chosen), NOON, comment)
    read = [json.loads(line) for line in done.content.decode().splitlines()]
    return {score["userId"]: (readers.lti(score), score) for score in read}, done.notes


def test_marks_are_scores():
    found, notes = scores(
        [mark("ada", 6.0), mark(QUOTED, 0.0, "not attempted"), mark("bo", 9.0), mark("l", 3.0, penalty=1)]
    )
    assert {user: share for user, (share, _) in found.items()} == {"ada": 0.75, QUOTED: 0, "bo": 1.125, "l": 0.25}
    assert found["ada"][1]["timestamp"] == "2026-11-25T11:00:00.123+00:00"
    assert notes == ()


@pytest.mark.parametrize(
    ("outcome", "progress"),
    [
        ("missing", ("Initialized", "NotReady")),
        ("not graded", ("Submitted", "Pending")),
        ("ungraded", ("Submitted", "Pending")),
        ("malformed", ("Submitted", "PendingManual")),
        ("crashed", ("Submitted", "PendingManual")),
        ("timed out", ("Submitted", "PendingManual")),
    ],
)
def test_a_status_says_how_far_it_is_and_gives_no_score(outcome, progress):
    found, notes = scores([mark("ada", None, outcome)])
    share, score = found["ada"]
    assert share is None
    assert "scoreGiven" not in score
    assert (score["activityProgress"], score["gradingProgress"]) == progress
    assert notes == (f"{LESSON}, {outcome}: no scoreGiven, but how far it is: ada.",)


def test_missing_as_zero():
    assert scores([mark("ada", None, "missing")], missing_as_zero=True)[0]["ada"][0] == 0


def test_users_come_from_the_list_else_the_gradebook_else_the_name():
    marks = [mark("ada", 4.0), mark("bob", 5.0)]
    known = [Person("ada", lms_id="lms-1"), Person("bob")]
    assert set(scores(marks, known)[0]) == {"lms-1", "bob"}
    found, notes = scores(marks, persons(marks, {"ada": "u-1"}), users=Path("users.csv"))
    assert set(found) == {"u-1"}
    assert notes == ("Not in users.csv, so left out: bob.",)


def test_a_comment_is_plain_text():
    found, _ = scores([mark("ada", 4.0)], comment=lambda mark: "A: `x < y`.")
    assert found["ada"][1]["comment"] == "A: `x < y`."


def test_the_time_is_in_utc_whatever_zone_it_comes_in():
    done = as_lti([mark("a", 1.0)], [Person("a")], settings(), NOON.astimezone(UTC))
    assert b'"2026-11-25T11:00:00.123+00:00"' in done.content
