"""Who is who: the students of a course on the rows of someone else's sheet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograde.course import Course, CourseError
from autograde.export.sheet import Sheet
from autograde.gradebook import people_in

__all__ = ["FEW", "Column", "Person", "in_words", "match", "people", "read_users"]

FEW = 20  # names of others' students that are listed
STUDENT, USER = {"student", "student_id", "studentid"}, {"userid", "user_id", "user id", "user"}


@dataclass(frozen=True)
class Person:
    """A student under every name that is known. user: who they are elsewhere, by the instructor's own list."""

    id: str
    name: str = ""
    email: str = ""
    lms_id: str = ""  # nbgrader's field for a learning management system
    user: str = ""


@dataclass(frozen=True)
class Column:
    """A column that tells who a row is about, by row. kind: "id", "local" (what stands before an @), or "name"."""

    kind: str
    values: Mapping[int, str]


def people(course: Course, students: Iterable[str], users: Mapping[str, str]) -> list[Person]:
    """The students as the gradebook and the instructor's list know them. users: elsewhere, by student."""
    known = people_in(course.db_url)
    found = []
    for student in students:
        first, last, email, elsewhere = known.get(student, ("", "", "", ""))
        found.append(Person(student, f"{first} {last}".strip(), email, elsewhere, users.get(student, "")))
    return found


def read_users(path: Path, encoding: str = "") -> dict[str, str]:
    """Who is who elsewhere, from a CSV file with the columns student and userId. CourseError for anything else.

    encoding: of a file that is not UTF-8; it is there for the sheet, and the list may have been written elsewhere.
    """
    try:
        sheet = Sheet.read(path)
    except CourseError:
        if not encoding:
            raise
        sheet = Sheet.read(path, encoding)
    header = [cell.strip().casefold() for cell in sheet.header]
    student = next((at for at, name in enumerate(header) if name in STUDENT), None)
    user = next((at for at, name in enumerate(header) if name in USER), None)
    if student is None or user is None:
        raise CourseError(
            f"{path.name} needs a first line student,userId and has: {', '.join(sheet.header)}. "
            "Below it, one line for each student."
        )
    found: dict[str, str] = {}
    for row in range(1, len(sheet.rows)):
        ours, theirs = sheet.cell(row, student), sheet.cell(row, user)
        if not ours or not theirs:
            continue
        if found.setdefault(ours, theirs) != theirs:
            raise CourseError(f"{path.name} has {ours} twice, as {found[ours]} and as {theirs}: keep one line.")
    taken: dict[str, str] = {}
    for ours, theirs in found.items():
        if other := taken.get(theirs):
            raise CourseError(f"{path.name} has {other} and {ours} as the same user {theirs}: correct one line.")
        taken[theirs] = ours
    return found


def match(known: Sequence[Person], columns: Sequence[Column], told: Callable[[int], str]) -> dict[str, int]:
    """The row of each student who has one, by id. The first column counts in which a student is found.

    A name counts only where it fits one row. CourseError when two students fit one row, or one id stands on two rows.
    told: a row in words.
    """
    indexes = [(column.kind, _index(column)) for column in columns]
    found: dict[str, int] = {}
    taken: dict[int, str] = {}
    for person in known:
        row = _row_of(person, indexes, told)
        if row is None:
            continue
        if other := taken.get(row):
            raise CourseError(
                f"{other} and {person.id} both fit one row of the sheet, {told(row)}: "
                "say who is who with --users FILE, a CSV with student,userId."
            )
        taken[row] = person.id
        found[person.id] = row
    return found


def in_words(names: Sequence[str], most: int | None = None) -> str:
    """Names as a list; no more than `most`, and how many more there are."""
    few = list(names) if most is None else list(names)[:most]
    more = len(names) - len(few)
    between = "; " if any("," in name for name in few) else ", "
    return between.join(few) + (f" and {more} more" if more else "")


def _row_of(person: Person, indexes: Sequence[tuple[str, dict]], told: Callable[[int], str]) -> int | None:
    ids = [person.user] if person.user else [person.id, person.lms_id, person.email]
    names = [person.user] if person.user else [person.name, person.id]
    for kind, index in indexes:
        keys = [_tokens(name) for name in names] if kind == "name" else [_plain(each) for each in ids]
        for key in keys:
            rows = index.get(key, ())
            if len(rows) == 1:
                return rows[0]
            if len(rows) > 1 and kind == "id":
                where = " and ".join(told(row) for row in rows)
                raise CourseError(
                    f"{person.id} fits more than one row of the sheet: {where}. Remove one, or say who it is with "
                    "--users FILE, a CSV with student,userId."
                )
    return None


def _index(column: Column) -> dict:
    found: dict = {}
    for row, value in column.values.items():
        if column.kind == "local":
            value = value.partition("@")[0] if "@" in value else ""
        key = _tokens(value) if column.kind == "name" else _plain(value)
        if key:
            found.setdefault(key, []).append(row)
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _tokens(name: str) -> tuple[str, ...]:
    """A name's words in an order of their own: "Lovelace, Ada" is "ada-lovelace"."""
    return tuple(sorted(re.findall(r"[^\W_]+", _plain(name))))
