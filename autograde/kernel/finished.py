"""Finished versions locked away: whichever way a learner's code reaches one, calling it says whose it is."""

from __future__ import annotations

__all__ = ["FinishedVersion", "lock"]


class FinishedVersion(Exception):
    """Code of ours was called where the learner's own is asked for."""


def lock(name: str) -> None:
    """To be written."""
