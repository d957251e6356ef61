"""Questions to a child, observations back: what may be sent, and what is believed of what comes."""

import json
import pickle
import time

import numpy as np
import pandas as pd
import pytest
import torch

import collabkit
from autograde import observe, outside
from autograde.compare import equal
from autograde.exercise import Exercise, Withheld
from autograde.exercises import find
from autograde.kernel.warm import ChildDied, ChildTimedOut, Unusable
from autograde.observe import Other, Raised, ask, from_plain, record, to_plain
from autograde.outside import LOOPS, NOT_ASKED, UNREADABLE, AskChild, HoldsAnswers, NotThere, pickled

# ---- observations on their way

OBSERVED = [
    None,
    True,
    3,
    -(10**300),
    2.5,
    float("nan"),
    float("-inf"),
    "text",
    "ü\n\x00",
    [1, [2.0, [None, "x"]]],
    (1, 2),
    {"a": 1, "b": {"c": [1.5]}},
    torch.ones(2, 3),
    torch.zeros(0, 3),
    torch.tensor(3),
    torch.ones(2).bfloat16(),
    torch.ones(2, dtype=torch.complex64),
    torch.tensor([True]),
    torch.ones(2, device="meta"),
    torch.Size((2, 3)),
    np.ones((2, 2)),
    np.array(["a", "b"]),
    np.array(3.0),
    np.array("x"),
    np.array([[1, 2], [3]], dtype=object),
    np.array([[[1], [2]], [[3], [4]]], dtype=object),
    np.ones(3, dtype=">f8"),
    np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    pd.DataFrame({("a", "b"): [1]}),
    pd.DataFrame(),
    pd.Series([1.5, 2], index=["a", "b"]),
    Raised("ValueError", "no", "x = 1"),
    Other("Thing"),
    object(),
]


@pytest.mark.parametrize("value", OBSERVED, ids=lambda value: type(value).__name__)
def test_an_observation_comes_back_as_it_was(value):
    observation = record(value)
    plain, arrays = to_plain(observation)
    back = from_plain(json.loads(json.dumps(plain, allow_nan=False)), arrays)
    assert equal(observation, back)
    assert type(back) is type(observation)


def test_half_a_character_comes_back_as_a_question_mark():
    assert from_plain(*to_plain("a\ud800")) == "a?"


def test_a_number_of_a_million_digits_is_too_large():
    assert from_plain(*to_plain(1 << 4_000_000)) == Other("whole number that is too large")


def test_names_of_any_length_are_cut():
    kind = type("X" * 10_000 + "\n", (Exception,), {})
    plain, arrays = to_plain(ask(lambda answer, given: answer(), _raising(kind), None))
    assert len(from_plain(plain, arrays).type) <= 400


def _raising(kind):
    def raising():
        raise kind

    return raising


F32 = np.ones(2, dtype="float32")
DEEP = ["x"]
for _ in range(100):
    DEEP = [DEEP]

HOSTILE = {
    "a tuple": ((), []),
    "bytes": (b"x", []),
    "an object": (object(), []),
    "an unknown kind": ({"x": 1}, []),
    "an empty dict": ({}, []),
    "two kinds at once": ({"other": "x", "int": "0x1"}, []),
    "no hexadecimal number": ({"int": "pi"}, []),
    "a number without end": ({"int": "0x" + "f" * 200_000}, []),
    "a float by name": ({"float": "1e400"}, []),
    "a dict of no pairs": ({"dict": [["a"]]}, []),
    "a dict of lists": ({"dict": [[["a"], 1]]}, []),
    "a key twice": ({"dict": [["a", 1], ["a", 2]]}, []),
    "too deep": (DEEP, []),
    "too many": ([0] * 400_000, []),
    "an array without its array": ({"array": ["tensor", "float32", [2], 0]}, []),
    "an array with a negative number": ({"array": ["tensor", "float32", [2], -1]}, [F32]),
    "an array numbered True": ({"array": ["tensor", "float32", [2], True]}, [F32, F32]),
    "another shape": ({"array": ["tensor", "float32", [3], 0]}, [F32]),
    "a shape that would fit": ({"array": ["tensor", "float32", [1, 2], 0]}, [F32]),
    "a negative size": ({"array": ["tensor", "float32", [-1], None]}, []),
    "a size that is no number": ({"array": ["tensor", "float32", [True], None]}, []),
    "another dtype": ({"array": ["tensor", "float64", [2], 0]}, [F32]),
    "an unknown kind of array": ({"array": ["matrix", "float32", [2], 0]}, [F32]),
    "a kind that is no text": ({"array": [3, "float32", [2], 0]}, [F32]),
    "a dtype that is no text": ({"array": ["array", 3, [2], 0]}, [F32]),
    "an array of objects": ({"array": ["array", "object", [2], 0]}, [np.array([1, "x"], dtype=object)]),
    "a tensor of objects": ({"array": ["tensor", "float32", [2], [1, 2]]}, []),
    "objects called numbers": ({"array": ["array", "float64", [2], ["a", "b"]]}, []),
    "too few objects": ({"array": ["array", "object", [3], [1, 2]]}, []),
    "dates": ({"array": ["array", "datetime64[s]", [1], 0]}, [np.array(["2020-01-01"], dtype="M8[s]")]),
    "a table of other cells": ({"table": [[1, 2], ["a"], {"array": ["array", "float32", [2], 0]}]}, [F32]),
    "a table without cells": ({"table": [[1, 2], ["a"], 3]}, []),
    "a table of tensors": ({"table": [[1, 2], None, {"array": ["tensor", "float32", [2], 0]}]}, [F32]),
    "a table with odd columns": ({"table": [[1, 2], "ab", {"array": ["array", "float32", [2], 0]}]}, [F32]),
    "a long name": ({"raised": ["x" * 1000, "", ""]}, []),
    "a name that cannot be printed": ({"raised": ["\x1b[2J", "", ""]}, []),
    "half an exception": ({"raised": ["x", ""]}, []),
    "a type that is no text": ({"other": 3}, []),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_could_not_have_been_sent_is_a_value_error(case):
    with pytest.raises(ValueError):  # noqa: PT011  # which one does not matter
        from_plain(*HOSTILE[case])


# ---- what may be sent


def question(answer, given):
    """Asks"""
    return helper(answer(given))


def helper(value):
    return value


reference = Exercise(reference=helper, name="an exercise of this module").reference


def calls_the_reference(answer, given):
    return collabkit.rmse(answer, given)


def names_a_class(answer, given, kind=collabkit.DotProduct):
    return kind


def leads_to_an_exercise(answer, given):
    return find("DotProduct")


def test_a_question_goes_by_value():
    code = pickled(question, question)
    assert b"helper" in code
    assert pickle.loads(code)(lambda given: given + 1, 1) == 2


@pytest.mark.parametrize("leading", [calls_the_reference, names_a_class, leads_to_an_exercise])
def test_a_question_that_leads_to_an_answer_is_refused(leading):
    with pytest.raises(HoldsAnswers, match="which may hold an answer"):
        pickled(leading, leading)


@pytest.mark.parametrize(
    "given",
    [collabkit, collabkit.models, collabkit.DotProduct, [{"x": collabkit.rmse}], find("DotProduct")[1]],
    ids=["package", "module", "class", "nested", "exercise"],
)
def test_inputs_that_lead_to_an_answer_are_refused(given):
    with pytest.raises(HoldsAnswers):
        pickled(given, question)


def test_a_misconception_of_the_same_module_is_refused():
    exercise = find("predict_rating")[1]
    with pytest.raises(HoldsAnswers):
        pickled(exercise.misconceptions[0].answer, exercise.checks[0].question)


# ---- asking


class Child:
    """A child that answers as it is told to."""

    def __init__(self, replies):
        self.replies, self.seconds = list(replies), []

    def ask(self, expression, function, *arguments, seconds):
        self.seconds.append(seconds)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def asked(child, seconds=10.0):
    return AskChild(child, "answer", 1, seconds)


def test_what_is_no_observation_is_a_sentence_to_the_learner():
    child = Child([({"array": "x"}, []), Unusable("sent an answer that is none"), (3, [])])
    ask_child = asked(child)
    assert [ask_child(question, 1) for _ in range(3)] == [Raised("CannotAsk", UNREADABLE)] * 2 + [3]


def test_a_question_without_end_costs_the_seconds_of_those_behind_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slow(Child):
        def ask(self, *arguments, seconds):
            now[0] += min(seconds, 6.0)
            return super().ask(*arguments, seconds=seconds)

    child = Slow([(1, []), ChildTimedOut("slow", alive=True)])
    ask_child = asked(child)
    assert ask_child(question, 1) == 1
    assert not ask_child.timed_out
    assert ask_child(question, 1) == Raised("CannotAsk", LOOPS)
    assert ask_child.timed_out
    assert ask_child(question, 1) == Raised("CannotAsk", NOT_ASKED)
    assert child.seconds == [10.0, 4.0]


@pytest.mark.parametrize("end", [ChildTimedOut("deaf", alive=False), ChildDied("ended with exit code 1")])
def test_the_end_of_a_child_ends_the_questions(end):
    with pytest.raises(type(end)):
        asked(Child([end]))(question, 1)


def test_a_name_that_is_not_there_ends_the_questions():
    with pytest.raises(NotThere, match=r"^NameError: name 'f' is not defined$"):
        asked(Child([({"raised": ["NameError", "name 'f' is not\ndefined"]}, [])]))(question, 1)


def test_beside_a_learner_only_observe_is_imported_by_name():
    """What a child unpickles must be there: modules of ours by name are `autograde.observe` alone."""
    for name in ("DotProduct", "train", "model_call", "split"):
        for check in find(name)[1].checks:
            sent = pickled(check.question, check.question)
            assert b"autograde.exercise" not in sent
            assert b"autograde.judge" not in sent
    assert observe.answered.__module__ == "autograde.observe"
    assert outside.answered is observe.answered


def test_what_is_withheld_is_not_sent():
    secret = np.array([1.2345678901234567, 9.876543210987654])
    table = pd.DataFrame({"n": [1, 2], "secret": secret})
    given = {"shown": table.drop(columns="secret"), "kept": Withheld(table["secret"]), "also": Withheld(secret[::-1])}
    sent = pickled(given, question)
    for number in secret:
        assert np.float64(number).tobytes() not in sent
        assert np.float32(number).tobytes() not in sent
        assert repr(float(number)).encode() not in sent
    came = pickle.loads(sent)
    assert came["kept"] is came["also"] is None
    assert came["shown"].equals(given["shown"])
    assert "1.23" not in repr(given["kept"])


def test_the_same_inputs_are_pickled_once_and_other_ones_anew(monkeypatch):
    """A child gets its inputs as bytes, so all questions of an exercise may have the same."""
    times = []
    monkeypatch.setattr("autograde.outside.pickled", lambda value, asked: times.append(value) or b"")
    ask_child = asked(Child([(1, [])] * 4))
    first, second = object(), object()
    for given in (first, first, second, second):
        ask_child(question, given)
    assert [each for each in times if each in (first, second)] == [first, second]
