"""Jupyter kernels that start warm: a kernel provisioner, which forks ipykernel from a server that has imported torch.

For practice, nbgrader's Validate and papermill: no walls, the user's own environment, the real `autograde`.
`JUPYTER_DEFAULT_PROVISIONER_NAME=autograde-warm` asks for it for all kernels, and a kernelspec for its own by
`"metadata": {"kernel_provisioner": {"provisioner_name": "autograde-warm"}}`. The server belongs to the process that
manages the kernels, and ends with it. Kernels of another Python, or with pipes, start as they always do.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from autograde.kernel.walls import ONE_THREAD, Box, Walls
from autograde.kernel.warm import GUARD_BOUNDS, ServerFailed, ServerProcess
from autograde.kernel.wire import Wire, WireError, WireTimeout

__all__ = ["WarmProvisioner"]

START_SECONDS = 120
LAUNCHER = ("-m", "ipykernel_launcher")


class WarmProvisioner(LocalProvisioner):
    """Start a kernel by a fork of a warm server where that gives the same kernel, and as usual where it does not."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        arguments = _arguments_of(cmd)
        if arguments is None or not _is_ordinary(kwargs):
            return await super().launch_kernel(cmd, **kwargs)
        try:
            self.process = await asyncio.to_thread(_launched, arguments, kwargs)
        except ServerFailed as error:
            self.log.warning("No kernel could be forked, so one starts by itself: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid  # it leads a group of its own
        self.cwd = kwargs.get("cwd") or os.getcwd()
        return self.connection_info


def _arguments_of(command: Sequence[str]) -> list[str] | None:
    """What follows `python -m ipykernel_launcher`, None when that is not the command, or of another Python."""
    for start in (1, 2):
        if tuple(command[start : start + 2]) == LAUNCHER and all(each.startswith("-X") for each in command[1:start]):
            python = Path(command[0])
            # two environments may share one Python: the place of the link to it tells them apart
            is_ours = python.is_absolute() and python.parent.resolve() == Path(sys.executable).parent.resolve()
            return list(command[start + 2 :]) if is_ours else None
    return None


def _is_ordinary(options: dict[str, Any]) -> bool:
    """Whether a fork can honour the options: no pipes, and an environment that imports the same modules."""
    pipes = (options.get(name) for name in ("stdin", "stdout", "stderr"))
    environment = options.get("env") or os.environ
    same = all(environment.get(name) == os.environ.get(name) for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"))
    return hasattr(os, "fork") and same and subprocess.PIPE not in pipes and not options.get("independent")


class _Forked:
    """A process that the server has forked, with what LocalProvisioner needs of a Popen."""

    stdin = stdout = stderr = None

    def __init__(self, guard: Wire, pid: int):
        self._guard = guard
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._look(time.monotonic())

    def wait(self, timeout: float | None = None) -> int:
        result = self._look(None if timeout is None else time.monotonic() + timeout)
        if result is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return result

    def _look(self, deadline: float | None) -> int | None:
        if self.returncode is None:
            try:
                ended = self._guard.receive(deadline).header.get("ended")
                self.returncode = ended if isinstance(ended, int) else 1
            except WireTimeout:
                return None
            except WireError:  # the server is gone, and the kernel goes after it
                self.returncode = 1
            self._guard.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


_lock = threading.Lock()
_servers: list[ServerProcess] = []  # of this process: none before the first kernel, one from then on


def _server() -> ServerProcess:
    if _servers and not _servers[0].is_alive():
        _servers.pop().close()
    if not _servers:
        box = Box((), {**os.environ, **ONE_THREAD, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}, ())
        _servers.append(ServerProcess(box, Walls.none(), practice=True))
    return _servers[0]


@atexit.register
def _close_server() -> None:
    while _servers:
        _servers.pop().close(kill=True)


def _launched(arguments: list[str], options: dict[str, Any]) -> _Forked:
    environment = {**(options.get("env") or os.environ)}
    kernel = {"arguments": arguments, "env": environment, "cwd": str(options.get("cwd") or os.getcwd())}
    deadline = time.monotonic() + START_SECONDS
    ours, theirs = socket.socketpair()
    guard = Wire(ours, GUARD_BOUNDS)
    with contextlib.ExitStack() as opened:
        opened.enter_context(theirs)
        nowhere = opened.enter_context(open(os.devnull, "r+b"))
        standard = [_handle(options.get(name), usual, nowhere) for name, usual in (("stdout", 1), ("stderr", 2))]
        handles = [theirs.fileno(), nowhere.fileno(), *standard]
        with _lock:
            server = _server()
            try:
                server.control.send({"kernel": kernel}, handles=handles, deadline=deadline)
            except WireError as error:
                guard.close()
                raise ServerFailed(f"{error}. {server.said()}") from None
    try:
        answer = guard.receive(deadline).header
    except WireError as error:
        guard.close()
        raise ServerFailed(f"{error}. {server.said()}") from None
    if "launched" not in answer:
        guard.close()
        raise ServerFailed(str(answer.get("failed")))
    return _Forked(guard, answer["launched"])


def _handle(option: Any, usual: int, nowhere: Any) -> int:
    if option is None:
        return usual
    if option == subprocess.DEVNULL:
        return nowhere.fileno()
    if option == subprocess.STDOUT:
        return 1
    return option if isinstance(option, int) else option.fileno()
