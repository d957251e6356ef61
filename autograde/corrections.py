"""Who gains and who loses when a class is graded again: what stands in the gradebook beside what grading found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autograde.cells import exercise_grade_id
from autograde.exercise import total
from autograde.gradebook import Grade, Standing

__all__ = ["Change", "Corrections", "changes"]

LATE = "late"  # in the place of an exercise: points taken off for lateness
NEW = Grade(None, None, None, 0.0)


@dataclass(frozen=True)
class Change:
    """One exercise of one student, with its points then and now. None: it is not in the lesson, or had no mark."""

    student: str
    lesson: str
    exercise: str
    before: float | None
    before_of: float
    after: float | None
    after_of: float

    @property
    def gain(self) -> float:
        return total([self.after or 0.0, -(self.before or 0.0)])

    def __str__(self) -> str:
        if self.exercise == LATE:
            return f"{self.before or 0:g} -> {self.after or 0:g} for lateness"
        return f"{_mark(self.before, self.before_of)} -> {_mark(self.after, self.after_of)}"


def changes(
    student: str,
    lesson: str,
    standing: Standing,
    scores: Mapping[str, tuple[float, float]],
    penalty: Callable[[str, str, float, float], float],
) -> tuple[list[Change], list[str]]:
    """What would change for a student, and what the instructor has to look at, in a sentence each.

    scores: exercise -> (score, points), as grading found them; penalty: what comes off for lateness, of student,
    lesson, points earned and points possible. Marks given by hand stay in the place of what the checks give.
    """
    found, notes = [], []
    earned = possible = 0.0
    left = dict(standing.grades)
    for exercise, (score, points) in scores.items():
        grade = left.pop(exercise_grade_id(exercise), NEW)
        after = grade._replace(auto=score, points=points).score
        earned, possible = total([earned, after or 0.0]), total([possible, points])
        if grade.score is None or not _equal(after, grade.score):
            found.append(Change(student, lesson, exercise, grade.score, grade.points, after, points))
        if grade.manual is not None and grade.manual > points:
            notes.append(
                f"{student} {lesson} {exercise}: the mark given by hand, {grade.manual:g}, is kept, and is more than "
                f"the {points:g} that there are now. Look at it in formgrader."
            )
    for name, grade in left.items():
        found.append(Change(student, lesson, name, grade.score, grade.points, None, 0.0))
        if grade.manual is not None:
            notes.append(f"{student} {lesson} {name}: a mark given by hand, {grade.manual:g}, goes with the exercise.")
    late = penalty(student, lesson, earned, possible)
    if not _equal(late, standing.penalty):
        found.append(Change(student, lesson, LATE, -standing.penalty, 0.0, -late, 0.0))
    return found, notes


class Corrections:
    """All changes of one run, and how many nothing changes for."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.notes: list[str] = []  # what the instructor has to look at, in a sentence each
        self.undated: list[tuple[str, str]] = []  # (student, lesson) with a due date, and nobody knows when it came
        self.first = 0  # submissions that had no mark before
        self._stood: set[str] = set()

    def add(
        self,
        student: str,
        lesson: str,
        standing: Standing,
        scores: Mapping[str, tuple[float, float]],
        penalty: Callable[[str, str, float, float], float],
    ) -> bool:
        """Note what would change for a student who stands in the gradebook; whether anything would.

        scores: exercise -> (score, points), as grading found them; penalty: `Gradebook.penalty`.
        """
        self._stood.add(student)
        found, notes = changes(student, lesson, standing, scores, penalty)
        self.changes += found
        self.notes += notes
        return bool(found)

    def add_unchanged(self, student: str) -> None:
        self._stood.add(student)

    def gains(self) -> dict[str, float]:
        """Points that are won or lost, by student, where anything changes at all."""
        found: dict[str, float] = {}
        for change in self.changes:
            found[change.student] = total([found.get(change.student, 0.0), change.gain])
        return dict(sorted(found.items()))

    def summary(self) -> str:
        """ "3 gain, 1 loses, 36 stay." And how many were graded for the first time."""
        gains = self.gains()
        counts = [
            (sum(gain > 0 for gain in gains.values()), "gains", "gain"),
            (sum(gain < 0 for gain in gains.values()), "loses", "lose"),
            (sum(gain == 0 for gain in gains.values()), "comes out even", "come out even"),
            (len(self._stood) - len(gains), "stays", "stay"),
        ]
        told = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count or one == "stays"]
        first = f" First graded: {self.first} submission{'s' * (self.first != 1)}." if self.first else ""
        return (f"{', '.join(told)}." if self._stood else "") + first


def _mark(score: float | None, points: float) -> str:
    return "no mark" if score is None else f"{total([score]):g} of {points:g}"


def _equal(one: float | None, other: float | None) -> bool:
    return total([one or 0.0, -(other or 0.0)]) == 0 and (one is None) == (other is None)
