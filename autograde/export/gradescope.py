"""Gradescope: one results.json for each student and lesson, as an autograder writes it for its harness.

The format is https://gradescope-autograders.readthedocs.io/en/latest/specs/. What learners' code has printed is in it
as plain text, never as HTML or Markdown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograde.card import as_text
from autograde.course import CourseError
from autograde.exercise import Outcome, Verdict
from autograde.export.comments import late
from autograde.export.exported import Exported, Settings, left_out
from autograde.export.sheet import shown
from autograde.marks import LessonMark, Row

__all__ = ["VISIBILITIES", "as_gradescope"]

VISIBILITIES = ("after_published", "after_due_date", "visible", "hidden")


def as_gradescope(
    marks: Sequence[LessonMark], verdicts_of: Callable[[LessonMark], Mapping[str, Verdict]], settings: Settings
) -> Exported:
    """`student/lesson/results.json` for each mark. Gradescope needs a score, so a status without one has no file.

    CourseError for a student whose name cannot be that of a folder.
    """
    files = {}
    for mark in marks:
        if mark.final is None:
            continue
        if mark.student in (".", "..") or any(each in mark.student for each in "/\\\0"):
            raise CourseError(f"The student {mark.student!r} can have no folder: correct the name in the gradebook.")
        record = _record(mark, verdicts_of(mark), settings.visibility)
        path = f"{mark.student}/{mark.lesson}/results.json"
        files[path] = (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()
    return Exported(files=files, notes=tuple(left_out(marks, settings, "no mark, so there is no file")))


def _record(mark: LessonMark, verdicts: Mapping[str, Verdict], visibility: str) -> dict[str, Any]:
    about = late(mark)
    about += [f"Beside the mark: {', '.join(mark.statuses)}."] if mark.statuses else []
    return {
        "score": mark.final,
        "output": " ".join(about),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "extra_data": {"student": mark.student, "lesson": mark.lesson, "penalty": mark.penalty},
        "tests": [
            _test(str(number), row, verdicts.get(row.exercise), visibility)
            for number, row in enumerate(mark.rows, start=1)
        ],
    }


def _test(number: str, row: Row, verdict: Verdict | None, visibility: str) -> dict[str, Any]:
    text = as_text(verdict) if verdict else f"{row.exercise}: {row.outcome}"
    given = {} if row.score is None else {"score": row.score}
    if given and row.score != (verdict.score if verdict else None):
        text = f"An instructor gave {shown(row.score)} of {shown(row.points)} points here.\n\n{text}"
    return {
        **given,
        "max_score": row.points,
        "status": "passed" if row.outcome == Outcome.PASSED else "failed",
        "name": row.exercise,
        "number": number,
        "output": text,
        "tags": [row.outcome],
        "visibility": visibility,
        "extra_data": {"outcome": row.outcome},
    }
