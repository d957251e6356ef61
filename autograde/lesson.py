"""solutions/NN_slug.py -> nbgrader's source notebook -> the student's notebook: pure functions, stable bytes.

A lesson is a jupytext percent script. What a cell is, its marker says:

    # %% [markdown]                      prose
    # %%                                 set-up code, run in grading and restored if a learner changed it
    # %% exercise="DotProduct"           what the learner writes, between ### BEGIN SOLUTION and ### END SOLUTION
    # %% check="DotProduct"              the check that gives the points
    # %% [markdown] question="why_gaps"  a concept question: prompt, choices and answer come from the exercises
    # %% demo="..."                      a demonstration (the text says of what), not run in grading while unchanged
"""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from autograde.cells import LessonError, answer_grade_id, exercise_grade_id, source_checksum
from autograde.exercise import Exercise, Question

__all__ = ["ClearAnswers", "source_notebook", "student_notebook"]

STUB = "# YOUR CODE HERE\nraise NotImplementedError"
MARKERS = ("exercise", "check", "question", "demo")
ANSWER = re.compile(r"(?m)^(\s*\w+ = ).*### SOLUTION\b")


def source_notebook(text: str, exercises: Mapping[str, Exercise], lesson: str) -> NotebookNode:
    """A lesson's percent script as nbgrader's source notebook, solutions included.

    text: the script; exercises: the lesson's exercises by name; lesson: "03_dot_product", for ids and messages.
    Raises LessonError for an unknown or missing exercise, a check without its exercise, a marker mistyped.
    """
    script = jupytext.reads(text, fmt="py:percent")
    cells: list[NotebookNode] = []
    places: dict[str, list[int]] = {}  # grade id -> the numbers of the script's cells that it comes from
    section, n_setups = "start", 0
    for number, cell in enumerate(script.cells, start=1):
        for made in _cells(cell, exercises, f"solutions/{lesson}.py, cell {number}"):
            record = made.metadata.get("nbgrader")
            if record and "grade_id" not in record:  # set-up: named by its place, so that it may be corrected
                n_setups += 1
                record["grade_id"] = f"setup-{section}-{n_setups}"
            elif record and record["grade"]:
                section, n_setups = record["grade_id"], 0
            if record:
                places.setdefault(record["grade_id"], []).append(number)
            cells.append(made)
    _refuse_unless_complete(places, exercises, lesson)
    seen: collections.Counter[str] = collections.Counter()
    for cell in cells:
        key = cell.metadata.get("nbgrader", {}).get("grade_id") or f"{cell.cell_type} {source_checksum(cell.source)}"
        seen[key] += 1
        cell.id = hashlib.sha256(f"{lesson}/{key}/{seen[key]}".encode()).hexdigest()[:12]
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return new_notebook(cells=cells, metadata=metadata)


def student_notebook(source: NotebookNode) -> NotebookNode:
    """The notebook that a student opens: what `nbgrader generate_assignment` makes of the source notebook."""
    notebook, resources = nbformat.from_dict(source), {}
    for preprocessor in (
        LockCells(),
        ClearAnswers(),
        ClearOutput(),
        ComputeChecksums(),
        ClearHiddenTests(),
        ClearMarkScheme(),
        ComputeChecksums(),
        CheckCellMetadata(),
    ):
        notebook, resources = preprocessor.preprocess(notebook, resources)
    return notebook


class ClearAnswers(ClearSolutions):
    """nbgrader's ClearSolutions, which also turns `name = value  ### SOLUTION` into `name = ...`.

    The three dots are an answer that a check knows as not attempted, and a cell that runs without error.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: dict, cell_index: int) -> tuple[NotebookNode, dict]:
        cell.source, n_cleared = ANSWER.subn(r"\1...", cell.source)
        if n_cleared and "### BEGIN SOLUTION" not in cell.source:
            return cell, resources
        self.code_stub = {"python": STUB}
        return super().preprocess_cell(cell, resources, cell_index)


def _cells(cell: NotebookNode, exercises: Mapping[str, Exercise], where: str) -> list[NotebookNode]:
    marker, name = _marker(cell, where)
    if marker == "question":
        return _question_cells(cell.source, _exercise(name, exercises, where, Question), where)
    if cell.cell_type == "markdown":
        return [new_markdown_cell(cell.source)]
    if marker == "exercise":
        _exercise(name, exercises, where, Exercise)
        _refuse_unless_clearable(cell.source, name, where)
        return [_solution_cell(cell.source, name)]
    if "### BEGIN SOLUTION" in cell.source or "### SOLUTION" in cell.source:
        raise LessonError(
            f'{where}: there is a solution in a cell without exercise="...": it would reach the students.'
        )
    if marker == "check":
        exercise = _exercise(name, exercises, where, Exercise)
        if f'check("{name}"' not in cell.source:
            raise LessonError(f'{where}: the check of {name!r} must call check("{name}", ...).')
        return [_check_cell(cell.source, exercise)]
    if marker == "demo":
        metadata = {"autograde": {"demo": name, "checksum": source_checksum(cell.source)}}
        return [new_code_cell(cell.source, metadata=metadata)]
    return [new_code_cell(cell.source, metadata=_nbgrader(locked=True))]


def _marker(cell: NotebookNode, where: str) -> tuple[str, str]:
    """(marker, its text) of a cell; ("", "") for prose and set-up."""
    found = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
    if unknown := [key for key in found if key not in MARKERS]:
        raise LessonError(f"{where}: the marker {unknown[0]!r} is none of {', '.join(MARKERS)}.")
    if len(found) > 1:
        raise LessonError(f"{where}: a cell has one marker, and this one has {' and '.join(found)}.")
    if cell.cell_type not in ("code", "markdown"):
        raise LessonError(f"{where}: a cell is code or [markdown], not [{cell.cell_type}].")
    for marker, text in found.items():
        if not isinstance(text, str) or not text.strip():
            raise LessonError(f'{where}: write {marker}="...", with a text between the quotes.')
        if (cell.cell_type == "markdown") != (marker == "question"):
            kind = "[markdown]" if marker == "question" else "code"
            raise LessonError(f"{where}: a cell with the marker {marker!r} is {kind}, not {cell.cell_type}.")
        return marker, text
    return "", ""


def _refuse_unless_clearable(source: str, name: str, where: str) -> None:
    """A solution must be one that `ClearAnswers` takes out whole."""
    marks = re.findall(r"### (BEGIN|END) SOLUTION\b", source)
    if marks != ["BEGIN", "END"] * (len(marks) // 2):
        raise LessonError(f"{where}: each ### BEGIN SOLUTION of {name!r} needs its ### END SOLUTION, in this order.")
    if not marks and "### SOLUTION" not in source:
        raise LessonError(f"{where}: the exercise {name!r} has no ### BEGIN SOLUTION, so it has no stub.")
    if "### SOLUTION" in ANSWER.sub("", source):
        raise LessonError(
            f"{where}: ### SOLUTION stands behind `name = value`; around other lines of {name!r} put BEGIN and END."
        )


def _question_cells(intro: str, question: Question, where: str) -> list[NotebookNode]:
    variable = question.name
    if not variable.isidentifier():
        raise LessonError(
            f"{where}: the question's name {variable!r} must be a Python name: the answer is stored in it."
        )
    letters = ", ".join(f'"{letter}"' for letter in question.choices)
    choices = "\n".join(f"- **{letter}.** {text}" for letter, text in question.choices.items())
    prompt = "\n\n".join(part for part in (intro, f"**Question.** {question.prompt}", choices) if part)
    answer = f'{variable} = "{question.reference}"  ### SOLUTION  # one of {letters}'
    return [
        new_markdown_cell(prompt, metadata=_nbgrader(f"{variable}-prompt", locked=True)),
        _solution_cell(answer, variable),
        _check_cell(f'check("{variable}", {variable})', question),
    ]


def _solution_cell(source: str, name: str) -> NotebookNode:
    return new_code_cell(source, metadata=_nbgrader(answer_grade_id(name), solution=True))


def _check_cell(source: str, exercise: Exercise) -> NotebookNode:
    points = int(exercise.points) if exercise.points == int(exercise.points) else exercise.points
    metadata = _nbgrader(exercise_grade_id(exercise.name), grade=True, locked=True, points=points)
    return new_code_cell(source, metadata=metadata)


def _nbgrader(grade_id: str = "", **fields: Any) -> dict[str, Any]:
    record = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**record, **({"grade_id": grade_id} if grade_id else {}), **fields}}


def _exercise(name: str, exercises: Mapping[str, Exercise], where: str, kind: type) -> Any:
    if name not in exercises or not isinstance(exercises[name], kind):
        known = ", ".join(each for each, value in exercises.items() if isinstance(value, kind))
        raise LessonError(f"{where}: there is no {kind.__name__.lower()} {name!r}; the lesson has {known or 'none'}.")
    return exercises[name]


def _refuse_unless_complete(places: Mapping[str, list[int]], exercises: Mapping[str, Exercise], lesson: str) -> None:
    for name, exercise in exercises.items():
        markers = ("question", "question") if isinstance(exercise, Question) else ("exercise", "check")
        for grade_id, marker in zip((answer_grade_id(name), exercise_grade_id(name)), markers, strict=True):
            found = places.get(grade_id, [])
            if len(found) != 1:
                where = f" (cells {', '.join(map(str, found))})" if found else ""
                raise LessonError(
                    f'solutions/{lesson}.py has {len(found)} cells with {marker}="{name}"{where}, it must have one.'
                )
