"""Marks as plain CSV, for a spreadsheet or a script: one row for each student, lesson and exercise."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields

from autograde.marks import Row

__all__ = ["as_csv"]


def as_csv(table: Sequence[Row]) -> str:
    """The rows as CSV with a header; numbers as short as they can be, nothing where there is no score."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(Row)])
    for row in table:
        writer.writerow([f"{value:g}" if isinstance(value, float) else value for value in astuple(row)])
    return out.getvalue()
