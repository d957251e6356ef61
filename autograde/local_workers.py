"""Dask workers on this machine: processes whose warm servers begin to import before anybody has imported Dask.

`python -m autograde.local_workers` is one such process. Its settings come on stdin, then the scheduler's address, and
it ends with stdin, whichever way that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from autograde.kernel.walls import ONE_THREAD, Walls

if TYPE_CHECKING:  # the process that starts others needs no judge
    from autograde.desk import Desk

__all__ = ["UNWATCHED", "LocalWorkers", "main"]

LOOK_SECONDS = 0.5  # between two looks whether all processes are there
LEAVE_SECONDS = 10  # for a process whose stdin has ended
TRIES = 3  # at starting a process that ends before it has joined the scheduler
JOINED = b"joined\n"
# Nobody looks at the profile of workers of our own, and to take it costs as much as to judge.
UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.tick.interval": "1s",
}


class LocalWorkers:
    """A process for each number of threads, from now until `close`: it waits for `prepare`, then for `join`.

    One that dies is started anew. When one does not start at all, `failure` says so.
    """

    def __init__(self, threads: Sequence[int]):
        self.failure = ""
        self._places = [_Place(each) for each in threads]
        self._folder = ""
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None

    def prepare(self, walls: bool) -> None:
        """Have them set up judges and warm servers, since there is work. walls: whether learners' code needs them."""
        self._folder = tempfile.mkdtemp(prefix="autograde-dask-")
        found = asdict(Walls.found() if walls else Walls.none())
        for place in self._places:
            place.furnish({"walls": walls, "found": found, "folder": self._folder})

    def join(self, address: str, on_failure: Callable[[], None]) -> None:
        """Have these, and those that come in their places, work for the scheduler at this address.

        on_failure: called in another thread when a process does not start at all.
        """
        for place in self._places:
            place.tell(address)
        self._watch = threading.Thread(
            target=self._look_after, args=(address, on_failure), name="looks after workers", daemon=True
        )
        self._watch.start()

    def close(self) -> None:
        """End all of them, whatever they are doing."""
        self._closing.set()
        if self._watch:
            self._watch.join()
        for place in self._places:
            place.leave()
        for place in self._places:
            place.wait()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _look_after(self, address: str, on_failure: Callable[[], None]) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            for place in self._places:
                if place.process.poll() is None:
                    continue
                if place.has_joined():
                    place.tries = 0
                if place.tries == TRIES:
                    self.failure = f"No worker starts on this machine. {place.last_words()}".rstrip()
                    on_failure()
                    return
                place.start()
                place.tell(address)


class _Place:
    """Where one process follows another. tries: how many have been started since the last one that joined."""

    def __init__(self, threads: int):
        self._threads = threads
        self._settings = ""  # as long as there is no work
        self.tries = 0
        self.process: subprocess.Popen[bytes]
        self._said: IO[bytes] | None = None
        self.start()

    def start(self) -> None:
        if self._said:
            self.leave()
            self._said.close()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograde.local_workers"],
            bufsize=0,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,  # an interrupt in the terminal is the command's alone
        )
        self.tries += 1
        if self._settings:
            self.tell(self._settings)

    def furnish(self, settings: dict[str, Any]) -> None:
        self._settings = json.dumps({**settings, "threads": self._threads})
        self.tell(self._settings)

    def tell(self, line: str) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # then another is started
            self.process.stdin.write(line.encode() + b"\n")

    def has_joined(self) -> bool:
        return JOINED in self._output()

    def last_words(self) -> str:
        lines = self._output().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def leave(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        if not self._settings:  # it has begun nothing that it would have to end
            self.process.kill()

    def wait(self) -> None:
        assert self._said
        try:
            self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._said.close()

    def _output(self) -> bytes:
        assert self._said
        return os.pread(self._said.fileno(), 1 << 20, 0)


# ---- in the process


def main() -> None:
    """Set a desk up, then be a worker of the scheduler whose address comes, until stdin ends."""
    from autograde.desk import desk_of_this_process

    settings = json.loads(sys.stdin.buffer.readline() or sys.exit())
    desk = desk_of_this_process(settings["walls"], Walls(**settings["found"]))
    import distributed  # noqa: F401  before the judge: two threads that import the same modules disturb each other

    desk.call_the_judge()
    if address := sys.stdin.readline().strip():
        threading.Thread(target=_end_with_stdin, args=(desk, settings["folder"]), daemon=True).start()
        asyncio.run(_work(address, settings))
    _end(desk, settings["folder"])


def _end_with_stdin(desk: Desk, folder: str) -> None:
    sys.stdin.read()
    _end(desk, folder)


def _end(desk: Desk, folder: str) -> None:
    """At once, whatever is being judged: nobody waits for it."""
    desk.close()
    shutil.rmtree(folder, ignore_errors=True)  # who made it may have been killed
    os._exit(0)


async def _work(address: str, settings: dict) -> None:
    import dask
    from distributed import Worker

    from autograde.worker import DeskPlugin

    with dask.config.set(UNWATCHED):
        worker = await Worker(
            address,
            nthreads=settings["threads"],
            local_directory=settings["folder"],
            host="127.0.0.1",
            dashboard=False,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            plugins=(DeskPlugin(settings["walls"]),),
        )
        sys.stdout.buffer.write(JOINED)
        sys.stdout.buffer.flush()
        await worker.finished()


if __name__ == "__main__":
    main()
