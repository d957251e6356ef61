"""The warm server: it imports what lessons need, once, and forks a child for each request of the judge's.

`python -m autograde.kernel.server HANDLE SETTINGS`: the control socket, and the walls as JSON. It ends when the other
end of the socket is closed, whichever way the judge ends, and with it all children.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warden import (
    SCRATCH,
    Nursery,
    anonymous_bytes,
    become_ordinary,
    last_words,
    watch_without_walls,
)
from autograde.kernel.wire import Wire, WireClosed, WireError, wait_for

WARM = (
    "torch",
    "torch._dynamo",
    "fastai.collab",
    "fastai.tabular.all",
    "pandas",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "ipywidgets",
    "numba",
    "tqdm.auto",
)


def main() -> None:
    control = Wire(socket.socket(fileno=int(sys.argv[1])))
    settings = json.loads(sys.argv[2])
    walls = Walls(**settings["walls"])
    nursery = None
    if walls.rooms:
        become_ordinary()
        nursery = Nursery(control)
    # what is installed by a link to its sources is found in the box, where only some of it is, or not at all
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    _Server(control, walls, settings["readable"], nursery, _warm_up()).serve()


def _warm_up() -> Any:
    """Import everything, and leave this process with one thread: a fork copies no other."""
    from autograde.kernel.shell import new_shell

    shell = new_shell()  # before fastai, which asks whether this is a notebook
    with shell.builtin_trap:  # which asks for get_ipython
        for name in WARM:
            importlib.import_module(name)
    import torch

    import autograde.kernel.child
    import autograde.observe  # noqa: F401

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    gc.collect()
    gc.freeze()  # no collection touches what is shared with children
    return shell


class _Server:
    def __init__(self, control: Wire, walls: Walls, readable: list[str], nursery: Nursery | None, shell: Any):
        self._control = control
        self._walls = walls
        self._readable = readable
        self._nursery = nursery
        self._shell = shell
        self._guards: dict[int, socket.socket] = {}  # of children whose end this process has to report

    def serve(self) -> None:
        """Fork on request, until there is nobody left to ask."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _ = wait_for([self._control, woken], [], None)
            if woken in ready:
                os.read(woken, 4096)
                self._report_ended()
            if self._control in ready:
                try:
                    message = self._control.poll()
                except WireClosed:
                    return
                if message:
                    self._fork(message.header, *self._control.handles())

    def _fork(self, request: dict[str, Any], talk_handle: int, guard_handle: int) -> None:
        guard = socket.socket(fileno=guard_handle)
        talk = socket.socket(fileno=talk_handle)
        try:
            if (count := _threads()) != 1:
                raise OSError(f"{count} threads run in the server, and a fork would copy one of them")
            if self._nursery:
                self._fork_into_room(request, talk, guard)
            else:
                self._fork_here(request, talk, guard)
        except OSError as error:
            with contextlib.suppress(WireError), contextlib.closing(Wire(guard)) as wire:
                wire.send({"failed": str(error)})
        finally:
            talk.close()

    def _fork_into_room(self, request: dict[str, Any], talk: socket.socket, guard: socket.socket) -> None:
        assert self._nursery is not None
        inherited = anonymous_bytes()
        room = self._nursery.room(request["limits"], inherited, request["covered"], guard.fileno())
        try:
            pid = room.fork()
            if pid == 0:
                with last_words():
                    self._be_child(request, talk, Path(SCRATCH))
        finally:
            room.close()
        self._guards[pid] = guard

    def _fork_here(self, request: dict[str, Any], talk: socket.socket, guard: socket.socket) -> None:
        if os.fork() == 0:
            with last_words():
                self._control.socket.close()
                scratch = Path(tempfile.mkdtemp(prefix="autograde-scratch-"))
                limits = Limits(**request["limits"])
                run = functools.partial(self._be_child, request, talk, scratch)
                watch_without_walls(Wire(guard), talk, run, scratch, limits)
        guard.close()

    def _be_child(self, request: dict[str, Any], talk: socket.socket, scratch: Path) -> None:
        from autograde.kernel.child import settle_and_serve

        settle_and_serve(Wire(talk), self._shell, request, self._walls, self._readable, scratch)

    def _report_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if guard := self._guards.pop(pid, None):
                with contextlib.suppress(WireError), contextlib.closing(Wire(guard)) as wire:
                    wire.send({"ended": os.waitstatus_to_exitcode(status)})


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


if __name__ == "__main__":
    main()
