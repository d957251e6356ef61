"""Differences in a learner's words: each kind by its exact sentence, and no pair of observations that breaks it."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch

from autograde.compare import compare, describe, equal
from autograde.observe import Array, Other, Raised, record

T = torch.tensor
CANNOT = Raised("CannotAsk", "is an int, not a class")
NAN, INF = math.nan, math.inf


def in_short(value):
    """A test's name; pytest itself cannot print a number of 5,000 digits."""
    return describe(record(value))[:40]


def differ(expected, got):
    return compare(record(expected), record(got))


# ---- the same answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2.5, np.float32(2.5)),
        (2.5, T(2.5)),
        (2.5, T(2.5, dtype=torch.float64)),
        (2.5, np.array(2.5)),
        (2, 2.0),
        (2, T(2)),
        (2, np.int8(2)),
        (True, np.bool_(True)),
        (True, T(True)),
        (NAN, T(NAN)),
        (NAN, np.float64(NAN)),
        (INF, T(INF)),
        ("a", np.array("a")),
        ([1, 2], (1, 2)),
        ([0, 1, 2], range(3)),
        (10**400, 10**400),
        (T([1.0, 2.0]), T([1.0, 2.0], requires_grad=True)),
        (T([1.0, NAN]), T([1.0, NAN])),
        (T([1e-6]), T([0.0])),
        (T([]), T([])),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
        (np.array([1, 2], np.int64), np.array([1, 2], np.int32)),
        (np.array([1.0], np.float64), np.array([1.0], np.float32)),
        (np.array(["a", "b"]), np.array(["a", "b"], object)),
        (np.array(["a", "b"]), np.array(["a", "b"], np.dtypes.StringDType())),
        (np.array(["a", None], object), np.array(["a", None], object)),
        (np.array([1.0, NAN], object), np.array([1.0, NAN], object)),
        (np.array(["2020-01-01"], "datetime64[D]"), np.array(["2020-01-01"], "datetime64[ns]")),
        (pd.Series(["a", None]), pd.Series(["a", None])),
        (pd.Series([1.0, NAN]), pd.Series([1, None], dtype="Int64").astype("Float64")),
        (pd.DataFrame({"a": [1.0, NAN]}), pd.DataFrame({"a": [1.0, NAN]}, dtype="float32")),
        (pd.DataFrame({"a": [1]}, index=pd.Index([NAN])), pd.DataFrame({"a": [1]}, index=pd.Index([NAN]))),
        ({"a": None}, {"a": None}),
        (torch.empty(3, device="meta"), torch.empty(3, device="meta")),
    ],
)
def test_the_same_answer_in_two_forms(one, other):
    assert differ(one, other) is None
    assert differ(other, one) is None


@pytest.mark.parametrize("kind", [float, T, lambda x: T([x]), lambda x: np.array([x]), lambda x: pd.Series([x])])
@pytest.mark.parametrize("value", [1.0, 1000.0, -3.0])
def test_floats_are_the_same_up_to_a_small_rest(value, kind):
    assert differ(kind(value), kind(value * 1.00005)) is None
    assert differ(kind(value), kind(value * 1.0003))
    assert differ(kind(0.0), kind(5e-6)) is None
    assert differ(kind(0.0), kind(5e-5))


# ---- differences, word by word


@pytest.mark.parametrize(
    ("expected", "got", "sentence"),
    [
        # numbers
        (2.5, 3.0, "gave 3, expected 2.5"),
        (2.5, T(3.0), "gave 3, expected 2.5"),
        (2.5, NAN, "gave NaN, expected 2.5"),
        (NAN, 2.5, "gave 2.5, expected NaN"),
        (1_000_001, 1_000_002, "gave 1000002, expected 1000001"),
        (1.0, 10**400, "gave a whole number of about 401 digits, expected 1"),
        (
            10**5000,
            10**5000 + 1,
            "gave a whole number of about 5001 digits, expected a whole number of about 5001 digits",
        ),
        # a bool is no number
        (1, True, "gave True, expected 1"),
        (True, 1, "gave 1, expected True"),
        (1.0, T(True), "gave tensor(True), expected 1"),
        (False, 0.0, "gave 0, expected False"),
        # texts
        ("abc", "abd", "gave 'abd', expected 'abc'"),
        ("x" * 90 + "a", "x" * 90 + "b", "gave a text that goes wrong at character 91: 'b', expected 'a'"),
        ("x" * 90, "x" * 91, "gave a text of 91 characters, expected 90"),
        # other kinds of things
        (2.5, None, "gave None, expected 2.5: is a `return` missing?"),
        (None, 2.5, "gave 2.5, expected None"),
        (2.5, "2.5", "gave '2.5', expected 2.5"),
        (2.5, [2.5], "gave [2.5], expected 2.5"),
        (2.5, T([2.5]), "gave tensor([2.5]), expected 2.5"),
        ([1, 2], {1}, "gave a set, expected [1, 2]"),
        ([1, 2], (i for i in [1, 2]), "gave a generator, expected [1, 2]"),
        (T([1, 2]), [1, 2], "gave [1, 2], expected tensor([1, 2])"),
        (T([1, 2]), np.array([1, 2]), "gave array([1, 2]), expected tensor([1, 2])"),
        (
            torch.zeros(9),
            pd.Series(range(9)),
            "gave a Series of 9 values, expected a tensor of shape (9,) and type float32",
        ),
        # shapes and dtypes
        (torch.zeros(13), torch.zeros(13, 1), "gave shape (13, 1), expected (13,)"),
        (torch.zeros(13).shape, torch.zeros(13, 1).shape, "gave shape (13, 1), expected (13,)"),
        (torch.zeros(2).shape, T([2]), "gave tensor([2]), expected shape (2,)"),
        (torch.zeros(2), torch.zeros(0), "gave shape (0,), expected (2,)"),
        (torch.zeros(2), torch.zeros(2).double(), "gave values of type float64, expected float32"),
        (torch.zeros(2), torch.zeros(2).bfloat16(), "gave values of type bfloat16, expected float32"),
        (np.zeros(2), np.zeros(2, int), "gave values of type int64, expected float64"),
        (np.zeros(2, int), np.zeros(2, bool), "gave values of type bool, expected int64"),
        (np.array(["a"]), np.array([1]), "gave values of type int64, expected text"),
        (
            torch.zeros(2),
            torch.zeros(2, device="meta"),
            "computed on another device than it was asked to",
        ),
        # values
        (T([1.0, 2.0]), T([1.0, 2.5]), "differs in 1 of 2 places: row 1 gave 2.5, expected 2"),
        (T([[1, 2], [3, 4]]), T([[1, 2], [3, 5]]), "differs in 1 of 4 places: row 1, column 1 gave 5, expected 4"),
        (
            torch.arange(8).reshape(2, 2, 2),
            torch.arange(8).reshape(2, 2, 2).clamp(max=6),
            "differs in 1 of 8 places: position (1, 1, 1) gave 6, expected 7",
        ),
        (T([[5.0]]), T([[6.0]]), "gave 6, expected 5"),
        (T([True, False]), T([True, True]), "differs in 1 of 2 places: row 1 gave True, expected False"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "differs in 1 of 2 places: row 1 gave 'c', expected 'b'"),
        (np.array([1j, 2]), np.array([1j, 3]), "differs in 1 of 2 places: row 1 gave (3+0j), expected (2+0j)"),
        (T(1j), T(2j), "gave 2j, expected 1j"),
        (
            T([1.0, 2.0, 3.0, 4.0, 9.0]),
            T([2.0, 4.0, 6.0, 8.0, 18.0]),
            "differs in 5 of 5 places: row 0 gave 2, expected 1; row 1 gave 4, expected 2; row 2 gave 6, expected 3; "
            "each is 2 times what is expected",
        ),
        (
            T([1, 2, 3, 4]),
            T([2, 3, 4, 5]),
            "differs in 4 of 4 places: row 0 gave 2, expected 1; row 1 gave 3, expected 2; row 2 gave 4, expected 3; "
            "each is 1 more than expected",
        ),
        (
            T([1.0, 2.0, 3.0, 4.0, 5.0]),
            T([2.0, 3.0, 4.0, 7.0, 5.0]),
            "differs in 4 of 5 places: row 0 gave 2, expected 1; row 1 gave 3, expected 2; row 2 gave 4, expected 3; "
            "the largest difference is 3",
        ),
        (
            T([1.0, 2.0, 3.0, 4.0]),
            T([0.0, 0.0, 0.0, 0.0]),
            "differs in 4 of 4 places: row 0 gave 0, expected 1; row 1 gave 0, expected 2; row 2 gave 0, expected 3; "
            "all are 0",
        ),
        (
            T([1.0, 2.0, 3.0, 4.0]),
            T([INF] * 4),
            "differs in 4 of 4 places: row 0 gave inf, expected 1; row 1 gave inf, expected 2; "
            "row 2 gave inf, expected 3",
        ),
        (T([1.0, 2.0, NAN]), T([NAN, 2.0, NAN]), "gave NaN in 1 of 3 places where a number belongs"),
        (T([1.0, NAN, NAN]), T([5.0, 0.0, 0.0]), "gave a number in 2 of 3 places that should stay empty (NaN)"),
        # lists
        ([1, 2, 3], [1, 2], "gave [1, 2], expected [1, 2, 3]"),
        (list(range(9)), list(range(8)), "gave 8 items, expected 9"),
        (list(range(9)), [], "gave 0 items, expected 9"),
        (list(range(9)), [7], "gave 1 item, expected 9"),
        ([1, 2, 3], [1, 2, 4], "gave 4, expected 3 at position 2"),
        ([1, None], [1, 2], "gave 2, expected None at position 1"),
        ([1, 2], [1, None], "gave None, expected 2 at position 1"),
        ([[1], [[2, 3]]], [[1], [[2, 4]]], "gave 4, expected 3 at position 1 of item 0 of item 1"),
        (["b", "a", 1], [1, "b", "a"], "has the right items in another order: gave 1, expected 'b' at position 0"),
        ([T([1, 2])], [T([1, 3])], "differs in 1 of 2 places: row 1 gave 3, expected 2 at position 0"),
        # dicts
        ({"a": 1, "b": 2}, {"a": 1}, "has no b"),
        (dict.fromkeys("abcde", 1), {}, "has no a, b, c and 2 more"),
        ({"a": 1}, {"a": 1, "b": 2}, "has b, which should not be there"),
        ({"a": 1}, {"a": 2}, "gave 2, expected 1 (a)"),
        (
            {"gradient for the user factors": torch.ones(2)},
            {"gradient for the user factors": None},
            "has no gradient for the user factors",
        ),
        ({"a": None}, {"a": 2}, "gave 2, expected None (a)"),
        ({"a": 1}, {}, "has no a"),
        ({}, {"a": 1}, "has a, which should not be there"),
        ([1], {"a": 1}, "gave a dict with the keys 'a', expected [1]"),
        ([1], {}, "gave an empty dict, expected [1]"),
        # tables
        (
            pd.DataFrame({"a": [1, 2]}),
            pd.DataFrame({"a": [1, 2, 3]}),
            "has other labels in its index than expected: 3 of them, not 2",
        ),
        (
            pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
            pd.DataFrame({"a": [1, 2]}, index=["x", "z"]),
            "has other labels in its index than expected: 'z' at position 1, not 'y'",
        ),
        (
            pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
            pd.DataFrame({"a": [2, 1]}, index=["y", "x"]),
            "has other labels in its index than expected: the right ones in another order",
        ),
        (
            pd.DataFrame({"a": [1], "b": [2]}),
            pd.DataFrame({"a": [1], "c": [2]}),
            "has other columns than expected: 'c' at position 1, not 'b'",
        ),
        (
            pd.DataFrame({"a": [1.0], "b": [2.0]}, index=[7]),
            pd.DataFrame({"a": [1.0], "b": [3.0]}, index=[7]),
            "differs in 1 of 2 places: row 7, column 'b' gave 3, expected 2",
        ),
        (
            pd.Series([1.0, 2.0], index=["x", "y"]),
            pd.Series([1.0, 3.0], index=["x", "y"]),
            "differs in 1 of 2 places: row 'y' gave 3, expected 2",
        ),
        (
            pd.DataFrame({"a": [1.0, NAN]}),
            pd.DataFrame({"a": [1.0, 0.0]}),
            "gave a number in 1 of 2 places that should stay empty (NaN)",
        ),
        (
            pd.DataFrame({"a": [1.0]}),
            pd.DataFrame({"a": [1]}),
            "gave values of type int64, expected float64",
        ),
        (
            pd.DataFrame({"a": [1.0]}),
            pd.Series([1.0], name="a"),
            "gave a Series of 1 values, expected a DataFrame of 1 rows and 1 columns",
        ),
        (pd.Series([1.0]), np.array([1.0]), "gave array([1]), expected a Series of 1 values"),
        # many or none, where the number is left to chance
        ({"rows in no part": "none"}, {"rows in no part": "some"}, "has rows in no part"),
        ({"a": 1, "rows left out": "some"}, {"a": 1, "rows left out": "none"}, "has no rows left out"),
        ({"the order": "none"}, {"the order": "shuffled"}, "gave 'shuffled', expected 'none' (the order)"),
        # exceptions
        (2.5, Raised("ValueError", "no luck"), "stopped with ValueError: no luck"),
        (
            2.5,
            Raised(
                "RuntimeError", "a leaf Variable that requires grad is being used in an in-place operation.", "p -= 1"
            ),
            "changes a parameter in place while PyTorch keeps track of gradients: put that into "
            "`with torch.no_grad():` (it stopped at `p -= 1`)",
        ),
        (
            2.5,
            Raised("TypeError", "unsupported operand type(s) for *: 'float' and 'NoneType'", "p -= lr * p.grad"),
            "finds no gradients at `p -= lr * p.grad`: they are None until `loss.backward()` has filled them",
        ),
        (
            2.5,
            Raised("TypeError", "unsupported operand type(s) for +: 'Tensor' and 'Embedding'", "dot + self.user_bias"),
            "computes with a whole table at `dot + self.user_bias`: call it with ids, which looks their rows up, "
            "`table(ids)`",
        ),
        # in the question, and not in a line of the learner's
        (
            2.5,
            Raised("AttributeError", "'NoneType' object has no attribute 'shape'"),
            "gave None: is a `return` missing?",
        ),
        (
            2.5,
            Raised("AttributeError", "'NoneType' object has no attribute 'shape'", "x.shape"),
            "stopped with AttributeError: 'NoneType' object has no attribute 'shape' at `x.shape`",
        ),
        (
            2.5,
            Raised("TypeError", "'float' object is not callable"),
            "is a float, and cannot be called: define it with `def` or `class`, and hand it over without calling it",
        ),
        (
            2.5,
            Raised("TypeError", "'NoneType' object is not callable"),
            "is None, and cannot be called: define it with `def` or `class`, and hand it over without calling it",
        ),
        (
            2.5,
            Raised("TypeError", "f() takes 1 positional argument but 2 were given"),
            "cannot be called as it should be (f() takes 1 positional argument but 2 were given): keep the arguments "
            "that stand in the exercise",
        ),
        (2.5, Raised("ValueError", "", "f(x)"), "stopped with ValueError at `f(x)`"),
        (2.5, Raised("KeyError", "'a'", "d['a']"), "stopped with KeyError: there is no 'a' at `d['a']`"),
        (Raised("KeyError", "'a'"), 2.5, "should stop with KeyError, but gave 2.5"),
        (Raised("KeyError", "'a'"), None, "should stop with KeyError, but gave None"),
        (Raised("KeyError", "'a'"), Raised("ValueError", "b"), "stopped with ValueError: b, expected KeyError"),
        (Raised("KeyError", "'a'"), Raised("KeyError", "'b'", "d['b']"), None),
        (2.5, CANNOT, "is an int, not a class"),
        (Raised("KeyError", ""), CANNOT, "is an int, not a class"),
        (CANNOT, Raised("CannotAsk", "gave a list"), "gave a list"),
        (2.5, Raised("SystemExit", "0"), "ended the whole program: leave a function with `return`, not with `exit()`"),
        (
            2.5,
            Raised("SystemExit", "0", "sys.exit(0)"),
            "ended the whole program: leave a function with `return`, not with `exit()` (it stopped at `sys.exit(0)`)",
        ),
        (2.5, Raised("RecursionError", "maximum recursion depth exceeded"), "calls itself without end"),
        (
            2.5,
            Raised("NotImplementedError", "", "raise NotImplementedError"),
            "still holds a `raise NotImplementedError` at `raise NotImplementedError`: write that part too",
        ),
        (
            2.5,
            Raised("NotImplementedError", "Cannot copy out of meta tensor; no data!"),
            "stopped with NotImplementedError: Cannot copy out of meta tensor; no data!",
        ),
    ],
    ids=in_short,
)
def test_says_what_differs(expected, got, sentence):
    assert differ(expected, got) == sentence


class NoForward(torch.nn.Module):
    pass


class NoSuper(torch.nn.Module):
    def __init__(self):
        self.layer = torch.nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("run", "help_"),
    [
        (lambda: NoForward()(1), "has no `forward`: define `def forward(self, x):`"),
        (NoSuper, "`super().__init__()` comes first in `__init__`"),
    ],
)
def test_pytorchs_own_messages_are_still_known(run, help_):
    with pytest.raises(Exception) as error:  # noqa: PT011
        run()
    assert help_ in compare(1, Raised(error.type.__name__, str(error.value)))


def test_a_pattern_holds_for_every_place_or_is_not_told():
    assert "times" not in differ(T([0.0, 1, 2, 3, 4]), T([5.0, 2, 4, 6, 8]))
    assert "times" not in differ(T([1.0, 2, 3, 4]), T([2.0, 4, 6, 9]))
    assert "more than" not in differ(T([1.0, 2, 3, 4]), T([2.0, 3, 4, 6]))


def test_deep_lists_are_told_in_short():
    assert describe([[[[[[1]]]]]]) == "[[[[…]]]]"
    assert describe([[1, [2]], []]) == "[[1, [2]], []]"


def test_too_many_places_are_counted_not_listed():
    sentence = differ(np.arange(1000), np.arange(1000) ** 2)
    assert sentence.startswith("differs in 998 of 1000 places: row 2 gave 4")
    assert len(sentence) < 200


def test_a_learners_long_words_are_cut():
    long = "x" * 100_000
    pairs = [
        (1, record([long] * 6)),
        (1, record({long: 1})),
        ({"a": 1}, record({"a": 1, long: 2})),
        ({"a": 1}, record({"a": 1} | {f"{i}{long}": 2 for i in range(9)})),
        (record(np.array(["a"])), record(np.array([long]))),
        ([["a"]], [[[[[[[long]]]]]]]),
        (1, record(np.zeros([1] * 30))),
    ]
    for expected, got in pairs:
        assert len(compare(expected, got)) < 400


# ---- no pair of observations breaks it

POOL = [
    *(None, True, False, 0, 1, -1, 2**70, 10**5000, -(10**400), 0.5, 1.0, NAN, INF, -INF, 1e308, -1e308, 5e-324),
    *("", "a", "nan", "x" * 200, "x" * 199 + "y", "\ud800\x00\n`<b>"),
    *([], [1], [1.0, NAN], [None], [[1], [2.0]], ["b", "a"], ["a", "b"], list(range(50)), [[[[[[1]]]]]]),
    *({}, {"a": 1}, {"a": None}, {"b": {"a": [1, T(1.0)]}}, {"a": T([1.0])}, {"x" * 500: "y" * 500}),
    *(T(1), T(1.0), T(True), T(NAN), T(1j), T([1]), T([1.0]), T([1.0, NAN]), T([True]), T([1e38, -1e38]) * 3),
    *(torch.zeros(0), torch.zeros(0, 3), torch.zeros(2, 3, 4), torch.ones(2, 3, 4), torch.empty(2, 3, device="meta")),
    *(T([1.0]).double(), T([1.0]).bfloat16(), T([2**62, -(2**62), 1, 2]), T([1, 2, 3, 4]), T([1.0, 2, 3, 4]).half()),
    *(np.array(1), np.array("a"), np.array(None), np.array([]), np.array([1e308, -1e308]), np.array([-1e308, 1e308])),
    *(
        np.array(["a", "b"]),
        np.array(["a", None], object),
        np.array([NAN, [1], {1}], object),
        np.array([1, "a"], object),
    ),
    *(np.array(["2020"], "datetime64[s]"), np.array(["NaT"], "datetime64[s]"), np.array([b"x"]), np.zeros(2, "i4,f4")),
    *(np.array([1, 2, 3, 4], np.uint8), np.array([255, 254, 253, 252], np.uint8), np.full(5, INF), np.full(5, NAN)),
    *(pd.Series([1.0, NAN]), pd.Series(["a", None]), pd.Series([], dtype=float), pd.Series([1, 2], index=["a", "a"])),
    *(pd.DataFrame(), pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [2.0]})),
    *(pd.DataFrame([[1]], pd.MultiIndex.from_tuples([(1, NAN)]), [NAN]), pd.Series([pd.NaT, pd.Timestamp(0)])),
    *(torch.Size([2]), torch.Size([]), {1, 2}, b"x", 1j, print, int),
    *(Raised("ValueError", "a"), Raised("ValueError", "b", "x"), Raised("CannotAsk", "no"), Raised("CannotAsk", "nay")),
    *(Raised("NotImplementedError", ""), Raised("", ""), Raised("SystemExit", "1"), Other("set"), Other("")),
    Array("array", "object", (10**7 + 1,), None),
]
OBSERVATIONS = [record(value) for value in POOL]


@pytest.mark.parametrize("observation", OBSERVATIONS, ids=in_short)
def test_everything_is_the_same_as_itself(observation):
    assert compare(observation, observation) is None


def test_everything_is_the_same_as_its_equal():
    again = [record(value) for value in POOL]
    for one, other in zip(OBSERVATIONS, again, strict=True):
        assert equal(one, other), one


def test_no_pair_raises_and_both_ways_agree():
    for one, other in itertools.combinations(OBSERVATIONS, 2):
        forth, back = compare(one, other), compare(other, one)
        assert (forth is None) == (back is None), (one, other, forth, back)
        for sentence in (forth, back):
            assert sentence is None or 0 < len(sentence) < 700, (one, other, sentence)


def test_only_what_is_meant_to_be_alike_is_alike():
    """The pool's pairs that count as one answer, by hand; everything else must differ."""
    alike = {frozenset(map(in_short, pair)) for pair in itertools.combinations(OBSERVATIONS, 2) if equal(*pair)}
    assert alike == {
        frozenset(pair)
        for pair in [
            ("0", "4.94066e-324"),
            ("1", "1"),  # 1 and 1.0
            ("1", "tensor(1)"),
            ("1", "array(1)"),
            ("tensor(1)", "tensor(1)"),  # whole and float
            ("tensor(1)", "array(1)"),
            ("True", "tensor(True)"),
            ("NaN", "tensor(NaN)"),
            ("'a'", "array('a')"),
            ("ValueError: a", "ValueError: b at `x`"),
            ("a set", "a set"),
        ]
    }


def test_no_sentence_says_that_it_gave_what_was_expected():
    for one, other in itertools.permutations(OBSERVATIONS, 2):
        sentence = compare(one, other)
        if sentence and sentence.startswith("gave ") and ", expected " in sentence:
            came, wanted = sentence.removeprefix("gave ").split(", expected ", 1)
            assert came != wanted, (one, other)


def test_describes_every_observation_briefly():
    for observation in OBSERVATIONS:
        assert 0 < len(describe(observation)) <= 200
