"""A submission's own process: it closes itself in, and then runs cells and answers questions until it is ended."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograde.kernel.arrays import to_npy
from autograde.kernel.finished import lock
from autograde.kernel.limits import Limits
from autograde.kernel.shell import Outlet, ZMQInteractiveShell
from autograde.kernel.walls import Walls
from autograde.kernel.wire import Message, Wire, WireClosed

__all__ = ["settle_and_serve"]


def settle_and_serve(
    wire: Wire, shell: ZMQInteractiveShell, request: dict[str, Any], walls: Walls, readable: list[str], scratch: Path
) -> None:
    """Become the child that was asked for, in a process that has just been forked. Returns when the judge is gone."""
    try:
        outlet = _settled(wire, shell, request, walls, readable, scratch)
    except Exception as error:
        wire.send({"failed": f"{type(error).__name__}: {error}"[:2000]})
    else:
        wire.send({"ready": True})
        _serve(wire, shell, outlet)


def _settled(
    wire: Wire, shell: ZMQInteractiveShell, request: dict[str, Any], walls: Walls, readable: list[str], scratch: Path
) -> Outlet:
    limits = Limits(**request["limits"])
    os.setsid()
    _close_all_but(wire.fileno())
    os.chdir(scratch)
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch), PWD=str(scratch), IPYTHONDIR=str(scratch / ".ipython"))
    tempfile.tempdir = str(scratch)
    del sys.argv[1:]  # of the server's
    walls.close_in(limits, readable, scratch)
    for name in request["locked"]:
        lock(name)
    seed = request["seed"]
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed % 2**63)
    outlet = Outlet(wire, limits)
    shell.connect(outlet)
    return outlet


def _close_all_but(handle: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, handle)
    os.closerange(handle + 1, 1 << 20)
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)


def _serve(wire: Wire, shell: ZMQInteractiveShell, outlet: Outlet) -> None:
    while True:
        try:
            message = wire.receive()
        except WireClosed:
            return
        number = message.header["id"]
        try:
            if "run" in message.header:
                with outlet.serving(number):
                    shell.run_cell(message.header["run"], store_history=True)
                reply, blobs = {"execution_count": shell.execution_count - 1}, ()
            else:
                with outlet.serving(number, muted=True):
                    reply, blobs = _answer(message, shell.user_ns)
            if outlet.is_elsewhere:  # a cell has forked, and both came to its end
                return
            outlet.reply(reply, blobs, number)
        except BaseException as error:  # an interrupt in IPython's own code or in ours, or what is no JSON
            if outlet.is_elsewhere:
                return
            outlet.rest()
            outlet.reply({"raised": [type(error).__name__, ""]}, (), number)


def _answer(message: Message, namespace: dict[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    try:
        value = eval(message.header["ask"], namespace)
        function, arguments = pickle.loads(message.blobs[0])  # from the judge, whom we may trust
        answer, arrays = function(value, *arguments)
        return {"answer": answer}, tuple(to_npy(np.asarray(each)) for each in arrays)
    except BaseException as error:
        return {"raised": [type(error).__name__, _message_of(error)]}, ()


def _message_of(error: BaseException) -> str:
    try:
        return str(error).encode(errors="replace").decode()[:2000]
    except BaseException:  # a learner's own exception may fail to describe itself
        return ""
