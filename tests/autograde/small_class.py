"""Submissions to lesson 03: how to hand them in, and a collection of what stops other graders. No tests in here."""

import json

import nbformat
from nbformat.v4 import new_code_cell

LESSON = "03_dot_product"
QUOTED = 'o\'müller, "ö" <b>&amp;'  # a name that CSV and HTML trip over


def cell_of(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def solved_notebook(course, lesson=LESSON):
    return nbformat.read(course.source / lesson / f"{lesson}.ipynb", as_version=4)


def hand_in(course, student, content, name=f"{LESSON}.ipynb", lesson=LESSON):
    path = course.submitted / student / lesson / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # not by nbformat, which would mend what is odd
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def hand_in_oddities(course):
    """Submissions by students named after what is odd. Most run the code of the solution, so they cost no run."""
    released = nbformat.read(course.root / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)

    def solved():
        notebook = nbformat.from_dict(released)
        for cell in solved_notebook(course).cells:
            if (grade_id := cell.metadata.get("nbgrader", {}).get("grade_id", "")).endswith("-answer"):
                cell_of(notebook, grade_id).source = cell.source
        return notebook

    hand_in(course, QUOTED, solved())

    notebook = solved()
    for grade_id in ("DotProduct", "setup-start-1", "model_call-prompt"):
        cell = cell_of(notebook, grade_id)
        notebook.cells.insert(notebook.cells.index(cell), nbformat.from_dict(cell))
    hand_in(course, "odd-duplicated", notebook)

    notebook = solved()
    for grade_id in ("DotProduct", "setup-start-1", "why_mse-prompt"):
        notebook.cells.remove(cell_of(notebook, grade_id))
    hand_in(course, "odd-deleted", notebook)

    notebook = solved()
    notebook.metadata.kernelspec = {"name": "julia-1.9", "language": "julia", "display_name": "Julia"}
    notebook.cells[0].source = "These are the private notes of odd-kernel."
    hand_in(course, "odd-kernel", notebook)

    notebook = solved()
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in ("DotProduct", "train-answer"):
            cell.cell_type = "markdown"
            cell.attachments = {}
            del cell["outputs"], cell["execution_count"]
    hand_in(course, "odd-markdown", notebook)

    notebook = solved()
    cell_of(notebook, "DotProduct").source = "4"
    cell_of(notebook, "DotProduct").metadata.nbgrader.points = 100
    cell_of(notebook, "train").metadata.nbgrader.grade = False
    cell_of(notebook, "why_mse").metadata.nbgrader = {"grade_id": "why_mse"}
    cell_of(notebook, "gradient_step-answer").metadata.nbgrader.solution = False
    notebook.cells[0].metadata.nbgrader = "no record"
    notebook.cells[1].metadata.nbgrader.grade_id = "setup-of-another-year"
    hand_in(course, "odd-metadata", notebook)

    old = nbformat.writes(nbformat.convert(solved(), 3), version=3)
    hand_in(course, "odd-nbformat3", old.encode())

    notebook = solved()
    for cell in notebook.cells:
        cell.id = "same"
    hand_in(course, "odd-ids", notebook)

    hand_in(course, "odd-renamed", solved(), name="03_dot_product-Copy1.ipynb")
    hand_in(course, "odd-empty", b"")
    hand_in(course, "odd-list", b"[]")
    hand_in(course, "odd-nothing", b"{}")
    hand_in(course, "odd-nested", b"[" * 200_000)
    hand_in(course, "odd-binary", b"\x89PNG\r\n\x1a\n\x00\xff")
    notebook = solved()
    notebook.cells.append(new_code_cell("half = 'HALF'"))
    hand_in(course, "odd-half", json.dumps(notebook).encode().replace(b"HALF", rb"\ud800"))
    with hand_in(course, "odd-huge", b"{").open("r+b") as file:
        file.truncate(21_000_000)
    (course.submitted / "odd-folder" / LESSON / f"{LESSON}.ipynb").mkdir(parents=True)
    (course.submitted / ".ipynb_checkpoints").mkdir()
    (course.submitted / "odd-nofolder").mkdir()
    hand_in(course, "odd-[bold]", solved())  # nbgrader takes it for a pattern, and rich for a style
