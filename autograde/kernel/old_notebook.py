"""Run a notebook's cells in a real Jupyter kernel, within limits, and say of each cell how it ended.

One bad cell costs no other cell its run as long as the kernel lives: an endless loop is interrupted, and
only a kernel that dies or no longer answers ends the notebook early.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import math
import os
import queue
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine
from subprocess import DEVNULL
from typing import Any

from jupyter_client.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograde.kernel.limits import Ended, Limits

__all__ = ["run_cells"]


def run_cells(
    notebook: NotebookNode,
    *,
    limits: Limits = Limits(),
    skip: Callable[[NotebookNode], bool] = lambda cell: False,
    is_trusted: Callable[[NotebookNode], bool] = lambda cell: False,
) -> list[Ended]:
    """Run the code cells in order, in place, and return how each cell of the notebook ended.

    skip: cells that are left as they are; is_trusted: cells that get `import_seconds` instead of `cell_seconds`.
    The kernel runs in an empty scratch folder that is removed afterwards. Raises RuntimeError when no kernel starts.
    """

    def seconds(cell: NotebookNode) -> int:
        return limits.import_seconds if is_trusted(cell) else limits.cell_seconds

    # what a cell left behind may still be writing, and no mark depends on a tidy folder
    with tempfile.TemporaryDirectory(prefix="autograde-", ignore_cleanup_errors=True) as scratch:
        client = _Client(
            notebook,
            limits=limits,
            kernel_name="python3",
            timeout_func=seconds,
            startup_timeout=limits.startup_seconds,
            allow_errors=True,
            resources={"metadata": {"path": scratch}},
            extra_arguments=["--HistoryManager.enabled=False"],
            log=_silent_logger(),
        )
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "IPYTHONDIR": scratch}
        endings = _finished(_run(client, limits, skip, environment))
        notebook.metadata.pop("widgets", None)  # the state of sliders: large, and of use to no grader
        return endings


class _Client(NotebookClient):
    """nbclient's client, which keeps no more of a cell's outputs than the limits allow."""

    def __init__(self, notebook: NotebookNode, limits: Limits, **options: Any):
        super().__init__(notebook, **options)
        self._limits = limits
        self._printed = (-1, 0)  # cell, characters
        self.reader: asyncio.Task | None = None  # reads what the running cell puts out, until the cell is done

    async def _async_poll_output_msg(self, *arguments: Any) -> None:
        self.reader = asyncio.current_task()
        await super()._async_poll_output_msg(*arguments)

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> NotebookNode | None:
        text = msg["content"].get("text", "") if msg["msg_type"] == "stream" else ""
        before = self._printed[1] if self._printed[0] == cell_index else 0
        self._printed = (cell_index, before + len(text))
        kept = text[: max(0, self._limits.output_characters - before)]
        if len(outs) >= self._limits.outputs or (text and not kept):
            return None
        if kept:
            msg["content"]["text"] = kept
        return super().output(outs, msg, display_id, cell_index)


def _finished(run: Coroutine) -> Any:
    """The result of a coroutine, also within an event loop: formgrader grades inside Jupyter's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run).result()


async def _run(client: _Client, limits: Limits, skip: Callable, environment: dict[str, str]) -> list[Ended]:
    endings = [Ended.SKIPPED] * len(client.nb.cells)
    stopped = False
    async with client.async_setup_kernel(env=environment, stdout=DEVNULL, stderr=DEVNULL):
        group = client.km.provisioner.pgid
        client.kc.shell_channel.get_msg = _in_slices(client.kc.shell_channel.get_msg)
        try:
            for index, cell in enumerate(client.nb.cells):
                if cell.cell_type != "code" or not cell.source.strip() or skip(cell):
                    continue
                endings[index] = Ended.NOT_REACHED if stopped else await _run_cell(client, index)
                stopped = stopped or endings[index] is Ended.DIED
                if endings[index] is Ended.TIMED_OUT and not await _interrupted(client, limits):
                    stopped = True
        finally:
            _kill(group)
    return endings


def _in_slices(get_msg: Callable, slice_seconds: float = 1.0) -> Callable:
    """Wait for a message a second at a time, up to the same time-out.

    While a cell runs, nbclient answers its widgets on the very socket on which it waits for the cell's reply. A
    reply that arrives in that moment wakes nobody, and a single long wait would find it only at its end.
    """

    async def sliced(timeout: float | None = None) -> Any:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                return await ensure_async(get_msg(timeout=max(0.0, min(slice_seconds, left))))
            except queue.Empty:
                if left <= slice_seconds:
                    raise

    return sliced


def _kill(group: int | None) -> None:
    """End the kernel and whatever its cells have started, also when the kernel itself is dead already."""
    if group and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


async def _run_cell(client: _Client, index: int) -> Ended:
    cell = client.nb.cells[index]
    try:
        await client.async_execute_cell(cell, index)
    except CellTimeoutError:
        return Ended.TIMED_OUT
    except DeadKernelError:
        return Ended.DIED
    return Ended.ERROR if any(output.output_type == "error" for output in cell.outputs) else Ended.OK


async def _interrupted(client: _Client, limits: Limits) -> bool:
    """Interrupt the running cell; whether the kernel answers again.

    After a time-out nbclient leaves the cell's reader alive, and it would take the outputs of the next cells.
    """
    await ensure_async(client.km.interrupt_kernel())
    await asyncio.wait([client.reader], timeout=limits.interrupt_seconds)
    if client.reader.done():
        return True
    client.reader.cancel()
    try:
        await ensure_async(client.kc.wait_for_ready(timeout=1))  # a flood of outputs may have drowned the cell's end
    except RuntimeError:
        return False
    return True


def _silent_logger() -> logging.Logger:
    # nbclient logs every time-out as an error; how a cell ended is our return value
    logger = logging.getLogger("autograde.kernel")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
