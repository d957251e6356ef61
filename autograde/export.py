"""Marks as rows, for a spreadsheet: one for each student, lesson and exercise. Nothing is graded here."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields

from autograde import catalogue
from autograde.cells import exercise_grade_id
from autograde.course import Course
from autograde.exercise import Outcome
from autograde.gradebook import given_by_hand
from autograde.results import Result, result_of
from autograde.submissions import Unreadable, read_submission

__all__ = ["Row", "as_csv", "rows"]


@dataclass(frozen=True)
class Row:
    """One exercise of one student. A score of 0 always has its outcome beside it; ungraded work has no score."""

    student: str
    lesson: str
    exercise: str
    outcome: str
    score: float | None
    points: float


def rows(course: Course, lessons: list[str]) -> list[Row]:
    """The marks of everybody, by student, lesson and exercise. A mark corrected in formgrader counts."""
    by_hand = given_by_hand(course.db_url)
    return [
        row
        for student in course.students()
        for lesson in lessons
        for row in _rows_of(course, student, lesson, by_hand.get((student, lesson), {}))
    ]


def as_csv(table: list[Row]) -> str:
    """The rows as CSV with a header; numbers as short as they can be."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(Row)])
    for row in table:
        writer.writerow([f"{value:g}" if isinstance(value, float) else value for value in astuple(row)])
    return out.getvalue()


def _rows_of(course: Course, student: str, lesson: str, by_hand: dict[str, tuple[float | None, float]]) -> list[Row]:
    result = result_of(course, student, lesson)
    verdicts = result.verdicts if result else {}
    table = []
    for name, entry in catalogue.entries(course, lesson).items():
        verdict = verdicts.get(name)
        outcome = verdict.outcome if verdict else _without_verdict(course, student, lesson, result)
        score = verdict.score if verdict else None if outcome == Outcome.UNGRADED else 0.0
        manual, extra = by_hand.get(exercise_grade_id(name), (None, 0.0))
        score = score if manual is None else manual
        table.append(
            Row(student, lesson, name, str(outcome), None if score is None else float(score + extra), entry.points)
        )
    return table


def _without_verdict(course: Course, student: str, lesson: str, result: Result | None) -> str:
    if result and result.problem:
        return result.problem
    try:
        read_submission(course, student, lesson)
    except Unreadable as error:
        return error.outcome
    return "not graded" if result is None else Outcome.MALFORMED
