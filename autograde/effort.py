"""How much work an exercise took, as the learner's own notebook tells it. Told, not proved: no mark rests on it.

In practice it goes along in the notebook, as metadata of the output that shows a check's card. The report reads it from
what was handed in, where anybody may have written anything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["LONGEST_GAP", "METADATA_KEY", "Effort", "Moment", "as_metadata", "effort_from", "effort_of"]

METADATA_KEY = "autograde"  # of an output
LONGEST_GAP = 600.0  # seconds between two things that a learner did; whoever does nothing for longer was away
AGE_OF_FORMAT = 1_577_836_800.0  # 2020 began: no notebook of this course is older
MAX_COUNT = 100_000
A_DAY = 86_400.0


@dataclass(frozen=True)
class Moment:
    """One thing that a learner did in a lesson. at: seconds since 1970; session: the kernel it happened in."""

    at: float
    session: str
    exercise: str
    is_check: bool = False
    passed: bool = False
    hint: int = 0  # which step
    gave_up: bool = False


@dataclass(frozen=True)
class Effort:
    """What one exercise took so far. Times are seconds since 1970, None for what has not happened.

    seconds: the working time until the first pass. That is the sum of the gaps before each of the learner's checks and
    hints on this exercise, since whatever they did before in the same kernel; of each gap LONGEST_GAP counts at most.
    """

    checks: int
    hints: int
    seconds: float
    first_at: float
    last_at: float
    passed_at: float | None = None
    gave_up: bool = False


def effort_of(moments: Iterable[Moment], exercise: str) -> Effort | None:
    """What an exercise took. moments: all of the lesson's, in whatever order; None without any of the exercise."""
    ordered = sorted(moments, key=lambda moment: moment.at)
    own = [moment for moment in ordered if moment.exercise == exercise]
    if not own:
        return None
    passed_at = next((moment.at for moment in own if moment.passed), None)
    before: dict[str, float] = {}  # session -> when something last happened in it
    seconds = 0.0
    for moment in ordered:
        if moment.exercise == exercise and (passed_at is None or moment.at <= passed_at):
            seconds += min(moment.at - before.get(moment.session, moment.at), LONGEST_GAP)
        before[moment.session] = moment.at
    return Effort(
        checks=sum(moment.is_check for moment in own),
        hints=max(moment.hint for moment in own),
        seconds=round(seconds, 1),
        first_at=own[0].at,
        last_at=own[-1].at,
        passed_at=passed_at,
        gave_up=any(moment.gave_up for moment in own),
    )


def as_metadata(effort: Effort | None) -> dict[str, Any]:
    """An output's metadata that tells it; empty when there is nothing to tell."""
    return {METADATA_KEY: dataclasses.asdict(effort)} if effort else {}


def effort_from(metadata: Any, now: float) -> Effort | None:
    """What `as_metadata` wrote, None for anything that it cannot have written: the metadata is a learner's to write."""
    told = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(told, dict) or set(told) != {field.name for field in dataclasses.fields(Effort)}:
        return None
    counts = (told["checks"], told["hints"])
    if not all(type(count) is int and 0 <= count <= MAX_COUNT for count in counts) or type(told["gave_up"]) is not bool:
        return None
    times = [told["first_at"], *([] if told["passed_at"] is None else [told["passed_at"]]), told["last_at"]]
    if not all(map(_is_number, [told["seconds"], *times])):
        return None
    in_order = times[0] >= AGE_OF_FORMAT and times == sorted(times) and times[-1] <= now + A_DAY
    if not in_order or not 0 <= told["seconds"] <= times[-1] - times[0] + LONGEST_GAP:  # one gap lies before the first
        return None
    return Effort(**told)


def _is_number(value: Any) -> bool:
    # no int of any length: json reads one with a million digits, and comparing it with a float may overflow
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 1 << 53)
