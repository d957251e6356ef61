"""What verdicts say, in a line or two, for a column of comments."""

from __future__ import annotations

import textwrap

from autograde.exercise import Verdict
from autograde.export.sheet import shown
from autograde.marks import LessonMark
from autograde.results import Result

__all__ = ["comment"]

LONGEST = 240  # characters for one exercise


def comment(mark: LessonMark, result: Result | None) -> str:
    """A sentence for each exercise that lost points, and the late penalty; "" where nothing was lost."""
    verdicts = result.verdicts if result else {}
    parts = [
        f"{row.exercise}, {shown(row.score)} of {shown(row.points)}: {_reason(row.outcome, verdicts.get(row.exercise))}"
        for row in mark.rows
        if row.score is not None and row.score < row.points
    ]
    if mark.penalty:
        parts.append(f"Handed in late: {shown(mark.penalty)} points off.")
    return " ".join(parts)


def _reason(outcome: str, verdict: Verdict | None) -> str:
    helping = [line.feedback for line in verdict.lines if line.feedback and not line.passed] if verdict else []
    sentence = helping[0] if helping else verdict.feedback if verdict else ""
    return textwrap.shorten(sentence or f"{outcome}.", LONGEST, placeholder=" ...")
