"""What students hand in, read as hostile as it may be: a notebook, or a status and a sentence for the instructor."""

from __future__ import annotations

import glob
import json
import re
import warnings
from typing import TYPE_CHECKING

from autograde.cells import to_bytes
from autograde.course import Course
from autograde.exercise import Outcome

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Unreadable", "read_submission"]

HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # or one of two halves: JSON alone writes them like this
HALF_OF_ONE = re.compile("[\ud800-\udfff]")  # what Python makes of a file name that is not UTF-8
MAX_NOTEBOOK_BYTES = 20_000_000  # a solved lesson with its pictures has about one


class Unreadable(Exception):
    """A submission that cannot be graded: its outcome, and a sentence for the instructor."""

    def __init__(self, outcome: Outcome, note: str):
        super().__init__(note)
        self.outcome, self.note = outcome, note


def read_submission(course: Course, student: str, lesson: str) -> NotebookNode:
    """The notebook that a student handed in. Unreadable, with a sentence, when there is none to grade."""
    path = course.submission(student, lesson)
    if glob.escape(student) != student:
        note = "nbgrader cannot grade a student with [, * or ? in the name: rename the folder, and grade again."
        raise Unreadable(Outcome.MALFORMED, note)
    if HALF_OF_ONE.search(student):
        note = "The name of the student's folder is no text: rename the folder, and grade again."
        raise Unreadable(Outcome.MALFORMED, note)
    if path.is_symlink():
        note = f"{path.name} is a link to another place, which may be anybody's work: ask for the notebook itself."
        raise Unreadable(Outcome.MALFORMED, note)
    if not path.is_file():
        others = sorted(each.name for each in path.parent.glob("*.ipynb") if each.is_file())
        note = f"No {path.name} was handed in."
        if others:
            note = (
                f"{path.name} is missing, but there is {', '.join(others)}: "
                "rename it, if it is this lesson, and grade again."
            )
        raise Unreadable(Outcome.MISSING, note)
    if path.stat().st_size > MAX_NOTEBOOK_BYTES:
        size = path.stat().st_size / 1e6
        raise Unreadable(
            Outcome.MALFORMED, f"The notebook has {size:.0f} MB: ask for it with its outputs cleared, and grade again."
        )
    try:
        notebook = _parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(Outcome.MALFORMED, f"The file cannot be opened: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Unreadable(Outcome.MALFORMED, "The file is no text, so no notebook: ask for a new copy.") from None
    except Exception as error:  # whatever nbformat meets in a damaged file, it must not stop the class
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise Unreadable(
            Outcome.MALFORMED, f"The notebook cannot be read ({reason}): it is damaged, ask for a new copy."
        ) from None
    return notebook


def _parsed(text: str) -> NotebookNode:
    """A valid notebook of format 4 with the same cell ids whenever it is read; nbformat alone would draw some."""
    import nbformat

    data = json.loads(text)  # nbformat does not say where JSON breaks off
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing and repeated cell ids
        if isinstance(data, dict) and data.get("nbformat") == 4:
            notebook = nbformat.v4.reads_json(text)
        else:
            notebook = nbformat.reads(text, as_version=4)
            for cell in notebook.cells:
                cell.pop("id", None)
        seen = set()
        for index, cell in enumerate(notebook.cells):
            name = cell.get("id")
            if not isinstance(name, str) or name in seen:
                cell["id"] = name = f"cell-{index}"
            seen.add(name)
        notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
        nbformat.validate(notebook)
    if HALF_A_CHARACTER.search(text):
        to_bytes(notebook)  # JSON can hold one, and no file can
    return notebook
