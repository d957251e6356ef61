"""Lesson 07: parameters of one's own, an embedding made of them, the gradient of a lookup, and the model on top."""

from __future__ import annotations

import traceback

import numpy as np
import torch
from torch import Tensor, nn

from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk, World, built, gradients_of, on_meta, pairs, seeded, shape_of

# ---- create_params


def _create_params(size):
    return nn.Parameter(torch.zeros(*size).normal_(0, 0.01))


_create_params.__name__ = "create_params"

create_params = Exercise(
    reference=_create_params,
    hints=(
        "Two steps: make a tensor of this size full of small random numbers, then tell PyTorch that it is to be learned.",
        "`torch.zeros(*size).normal_(0, 0.01)` fills a tensor with normal numbers of mean 0 and standard deviation 0.01.",
        "Wrap that in `nn.Parameter(...)` as the very last thing, and return it.",
    ),
)


@create_params.given
def sizes(rng):
    """A size of two dimensions, large enough to measure its spread, and one of a single dimension."""
    return [int(rng.integers(300, 400)), int(rng.integers(40, 60))], [int(rng.integers(5, 9))]


@create_params.check(points=0.75)
def seen_by_a_module(create_params, given):
    """Makes something that a module it is kept in counts among its parameters, and that learns"""
    module = nn.Module()
    module.table = create_params(given[0])
    table = module.table
    if not isinstance(table, Tensor):
        came = "None: is a `return` missing?" if table is None else f"an object of type {type(table).__name__}"
        raise CannotAsk(f"should return a tensor that learns, an nn.Parameter, and gave {came}")
    kind = "an nn.Parameter" if isinstance(table, nn.Parameter) else "a plain tensor"
    if kind == "a plain tensor" and table.grad_fn is not None:
        kind = "the result of a computation"
    seen = sum(parameter.numel() for parameter in module.parameters())
    return {"it is": kind, "numbers that the module counts": seen, "it learns": table.requires_grad}


@create_params.check(points=0.25)
def size(create_params, given):
    """Has the size that it was asked for, with two dimensions and with one"""
    return [shape_of(create_params(list(each))) for each in given]


def start_seen(came, given) -> dict[str, str]:
    spread, mean = float(np.std(came)), float(np.mean(came))
    band = next(name for name, high in SPREADS.items() if spread < high)
    return {"standard deviation": band, "mean": "close to 0" if abs(mean) < 0.002 else f"{mean:.2g}"}


@create_params.check(points=0.5, look=start_seen)
def start(create_params, given):
    """Starts with random numbers around 0, with a standard deviation of 0.01"""
    return torch.as_tensor(create_params(given[0])).detach().double().flatten().tolist()


SPREADS = {  # upper ends; a normal that is cut off or wrapped at two deviations has .0088
    "0": 1e-6,
    "below 0.008": 0.008,
    "about 0.01": 0.012,
    "0.012 to 0.5": 0.5,
    "above 0.5": float("inf"),
}


@create_params.misconception(
    "This is a plain tensor, and PyTorch will never learn it: a module only counts what is an `nn.Parameter`. Wrap it."
)
def makes_a_plain_tensor(size):
    return torch.zeros(*size).normal_(0, 0.01)


@create_params.misconception(
    "With `requires_grad` a tensor gets a gradient, but it still does not stand among the parameters, so no optimiser ever "
    "moves it. Wrap it in `nn.Parameter`."
)
def asks_for_gradients_only(size):
    return torch.zeros(*size).normal_(0, 0.01).requires_grad_()


@create_params.misconception(
    "You computed with the `nn.Parameter`, and what comes out of a computation is a tensor again. Make the small numbers "
    "first, and wrap them last."
)
def computes_after_wrapping(size):
    return nn.Parameter(torch.zeros(*size).normal_(0, 1)) * 0.01


@create_params.misconception(
    "Your parameter is frozen: with `requires_grad=False` it gets no gradient. Leave that out."
)
def freezes_it(size):
    return nn.Parameter(torch.zeros(*size).normal_(0, 0.01), requires_grad=False)


@create_params.misconception(
    "Your numbers have a standard deviation of 1: a hundred times too large. The products of fifty such factors would start "
    "far outside all ratings. `normal_(0, 0.01)`"
)
def starts_too_large(size):
    return nn.Parameter(torch.randn(*size))


@create_params.misconception(
    "All your numbers start at 0. A factor's gradient is in proportion to the factor on the other side, so with zeros on both "
    "sides nothing ever moves. Fill them at random: `.normal_(0, 0.01)`."
)
def starts_at_zero(size):
    return nn.Parameter(torch.zeros(*size))


@create_params.misconception(
    "All your numbers are the same. Then all factors get the same gradient and stay the same for ever: fifty factors that "
    "know as much as one. Draw them at random."
)
def starts_all_alike(size):
    return nn.Parameter(torch.full(tuple(size), 0.01))


@create_params.misconception(
    "`torch.rand` draws between 0 and 1: all positive and large. Take normal numbers around 0: `normal_(0, 0.01)`."
)
def draws_between_zero_and_one(size):
    return nn.Parameter(torch.rand(*size))


@create_params.misconception(
    "You turned the size round. `create_params([n, k])` has n rows and k columns, in this order: `torch.zeros(*size)`."
)
def turns_the_size_round(size):
    return nn.Parameter(torch.zeros(*reversed(size)).normal_(0, 0.01))


@create_params.worked_example
def two_by_three():
    parameters = _create_params([2, 3])
    yield "numbers around 0, of the size (2, 3)", parameters
    yield "what PyTorch sees in them", type(parameters).__name__
    yield "whether they learn", parameters.requires_grad


# ---- Embedding


class _Embedding(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight[ids]


_Embedding.__name__ = "Embedding"

Embedding = Exercise(
    reference=_Embedding,
    elsewhere=("fastai.layers.Embedding",),
    hints=(
        "`__init__` makes one parameter with n rows and `width` columns, by your `create_params`, and keeps it on `self`.",
        "`forward` picks rows. A tensor is indexed with a tensor of ids in square brackets.",
        "`self.weight = create_params([n, width])` after `super().__init__()`, and `return self.weight[ids]`.",
    ),
)


class Lookup:
    """Six rows of nine numbers; ids in one and in two dimensions. More columns than rows, so that no axis can hide."""

    n, width = 6, 9

    def __init__(self, rng):
        self.ids = torch.from_numpy(rng.integers(0, self.n, 13))
        self.ids[0] = 0
        self.block = torch.from_numpy(rng.integers(0, self.n, (3, 4)))
        self.key = int(rng.integers(1 << 30))


@Embedding.given
def lookup(rng):
    return Lookup(rng)


LEANS = "leans on a finished embedding, and this time it is to be your own: keep an `nn.Parameter` on self and pick its rows"


def made(cls, *sizes):
    """An instance. A create_params that is still a stub is named, or the class would look like one."""
    try:
        return cls(*sizes)
    except NotImplementedError as error:
        if traceback.extract_tb(error.__traceback__)[-1].name == "create_params":
            raise CannotAsk("needs your `create_params`, which is still a stub: write that first") from error
        raise


def filled(cls, given: Lookup) -> tuple[nn.Module, nn.Parameter, bool]:
    """An embedding with known numbers, its one parameter, and whether it keeps its table on its side."""
    if not isinstance(cls, type):
        raise CannotAsk("is not a class: hand over the class itself, without calling it")
    module = made(cls, given.n, given.width)
    if not isinstance(module, nn.Module):
        raise CannotAsk("is not an nn.Module: write `class Embedding(nn.Module):`")
    if any(isinstance(part, nn.Embedding) for part in module.modules()):
        raise CannotAsk(LEANS)
    parameters = list(module.parameters())
    if not parameters:
        raise CannotAsk("has no parameters that PyTorch can see: keep what `create_params` returns on self")
    if len(parameters) > 1 or parameters[0].numel() != given.n * given.width:
        shapes = ", ".join(str(tuple(parameter.shape)) for parameter in parameters)
        raise CannotAsk(f"has parameters of shape {shapes}, expected one of ({given.n}, {given.width})")
    table = parameters[0]
    is_turned = tuple(table.shape) == (given.width, given.n)
    values = seeded((given.n, given.width), given.key)
    with torch.no_grad():
        table.copy_(values.T if is_turned else values.reshape(table.shape))
    return module, table, is_turned


@Embedding.check(points=0.75)
def rows_of_ids(cls, given):
    """Gives for each id the row of its table"""
    return filled(cls, given)[0](given.ids)


@Embedding.check(points=0.25)
def rows_of_a_block(cls, given):
    """Takes ids in any shape, and adds one dimension: (3, 4) becomes (3, 4, width)"""
    return filled(cls, given)[0](given.block)


@Embedding.check(points=0.5)
def gradient_of_the_table(cls, given):
    """Lets gradients flow back to the rows that were looked up"""
    module, table, is_turned = filled(cls, given)
    rows = module(given.ids)
    if not isinstance(rows, Tensor) or not rows.requires_grad:
        raise CannotAsk("gives rows that no gradient can flow back from: index the parameter itself")
    if len(rows) != len(given.ids):
        raise CannotAsk(f"gives {len(rows)} rows for {len(given.ids)} ids")
    (rows * torch.arange(1.0, len(rows) + 1).reshape(-1, *[1] * (rows.dim() - 1))).sum().backward()
    return table.grad.T if is_turned else table.grad.reshape(given.n, given.width)


@Embedding.check(points=0.25, form=True)
def any_device(cls, given):
    """Computes on whatever device its numbers and the ids are on"""
    rows = filled(cls, given)[0].to("meta")(given.ids.to("meta"))
    return {"device": str(getattr(rows, "device", "cpu")), "shape": shape_of(rows)}


@Embedding.misconception(
    "It works, since it leans on a finished embedding. This time build it yourself: one `nn.Parameter` from your "
    "`create_params`, and `self.weight[ids]`."
)
class WrapsAFinishedOne(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.table = nn.Embedding(n, width)

    def forward(self, ids):
        return self.table(ids)


@Embedding.misconception(
    "Nothing in your module is learned: the table is a plain tensor, or it is not kept on `self`. Write "
    "`self.weight = create_params([n, width])`."
)
class KeepsAPlainTensor(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = torch.zeros(n, width).normal_(0, 0.01).requires_grad_()

    def forward(self, ids):
        return self.weight[ids]


@Embedding.misconception(
    "You picked columns: `self.weight[:, ids]` takes all rows. A row is picked by the first index, `self.weight[ids]`."
)
class PicksColumns(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight[:, ids]


@Embedding.misconception(
    "You picked numbers of the table's `.data` (or detached them): they are the right ones, but no gradient finds its way back. "
    "Index the parameter itself."
)
class PicksFromTheData(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight.data[ids]


@Embedding.misconception(
    "You took one column of the ids. An embedding gets ids of one kind only; the model slices `x[:, 0]` before it calls."
)
class TakesAColumnItself(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight[ids[:, 0]]


@Embedding.misconception(
    "You counted from one. Ids start at 0, which is the row of `#na#`, and `ids - 1` gives everybody the row of their "
    "neighbour."
)
class CountsFromOne(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight[ids - 1]


@Embedding.misconception(
    "Parentheses call, and a parameter cannot be called. It is a tensor: pick its rows with square brackets, "
    "`self.weight[ids]`."
)
class CallsTheParameter(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n, width).normal_(0, 0.01))

    def forward(self, ids):
        return self.weight(ids)


@Embedding.worked_example
def three_rows():
    table = _Embedding(3, 2)
    with torch.no_grad():
        table.weight.copy_(torch.tensor([[0.1, 0.2], [1.0, 2.0], [5.0, 6.0]]))
    ids = torch.tensor([2, 0, 2])
    yield "a table of three rows, two wide", table.weight
    yield "ids", ids
    yield "the row of each id", table(ids)
    yield "the shape for ids of shape (2, 1)", tuple(table(ids[:2, None]).shape)


# ---- lookup_gradient


def _lookup_gradient(ids, upstream, n):
    return torch.zeros(n, upstream.shape[1]).index_add(0, ids, upstream)


_lookup_gradient.__name__ = "lookup_gradient"

lookup_gradient = Exercise(
    reference=_lookup_gradient,
    hints=(
        "Start with zeros of shape (n, width): a row that was not looked up had no influence. Then go through the ids, and "
        "give each its row of `upstream`.",
        "An id that comes twice had influence twice, so its rows *add up*. A loop with `grad[i] += row` does it.",
        "Without a loop: `torch.zeros(n, upstream.shape[1]).index_add(0, ids, upstream)`.",
    ),
)


class Arrived:
    """Gradients that arrive at rows looked up: once with ids that are all different, once with repetitions."""

    n, width = 7, 3

    def __init__(self, rng):
        self.once = torch.from_numpy(rng.permutation(self.n)[:5])
        self.often = torch.from_numpy(np.concatenate([rng.permutation(self.n - 1), rng.integers(0, self.n - 1, 7)]))
        self.upstream = torch.from_numpy(rng.normal(size=(13, self.width)).astype("float32"))


@lookup_gradient.given
def arrived(rng):
    return Arrived(rng)


@lookup_gradient.check(points=0.5)
def once_each(lookup_gradient, given):
    """Brings each gradient back to the row that was looked up, and leaves all other rows at zero"""
    return lookup_gradient(given.once, given.upstream[:5], given.n)


@lookup_gradient.check(points=0.75)
def some_often(lookup_gradient, given):
    """Adds up what comes back for an id that was looked up more than once"""
    return lookup_gradient(given.often, given.upstream, given.n)


@lookup_gradient.misconception(
    "For an id that comes several times, only its last gradient is left. `grad[ids] = ...` overwrites, and so does "
    "`grad[ids] += ...`, which reads all rows before it writes. They must add up: loop, or `index_add`."
)
def keeps_the_last(ids, upstream, n):
    gradient = torch.zeros(n, upstream.shape[1])
    for i, row in zip(ids.tolist(), upstream, strict=True):
        gradient[i] = row
    return gradient


@lookup_gradient.misconception(
    "You took the mean where an id comes several times. Each lookup had its own influence on the loss, and influences add "
    "up: the sum."
)
def averages_repetitions(ids, upstream, n):
    gradient = torch.zeros(n, upstream.shape[1]).index_add(0, ids, upstream)
    return gradient / torch.bincount(ids, minlength=n).clamp(min=1)[:, None]


@lookup_gradient.misconception(
    "You picked rows *of the gradients*. Here the way is back: row i of `upstream` goes *to* row `ids[i]` of the table."
)
def looks_up_again(ids, upstream, n):
    return upstream[ids.clamp(max=len(upstream) - 1)]


@lookup_gradient.misconception(
    "You only counted how often each id came. What goes back are the gradients of those lookups, added up."
)
def counts_lookups(ids, upstream, n):
    return torch.bincount(ids, minlength=n)[:, None].float().expand(n, upstream.shape[1])


@lookup_gradient.misconception(
    "You left out the rows that were not looked up. The gradient has the shape of the table, (n, width), with zeros there."
)
def leaves_rows_out(ids, upstream, n):
    places, which = ids.unique(return_inverse=True)
    return torch.zeros(len(places), upstream.shape[1]).index_add(0, which, upstream)


@lookup_gradient.worked_example
def one_id_twice():
    ids, upstream = torch.tensor([2, 0, 2]), torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    yield "the ids that were looked up in a table of four rows", ids
    yield "the gradient that comes back for each", upstream
    yield "the gradient of the table, where id 2 gets two of them, and 1 and 3 none", _lookup_gradient(ids, upstream, 4)


@lookup_gradient.misconception(
    "All zeros: `index_add` leaves its tensor as it was and returns a new one, which you dropped. Keep it, "
    "`grad = grad.index_add(...)`, or write `index_add_`, which changes the tensor itself."
)
def drops_the_result(ids, upstream, n):
    return torch.zeros(n, upstream.shape[1])


@lookup_gradient.misconception(
    "Row i of `upstream` went to row i of the table. It belongs to the row that was looked up: `grad[ids[i]]`."
)
def ignores_the_ids(ids, upstream, n):
    grad = torch.zeros(n, upstream.shape[1])
    for i, row in enumerate(upstream):
        grad[i] += row
    return grad


# ---- DotProductBias on one's own parameters


class _DotProductBias(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors, self.movie_factors = (
            _create_params([n_users, n_factors]),
            _create_params([n_movies, n_factors]),
        )
        self.user_bias, self.movie_bias = _create_params([n_users]), _create_params([n_movies])
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        rating = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = rating + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


_DotProductBias.__name__ = "DotProductBias"

DotProductBiasOwn = Exercise(
    reference=_DotProductBias,
    elsewhere=("fastai.collab.EmbeddingDotBias",),
    name="DotProductBias.own",
    hints=(
        "Take your model of lesson 5. Each table becomes a `create_params(...)`, and each lookup takes square brackets.",
        "A bias is one number for each user: `create_params([n_users])`, and `self.user_bias[x[:, 0]]` has shape (rows,). What "
        "does the sum over the factors have to look like, so that nothing broadcasts?",
        "`dot = (users * movies).sum(dim=1)` without `keepdim`, add both biases, then `sigmoid_range(..., *self.y_range)`.",
    ),
)


@DotProductBiasOwn.given
def small_world(rng):
    """7 users, 11 movies, 13 factors, 17 rows: no two sizes are equal, so a mixed-up axis cannot hide.

    In the first row, which one check asks for alone, both biases count and the sigmoid is not flat.
    """
    while True:
        world = World(n_users=7, n_movies=11, n_factors=13, batch=pairs(rng, 7, 11, rows=17))
        model, (user, movie) = built(_DotProductBias, world), world.batch[0].tolist()
        biases = model.user_bias.detach()[user], model.movie_bias.detach()[movie]
        score = model.user_factors.detach()[user] @ model.movie_factors.detach()[movie] + sum(biases)
        if score.abs() < 3 and min(map(abs, (*biases, sum(biases)))) > 0.1:
            return world


def own(cls, world: World):
    """The class, if it stands on its own feet: it is built once to see what it is made of."""
    if isinstance(cls, type):
        made(cls, world.n_users, world.n_movies, world.n_factors)
    model = built(cls, world)
    if any(isinstance(part, nn.Embedding) for part in model.modules()):
        raise CannotAsk(LEANS)
    return cls


@DotProductBiasOwn.check(points=1)
def same_predictions(cls, world):
    """Predicts as the model of lesson 5 does: factors, both biases, and the range at last"""
    return built(own(cls, world), world)(world.batch)


@DotProductBiasOwn.check(points=0.25)
def batch_of_one(cls, world):
    """Also takes a batch of a single row"""
    return built(own(cls, world), world)(world.batch[:1])


@DotProductBiasOwn.check(points=0.5)
def gradients(cls, world):
    """Lets gradients flow back to all four tables"""
    return gradients_of(own(cls, world), world)


@DotProductBiasOwn.check(points=0.25, form=True)
def on_any_device(cls, world):
    """Computes on whatever device the batch is on"""
    return on_meta(own(cls, world), world)


@DotProductBiasOwn.misconception(
    "This is the model of lesson 5: it leans on a finished embedding. Build the same on your own parameters, from "
    "`create_params`, or on your own `Embedding`."
)
class LeansOnFinishedEmbeddings(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.movie_bias = nn.Embedding(n_movies, 1)
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors(users) * self.movie_factors(movies)).sum(dim=1, keepdim=True)
        rating = (dot + self.user_bias(users) + self.movie_bias(movies)).squeeze(-1)
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "You kept the summed dimension, as in lesson 4: (rows, 1). But a bias that you index is of shape (rows,) now, and "
    "the two broadcast to (rows, rows) without an error. Drop `keepdim=True`."
)
class KeepsTheDimension(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1, keepdim=True)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "Your biases are tables of one column, so what you look up has shape (rows, 1), while the sum over the factors is "
    "(rows,): together they broadcast to (rows, rows). Make the biases vectors, `create_params([n])`."
)
class KeepsTheBiasTables(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users, 1).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies, 1).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "You kept the parentheses. They call a module; a parameter is a tensor, which is indexed: `self.user_factors[x[:, "
    "0]]`."
)
class CallsTheParameters(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors(users) * self.movie_factors(movies)).sum(dim=1)
        rating = dot + self.user_bias(users) + self.movie_bias(movies)
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "PyTorch sees no parameters in your model: they are plain tensors, or hidden in a Python list. Put what "
    "`create_params` returns on self, each under a name of its own."
)
class HidesItsParameters(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = torch.zeros(n_users, n_factors).normal_(0, 0.01)
        self.movie_factors = torch.zeros(n_movies, n_factors).normal_(0, 0.01)
        self.user_bias = torch.zeros(n_users).normal_(0, 0.01)
        self.movie_bias = torch.zeros(n_movies).normal_(0, 0.01)
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "Your factors are learned, but your biases are plain tensors and stay what they are. All four tables come from "
    "`create_params`."
)
class KeepsPlainBiases(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = torch.zeros(n_users)
        self.movie_bias = torch.zeros(n_movies)
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "You picked columns: `self.user_factors[:, ids]`. Users and movies are the *rows* of the tables: "
    "`self.user_factors[ids]`."
)
class TakesColumns(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[:, users] * self.movie_factors[:, movies]).sum(dim=1)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "You looked the movies up by the users' column. Column 0 holds the users, column 1 the movies: `x[:, 1]`."
)
class UsesUsersTwice(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 0]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = dot + self.user_bias[users] + self.movie_bias[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "The bias of the movies is missing from your prediction. Add both: `self.user_bias[...] + self.movie_bias[...]`."
)
class ForgetsTheMovieBias(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        rating = dot + self.user_bias[users]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.misconception(
    "Your predictions may be any number. As in lesson 5, bring them into `self.y_range` at last: "
    "`sigmoid_range(rating, *self.y_range)`."
)
class ForgetsTheRange(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        return dot + self.user_bias[users] + self.movie_bias[movies]


@DotProductBiasOwn.misconception(
    "You added the biases after the sigmoid, so the predictions leave the range. First add up everything, then squeeze."
)
class AddsBiasesAfterTheRange(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors[users] * self.movie_factors[movies]).sum(dim=1)
        low, high = self.y_range
        return torch.sigmoid(dot) * (high - low) + low + self.user_bias[users] + self.movie_bias[movies]


@DotProductBiasOwn.misconception(
    "The predictions are right, but cut off from the tables (`.data`, `.detach()`): nothing can be learned from them. "
    "Index the parameters themselves."
)
class CutsTheGraph(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.user_factors = nn.Parameter(torch.zeros(n_users, n_factors).normal_(0, 0.01))
        self.movie_factors = nn.Parameter(torch.zeros(n_movies, n_factors).normal_(0, 0.01))
        self.user_bias = nn.Parameter(torch.zeros(n_users).normal_(0, 0.01))
        self.movie_bias = nn.Parameter(torch.zeros(n_movies).normal_(0, 0.01))
        self.y_range = y_range

    def forward(self, x):
        users, movies = x[:, 0], x[:, 1]
        dot = (self.user_factors.data[users] * self.movie_factors.data[movies]).sum(dim=1)
        rating = dot + self.user_bias.data[users] + self.movie_bias.data[movies]
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@DotProductBiasOwn.worked_example
def one_row_of_a_batch():
    user, movie, user_bias, movie_bias = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), 0.4, 0.1
    low, high = 0.0, 5.5
    score = (user * movie).sum() + user_bias + movie_bias
    yield "one user's factors, and one film's", [user, movie]
    yield "their biases", [user_bias, movie_bias]
    yield "the dot product, both biases added", score
    yield "the same through a sigmoid, between 0 and 1", torch.sigmoid(score)
    yield f"stretched to the range from {low:g} to {high:g}", torch.sigmoid(score) * (high - low) + low


# ---- questions

plain_tensor = Question(
    "plain_tensor",
    prompt=(
        "In `__init__` of a module stands `self.scale = torch.ones(3, requires_grad=True)`, and `forward` multiplies by it. The "
        "optimiser gets `module.parameters()`. What does training do to `scale`?"
    ),
    choices={
        "a": "It is learned like any other weight, since `requires_grad=True`.",
        "b": "It gets a gradient at each `backward`, and no step ever changes it.",
        "c": "PyTorch raises an error: tensors must not stand on a module.",
        "d": "It gets no gradient, since it is no `nn.Parameter`.",
    },
    right="b",
    why_not={
        "a": "It would be, if the optimiser knew of it. But `parameters()` lists what is an `nn.Parameter`, and this is not.",
        "c": "An error would be kind. Any tensor may stand there, without a word.",
        "d": "Gradients go to every tensor with `requires_grad=True` that the loss depends on. Autograd does not ask what it is; "
        "only the module does.",
    },
    hints=(
        "Two things happen in training: gradients are computed, and an optimiser moves weights. Who decides about which?",
        "Look at the picture: the row of the tensor with `requires_grad`.",
    ),
)

brackets = Question(
    "brackets",
    prompt="`self.user_factors(ids)` became `self.user_factors[ids]`. Why did the brackets have to change?",
    choices={
        "a": "Parentheses look up a copy of the rows, square brackets the rows themselves.",
        "b": "Parentheses call a module, which runs its `forward`. A parameter is a tensor: it is indexed, not called.",
        "c": "Square brackets are the faster way to write the same thing; parentheses would work as well.",
        "d": "Square brackets keep the gradient, parentheses lose it.",
    },
    right="b",
    why_not={
        "a": "In both cases new rows are made, and in both the gradient finds its way back to the table.",
        "c": "They would not: `'Parameter' object is not callable`. Try it.",
        "d": "The embeddings of lessons 3 to 6 were called with parentheses, and they learned.",
    },
    hints=(
        "What kind of object was `self.user_factors` before, and what kind is it now?",
        "Before: an object of a class with `forward`. Now: what `create_params` returns.",
    ),
)

zero_start = Question(
    "zero_start",
    prompt="Both tables of a `DotProduct` start with zeros only. What does training do?",
    choices={
        "a": "It starts a bit slower, and ends as usual.",
        "b": "The users' factors move, the films' factors stay zero.",
        "c": "All factors get the same values, different from zero.",
        "d": "Nothing: every gradient is zero, and all stays as it is.",
    },
    right="d",
    why_not={
        "a": "The gradient of a user's factor is the error times the *film's* factor. With zeros there, no start is ever made.",
        "b": "By symmetry neither can begin: the users wait for the films, and the films for the users.",
        "c": "That is what happens when all start at the same value *other* than zero. From zero they do not get away.",
    },
    hints=(
        "The prediction is u · m. What is its derivative with respect to a factor of u?",
        "It is the factor of m on the other side. And that is zero.",
    ),
)
