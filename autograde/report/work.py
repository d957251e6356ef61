"""What students wrote, as far as the report shows it: an example of each mistake, who wrote alike, what notebooks tell.

Of what was read in a lesson only this is kept: a class of thousands must fit into memory. In a large class lessons are
read by several processes, since most of the time goes into comparing code.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import NamedTuple

from autograde import build, catalogue
from autograde.course import Course
from autograde.effort import Effort
from autograde.handed_in import answers_in, handed_in
from autograde.kernel import system
from autograde.report.summary import ExerciseSummary
from autograde.results import Result
from autograde.similarity import Pair, similar, without_docstrings

__all__ = ["Work", "work_of"]

MARKS = re.compile(r"(?m)^ *### (BEGIN|END) SOLUTION\n?")
MANY = 2_000  # submissions that are worth further processes
MAX_PAIRS = 100  # of one class, with their texts
MAX_LINES, MAX_COLUMNS = 24, 160  # of a text that is shown


@dataclass
class Work:
    """What is shown of students' work.

    examples: (exercise, name of the mistake) -> code of one who made it; solutions: exercise -> the lesson's own code;
    pairs: who wrote alike, the most alike first, and n_pairs of them in all; texts: (student, exercise) -> code, of
    the pairs; efforts: exercise -> student -> what the notebook tells.
    """

    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    solutions: dict[str, str] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    n_pairs: int = 0
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    efforts: dict[str, dict[str, Effort]] = field(default_factory=dict)


def work_of(course: Course, results: Sequence[Result], summaries: Iterable[ExerciseSummary]) -> Work:
    """Read what the students of these results handed in."""
    students: dict[str, list[str]] = {}
    for result in results:
        students.setdefault(result.lesson, []).append(result.student)
    by_lesson: dict[str, list[ExerciseSummary]] = {}
    for summary in summaries:
        by_lesson.setdefault(summary.lesson, []).append(summary)
    said, now = _Said(course), time.time()
    jobs = [_Job(course, lesson, students[lesson], found, said, now) for lesson, found in by_lesson.items()]
    return _together(_done(jobs, 1 if len(results) < MANY else os.cpu_count() or 1))


class _Job(NamedTuple):
    """A lesson to read: its students, its exercises, and the time of the report."""

    course: Course
    lesson: str
    students: Sequence[str]
    summaries: Sequence[ExerciseSummary]
    said: _Said
    now: float


def _done(jobs: Sequence[_Job], n_processes: int) -> list[Work]:
    """The work of each lesson, in the order of the jobs."""
    if min(len(jobs), n_processes) > 1:
        anew = multiprocessing.get_context("spawn")  # this process may have threads, which no fork survives
        try:
            with ProcessPoolExecutor(min(len(jobs), n_processes), anew, _end_with_the_report) as pool:
                return list(pool.map(_of_lesson, jobs))
        except (BrokenProcessPool, OSError):  # killed, or not even started, where memory is short: one needs less
            pass
    return [_of_lesson(job) for job in jobs]


def _end_with_the_report() -> None:
    """What such a process does first: whatever ends the report ends it too, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        system.die_with_parent(signal.SIGKILL)


def _together(works: Iterable[Work]) -> Work:
    found = Work()
    for work in works:
        found.examples |= work.examples
        found.solutions |= work.solutions
        found.texts |= work.texts
        found.efforts |= work.efforts
        found.pairs += work.pairs
        found.n_pairs += work.n_pairs
    _keep_the_most_alike(found)
    return found


def _keep_the_most_alike(work: Work) -> None:
    work.pairs.sort(key=lambda pair: (-round(pair.score, 2), -pair.weight))
    del work.pairs[MAX_PAIRS:]
    shown = {(who, pair.exercise) for pair in work.pairs for who in (pair.one, pair.other)}
    work.texts = {key: text for key, text in work.texts.items() if key in shown}


def _of_lesson(job: _Job) -> Work:
    course, lesson, students, summaries, said, now = job
    work, names = Work(), [summary.name for summary in summaries]
    cells: dict[str, dict[str, str]] = {name: {} for name in names}
    same: dict[str, str] = {}  # most of a class has one of a few texts: each is kept once
    for student in students:
        came = handed_in(course, student, lesson, names, now)
        for name, code in came.answers.items():
            cells[name][student] = same.setdefault(code, code)
        for name, effort in came.efforts.items():
            work.efforts.setdefault(name, {})[student] = effort
    nobodys_names = said.names(lesson)
    solutions = answers_in(build.source(course, lesson), names)
    for summary in summaries:
        if summary.is_question:
            continue
        own = cells[summary.name]
        if summary.mistakes and summary.name in solutions:
            work.solutions[summary.name] = shortened(MARKS.sub("", solutions[summary.name]))
        for mistake in summary.mistakes:
            written = [own[who] for who in mistake.students if own.get(who, "").strip()]
            if written:
                work.examples[summary.name, mistake.name] = shortened(min(written, key=lambda code: (len(code), code)))
        pairs = similar(lesson, summary.name, own, nobodys_names, lambda: said.fragments(lesson))
        work.pairs += pairs
        for pair in pairs:
            for who in (pair.one, pair.other):
                work.texts[who, summary.name] = shortened(own[who], 2 * MAX_LINES)
    work.n_pairs = len(work.pairs)
    _keep_the_most_alike(work)
    return work


def shortened(code: str, max_lines: int = MAX_LINES) -> str:
    """The beginning of some code without its docstrings and control characters; a last line says what was left out."""
    lines = [
        "".join(c if c.isprintable() else " " for c in line.expandtabs(4)).rstrip()
        for line in without_docstrings(code).strip().split("\n")
    ]
    lines = [line if len(line) <= MAX_COLUMNS else f"{line[: MAX_COLUMNS - 1]}…" for line in lines]
    if len(lines) <= max_lines:
        return "\n".join(lines)
    return "\n".join([*lines[:max_lines], f"… and {len(lines) - max_lines} more lines"])


class _Said:
    """What lessons say in code, up to and with a lesson. Read when somebody asks."""

    def __init__(self, course: Course):
        self._course, self._lessons = course, course.lessons()
        self._said: dict[str, catalogue.Said] = {}

    def names(self, lesson: str) -> frozenset[str]:
        return frozenset().union(*(each.names for each in self._until(lesson)))

    def fragments(self, lesson: str) -> frozenset[int]:
        return frozenset().union(*(each.fragments for each in self._until(lesson)))

    def _until(self, lesson: str) -> list[catalogue.Said]:
        before = self._lessons[: self._lessons.index(lesson) + 1]
        for each in before:
            if each not in self._said:
                self._said[each] = catalogue.said(self._course, each)
        return [self._said[each] for each in before]
