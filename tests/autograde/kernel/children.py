"""What tests of children share."""

import dataclasses
import time
from pathlib import Path

from autograde.kernel.limits import Limits

SMALL = Limits(
    cell_seconds=10,
    interrupt_seconds=20,
    memory_bytes=1 << 30,
    scratch_bytes=32 << 20,
    file_bytes=16 << 20,
    processes=20,
    cpu_seconds=60,
    submission_seconds=120,
)


IMPATIENT = dataclasses.replace(SMALL, interrupt_seconds=1)


def shown(ran):
    """What a cell shows, in order: (kind, text)."""
    return [
        (
            each.get("name") or each["output_type"],
            each["data"]["text/plain"] if "data" in each else each.get("text", ""),
        )
        for each in ran.outputs
    ]


def value_of(child, source, seconds=10):
    """The last line of a cell that runs well, as it is shown."""
    ran = child.run(source, seconds)
    assert ran.ended == "ok", (shown(ran), ran.ended, ran.how)
    return shown(ran)[-1][1]


def is_gone(pid):
    """Whether a process that a test has started is no more, given a moment to go."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False
