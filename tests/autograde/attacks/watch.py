"""Run a command and tell afterwards which processes it has left, wherever they hid: `python -m ... RECORD COMMAND...`.

On Linux alone: this process adopts every orphan below it, so that a session of its own hides nobody.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Watched", "below", "name_of", "watched"]

ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER
GRACE = 3  # seconds that processes which are about to end have for it


@dataclass(frozen=True)
class Watched:
    """What became of a command. `code` is None when it ran out of time."""

    code: int | None
    output: str
    left: tuple[str, ...]  # the command lines of processes that were still there; they have been ended since
    seconds: float


def watched(
    command: Sequence[str | Path], *, seconds: float, cwd: Path, environment: Mapping[str, str] | None = None
) -> Watched:
    """Run the command, for so many seconds at most, and end whatever is left of it."""
    with tempfile.TemporaryDirectory() as folder:
        record, said = Path(folder, "record.json"), Path(folder, "said")
        with said.open("w") as output:
            subprocess.run(
                [sys.executable, __file__, record, str(seconds), *map(str, command)],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        found = json.loads(record.read_text())
        return Watched(found["code"], said.read_text(errors="replace"), tuple(found["left"]), found["seconds"])


def _main(record: str, seconds: str, *command: str) -> None:
    ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    begin = time.monotonic()
    process = subprocess.Popen(command)
    try:
        code = process.wait(float(seconds))
    except subprocess.TimeoutExpired:
        code = None
    took = time.monotonic() - begin
    if code is None:
        process.kill()
        process.wait()
    end = time.monotonic() + GRACE
    while (left := _still_here()) and time.monotonic() < end:
        time.sleep(0.1)
    names = [name_of(pid) for pid in left]
    while left := _still_here():
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    Path(record).write_text(json.dumps({"code": code, "left": names, "seconds": took}))


def _still_here() -> list[int]:
    """The processes below this one, after taking leave of those that have ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    return below(os.getpid())


def below(pid: int) -> list[int]:
    """The processes that this one has started, and those that these have started, as long as they live."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, unseen = [], [pid]
    while unseen:
        children = parents.get(unseen.pop(), [])
        found += children
        unseen += children
    return found


def name_of(pid: int) -> str:
    """The command line of a process, cut."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        words = ""
    return words.strip()[:200] or "a process without a name"


if __name__ == "__main__":
    _main(*sys.argv[1:])
