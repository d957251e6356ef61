"""What each known mistake earns and is told, whatever inputs are drawn. No tests in here.

`python -m tests.lessons.mistakes SECONDS [EXERCISE ...]` puts one draw after the other to each exercise, for so many
seconds, and prints what is not as it should be.
"""

import itertools
import sys
import time
from collections.abc import Iterable, Iterator

from autograde.exercise import Exercise
from autograde.exercises import of_lesson, slugs
from autograde.judge import judgements

__all__ = ["slips"]


def slips(exercise: Exercise, seeds: Iterable[int]) -> Iterator[str]:
    """A line for each draw in which a mistake gets full marks, other marks than in the first, or another's sentence.

    Where an error is measured on ratings that are drawn, marks follow it, and one near a rung may get over it or not.
    """
    earned: dict[str, float] = {}
    for seed in seeds:
        for mistake, verdict in judgements(exercise, seed):
            told = [each.name for each in exercise.misconceptions if each.sentence in verdict.feedback]
            if told != [mistake.name]:
                yield f"{seed}: {mistake.name} is told what {told} are told: {verdict.feedback}"
            if verdict.score >= exercise.points:
                yield f"{seed}: {mistake.name} earns all points"
            if not exercise.measure and verdict.score != earned.setdefault(mistake.name, verdict.score):
                yield f"{seed}: {mistake.name} earns {verdict.score:g}, and {earned[mistake.name]:g} before"


def _as_long_as(seconds: float) -> Iterator[int]:
    """0, 1, 2 and so on: at least one, and none that would begin later."""
    end = time.monotonic() + seconds
    yield from itertools.takewhile(lambda number: number == 0 or time.monotonic() < end, itertools.count())


def _main(seconds: str, *names: str) -> None:
    for exercise in itertools.chain.from_iterable(of_lesson(slug).values() for slug in slugs()):
        if not names or exercise.name in names:
            print(f"== {exercise.name}", flush=True)
            for line in slips(exercise, _as_long_as(float(seconds))):
                print(line, flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
