"""Run a notebook's cells in a real Jupyter kernel, within limits, and say of each cell how it ended.

One bad cell costs no other cell its run as long as the kernel lives: an endless loop is interrupted, and
only a kernel that dies or no longer answers ends the notebook early.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import DEVNULL

from jupyter_client.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

__all__ = ["Ended", "Limits", "run_cells"]


@dataclass(frozen=True)
class Limits:
    """How long a submission may take. Seconds of wall time."""

    startup_seconds: int = 120  # starting the kernel, on a machine that may be busy
    import_seconds: int = 120  # a locked cell: it imports torch and fastai, and no learner wrote it
    cell_seconds: int = 20  # a cell of the learner's, or a check that runs it
    interrupt_seconds: int = 5  # how long an interrupted cell has to give up


class Ended(enum.StrEnum):
    """How one cell ended."""

    OK = "ok"
    ERROR = "error"
    SKIPPED = "skipped"
    TIMED_OUT = "timed out"
    DIED = "died"  # the kernel ended in this cell
    NOT_REACHED = "not reached"


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

    with tempfile.TemporaryDirectory(prefix="autograde-") as scratch:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout_func=seconds,
            startup_timeout=limits.startup_seconds,
            allow_errors=True,
            resources={"metadata": {"path": scratch}},
            extra_arguments=["--HistoryManager.enabled=False"],
            log=_silent_logger(),
        )
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "IPYTHONDIR": scratch}
        endings = asyncio.run(_run(client, limits, skip, environment))
        notebook.metadata.pop("widgets", None)  # the state of sliders: large, and of use to no grader
        return endings


async def _run(client: NotebookClient, limits: Limits, skip: Callable, environment: dict[str, str]) -> list[Ended]:
    endings = [Ended.SKIPPED] * len(client.nb.cells)
    stopped = False
    async with client.async_setup_kernel(env=environment, stdout=DEVNULL, stderr=DEVNULL):
        for index, cell in enumerate(client.nb.cells):
            if cell.cell_type != "code" or not cell.source.strip() or skip(cell):
                continue
            endings[index] = Ended.NOT_REACHED if stopped else await _run_cell(client, index, limits)
            stopped = stopped or endings[index] is Ended.DIED or client.km is None
            if endings[index] is Ended.TIMED_OUT and not await _interrupted(client, limits):
                stopped = True
    return endings


async def _run_cell(client: NotebookClient, index: int, limits: Limits) -> Ended:
    cell = client.nb.cells[index]
    try:
        await client.async_execute_cell(cell, index)
    except CellTimeoutError:
        return Ended.TIMED_OUT
    except DeadKernelError:
        return Ended.DIED
    return Ended.ERROR if any(output.output_type == "error" for output in cell.outputs) else Ended.OK


async def _interrupted(client: NotebookClient, limits: Limits) -> bool:
    """Interrupt the running cell; whether the kernel answers again."""
    await ensure_async(client.km.interrupt_kernel())
    try:
        await ensure_async(client.kc.wait_for_ready(timeout=limits.interrupt_seconds))
    except RuntimeError:
        return False
    return True


def _silent_logger() -> logging.Logger:
    # nbclient logs every time-out as an error; how a cell ended is our return value
    logger = logging.getLogger("autograde.kernel")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
