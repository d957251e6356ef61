"""The page that an instructor reads: marks, statuses, and which mistakes a class makes."""

from autograde.report.page import write_report

__all__ = ["write_report"]
