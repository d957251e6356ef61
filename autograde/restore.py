"""nbgrader's DeduplicateIds preprocessor, replaced: a submission's cells become what the lesson says they are.

Cells are copied, deleted and retyped, and their metadata is edited. nbgrader stops at some of it, for a whole class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

__all__ = ["LessonCell", "RestoreCells", "restored"]


@dataclass(frozen=True)
class LessonCell:
    """A cell as the gradebook knows it. `record` is its nbgrader metadata, `source` the lesson's own text."""

    cell_type: str
    source: str
    record: dict[str, Any]


class RestoreCells(NbGraderPreprocessor):
    """Give each of the lesson's cells its own record and type, once, and put back the locked ones that are gone."""

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            lesson = gradebook.find_notebook(place["notebook"], place["assignment"])
            points = {cell.name: float(cell.max_score) for cell in lesson.grade_cells}
            solutions = {cell.name for cell in lesson.solution_cells}
            known = {cell.name: _lesson_cell(cell, points, solutions) for cell in lesson.source_cells}
        return restored(notebook, known), resources


def restored(notebook: NotebookNode, known: dict[str, LessonCell]) -> NotebookNode:
    """The notebook with the lesson's cells in order; known: the lesson's cells by grade id, in the lesson's order.

    Of several copies of a cell the last is the cell, and the others are the learner's own: so it is in nbgrader too.
    A locked code cell that is gone comes back behind the cell that it follows in the lesson.
    """
    kept: dict[str, NotebookNode] = {}
    for index in reversed(range(len(notebook.cells))):
        cell = notebook.cells[index]
        record = cell.metadata.pop("nbgrader", None)
        grade_id = record.get("grade_id") if isinstance(record, dict) else None
        if isinstance(grade_id, str) and grade_id in known and grade_id not in kept:
            kept[grade_id] = notebook.cells[index] = _retyped(cell, known[grade_id])
    behind = -1
    for grade_id, lesson_cell in known.items():
        if grade_id in kept:
            behind = next(i for i, cell in enumerate(notebook.cells) if cell is kept[grade_id])
        elif lesson_cell.record["locked"] and lesson_cell.cell_type == "code":
            behind += 1
            notebook.cells.insert(behind, _retyped(new_code_cell(lesson_cell.source), lesson_cell))
    return notebook


def _retyped(cell: NotebookNode, lesson_cell: LessonCell) -> NotebookNode:
    metadata = {**cell.metadata, "nbgrader": dict(lesson_cell.record)}
    if cell.cell_type == lesson_cell.cell_type:
        cell.metadata = NotebookNode(metadata)
        cell.metadata.nbgrader = NotebookNode(lesson_cell.record)
        return cell
    new_cell = new_code_cell if lesson_cell.cell_type == "code" else new_markdown_cell
    return new_cell(cell.source, metadata=metadata)


def _lesson_cell(cell: Any, points: dict[str, float], solutions: set[str]) -> LessonCell:
    record = {
        "cell_type": cell.cell_type,
        "checksum": cell.checksum,
        "grade": cell.name in points,
        "grade_id": cell.name,
        "locked": bool(cell.locked),
        "schema_version": 3,
        "solution": cell.name in solutions,
        "task": False,
    }
    if cell.name in points:
        record["points"] = points[cell.name]
    return LessonCell(cell.cell_type, cell.source, record)
