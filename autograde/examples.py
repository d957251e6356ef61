"""The worked example that comes with the last hint: other numbers than any check uses, and what a right answer gives.

An exercise may show its own, step by step (`Exercise.worked_example`). For all others it is made: inputs are drawn,
and the reference is asked the question that carries the most marks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograde.asked import calls, in_full
from autograde.exercise import EXAMPLE_SEED, Exercise, Question
from autograde.judge import silence
from autograde.observe import ask

__all__ = ["worked_example"]


def worked_example(exercise: Exercise) -> tuple[str, ...]:
    """An example as lines of plain text; none for a concept question, and where an author's example fails."""
    if isinstance(exercise, Question):
        return ()
    with silence():
        # asked like a question, so that the generators of random numbers are left as they were
        lines = ask(lambda reference, _: _lines(exercise), exercise.reference, None)
    return tuple(lines) if isinstance(lines, list) else ()


def _lines(exercise: Exercise) -> list[str]:
    if exercise.example is None:
        return _drawn(exercise)
    return [line for words, *value in exercise.example() for line in _step(words, *value)]


def _step(words: str, *value: Any) -> list[str]:
    words = words[:1].upper() + words[1:]
    if not value:
        return [words]
    lines = in_full(value[0])
    return (
        [f"{words}: {lines[0]}"] if len(lines) == 1 else [f"{words}: {lines[0]}", *("  " + line for line in lines[1:])]
    )


def _drawn(exercise: Exercise) -> list[str]:
    check = max((check for check in exercise.checks if not check.is_form), key=lambda check: check.points)
    made = calls(exercise, check, exercise.draw(np.random.default_rng(EXAMPLE_SEED)))
    shown = [call for call in made if call.gave][:1]
    return [line for call in shown for line in (*call.lines(), "gives", *("  " + line for line in call.gave))]
