"""Verdicts: how answers of every kind end, what the learner is told, and that nobody harms anybody."""

import dataclasses
import logging
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import collabkit
from autograde import judge as judging
from autograde.compare import equal
from autograde.exercise import Exercise, Measured, Outcome, Question, Withheld
from autograde.exercises import find
from autograde.judge import (
    FORM_ALONE,
    accelerators,
    ask_here,
    asking_seed,
    judge,
    judgements,
    not_attempted,
)
from autograde.observe import CannotAsk, Raised, ask


def scaled(values, factor):
    """The reference of a small exercise."""
    return values * factor


@dataclasses.dataclass
class Given:
    values: torch.Tensor
    factor: float


def exercise_of(reference=scaled, misconceptions=()):
    exercise = Exercise(reference=reference, name="scaled")

    @exercise.given
    def numbers(rng):
        return Given(torch.from_numpy(rng.uniform(1, 2, 4)), float(rng.uniform(3, 4)))

    @exercise.check(points=1)
    def multiplies(answer, given):
        """Multiplies every value"""
        return answer(given.values, given.factor)

    @exercise.check(points=0.5)
    def takes_none(answer, given):
        """Takes no values at all"""
        return answer(given.values[:0], given.factor)

    @exercise.check(points=0.25)
    def adds_up(answer, given):
        """Works for a single value"""
        return float(answer(given.values[:1], given.factor)[0])

    for sentence, answer in misconceptions:
        exercise.misconception(sentence)(answer)
    return exercise


def verdict_on(answer, exercise=None, seed=1):
    return judge(exercise or exercise_of(), ask_here(answer, seed), seed)


def dot_product(answer, seed=1):
    return verdict_on(answer, find("DotProduct")[1], seed)


class TestOutcomes:
    def test_right(self):
        verdict = verdict_on(lambda v, f: f * v)
        assert (verdict.outcome, verdict.score, verdict.points, verdict.feedback) == (Outcome.PASSED, 1.75, 1.75, "")
        assert [(line.sentence, line.passed, line.score, line.points, line.feedback) for line in verdict.lines] == [
            ("Multiplies every value", True, 1, 1, ""),
            ("Takes no values at all", True, 0.5, 0.5, ""),
            ("Works for a single value", True, 0.25, 0.25, ""),
        ]

    def test_right_in_part(self):
        def fails_on_none(values, factor):
            if not len(values):
                raise ValueError("nothing to do")
            return values * factor

        verdict = verdict_on(fails_on_none)
        assert (verdict.outcome, verdict.score) == (Outcome.PARTIAL, 1.25)
        assert [line.passed for line in verdict.lines] == [True, False, True]
        assert verdict.feedback == "Your `scaled` stopped with ValueError: nothing to do."

    def test_wrong(self):
        verdict = verdict_on(lambda v, f: [])
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert all(line.feedback for line in verdict.lines)

    def test_full_marks_are_the_exercises_points(self):
        exercise = Exercise(reference=scaled)
        for _ in range(3):
            exercise.check(points=0.1)(judge_of_one)
        verdict = judge(exercise, ask_here(lambda *_: 1.0), 0)
        assert verdict.score == verdict.points == exercise.points == 0.3

    @pytest.mark.parametrize(
        "answer", [None, "scaled", sys, 3, scaled(torch.ones(1), 2), type, object(), [scaled], dict]
    )
    def test_what_is_no_function_fails_in_a_sentence(self, answer):
        verdict = verdict_on(answer)
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert verdict.feedback.startswith("Your `scaled` ")

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (None, "Your `DotProduct` is None, not a class"),
            ("DotProduct", "Your `DotProduct` is a str, not a class"),
            (sys, "Your `DotProduct` is a module, not a class"),
            (collabkit.DotProduct(7, 11, 5), "hand over the class itself, without calling it"),
        ],
    )
    def test_what_is_no_class_is_told_so_once(self, answer, sentence):
        verdict = dot_product(answer)
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert verdict.feedback.count(sentence) == 1


def judge_of_one(answer, given):
    """One"""
    return 1.0


def stub(*_):
    raise NotImplementedError


class StubbedClass(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        raise NotImplementedError

    def forward(self, x):
        raise NotImplementedError


class StubbedInit(collabkit.DotProduct):
    def __init__(self, n_users, n_movies, n_factors):
        raise NotImplementedError()


class StubbedForward(collabkit.DotProduct):
    def forward(self, x):
        raise NotImplementedError


class TestNotAttempted:
    @pytest.mark.parametrize("answer", [stub, ...])
    def test_a_stubbed_function(self, answer):
        assert verdict_on(answer) == not_attempted(exercise_of())

    def test_a_question_asks_for_a_letter_and_not_for_code(self):
        question = Question("why", "Why?", {"a": "So", "b": "Thus"}, right="a", why_not={"b": "No."})
        assert '"a", "b" in the place of the three dots' in not_attempted(question).feedback

    @pytest.mark.parametrize("answer", [StubbedClass, StubbedInit, StubbedForward, ...])
    def test_a_stubbed_class(self, answer):
        verdict = dot_product(answer)
        assert (verdict.outcome, verdict.score, verdict.points) == (Outcome.NOT_ATTEMPTED, 0, 3.5)
        assert "replace the stub of `DotProduct`" in verdict.feedback
        assert len(verdict.lines) == 5
        assert not any(line.passed or line.feedback for line in verdict.lines)

    def test_an_unanswered_question(self):
        assert verdict_on(..., find("model_call")[1]).outcome is Outcome.NOT_ATTEMPTED

    def test_a_stub_behind_a_finished_part_is_an_attempt(self):
        def half(values, factor):
            if len(values) < 2:
                raise NotImplementedError
            return values * factor

        verdict = verdict_on(half)
        assert (verdict.outcome, verdict.score) == (Outcome.PARTIAL, 1)
        assert verdict.feedback == "Your `scaled` still holds a `raise NotImplementedError`: write that part too."

    def test_a_module_without_forward_is_told_what_is_missing(self):
        class Typo(collabkit.DotProduct):
            forward = nn.Module.forward

            def foward(self, x):
                return x

        verdict = dot_product(Typo)
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert verdict.feedback.count("has no `forward`: define `def forward(self, x):`") == 1

    def test_an_attempt_that_pytorch_cannot_run_on_meta_is_an_attempt(self):
        class AllWrong(collabkit.DotProduct):
            def forward(self, x):
                return torch.tensor([self.user_factors.weight.sum().item()])

        verdict = dot_product(AllWrong)
        assert verdict.score == 0
        assert "`.item()`" in verdict.lines[-1].feedback, "PyTorch raises a NotImplementedError of its own here"
        assert verdict.outcome is Outcome.FAILED

    def test_returning_nothing_is_an_attempt(self):
        verdict = verdict_on(lambda v, f: None)
        assert verdict.outcome is Outcome.FAILED
        assert "is a `return` missing?" in verdict.feedback


# ---- misconceptions


def adds(values, factor):
    return values + factor


def adds_and_insists(values, factor):
    if not len(values):
        raise ValueError(f"no {factor}")
    return values + factor


def adds_to_all_but_none(values, factor):
    return (values + factor) if len(values) != 1 else values * factor


ADDS, INSISTS, DIVIDES = "You added.", "You added, and insist.", "You divided."
KNOWN = [(DIVIDES, lambda v, f: v / f), (ADDS, adds), (INSISTS, adds_and_insists)]


class TestMisconceptions:
    @pytest.mark.parametrize(("answer", "sentence"), [(adds, ADDS), (adds_and_insists, INSISTS), KNOWN[0][::-1]])
    def test_is_named_alone_where_it_agrees_most(self, answer, sentence):
        for order in (KNOWN, KNOWN[::-1]):
            verdict = verdict_on(answer, exercise_of(misconceptions=order))
            assert verdict.feedback == sentence

    def test_is_said_only_where_it_explains(self):
        verdict = verdict_on(adds_to_all_but_none, exercise_of(misconceptions=KNOWN))
        assert [line.feedback for line in verdict.lines] == [ADDS, "", ""]

    def test_a_mistake_that_nobody_knows_is_described(self):
        verdict = verdict_on(lambda v, f: v * f + 100, exercise_of(misconceptions=KNOWN))
        assert "each is 100 more than expected" in verdict.lines[0].feedback
        assert not any(sentence in verdict.feedback for sentence, _ in KNOWN)

    def test_two_mistakes_in_two_checks_are_both_told(self):
        def adds_and_divides(values, factor):
            return values / factor if len(values) == 1 else values + factor

        verdict = verdict_on(adds_and_divides, exercise_of(misconceptions=KNOWN))
        assert [line.feedback for line in verdict.lines] == [ADDS, "", DIVIDES]
        assert verdict.feedback == f"{ADDS} {DIVIDES}"

    def test_the_same_exception_is_the_same_mistake_whatever_the_names_in_it(self):
        def insists(values, factor):
            my_table = {}
            return my_table["other words"]

        def theirs(values, factor):
            return {}["anything"]

        exercise = exercise_of(misconceptions=[("You insist on keys.", insists)])
        assert verdict_on(theirs, exercise).feedback == "You insist on keys."

        def other_error(values, factor):
            raise KeyError(3)

        assert verdict_on(other_error, exercise).feedback == "Your `scaled` stopped with KeyError: there is no 3."

    def test_a_misconception_that_is_right_after_all_explains_nothing(self):
        exercise = exercise_of(misconceptions=[("But this is right.", lambda v, f: v * f)])
        assert "But" not in verdict_on(lambda v, f: v, exercise).feedback
        assert verdict_on(scaled, exercise).outcome is Outcome.PASSED

    def test_what_is_wrong_by_a_hair_is_not_a_misconception_that_is_right_by_a_hair(self):
        exercise = exercise_of(misconceptions=[("But this is right.", lambda v, f: v * f * 1.00008)])
        verdict = verdict_on(lambda v, f: v * f * 1.00016, exercise)
        assert verdict.outcome is Outcome.PARTIAL
        assert "But" not in verdict.feedback

    def test_a_right_answer_asks_no_misconception(self):
        def never(values, factor):
            raise AssertionError("asked")

        asked = []
        exercise = exercise_of(misconceptions=[("x", lambda v, f: asked.append(v))])
        verdict_on(scaled, exercise)
        assert asked == []

    def test_judgements_give_each_mistake_its_verdict(self):
        verdicts = {mistake.sentence: verdict for mistake, verdict in judgements(exercise_of(misconceptions=KNOWN), 1)}
        assert {sentence: verdict.feedback for sentence, verdict in verdicts.items()} == {
            sentence: sentence for sentence, _ in KNOWN
        }

    def test_a_wrong_choice_gets_its_reason(self):
        _, question = find("mse_broadcast")
        verdict = verdict_on("a", question)
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert "That is what was meant." in verdict.feedback
        assert verdict_on("C", question).outcome is Outcome.PASSED


# ---- nobody harms anybody


class TestHarm:
    def test_inputs_that_a_learner_changes_are_the_learners_own(self):
        def spoils(values, factor):
            result = values * factor
            values.zero_()
            return result

        seen = []

        def watches(values, factor):
            seen.append(values.clone())
            return values / factor

        verdict = verdict_on(spoils, exercise_of(misconceptions=[(DIVIDES, watches)]))
        assert verdict.outcome is Outcome.PASSED

        def spoils_and_fails(values, factor):
            values.zero_()
            return values

        verdict = verdict_on(spoils_and_fails, exercise_of(misconceptions=[(DIVIDES, watches)]))
        assert verdict.score == 0.5, "an empty tensor stays right"
        assert (seen[0] >= 1).all()

    def test_a_misconception_that_changes_its_inputs_harms_no_other(self):
        def spoils(values, factor):
            return values.zero_()

        exercise = exercise_of(misconceptions=[("You clear.", spoils), *KNOWN])
        assert verdict_on(adds, exercise).feedback == ADDS

    def test_observations_do_not_change_behind_the_judges_back(self):
        buffer = torch.zeros(4, dtype=torch.float64)

        def reuses(values, factor):
            return torch.mul(values, factor, out=buffer[: len(values)])

        assert verdict_on(reuses).outcome is Outcome.PASSED

    def test_generators_are_given_back(self):
        before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
        verdict_on(adds, exercise_of(misconceptions=KNOWN))
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002

    def test_gradients_turned_off_by_a_learner_stay_on_for_others(self):
        class TurnsOff(collabkit.DotProduct):
            def forward(self, x):
                torch.set_grad_enabled(False)
                return super().forward(x)

        verdict = dot_product(TurnsOff)
        assert torch.is_grad_enabled()
        assert [line.passed for line in verdict.lines] == [True, True, True, False, True]

    @pytest.mark.parametrize("leave", [sys.exit, exit, quit])
    def test_leaving_the_program_costs_the_checks_that_do_it_alone(self, leave):
        def leaves(values, factor):
            if not len(values):
                leave()
            return values * factor

        verdict = verdict_on(leaves)
        assert [line.passed for line in verdict.lines] == [True, False, True]
        assert "leave a function with `return`, not with `exit()`" in verdict.feedback

    def test_the_stop_button_stops(self):
        def stopped(values, factor):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verdict_on(stopped)


class TestSeeds:
    @pytest.mark.parametrize("answer", [adds, scaled, lambda v, f: v * f + torch.rand(1)])
    def test_same_seed_same_verdict(self, answer):
        exercise = exercise_of(misconceptions=KNOWN)
        assert verdict_on(answer, exercise, seed=7) == verdict_on(answer, exercise, seed=7)

    def test_another_seed_draws_other_inputs(self):
        first, second = (verdict_on(lambda v, f: v, seed=seed).feedback for seed in (1, 2))
        assert first != second

    def test_an_answer_learnt_by_heart_fails_with_another_seed(self):
        exercise = exercise_of()
        given = exercise.draw(np.random.default_rng(1))
        by_heart = given.values * given.factor
        learnt = lambda v, f: by_heart[: len(v)].clone()  # noqa: E731
        assert verdict_on(learnt, seed=1).outcome is Outcome.PASSED
        assert verdict_on(learnt, seed=2).outcome is not Outcome.PASSED

    def test_answers_that_draw_numbers_draw_the_same(self):
        def draws(values, factor):
            return torch.rand(len(values), dtype=torch.float64)

        assert verdict_on(draws, exercise_of(reference=draws)).outcome is Outcome.PASSED


# ---- what the judge makes of an observation


class TestLook:
    """A question brings back what the answer gives; the judge draws the conclusions."""

    def exercise(self):
        exercise = Exercise(reference=scaled, name="scaled", draw=lambda rng: rng.uniform(1, 2, 3))

        def is_sorted(came, given):
            if len(came.values) != len(given):
                raise CannotAsk(f"gave {len(came.values)} numbers, expected {len(given)}")
            return bool((np.diff(came.values) >= 0).all())

        @exercise.check(points=1, look=is_sorted)
        def in_order(answer, given):
            """Gives the numbers in ascending order"""
            return answer(given, 1)

        exercise.reference = lambda values, factor: np.sort(values)
        exercise.misconception("You turned them round.")(lambda values, factor: np.sort(values)[::-1])
        return exercise

    def test_what_is_seen_is_compared(self):
        assert verdict_on(lambda v, f: np.sort(v) + 1, self.exercise()).passed
        assert verdict_on(lambda v, f: -np.sort(v), self.exercise()).feedback == "You turned them round."

    def test_a_reason_not_to_look_is_a_sentence(self):
        verdict = verdict_on(lambda v, f: v[:2], self.exercise())
        assert verdict.feedback == "Your `scaled` gave 2 numbers, expected 3."

    @pytest.mark.parametrize("came", [None, 3, "text", [[]], {"a": 1}, object()])
    def test_what_cannot_be_looked_at_is_told_as_it_came(self, came):
        verdict = verdict_on(lambda v, f: came, self.exercise())
        assert verdict.outcome is Outcome.FAILED
        assert verdict.feedback.startswith("Your `scaled` gave ")

    def test_an_exception_is_not_looked_at(self):
        assert "stopped with ZeroDivisionError" in verdict_on(lambda v, f: 1 / 0, self.exercise()).feedback


class TestForm:
    """Anybody can give a shape without an answer: it counts beside something of substance."""

    def exercise(self):
        exercise = Exercise(
            reference=scaled, name="scaled", draw=lambda rng: Given(torch.from_numpy(rng.random(3)), 2.0)
        )

        @exercise.check(points=0.5, form=True)
        def shape(answer, given):
            """Keeps the shape"""
            return list(answer(given.values, given.factor).shape)

        @exercise.check(points=1)
        def values(answer, given):
            """Scales"""
            return answer(given.values, given.factor)

        return exercise

    def test_alone_it_earns_nothing_and_says_so(self):
        verdict = verdict_on(lambda v, f: torch.zeros(3), self.exercise())
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert [(line.passed, line.score) for line in verdict.lines] == [(True, 0), (False, 0)]
        assert verdict.lines[0].feedback == FORM_ALONE
        assert FORM_ALONE not in verdict.feedback

    def test_beside_substance_it_counts(self):
        assert verdict_on(scaled, self.exercise()).score == 1.5


class FinishedVersion(Exception):
    """As it is raised in a child by what is locked away there."""


class TestFinishedVersions:
    def test_earn_nothing_for_the_whole_exercise(self):
        def mixed(values, factor):
            if len(values) == 1:
                raise FinishedVersion("this is collabkit's own scaled")
            return values * factor

        verdict = verdict_on(mixed)
        assert (verdict.outcome, verdict.score, verdict.points) == (Outcome.FAILED, 0, 1.75)
        assert verdict.feedback == "This is collabkit's own scaled: write your own."
        assert not any(line.passed or line.score for line in verdict.lines)


class TestThreads:
    def test_two_that_judge_at_once_judge_as_one_alone(self):
        """Our own answers are asked one at a time: they share the global generators."""

        def draws(values, factor):
            time.sleep(0.001)
            first = torch.rand(1)
            time.sleep(0.001)
            return values * first * torch.rand(1)

        def observed(seed):
            question, given = exercise.checks[0].question, exercise.draw(np.random.default_rng(seed))
            return ask(question, draws, given, asking_seed(seed))

        exercise = exercise_of(reference=draws)
        wanted = {seed: observed(seed) for seed in range(20)}
        outcomes = {}

        def judge_some(seeds):
            for seed in seeds:
                outcomes[seed] = judging._ours(exercise, seed).expected(exercise.checks[0])

        threads = [threading.Thread(target=judge_some, args=(range(start, 20, 4),)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(equal(wanted[seed], outcomes[seed]) for seed in range(20))

    def test_our_own_answers_are_asked_once_for_a_seed(self):
        asked = []

        def counted(values, factor):
            asked.append(len(values))
            return values * factor

        exercise = exercise_of(reference=counted)
        for _ in range(3):
            assert verdict_on(scaled, exercise, seed=5).passed
        assert len(asked) == 3, "once for each check"
        verdict_on(scaled, exercise, seed=6)
        assert len(asked) == 6


# ---- silence


class TestSilence:
    def test_our_own_answers_are_not_heard(self, capfd, caplog):
        def loud(how):
            def answer(values, factor):
                print("stdout")
                print("stderr", file=sys.stderr)
                warnings.warn("a warning", stacklevel=1)
                logging.getLogger("loud").error("logged")
                return how(values, factor)

            return answer

        exercise = exercise_of(loud(scaled), [(ADDS, loud(adds))])
        draw = exercise.draw

        def loud_draw(rng):
            print("drawn")
            warnings.warn("drawn", stacklevel=1)
            return draw(rng)

        exercise.given(loud_draw)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert verdict_on(adds, exercise).feedback == ADDS
        assert capfd.readouterr() == ("", "")
        assert warned == []
        assert caplog.records == []
        assert logging.root.manager.disable == 0

    def test_the_learners_own_are(self, capsys):
        def loud(values, factor):
            print("mine")
            return values * factor

        verdict_on(loud)
        assert capsys.readouterr().out == "mine\n" * 3


# ---- an exercise that is broken itself


class TestBrokenExercises:
    def test_no_checks(self):
        with pytest.raises(ValueError, match="scaled has no checks"):
            judge(Exercise(reference=scaled), ask_here(scaled), 0)

    def test_a_question_that_the_reference_cannot_answer(self):
        exercise = Exercise(reference=scaled)

        @exercise.check(points=1)
        def impossible(answer, given):
            """Does the impossible"""
            raise CannotAsk("is no class")

        with pytest.raises(ValueError, match=r"scaled, 'Does the impossible': the reference is no class"):
            judge(exercise, ask_here(scaled), 0)

    @pytest.mark.parametrize("value", [{1, 2}, [1, {"a": {2}}]])
    def test_an_observation_that_nothing_compares(self, value):
        exercise = Exercise(reference=scaled)

        @exercise.check(points=1)
        def opaque(answer, given):
            """Gives a set"""
            return value

        with pytest.raises(ValueError, match="observe plain data, not an object of type set"):
            judge(exercise, ask_here(scaled), 0)


# ---- devices


class TestElsewhere:
    def test_this_machine_names_its_accelerators(self):
        assert ("cuda" in accelerators()) is torch.cuda.is_available()

    @pytest.fixture
    def elsewhere(self, monkeypatch):
        monkeypatch.setattr(judging, "accelerators", lambda: ["meta"])

    def test_right_on_the_cpu_and_elsewhere(self, elsewhere):
        assert verdict_on(shape_only, exercise_of(reference=shape_only)).outcome is Outcome.PASSED
        assert verdict_on(scaled).outcome is Outcome.PASSED, "where no values are known, none are compared"

    def test_right_on_the_cpu_alone_loses_the_check(self, elsewhere):
        def cpu_only(values, factor):
            return shape_only(values + torch.zeros(len(values)), factor)

        verdict = verdict_on(cpu_only, exercise_of(reference=shape_only))
        assert verdict.score == 0
        assert verdict.feedback.startswith("On meta your `scaled` stopped with RuntimeError")

    def test_the_reference_stays_silent_there_too(self, elsewhere, capsys):
        def loud(values, factor):
            print("stdout")
            return shape_only(values, factor)

        verdict_on(shape_only, exercise_of(reference=loud))
        assert capsys.readouterr().out == ""


def shape_only(values, factor):
    return [(values * factor).shape[0] * 1.0] if len(values) == 1 else (values * factor).shape


class TestAskLearner:
    def test_may_live_anywhere(self):
        """The judge takes observations from whoever gives them: here, one that only ever says what it was asked."""
        asked = []

        def ask_learner(question, given):
            asked.append((question.__name__, len(given.values)))
            return Raised("NotImplementedError", "")

        assert judge(exercise_of(), ask_learner, 1).outcome is Outcome.NOT_ATTEMPTED
        assert asked == [("multiplies", 4), ("takes_none", 4), ("adds_up", 4)]

    def test_feedback_is_printable_and_ends_like_a_sentence(self):
        def odd(question, given):
            return Raised("ValueError", "a\x00b\ud800")

        feedback = judge(exercise_of(), odd, 1).feedback
        assert feedback == "Your `scaled` stopped with ValueError: a b ."
        assert feedback.encode("utf-8")

    @pytest.mark.parametrize("ending", ["now!", "why?", "so.", "cut…"])
    def test_a_sentence_that_ends_is_left_alone(self, ending):
        feedback = judge(exercise_of(), lambda question, given: Raised("ValueError", ending), 1).feedback
        assert feedback == f"Your `scaled` stopped with ValueError: {ending}"


def test_a_question_of_ones_own_is_judged_like_any_exercise():
    question = Question("colour", "Sky?", {"a": "Blue.", "b": "Green."}, "a", {"b": "That is grass."}, points=2)
    assert verdict_on("(A)", question).score == 2
    assert verdict_on("b", question).feedback == "“b” is not it. That is grass."
    assert verdict_on("z", question).feedback == (
        'Your `colour` is \'z\': answer with one of the letters "a", "b", in quotes.'
    )


# ---- what is measured, and what only the judge knows


def exercise_that_measures():
    """Guess four numbers: they stay with the judge, and one question is asked for two checks."""
    exercise = Exercise(reference=lambda n: [1.0, 2.0, 3.0, 4.0], name="guess")
    exercise.draw = lambda rng: {"n": 4, "wanted": Withheld(np.array([1.0, 2.0, 3.0, 4.0]))}

    def guessed(answer, given):
        """Comes near"""
        return list(answer(given["n"]))

    def error(came, given):
        return float(np.abs(np.array(came) - given["wanted"].value).max())

    exercise.check(points=1, look=lambda came, given: error(came, given) < 1)(guessed)
    exercise.check(points=1, look=lambda came, given: error(came, given) < 0.1, sentence="Is exact")(guessed)
    exercise.measured_by(guessed)(lambda came, given: Measured("error", error(came, given), {"zeros": 4.0}))
    return exercise


def test_what_is_measured_stands_beside_the_mark():
    verdict = judge(exercise_that_measures(), ask_here(lambda n: [1.0, 2.0, 3.5, 4.0]), 0)
    assert (verdict.outcome, verdict.score) == (Outcome.PARTIAL, 1)
    assert [line.sentence for line in verdict.lines] == ["Comes near", "Is exact"]
    assert verdict.measured == Measured("error", 0.5, {"zeros": 4.0})


def test_a_question_that_checks_share_is_asked_once():
    asked = []
    judge(exercise_that_measures(), lambda question, given: asked.append(question) or [1.0, 2.0, 3.0, 4.0], 0)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "came", [[float("nan")] * 4, [float("inf")] * 4, [1.0, 2.0], "x", None, {"a": 1}, Raised("ValueError", "no")]
)
def test_from_what_makes_no_sense_nothing_is_measured(came):
    verdict = judge(exercise_that_measures(), lambda question, given: came, 0)
    assert verdict.measured is None
    assert verdict.score == 0


def test_another_number_measured_is_the_same_verdict():
    one, other = (judge(exercise_that_measures(), ask_here(lambda n, e=e: [1, 2, 3, 4 + e]), 0) for e in (0.01, 0.02))
    assert one == other
    assert one.measured != other.measured


class TestAskedOnce:
    def test_the_reference_is_not_asked_again_on_the_same_inputs(self):
        asked = []

        def counted(values, factor):
            asked.append(len(values))
            return values * factor

        exercise = exercise_of()
        exercise.reference = counted
        judge(exercise, ask_here(scaled, 3), 3)
        known = list(asked)
        assert known
        judge(exercise, ask_here(scaled, 3), 3)
        assert asked == known

    def test_one_who_copies_is_asked_with_the_same_inputs_all_along(self):
        class Copying:
            copies = True

            def __init__(self):
                self.given = []

            def __call__(self, question, given):
                self.given.append(given)
                return ask_here(scaled, 3)(question, given)

        copying = Copying()
        assert judge(exercise_of(), copying, 3).passed
        assert len({id(given) for given in copying.given}) == 1 < len(copying.given)


def test_the_mistake_that_explains_everything_is_found_before_others_are_asked():
    """One that agrees with the learner in all checks cannot be outdone, so those behind it are not asked."""
    asked = []

    def forgets_the_factor(values, factor):
        return values

    def never_asked(values, factor):
        asked.append(factor)
        return values + 1

    exercise = exercise_of(
        misconceptions=[("You forgot the factor.", forgets_the_factor), ("You add one.", never_asked)]
    )
    assert "You forgot the factor." in verdict_on(forgets_the_factor, exercise).feedback
    assert asked == []
