"""A sheet comes back byte for byte, whatever is in it, and a cell that is written changes no other."""

import csv
import io
import random

import pytest

from autograde.export.sheet import Sheet, number, shown

CELLS = [
    "",
    "a",
    "3,5",
    'said "no"',
    "Müller, Jürgen",
    "two\nlines",
    "=1+1",
    "ä;b",
    "\t",
    " space ",
    '"',
    "日本",
    "'",
    "0",
]


def written(seed, delimiter, end, quoting):
    """(bytes, cells) of a sheet that somebody's program may have written."""
    draw = random.Random(seed)
    rows = [["h1", "h2", "h3", "h4"], *([draw.choice(CELLS) for _ in range(4)] for _ in range(12))]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue().encode(), rows


def read(data, delimiter):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_it_reads_what_python_reads_and_changes_one_cell(seed, delimiter, end, quoting):
    data, rows = written(seed, delimiter, end, quoting)
    sheet = Sheet(data, "x.csv")
    assert (sheet.delimiter, sheet.rows) == (delimiter, rows)
    assert sheet.to_bytes() == data
    draw = random.Random(seed)
    row, column, text = draw.randrange(1, 13), draw.randrange(4), draw.choice(CELLS)
    sheet.put(row, column, text)
    rows[row][column] = text
    assert read(sheet.to_bytes(), delimiter) == rows == sheet.rows


@pytest.mark.parametrize(
    "data", [b"a,b\r1,2\r", b"a,b\n1,2", b"a,b\n1,2\n\n", b"a,b,\n1,", b"a,b\r\n1\r\n", b"\xef\xbb\xbfa,b\n1,2\n"]
)
def test_odd_ends_stay(data):
    assert Sheet(data, "x.csv").to_bytes() == data


def test_a_row_that_is_too_short_is_made_longer():
    sheet = Sheet(b"a,b,c\n1\n", "x.csv")
    assert sheet.cell(1, 2) == ""
    sheet.put(1, 2, "x")
    assert sheet.to_bytes() == b"a,b,c\n1,,x\n"


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [("", 6.5, "6.5"), ("6.50", 6.5, "6.50"), ("7", 6.5, "6.5"), ("EX", 6.5, "6.5"), ("8.00", 8.001, "8.00")],
)
def test_a_number_that_stands_there_already_stays(before, value, after):
    sheet = Sheet(f"a,b\nx,{before}\n".encode(), "x.csv")
    sheet.put_number(1, 1, value, decimal_comma=False)
    assert sheet.to_bytes() == f"a,b\nx,{after}\n".encode()


def test_numbers_are_short_and_never_in_powers_of_ten():
    values = [0, -0.0, 6.5, 1 / 3, 1234567.0, 1e-7, 10]
    assert [shown(value) for value in values] == ["0", "0", "6.5", "0.33333", "1234567", "0", "10"]
    assert [number(text) for text in ("3.5", " 3,5 ", "10", "", "EX", "(read only)", "1.2.3", "nan", "1e5")] == [
        3.5, 3.5, 10, None, None, None, None, None, None,
    ]  # fmt: skip
