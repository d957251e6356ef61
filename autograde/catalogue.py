"""What a lesson's exercises are called and worth, without importing them: kept by the build, and known to be fresh.

The exercises themselves need torch and fastai, seconds of imports. Tables, reports and exports need only this.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from autograde import digest
from autograde.cells import slug_of
from autograde.course import Course

__all__ = ["Entry", "entries", "is_fresh", "keep", "points"]


@dataclass(frozen=True)
class Entry:
    """One exercise. sentences: what helps against each known mistake, in the order in which the lesson names them.

    is_shared: everybody gets the same inputs.
    """

    name: str
    points: float
    is_question: bool
    sentences: tuple[str, ...]
    is_shared: bool = False


def entries(course: Course, lesson: str) -> dict[str, Entry]:
    """A lesson's exercises by name, in their order: from the last build if it is fresh, else from the exercises."""
    kept = _kept(course, lesson)
    if kept:
        return {name: Entry(**{**entry, "sentences": tuple(entry["sentences"])}) for name, entry in kept.items()}
    return _computed(course, lesson)


def points(course: Course, lesson: str) -> float:
    """What a lesson is worth: the sum over its exercises."""
    return round(sum(entry.points for entry in entries(course, lesson).values()), 6)


def is_fresh(course: Course, lesson: str, files: list[Path]) -> bool:
    """Whether `keep` was called with these files as they are now, by the code as it is now."""
    record = _record(course, lesson)
    return bool(record) and record["of"] == _inputs(course, lesson) and record["files"] == _hashes(files)


def keep(course: Course, lesson: str, files: list[Path]) -> None:
    """Write down the exercises, and that `files` are what the lesson's script and exercises derive."""
    path = _path(course, lesson)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "of": _inputs(course, lesson),
        "files": _hashes(files),
        "exercises": {name: asdict(entry) for name, entry in _computed(course, lesson).items()},
    }
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _computed(course: Course, lesson: str) -> dict[str, Entry]:
    from autograde.exercise import Question

    return {
        name: Entry(
            name,
            float(exercise.points),
            isinstance(exercise, Question),
            tuple(mistake.sentence for mistake in exercise.misconceptions),
            exercise.is_shared,
        )
        for name, exercise in course.exercises(lesson).items()
    }


def _kept(course: Course, lesson: str) -> dict[str, dict]:
    record = _record(course, lesson)
    return record["exercises"] if record and record["of"] == _inputs(course, lesson) else {}


def _record(course: Course, lesson: str) -> dict:
    try:
        return json.loads(_path(course, lesson).read_bytes())
    except (OSError, ValueError):
        return {}


def _inputs(course: Course, lesson: str) -> str:
    script = course.solutions / f"{lesson}.py"
    return digest.of_files([script] if script.is_file() else [], digest.of_lesson_making(slug_of(lesson)))


def _hashes(files: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in files]


def _path(course: Course, lesson: str) -> Path:
    return course.source.parent / "catalogue" / f"{lesson}.json"
