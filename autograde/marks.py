"""What a class has earned, as exports and tables count it: a mark, or the statuses that stand for none.

Everything is read once for the whole class (`lesson_marks`); what it comes to is a pure function (`lesson_mark`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autograde import catalogue
from autograde.cells import exercise_grade_id
from autograde.course import Course
from autograde.exercise import Outcome, total
from autograde.gradebook import given_by_hand, late_penalties
from autograde.results import Result, reading
from autograde.submissions import Unreadable, read_submission

__all__ = ["NOT_GRADED", "LessonMark", "Row", "exercise_rows", "lesson_mark", "lesson_marks"]

NOT_GRADED = "not graded"  # handed in, and grading has not come to it
NO_MARK = (NOT_GRADED, Outcome.UNGRADED)  # whatever the gradebook holds, nothing has been found out
ORDINARY = (Outcome.PASSED, Outcome.PARTIAL, Outcome.FAILED, Outcome.NOT_ATTEMPTED)  # a zero of these is a mark
NOTHING = (None, 0.0)

ByHand = Mapping[str, tuple[float | None, float]]  # grade id -> (score in the check's place or None, extra credit)


class Row(NamedTuple):  # of which a large class has half a million
    """One exercise of one student. score: None where the outcome is a status that stands for no mark."""

    student: str
    lesson: str
    exercise: str
    outcome: str
    score: float | None
    points: float


@dataclass(frozen=True)
class LessonMark:
    """One lesson of one student. penalty: points that come off for lateness; by_hand: whether a person gave a part."""

    student: str
    lesson: str
    rows: tuple[Row, ...]
    penalty: float = 0.0
    by_hand: bool = False

    @cached_property
    def points(self) -> float:
        """What the lesson is worth."""
        return total(row.points for row in self.rows)

    @cached_property
    def statuses(self) -> tuple[str, ...]:
        """What stands beside or instead of the mark, each once: missing, crashed, not graded and so on."""
        return tuple(dict.fromkeys(row.outcome for row in self.rows if row.outcome not in ORDINARY))

    @cached_property
    def score(self) -> float | None:
        """The points earned, before the penalty; None where statuses stand for no mark.

        That is: a part has not been graded, or nothing was earned, a status is why, and nobody gave a mark by hand.
        A blank submission has earned 0, and so has one in which everything is wrong.
        """
        if any(row.score is None and row.outcome in NO_MARK for row in self.rows):
            return None
        earned = total(row.score or 0.0 for row in self.rows)
        return None if not earned and self.statuses and not self.by_hand else earned

    @cached_property
    def final(self) -> float | None:
        """The score less the penalty, as nbgrader's own export has it: never below 0; None without a score."""
        return None if self.score is None else max(0.0, total([self.score, -self.penalty]))


def lesson_marks(course: Course, lessons: Sequence[str], students: Collection[str] = ()) -> list[LessonMark]:
    """The marks of everybody, or of `students`, by student and lesson.

    A mark corrected in formgrader counts in the check's place, extra credit on top.
    """
    by_hand, penalties = given_by_hand(course.db_url), late_penalties(course.db_url)
    worth = {
        lesson: {name: entry.points for name, entry in catalogue.entries(course, lesson).items()} for lesson in lessons
    }
    wanted = [each for each in course.students() if not students or each in students]
    found = []
    with reading(course, whole=not students, brief=True) as read:
        for student in wanted:
            for lesson, points in worth.items():
                result = read(student, lesson)
                scores = _scores(result) if result else {}
                elsewhere = "" if len(scores) == len(points) else _without_verdict(course, student, lesson, result)
                at = student, lesson
                found.append(lesson_mark(*at, points, scores, elsewhere, by_hand.get(at, {}), penalties.get(at)))
    return found


def exercise_rows(marks: Sequence[LessonMark]) -> list[Row]:
    """The rows of all marks, in their order."""
    return [row for mark in marks for row in mark.rows]


def lesson_mark(
    student: str,
    lesson: str,
    points: Mapping[str, float],
    scores: Mapping[str, tuple[str, float]],
    elsewhere: str,
    by_hand: ByHand,
    penalty: float | None = None,
) -> LessonMark:
    """What a lesson comes to.

    points: by exercise, of the whole lesson; scores: (outcome, score) by exercise, as far as there are verdicts;
    elsewhere: the outcome of all other exercises; by_hand: what people gave, by grade id.
    """
    is_by_hand = any(manual is not None or extra for manual, extra in by_hand.values())
    rows = []
    for name, worth in points.items():
        outcome, found = scores.get(name) or (elsewhere, 0.0)
        manual, extra = by_hand.get(exercise_grade_id(name), NOTHING) if by_hand else NOTHING
        if manual is None and (outcome in NO_MARK or (outcome not in ORDINARY and not found and not extra)):
            score = None
        else:
            score = found if manual is None else manual
            score = total([score, extra]) if extra else float(score)
        rows.append(Row(student, lesson, name, str(outcome), score, worth))
    return LessonMark(student, lesson, tuple(rows), penalty or 0.0, is_by_hand)


def _scores(result: Result) -> dict[str, tuple[str, float]]:
    return {name: (verdict.outcome, verdict.score) for name, verdict in result.verdicts.items()}


def _without_verdict(course: Course, student: str, lesson: str, result: Result | None) -> str:
    """Why an exercise has no verdict."""
    if result and result.problem:
        return result.problem
    try:
        read_submission(course, student, lesson)
    except Unreadable as error:
        return error.outcome
    return NOT_GRADED if result is None else Outcome.MALFORMED
