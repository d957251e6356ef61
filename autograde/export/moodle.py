"""Moodle: the grading worksheet of one assignment that an instructor downloaded, with its grades filled in.

Moodle's rules, from its importer (mod/assign/feedback/offline): columns are known by their headers, which are in the
language of whoever downloads; the identifier and the date of the last grade must stay as they are; an empty grade and
one above the maximum are passed over, as is whoever has "No" under "Grade can be changed".
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence

from autograde.course import CourseError
from autograde.export.exported import Exported, Settings, left_out, mark_of, not_matched
from autograde.export.people import Column, Person, in_words, match
from autograde.export.sheet import Sheet, number, shown
from autograde.marks import LessonMark

__all__ = ["ROLES", "as_moodle"]

# What Moodle calls its columns, from its language packs: English, German, French, Spanish, Portuguese.
ROLES = {
    "identifier": ("Identifier", "ID", "Identifiant", "Identificador"),
    "name": ("Full name", "Vollständiger Name", "Nom complet", "Nombre completo", "Nome completo"),
    "grade": ("Grade", "Bewertung", "Note", "Calificación", "Nota"),
    "maximum": ("Maximum grade", "Bestwertung", "Note maximale", "Calificación máxima", "Nota máxima"),
    "locked": (
        *("Grade can be changed", "Bewertung kann geändert werden", "La note peut être modifiée"),
        *("La calificación puede ser cambiada", "Nota pode ser alterada", "A nota pode ser alterada."),
    ),
    "comments": (
        *("Feedback comments", "Feedback als Kommentar", "Feedback par commentaires"),
        *("Comentarios de retroalimentación", "Comentários de feedback"),
    ),
}
SCALES = ("Scale", "Skala", "Barème", "Escala")
NO = ("no", "nein", "non", "não", "nee", "nie")
PARTICIPANT = re.compile(r"\D+\d+")  # "Participant 123", "Teilnehmer/in123"


def as_moodle(
    sheet: Sheet,
    marks: Sequence[LessonMark],
    known: Sequence[Person],
    settings: Settings,
    comment: Callable[[LessonMark], str] = lambda mark: "",
) -> Exported:
    """The sheet with the marks of one lesson in it, scaled to its maximum.

    comment: the text for the column of comments, which is filled where it is empty. A student who is not on the sheet
    is named in the notes, as is whoever has a status and no mark, or a mark above the maximum, which Moodle would pass
    over: they get the maximum. CourseError for a sheet that is none of Moodle's, or whose columns cannot be told.
    """
    form = _Form(sheet, settings.columns)
    if settings.comments:
        form.insist("comments")
    comma = sheet.has_decimal_comma([form.grade, form.maximum])
    rows = match(known, form.who(), form.told)
    notes: list[str] = []
    capped, locked, kept = [], [], []
    scales = set()
    for mark in marks:
        score = mark_of(mark, settings)
        if mark.student not in rows or score is None or not mark.points:
            continue
        row = rows[mark.student]
        if form.is_locked(row):
            locked.append(mark.student)
            continue
        most = form.most(row)
        scales.add((mark.points, most))
        grade = score * most / mark.points
        if grade > most:
            capped.append(mark.student)
        sheet.put_number(row, form.grade, min(grade, most), comma)
        if text := comment(mark):
            column, text = form.insist("comments"), html.escape(text, quote=False)  # a comment is HTML there
            if not (said := sheet.cell(row, column)):
                sheet.put(row, column, text)
            elif said != text:
                kept.append(mark.student)
    notes += [
        f"The lesson is worth {shown(points)} points here and {shown(most)} in Moodle: marks are scaled."
        for points, most in sorted(scales)
        if points != most
    ]
    if capped:
        notes.append(f"More than the maximum, which Moodle would pass over, so the maximum: {in_words(capped)}.")
    if locked:
        notes.append(f"Moodle does not let their grade be changed, so it stays: {in_words(locked)}.")
    if kept:
        notes.append(f"There is a comment already, which stays: {in_words(kept)}.")
    notes += left_out([mark for mark in marks if mark.student in rows], settings, "no mark, the cell stays as it was")
    notes += not_matched(known, rows, form.students, form.told)
    return Exported(sheet.to_bytes(), notes=tuple(notes))


class _Form:
    """Where things stand on one of Moodle's sheets."""

    def __init__(self, sheet: Sheet, chosen: Mapping[str, str]):
        self._sheet = sheet
        self._names = [name.strip() for name in sheet.header]
        self.students = [row for row in range(1, len(sheet.rows)) if any(cell.strip() for cell in sheet.rows[row])]
        if not self.students:
            raise CourseError(f"{sheet.name} has no students: download the grading worksheet again.")
        self._columns = {role: self._named(role, chosen) for role in ROLES}
        self.identifier = self.insist("identifier", self._columns["identifier"] or 0)
        if not all(PARTICIPANT.fullmatch(sheet.cell(row, self.identifier)) for row in self.students):
            raise CourseError(
                f"{sheet.name} is no grading worksheet of Moodle, whose first column says Participant 123 or the like; "
                f"this one has: {', '.join(self._names)}. Download it in the assignment: Actions, Download grading "
                "worksheet."
            )
        if self._columns["maximum"] is None and (scale := [name for name in self._names if name in SCALES]):
            raise CourseError(
                f"{sheet.name} has a column {scale[0]!r}: the assignment is graded by words. "
                "Change its grade type to points in Moodle, and download the sheet again."
            )
        if None in (self._columns["grade"], self._columns["maximum"]):
            self._columns |= self._by_content()
        self.grade, self.maximum = self.insist("grade"), self.insist("maximum")

    def _named(self, role: str, chosen: Mapping[str, str]) -> int | None:
        """A role's column: the one that the instructor names, else the one that has one of Moodle's names for it."""
        wanted = [chosen[role]] if role in chosen else ROLES[role]
        names = {name.casefold() for name in wanted}
        at = [at for at, name in enumerate(self._names) if name.casefold() in names]
        if len(at) > 1 or (role in chosen and not at):
            fault = "more than one column" if at else "no column"
            raise CourseError(f"{self._sheet.name} has {fault} {wanted[0]!r}. It has: {', '.join(self._names)}.")
        return at[0] if at else None

    def _by_content(self) -> dict[str, int]:
        """Grade and maximum in another language: the one column with the same number for all, and that before it."""
        found = []
        for at in range(2, len(self._names)):
            most = {number(self._sheet.cell(row, at)) for row in self.students}
            before = [self._sheet.cell(row, at - 1) for row in self.students]
            if len(most) == 1 and (high := most.pop()) and all(not cell or _within(cell, high) for cell in before):
                found.append(at)
        return {"grade": found[0] - 1, "maximum": found[0]} if len(found) == 1 else {}

    def insist(self, role: str, at: int | None = None) -> int:
        column = self._columns[role] if at is None else at
        if column is None:
            raise CourseError(
                f"{self._sheet.name} has no column that is known for the {role}: say which it is with --column "
                f"{role}=HEADER. It has: {', '.join(self._names)}."
            )
        return column

    def told(self, row: int) -> str:
        name = self._columns["name"]
        return self._sheet.cell(row, 1 if name is None else name) or self._sheet.cell(row, self.identifier)

    def who(self) -> list[Column]:
        """The columns before the grade in which all entries differ: what a site shows of people is its own choice."""
        ids = []
        for at in range(self.grade):
            values = {row: self._sheet.cell(row, at) for row in self.students}
            entries = [value.casefold() for value in values.values() if value]
            if entries and len(entries) == len(set(entries)):
                ids.append(values)
        names = {row: self.told(row) for row in self.students}
        return [*(Column("id", each) for each in ids), *(Column("local", each) for each in ids), Column("name", names)]

    def most(self, row: int) -> float:
        found = number(self._sheet.cell(row, self.maximum))
        if not found or found < 0:
            raise CourseError(
                f"{self._sheet.name} says no maximum for {self.told(row)}: set the assignment's grade to points in "
                "Moodle, and download the sheet again."
            )
        return found

    def is_locked(self, row: int) -> bool:
        at = self._columns["locked"]
        return at is not None and self._sheet.cell(row, at).casefold() in NO


def _within(cell: str, most: float) -> bool:
    found = number(cell)
    return found is not None and 0 <= found <= most
