"""Marks as plain CSV, for a spreadsheet or a script: one row for each student, lesson and exercise."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from autograde.marks import Row

__all__ = ["as_csv"]


def as_csv(table: Sequence[Row]) -> str:
    """The rows as CSV with a header; numbers as short as they can be, nothing where there is no score."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows([*row[:-2], "" if row.score is None else f"{row.score:g}", f"{row.points:g}"] for row in table)
    return out.getvalue()
