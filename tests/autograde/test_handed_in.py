"""What students wrote and what their notebooks tell: read from anything, believed of nothing."""

import json

import pytest

from autograde.cells import to_bytes
from autograde.effort import Effort, as_metadata
from autograde.handed_in import HandedIn, answers_in, handed_in

from .small_class import LESSON, cell_of, hand_in, solved_notebook

NAMES = ("DotProduct", "gradient_step", "train")
DAY = 1_790_000_000.0
TOLD = Effort(checks=4, hints=2, seconds=300.0, first_at=DAY, last_at=DAY + 400, passed_at=DAY + 400)


@pytest.fixture
def solved(graded):
    return solved_notebook(graded[0])


def read(course, student="s", names=NAMES):
    return handed_in(course, student, LESSON, names, now=DAY + 1000)


def shown(**metadata):
    return {"output_type": "display_data", "data": {"text/plain": "card"}, "metadata": metadata}


def test_answers_and_what_is_told_are_read(fresh, solved):
    cell_of(solved, "train").outputs = [shown(), shown(**as_metadata(TOLD)), shown(other=1)]
    hand_in(fresh, "s", solved)
    came = read(fresh)
    assert came.answers == {name: cell_of(solved, f"{name}-answer").source for name in NAMES}
    assert came.efforts == {"train": TOLD}


def test_a_source_in_lines_is_one_text(fresh, solved):
    hand_in(fresh, "s", to_bytes(solved))
    assert read(fresh).answers["train"] == cell_of(solved, "train-answer").source


def test_a_solution_that_lost_its_place_is_taken_from_the_graded_notebook(fresh, solved):
    path = fresh.graded("s", LESSON)
    path.parent.mkdir(parents=True)
    path.write_bytes(to_bytes(solved))
    lost = cell_of(solved, "train-answer")
    cell_of(solved, "gradient_step-answer").source = "as handed in"
    del lost.metadata["nbgrader"]
    hand_in(fresh, "s", solved)
    assert read(fresh).answers["train"] == lost.source
    assert read(fresh).answers["gradient_step"] == "as handed in"


def test_oddities_raise_nothing(own):
    for student in own.students():
        assert isinstance(read(own, student), HandedIn)
    assert "HALF" not in read(own, "odd-half").answers


@pytest.mark.parametrize(
    "cell",
    [
        *(
            None,
            [],
            "cell",
            {"metadata": None},
            {"metadata": {"nbgrader": []}},
            {"metadata": {"nbgrader": {"grade_id": 3}}},
        ),
        {"metadata": {"nbgrader": {"grade_id": "train"}}, "outputs": "none"},
        {
            "metadata": {"nbgrader": {"grade_id": "train"}},
            "outputs": [None, {"metadata": 3}, {"metadata": {"autograde": 1}}],
        },
        {"metadata": {"nbgrader": {"grade_id": "train-answer"}}, "source": 3},
        {"metadata": {"nbgrader": {"grade_id": "train-answer"}}, "source": ["a", 3]},
    ],
)
def test_hostile_cells_are_nothing(fresh, cell):
    hand_in(fresh, "s", json.dumps({"cells": [cell]}).encode())
    assert read(fresh) == HandedIn()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"cells": 3}', b"[" * 100_000, b'{"cells": [' + b"9" * 5000 + b"]}", b"\xff"]
)
def test_what_is_no_notebook_is_nothing(fresh, content):
    hand_in(fresh, "s", content)
    assert read(fresh) == HandedIn()


def test_a_link_is_not_followed(fresh, solved, tmp_path):
    elsewhere = tmp_path / "theirs.ipynb"
    elsewhere.write_bytes(to_bytes(solved))
    path = fresh.submission("s", LESSON)
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    assert read(fresh) == HandedIn()


def test_half_a_character_fits_a_file(fresh):
    cell = {"metadata": {"nbgrader": {"grade_id": "train-answer"}}, "source": "x = '\ud800'"}
    hand_in(fresh, "s", json.dumps({"cells": [cell]}).encode())
    assert read(fresh).answers == {"train": "x = '?'"}


def test_solutions_are_read_from_the_source(graded, solved):
    course = graded[0]
    found = answers_in(course.source / LESSON / f"{LESSON}.ipynb", NAMES)
    assert found["train"] == cell_of(solved, "train-answer").source
