"""What `from autograde import ...` finds beside a submission that is being graded: the judge asks from outside."""

from __future__ import annotations

from typing import Any

__all__ = ["check", "give_up", "hint", "passed", "progress", "solution"]


def check(*_: Any, **__: Any) -> None:
    """In practice this shows a card; in grading the judge writes its verdict here."""
    print("This is graded from outside.")


def give_up(*_: Any, **__: Any) -> None:
    """In practice this opens a solution."""
    print("Nothing is given up while this is graded.")


def hint(*_: Any, **__: Any) -> None:
    """In practice this shows a hint."""
    print("There are no hints while this is graded.")


def passed(*_: Any, **__: Any) -> bool:
    """True: what goes on with the learner's own work is to run."""
    return True


def progress(*_: Any, **__: Any) -> None:
    """In practice this shows how far the learner has come."""
    print("There is no progress to show while this is graded.")


def solution(*_: Any, **__: Any) -> None:
    """In practice this shows the solution of what has passed, or was given up."""
    print("There are no solutions while this is graded.")
