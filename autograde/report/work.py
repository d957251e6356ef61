"""What students wrote, as far as the report shows it: an example of each mistake, who wrote alike, what notebooks tell.

A lesson is read at a time, and of what was read only this is kept: a class of thousands must fit into memory.
"""

from __future__ import annotations

import builtins
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograde import build, catalogue
from autograde.cells import slug_of
from autograde.course import Course
from autograde.effort import Effort
from autograde.handed_in import answers_in, handed_in
from autograde.report.summary import ExerciseSummary
from autograde.results import Result
from autograde.similarity import Pair, fragments, known_names, similar, without_docstrings

__all__ = ["Work", "work_of"]

MARKS = re.compile(r"(?m)^ *### (BEGIN|END) SOLUTION\n?")
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
    work, lessons = Work(), _LessonTexts(course)
    students: dict[str, list[str]] = {}
    for result in results:
        students.setdefault(result.lesson, []).append(result.student)
    by_lesson: dict[str, list[ExerciseSummary]] = {}
    for summary in summaries:
        by_lesson.setdefault(summary.lesson, []).append(summary)
    for lesson, found in by_lesson.items():
        _add_lesson(work, course, lesson, students[lesson], found, lessons)
    work.pairs.sort(key=lambda pair: (-round(pair.score, 2), -pair.weight))
    work.n_pairs = len(work.pairs)
    del work.pairs[MAX_PAIRS:]
    shown = {(who, pair.exercise) for pair in work.pairs for who in (pair.one, pair.other)}
    work.texts = {key: text for key, text in work.texts.items() if key in shown}
    return work


def _add_lesson(
    work: Work,
    course: Course,
    lesson: str,
    students: Iterable[str],
    summaries: Sequence[ExerciseSummary],
    lessons: _LessonTexts,
) -> None:
    names = [summary.name for summary in summaries]
    now = time.time()
    cells: dict[str, dict[str, str]] = {name: {} for name in names}
    same: dict[str, str] = {}  # most of a class has one of a few texts: each is kept once
    for student in students:
        came = handed_in(course, student, lesson, names, now)
        for name, code in came.answers.items():
            cells[name][student] = same.setdefault(code, code)
        for name, effort in came.efforts.items():
            work.efforts.setdefault(name, {})[student] = effort
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
        pairs = similar(lesson, summary.name, own, lessons.names(lesson), lambda: lessons.fragments(lesson))
        work.pairs += pairs
        for pair in pairs:
            for who in (pair.one, pair.other):
                work.texts[who, summary.name] = shortened(own[who], 2 * MAX_LINES)


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


class _LessonTexts:
    """What lessons and their known mistakes say in code, up to a lesson: for similarity that counts for nothing."""

    def __init__(self, course: Course):
        self._course = course
        self._lessons = course.lessons()
        self._names: dict[str, frozenset[str]] = {}
        self._fragments: dict[str, frozenset[int]] = {}

    def names(self, lesson: str) -> frozenset[str]:
        if lesson not in self._names:
            before = self._names_before(lesson)
            self._names[lesson] = before | known_names(self._texts(lesson))
        return self._names[lesson]

    def fragments(self, lesson: str) -> frozenset[int]:
        if lesson not in self._fragments:
            place = self._lessons.index(lesson)
            before = self.fragments(self._lessons[place - 1]) if place else frozenset()
            own = [fragments(text, self.names(lesson)) for text in self._texts(lesson)]
            self._fragments[lesson] = before.union(*own)
        return self._fragments[lesson]

    def _names_before(self, lesson: str) -> frozenset[str]:
        place = self._lessons.index(lesson)
        return self.names(self._lessons[place - 1]) if place else frozenset(dir(builtins))

    def _texts(self, lesson: str) -> list[str]:
        """The lesson's script, which holds its solutions and its own cells, and the file of its known mistakes."""
        mistakes = Path(catalogue.__file__).parent / "exercises" / f"{slug_of(lesson)}.py"  # read: they import torch
        paths = [self._course.solutions / f"{lesson}.py", mistakes]
        return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
