"""Marks for a learning management system: each format in a module of its own. Nothing is graded here."""

from autograde.export.plain import as_csv

__all__ = ["as_csv"]
