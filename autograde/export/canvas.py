"""Canvas: the gradebook's sheet that an instructor downloaded, with our lessons' columns filled, to be imported again.

Canvas's rules, from its importer (lib/gradebook_importer.rb): the header begins with Student and ID and holds Section;
an assignment's column is called "Title (id)", and one without an id makes a new assignment; a row whose first cell
says Points Possible gives what assignments are worth, and there "(read only)" marks a column that cannot be changed;
an emptied cell takes a mark away. So cells without a mark of ours stay as they were.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from autograde.course import CourseError
from autograde.export.exported import Exported, Settings, left_out, mark_of, not_matched
from autograde.export.people import Column, Person, in_words, match
from autograde.export.sheet import Sheet, number, shown
from autograde.marks import LessonMark

__all__ = ["as_canvas"]

WITH_ID = re.compile(r"(.*?)\s*\(\d+\)")
NO_STUDENT = re.compile(r"\s*(muted|manual posting.*)?\s*", re.IGNORECASE)
NOT_OURS = ("EX", "N/A")  # excused, and not assigned to this student: Canvas says so, and it stays
TEST_STUDENT = "Student, Test"  # Canvas's own, for an instructor to try things as
COMPUTED = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


def as_canvas(
    sheet: Sheet, marks: Sequence[LessonMark], known: Sequence[Person], titles: Mapping[str, str], settings: Settings
) -> Exported:
    """The sheet with the marks in it. titles: of the lessons to export, in their order.

    A student who is not on the sheet is named in the notes, as is whoever has a status and no mark: teaching assistants
    and those who left are ordinary, so the sheet is written all the same. Marks are scaled to what Canvas says that an
    assignment is worth. CourseError for a sheet that is none of Canvas's.
    """
    form = _Form(sheet)
    columns = {lesson: form.column_of(lesson, title, settings.columns) for lesson, title in titles.items()}
    _insist_on_one_lesson_each(sheet, columns)
    rows = match(known, form.who(), form.told)
    comma = sheet.has_decimal_comma(form.marks)
    notes = []
    worth = {mark.lesson: mark.points for mark in marks}
    for lesson, column in columns.items():
        points = worth.get(lesson, 0.0)
        if column is None:
            columns[lesson] = form.new_column(lesson, titles[lesson], points)
            name = sheet.header[columns[lesson]]
            notes.append(f"{lesson} had no column: Canvas will make a new assignment {name!r} of {points:g} points.")
        elif not (there := form.worth(column)):
            notes.append(f"{lesson} is worth no points in Canvas: marks are written as they are, of {points:g}.")
        elif there != points:
            notes.append(f"{lesson} is worth {points:g} points here and {there:g} in Canvas: marks are scaled.")
    kept: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        score = mark_of(mark, settings)
        if mark.student not in rows or score is None:
            continue
        row, column = rows[mark.student], columns[mark.lesson]
        if (said := sheet.cell(row, column).upper()) in NOT_OURS:
            kept.setdefault((mark.lesson, said), []).append(mark.student)
            continue
        scale = (form.worth(column) or mark.points) / mark.points
        sheet.put_number(row, column, score * scale, comma)
    for (lesson, said), names in kept.items():
        notes.append(f"{lesson}, {said} in Canvas, which stays: {in_words(names)}.")
    on_sheet = [mark for mark in marks if mark.student in rows]
    notes += left_out(on_sheet, settings, "no mark, the cell stays as it was")
    notes += not_matched(known, rows, form.people, form.told)
    return Exported(sheet.to_bytes(), notes=tuple(notes))


class _Form:
    """Where things stand on one of Canvas's sheets."""

    def __init__(self, sheet: Sheet):
        self._sheet = sheet
        names = [cell.strip() for cell in sheet.header]
        has_names = names[:1] == ["Student"] or names[:2] == ["LastName", "FirstName"]
        if not (has_names and "ID" in names and "Section" in names):
            raise CourseError(
                f"{sheet.name} is no gradebook of Canvas, whose first line has Student, ID, SIS Login ID and Section; "
                f"this one has: {', '.join(names)}. Download it with Grades, Export."
            )
        self._names = names
        self._first = names.index("Section") + 1
        self.marks = range(self._first, len(names))
        rows = range(1, len(sheet.rows))
        self._points = next((row for row in rows if "Points Possible" in sheet.cell(row, 0)), None)
        self.students = [row for row in rows if row != self._points and not self._is_no_student(row)]
        if not self.students:
            raise CourseError(f"{sheet.name} has no students: download the gradebook again.")
        self.people = [row for row in self.students if self.told(row) != TEST_STUDENT]

    def _is_no_student(self, row: int) -> bool:
        return all(NO_STUDENT.fullmatch(cell) for cell in self._sheet.rows[row])

    def told(self, row: int) -> str:
        first, second = self._sheet.cell(row, 0), self._sheet.cell(row, 1)
        return f"{first}, {second}" if self._names[0] == "LastName" else first

    def who(self) -> list[Column]:
        found = []
        for name, kind in (("SIS Login ID", "id"), ("SIS User ID", "id"), ("ID", "id"), ("SIS Login ID", "local")):
            if name in self._names[: self._first]:
                at = self._names.index(name)
                found.append(Column(kind, {row: self._sheet.cell(row, at) for row in self.students}))
        return [*found, Column("name", {row: self.told(row) for row in self.students})]

    def worth(self, column: int) -> float | None:
        """The points of an assignment; None where the sheet says nothing, or 0."""
        return (number(self._sheet.cell(self._points, column)) or None) if self._points is not None else None

    def column_of(self, lesson: str, title: str, chosen: Mapping[str, str]) -> int | None:
        """A lesson's column: the one that the instructor names, else the one that is called like it."""
        if header := chosen.get(lesson):
            at = [at for at, name in enumerate(self._names) if header.strip() in (name, _without_id(name))]
            if len(at) != 1 or not self._is_open(at[0]):
                raise CourseError(
                    f"{self._sheet.name} has no column {header!r} that can be filled. "
                    f"It has: {', '.join(self._names[self._first :]) or 'none'}."
                )
            return at[0]
        number_, slug = lesson.split("_", 1)
        wanted = {_plain(each) for each in (lesson, slug, title, f"{number_} {title}") if each}
        at = [at for at, name in enumerate(self._names) if self._is_open(at) and _plain(_without_id(name)) in wanted]
        if len(at) > 1:
            raise CourseError(
                f"{self._sheet.name} has more than one column for {lesson}: "
                f"{', '.join(self._names[each] for each in at)}. Choose with --column {lesson}=HEADER."
            )
        return at[0] if at else None

    def _is_open(self, column: int) -> bool:
        if column < self._first or COMPUTED.search(self._names[column]):
            return False
        said = self._sheet.cell(self._points, column) if self._points is not None else ""
        return not said or number(said) is not None

    def new_column(self, lesson: str, title: str, points: float) -> int:
        column = max(len(row) for row in self._sheet.rows)
        self._sheet.put(0, column, f"{lesson[:2]} {title}" if title else lesson)
        for row in range(1, len(self._sheet.rows)):
            if len(self._sheet.rows[row]) > 1:  # a line with nothing on it stays so
                self._sheet.put(row, column, "")
        if self._points is not None:
            self._sheet.put(self._points, column, shown(points))
        return column


def _insist_on_one_lesson_each(sheet: Sheet, columns: Mapping[str, int | None]) -> None:
    taken: dict[int, str] = {}
    for lesson, column in columns.items():
        if column is not None and (other := taken.setdefault(column, lesson)) != lesson:
            raise CourseError(
                f"{other} and {lesson} both fit the column {sheet.header[column]!r}: "
                "choose with --column LESSON=HEADER."
            )


def _without_id(name: str) -> str:
    found = WITH_ID.fullmatch(name)
    return found[1] if found else name


def _plain(name: str) -> str:
    """A title without case, punctuation and the zeros before numbers."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(word.lstrip("0") or "0" for word in words)
