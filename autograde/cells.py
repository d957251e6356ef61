"""What a lesson's cells and notebooks are called, which kind a cell is, and a notebook as bytes.

Whoever reads a notebook needs this, and nothing in here imports nbgrader or torch, which take seconds.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograde.kernel.syntax import parsed

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "LessonError",
    "answer_grade_id",
    "checked_name",
    "exercise_grade_id",
    "grade_id_of",
    "imported_by_setup",
    "is_called",
    "is_demo",
    "is_grade",
    "is_locked",
    "is_solution",
    "is_unchanged_demo",
    "is_unwritten",
    "own_code",
    "skip_demonstrations",
    "slug_of",
    "source_checksum",
    "title_of",
    "to_bytes",
]


class LessonError(ValueError):
    """A lesson's source is not what a lesson must be; the message names file and cell."""


def to_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as the bytes that nbgrader would write: the same notebook gives the same bytes.

    ValueError (a UnicodeEncodeError) for half a character, which JSON can hold and no file.
    """
    import nbformat
    from nbformat.v4.rwbase import split_lines, strip_transient

    # what nbformat.v4.writes_json does, whose copy and whose JSON take four times as long; a test compares
    text = _indented(strip_transient(split_lines(nbformat.from_dict(notebook))))
    return (text.rstrip("\n") + "\n").encode()


def _indented(value: Any, margin: str = "\n") -> str:
    """JSON as `json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)` has it."""
    inner = f"{margin} "
    if isinstance(value, dict) and value:
        lines = [f"{encode_basestring(key)}: {_indented(value[key], inner)}" for key in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(lines)}{margin}}}"
    if isinstance(value, list) and value:
        lines = [encode_basestring(each) if isinstance(each, str) else _indented(each, inner) for each in value]
        return f"[{inner}{f',{inner}'.join(lines)}{margin}]"
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def exercise_grade_id(name: str) -> str:
    """Nbgrader's grade id of an exercise's check; it allows letters, digits, hyphens and underscores."""
    return name.replace(".", "-")


def answer_grade_id(name: str) -> str:
    """Nbgrader's grade id of the cell in which a learner writes the exercise."""
    return f"{exercise_grade_id(name)}-answer"


def grade_id_of(cell: NotebookNode) -> str:
    """A cell's grade id, "" for the learner's own cells."""
    return _record(cell).get("grade_id", "")


def checked_name(cell: NotebookNode) -> str:
    """The exercise that a check cell is about: the first string in `check("DotProduct", DotProduct)`."""
    parts = cell["source"].split('"')
    return parts[1] if len(parts) > 2 else grade_id_of(cell)


def is_grade(cell: NotebookNode) -> bool:
    """Whether nbgrader reads a mark from this cell."""
    return bool(_record(cell).get("grade", False))


def is_solution(cell: NotebookNode) -> bool:
    """Whether this cell is the learner's to write."""
    return bool(_record(cell).get("solution", False))


def is_locked(cell: NotebookNode) -> bool:
    """Whether the lesson's own text stands in this cell in grading, whatever a learner wrote there."""
    return not is_solution(cell) and (is_grade(cell) or bool(_record(cell).get("locked", False)))


def is_demo(cell: NotebookNode) -> bool:
    """Whether the lesson marks this cell as a demonstration."""
    mark = cell["metadata"].get("autograde", {})
    return cell["cell_type"] == "code" and isinstance(mark, dict) and "demo" in mark


def is_unchanged_demo(cell: NotebookNode) -> bool:
    """Whether this is a demonstration as the lesson has it: one that a learner changed may define what they need."""
    return is_demo(cell) and cell["metadata"]["autograde"].get("checksum") == source_checksum(cell["source"])


def skip_demonstrations(notebook: NotebookNode) -> None:
    """Tag unchanged demonstrations so that nbclient leaves them out, as grading does; to be called when it starts."""
    for cell in notebook["cells"]:
        if is_unchanged_demo(cell):
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", ()), "skip-execution"]


def is_unwritten(cell: NotebookNode) -> bool:
    """Whether a solution cell still is as it was handed out, by nbgrader's checksum."""
    record = _record(cell)
    parts = [cell["source"], cell["cell_type"]]
    parts += [str(bool(is_kind(cell))) for is_kind in (is_grade, is_solution, is_locked)]
    parts.append(grade_id_of(cell))
    if is_grade(cell):
        parts.append(str(float(record["points"])))
    return record.get("checksum") == hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def imported_by_setup(cells: Iterable[NotebookNode]) -> list[str]:
    """Dotted names of what the lesson's own set-up cells import: modules, and what they take out of modules."""
    setup = (cell for cell in cells if cell["cell_type"] == "code" and is_locked(cell))
    return sorted({name for cell in setup if not is_grade(cell) and not is_demo(cell) for name in _imports(cell)})


def own_code(notebook: NotebookNode) -> str:
    """The code that a learner hands in, as one text: of each code cell that is not locked."""
    own = (cell for cell in notebook["cells"] if cell["cell_type"] == "code" and not is_locked(cell))
    return "\n\n".join(cell["source"].strip() for cell in own).encode(errors="replace").decode()


def slug_of(lesson: str | Path) -> str:
    """ "dot_product" for "03_dot_product" or a path to its script."""
    return Path(lesson).stem.split("_", 1)[1]


def is_called(lesson: str, name: str) -> bool:
    """Whether somebody who writes `name` means this lesson: by its name, slug or number."""
    return name in (lesson, slug_of(lesson), lesson[:2], lesson[:2].lstrip("0"))


def title_of(text: str) -> str:
    """The lesson's title: its first Markdown heading, without the number. LessonError when there is none."""
    match = re.search(r"(?m)^# # (?:\d+\.\s*)?(.+)$", text)
    if not match:
        raise LessonError(
            "a lesson starts with a Markdown cell whose first line is its title: # # 3. Multiply the factors"
        )
    return match.group(1).strip()


def source_checksum(source: str) -> str:
    """A cell's source as 16 hexadecimal digits; white space around it does not count."""
    return hashlib.sha256(textwrap.dedent(source).strip().encode()).hexdigest()[:16]


def _imports(cell: NotebookNode) -> Iterator[str]:
    try:
        tree = parsed(cell["source"])
    except SyntaxError:  # a cell with magics
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _record(cell: NotebookNode) -> dict[str, Any]:
    record = cell["metadata"].get("nbgrader", {})
    return record if isinstance(record, dict) else {}
