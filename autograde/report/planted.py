"""Whether the report finds in a sample class what was planted there, and nothing else."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograde import manifest
from autograde.course import Course
from autograde.report.summary import ExerciseSummary
from autograde.results import Result
from autograde.similarity import Pair

__all__ = ["FoundAgain", "found_again"]

SHOWN = 5  # differences in the sentence


@dataclass(frozen=True)
class FoundAgain:
    """How many mistakes were planted, in how many answers, and what is not as planted, a sentence each."""

    n_mistakes: int
    n_planted: int
    n_found: int
    n_copied: int
    differences: tuple[str, ...]

    def __str__(self) -> str:
        told = (
            f"{self.n_planted} mistakes were planted, {self.n_mistakes} different ones, "
            f"and {self.n_found} were found again by their own sentences"
        )
        if self.n_copied:
            told += f"; {self.n_copied} answers were copied under other names"
        if not self.differences:
            return f"{told}. Nothing is missing, and nothing else was found."
        more = f" And {len(self.differences) - SHOWN} more." if len(self.differences) > SHOWN else ""
        return f"{told}. Not as planted: {' '.join(self.differences[:SHOWN])}{more}"


def found_again(
    course: Course, results: Sequence[Result], summaries: Iterable[ExerciseSummary], pairs: Iterable[Pair]
) -> FoundAgain | None:
    """What was planted held against what was found, of its students, in the lessons that have verdicts.

    None for a real class.
    """
    planted = manifest.read(course.folder)
    if not planted:
        return None
    judged = {(result.student, name) for result in results for name in result.verdicts}
    wanted = {
        (each.student, name, mistake)
        for each in planted
        for name, mistake in each.mistakes.items()
        if (each.student, name) in judged
    }
    students = {each.student for each in planted}
    found, unknown = set(), []
    for summary in summaries:
        for mistake in summary.mistakes:
            found |= {(who, summary.name, mistake.name) for who in students.intersection(mistake.students)}
        strange = students.intersection(summary.unknown)
        unknown += [f"{who} makes a mistake in {summary.name} that is not known." for who in sorted(strange)]
    differences = [f"{who} made {mistake} in {name}, not found." for who, name, mistake in sorted(wanted - found)]
    differences += [f"{who} has {mistake} in {name}, not planted." for who, name, mistake in sorted(found - wanted)]
    copied: dict[str, list[str]] = collections.defaultdict(list)
    for each in planted:
        for name in each.copied:
            if (each.student, name) in judged:
                copied[name].append(each.student)
    alike = {(pair.exercise, *sorted((pair.one, pair.other))) for pair in pairs if {pair.one, pair.other} <= students}
    shared = {(name, *sorted(students)) for name, students in copied.items() if len(students) > 1}
    differences += [f"{a} and {b} share {name}, not found." for name, a, b in sorted(shared - alike)]
    differences += [f"{a} and {b} are alike in {name}, not planted." for name, a, b in sorted(alike - shared)]
    return FoundAgain(
        n_mistakes=len({planting[1:] for planting in wanted}),
        n_planted=len(wanted),
        n_found=len(wanted & found),
        n_copied=len(shared),
        differences=tuple(differences + unknown),
    )
