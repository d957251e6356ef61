"""A submission's notebook becomes what the lesson says it is, whatever was done to its cells; what was done is told.

Cells are copied, deleted, moved and retyped, their metadata is edited or lost, notebooks ask for another kernel. The
lesson's cells are known by grade id, a solution also by the name that it defines or by its place. Pure: no files, and
nothing of nbgrader.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autograde.cells import grade_id_of, is_demo, is_grade, is_locked, is_solution, source_checksum
from autograde.ownership import bindings

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["repaired"]

CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def repaired(submission: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """(the notebook to grade, what had to be put right as sentences for the instructor).

    released: the lesson as students open it. Outputs are cleared, since grading runs the cells anew. Both arguments
    stay as they are.
    """
    import nbformat

    notebook = nbformat.from_dict(submission)
    notebook.nbformat, notebook.nbformat_minor = released["nbformat"], released["nbformat_minor"]
    return notebook, _Repair(notebook, released).done()


class _Repair:
    def __init__(self, notebook: NotebookNode, released: NotebookNode):
        self.notebook, self.released = notebook, released
        self.lesson = {grade_id: cell for cell in released["cells"] if (grade_id := grade_id_of(cell))}
        self.demos = {source_checksum(cell["source"]): cell for cell in released["cells"] if is_demo(cell)}
        self.kept: dict[str, NotebookNode] = {}  # the submission's cells by grade id
        self.notes: list[str] = []

    def done(self) -> list[str]:
        self._kernel()
        self._clear()
        self._labelled()
        self._find_solutions()
        self._as_in_the_lesson()
        self._order()
        self._put_back()
        self._ids()
        return self.notes

    def _kernel(self) -> None:
        metadata = self.notebook.metadata
        asked = metadata.get("kernelspec")
        name = asked.get("name") if isinstance(asked, dict) else None
        wanted = self.released["metadata"]["kernelspec"]
        if name and name != wanted["name"]:
            self.notes.append(f"The notebook asked for the kernel {_short(name)}; it is graded with {wanted['name']}.")
        metadata.pop("widgets", None)  # the state of sliders: large, and of use to no grader
        metadata.pop("autograde", None)  # where grading notes how it graded
        for key in ("kernelspec", "language_info"):
            metadata[key] = _copied(self.released["metadata"][key])

    def _clear(self) -> None:
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None

    def _labelled(self) -> None:
        """Each of the lesson's cells once: of several copies the last counts, of solutions the last that is written."""
        copies: dict[str, list[NotebookNode]] = {}
        for cell in self.notebook.cells:
            record = cell.metadata.pop("nbgrader", None)
            grade_id = record.get("grade_id") if isinstance(record, dict) else None
            if isinstance(grade_id, str) and grade_id in self.lesson:
                copies.setdefault(grade_id, []).append(cell)
        spare: list[NotebookNode] = []
        for grade_id, cells in copies.items():
            written = [cell for cell in cells if _text(cell) != _text(self.lesson[grade_id])]
            best = written if written and is_solution(self.lesson[grade_id]) else cells
            self.kept[grade_id] = best[-1]
            if len(cells) > 1:
                self.notes.append(f"The cell {grade_id} was there {len(cells)} times; the last copy counts.")
            if is_locked(self.lesson[grade_id]):  # our text, and here once too often
                spare += [cell for cell in cells if cell is not best[-1]]
        self._take_out(spare)

    def _find_solutions(self) -> None:
        """Solutions whose metadata is lost: by the name that they define, else alone in the place of a solution."""
        for grade_id, wanted in self.lesson.items():
            if grade_id in self.kept or not is_solution(wanted):
                continue
            names = _defined(wanted["source"])
            found = [
                cell
                for cell in self.notebook.cells
                if any(name in cell.source for name in names) and self._is_free(cell) and names & _defined(cell.source)
            ]
            if not found and len(around := self._between_neighbours(grade_id)) == 1:
                found = around
            if found:
                self.kept[grade_id] = found[-1]
                self.notes.append(f"The cell {grade_id} had lost its metadata; it was found by what it defines.")

    def _is_free(self, cell: NotebookNode) -> bool:
        taken = any(cell is each for each in self.kept.values())
        return cell.cell_type == "code" and not taken and source_checksum(cell.source) not in self.demos

    def _between_neighbours(self, grade_id: str) -> list[NotebookNode]:
        """The free code cells between the lesson's cells before and after this one."""
        order = list(self.lesson)
        place = order.index(grade_id)
        before = next((self.kept[each] for each in reversed(order[:place]) if each in self.kept), None)
        after = next((self.kept[each] for each in order[place + 1 :] if each in self.kept), None)
        start = self._index(before) + 1 if before is not None else 0
        stop = self._index(after) if after is not None else len(self.notebook.cells)
        return [cell for cell in self.notebook.cells[start:stop] if self._is_free(cell)]

    def _as_in_the_lesson(self) -> None:
        """Records, types, and of locked cells the text."""
        for grade_id, cell in list(self.kept.items()):
            wanted = self.lesson[grade_id]
            if cell.cell_type != wanted["cell_type"]:
                self.notes.append(
                    f"The cell {grade_id} had become {cell.cell_type}; it is {wanted['cell_type']} again."
                )
                fresh = _made(wanted["cell_type"], cell.source, cell.metadata)
                self.notebook.cells[self._index(cell)] = self.kept[grade_id] = cell = fresh
            if is_locked(wanted) and _text(cell) != _text(wanted):
                self.notes.append(f"The locked cell {grade_id} had been changed; it has the lesson's text again.")
            if is_locked(wanted):
                cell.source = wanted["source"]
            cell.metadata.pop("autograde", None)
            cell.metadata["nbgrader"] = _copied(wanted["metadata"]["nbgrader"])
        for cell in self.notebook.cells:
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
                self._demo(cell)

    def _demo(self, cell: NotebookNode) -> None:
        """Demonstrations are known by their text: no other cell becomes one, and none is lost with its metadata."""
        checksum = source_checksum(cell.source)
        if checksum in self.demos:
            cell.metadata["autograde"] = _copied(self.demos[checksum]["metadata"]["autograde"])
        elif not (is_demo(cell) and str(cell.metadata["autograde"].get("checksum")) in self.demos):
            cell.metadata.pop("autograde", None)

    def _order(self) -> None:
        """Take out the lesson's cells that are out of order; they are put back as those that were deleted."""
        order = list(self.lesson)
        present = sorted(self.kept, key=lambda grade_id: self._index(self.kept[grade_id]))
        staying = _longest_rising([order.index(grade_id) for grade_id in present])
        moved = [grade_id for grade_id in order if grade_id in self.kept and order.index(grade_id) not in staying]
        if moved:
            self.notes.append(f"Cells had been moved; they are in the lesson's order again: {', '.join(moved)}.")
        self.moved = {grade_id: self.kept.pop(grade_id) for grade_id in moved}
        self._take_out(self.moved.values())

    def _put_back(self) -> None:
        behind = -1
        absent = []
        for grade_id, wanted in self.lesson.items():
            if grade_id in self.kept:
                behind = self._index(self.kept[grade_id])
                continue
            cell = self.moved.get(grade_id)
            if cell is None and is_locked(wanted) and wanted["cell_type"] == "code":
                cell = _made("code", wanted["source"], _copied(wanted["metadata"]))
                absent.append(grade_id)
            if cell is not None:
                behind = self._place_behind(behind) if is_grade(wanted) else behind + 1
                self.notebook.cells.insert(behind, cell)
                self.kept[grade_id] = cell
        if absent:
            self.notes.append(f"Locked cells were missing and have been put back: {', '.join(absent)}.")

    def _place_behind(self, index: int) -> int:
        """Where a check goes: behind a cell and the learner's own code that follows it at once."""
        cells, place = self.notebook.cells, index + 1
        while place < len(cells) and self._is_free(cells[place]):
            place += 1
        return place

    def _ids(self) -> None:
        """Every cell has an id of its own; the lesson's cells have the lesson's."""
        ours = {id(cell): self.lesson[grade_id].get("id") for grade_id, cell in self.kept.items()}
        used = {name for name in ours.values() if name}
        for place, cell in enumerate(self.notebook.cells):
            name = ours.get(id(cell)) or cell.get("id")
            if id(cell) not in ours and not (isinstance(name, str) and CELL_ID.fullmatch(name) and name not in used):
                name = hashlib.sha256(f"{place} {cell.source}".encode(errors="replace")).hexdigest()[:12]
            cell["id"] = name
            used.add(name)

    def _take_out(self, cells: Iterable[NotebookNode]) -> None:
        gone = {id(cell) for cell in cells}
        self.notebook.cells = [cell for cell in self.notebook.cells if id(cell) not in gone]

    def _index(self, cell: NotebookNode) -> int:
        return next(place for place, each in enumerate(self.notebook.cells) if each is cell)


def _longest_rising(numbers: list[int]) -> set[int]:
    """The longest rising run of different numbers, with gaps allowed: those that are in order already."""
    best: list[list[int]] = []
    for position, number in enumerate(numbers):
        before = [best[i] for i in range(position) if numbers[i] < number]
        best.append([*max(before, key=len, default=[]), number])
    return set(max(best, key=len, default=[]))


def _made(cell_type: str, source: str, metadata: Any) -> NotebookNode:
    from nbformat.v4 import new_code_cell, new_markdown_cell

    return (new_code_cell if cell_type == "code" else new_markdown_cell)(source, metadata=metadata)


def _copied(value: Any) -> Any:
    import nbformat

    return nbformat.from_dict(value)


def _defined(source: str) -> set[str]:
    return {name for name, how in bindings(source).items() if how == "own"}


def _text(cell: NotebookNode) -> str:
    return cell["source"].strip()


def _short(text: Any) -> str:
    return repr(str(text)[:60])
