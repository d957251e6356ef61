"""Results -> one self-contained HTML page. What to say is computed here and beside it, looks are in the template."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from autograde import catalogue
from autograde.card import LOOK, code_marked
from autograde.cells import title_of
from autograde.course import Course
from autograde.exercise import Outcome
from autograde.files import write_whole
from autograde.report.planted import FoundAgain, found_again
from autograde.report.summary import ExerciseSummary, Mistake, leaderboards, spread, summaries, told
from autograde.report.work import MAX_PAIRS, Work, work_of
from autograde.results import Result, how_graded
from autograde.similarity import COMMONPLACE, LEAST_SCORE, Pair

__all__ = ["KEPT", "Written", "earlier", "render", "write_report"]

VERSIONS_OF = ("collaborative-filtering-course", "nbgrader", "torch", "fastai")
KEPT = 10  # earlier reports
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-\d+)?\.html")
LINKS = re.compile(r"<!-- earlier -->.*?<!-- /earlier -->", re.DOTALL)
TO_NEWEST = '<p><a href="index.html">There is a newer report.</a></p>'
FREQUENT = 10  # mistakes to talk about
NAMES_SHOWN = 30  # of those who made a mistake; a script lists the others


@dataclass(frozen=True)
class Written:
    """The report's path, and in a sample class whether what was planted there was found again."""

    path: Path
    found_again: FoundAgain | None


@dataclass(frozen=True)
class Row:
    """A student in the table of marks. cells: for each lesson a score and statuses, (None, ()) where not graded."""

    student: str
    cells: tuple[tuple[float | None, tuple[Outcome, ...]], ...]
    total: float


def render(course: Course, results: list[Result], now: datetime.datetime, before: Sequence[str] = ()) -> str:
    """The report as HTML. Everything it needs is in the page itself. before: files of earlier reports, beside it."""
    return _rendered(course, results, now, before)[0]


def _rendered(
    course: Course, results: list[Result], now: datetime.datetime, before: Sequence[str]
) -> tuple[str, FoundAgain | None]:
    lessons = list(dict.fromkeys(result.lesson for result in results))
    points = {lesson: catalogue.points(course, lesson) for lesson in lessons}
    summarised = summaries(course, results)
    work = work_of(course, results, summarised)
    rows = _rows(lessons, results)
    again = found_again(course, results, summarised, work.pairs)
    html = (
        _environment()
        .get_template("report.html")
        .render(
            now=now,
            lessons=lessons,
            titles={each: title_of((course.solutions / f"{each}.py").read_text(encoding="utf-8")) for each in lessons},
            points=points,
            rows=rows,
            details=_details(lessons, rows, results, summarised, work),
            attention=sorted(
                (result for result in results if result.statuses and result.statuses != [Outcome.NOT_ATTEMPTED]),
                key=lambda result: result.problem is Outcome.MISSING,  # at the end: in a large class they are many
            ),
            mended=[result for result in results if result.notes],
            unwalled=[result for result in results if result.walls is False],
            again=again,
            how=how_graded(course),
            summaries=summarised,
            work=work,
            alike=_by_students(work.pairs),
            n_alike=len({(pair.one, pair.other) for pair in work.pairs}),
            least_score=LEAST_SCORE,
            commonplace=COMMONPLACE,
            max_pairs=MAX_PAIRS,
            told={name: told(efforts.values()) for name, efforts in work.efforts.items()},
            told_lessons=_told_lessons(summarised, work),
            spreads=_spreads(lessons, points, results),
            leaderboards=leaderboards(results),
            frequent=_frequent(summarised),
            outcomes=list(Outcome),
            places={key: place for place, key in enumerate((s.name, m.name) for s in summarised for m in s.mistakes)},
            names_shown=NAMES_SHOWN,
            earlier=before,
            kept=KEPT,
            versions={name: importlib.metadata.version(name) for name in VERSIONS_OF},
        )
    )
    return html, again


def write_report(course: Course, results: list[Result], now: datetime.datetime | None = None) -> Written:
    """Write the report for these results, in one move. The one before is kept under the time at which it was made."""
    folder = course.report.parent
    folder.mkdir(parents=True, exist_ok=True)
    now = now or datetime.datetime.now().astimezone()
    last = _put_aside(course)
    html, again = _rendered(course, results, now, [path.name for path in earlier(course)])
    write_whole(course.report, html.encode())
    if last:
        last.write_text(LINKS.sub(TO_NEWEST, last.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    return Written(course.report, again)


def earlier(course: Course) -> list[Path]:
    """The earlier reports that are kept, the newest first."""
    folder = course.report.parent
    found = [path for path in folder.glob("*.html") if STAMP.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: path.name, reverse=True)


def _put_aside(course: Course) -> Path | None:
    """Keep the last report as a file of its own, beside the few that are kept; it stays in its place, too."""
    report = course.report
    if not report.is_file():
        return None
    made = datetime.datetime.fromtimestamp(report.stat().st_mtime).strftime("%Y-%m-%dT%H-%M-%S")
    path, number = report.with_name(f"{made}.html"), 1
    while path.exists():
        number += 1
        path = report.with_name(f"{made}-{number}.html")
    draft = path.with_suffix(".tmp")
    draft.write_bytes(report.read_bytes())
    os.utime(draft, ns=(report.stat().st_atime_ns, report.stat().st_mtime_ns))
    draft.replace(path)
    for old in earlier(course)[KEPT:]:
        old.unlink()
    return path


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograde", "report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["look"] = LOOK.get
    environment.filters["code"] = code_marked
    environment.filters["number"] = lambda value: f"{value:.2f}".rstrip("0").rstrip(".")
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    environment.filters["time"] = _time
    environment.filters["stamp"] = lambda name: name[:10] + ", " + name[11:16].replace("-", ":")
    return environment


def _time(minutes: float) -> str:
    """Minutes as somebody says them: 45 s, 12 min, 2 h 05 min."""
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    whole = round(minutes)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60:02} min"


def _rows(lessons: Sequence[str], results: Sequence[Result]) -> list[Row]:
    by_student: dict[str, dict[str, Result]] = {}
    for result in results:
        by_student.setdefault(result.student, {})[result.lesson] = result
    rows = []
    for student, found in by_student.items():
        cells = [
            (None if result is None or result.problem else result.score, tuple(result.statuses) if result else ())
            for result in map(found.get, lessons)
        ]
        rows.append(Row(student, tuple(cells), sum(score or 0 for score, _ in cells)))
    return rows


def _frequent(summarised: Sequence[ExerciseSummary]) -> list[tuple[Mistake, ExerciseSummary]]:
    """The most frequent mistakes in code; of equally frequent ones, those of different exercises first."""
    found = [
        (-len(mistake.students), rank, place, mistake, summary)
        for place, summary in enumerate(summarised)
        if not summary.is_question
        for rank, mistake in enumerate(summary.mistakes)
    ]
    return [entry[3:] for entry in sorted(found, key=lambda entry: entry[:3])[:FREQUENT]]


def _spreads(lessons: Sequence[str], points: dict[str, float], results: Sequence[Result]) -> list[tuple[str, Any]]:
    """(lesson, how its marks spread), the whole course first, over what could be graded."""
    shares: dict[str, list[float]] = {lesson: [] for lesson in lessons}
    earned: dict[str, list[float]] = {}
    for result in results:
        if result.verdicts and points[result.lesson]:
            shares[result.lesson].append(result.score / points[result.lesson])
            so_far = earned.setdefault(result.student, [0.0, 0.0])
            so_far[0] += result.score
            so_far[1] += points[result.lesson]
    whole = ("", spread([score / of for score, of in earned.values()]))
    found = [whole, *((lesson, spread(shares[lesson])) for lesson in lessons)]
    return [(lesson, each) for lesson, each in (found if len(lessons) > 1 else found[1:]) if each]


def _told_lessons(summarised: Sequence[ExerciseSummary], work: Work) -> dict[str, dict[str, Any]]:
    """What the notebooks tell of each lesson: medians, over those that tell anything, of sums over its exercises."""
    sums: dict[str, dict[str, list[float]]] = {}
    for summary in summarised:
        for student, effort in work.efforts.get(summary.name, {}).items():
            found = sums.setdefault(summary.lesson, {}).setdefault(student, [0, 0, 0, 0])
            for i, value in enumerate((effort.seconds / 60, effort.checks, effort.hints, effort.gave_up)):
                found[i] += value
    keys = ("minutes", "checks", "hints")
    return {
        lesson: {
            "n": len(found),
            "longest": max(each[0] for each in found.values()),
            "gave_up": int(sum(each[3] for each in found.values())),
            **{key: statistics.median(each[i] for each in found.values()) for i, key in enumerate(keys)},
        }
        for lesson, found in sums.items()
    }


def _by_students(pairs: Sequence[Pair]) -> list[tuple[tuple[str, str], list[Pair]]]:
    found: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        found.setdefault((pair.one, pair.other), []).append(pair)
    return list(found.items())


def _details(
    lessons: Sequence[str],
    rows: Sequence[Row],
    results: Sequence[Result],
    summarised: Sequence[ExerciseSummary],
    work: Work,
) -> dict[str, Any]:
    """What the page's script unfolds, short: for each student, in the order of the rows, a text.

    It holds a word for each exercise, "-" without a verdict: the outcome's place in the enum; "=" and the score unless
    it is what the outcome says; "/" minutes "/" hints where the notebook tells them.
    """
    by_place = {(result.student, result.lesson): result for result in results}
    codes = {outcome: f"{place:x}" for place, outcome in enumerate(Outcome)}
    of_lesson: dict[str, list[ExerciseSummary]] = {lesson: [] for lesson in lessons}
    for summary in summarised:
        of_lesson[summary.lesson].append(summary)

    def word(result: Result, summary: ExerciseSummary) -> str:
        verdict = result.verdicts.get(summary.name)
        if verdict is None:
            return "-"
        ordinary = summary.points if verdict.passed else 0.0
        score = "" if verdict.score == ordinary else f"={verdict.score:g}"
        effort = work.efforts.get(summary.name, {}).get(result.student)
        return f"{codes[verdict.outcome]}{score}" + (f"/{effort.seconds / 60:.0f}/{effort.hints}" if effort else "")

    students = []
    for row in rows:
        words = []
        for lesson in lessons:
            result = by_place.get((row.student, lesson))
            ready = result if result and result.verdicts else None
            words += [word(ready, summary) if ready else "-" for summary in of_lesson[lesson]]
        students.append(" ".join(words))
    places = {row.student: place for place, row in enumerate(rows)}
    order = [summary for lesson in lessons for summary in of_lesson[lesson]]
    return {
        "looks": [[str(outcome), *LOOK[outcome]] for outcome in Outcome],
        "exercises": [[lessons.index(s.lesson), s.name, s.points] for s in order],
        "students": students,
        "mistakes": [
            [place, mistake.sentence, [places[who] for who in mistake.students]]
            for place, summary in enumerate(order)
            for mistake in summary.mistakes
        ],
    }
