"""What questions are made of, asked about right and wrong implementations in many shapes."""

import collections
import datetime
import decimal
import enum
import fractions
import linecache
import random
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from autograde.observe import (
    MAX_ELEMENTS,
    MAX_ITEMS,
    Array,
    CannotAsk,
    Other,
    Raised,
    Table,
    World,
    ask,
    built,
    gradients_of,
    on_meta,
    pairs,
    record,
    seeded,
    shape_of,
    to_device,
)


@pytest.fixture
def world():
    return World(7, 11, 5, pairs(np.random.default_rng(1), 7, 11, rows=13))


# ---- one model, written in many ways


class Plain(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.movie_bias = nn.Embedding(n_movies, 1)

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors(users) * self.movie_factors(movies)).sum(dim=1)
        return dot + self.user_bias(users)[:, 0] + self.movie_bias(movies)[:, 0]


class OtherNamesAndOrder(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.b_film = nn.Parameter(torch.zeros(n_movies))  # (n,)
        self.a_film = nn.Parameter(torch.randn(n_movies, n_factors))
        self.z = nn.Parameter(torch.zeros(1, n_users))  # (1, n)
        self.y = nn.Embedding(n_users, n_factors)

    def forward(self, x):
        u, m = x.unbind(1)
        return torch.einsum("rk,rk->r", self.a_film[m], self.y(u)) + self.b_film[m] + self.z[0, u]


class OnTheirSide(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.tables = nn.ParameterList([torch.randn(n_factors, n_movies), torch.randn(n_factors, n_users)])
        self.biases = nn.ParameterList([torch.randn(n_users, 1), torch.randn(n_movies, 1, 1)])

    def forward(self, x):
        u, m = x.T
        dot = (self.tables[0][:, m] * self.tables[1][:, u]).sum(0)
        return dot + self.biases[0][u, 0] + self.biases[1][m, 0, 0]


WAYS = [Plain, OtherNamesAndOrder, OnTheirSide]


class TestWorld:
    def test_tells_four_roles_by_size(self, world):
        assert world.roles() == {
            35: ("user factors", (7, 5)),
            55: ("movie factors", (11, 5)),
            7: ("user bias", (7, 1)),
            11: ("movie bias", (11, 1)),
        }

    @pytest.mark.parametrize("sizes", [(7, 7, 5), (7, 11, 1), (2, 4, 2), (5, 11, 5), (7, 5, 5)])
    def test_refuses_sizes_in_which_a_mix_up_could_hide(self, sizes):
        with pytest.raises(ValueError, match="would not tell its role"):
            World(*sizes, batch=torch.zeros(1, 2, dtype=torch.long))

    def test_pairs_stay_in_their_ranges_and_use_them(self):
        batch = pairs(np.random.default_rng(0), 7, 11, rows=500)
        assert batch.shape == (500, 2)
        assert batch.dtype == torch.int64
        assert (batch.min(0).values.tolist(), batch.max(0).values.tolist()) == ([0, 0], [6, 10])

    def test_seeded_values_depend_on_size_and_key_alone(self):
        assert torch.equal(seeded((7, 5), 1), seeded((5, 7), 1).reshape(7, 5))
        assert not torch.equal(seeded((7, 5), 1), seeded((7, 5), 2))
        assert seeded((7, 5)).dtype == torch.float32
        values = seeded((100, 100))
        assert abs(values.mean()) < 0.05
        assert abs(values.std() - 1) < 0.05


class TestBuilt:
    @pytest.mark.parametrize("cls", WAYS[1:])
    def test_names_order_and_shapes_are_free(self, cls, world):
        torch.testing.assert_close(built(cls, world)(world.batch), built(Plain, world)(world.batch))

    def test_each_role_gets_its_own_values(self, world):
        model = built(Plain, world)
        assert torch.equal(model.user_factors.weight, seeded((7, 5), 0))
        assert torch.equal(model.movie_bias.weight, seeded((11, 1), 0))
        assert not torch.equal(built(Plain, world, seed=1).user_factors.weight, model.user_factors.weight)

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (lambda x: x, "is a function, not a class"),
            (nn.Linear(2, 1), "is a Linear, not a class: hand over the class itself, without calling it"),
            (None, "is None, not a class"),
            ("DotProduct", "is a str, not a class"),
            (sys, "is a module, not a class"),
        ],
    )
    def test_says_that_it_is_no_class(self, answer, sentence, world):
        with pytest.raises(CannotAsk, match=sentence):
            built(answer, world)

    def test_says_that_it_is_no_module(self, world):
        class Bare:
            def __init__(self, *sizes):
                pass

        with pytest.raises(CannotAsk, match=r"is not an nn\.Module: write"):
            built(Bare, world)

    def test_says_that_there_are_no_parameters(self, world):
        class Hidden(nn.Module):
            def __init__(self, n_users, n_movies, n_factors):
                super().__init__()
                self.factors = [nn.Embedding(n_users, n_factors), nn.Embedding(n_movies, n_factors)]

        with pytest.raises(CannotAsk, match="has no parameters that PyTorch can see: keep the factors in"):
            built(Hidden, world)

    def test_says_which_parameter_has_a_foreign_size(self, world):
        class OneTooMany(nn.Module):
            def __init__(self, n_users, n_movies, n_factors):
                super().__init__()
                self.users = nn.Embedding(n_users + 1, n_factors)

        with pytest.raises(CannotAsk) as error:
            built(OneTooMany, world)
        assert "`users.weight` of shape (8, 5)" in str(error.value)
        assert "neither 7 users nor 11 movies with 5 factors" in str(error.value)


class TestShapeOf:
    @pytest.mark.parametrize("value", [torch.zeros(3, 1), np.zeros((3, 1)), pd.DataFrame({"a": [1, 2, 3]})])
    def test_reads_tensors_arrays_and_tables(self, value):
        assert shape_of(value) == (3, 1)

    @pytest.mark.parametrize(("value", "came"), [([1], "a list"), (None, "None"), (2, "an int")])
    def test_says_what_came_instead(self, value, came):
        with pytest.raises(CannotAsk, match=f"gave {came}, expected a tensor"):
            shape_of(value)

    def test_is_recorded_as_a_shape(self):
        assert record(shape_of(torch.zeros(3, 1))) == Array("shape", "", (3, 1), None)


class TestGradientsOf:
    def test_agrees_with_gradients_by_hand(self, world):
        gradients = gradients_of(Plain, world)
        model = built(Plain, world)
        by_hand = torch.zeros(7, 5)
        for i, (user, movie) in enumerate(world.batch.tolist()):
            by_hand[user] += (i + 1) * model.movie_factors.weight[movie].detach()
        torch.testing.assert_close(gradients["gradient for the user factors"], by_hand)
        assert set(gradients) == {
            f"gradient for the {who} {what}" for who in ("user", "movie") for what in ("factors", "bias")
        }

    @pytest.mark.parametrize("cls", WAYS[1:])
    def test_is_the_same_however_tables_are_kept(self, cls, world):
        wanted, came = gradients_of(Plain, world), gradients_of(cls, world)
        assert set(wanted) == set(came)
        for role, gradient in wanted.items():
            torch.testing.assert_close(came[role], gradient)

    def test_rows_weigh_differently(self, world):
        class LastRowFirst(Plain):
            def forward(self, x):
                return super().forward(x).flip(0)

        role = "gradient for the user factors"
        assert not torch.allclose(gradients_of(LastRowFirst, world)[role], gradients_of(Plain, world)[role])

    @pytest.mark.parametrize("cut", [lambda p: p.detach(), lambda p: p.detach().numpy(), lambda p: p.tolist()])
    def test_says_that_predictions_are_cut_off(self, cut, world):
        class Cut(Plain):
            def forward(self, x):
                return cut(super().forward(x))

        with pytest.raises(CannotAsk, match="that no gradient can flow back from"):
            gradients_of(Cut, world)

    def test_a_table_that_gets_none_is_none(self, world):
        class HalfCut(Plain):
            def forward(self, x):
                users, movies = self.user_factors(x[:, 0]), self.movie_factors(x[:, 1]).detach()
                return (users * movies).sum(1) + self.user_bias(x[:, 0])[:, 0]

        gradients = gradients_of(HalfCut, world)
        assert gradients["gradient for the movie factors"] is None
        assert gradients["gradient for the movie bias"] is None
        assert gradients["gradient for the user factors"].any()

    def test_two_tables_of_one_role_count_as_one(self, world):
        class Twice(Plain):
            def __init__(self, n_users, n_movies, n_factors):
                super().__init__(n_users, n_movies, n_factors)
                self.unused = nn.Embedding(n_users, n_factors)  # behind the others, without a gradient
                self.more_bias = nn.Embedding(n_movies, 1)

            def forward(self, x):
                return super().forward(x) + self.more_bias(x[:, 1])[:, 0]

        wanted, came = gradients_of(Plain, world), gradients_of(Twice, world)
        torch.testing.assert_close(came["gradient for the user factors"], wanted["gradient for the user factors"])
        torch.testing.assert_close(came["gradient for the movie bias"], 2 * wanted["gradient for the movie bias"])

    def test_a_kept_dimension_does_not_mix_the_rows(self, world):
        class KeepsDimension(Plain):
            def forward(self, x):
                return super().forward(x)[:, None]

        role = "gradient for the movie factors"
        torch.testing.assert_close(gradients_of(KeepsDimension, world)[role], gradients_of(Plain, world)[role])

    @pytest.mark.parametrize("reduce", [lambda p: p.sum(), lambda p: p[:5]])
    def test_says_that_rows_are_missing(self, reduce, world):
        class TooFew(Plain):
            def forward(self, x):
                return reduce(super().forward(x))

        with pytest.raises(CannotAsk, match=r"predictions of shape \(5?,?\) for a batch of 13 rows"):
            gradients_of(TooFew, world)


class TestOnMeta:
    @pytest.mark.parametrize("cls", WAYS)
    def test_passes_what_runs_anywhere(self, cls, world):
        assert on_meta(cls, world) == {"device": "meta", "shape": (13,)}

    def test_finds_a_tensor_made_on_the_cpu(self, world):
        class MakesATensor(Plain):
            def forward(self, x):
                return super().forward(x) + torch.zeros(len(x))

        assert torch.isfinite(built(MakesATensor, world)(world.batch)).all(), "on the CPU it works"
        with pytest.raises(RuntimeError, match="device"):
            on_meta(MakesATensor, world)

    def test_finds_a_weight_that_is_not_registered(self, world):
        class Unregistered(Plain):
            def __init__(self, n_users, n_movies, n_factors):
                super().__init__(n_users, n_movies, n_factors)
                self.scale = torch.ones(n_users)

            def forward(self, x):
                return super().forward(x) * self.scale[x[:, 0]]

        with pytest.raises((RuntimeError, NotImplementedError), match=r"device|meta"):
            on_meta(Unregistered, world)

    def test_tells_predictions_that_are_computed_elsewhere(self, world):
        class OnTheCpu(Plain):
            def forward(self, x):
                return torch.zeros(len(x))

        assert on_meta(OnTheCpu, world)["device"] == "cpu"


def test_to_device_moves_what_is_inside(world):
    moved = to_device({"world": world, "list": [torch.zeros(2), 3], "pair": (torch.zeros(1), "x")}, "meta")
    assert moved["world"].batch.device.type == moved["list"][0].device.type == moved["pair"][0].device.type == "meta"
    assert (moved["list"][1], moved["pair"][1], moved["world"].n_users) == (3, "x", 7)
    assert to_device(World, "meta") is World, "a class is no instance to be rebuilt"


# ---- record


class Colour(enum.IntEnum):
    RED = 3


class Loud(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __str__(self):
        raise RuntimeError("never asked")


class TestRecord:
    @pytest.mark.parametrize("value", [None, True, 3, 2.5, "x", [], {}, [1, [2.0, None]], {"a": [1]}])
    def test_leaves_plain_data_alone(self, value):
        assert record(value) == value
        assert type(record(value)) is type(value)

    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (np.float32(2.5), 2.5),
            (np.float64(2.5), 2.5),
            (np.longdouble(2.5), 2.5),
            (np.int8(3), 3),
            (np.bool_(True), True),
            (np.str_("x"), "x"),
            (Colour.RED, 3),
            (fractions.Fraction(1, 2), 0.5),
            (decimal.Decimal("0.5"), 0.5),
            ((1, 2), [1, 2]),
            (range(3), [0, 1, 2]),
            (collections.OrderedDict(a=1), {"a": 1}),
            ({1: "x"}, {"1": "x"}),
            (datetime.date(2020, 1, 2), "2020-01-02"),
            (pd.Timestamp("2020-01-02"), "2020-01-02 00:00:00"),
            (np.datetime64("2020-01-02"), "2020-01-02 00:00:00"),
            (np.datetime64("2020-01-02", "ns"), "2020-01-02 00:00:00"),
            (pd.NaT, "NaT"),
            (datetime.timedelta(days=1), "1 day, 0:00:00"),
        ],
    )
    def test_makes_relatives_plain(self, value, plain):
        assert record(value) == plain
        assert type(record(value)) is type(plain)

    def test_a_text_of_the_learners_own_class_becomes_plain(self):
        plain = record(Loud("x"))
        assert type(plain) is str
        assert plain != "y"

    def test_gap_of_pandas_is_nan(self):
        assert np.isnan(record(pd.NA))

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            ({1}, "set"),
            (b"x", "bytes"),
            (1j, "complex"),
            (print, "builtin_function_or_method"),
            (World, "type"),
            (sys, "module"),
            ((i for i in ()), "generator"),
            (..., "ellipsis"),
            (nn.ReLU(), "ReLU"),
        ],
    )
    def test_names_the_type_of_all_else(self, value, name):
        assert record(value) == Other(name)

    def test_observations_pass_through(self):
        for value in (Raised("ValueError", "x"), Other("set"), Array("shape", "", (3,), None)):
            assert record([value])[0] is value

    def test_tensors(self):
        came = record(torch.tensor([[1.0, 2.0]], requires_grad=True) * 2)
        assert (came.kind, came.dtype, came.shape, came.values.tolist()) == ("tensor", "float32", (1, 2), [[2.0, 4.0]])

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int8, torch.bool, torch.complex64])
    def test_tensors_of_every_dtype(self, dtype):
        came = record(torch.ones(2).to(dtype))
        assert came.dtype == str(dtype).removeprefix("torch.")
        assert came.values.tolist() == [1, 1]

    @pytest.mark.parametrize(
        "tensor",
        [
            torch.eye(2).to_sparse(),
            torch.tensor([[1.0, 0], [0, 1]]).T,
            torch.complex(torch.zeros(2, 2), -torch.eye(2)).conj().imag,  # its negative bit is not resolved yet
        ],
    )
    def test_tensors_of_odd_layouts(self, tensor):
        assert record(tensor).values.tolist() == [[1, 0], [0, 1]]

    def test_meta_tensors_have_a_shape_and_no_values(self):
        assert record(torch.empty(3, 2, device="meta")) == Array("tensor", "float32", (3, 2), None)

    @pytest.mark.parametrize("make", [lambda t: t, lambda t: t.numpy(), lambda t: pd.Series(t.numpy(), copy=False)])
    def test_what_is_observed_stays_when_the_learner_goes_on(self, make):
        tensor = torch.zeros(3)
        came = record(make(tensor))
        tensor += 1
        values = came.values.values if isinstance(came, Table) else came.values
        assert values.tolist() == [0, 0, 0]

    def test_huge_tensors_are_not_copied(self):
        huge = torch.zeros(1).expand(MAX_ELEMENTS + 1)
        assert record(huge) == Array("tensor", "float32", (MAX_ELEMENTS + 1,), None)
        assert record(np.broadcast_to(0.0, MAX_ELEMENTS + 1)).values is None

    def test_text_arrays_of_all_kinds_are_alike(self):
        for array in (
            np.array(["a", "b"]),
            np.array(["a", "b"], object),
            np.array(["a", "b"], np.dtypes.StringDType()),
        ):
            came = record(array)
            assert came.values.dtype == object
            assert came.values.tolist() == ["a", "b"]

    def test_objects_in_arrays_become_plain(self):
        came = record(np.array([None, pd.NA, {1}, np.float32(2), torch.zeros(1)], object)).values
        assert came[0] is None
        assert np.isnan(came[1])
        assert came[2] == Other("set")
        assert type(came[3]) is float
        assert came[4].kind == "tensor"

    def test_tables(self):
        frame = pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan]}, index=["x", "y"])
        came = record(frame)
        assert (came.index, came.columns, came.values.dtype) == (["x", "y"], ["a", "b"], "float64")
        np.testing.assert_array_equal(came.values.values, [[1, 0.5], [2, np.nan]])
        series = record(frame["a"])
        assert (series.columns, series.index, series.values.values.tolist()) == (None, ["x", "y"], [1, 2])

    def test_nullable_numbers_are_numpys(self):
        frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [0.5, 1.0]})
        came = record(frame)
        assert came.values.dtype == "float64"
        np.testing.assert_array_equal(came.values.values, [[1, 0.5], [np.nan, 1]])
        assert record(frame["a"]).values.dtype == "float64"

    def test_labels_of_tables(self):
        index = pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])
        assert record(pd.Series([1, 2], index=index)).index == [[1, "a"], [2, "b"]]
        dated = pd.Series([1], index=pd.to_datetime(["2020-01-02"]))
        assert record(dated).index == ["2020-01-02 00:00:00"]

    @pytest.mark.parametrize("value", [pd.Index([1, 2]), pd.array([1, 2]), pd.RangeIndex(1, 3), pd.Categorical([1, 2])])
    def test_columns_of_pandas_are_arrays(self, value):
        came = record(value)
        assert (came.kind, came.values.tolist()) == ("array", [1, 2])

    def test_containers_beyond_all_answers_are_others(self):
        assert record([0] * MAX_ITEMS) == [0] * MAX_ITEMS
        assert isinstance(record([0] * (MAX_ITEMS + 1)), Other)
        assert isinstance(record({i: i for i in range(MAX_ITEMS + 1)}), Other)
        assert isinstance(record([[0] * (MAX_ITEMS // 2)] * 3), Other), "many long lists are longer than each"
        assert isinstance(record([np.full(MAX_ITEMS, "x", object)] * 2), Other)

    def test_endless_containers_end(self):
        endless = []
        endless.append(endless)
        assert record(endless) == Other("list that is too large or too deep")


# ---- ask


def call(answer, given):
    return answer(given)


class Rude(Exception):
    def __str__(self):
        raise RuntimeError("not telling")


class TestAsk:
    def test_records_what_the_question_returns(self):
        assert ask(call, lambda given: (given, 2), 1) == [1, 2]

    def test_records_an_exception(self):
        def stops(given):
            raise ValueError(f"no {given}\nsecond line")

        assert ask(call, stops, 3) == Raised("ValueError", "no 3")

    @pytest.mark.parametrize(
        ("error", "raised"),
        [
            (SystemExit(1), Raised("SystemExit", "1")),
            (GeneratorExit(), Raised("GeneratorExit", "")),
            (Rude(), Raised("Rude", "")),
            (ValueError("\n\n  late \n"), Raised("ValueError", "late")),
            (ValueError("a\x00b\ud800c\x1b"), Raised("ValueError", "a�b�c�")),
        ],
    )
    def test_every_exception_is_an_observation(self, error, raised):
        def stops(given):
            raise error

        assert ask(call, stops, None) == raised

    @pytest.mark.parametrize("leave", [sys.exit, exit])
    def test_leaving_the_program_is_an_observation(self, leave):
        assert ask(call, lambda given: leave(), None).type == "SystemExit"

    def test_an_exception_while_recording_is_an_observation(self):
        class Broken(dict):
            def items(self):
                raise OSError("gone")

        assert ask(call, lambda given: Broken(a=1), None) == Raised("OSError", "gone")

    def test_an_interrupt_is_none(self):
        def stopped(given):
            torch.rand(1)
            raise KeyboardInterrupt

        before = torch.get_rng_state()
        with pytest.raises(KeyboardInterrupt):
            ask(call, stopped, None)
        assert torch.equal(torch.get_rng_state(), before)

    def test_long_messages_are_cut(self):
        def stops(given):
            raise ValueError("x" * 1000)

        assert len(ask(call, stops, None).message) == 300

    def test_the_placeholder_of_a_lesson_counts_as_a_stub(self):
        assert ask(call, ..., None) == Raised("NotImplementedError", "")

    def test_answers_draw_the_same_numbers(self):
        def draws(given):
            return [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002

        first = ask(call, draws, None, seed=3)
        random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
        assert ask(call, draws, None, seed=3) == first
        assert len({*first, *ask(call, draws, None, seed=4)}) == 6

    @pytest.mark.parametrize("fails", [False, True])
    def test_global_state_is_given_back(self, fails):
        def meddles(given):
            random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
            torch.set_default_dtype(torch.float64)
            torch.set_grad_enabled(False)
            if fails:
                raise ValueError

        def state():
            generators = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
            return generators, torch.get_default_dtype(), torch.is_grad_enabled()

        before = state()
        ask(call, meddles, None)
        assert state() == before

    def test_gradients_flow_even_where_the_notebook_turned_them_off(self):
        with torch.no_grad():
            assert ask(call, lambda given: (torch.ones(1, requires_grad=True) * 2).requires_grad, None) is True

    def test_seeds_beyond_numpys_range(self):
        assert ask(call, lambda given: 1, None, seed=2**40) == 1


class TestLearnersLine:
    SOURCE = "def inner(x):\n    return x / 0  # here\n\ndef outer(x):\n    return helper(inner, x)\n"

    def run_cell(self, filename):
        linecache.cache[filename] = len(self.SOURCE), None, self.SOURCE.splitlines(keepends=True), filename
        names = {"helper": lambda function, x: function(x)}
        exec(compile(self.SOURCE, filename, "exec"), names)
        return ask(call, names["outer"], 1)

    @pytest.mark.parametrize(
        "filename",
        ["<ipython-input-1-abc>", "/tmp/ipykernel_123/456.py", "C:\\Users\\me\\Temp\\ipykernel_123\\456.py"],
    )
    def test_is_the_innermost_in_a_cell(self, filename):
        assert self.run_cell(filename) == Raised("ZeroDivisionError", "division by zero", "return x / 0  # here")

    @pytest.mark.parametrize("filename", ["/venv/site-packages/ipykernel/iostream.py", "/course/autograde/judge.py"])
    def test_is_empty_outside_of_cells(self, filename):
        assert self.run_cell(filename).line == ""

    def test_is_the_cells_own_even_where_a_library_fails(self):
        source = "def outer(x):\n    return torch.zeros(2) @ torch.zeros(3)\n"
        linecache.cache["<ipython-input-2-abc>"] = len(source), None, source.splitlines(keepends=True), "x"
        names = {"torch": torch}
        exec(compile(source, "<ipython-input-2-abc>", "exec"), names)
        assert ask(call, names["outer"], 1).line == "return torch.zeros(2) @ torch.zeros(3)"


def test_asking_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ask(call, lambda given: torch.eye(2), None).shape == (2, 2)
