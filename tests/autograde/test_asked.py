"""What a question asks, listened to: calls with their values, short enough to be read."""

import numpy as np
import pandas as pd
import pytest
import torch

from autograde.asked import SHORT, calls, in_full, in_short
from autograde.exercise import Exercise, Withheld
from autograde.exercises import find
from autograde.exercises.sigmoid_range import sigmoid_range


class TestValues:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "None"),
            (True, "True"),
            (3, "3"),
            (0.25, "0.25"),
            (1 / 3, "0.333333"),
            ("a", "'a'"),
            ((1,), "(1,)"),
            ([1, "b"], "[1, 'b']"),
            ({"a": 2}, "{'a': 2}"),
            (range(3), "range(0, 3)"),
            (np.float32(0.5), "0.5"),
            (torch.tensor([1.0, 2.5]), "tensor([1, 2.5])"),
            (np.array([[True]]), "array([[True]])"),
            (torch.nn.Linear(1, 1), "a model"),
            (torch.nn.Linear, "the class Linear"),
            (max, "a builtin_function_or_method"),
            (lambda: 0, "a function"),
            (Withheld(7), "what only the judge knows"),
            (torch.zeros(2, 9, device="meta"), "a tensor of shape (2, 9) on the device meta"),
            (torch.zeros(17), ""),
            (list(range(9)), ""),
            ("x" * SHORT, ""),
            (pd.DataFrame({"a": [1]}), ""),
        ],
    )
    def test_in_short(self, value, text):
        assert in_short(value) == text

    def test_withheld_values_are_shown_nowhere(self):
        hidden = {"stars": Withheld(4711), "all": [Withheld(4711)] * 20}
        assert "4711" not in "".join(in_full(hidden))

    @pytest.mark.parametrize(
        ("value", "lines"),
        [
            (
                torch.arange(20),
                ["tensor of shape (20,)", "  [ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15]", "  … and 4 more"],
            ),
            (list(range(9)), ["[0, 1, 2, 3, 4, 5, 6, 7, …], 9 items"]),
            (pd.DataFrame({"a": [1, 2.5]}), ["DataFrame of 2 rows", "      a", "  0   1", "  1 2.5"]),
            (pd.Series([1], index=["x"]), ["Series of 1 row", "  x    1"]),
            ([torch.zeros(1, 17)], ["list of 1:", "  tensor of shape (1, 17)", f"    [[{' '.join(['0.'] * 16)}]]"]),
        ],
    )
    def test_in_full(self, value, lines):
        assert in_full(value) == lines

    @pytest.mark.parametrize("value", [torch.zeros(500, 500), pd.DataFrame(np.zeros((500, 500))), ["x" * 500] * 500])
    def test_what_is_long_is_cut(self, value):
        assert len(in_full(value)) < 15
        assert max(map(len, in_full(value))) < 1000


class TestCalls:
    def test_a_function_is_called_by_its_parameters_and_what_it_gave_is_kept(self):
        exercise = Exercise(reference=lambda a, b=2: a + b, name="add")
        exercise.check(points=1, sentence="Adds")(lambda answer, given: answer(given) + answer(given, b=5))
        first, second = calls(exercise, exercise.checks[0], 1)
        assert (first.text, first.gave) == ("add(a=1)", ("3",))
        assert (second.text, second.gave) == ("add(a=1, b=5)", ("6",))

    def test_a_call_is_written_down_before_it_changes_what_it_is_given(self):
        exercise = Exercise(reference=lambda values: values.clear(), name="clear")
        exercise.check(points=1, sentence="Clears")(lambda answer, given: answer(given))
        (call,) = calls(exercise, exercise.checks[0], [1, 2])
        assert call.text == "clear(values=[1, 2])"

    def test_a_class_is_made_and_then_called(self):
        exercise = find("DotProduct")[1]
        made, called = calls(exercise, exercise.checks[1], exercise.draw(np.random.default_rng(0)))
        assert made.text == "model = DotProduct(n_users=7, n_movies=11, n_factors=5)"
        assert called.text == "model(x)"
        assert called.lines()[1] == "x: tensor of shape (13, 2)"
        assert called.gave[0] == "tensor of shape (13,)"

    def test_a_long_value_stands_below_its_call(self):
        given = sigmoid_range.draw(np.random.default_rng(0))
        (call,) = calls(sigmoid_range, sigmoid_range.checks[0], given)
        assert call.text.startswith("sigmoid_range(x, low=0")
        assert call.lines()[1] == "x: tensor of shape (11,)"
        assert len(call.in_brief()) == 2

    def test_an_exception_of_the_reference_leaves_what_was_heard(self):
        def fails(value):
            raise ValueError(value)

        exercise = Exercise(reference=fails)
        exercise.check(points=1, sentence="Fails")(lambda answer, given: answer(given))
        (call,) = calls(exercise, exercise.checks[0], 3)
        assert (call.text, call.gave) == ("fails(value=3)", ())

    def test_a_letter_is_called_by_nobody(self):
        exercise = find("model_call")[1]
        assert calls(exercise, exercise.checks[0], exercise.draw(np.random.default_rng(0))) == []
