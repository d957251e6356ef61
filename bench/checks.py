"""How long a check takes in the kernel: for a right answer, and for a wrong one, whose mistake is looked for."""

from __future__ import annotations

import statistics
import time

from autograde.exercise import Exercise, Question
from autograde.exercises import of_lesson, slugs
from autograde.judge import ask_here, judge, silence

REPEATS = 5


def measure_checks() -> list[dict[str, object]]:
    """Median milliseconds per exercise; the last row is the median over all exercises."""
    rows: list[dict[str, object]] = []
    for slug in slugs():
        for exercise in of_lesson(slug).values():
            if not isinstance(exercise, Question):
                wrong = exercise.misconceptions[0].answer
                right_ms, wrong_ms = (_median_ms(exercise, answer) for answer in (exercise.reference, wrong))
                rows.append({"exercise": exercise.name, "right answer, ms": right_ms, "wrong answer, ms": wrong_ms})
    medians = {key: statistics.median(row[key] for row in rows) for key in ("right answer, ms", "wrong answer, ms")}
    return [*rows, {"exercise": "median", **medians}]


def _median_ms(exercise: Exercise, answer: object) -> float:
    times = []
    for seed in range(REPEATS):
        started = time.perf_counter()
        with silence():
            judge(exercise, ask_here(answer, seed), seed)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)
