"""Worked examples: one for every exercise, readable, the same each time, and on numbers that no check uses."""

import random

import numpy as np
import pytest
import torch

from autograde import exercises
from autograde.examples import worked_example
from autograde.exercise import EXAMPLE_SEED, Exercise, Question
from autograde.exercises import find

NAMES = [name for slug in exercises.slugs() for name in exercises.of_lesson(slug)]
BUILT = [name for name in NAMES if not isinstance(find(name)[1], Question)]


@pytest.mark.parametrize("name", BUILT)
def test_every_exercise_has_one_that_can_be_read(name):
    lines = worked_example(find(name)[1])
    assert 2 <= len(lines) <= 45, name
    assert max(map(len, lines)) <= 200
    assert not [line for line in lines if "object at 0x" in line or "<" in line]
    assert lines == worked_example(find(name)[1]), "the same each time"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BUILT])
def test_a_concept_question_has_none(name):
    assert worked_example(find(name)[1]) == ()


def test_one_that_nobody_wrote_is_a_question_and_its_answer():
    exercise = Exercise(reference=lambda value: 2 * value, name="double", draw=lambda rng: int(rng.integers(10**6)))
    exercise.check(points=1, sentence="Has a form", form=True)(lambda answer, given: type(answer(given)).__name__)
    exercise.check(points=0.5, sentence="Doubles")(lambda answer, given: answer(given))
    number = int(np.random.default_rng(EXAMPLE_SEED).integers(10**6))
    assert worked_example(exercise) == (f"double(value={number})", "gives", f"  {2 * number}")


def test_one_that_an_author_wrote_is_shown_step_by_step():
    exercise = Exercise(reference=max, name="largest")

    @exercise.worked_example
    def two_numbers():
        yield "two numbers", [1, 2]
        yield ("one of them is larger",)
        yield "it is", max(1, 2)

    assert worked_example(exercise) == ("Two numbers: [1, 2]", "One of them is larger", "It is: 2")


def test_an_example_that_fails_costs_no_hint_and_no_random_number():
    exercise = Exercise(reference=max, name="largest")

    @exercise.worked_example
    def fails():
        torch.rand(1), np.random.rand(1), random.random()  # noqa: NPY002
        yield "no number", 1 / 0

    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert worked_example(exercise) == ()
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_no_check_draws_from_its_seed():
    """Practice draws from 32 bits; `secret.Secret.seed` stays below 2 ** 62."""
    assert EXAMPLE_SEED >= 1 << 62
