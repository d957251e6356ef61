"""Results -> one self-contained HTML page. What to say is computed here, how it looks is in the template."""

from __future__ import annotations

import collections
import datetime
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader

from autograde import catalogue
from autograde.card import LOOK, code_marked
from autograde.cells import title_of
from autograde.course import Course
from autograde.exercise import Measured, Outcome, as_sentence
from autograde.results import Result, how_graded

__all__ = ["ExerciseSummary", "Leaderboard", "Mistake", "leaderboards", "render", "summaries", "write_report"]

VERSIONS_OF = ("collaborative-filtering-course", "nbgrader", "torch", "fastai")


@dataclass(frozen=True)
class Mistake:
    """A known mistake, and who made it."""

    sentence: str
    students: tuple[str, ...]


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


@dataclass(frozen=True)
class Leaderboard:
    """What was measured in an exercise, the best first. rows: place, None for a known answer; name; value."""

    lesson: str
    name: str
    what: str
    rows: tuple[tuple[int | None, str, float], ...]
    is_one_measure: bool  # all were measured on the same inputs, so that they can be compared


def leaderboards(results: list[Result]) -> list[Leaderboard]:
    """A leaderboard for each exercise in which something was measured, with known answers between the students."""
    found: dict[tuple[str, str], dict[str, Measured]] = {}
    for result in results:
        for verdict in result.verdicts.values():
            if verdict.measured:
                found.setdefault((result.lesson, verdict.name), {})[result.student] = verdict.measured
    return [_leaderboard(lesson, name, measured) for (lesson, name), measured in found.items()]


def _leaderboard(lesson: str, name: str, measured: dict[str, Measured]) -> Leaderboard:
    values = [each.value for each in measured.values()]
    first = next(iter(measured.values()))
    rows: list[tuple[int | None, str, float]] = [
        (1 + sum(value < each.value for value in values), student, each.value) for student, each in measured.items()
    ]
    rows += [(None, rung, value) for rung, value in first.rungs.items()]
    rows.sort(key=lambda row: (row[2], row[0] is not None, row[1]))  # who has just what a known answer has is below it
    return Leaderboard(
        lesson, name, first.what, tuple(rows), all(each.rungs == first.rungs for each in measured.values())
    )


def summaries(course: Course, results: list[Result]) -> list[ExerciseSummary]:
    """One summary per exercise, in the order of the course, over the results that have verdicts."""
    found = []
    for lesson in dict.fromkeys(result.lesson for result in results):
        of_lesson = [result for result in results if result.lesson == lesson and result.verdicts]
        for entry in catalogue.entries(course, lesson).values():
            found.append(_summary(lesson, entry, of_lesson))
    return found


def render(course: Course, results: list[Result], now: datetime.datetime) -> str:
    """The report as HTML. Everything it needs is in the page itself."""
    lessons = list(dict.fromkeys(result.lesson for result in results))
    by_place = {(result.student, result.lesson): result for result in results}
    environment = Environment(
        loader=PackageLoader("autograde", "report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["look"] = LOOK.get
    environment.filters["code"] = code_marked
    environment.filters["number"] = lambda value: f"{value:.2f}".rstrip("0").rstrip(".")
    summarised = summaries(course, results)
    return environment.get_template("report.html").render(
        now=now,
        lessons=lessons,
        titles={each: title_of((course.solutions / f"{each}.py").read_text(encoding="utf-8")) for each in lessons},
        points={each: catalogue.points(course, each) for each in lessons},
        students=list(dict.fromkeys(result.student for result in results)),
        results=by_place,
        attention=[result for result in results if result.statuses and result.statuses != [Outcome.NOT_ATTEMPTED]],
        mended=[result for result in results if result.notes],
        unwalled=[result for result in results if result.walls is False],
        how=how_graded(course),
        summaries=summarised,
        leaderboards=leaderboards(results),
        frequent=sorted(
            ((m, s) for s in summarised if not s.is_question for m in s.mistakes),
            key=lambda entry: -len(entry[0].students),
        )[:10],
        outcomes=list(Outcome),
        versions={name: importlib.metadata.version(name) for name in VERSIONS_OF},
    )


def write_report(course: Course, results: list[Result]) -> Path:
    """Write the report for these results and return its path."""
    course.report.parent.mkdir(parents=True, exist_ok=True)
    draft = course.report.with_suffix(".tmp")
    draft.write_text(render(course, results, datetime.datetime.now().astimezone()), encoding="utf-8")
    return draft.replace(course.report)


def _summary(lesson: str, entry: catalogue.Entry, results: list[Result]) -> ExerciseSummary:
    verdicts = {result.student: result.verdicts[entry.name] for result in results if entry.name in result.verdicts}
    counts = collections.Counter(verdict.outcome for verdict in verdicts.values())
    made = {
        s: tuple(
            who for who, v in verdicts.items() if any(as_sentence(line.feedback) == as_sentence(s) for line in v.lines)
        )
        for s in entry.sentences
    }
    explained = {who for students in made.values() for who in students}
    wrong = [who for who, v in verdicts.items() if v.outcome in (Outcome.PARTIAL, Outcome.FAILED)]
    mistakes = [Mistake(sentence, who) for sentence, who in made.items() if who]
    return ExerciseSummary(
        lesson=lesson,
        name=entry.name,
        is_question=entry.is_question,
        points=entry.points,
        mean=sum(v.score for v in verdicts.values()) / len(verdicts) if verdicts else 0.0,
        outcomes={outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
        mistakes=tuple(sorted(mistakes, key=lambda mistake: -len(mistake.students))),
        unknown=tuple(who for who in wrong if who not in explained),
    )
