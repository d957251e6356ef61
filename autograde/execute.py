"""nbgrader's Execute preprocessor, replaced: it runs a submission and writes each exercise's verdict into its cell.

Both doors use it, plain `nbgrader autograde` and `autograde grade`, so that both give the same marks.
nbgrader's own SaveAutoGrades then reads the marks where it always does, in the outputs of the grade cells.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Integer, Unicode

from autograde.cells import checked_name, is_unchanged_demo
from autograde.exercise import Outcome, Verdict
from autograde.kernel.notebook import Ended, Limits, run_cells
from autograde.verdict import reported, verdict_bundle, verdicts_in

__all__ = ["ExecuteAndJudge", "code_key", "executed", "verdicts_in"]


class ExecuteAndJudge(NbGraderPreprocessor):
    """Run the cells within limits, skip unchanged demonstrations, and put a verdict into every grade cell."""

    cell_seconds = Integer(
        Limits.cell_seconds, help="Seconds that a cell of the learner's may run before it is interrupted."
    ).tag(config=True)
    executed_directory = Unicode(
        "",
        help="A folder of submissions that have been run already, by the key of their code; empty for none.",
    ).tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        ready = Path(self.executed_directory) / f"{code_key(notebook)}.ipynb" if self.executed_directory else None
        if ready and ready.exists():
            return _with_outputs(notebook, nbformat.read(ready, as_version=4)), resources
        return executed(notebook, Limits(cell_seconds=self.cell_seconds)), resources


def executed(notebook: NotebookNode, limits: Limits) -> NotebookNode:
    """A sanitized submission after its run: outputs in place, and one verdict in each grade cell."""
    notebook = nbformat.from_dict(notebook)
    endings = run_cells(notebook, limits=limits, skip=is_unchanged_demo, is_trusted=_is_setup)
    for index, cell in enumerate(notebook.cells):
        if is_grade(cell) and cell.cell_type == "code":
            _write_verdict(cell, _verdict(notebook, index, endings))
    return notebook


def code_key(notebook: NotebookNode) -> str:
    """A name for what a notebook would run: its code cells, nothing of its outputs or prose."""
    code = [[cell.source, cell.metadata.get("nbgrader", {})] for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


def _with_outputs(notebook: NotebookNode, ran: NotebookNode) -> NotebookNode:
    """The notebook with the outputs of one whose code is the same: prose is each student's own."""
    code = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, ran))
    for cell, twin in zip(*code, strict=True):
        cell.outputs, cell.execution_count = twin.outputs, twin.execution_count
    return notebook


def _verdict(notebook: NotebookNode, index: int, endings: list[Ended]) -> Verdict:
    """What the cell's own check said, or what became of it when the check could not speak."""
    cell = notebook.cells[index]
    record = cell.metadata["nbgrader"]
    points = float(record["points"])
    said = reported(cell)
    if endings[index] is Ended.OK and said and said.points == points:
        return said
    name = checked_name(cell)
    outcome, feedback = _without_report(notebook, index, endings, name)
    return Verdict(name, outcome, 0.0, points, feedback)


def _without_report(notebook: NotebookNode, index: int, endings: list[Ended], name: str) -> tuple[Outcome, str]:
    died = endings.index(Ended.DIED) if Ended.DIED in endings else None
    if endings[index] is Ended.DIED or (endings[index] is Ended.NOT_REACHED and died is not None):
        return Outcome.CRASHED, (
            f"The kernel died in the cell that starts with `{_first_code_line(notebook.cells[died])}`, "
            f"so {name} could not be checked."
        )
    answer = _answer_index(notebook, index)
    looped = next((i for i in (answer, index) if i is not None and endings[i] is Ended.TIMED_OUT), None)
    if looped is None and endings[index] is Ended.NOT_REACHED:  # an earlier cell could not even be interrupted
        looped = max(i for i, ending in enumerate(endings) if ending is Ended.TIMED_OUT)
    if looped is not None:
        return Outcome.TIMED_OUT, (
            f"The cell that starts with `{_first_code_line(notebook.cells[looped])}` did not come to an end in time, "
            f"so {name} could not be checked. Look for a loop that never ends."
        )
    source = next((i for i in (answer, index) if i is not None and endings[i] is Ended.ERROR), None)
    if source is not None:
        return Outcome.FAILED, f"The cell of {name} stopped with {_error_of(notebook.cells[source])}."
    return (
        Outcome.FAILED,
        f"The check of {name} gave no verdict: is the name `check` used for something else above it?",
    )


def _write_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    cell.outputs = [
        new_output("display_data", data=verdict_bundle(verdict)),
        new_output("execute_result", data=verdict._repr_mimebundle_(), execution_count=cell.execution_count),
    ]


def _answer_index(notebook: NotebookNode, index: int) -> int | None:
    """The solution cell that belongs to a grade cell: its id with -answer behind it."""
    wanted = notebook.cells[index].metadata["nbgrader"]["grade_id"] + "-answer"
    for i, cell in enumerate(notebook.cells):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == wanted:
            return i
    return None


def _is_setup(cell: NotebookNode) -> bool:
    return is_locked(cell) and not is_grade(cell) and not is_solution(cell)


def _first_code_line(cell: NotebookNode) -> str:
    lines = [line.strip() for line in cell.source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")[:60]


def _error_of(cell: NotebookNode) -> str:
    error = next(output for output in cell.outputs if output.output_type == "error")
    return f"{error.ename}: {error.evalue}".split("\n")[0][:200]
