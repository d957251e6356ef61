"""What a lesson's exercises are called and worth, without importing them: kept by the build, and known to be fresh.

The exercises themselves need torch and fastai, seconds of imports. Tables, reports and exports need only this. Beside
it lies what the lesson says in code, which in a comparison of students' code is nobody's own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from autograde import digest, similarity
from autograde.cells import slug_of
from autograde.course import Course
from autograde.files import write_whole

__all__ = ["Entry", "Said", "entries", "is_fresh", "keep", "points", "said"]


@dataclass(frozen=True)
class Entry:
    """One exercise. sentences: what helps against each known mistake, in the order in which the lesson names them.

    is_shared: everybody gets the same inputs; mistakes: what each of the known mistakes is called, as its sentence is.
    """

    name: str
    points: float
    is_question: bool
    sentences: tuple[str, ...]
    is_shared: bool = False
    mistakes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """What a lesson and its known mistakes say in code: the names they use, and the fragments of their code."""

    names: frozenset[str]
    fragments: frozenset[int]


def entries(course: Course, lesson: str) -> dict[str, Entry]:
    """A lesson's exercises by name, in their order: from the last build if it is fresh, else from the exercises."""
    kept = _kept(course, lesson)
    if kept:
        return {name: _entry(record) for name, record in kept.items()}
    return _computed(course, lesson)


def points(course: Course, lesson: str) -> float:
    """What a lesson is worth: the sum over its exercises."""
    return round(sum(entry.points for entry in entries(course, lesson).values()), 6)


def said(course: Course, lesson: str) -> Said:
    """What a lesson says in code: from the last build if it is fresh, else from its files."""
    try:
        record = json.loads(_said_path(course, lesson).read_bytes())
        if record["of"] == _inputs(course, lesson):
            return Said(frozenset(record["names"]), frozenset(record["fragments"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return _say(course, lesson)


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
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())
    lesson_says = _say(course, lesson)
    code = {"names": sorted(lesson_says.names), "fragments": sorted(lesson_says.fragments)}
    write_whole(_said_path(course, lesson), (json.dumps({"of": record["of"], **code}) + "\n").encode())


def _entry(record: dict) -> Entry:
    """An entry as JSON keeps it: with lists for tuples."""
    return Entry(**{key: tuple(value) if isinstance(value, list) else value for key, value in record.items()})


def _computed(course: Course, lesson: str) -> dict[str, Entry]:
    from autograde.exercise import Question

    return {
        name: Entry(
            name,
            float(exercise.points),
            isinstance(exercise, Question),
            tuple(mistake.sentence for mistake in exercise.misconceptions),
            exercise.is_shared,
            tuple(mistake.name for mistake in exercise.misconceptions),
            exercise.hints,
        )
        for name, exercise in course.exercises(lesson).items()
    }


def _say(course: Course, lesson: str) -> Said:
    """The lesson's script holds its own cells and the solutions, the file of its exercises the known mistakes."""
    files = (course.solutions / f"{lesson}.py", Path(__file__).parent / "exercises" / f"{slug_of(lesson)}.py")
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    names = similarity.known_names(texts)
    return Said(names, frozenset().union(*(similarity.fragments(text, names) for text in texts)))


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


def _said_path(course: Course, lesson: str) -> Path:
    return course.source.parent / "catalogue" / f"{lesson}.said.json"
