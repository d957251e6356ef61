"""Every format by its name: reads what it needs of the course, checks what was asked for, and writes what came out."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from autograde.course import Course, CourseError
from autograde.exercise import Verdict
from autograde.export.canvas import as_canvas
from autograde.export.comments import comment
from autograde.export.exported import Exported, Settings, title
from autograde.export.gradescope import VISIBILITIES, as_gradescope
from autograde.export.lti import as_lti
from autograde.export.moodle import ROLES, as_moodle
from autograde.export.people import Person, in_words, people, read_users
from autograde.export.plain import as_csv
from autograde.export.sheet import Sheet
from autograde.marks import LessonMark, exercise_rows, lesson_marks
from autograde.results import Result, reading

__all__ = ["FORMATS", "OPTIONS", "export", "write"]


@dataclass(frozen=True)
class _Asked:
    """What there is to be exported."""

    course: Course
    settings: Settings
    marks: list[LessonMark]
    known: list[Person]
    read: Callable[[str, str], Result | None]

    @property
    def sheet(self) -> Sheet:
        assert self.settings.sheet
        return Sheet.read(self.settings.sheet, self.settings.encoding)

    def comment(self, mark: LessonMark) -> str:
        if not self.settings.comments:
            return ""
        return comment(mark, self.read(mark.student, mark.lesson))

    def verdicts(self, mark: LessonMark) -> Mapping[str, Verdict]:
        result = self.read(mark.student, mark.lesson)
        return result.verdicts if result else {}


def _csv(asked: _Asked) -> Exported:
    formulas = [person.id for person in asked.known if person.id[:1] in "=+-@\t\r"]
    note = f"A spreadsheet may take these names for formulas, so import them as text: {in_words(formulas)}."
    return Exported(as_csv(exercise_rows(asked.marks)).encode(), notes=(note,) if formulas else ())


def _canvas(asked: _Asked) -> Exported:
    titles = {lesson: title(asked.course, lesson) for lesson in asked.settings.lessons}
    columns = {asked.course.chosen([name])[0]: header for name, header in asked.settings.columns.items()}
    return as_canvas(asked.sheet, asked.marks, asked.known, titles, replace(asked.settings, columns=columns))


def _moodle(asked: _Asked) -> Exported:
    if strange := sorted(set(asked.settings.columns) - set(ROLES)):
        raise CourseError(f"There is no column {strange[0]!r} to choose: the columns are {', '.join(ROLES)}.")
    return as_moodle(asked.sheet, asked.marks, asked.known, asked.settings, asked.comment)


def _gradescope(asked: _Asked) -> Exported:
    if asked.settings.visibility not in VISIBILITIES:
        raise CourseError(f"There is no visibility {asked.settings.visibility!r}: {', '.join(VISIBILITIES)}.")
    return as_gradescope(asked.marks, asked.verdicts, asked.settings)


def _lti(asked: _Asked) -> Exported:
    return as_lti(asked.marks, asked.known, asked.settings, datetime.now(UTC), asked.comment)


FORMATS: dict[str, Callable[[_Asked], Exported]] = {
    "csv": _csv,
    "canvas": _canvas,
    "moodle": _moodle,
    "gradescope": _gradescope,
    "lti": _lti,
}
OF_A_SHEET = {"sheet", "users", "columns", "encoding", "missing_as_zero"}
OPTIONS = {  # which settings a format takes, besides lessons and students
    "csv": set(),
    "canvas": OF_A_SHEET,
    "moodle": OF_A_SHEET | {"comments"},
    "gradescope": {"visibility"},
    "lti": {"users", "encoding", "missing_as_zero", "comments"},
}
OF_ONE_LESSON = ("moodle", "lti")


@contextlib.contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """The rows of a large class hold no garbage, and to look for it among so many takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_no_search_for_garbage()
def export(course: Course, format_: str, settings: Settings) -> Exported:
    """What the course's marks are in a format. CourseError, with a sentence, for whatever does not fit."""
    _insist(format_, settings)
    marks = lesson_marks(course, settings.lessons, settings.students)
    if strangers := sorted(set(settings.students) - {mark.student for mark in marks}):
        raise CourseError(f"There is no student {strangers[0]!r} in {course.folder}.")
    if not marks and format_ != "csv":
        raise CourseError(
            f"{course.folder} has nobody to export: collect the class, and grade it with autograde grade."
        )
    users = read_users(settings.users, settings.encoding) if settings.users else {}
    students = dict.fromkeys(mark.student for mark in marks)
    with reading(course, whole=not settings.students) as read:
        return FORMATS[format_](_Asked(course, settings, marks, people(course, students, users), read))


def write(exported: Exported, out: Path | None, settings: Settings) -> None:
    """Put an export where it belongs: a file in place of an older one, a new folder, or the standard output.

    CourseError for a place that would be lost by it: what was downloaded, or a folder with older files.
    """
    if exported.files:
        _write_folder(exported.files, out)
        return
    if out is None:
        sys.stdout.buffer.write(exported.content)
        sys.stdout.flush()
        return
    for path in filter(None, (settings.sheet, settings.users)):
        if out.exists() and out.samefile(path):
            raise CourseError(f"{out} is what was downloaded, and stays as it is: name another file with --out.")
    draft = out.with_name(f".{out.name}.draft")
    draft.write_bytes(exported.content)
    draft.replace(out)


def _write_folder(files: Mapping[str, bytes], out: Path | None) -> None:
    if out is None:
        raise CourseError("This export is a folder of files: name a new one with --out DIR.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CourseError(f"{out} is there and not empty: name a new folder, so that no old mark stays among new ones.")
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _insist(format_: str, settings: Settings) -> None:
    for each in fields(Settings):
        value = getattr(settings, each.name)
        is_asked = value != Settings(settings.lessons, settings.students).__dict__[each.name]
        if is_asked and each.name not in OPTIONS[format_]:
            option = {"columns": "column"}.get(each.name, each.name.replace("_", "-"))
            raise CourseError(f"--{option} does not go with --format {format_}.")
    if "sheet" in OPTIONS[format_] and not settings.sheet:
        raise CourseError(
            f"--format {format_} fills the sheet that you download from there: name it with --sheet FILE."
        )
    if format_ in OF_ONE_LESSON and len(settings.lessons) != 1:
        raise CourseError(
            f"--format {format_} is for one assignment: name one lesson, such as "
            f"autograde export {int(settings.lessons[0][:2])} --format {format_}."
        )
