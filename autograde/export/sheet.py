"""A sheet that someone downloaded, as CSV: read so that what is not changed is written back byte for byte."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from autograde.course import CourseError

__all__ = ["Sheet", "number", "shown"]

MARKS_OF_ORDER = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
DECIMALS = 5  # as many as Moodle keeps; Canvas shows two


class Sheet:
    """Rows of cells. Cells are numbered from 0, rows as well; the first row is the header.

    `CourseError`, with a sentence, for a file that is no CSV, is empty, or has another encoding.
    """

    def __init__(self, data: bytes, name: str, encoding: str = ""):
        self.name = name
        self._start, self._encoding, text = _decoded(data, name, encoding)
        if not text.strip():
            raise CourseError(f"{name} is empty: download the sheet again.")
        self.delimiter = max(",;\t", key=lambda each: len(_fields(text, each, name, rows=1)[0][0]))
        rows, self._ends = _fields(text, self.delimiter, name)
        self._raw = rows
        self.rows = [[_value(raw) for raw in row] for row in rows]  # to be changed by `put` alone

    @classmethod
    def read(cls, path: Path, encoding: str = "") -> Sheet:
        """The sheet in a file."""
        return cls(path.read_bytes(), path.name, encoding)

    @property
    def header(self) -> list[str]:
        return self.rows[0]

    def has_decimal_comma(self, columns: Iterable[int]) -> bool:
        """Whether numbers in these columns are written like 3,5; where there are none, whether commas part no cells."""
        columns = list(columns)
        cells = [self.cell(row, column) for row in range(1, len(self.rows)) for column in columns]
        numbers = [cell for cell in cells if NUMBER.fullmatch(cell)]
        if any("," in cell for cell in numbers):
            return True
        return self.delimiter == ";" and not any("." in cell for cell in numbers)

    def cell(self, row: int, column: int) -> str:
        """A cell's text without white space around it; "" where the row is too short."""
        cells = self.rows[row]
        return cells[column].strip() if column < len(cells) else ""

    def put(self, row: int, column: int, text: str) -> None:
        """Write a cell, quoted where it has to be or was before. A row that is too short is made longer."""
        while len(self.rows[row]) <= column:
            self.rows[row].append("")
            self._raw[row].append("")
        was_quoted = self._raw[row][column].startswith('"')
        if was_quoted or text != text.strip() or any(each in text for each in (self.delimiter, '"', "\n", "\r")):
            quoted = text.replace('"', '""')
            self._raw[row][column] = f'"{quoted}"'
        else:
            self._raw[row][column] = text
        self.rows[row][column] = text

    def put_number(self, row: int, column: int, value: float, decimal_comma: bool) -> None:
        """Write a number. A cell that says the same, to two decimals, stays as it is."""
        there = number(self.cell(row, column))
        if there is None or round(there, 2) != round(value, 2):
            self.put(row, column, shown(value).replace(".", "," if decimal_comma else "."))

    def to_bytes(self) -> bytes:
        """The file, with the byte order mark, the ends of lines and the quotes that it had."""
        text = "".join(self.delimiter.join(row) + end for row, end in zip(self._raw, self._ends, strict=True))
        try:
            return self._start + text.encode(self._encoding)
        except UnicodeEncodeError as error:
            raise CourseError(
                f"{self._encoding}, the encoding of {self.name}, has no {error.object[error.start]!r}: "
                "save the sheet as UTF-8, and export again."
            ) from None


def number(text: str) -> float | None:
    """What a cell such as 3.5, 3,5 or 10 comes to; None for anything else."""
    text = text.strip()
    return float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def shown(value: float) -> str:
    """A mark as short as it can be."""
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _decoded(data: bytes, name: str, encoding: str) -> tuple[bytes, str, str]:
    """(the byte order mark, the encoding, the text) of a file."""
    if data.startswith(b"PK\x03\x04"):
        raise CourseError(f"{name} is a workbook, not CSV: save it as CSV UTF-8, and export again.")
    start = next((each for each in MARKS_OF_ORDER if data.startswith(each)), b"")
    encoding = MARKS_OF_ORDER.get(start, encoding or "utf-8")
    try:
        text = data[len(start) :].decode(encoding)
    except LookupError:
        raise CourseError(f"There is no encoding {encoding!r}: try --encoding utf-8 or --encoding cp1252.") from None
    except UnicodeDecodeError:
        raise CourseError(
            f"{name} is not {encoding}: say how it is written, such as --encoding cp1252, or save it as UTF-8."
        ) from None
    if "\0" in text:
        raise CourseError(f"{name} is no CSV: it has bytes that no text has. Download the sheet again.")
    return start, encoding, text


def _fields(text: str, delimiter: str, name: str, rows: int = 0) -> tuple[list[list[str]], list[str]]:
    """(the fields of each row as they are written, what ends each row); no more than `rows` rows, 0 for all."""
    part = re.escape(delimiter)
    field = re.compile(rf'("(?:[^"]|"")*"[^{part}\r\n]*|[^{part}\r\n]*)({part}|\r\n|\r|\n|\Z)')
    found: list[list[str]] = []
    ends: list[str] = []
    row: list[str] = []
    at = line = 0
    while at < len(text):
        match = field.match(text, at)
        if not match:
            raise CourseError(f"{name} cannot be read as CSV near line {line + 1}: download the sheet again.")
        raw, end = match.groups()
        if raw.startswith('"') and raw.count('"') % 2:
            raise CourseError(f"{name}, line {line + 1}: a quote is opened and never closed. Download the sheet again.")
        line += raw.count("\n") + (end not in (delimiter, ""))
        row.append(raw)
        at = match.end()
        if end == delimiter and at < len(text):
            continue
        if end == delimiter:  # the file ends behind it
            row.append("")
            end = ""
        found.append(row)
        ends.append(end)
        row = []
        if rows and len(found) == rows:
            break
    return found, ends


def _value(raw: str) -> str:
    if not raw.startswith('"'):
        return raw
    close = raw.rindex('"')
    return raw[1:close].replace('""', '"') + raw[close + 1 :]
