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

import hashlib
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
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

from autograde.exercise import Exercise, Question

__all__ = [
    "ClearAnswers",
    "LessonError",
    "exercise_grade_id",
    "is_demo",
    "is_unchanged_demo",
    "slug_of",
    "source_notebook",
    "student_notebook",
    "title_of",
    "to_bytes",
]

STUB = "# YOUR CODE HERE\nraise NotImplementedError"
MARKERS = ("exercise", "check", "question", "demo")


class LessonError(ValueError):
    """A lesson's source is not what a lesson must be; the message names file and cell."""


def source_notebook(text: str, exercises: Mapping[str, Exercise], lesson: str) -> NotebookNode:
    """A lesson's percent script as nbgrader's source notebook, solutions included.

    text: the script; exercises: the lesson's exercises by name; lesson: "03_dot_product", for ids and messages.
    Raises LessonError for an unknown or missing exercise, a check without its exercise, a marker mistyped.
    """
    script = jupytext.reads(text, fmt="py:percent")
    cells: list[NotebookNode] = []
    for number, cell in enumerate(script.cells, start=1):
        where = f"solutions/{lesson}.py, cell {number}"
        cells += _cells(cell, exercises, where)
    _refuse_unless_complete(cells, exercises, lesson)
    for position, cell in enumerate(cells):
        key = cell.metadata.get("nbgrader", {}).get("grade_id", position)
        cell.id = hashlib.sha256(f"{lesson}/{key}".encode()).hexdigest()[:12]
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
        cleared, n_cleared = re.subn(r"(?m)^(\s*\w+ = ).*### SOLUTION\b", r"\1...", cell.source)
        if n_cleared and "### BEGIN SOLUTION" not in cell.source:
            cell.source = cleared
            return cell, resources
        cell.source = cleared
        self.code_stub = {"python": STUB}
        return super().preprocess_cell(cell, resources, cell_index)


def to_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as the bytes that nbgrader would write: the same notebook gives the same bytes."""
    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()


def exercise_grade_id(name: str) -> str:
    """Nbgrader's grade id of an exercise's check; it allows letters, digits, hyphens and underscores."""
    return name.replace(".", "-")


def is_demo(cell: NotebookNode) -> bool:
    """Whether the lesson marks this cell as a demonstration."""
    return cell.cell_type == "code" and "demo" in cell.metadata.get("autograde", {})


def is_unchanged_demo(cell: NotebookNode) -> bool:
    """Whether this is a demonstration as the lesson has it: one that a learner changed may define what they need."""
    return is_demo(cell) and cell.metadata["autograde"].get("checksum") == _checksum(cell.source)


def slug_of(lesson: str | Path) -> str:
    """ "dot_product" for "03_dot_product" or a path to its script."""
    return Path(lesson).stem.split("_", 1)[1]


def title_of(text: str) -> str:
    """The lesson's title: its first Markdown heading, without the number."""
    match = re.search(r"(?m)^# # (?:\d+\.\s*)?(.+)$", text)
    if not match:
        raise LessonError(
            "a lesson starts with a Markdown cell whose first line is its title: # # 3. Multiply the factors"
        )
    return match.group(1).strip()


def _cells(cell: NotebookNode, exercises: Mapping[str, Exercise], where: str) -> list[NotebookNode]:
    if unknown := [key for key in cell.metadata if key not in (*MARKERS, "lines_to_next_cell")]:
        raise LessonError(f"{where}: the marker {unknown[0]!r} is none of {', '.join(MARKERS)}.")
    if name := cell.metadata.get("question"):
        return _question_cells(cell.source, _exercise(name, exercises, where, Question), where)
    if cell.cell_type == "markdown":
        return [new_markdown_cell(cell.source)]
    if name := cell.metadata.get("exercise"):
        _exercise(name, exercises, where, Exercise)
        if "### BEGIN SOLUTION" not in cell.source and "### SOLUTION" not in cell.source:
            raise LessonError(f"{where}: the exercise {name!r} has no ### BEGIN SOLUTION, so it has no stub.")
        return [_solution_cell(cell.source, name)]
    if name := cell.metadata.get("check"):
        return [_check_cell(cell.source, _exercise(name, exercises, where, Exercise))]
    if demo := cell.metadata.get("demo"):
        metadata = {"autograde": {"demo": str(demo), "checksum": _checksum(cell.source)}}
        return [new_code_cell(cell.source, metadata=metadata)]
    name = "setup-" + _checksum(cell.source)[:8]
    return [new_code_cell(cell.source, metadata=_nbgrader(name, locked=True))]


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
    return new_code_cell(source, metadata=_nbgrader(f"{exercise_grade_id(name)}-answer", solution=True))


def _check_cell(source: str, exercise: Exercise) -> NotebookNode:
    points = int(exercise.points) if exercise.points == int(exercise.points) else exercise.points
    metadata = _nbgrader(exercise_grade_id(exercise.name), grade=True, locked=True, points=points)
    return new_code_cell(source, metadata=metadata)


def _nbgrader(grade_id: str, **fields: Any) -> dict[str, Any]:
    record = {"grade": False, "grade_id": grade_id, "locked": False, "solution": False, "task": False}
    return {"nbgrader": {**record, "schema_version": 3, **fields}}


def _exercise(name: str, exercises: Mapping[str, Exercise], where: str, kind: type) -> Any:
    if name not in exercises or not isinstance(exercises[name], kind):
        known = ", ".join(each for each, value in exercises.items() if isinstance(value, kind))
        raise LessonError(f"{where}: there is no {kind.__name__.lower()} {name!r}; the lesson has {known or 'none'}.")
    return exercises[name]


def _refuse_unless_complete(cells: list[NotebookNode], exercises: Mapping[str, Exercise], lesson: str) -> None:
    ids = [cell.metadata["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell.metadata]
    for name in exercises:
        for grade_id, what in (
            (f"{exercise_grade_id(name)}-answer", "exercise"),
            (exercise_grade_id(name), "check"),
        ):
            if ids.count(grade_id) != 1:
                raise LessonError(
                    f'solutions/{lesson}.py has {ids.count(grade_id)} cells with {what}="{name}", it must have one.'
                )


def _checksum(source: str) -> str:
    return hashlib.sha256(textwrap.dedent(source).strip().encode()).hexdigest()[:16]
