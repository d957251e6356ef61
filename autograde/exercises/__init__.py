"""The exercises of the course: one module per lesson, named after the lesson's slug, found by its presence."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from autograde.exercise import Exercise

__all__ = ["UnknownExercise", "find", "of_lesson", "slugs"]


class UnknownExercise(LookupError):
    """No exercise or lesson has this name; the message says what to do."""


def slugs() -> list[str]:
    """The lessons that have exercises, by slug, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@functools.cache
def of_lesson(slug: str) -> dict[str, Exercise]:
    """The exercises of a lesson by name, in the order in which its module defines them."""
    if slug not in slugs():
        raise UnknownExercise(
            f"There is no lesson {slug!r} in autograde/exercises: the lessons are {', '.join(slugs())}."
        )
    module = importlib.import_module(f"{__name__}.{slug}")
    exercises = [value for value in vars(module).values() if isinstance(value, Exercise)]
    return {exercise.name: exercise for exercise in exercises}


def find(name: str) -> tuple[str, Exercise]:
    """(slug, exercise) for an exercise's name. Names are unique in the course, which a test holds."""
    known: list[str] = []
    for slug in slugs():
        exercises = of_lesson(slug)
        if name in exercises:
            return slug, exercises[name]
        known += exercises
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    help_ = f"Did you mean {near[0]!r}?" if near else f"The exercises are: {', '.join(known)}."
    raise UnknownExercise(f"There is no exercise called {name!r}. {help_}")
