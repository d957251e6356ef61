"""Run a notebook's cells in a child of the warm server, and say of each cell how it ended.

One bad cell costs no other cell its run as long as the child lives: an endless loop is interrupted, and only a child
that dies or no longer answers ends the notebook early.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode, from_dict

from autograde.kernel import old_notebook
from autograde.kernel.limits import Ended, Limits
from autograde.kernel.old_notebook import _in_slices, _interrupted  # noqa: F401
from autograde.kernel.warm import Child

__all__ = ["Ended", "Limits", "run_cells"]


def run_cells(
    notebook: NotebookNode,
    child: Child | None = None,
    *,
    limits: Limits = Limits(),
    skip: Callable[[NotebookNode], bool] = lambda cell: False,
    is_trusted: Callable[[NotebookNode], bool] = lambda cell: False,
) -> list[Ended]:
    """Run the code cells in order, in place, and return how each cell of the notebook ended.

    skip: cells that are left as they are; is_trusted: cells that get `import_seconds` instead of `cell_seconds`.
    The child stays open, to be asked about what the cells have defined.
    """
    if child is None:
        return old_notebook.run_cells(notebook, limits=limits, skip=skip, is_trusted=is_trusted)
    endings = []
    shown: list[tuple[NotebookNode, list[dict[str, Any]]]] = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip() or skip(cell):
            endings.append(Ended.SKIPPED)
            continue
        ran = child.run(cell.source, limits.import_seconds if is_trusted(cell) else limits.cell_seconds)
        endings.append(ran.ended)
        cell.execution_count = ran.execution_count
        shown.append((cell, ran.outputs))
    for cell, outputs in shown:  # at the end: a later cell may have updated what an earlier one shows
        cell.outputs = [from_dict(output) for output in outputs]
    notebook.metadata.pop("widgets", None)  # the state of sliders: large, and of use to no grader
    return endings
