"""How much work an exercise took: gaps between what was done, long pauses cut; hostile metadata tells nothing."""

import dataclasses
import json

import pytest

from autograde.effort import LONGEST_GAP, Effort, Moment, as_metadata, effort_from, effort_of

DAY = 1_790_000_000.0
NOW = DAY + 100_000.0


def did(at, exercise="train", session="k", **what):
    return Moment(DAY + at, session, exercise, **({"is_check": True} | what))


def test_gaps_are_summed_until_the_first_pass():
    told = effort_of([did(0), did(60), did(200, passed=True), did(500), did(560, passed=True)], "train")
    assert told == Effort(
        checks=5, hints=0, seconds=200.0, first_at=DAY, last_at=DAY + 560, passed_at=DAY + 200, gave_up=False
    )


def test_of_a_long_pause_only_a_part_counts():
    assert effort_of([did(0), did(50_000)], "train").seconds == LONGEST_GAP


def test_work_begins_where_the_exercise_before_ended():
    assert effort_of([did(0, "model_call", passed=True), did(90), did(100)], "train").seconds == 100


def test_what_was_done_on_another_exercise_in_between_is_not_counted_twice():
    moments = [did(0), did(100, "other"), did(130)]
    assert effort_of(moments, "train").seconds == 30
    assert effort_of(moments, "other").seconds == 100


def test_a_gap_between_two_kernels_is_no_work():
    assert effort_of([did(0, session="a"), did(100, session="b"), did(110, session="b")], "train").seconds == 10


def test_hints_and_giving_up_are_told():
    told = effort_of(
        [did(0), did(1, is_check=False, hint=1), did(2, is_check=False, hint=2), did(3, is_check=False, gave_up=True)],
        "train",
    )
    assert (told.checks, told.hints, told.gave_up, told.passed_at) == (1, 2, True, None)


def test_nothing_done_is_nothing_told():
    assert effort_of([did(0, "other")], "train") is None
    assert as_metadata(None) == {}


GOOD = Effort(checks=3, hints=1, seconds=40.0, first_at=DAY, last_at=DAY + 50, passed_at=DAY + 45)


def test_what_was_written_is_read_again():
    assert effort_from(json.loads(json.dumps(as_metadata(GOOD))), NOW) == GOOD
    unpassed = dataclasses.replace(GOOD, passed_at=None)
    assert effort_from(as_metadata(unpassed), NOW) == unpassed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("checks", value) for value in (-1, 1.5, True, "3", None, 10**9, [3])),
        *(("hints", value) for value in (-1, float("nan"), 10**400)),
        *(("seconds", value) for value in (-1.0, float("nan"), float("inf"), 10**400, "40", 1e9)),
        *(("first_at", value) for value in (0, DAY + 60, float("-inf"), None, True)),
        *(("last_at", value) for value in (DAY - 1, NOW * 2, 10**400)),
        *(("passed_at", value) for value in (DAY - 1, DAY + 51, float("nan"), "now")),
        *(("gave_up", value) for value in (1, None, "yes")),
        ("more", 1),
    ],
)
def test_what_cannot_be_so_tells_nothing(field, value):
    assert effort_from({"autograde": dataclasses.asdict(GOOD) | {field: value}}, NOW) is None


@pytest.mark.parametrize("metadata", [None, [], "x", 3, {}, {"autograde": None}, {"autograde": []}, {"autograde": {}}])
def test_metadata_of_another_kind_tells_nothing(metadata):
    assert effort_from(metadata, NOW) is None
