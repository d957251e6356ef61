"""Marks that need no answer: numbers remembered from an earlier grading. Constants: see test_every_lesson.py."""

import functools
import re

import nbformat
import pytest

from autograde.build import released
from autograde.cells import answer_grade_id, own_code
from autograde.course import Course
from autograde.execute import executed, judging_server
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.repair import repaired
from autograde.secret import Secret
from autograde.verdict import verdicts_in

from .attacks.corpus import cell_of

LESSON = "01_latent_factors"
SECRET = Secret(b"s" * 32)


@pytest.fixture(scope="module")
def server():
    if not Walls.found().enough:
        pytest.skip(f"walls are missing here: {Walls.found().lines()}")
    with judging_server(Walls.found()) as server:
        yield server


@pytest.mark.parametrize("name", ["rmse", "density", "predict_rating"])
def test_numbers_in_one_grading_s_feedback_are_no_answer_in_the_next(name, server, root):
    first = graded(server, root, name, f"def {name}(*_, **__):\n    return 0.0")
    expected = [number for line in first.lines for number in re.findall(r"expected (-?[\d.]+\d)", line.feedback)]
    assert expected, first
    remembered = f"answers = [{', '.join(expected)}] * 9\ndef {name}(*_, **__):\n    return answers.pop(0)"
    assert graded(server, root, name, remembered).score == 0
    repeated = graded(server, root, name, f"def {name}(*_, **__):\n    return 0.0")
    assert repeated == first  # the same work meets the same inputs


def graded(server, root, name, answer):
    blank = nbformat.read(released(Course(root, root / "course"), LESSON), as_version=4)
    notebook, _ = repaired(blank, blank)
    cell_of(notebook, answer_grade_id(name)).source = answer
    seed = functools.partial(SECRET.seed, "somebody", work=own_code(notebook))
    return verdicts_in(executed(notebook, server, Limits(), seed))[name]
