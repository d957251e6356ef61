"""What a class did, counted: outcomes and mistakes by exercise, leaderboards, how marks spread. Values, no page."""

from __future__ import annotations

import bisect
import collections
import functools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograde import catalogue
from autograde.course import Course
from autograde.effort import Effort
from autograde.exercise import Measured, Outcome, as_sentence
from autograde.results import Result

__all__ = [
    "ExerciseSummary",
    "Leaderboard",
    "Mistake",
    "Spread",
    "Told",
    "leaderboards",
    "spread",
    "summaries",
    "told",
]

BINS = 10


@dataclass(frozen=True)
class Mistake:
    """A known mistake, who made it, and the checks that it failed, as the learner reads them."""

    name: str
    sentence: str
    students: tuple[str, ...]
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did in one exercise. `outcomes` counts students by outcome, in the enum's order."""

    lesson: str
    name: str
    is_question: bool
    points: float
    mean: float
    outcomes: dict[Outcome, int]
    mistakes: tuple[Mistake, ...]  # the most frequent first
    unknown: tuple[str, ...]  # students whose mistake no misconception explains
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaderboard:
    """What was measured in an exercise, the best first. rows: place, None for a known answer; name; value."""

    lesson: str
    name: str
    what: str
    rows: tuple[tuple[int | None, str, float], ...]
    is_one_measure: bool  # all were measured on the same inputs, so that they can be compared


@dataclass(frozen=True)
class Spread:
    """How marks spread, as parts of all points. counts: students in each tenth, full marks in the last."""

    counts: tuple[int, ...]
    median: float
    lower: float  # a quarter of the students have less, or just this
    upper: float


@dataclass(frozen=True)
class Told:
    """What notebooks tell of the work on something: medians over those that tell. minutes of working time."""

    n: int
    minutes: float
    checks: float
    hints: float
    gave_up: int


def leaderboards(results: list[Result]) -> list[Leaderboard]:
    """A leaderboard for each exercise in which something was measured, with known answers between the students."""
    found: dict[tuple[str, str], dict[str, Measured]] = {}
    for result in results:
        for verdict in result.verdicts.values():
            if verdict.measured:
                found.setdefault((result.lesson, verdict.name), {})[result.student] = verdict.measured
    return [_leaderboard(lesson, name, measured) for (lesson, name), measured in found.items()]


def _leaderboard(lesson: str, name: str, measured: dict[str, Measured]) -> Leaderboard:
    values = sorted(each.value for each in measured.values())
    first = next(iter(measured.values()))
    rows: list[tuple[int | None, str, float]] = [
        (1 + bisect.bisect_left(values, each.value), student, each.value) for student, each in measured.items()
    ]
    rows += [(None, rung, value) for rung, value in first.rungs.items()]
    rows.sort(key=lambda row: (row[2], row[0] is not None, row[1]))  # who has just what a known answer has is below it
    return Leaderboard(
        lesson, name, first.what, tuple(rows), all(each.rungs == first.rungs for each in measured.values())
    )


def summaries(course: Course, results: list[Result]) -> list[ExerciseSummary]:
    """One summary per exercise, in the order of the course, over the results that have verdicts."""
    by_lesson: dict[str, list[Result]] = {}
    for result in results:
        of_lesson = by_lesson.setdefault(result.lesson, [])
        if result.verdicts:
            of_lesson.append(result)
    return [
        _summary(lesson, entry, of_lesson)
        for lesson, of_lesson in by_lesson.items()
        for entry in catalogue.entries(course, lesson).values()
    ]


_as_read = functools.lru_cache(maxsize=100_000)(as_sentence)


def _summary(lesson: str, entry: catalogue.Entry, results: list[Result]) -> ExerciseSummary:
    verdicts = {result.student: result.verdicts[entry.name] for result in results if entry.name in result.verdicts}
    counts = collections.Counter(verdict.outcome for verdict in verdicts.values())
    made: dict[str, dict[str, None]] = {_as_read(sentence): {} for sentence in entry.sentences}
    failed: dict[str, dict[str, None]] = {sentence: {} for sentence in made}
    unknown = []
    for who, verdict in verdicts.items():
        is_explained = False
        for line in verdict.lines:
            if line.feedback and (sentence := _as_read(line.feedback)) in made:
                made[sentence][who] = failed[sentence][line.sentence] = None
                is_explained = True
        if verdict.outcome in (Outcome.PARTIAL, Outcome.FAILED) and not is_explained:
            unknown.append(who)
    mistakes = [
        Mistake(name, sentence, tuple(made[_as_read(sentence)]), tuple(failed[_as_read(sentence)]))
        for name, sentence in zip(entry.mistakes, entry.sentences, strict=True)
        if made[_as_read(sentence)]
    ]
    return ExerciseSummary(
        lesson=lesson,
        name=entry.name,
        is_question=entry.is_question,
        points=entry.points,
        mean=sum(v.score for v in verdicts.values()) / len(verdicts) if verdicts else 0.0,
        outcomes={outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
        mistakes=tuple(sorted(mistakes, key=lambda mistake: -len(mistake.students))),
        unknown=tuple(unknown),
        hints=entry.hints,
    )


def spread(shares: Sequence[float]) -> Spread | None:
    """How marks spread. shares: of all points, from 0 to 1; None for nobody."""
    if not shares:
        return None
    counts = collections.Counter(min(BINS - 1, int(share * BINS + 1e-9)) for share in shares)
    quarters = statistics.quantiles(shares, n=4, method="inclusive") if len(shares) > 1 else [shares[0]] * 3
    return Spread(tuple(counts[each] for each in range(BINS)), quarters[1], quarters[0], quarters[2])


def told(efforts: Iterable[Effort]) -> Told | None:
    """What these notebooks tell; None when none of them tells anything."""
    efforts = list(efforts)
    if not efforts:
        return None
    return Told(
        n=len(efforts),
        minutes=statistics.median(effort.seconds for effort in efforts) / 60,
        checks=statistics.median(effort.checks for effort in efforts),
        hints=statistics.median(effort.hints for effort in efforts),
        gave_up=sum(effort.gave_up for effort in efforts),
    )
