"""What learners do to a notebook's cells, undone: copies, gaps, other types, edited records."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograde.restore import LessonCell, restored


def lesson_cell(grade_id, cell_type="code", **record):
    full = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, "schema_version": 3, **record}
    return LessonCell(cell_type, f"# {grade_id}", full)


KNOWN = {
    cell.record["grade_id"]: cell
    for cell in (
        lesson_cell("setup", locked=True),
        lesson_cell("prompt", "markdown", locked=True),
        lesson_cell("a-answer", solution=True),
        lesson_cell("a", grade=True, locked=True, points=2.0),
        lesson_cell("b-answer", solution=True),
        lesson_cell("b", grade=True, locked=True, points=1.0),
    )
}


@pytest.fixture
def notebook():
    cells = []
    for grade_id, cell in KNOWN.items():
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        cells.append(new(f"{grade_id} as handed in", metadata={"nbgrader": dict(cell.record)}))
    cells.insert(3, new_code_cell("the learner's own"))
    return new_notebook(cells=cells)


def ids(notebook):
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]


def at(notebook, grade_id):
    return notebook.cells[ids(notebook).index(grade_id)]


WHOLE = ["setup", "prompt", "a-answer", None, "a", "b-answer", "b"]


def test_a_whole_notebook_stays_as_it_is(notebook):
    before = nbformat.from_dict(notebook)
    assert restored(notebook, KNOWN) == before


@pytest.mark.parametrize("grade_id", KNOWN)
def test_of_two_copies_the_last_is_the_cell(notebook, grade_id):
    place = ids(notebook).index(grade_id)
    copy = nbformat.from_dict(notebook.cells[place])
    copy.source = "the first of two"
    notebook.cells.insert(place, copy)
    after = restored(notebook, KNOWN)
    assert ids(after) == [*WHOLE[:place], None, *WHOLE[place:]]
    assert at(after, grade_id).source == f"{grade_id} as handed in"
    assert "nbgrader" not in after.cells[place].metadata


@pytest.mark.parametrize("grade_id", ["setup", "a", "b"])
def test_a_locked_cell_that_is_gone_comes_back_in_its_place(notebook, grade_id):
    notebook.cells.remove(at(notebook, grade_id))
    after = restored(notebook, KNOWN)
    assert at(after, grade_id).source == f"# {grade_id}"
    assert at(after, grade_id).metadata.nbgrader == KNOWN[grade_id].record
    assert [each for each in ids(after) if each] == list(KNOWN)


def test_checks_come_back_although_their_answers_are_gone_too(notebook):
    notebook.cells = [new_markdown_cell("Nothing left.")]
    after = restored(notebook, KNOWN)
    assert ids(after) == ["setup", "a", "b", None]
    nbformat.validate(after)


def test_prose_and_answers_do_not_come_back(notebook):
    notebook.cells = [
        cell for cell in notebook.cells if ids(new_notebook(cells=[cell]))[0] not in ("prompt", "b-answer")
    ]
    assert ids(restored(notebook, KNOWN)) == ["setup", "a-answer", None, "a", "b"]


def test_cells_in_another_order_stay_there(notebook):
    notebook.cells.reverse()
    assert ids(restored(notebook, KNOWN)) == WHOLE[::-1]


@pytest.mark.parametrize("new", [new_markdown_cell, new_raw_cell])
def test_code_that_became_text_is_code_again(notebook, new):
    place = ids(notebook).index("a-answer")
    notebook.cells[place] = new("x = 1", metadata={"nbgrader": {"grade_id": "a-answer"}, "tags": ["mine"]})
    cell = at(restored(notebook, KNOWN), "a-answer")
    assert (cell.cell_type, cell.source, cell.outputs, cell.metadata.tags) == ("code", "x = 1", [], ["mine"])
    nbformat.validate(notebook)


def test_text_that_became_code_is_text_again(notebook):
    notebook.cells[1] = new_code_cell("prose", metadata={"nbgrader": {"grade_id": "prompt"}})
    cell = restored(notebook, KNOWN).cells[1]
    assert cell.cell_type == "markdown"
    assert "outputs" not in cell
    nbformat.validate(notebook)


def test_a_pasted_picture_does_not_keep_a_check_from_being_code(notebook):
    place = ids(notebook).index("a")
    cell = new_markdown_cell("x", metadata={"nbgrader": {"grade_id": "a"}})
    cell.attachments = {"a.png": {"image/png": "aGk="}}
    notebook.cells[place] = cell
    nbformat.validate(restored(notebook, KNOWN))


@pytest.mark.parametrize(
    "record",
    ["text", None, ["a"], {}, {"grade_id": 3}, {"grade_id": ["a"]}, {"grade": True}, {"grade_id": "of-last-year"}],
)
def test_a_record_that_is_none_of_the_lesson_s_is_dropped(notebook, record):
    notebook.cells[3].metadata.nbgrader = record
    after = restored(notebook, KNOWN)
    assert ids(after) == WHOLE
    assert "nbgrader" not in after.cells[3].metadata


def test_edited_records_are_the_lesson_s_again(notebook):
    at(notebook, "a").metadata.nbgrader.update(points=100, grade=False, locked=False, schema_version=1, extra=1)
    assert at(restored(notebook, KNOWN), "a").metadata.nbgrader == KNOWN["a"].record


def test_records_are_not_shared_with_the_lesson(notebook):
    at(restored(notebook, KNOWN), "a").metadata.nbgrader["points"] = 7
    assert KNOWN["a"].record["points"] == 2.0
