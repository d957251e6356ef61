"""Try each wall for real, and print as JSON which of them stand: `python -m autograde.kernel.probe SETTINGS`.

It goes the way that the server and a child go, without importing anything heavy.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograde.kernel import system
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warden import SCRATCH, Nursery, become_ordinary, last_words
from autograde.kernel.wire import Wire


def main() -> None:
    settings = json.loads(sys.argv[1])
    hoped = Walls(**settings["walls"])
    found: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    if hoped.rooms:
        try:
            found = _within_a_room()
        except OSError as error:
            problems.append(("namespaces", str(error)))
    if not found:
        found = _one_by_one(settings["readable"], os.environ["TMPDIR"], processes=False)
    problems += found.pop("problems")
    print(json.dumps({**found, "bubblewrap": hoped.bubblewrap, "problems": problems}))


def _within_a_room() -> dict[str, Any]:
    become_ordinary()
    nursery = Nursery()
    ours, theirs = socket.socketpair()
    room = nursery.room(dataclasses.asdict(Limits()), 0, [], theirs.fileno())
    theirs.close()
    there, here = socket.socketpair()
    pid = room.fork()
    if pid == 0:
        with last_words():
            os.chdir(SCRATCH)
            Path("writable").touch()
            seen = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
            problems = [] if seen == [1, os.getpid()] else [("namespaces", f"{len(seen)} processes are visible")]
            found = _one_by_one(["/"], SCRATCH, processes=True)
            found["problems"] += problems
            Wire(there).send({**found, "namespaces": not problems})
    there.close()
    reply = Wire(here).receive().header
    ours.close()
    os.waitpid(pid, 0)
    return reply


def _one_by_one(readable: list[str], scratch: str, *, processes: bool) -> dict[str, Any]:
    """The walls that a process puts up around itself. Each is for good, so the order matters."""
    found: dict[str, Any] = {"problems": [], "unprivileged": os.getuid() != 0}
    if os.getuid() == 0:
        found["problems"].append(("not root", "without bubblewrap, root stays root"))

    def put_up(name: str, wall: str, walls: Walls, stands: Callable[[], bool]) -> None:
        try:
            walls.close_in(Limits(), readable, Path(scratch))
            if not stands():
                raise OSError("it has no effect")
            found[wall] = getattr(walls, wall)
        except OSError as error:
            found["problems"].append((name, str(error)))

    put_up(
        "limits",
        "rlimits",
        Walls(rlimits=True, bubblewrap=processes, namespaces=processes, unprivileged=processes),
        lambda: resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
    )
    put_up("Landlock", "landlock", Walls(landlock=system.landlock_version()), lambda: not _can_write("/proc/self/comm"))
    put_up("seccomp", "seccomp", Walls(seccomp=True), lambda: not _has_network())
    return found


def _can_write(path: str) -> bool:
    try:
        Path(path).write_text("probe")
    except OSError:
        return False
    return True


def _has_network() -> bool:
    try:
        socket.socket(socket.AF_INET).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
