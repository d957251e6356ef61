"""What `from autograde import ...` finds beside a submission that is being graded: the judge asks from outside."""

from __future__ import annotations

from typing import Any

__all__ = ["check", "hint", "passed", "progress"]


def check(*_: Any, **__: Any) -> None:
    """In practice this shows a card; in grading the judge writes its verdict here."""
    print("This is graded from outside.")


def hint(*_: Any, **__: Any) -> None:
    """In practice this shows a hint."""
    print("There are no hints while this is graded.")


def passed(*_: Any, **__: Any) -> bool:
    """True: what goes on with the learner's own work is to run."""
    return True


def progress(*_: Any, **__: Any) -> None:
    """In practice this shows how far the learner has come."""
    print("There is no progress to show while this is graded.")
