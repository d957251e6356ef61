"""Waiting for something to happen, and whether a process is still there. No tests in here."""

import contextlib
import time
from pathlib import Path

PATIENCE = 600  # seconds, on a machine that may be busy


def until(condition):
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_there(pid):
    """Whether the process runs; one that has ended and waits for its parent does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
