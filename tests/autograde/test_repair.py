"""What is done to a notebook's cells, undone and told: copies, gaps, other types and places, lost metadata."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from autograde.cells import grade_id_of, source_checksum
from autograde.repair import repaired


def record(grade_id, **fields):
    full = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, "schema_version": 3, **fields}
    return {"nbgrader": full}


DEMO = "print(a)"


def released():
    """A lesson: set-up, a prompt, two exercises and a demonstration between them."""
    cells = [
        new_markdown_cell("# The lesson"),
        new_code_cell("import math", metadata=record("setup", locked=True)),
        new_markdown_cell("Which?", metadata=record("prompt", locked=True)),
        new_code_cell("a = ...", metadata=record("a-answer", solution=True, checksum="1")),
        new_code_cell('check("a", a)', metadata=record("a", grade=True, locked=True, points=2.0, checksum="2")),
        new_code_cell(DEMO, metadata={"autograde": {"demo": "a", "checksum": source_checksum(DEMO)}}),
        new_code_cell("def b():\n    raise NotImplementedError", metadata=record("b-answer", solution=True)),
        new_code_cell('check("b", b)', metadata=record("b", grade=True, locked=True, points=1.0)),
    ]
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


LESSON = released()
WHOLE = [grade_id_of(cell) for cell in LESSON.cells]  # "", setup, prompt, a-answer, a, "", b-answer, b
LOCKED = ["setup", "prompt", "a", "b"]


@pytest.fixture
def notebook():
    """A submission: both exercises are answered."""
    made = released()
    at(made, "a-answer").source = "a = 1"
    at(made, "b-answer").source = "def b():\n    return 2"
    return made


def at(notebook, grade_id):
    return next(cell for cell in notebook.cells if grade_id_of(cell) == grade_id)


def index(notebook, grade_id):
    return notebook.cells.index(at(notebook, grade_id))


def ids(notebook):
    return [grade_id_of(cell) for cell in notebook.cells]


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def strip(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def test_a_whole_notebook_stays_as_it_is(notebook):
    after, notes = repaired(notebook, LESSON)
    assert after == notebook
    assert after is not notebook
    assert notes == []


def test_neither_the_submission_nor_the_lesson_is_changed(notebook):
    lesson = released()
    del notebook.cells[4]
    notebook.cells[0].metadata.nbgrader = "odd"
    before = nbformat.from_dict(notebook)
    after, _ = repaired(notebook, lesson)
    at(after, "a").metadata.nbgrader["points"] = 100
    after.metadata.kernelspec["name"] = "other"
    assert (notebook, lesson) == (before, released())


def test_outputs_are_cleared_and_the_state_of_widgets_goes(notebook):
    notebook.cells[5].outputs = [new_output("stream", text="1")]
    notebook.cells[5].execution_count = 3
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {}}
    after, notes = repaired(notebook, LESSON)
    assert (after.cells[5].outputs, after.cells[5].execution_count) == ([], None)
    assert "widgets" not in after.metadata
    assert notes == []


def test_another_kernel_is_the_lesson_s_again(notebook):
    notebook.metadata.kernelspec = {"name": "julia-1.9", "language": "julia"}
    after, notes = repaired(notebook, LESSON)
    assert after.metadata.kernelspec == LESSON.metadata.kernelspec
    assert notes == ["The notebook asked for the kernel 'julia-1.9'; it is graded with python3."]


@pytest.mark.parametrize("spec", [None, "text", [], {"name": 3}])
def test_a_kernel_that_is_none_is_the_lesson_s_again(notebook, spec):
    notebook.metadata.kernelspec = spec
    del notebook.metadata["language_info"]
    assert repaired(notebook, LESSON)[0].metadata == LESSON.metadata


# ---- copies


@pytest.mark.parametrize("grade_id", LOCKED)
def test_a_copied_locked_cell_is_there_once(notebook, grade_id):
    place = index(notebook, grade_id)
    notebook.cells.insert(place, nbformat.from_dict(notebook.cells[place]))
    after, notes = repaired(notebook, LESSON)
    assert ids(after) == WHOLE
    assert notes == [f"The cell {grade_id} was there 2 times; the last copy counts."]


def test_of_two_answers_the_last_that_is_written_is_the_cell(notebook):
    place = index(notebook, "a-answer")
    for source in ("a = 3", "a = ..."):
        copy = nbformat.from_dict(notebook.cells[place])
        copy.source = source
        notebook.cells.insert(place + 1, copy)
    after, _ = repaired(notebook, LESSON)
    assert at(after, "a-answer").source == "a = 3"
    assert sources(after)[place : place + 3] == ["a = 1", "a = ...", "a = 3"], "all of them are the learner's own"
    assert ids(after).count("a-answer") == 1


def test_a_hundred_thousand_copies_take_no_time(notebook):
    notebook.cells += [nbformat.NotebookNode(at(notebook, "a")) for _ in range(100_000)]
    assert ids(repaired(notebook, LESSON)[0]) == WHOLE


# ---- gaps


@pytest.mark.parametrize("grade_id", ["setup", "a", "b"])
def test_a_locked_cell_that_is_gone_comes_back_in_its_place(notebook, grade_id):
    notebook.cells.remove(at(notebook, grade_id))
    after, notes = repaired(notebook, LESSON)
    assert [each for each in ids(after) if each] == [each for each in WHOLE if each]
    assert at(after, grade_id) == at(LESSON, grade_id)
    assert notes == [f"Locked cells were missing and have been put back: {grade_id}."]


def test_a_check_comes_back_behind_the_code_that_belongs_to_its_answer(notebook):
    notebook.cells.remove(at(notebook, "a"))
    notebook.cells.insert(index(notebook, "a-answer") + 1, new_code_cell("a = a + 1"))
    after, _ = repaired(notebook, LESSON)
    assert sources(after)[3:7] == ["a = 1", "a = a + 1", 'check("a", a)', DEMO]


def test_checks_come_back_although_their_answers_are_gone_too(notebook):
    notebook.cells = [new_markdown_cell("Nothing left.")]
    after, _ = repaired(notebook, LESSON)
    assert ids(after) == ["setup", "a", "b", ""]
    nbformat.validate(after)


def test_of_an_empty_notebook_the_checks_are_left(notebook):
    notebook.cells = []
    assert ids(repaired(notebook, LESSON)[0]) == ["setup", "a", "b"]


# ---- other types, texts and places


@pytest.mark.parametrize("new", [new_markdown_cell, new_raw_cell])
def test_code_that_became_text_is_code_again(notebook, new):
    place = index(notebook, "a-answer")
    kind = new("").cell_type
    notebook.cells[place] = new("a = 1", metadata={**record("a-answer"), "tags": ["mine"]})
    after, notes = repaired(notebook, LESSON)
    cell = at(after, "a-answer")
    assert (cell.cell_type, cell.source, cell.outputs, cell.metadata.tags) == ("code", "a = 1", [], ["mine"])
    assert notes == [f"The cell a-answer had become {kind}; it is code again."]
    nbformat.validate(after)


def test_text_that_became_code_is_text_again(notebook):
    notebook.cells[2] = new_code_cell("Which?", metadata=record("prompt"))
    after, _ = repaired(notebook, LESSON)
    assert after.cells[2] == LESSON.cells[2]
    nbformat.validate(after)


def test_a_pasted_picture_does_not_keep_a_check_from_being_code(notebook):
    cell = new_markdown_cell("x", metadata=record("a"))
    cell.attachments = {"a.png": {"image/png": "aGk="}}
    notebook.cells[4] = cell
    nbformat.validate(repaired(notebook, LESSON)[0])


@pytest.mark.parametrize("grade_id", LOCKED)
def test_a_locked_cell_has_the_lesson_s_text(notebook, grade_id):
    at(notebook, grade_id).source = "4"
    after, notes = repaired(notebook, LESSON)
    assert at(after, grade_id).source == at(LESSON, grade_id).source
    assert notes == [f"The locked cell {grade_id} had been changed; it has the lesson's text again."]


def test_white_space_around_a_locked_cell_is_not_worth_a_word(notebook):
    at(notebook, "a").source += "\n\n"
    after, notes = repaired(notebook, LESSON)
    assert (at(after, "a").source, notes) == ('check("a", a)', [])


@pytest.mark.parametrize("grade_id", ["setup", "a", "b", "a-answer"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_cell_that_was_moved_is_in_its_place_again(notebook, grade_id, place):
    cell = at(notebook, grade_id)
    notebook.cells.remove(cell)
    notebook.cells.insert(place if place == 0 else len(notebook.cells), cell)
    after, notes = repaired(notebook, LESSON)
    assert [each for each in ids(after) if each] == [each for each in WHOLE if each]
    assert all("order again" in note for note in notes)


def test_cells_in_reverse_are_in_order_again(notebook):
    notebook.cells.reverse()
    after, notes = repaired(notebook, LESSON)
    assert [each for each in ids(after) if each] == [each for each in WHOLE if each]
    assert len(notes) == 1


# ---- metadata


@pytest.mark.parametrize(
    "value",
    ["text", None, ["a"], {}, {"grade_id": 3}, {"grade_id": ["a"]}, {"grade": True}, {"grade_id": "of-last-year"}],
)
def test_a_record_that_is_none_of_the_lesson_s_is_dropped(notebook, value):
    notebook.cells[0].metadata.nbgrader = value
    after, notes = repaired(notebook, LESSON)
    assert ids(after) == WHOLE
    assert "nbgrader" not in after.cells[0].metadata
    assert notes == []


def test_edited_records_are_the_lesson_s_again(notebook):
    at(notebook, "a").metadata.nbgrader.update(points=100, grade=False, locked=False, schema_version=1, extra=1)
    assert at(repaired(notebook, LESSON)[0], "a") == at(LESSON, "a")


def test_without_any_metadata_answers_are_found_by_what_they_define(notebook):
    strip(notebook)
    after, notes = repaired(notebook, LESSON)
    assert at(after, "a-answer").source == "a = 1"
    assert at(after, "b-answer").source == "def b():\n    return 2"
    assert notes[:2] == [
        f"The cell {name}-answer had lost its metadata; it was found by what it defines." for name in "ab"
    ]
    for name in "ab":
        assert index(after, name) > index(after, f"{name}-answer")


def test_an_answer_that_defines_something_else_is_found_by_its_place(notebook):
    cell = at(notebook, "b-answer")
    cell.source, cell.metadata = "def bb():\n    return 2", {}
    assert at(repaired(notebook, LESSON)[0], "b-answer").source == cell.source


def test_of_two_cells_in_its_place_none_is_guessed(notebook):
    place = index(notebook, "b-answer")
    notebook.cells[place : place + 1] = [new_code_cell("x = 1"), new_code_cell("y = 1")]
    assert ids(repaired(notebook, LESSON)[0]) == [*WHOLE[:6], "", "", "b"]


def test_a_demonstration_is_known_by_its_text(notebook):
    notebook.cells[5].metadata = {}
    assert repaired(notebook, LESSON)[0].cells[5].metadata == LESSON.cells[5].metadata


def test_a_changed_demonstration_is_the_learner_s(notebook):
    notebook.cells[5].source = "a = 5"
    cell = repaired(notebook, LESSON)[0].cells[5]
    assert cell.metadata.autograde.checksum != source_checksum(cell.source)


def test_nobody_makes_a_cell_into_a_demonstration(notebook):
    source = "a = 'not run'"
    metadata = {"autograde": {"demo": "a", "checksum": source_checksum(source)}}
    notebook.cells.insert(4, new_code_cell(source, metadata=metadata))
    assert repaired(notebook, LESSON)[0].cells[4].metadata == {}


@pytest.mark.parametrize("value", ["text", None, ["demo"], {"demo": 1, "checksum": []}])
def test_an_odd_mark_of_a_demonstration_harms_nothing(notebook, value):
    notebook.cells.insert(4, new_code_cell("x = 1", metadata={"autograde": value}))
    assert len(repaired(notebook, LESSON)[0].cells) == 9


# ---- ids


@pytest.mark.parametrize("value", [None, "", "same", "has spaces", "x" * 65, 3])
def test_every_cell_has_an_id_of_its_own(notebook, value):
    notebook.cells += [new_code_cell("x = 1"), new_markdown_cell("y")]
    for cell in notebook.cells:
        cell["id"] = value
    after, notes = repaired(notebook, LESSON)
    assert len({cell.id for cell in after.cells}) == len(after.cells)
    assert at(after, "a").id == "cell-4"
    assert notes == []
    nbformat.validate(after)
    assert repaired(notebook, LESSON)[0] == after, "the same each time"


def test_notebooks_of_before_there_were_ids_have_them(notebook):
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4
    after, _ = repaired(notebook, LESSON)
    assert after.nbformat_minor == 5
    nbformat.validate(after)
