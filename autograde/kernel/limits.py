"""What a submission may use, and how one of its cells can end: values that both sides of the walls know."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Ended", "Limits", "too_much_cpu"]


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Seconds of wall time unless they are called CPU seconds, and bytes."""

    startup_seconds: int = 120  # starting the server or a child of it, on a machine that may be busy
    import_seconds: int = 120  # a locked cell: it imports torch and fastai, and no learner wrote it
    cell_seconds: int = 20  # a cell of the learner's, or a check that runs it
    interrupt_seconds: int = 5  # how long an interrupted cell has to give up
    submission_seconds: int = 600  # all cells and all questions together
    cpu_seconds: int = 600  # of all processes of a submission together
    output_characters: int = 1_000_000  # what one cell may print; the rest is dropped
    outputs: int = 1_000  # how many outputs of one cell are kept
    rich_bytes: int = 20_000_000  # figures and other rich outputs of one cell
    memory_bytes: int = 4 << 30  # of all processes of a submission, beyond what the warm server has loaded
    scratch_bytes: int = 512 << 20  # everything in the scratch folder together
    file_bytes: int = 256 << 20  # one file
    processes: int = 64  # processes and threads at one time


class Ended(enum.StrEnum):
    """How one cell ended."""

    OK = "ok"
    ERROR = "error"
    SKIPPED = "skipped"
    TIMED_OUT = "timed out"
    DIED = "died"  # the kernel ended in this cell
    NOT_REACHED = "not reached"


def too_much_cpu(limits: Limits) -> str:
    """The sentence for a submission that its warden, or the kernel itself, has ended for it."""
    return f"it used more processor time than the {limits.cpu_seconds} seconds that it may"
