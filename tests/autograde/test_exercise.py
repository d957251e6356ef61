"""Exercises as values: what an author may write, what is refused at once, and how a verdict reads as a mark."""

import functools
import json
import math

import numpy as np
import pytest

import collabkit
from autograde.exercise import Exercise, Line, Outcome, Question, Verdict, total
from autograde.observe import CannotAsk


def double(x):
    return 2 * x


@pytest.fixture
def exercise():
    return Exercise(reference=double, hints=("Add it to itself.",))


class TestAuthoring:
    def test_takes_the_name_of_its_reference(self, exercise):
        assert exercise.name == "double"

    def test_takes_another_name_where_one_is_given(self):
        assert Exercise(reference=double, name="double.fast").name == "double.fast"

    @pytest.mark.parametrize("reference", [functools.partial(double, 2), 3.5])
    def test_refuses_a_reference_without_a_name(self, reference):
        with pytest.raises(ValueError, match="give name="):
            Exercise(reference=reference)

    @pytest.mark.parametrize("hint", ["", "  \n"])
    def test_refuses_an_empty_hint(self, hint):
        with pytest.raises(ValueError, match="double: a hint is empty"):
            Exercise(reference=double, hints=("Add.", hint))

    def test_refuses_hints_that_lost_their_comma(self):
        with pytest.raises(ValueError, match="is a comma missing"):
            Exercise(reference=double, hints=("Add it to itself."))

    def test_given_draws_the_inputs(self, exercise):
        @exercise.given
        def number(rng):
            return 7

        assert exercise.draw(None) == 7
        assert number(None) == 7, "the decorator hands the function back"

    def test_two_exercises_share_nothing(self):
        one, other = Exercise(reference=double), Exercise(reference=double)
        one.check(points=1)(sentence)
        one.misconception("No.")(double)
        assert (other.checks, other.misconceptions, other.points) == ([], [], 0)


def sentence(answer, given):
    """Doubles   the number,
    whatever it is"""
    return answer(given)


class TestChecks:
    def test_reads_the_docstring_as_one_line(self, exercise):
        assert exercise.check(points=1)(sentence) is sentence
        (check,) = exercise.checks
        assert check.sentence == "Doubles the number, whatever it is"
        assert (check.question, check.points) == (sentence, 1)

    def test_refuses_a_check_without_docstring(self, exercise):
        with pytest.raises(ValueError, match="mute needs a docstring"):

            @exercise.check(points=1)
            def mute(answer, given):
                return answer(given)

    @pytest.mark.parametrize("points", [0, -1, math.nan, math.inf, "1", True, None])
    def test_refuses_points_that_are_none(self, exercise, points):
        with pytest.raises(ValueError, match="points above 0"):
            exercise.check(points=points)

    def test_refuses_a_decorator_without_brackets(self, exercise):
        with pytest.raises(ValueError, match="points above 0"):
            exercise.check(sentence)
        with pytest.raises(ValueError, match="needs a sentence"):
            exercise.misconception(sentence)
        assert exercise.checks == []

    def test_points_add_up_without_a_rest(self, exercise):
        for _ in range(3):
            exercise.check(points=0.1)(sentence)
        assert exercise.points == 0.3 != 0.1 + 0.1 + 0.1

    def test_total_is_the_same_in_any_order(self):
        assert total([0.1, 0.2, 0.3]) == total([0.3, 0.2, 0.1]) == 0.6


class TestFinished:
    def test_a_reference_of_collabkit_is_one(self):
        exercise = Exercise(reference=collabkit.DotProduct, elsewhere=("fastai.collab.EmbeddingDotBias",))
        assert exercise.finished == ("collabkit.models.DotProduct", "fastai.collab.EmbeddingDotBias")

    @pytest.mark.parametrize("reference", [len, 3, lambda x: x, "collabkit"])
    def test_any_other_reference_is_none(self, reference):
        assert Exercise(reference=reference, name="x").finished == ()


def test_a_check_keeps_what_the_judge_looks_at_and_whether_it_is_of_form(exercise):
    look = len
    exercise.check(points=1, look=look, form=True)(_documented)
    assert (exercise.checks[-1].look, exercise.checks[-1].is_form) == (look, True)
    exercise.check(points=1)(_documented)
    assert (exercise.checks[-1].look, exercise.checks[-1].is_form) == (None, False)


def _documented(answer, given):
    """Documented"""


class TestMisconceptions:
    def test_keeps_answer_sentence_and_name(self, exercise):
        @exercise.misconception("You squared it.")
        def squares(x):
            return x * x

        (mistake,) = exercise.misconceptions
        assert (mistake.answer, mistake.sentence, mistake.name) == (squares, "You squared it.", "squares")
        assert squares(3) == 9, "the decorator hands the answer back"

    def test_takes_a_plain_value(self, exercise):
        exercise.misconception("That is the half.")(0.5)
        assert exercise.misconceptions[0].name == "0.5"

    @pytest.mark.parametrize("empty", ["", " \n "])
    def test_refuses_an_empty_sentence(self, exercise, empty):
        with pytest.raises(ValueError, match="a misconception needs a sentence"):
            exercise.misconception(empty)


def question(**changes):
    fields = {
        "name": "colour",
        "prompt": "Which colour has the sky?",
        "choices": {"a": "Blue.", "b": "Green.", "c": "Red."},
        "right": "a",
        "why_not": {"b": "That is grass.", "c": "That is dusk."},
        **changes,
    }
    return Question(**fields)


class TestQuestion:
    def test_is_an_exercise_with_one_check_and_its_wrong_choices(self):
        colour = question(points=0.75)
        assert (colour.name, colour.reference, colour.points) == ("colour", "a", 0.75)
        assert [mistake.answer for mistake in colour.misconceptions] == ["b", "c"]
        assert "That is grass." in colour.misconceptions[0].sentence

    @pytest.mark.parametrize(
        "why_not",
        [
            {"b": "That is grass."},
            {"b": "That is grass.", "c": "Dusk.", "d": "There is no d."},
            {"a": "But it is right.", "b": "That is grass.", "c": "Dusk."},
            {},
        ],
    )
    def test_every_wrong_choice_and_no_other_needs_a_reason(self, why_not):
        with pytest.raises(ValueError, match="every wrong choice, and no other"):
            question(why_not=why_not)

    def test_refuses_a_right_letter_that_is_no_choice(self):
        with pytest.raises(ValueError, match="every wrong choice"):
            question(right="d")

    @pytest.mark.parametrize(
        "changes",
        [{"prompt": " "}, {"choices": {"a": "", "b": "Green.", "c": "Red."}}, {"why_not": {"b": "", "c": "Dusk."}}],
    )
    def test_refuses_empty_texts(self, changes):
        with pytest.raises(ValueError, match="is empty"):
            question(**changes)

    def test_refuses_letters_that_no_answer_can_reach(self):
        with pytest.raises(ValueError, match="the choice 'A' can never be given: call it 'a'"):
            question(choices={"A": "Blue.", "b": "Green."}, right="A", why_not={"b": "That is grass."})

    @pytest.mark.parametrize("points", [0, -0.5, math.nan])
    def test_refuses_points_that_are_none(self, points):
        with pytest.raises(ValueError, match="points above 0"):
            question(points=points)

    def test_refuses_empty_hints(self):
        with pytest.raises(ValueError, match="a hint is empty"):
            question(hints=("",))

    @pytest.mark.parametrize("answer", ["b", "B", " b ", "(b)", "b.", "B)"])
    def test_a_letter_may_be_dressed(self, answer):
        colour = question()
        assert colour.checks[0].question(answer, colour.draw(None)) == "b"

    @pytest.mark.parametrize(
        ("answer", "came"),
        [
            ("d", "is 'd'"),
            ("", "is ''"),
            (2, "is 2"),
            (None, "is None"),
            ([1], "of type list"),
            (print, "of type builtin"),
        ],
    )
    def test_anything_else_is_told_the_letters(self, answer, came):
        colour = question()
        with pytest.raises(CannotAsk, match='answer with one of the letters "a", "b", "c", in quotes') as error:
            colour.checks[0].question(answer, colour.draw(None))
        assert came in str(error.value)

    def test_an_array_or_a_long_text_is_no_letter_and_makes_no_long_sentence(self):
        colour = question()
        for answer in (np.zeros((100, 100)), "a" * 10_000):
            with pytest.raises(CannotAsk) as error:
                colour.checks[0].question(answer, colour.draw(None))
            assert len(str(error.value)) < 150


class TestVerdict:
    @pytest.mark.parametrize(
        ("score", "text"), [(0.0, "0"), (2.0, "2"), (0.5, "0.5"), (12.34567, "12.34567"), (1 / 3, "0.3333333333")]
    )
    def test_reads_as_the_number_of_points(self, score, text):
        bundle = Verdict("x", Outcome.PARTIAL, score, 13.0)._repr_mimebundle_()
        assert bundle["text/plain"] == text
        assert float(bundle["text/plain"]) == pytest.approx(score, abs=1e-9)
        assert f"{text} of 13 points" in bundle["text/html"]

    @pytest.mark.parametrize("outcome", Outcome)
    def test_only_passed_has_passed(self, outcome):
        assert Verdict("x", outcome, 1.0, 1.0).passed is (outcome is Outcome.PASSED)

    def test_outcomes_are_texts_for_a_file(self):
        assert json.dumps(list(Outcome)[:4]) == '["passed", "partial", "failed", "not attempted"]'

    def test_is_a_value(self):
        line = Line("Doubles", True, 1.0, 1.0)
        assert Verdict("x", Outcome.PASSED, 1.0, 1.0, lines=(line,)) == Verdict(
            "x", Outcome.PASSED, 1.0, 1.0, lines=(Line("Doubles", True, 1.0, 1.0),)
        )
