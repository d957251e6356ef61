"""The exercises of the course: one module per lesson, named after the lesson's slug, found by its presence."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import pkgutil
import re
import reprlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograde.exercise import Exercise

__all__ = ["UnknownExercise", "find", "needed_beside_learners", "number_of", "of_lesson", "slugs"]


class UnknownExercise(LookupError):
    """No exercise or lesson has this name; the message says what to do."""


def slugs() -> list[str]:
    """The lessons that have exercises, by slug, in alphabetical order. A module with _ in front is no lesson."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


@functools.cache
def of_lesson(slug: str) -> dict[str, Exercise]:
    """The exercises of a lesson by name, in the order in which its module defines them.

    Raises UnknownExercise for a slug without a module, ValueError when two exercises have one name.
    """
    if slug not in slugs():
        raise UnknownExercise(
            f"There is no lesson {slug!r} in autograde/exercises: the lessons are {', '.join(slugs())}."
        )
    module = importlib.import_module(f"{__name__}.{slug}")
    return by_name(vars(module).values(), slug)


def number_of(slug: str) -> int:
    """Which lesson it is, as its module's first line says: "Lesson 03: ...". 0 where that says nothing."""
    of_lesson(slug)
    said = re.match(r"Lesson (\d+)", sys.modules[f"{__name__}.{slug}"].__doc__ or "")
    return int(said[1]) if said else 0


def by_name(values: Iterable[Any], slug: str) -> dict[str, Exercise]:
    """The exercises among the values by name; a second name for the same exercise is no second exercise."""
    exercises: dict[str, Exercise] = {}
    for value in values:
        if isinstance(value, Exercise) and exercises.setdefault(value.name, value) is not value:
            raise ValueError(f"{slug}: two exercises are called {value.name!r}; give one of them name=...")
    return exercises


def find(name: str) -> tuple[str, Exercise]:
    """(slug, exercise) for an exercise's name. Names are unique in the course, which a test holds."""
    if not isinstance(name, str):
        raise UnknownExercise('The exercise\'s name comes first, in quotes: check("DotProduct", DotProduct).')
    known: list[str] = []
    for slug in slugs():
        exercises = of_lesson(slug)
        if name in exercises:
            return slug, exercises[name]
        known += exercises
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    help_ = f"Did you mean {near[0]!r}?" if near else f"The exercises are: {', '.join(known)}."
    raise UnknownExercise(f"There is no exercise called {reprlib.repr(name)}. {help_}")


def needed_beside_learners() -> dict[str, Any]:
    """What a WarmServer has to know of the library and of the ratings in its cache, by the names of its arguments."""
    from collabkit.cache import cache_file

    found = importlib.util.find_spec("collabkit")
    assert found
    assert found.origin
    cache = cache_file().parent.absolute()
    readable = [Path(found.origin).parent, *([cache] if cache.is_dir() else [])]
    environment = {"COLLABKIT_CACHE": str(cache)}
    return {"readable": readable, "environment": environment, "prepare": ["collabkit.movielens.remember"]}
