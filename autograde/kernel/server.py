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
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograde.kernel.finished import resolved
from autograde.kernel.imports import fastai_quickly
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
from autograde.kernel.wire import WITH_HANDLES, Wire, WireClosed, WireError, wait_for

if TYPE_CHECKING:
    from autograde.kernel.shell import ZMQInteractiveShell

WARM = (
    "torch",
    "torch.fx.experimental.symbolic_shapes",  # which the `meta` device needs, and a third of a second with it
    "fastai.collab",
    "fastai.tabular.all",
    "pandas",
    "matplotlib.pyplot",
    "ipywidgets",
    "tqdm.auto",
)
FOR_PRACTICE = (
    "torch._dynamo",  # which PyTorch's own optimizers need, and half a second with it
    "ipykernel.kernelapp",
)
FOR_CELLS = ("matplotlib_inline.backend_inline", "autograde.kernel.child", "autograde.observe")


def main() -> None:
    gc.disable()  # until everything is imported: collections in between find nothing, and take a quarter of the time
    control = Wire(socket.socket(fileno=int(sys.argv[1])), WITH_HANDLES)
    settings = json.loads(sys.argv[2])
    walls = Walls(**settings["walls"])
    nursery = None
    if walls.rooms:
        become_ordinary()
        nursery = Nursery(control)
    del sys.path[0]  # the folder in which the server happens to be
    if settings["practice"]:
        shell = _import((*WARM, *FOR_PRACTICE))
    else:
        # what is installed by a link to its sources is found in the box, where only some of it is, or not at all
        sys.meta_path[:] = [each for each in sys.meta_path if "__editable__" not in getattr(each, "__module__", "")]
        installed = [place for place, path in enumerate(sys.path) if path.endswith("-packages")]
        sys.path.insert(min(installed, default=0), "")  # as in a kernel: a cell may import what another has written
        shell = _import((*WARM, *FOR_CELLS), quickly=True)
        _prepare(settings["prepare"])
    _Server(control, walls, settings["readable"], nursery, shell).serve()
    if settings["folder"]:
        shutil.rmtree(settings["folder"], ignore_errors=True)  # the judge may have been killed before it could do so
    os._exit(0)  # whoever waits for the end need not wait until all modules have been taken apart


def _import(names: Sequence[str], *, quickly: bool = False) -> ZMQInteractiveShell:
    """Import everything, and leave this process with one thread: a fork copies no other. Returns the shell."""
    from autograde.kernel.shell import new_shell

    shell = new_shell()  # before fastai, which asks whether this is a notebook
    with shell.builtin_trap:  # which asks for get_ipython
        if quickly:
            fastai_quickly()
        for name in names:
            importlib.import_module(name)
    try:
        raise ValueError("shown once here, so that what shows it has been imported")
    except ValueError:
        shell.InteractiveTB.structured_traceback(*sys.exc_info())
    import torch

    torch.manual_seed(0)  # as each child does, which would import the rest of it
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    gc.freeze()  # no collection touches what is shared with children
    gc.enable()
    return shell


def _prepare(names: Sequence[str]) -> None:
    """Call what makes children quick. What goes wrong there goes wrong in a child too, where it is told."""
    for name in names:
        with contextlib.suppress(Exception):
            resolved(name)()
    gc.freeze()


class _Server:
    def __init__(
        self, control: Wire, walls: Walls, readable: list[str], nursery: Nursery | None, shell: ZMQInteractiveShell
    ):
        self._control = control
        self._walls = walls
        self._readable = readable
        self._nursery = nursery
        self._shell = shell
        self._imported: set[str] = set()  # for some child, by dotted name
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
                    while message := self._control.poll():  # several may have come while everything was imported
                        if "kernel" in message.header:
                            self._launch(message.header["kernel"], *self._control.handles())
                        else:
                            self._fork(message.header, *self._control.handles(2))
                except WireClosed:
                    return

    def _fork(self, request: dict[str, Any], talk_handle: int, guard_handle: int) -> None:
        guard = socket.socket(fileno=guard_handle)
        talk = socket.socket(fileno=talk_handle)
        try:
            self._import_once(request["imports"], request["locked"])
            _insist_on_one_thread()
            if self._nursery:
                self._fork_into_room(request, talk, guard)
            else:
                self._fork_here(request, talk, guard)
        except Exception as error:  # whatever it is, it is told, and the next request finds the server here
            _tell(guard, {"failed": f"{type(error).__name__}: {error}"})
        finally:
            talk.close()

    def _import_once(self, wanted: Sequence[str], locked: Sequence[str]) -> None:
        """Import once what children need, when the first of them needs it. Each child then locks away its own.

        wanted: what is not there is left out, and the cell that imports it will say so.
        """
        if new := {*wanted, *locked} - self._imported:
            for name in sorted(new):
                with contextlib.suppress(*(() if name in locked else (Exception,))):
                    resolved(name)
            self._imported |= new
            gc.freeze()

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

    def _launch(self, kernel: dict[str, Any], *handles: int) -> None:
        """Fork a Jupyter kernel. handles: the guard socket, and what is to be its stdin, stdout and stderr."""
        guard, standard = socket.socket(fileno=handles[0]), handles[1:]
        try:
            _insist_on_one_thread()
            pid = os.fork()
        except OSError as error:
            _tell(guard, {"failed": str(error)})
        else:
            if pid == 0:
                with last_words():
                    _be_kernel(kernel, standard)
            self._guards[pid] = guard
            with contextlib.suppress(WireError):
                Wire(guard).send({"launched": pid})
        finally:
            for each in standard:
                os.close(each)

    def _report_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._nursery and pid == self._nursery.pid:
                raise SystemExit("the nursery has ended: there will be no more rooms")  # and the judge starts anew
            if guard := self._guards.pop(pid, None):
                _tell(guard, {"ended": os.waitstatus_to_exitcode(status)})


def _tell(guard: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(WireError), contextlib.closing(Wire(guard)) as wire:
        wire.send(message)


def _insist_on_one_thread() -> None:
    tasks = Path("/proc/self/task")
    count = len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
    if count != 1:
        raise OSError(f"{count} threads run in the server, and a fork would copy one of them")


def _be_kernel(kernel: dict[str, Any], standard: Sequence[int]) -> None:
    """What `python -m ipykernel_launcher` would be, in a process that has just been forked."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, handle in enumerate(standard):
        os.dup2(handle, target)
    os.closerange(3, 1 << 20)
    os.chdir(kernel["cwd"])
    os.environ.clear()
    os.environ.update(kernel["env"], JPY_PARENT_PID=str(os.getppid()))  # it ends with the server
    import numpy as np
    import torch
    from ipykernel.kernelapp import IPKernelApp

    from autograde.kernel.shell import ZMQInteractiveShell

    np.random.seed()  # noqa: NPY002
    torch.seed()
    wanted = kernel["env"].get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(wanted) if wanted.isdecimal() and int(wanted) else os.cpu_count() or 1)
    ZMQInteractiveShell.clear_instance()
    sys.argv = ["ipykernel_launcher", *kernel["arguments"]]
    IPKernelApp.launch_instance(kernel["arguments"], parent_handle=os.getppid())


if __name__ == "__main__":
    main()
