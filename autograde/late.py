"""What lateness costs: pure functions of a rule, a moment and a score. No file and no gradebook is read here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from autograde.exercise import total

__all__ = ["Rule", "penalty", "seconds_late"]

DAY = timedelta(days=1).total_seconds()


@dataclass(frozen=True)
class Rule:
    """What a course takes off, the same for all of its lessons."""

    percent_per_day: float = 0.0
    percent_of: str = "possible"  # of the points a lesson is worth; "earned": of the points that were earned
    days: str = "started"  # each day that has begun counts whole; "exact": parts of a day count in part
    grace: timedelta = timedelta(0)  # who is late by no more loses nothing; who is later, by all of it
    at_most: float = 100.0  # percent


def seconds_late(handed_in: datetime | None, due: datetime | None, extension: timedelta | None = None) -> float:
    """How late a submission is, in seconds; 0 in time, without a due date, or when nobody knows when it came.

    Both moments with a time zone, or both in UTC without one.
    """
    if handed_in is None or due is None:
        return 0.0
    return max(0.0, (handed_in - due - (extension or timedelta(0))).total_seconds())


def penalty(rule: Rule, late: float, earned: float, possible: float) -> float:
    """The points that come off when a submission is `late` seconds late: never more than were earned.

    earned, possible: points of the lesson, marks given by hand and extra credit among the first.
    """
    if late <= rule.grace.total_seconds():
        return 0.0
    days = late / DAY if rule.days == "exact" else math.ceil(late / DAY)
    percent = min(rule.at_most, rule.percent_per_day * days)
    points = percent / 100 * (earned if rule.percent_of == "earned" else possible)
    return total([min(max(earned, 0.0), points)])
