"""What verdicts say, in a line or two, for a column of comments."""

from __future__ import annotations

import textwrap

from autograde.exercise import Verdict
from autograde.export.sheet import shown
from autograde.marks import LessonMark, Row
from autograde.results import Result

__all__ = ["comment", "late"]

LONGEST = 240  # characters for one exercise


def comment(mark: LessonMark, result: Result | None) -> str:
    """A sentence for each exercise that lost points, and the late penalty; "" where nothing was lost."""
    verdicts = result.verdicts if result else {}
    parts = [
        f"{row.exercise}, {_earned(row)}: {_reason(row.outcome, verdicts.get(row.exercise))}"
        for row in mark.rows
        if row.score is None or row.score < row.points
    ]
    return " ".join([*parts, *late(mark)])


def late(mark: LessonMark) -> list[str]:
    """The sentence about a late penalty, if there is one."""
    points = "1 point" if mark.penalty == 1 else f"{shown(mark.penalty)} points"
    return [f"Handed in late: {points} off."] if mark.penalty else []


def _earned(row: Row) -> str:
    return row.outcome if row.score is None else f"{shown(row.score)} of {shown(row.points)}"


def _reason(outcome: str, verdict: Verdict | None) -> str:
    helping = [line.feedback for line in verdict.lines if line.feedback and not line.passed] if verdict else []
    sentence = helping[0] if helping else verdict.feedback if verdict else ""
    return textwrap.shorten(sentence or f"{outcome}.", LONGEST, placeholder=" ...")
