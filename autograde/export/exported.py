"""What an export is made of and what comes out of it: settings in, bytes and sentences out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograde.cells import LessonError, title_of
from autograde.course import Course
from autograde.exercise import Outcome
from autograde.export.people import FEW, Person, in_words
from autograde.marks import LessonMark

__all__ = ["Exported", "Settings", "left_out", "mark_of", "not_matched", "title"]


@dataclass(frozen=True)
class Settings:
    """What an instructor asks for. Which of it a format takes is said in `formats`."""

    lessons: tuple[str, ...]
    students: tuple[str, ...] = ()  # everybody without one
    sheet: Path | None = None  # what was downloaded from Canvas or Moodle
    users: Path | None = None  # a CSV with student,userId
    columns: Mapping[str, str] = field(default_factory=dict)  # a lesson or a role -> the column's header
    encoding: str = ""  # of the files, where they are not UTF-8
    missing_as_zero: bool = False
    comments: bool = False
    visibility: str = "after_published"


@dataclass(frozen=True)
class Exported:
    """One file's content, or several by their place in a folder; notes: what an instructor has to know."""

    content: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def mark_of(mark: LessonMark, settings: Settings) -> float | None:
    """The mark to write, late penalty taken off; None where there is none to be written."""
    if mark.final is None and settings.missing_as_zero and mark.statuses == (Outcome.MISSING,):
        return 0.0
    return mark.final


def left_out(marks: Sequence[LessonMark], settings: Settings, what: str) -> list[str]:
    """A sentence for each lesson and status that has left students without a mark. what: became of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        if mark_of(mark, settings) is None:
            found.setdefault((mark.lesson, ", ".join(mark.statuses)), []).append(mark.student)
    return [f"{lesson}, {status}: {what}: {in_words(names)}." for (lesson, status), names in found.items()]


def not_matched(
    known: Sequence[Person], rows: Mapping[str, int], students: Sequence[int], told: Callable[[int], str]
) -> list[str]:
    """Who is here and not on a sheet, and who is there and not here. rows: by student; students: rows of the sheet."""
    notes = []
    if strangers := [person.id for person in known if person.id not in rows]:
        notes.append(
            f"Not on the sheet, so their marks are not in it: {in_words(strangers)}. "
            "If they are there by other names, say so with --users FILE, a CSV with student,userId."
        )
    taken = set(rows.values())
    if others := [told(row) for row in students if row not in taken]:
        notes.append(f"On the sheet and not in this course, nothing changed: {in_words(others, FEW)}.")
    return notes


def title(course: Course, lesson: str) -> str:
    """A lesson's title, "" where it cannot be read."""
    try:
        return title_of((course.solutions / f"{lesson}.py").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, LessonError):
        return ""
