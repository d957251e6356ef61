"""What students wrote and what their notebooks tell, read from what they handed in. Nothing of it is believed.

Grading reads submissions in submissions.py. The report wants the texts alone, of a whole class, so this reads plain
JSON, and whatever cannot be read is nothing: the report says elsewhere what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograde.cells import answer_grade_id, exercise_grade_id
from autograde.course import Course
from autograde.effort import Effort, effort_from
from autograde.submissions import MAX_NOTEBOOK_BYTES

__all__ = ["HandedIn", "answers_in", "handed_in"]

MAX_ANSWER = 100_000  # characters


@dataclass(frozen=True)
class HandedIn:
    """By exercise: the code in the learner's cell, and what the notebook tells of the work."""

    answers: dict[str, str] = field(default_factory=dict)
    efforts: dict[str, Effort] = field(default_factory=dict)


def handed_in(course: Course, student: str, lesson: str, exercises: Iterable[str], now: float) -> HandedIn:
    """What a student handed in for a lesson. exercises: their names; now: seconds since 1970.

    Solutions that lost their place in the notebook are taken from the graded one, where they were put right.
    """
    exercises = list(exercises)
    cells = _cells(course.submission(student, lesson))
    answers = _answers(cells, exercises)
    if len(answers) < len(exercises):
        answers = _answers(_cells(course.graded(student, lesson)), exercises) | answers
    return HandedIn(answers, _efforts(cells, exercises, now))


def answers_in(notebook: Path, exercises: Iterable[str]) -> dict[str, str]:
    """The code in the solution cell of each exercise."""
    return _answers(_cells(notebook), exercises)


def _answers(cells: Mapping[str, dict], exercises: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in exercises:
        source = cells.get(answer_grade_id(name), {}).get("source")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if isinstance(source, str):
            found[name] = source[:MAX_ANSWER].encode(errors="replace").decode()  # half a character fits no file
    return found


def _efforts(cells: Mapping[str, dict], exercises: Iterable[str], now: float) -> dict[str, Effort]:
    found = {}
    for name in exercises:
        outputs = cells.get(exercise_grade_id(name), {}).get("outputs")
        for output in reversed(outputs) if isinstance(outputs, list) else ():
            if isinstance(output, dict) and (effort := effort_from(output.get("metadata"), now)):
                found[name] = effort
                break
    return found


def _cells(path: Path) -> dict[str, dict[str, Any]]:
    """A notebook's cells by grade id, of several the last; none where the file is no notebook."""
    try:
        if path.is_symlink() or not 0 < path.stat().st_size <= MAX_NOTEBOOK_BYTES:
            return {}
        notebook = json.loads(path.read_bytes())
        cells = notebook["cells"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return {}
    found = {}
    for cell in cells if isinstance(cells, list) else ():
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        record = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = record.get("grade_id") if isinstance(record, dict) else None
        if isinstance(grade_id, str):
            found[grade_id] = cell
    return found
