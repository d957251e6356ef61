"""Lesson 10: widths of embeddings, a network in place of the dot product, and five chances in place of one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from fastai.layers import Embedding
from torch import Tensor, nn
from torch.nn import functional as F

import collabkit
from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk, pairs, seeded, shape_of


def number(value: Any) -> float:
    if value is None:
        raise CannotAsk("gave nothing back: end with `return`")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise CannotAsk(f"gave a {type(value).__name__}, expected one number") from None


# ---- emb_sz_rule


def emb_sz_rule_(n):
    return min(600, round(1.6 * n**0.56))


emb_sz_rule = Exercise(
    reference=emb_sz_rule_,
    name="emb_sz_rule",
    elsewhere=("collabkit.functional.emb_sz_rule", "fastai.tabular.model.emb_sz_rule"),
    hints=(
        "The power binds tighter than the product in Python as on paper: `1.6 * n**0.56`.",
        "`round` gives the nearest whole number, `int` cuts off. And `min(600, ...)` is *at most 600*.",
        "`return min(600, round(1.6 * n**0.56))`",
    ),
)


@emb_sz_rule.given
def counts(rng):
    """Numbers of places whose width is rounded up and down, and some that are so large that the limit holds."""
    small = np.concatenate([rng.permutation(np.arange(30, 600))[:100], rng.permutation(np.arange(600, 5000))[:300]])
    exact = 1.6 * small**0.56
    up, down = (small[chosen].tolist() for chosen in (exact % 1 > 0.55, (exact % 1 > 0.05) & (exact % 1 < 0.45)))
    large = [int(n) for n in rng.integers(60_000, 2_000_000, 3)]
    return {"usual": [up[0], down[0], up[-1], down[-1]], "large": large}


@emb_sz_rule.check(points=0.5)
def usual_widths(answer, given):
    """Gives 1.6 · n to the power of 0.56, rounded to the nearest whole number"""
    return {f"width for {n} places": number(answer(n)) for n in given["usual"]}


@emb_sz_rule.check(points=0.25)
def at_most_600(answer, given):
    """Gives 600 where that would be more"""
    return {f"width for {n} places": number(answer(n)) for n in given["large"]}


@emb_sz_rule.misconception("`int` cuts the decimals off, so 48.9 becomes 48. `round` gives the nearest whole number.")
def cuts_off(n):
    return min(600, int(1.6 * n**0.56))


@emb_sz_rule.misconception("The limit is missing: no embedding should be wider than 600, `min(600, ...)`.")
def without_limit(n):
    return round(1.6 * n**0.56)


@emb_sz_rule.misconception("`max(600, ...)` is *at least* 600. You want at most 600: `min`.")
def at_least_600(n):
    return max(600, round(1.6 * n**0.56))


@emb_sz_rule.misconception(
    "You cut off the number of *places* at 600. It is the width that ends there: first the rule, then `min(600, ...)`."
)
def limits_the_places(n):
    return 600 if n > 600 else round(1.6 * n**0.56)


@emb_sz_rule.misconception("In Python `^` is no power (it works on bits). A power is `**`: `n**0.56`.")
def writes_a_caret(n):
    return min(600, round(1.6 * n ^ 0.56))


@emb_sz_rule.misconception(
    "0.56 is an exponent: `n**0.56` is n to the power of 0.56, a little more than its square root. You multiplied."
)
def multiplies(n):
    return min(600, round(1.6 * n * 0.56))


@emb_sz_rule.misconception(
    "Brackets: the power belongs to n alone, `1.6 * n**0.56`. You multiplied first and took the power of all of it."
)
def power_of_all(n):
    return min(600, round((1.6 * n) ** 0.56))


@emb_sz_rule.misconception("You did not round. A table cannot have 48.9 columns: `round(...)`.")
def does_not_round(n):
    return min(600, 1.6 * n**0.56)


@emb_sz_rule.worked_example
def small_and_large():
    for n in (300, 100_000):
        yield f"{n} to the power of 0.56", n**0.56
        yield "times 1.6", 1.6 * n**0.56
        yield "the width", emb_sz_rule_(n)


# ---- get_emb_sz


def get_emb_sz_(classes, sz_dict=None):
    sz_dict = sz_dict or {}
    return [(len(places), sz_dict.get(name, emb_sz_rule_(len(places)))) for name, places in classes.items()]


get_emb_sz = Exercise(
    reference=get_emb_sz_,
    name="get_emb_sz",
    elsewhere=("collabkit.functional.get_emb_sz", "fastai.tabular.model.get_emb_sz"),
    hints=(
        "A loop over `classes.items()` gives each column with its vocabulary; `len(vocabulary)` is its number of places.",
        "`sz_dict.get(name, emb_sz_rule(n))` takes the width that was given by hand, and the rule where there is none.",
        "`sz_dict = sz_dict or {}`, then "
        "`return [(len(v), sz_dict.get(name, emb_sz_rule(len(v)))) for name, v in classes.items()]`",
    ),
)


@dataclass(frozen=True)
class Vocabularies:
    """Columns with their vocabularies, and a width by hand for one of them."""

    two: dict
    three: dict
    by_hand: dict


@get_emb_sz.given
def vocabularies(rng):
    """No two have one width by the rule; of two, the one with a width by hand is the larger, so that its own shows."""
    sizes = rng.permutation(np.arange(40, 400, 20))[:4] + rng.integers(0, 4, 4)
    film, user = sorted(sizes[:2])
    names = [f"#na# {i}" for i in range(1000)]
    two = {"user": ["#na#", *names[:user]], "title": ["#na#", *names[:film]]}
    three = {
        "weekday": ["#na#", *"MTWTFSS"],
        "user": ["#na#", *names[: sizes[2]]],
        "film": ["#na#", *names[: sizes[3]]],
    }
    return Vocabularies(two, three, {"user": int(rng.integers(60, 90))})


def sizes(answer: Any) -> list[list[float]]:
    """A list of (places, width) as plain lists."""
    if answer is None:
        raise CannotAsk("gave nothing back: end with `return` and the list")
    if isinstance(answer, dict):
        raise CannotAsk("gave a dict: give a list of pairs (places, width), in the order of the columns")
    try:
        return [[number(part) for part in pair] for pair in answer]
    except TypeError:
        raise CannotAsk("should give a list of pairs: (places, width) for each column") from None


@get_emb_sz.check(points=0.25)
def places_and_widths(answer, given):
    """Gives for each column the number of its places and the width by the rule"""
    return sizes(answer(given.two))


@get_emb_sz.check(points=0.25)
def any_columns(answer, given):
    """Takes any number of columns, whatever they are called, in their order"""
    return sizes(answer(given.three))


@get_emb_sz.check(points=0.25)
def widths_by_hand(answer, given):
    """Prefers a width that is given by hand"""
    return sizes(answer(given.two, given.by_hand))


@get_emb_sz.misconception(
    "You left `#na#` out of the count. It is a place like the others, and whoever was never seen is looked up there: "
    "`len(vocabulary)`, all of it."
)
def forgets_na(classes, sz_dict=None):
    widths = sz_dict or {}
    rule = [(name, len(places) - 1) for name, places in classes.items()]
    return [(n, widths.get(name, min(600, round(1.6 * n**0.56)))) for name, n in rule]


@get_emb_sz.misconception(
    "You went through the *names* of the columns and counted their letters. `for name, places in classes.items()` gives each "
    "vocabulary with its name."
)
def goes_through_the_names(classes, sz_dict=None):
    return [(len(name), min(600, round(1.6 * len(name) ** 0.56))) for name in classes]


@get_emb_sz.misconception(
    "When no width was chosen by hand, `sz_dict` is None, and None has no `.get`. Begin with `sz_dict = sz_dict or {}`."
)
def needs_the_dict(classes, sz_dict=None):
    rule = [(name, len(places)) for name, places in classes.items()]
    return [(n, sz_dict.get(name, min(600, round(1.6 * n**0.56)))) for name, n in rule]


@get_emb_sz.misconception(
    "You added a place for `#na#`. It has one already: it stands first in each vocabulary, so `len(vocabulary)` counts it."
)
def adds_na_again(classes, sz_dict=None):
    widths = sz_dict or {}
    rule = [(name, len(places) + 1) for name, places in classes.items()]
    return [(n, widths.get(name, min(600, round(1.6 * n**0.56)))) for name, n in rule]


@get_emb_sz.misconception("Your pairs are the other way round: first the number of places, then the width.")
def width_first(classes, sz_dict=None):
    widths = sz_dict or {}
    rule = [(name, len(places)) for name, places in classes.items()]
    return [(widths.get(name, min(600, round(1.6 * n**0.56))), n) for name, n in rule]


@get_emb_sz.misconception(
    "You gave all columns the same width. A dot product needs that, a network does not: apply the rule to each column's own "
    "number of places."
)
def equal_widths(classes, sz_dict=None):
    widths = sz_dict or {}
    largest = max(len(places) for places in classes.values())
    return [(len(v), widths.get(name, min(600, round(1.6 * largest**0.56)))) for name, v in classes.items()]


@get_emb_sz.misconception(
    "A width that was given by hand was ignored: `sz_dict.get(name, ...)` takes it where there is one."
)
def ignores_the_hand(classes, sz_dict=None):
    return [(len(v), min(600, round(1.6 * len(v) ** 0.56))) for v in classes.values()]


@get_emb_sz.misconception(
    "You looked for the columns by fixed names. Take whatever columns there are: `for name, places in classes.items()`."
)
def two_fixed_columns(classes, sz_dict=None):
    widths = sz_dict or {}
    return [
        (len(classes[name]), widths.get(name, min(600, round(1.6 * len(classes[name]) ** 0.56))))
        for name in ("user", "title")
    ]


@get_emb_sz.worked_example
def two_small_columns():
    classes = {"user": ["#na#", *range(1, 40)], "film": ["#na#", "Alien", "Brazil", "Casablanca"]}
    yield "the number of places of each column", {name: len(places) for name, places in classes.items()}
    yield "the width that the rule gives for these", [emb_sz_rule_(len(places)) for places in classes.values()]
    yield "both together, column by column", get_emb_sz_(classes)
    yield "the same with a width of 6 for the films that was given by hand", get_emb_sz_(classes, {"film": 6})


# ---- CollabNN

CollabNN = Exercise(
    reference=collabkit.CollabNN,
    elsewhere=("fastai.collab.EmbeddingNN", "fastai.tabular.model.TabularModel"),
    hints=(
        "Two embeddings, `Embedding(*user_sz)` and `Embedding(*movie_sz)`. The first linear layer takes both widths together, "
        "`user_sz[1] + movie_sz[1]` numbers.",
        "`torch.cat((users, movies), dim=1)` puts the two side by side. The layers: `nn.Linear`, `nn.ReLU()`, `nn.Linear(n_act, 1)`.",
        "The layers give (rows, 1) and any number: `rating = self.layers(...).squeeze(-1)`, then squeeze that into the range, "
        "`low + (high - low) * torch.sigmoid(rating)`.",
    ),
)


@dataclass(frozen=True)
class Net:
    """Sizes of a small network, no two alike, a range, and a batch."""

    user_sz: tuple[int, int]
    movie_sz: tuple[int, int]
    n_act: int
    y_range: tuple[float, float]
    batch: Tensor
    key: int


@CollabNN.given
def small_net(rng):
    low = float(rng.uniform(-2, -1))
    y_range, batch = (low, low + float(rng.uniform(5, 6))), pairs(rng, 7, 11, rows=13)
    while True:  # until scores lie on both sides of 0, the first below, and its ReLUs count: any wrong one shows there
        net = Net((7, 4), (11, 3), 5, y_range, batch, key=int(rng.integers(1 << 30)))
        values = {role: seeded(shape, net.key, role) for role, shape in roles(net).items()}
        rows = torch.cat([values["user factors"][batch[:, 0]], values["movie factors"][batch[:, 1]]], dim=1)
        hidden = rows @ values["first layer"].T + values["first layer's bias"]
        scores, linear = (
            (layer @ values["last layer"].T + values["last layer's bias"]).flatten()
            for layer in (hidden.relu(), hidden)
        )
        if 4 <= int((scores < -0.1).sum()) <= 9 and -3 < scores[0] < -0.1 and abs(linear[0] - scores[0]) > 0.3:
            return net


def roles(net: Net) -> dict[str, tuple[int, ...]]:
    """The parameters of such a network, each with its shape."""
    both = net.user_sz[1] + net.movie_sz[1]
    return {
        "user factors": net.user_sz,
        "movie factors": net.movie_sz,
        "first layer": (net.n_act, both),
        "first layer's bias": (net.n_act,),
        "last layer": (1, net.n_act),
        "last layer's bias": (1,),
    }


def made(cls: Any, net: Net, y_range: tuple[float, float] | None = None) -> nn.Module:
    """An instance whose weights are the same for every implementation, told by their shapes.

    Users first or films first in the concatenation is up to the learner: a probe finds out, and the first layer's columns
    are put into that order.
    """
    if not isinstance(cls, type):
        came = "None" if cls is None else f"a {type(cls).__name__}"
        raise CannotAsk(f"is {came}, not a class: hand over the class itself, without calling it")
    model = cls(net.user_sz, net.movie_sz, y_range or net.y_range, net.n_act)
    if not isinstance(model, nn.Module):
        raise CannotAsk("is not an nn.Module: write `class CollabNN(nn.Module):`")
    wanted, user_width = roles(net), net.user_sz[1]
    found: dict[str, nn.Parameter] = {}
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        role = next((role for role, size in wanted.items() if shape in (size, size[::-1]) and role not in found), None)
        if role is None:
            raise CannotAsk(
                f"has a parameter `{name}` of shape {shape}, which has no place in a network with embeddings "
                f"{net.user_sz} and {net.movie_sz}, one hidden layer of {net.n_act} and one output"
            )
        found[role] = parameter
    if missing := [role for role in wanted if role not in found and "bias" not in role]:
        raise CannotAsk(
            f"has no {' and no '.join(missing)}, as far as `parameters()` can see: keep each on `self`, layers in `nn.Sequential`, not in a list"
        )
    values = {role: seeded(wanted[role], net.key, role) for role in found}
    _fill(found, values)
    if not _users_come_first(model, found, wanted):
        first = values["first layer"]
        values["first layer"] = torch.cat([first[:, user_width:], first[:, :user_width]], dim=1)
    _fill(found, values)
    return model.eval()


def _fill(found: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for role, parameter in found.items():
            value = values[role]
            parameter.copy_(value if parameter.shape == value.shape else value.T)


def _users_come_first(model: nn.Module, found: dict[str, nn.Parameter], wanted: dict[str, tuple]) -> bool:
    """Whether column 0 of the first layer belongs to the users: with that column alone, films make no difference."""
    first = torch.zeros(wanted["first layer"])
    first[:, 0] = 1
    probe = {"first layer": first, "first layer's bias": torch.full(wanted["first layer's bias"], 10.0)}
    probe["last layer"] = torch.full(wanted["last layer"], 0.02)
    _fill({role: found[role] for role in probe if role in found}, probe)
    with torch.no_grad():
        one, other_film, other_user = (model(torch.tensor([row, row])).flatten()[0] for row in ([0, 0], [0, 1], [1, 0]))
    return not (torch.isclose(one, other_user) and not torch.isclose(one, other_film))


@CollabNN.check(points=0.25, form=True)
def one_prediction_per_row(cls, net):
    """Gives one prediction for each row of the batch"""
    return shape_of(made(cls, net)(net.batch))


@CollabNN.check(points=1)
def same_predictions(cls, net):
    """Puts both embeddings side by side, sends them through two layers with a ReLU between, and into the range"""
    return made(cls, net)(net.batch)


@CollabNN.check(points=0.25)
def another_range(cls, net):
    """Keeps to whatever range it is given"""
    return made(cls, net, y_range=(10.0, 12.0))(net.batch)


@CollabNN.check(points=0.25)
def batch_of_one(cls, net):
    """Also takes a batch of a single row"""
    return made(cls, net)(net.batch[:1])


@CollabNN.check(points=0.5)
def gradients(cls, net):
    """Lets gradients flow back through the layers to both embeddings"""
    model = made(cls, net)
    predictions = model(net.batch)
    if not isinstance(predictions, Tensor) or not predictions.requires_grad:
        raise CannotAsk("gives predictions that no gradient can flow back from: keep them tensors, undetached")
    if predictions.dim() == 0 or len(predictions) != len(net.batch):
        raise CannotAsk(f"gives predictions of shape {tuple(predictions.shape)} for a batch of {len(net.batch)} rows")
    weights = torch.arange(1.0, len(net.batch) + 1).reshape(-1, *[1] * (predictions.dim() - 1))
    (predictions * weights).sum().backward()
    tables = {net.user_sz: "user factors", net.movie_sz: "movie factors"}
    gradients = {}
    for parameter in model.parameters():
        shape = tuple(parameter.shape)
        if role := tables.get(shape) or tables.get(shape[::-1]):
            gradient = parameter.grad
            gradients[f"gradient for the {role}"] = gradient if gradient is None or shape in tables else gradient.T
    return gradients


@CollabNN.check(points=0.25, form=True)
def any_device(cls, net):
    """Computes on whatever device the batch is on"""
    predictions = made(cls, net).to("meta")(net.batch.to("meta"))
    return {"device": str(getattr(predictions, "device", "cpu")), "shape": shape_of(predictions)}


@CollabNN.misconception(
    "You concatenated along the rows, one below the other, and tables of unequal width do not stack. Put each user's numbers "
    "beside the film's in the same row: `torch.cat((users, movies), dim=1)`."
)
class ConcatenatesRows(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=0))
        low, high = self.y_range
        return torch.sigmoid(rating.squeeze(-1)) * (high - low) + low


@CollabNN.misconception(
    "The range is missing: the last layer gives any number. Squeeze it between `y_range[0]` and `y_range[1]` by a sigmoid."
)
class ForgetsTheRange(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        return rating.squeeze(-1)


@CollabNN.misconception(
    "There is a ReLU behind the last layer. It makes every negative number 0, so nothing below the middle of the range can be "
    "predicted, and no gradient leads out of it. A ReLU stands *between* layers."
)
class EndsInReLU(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(torch.relu(rating).squeeze(-1)) * (high - low) + low


@CollabNN.misconception(
    "There is no ReLU between your layers, and two linear layers in a row are one linear layer: the users' part and the films' "
    "part are only added, so no taste can be learned. `nn.ReLU()` belongs between them."
)
class ForgetsTheReLU(collabkit.CollabNN):
    def __init__(self, user_sz, movie_sz, y_range=(0, 5.5), n_act=100):
        nn.Module.__init__(self)
        self.user_factors, self.movie_factors = Embedding(*user_sz), Embedding(*movie_sz)
        self.layers = nn.Sequential(nn.Linear(user_sz[1] + movie_sz[1], n_act), nn.Linear(n_act, 1))
        self.y_range = y_range

    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(rating.squeeze(-1)) * (high - low) + low


@CollabNN.misconception(
    "`user_sz` is one thing, a pair, and `Embedding` wants two numbers: `Embedding(*user_sz)` hands over both."
)
class HandsOverThePair(collabkit.CollabNN):
    def __init__(self, user_sz, movie_sz, y_range=(0, 5.5), n_act=100):
        nn.Module.__init__(self)
        self.user_factors, self.movie_factors = Embedding(user_sz), Embedding(movie_sz)


@CollabNN.misconception(
    "Both your embeddings have the width of the users'. A network needs no equal widths: each embedding has its own pair of "
    "sizes, `Embedding(*user_sz)` and `Embedding(*movie_sz)`."
)
class EqualWidths(collabkit.CollabNN):
    def __init__(self, user_sz, movie_sz, y_range=(0, 5.5), n_act=100):
        nn.Module.__init__(self)
        self.user_factors, self.movie_factors = Embedding(*user_sz), Embedding(movie_sz[0], user_sz[1])
        self.layers = nn.Sequential(nn.Linear(2 * user_sz[1], n_act), nn.ReLU(), nn.Linear(n_act, 1))
        self.y_range = y_range

    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(rating.squeeze(-1)) * (high - low) + low


@CollabNN.misconception(
    "Your range is always 0 to 5.5. Use the one that is handed over: keep `y_range` on `self` and take both ends from it."
)
class FixedRange(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        return torch.sigmoid(rating.squeeze(-1)) * 5.5


@CollabNN.misconception(
    "You cut the predictions off at the ends of the range. There the slope is 0, and a prediction that left the range never "
    "comes back: use a sigmoid, not `clamp`."
)
class CutsOff(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        return rating.squeeze(-1).clamp(*self.y_range)


@CollabNN.misconception("The last layer gives (rows, 1), and one prediction a row is (rows,): `.squeeze(-1)`.")
class KeepsDimension(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(rating) * (high - low) + low


@CollabNN.misconception(
    "A bare `.squeeze()` drops every dimension of size 1, and with a batch of one row that is the batch itself. Name it: "
    "`.squeeze(-1)`."
)
class SqueezesTheBatch(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(rating.squeeze()) * (high - low) + low


@CollabNN.misconception("You looked the films up by the users' column: films are in `x[:, 1]`.")
class UsesUsersTwice(collabkit.CollabNN):
    def forward(self, x):
        rating = self.layers(torch.cat((self.user_factors(x[:, 0]), self.movie_factors(x[:, 0])), dim=1))
        low, high = self.y_range
        return torch.sigmoid(rating.squeeze(-1)) * (high - low) + low


@CollabNN.worked_example
def one_row():
    user, movie = torch.tensor([[0.5, -1.0]]), torch.tensor([[2.0]])
    joined = torch.cat([user, movie], dim=1)
    first, second = torch.tensor([[1.0, 0.0, 0.5], [0.0, 2.0, -1.0]]), torch.tensor([[0.8, 0.4]])
    hidden = joined @ first.T
    score = hidden.relu() @ second.T
    yield "one row: the user's embedding, two wide", user
    yield "the film's embedding, one wide", movie
    yield "side by side", joined
    yield "after the first layer (here of two, without its bias)", hidden
    yield "after the ReLU", hidden.relu()
    yield "after the second layer", score
    yield "without the last dimension, and between 0 and 5.5 by a sigmoid", torch.sigmoid(score.squeeze(-1)) * 5.5


# ---- rating_loss


def rating_loss_(scores, y):
    return F.cross_entropy(scores, y.squeeze(-1).long() - 1)


rating_loss = Exercise(
    reference=rating_loss_,
    name="rating_loss",
    hints=(
        "`F.cross_entropy(scores, targets)` takes the scores as they are, with no softmax before it.",
        "It wants targets of shape (rows,), of type int64 (`.long()`), that count from 0: one star is class 0.",
        "`return F.cross_entropy(scores, y.squeeze(-1).long() - 1)`",
    ),
)


class Scores:
    """Scores for five classes, with ratings in several forms: all stars among them, only high ones, in eight bits."""

    def __init__(self, rng):
        self.scores = torch.from_numpy(rng.normal(0, 2, (14, 5)).astype("float32"))
        stars = rng.permutation([1, 2, 3, 4, 5, *rng.integers(1, 6, 9)])
        self.y = torch.from_numpy(stars.astype("float32"))[:, None]
        self.high = torch.from_numpy(rng.permutation([3, 4, 5, *rng.integers(3, 6, 11)]).astype("float32"))[:, None]
        # the class that is right has by far the lowest score: its chance is too small for a float, its logarithm is not
        self.sure = torch.zeros(14, 5).scatter_(1, self.y.long() % 5, float(rng.uniform(200, 400)))


@rating_loss.given
def some_scores(rng):
    return Scores(rng)


def loss_of(answer, scores: Tensor, y: Tensor) -> Tensor:
    loss = answer(scores, y)
    if not isinstance(loss, Tensor):
        raise CannotAsk(
            f"gave {'nothing' if loss is None else f'a {type(loss).__name__}'}, expected the loss as a tensor"
        )
    return loss


@rating_loss.check(points=0.5)
def the_loss(answer, given):
    """Gives the mean cross-entropy between the scores and the ratings"""
    return loss_of(answer, given.scores, given.y)


@rating_loss.check(points=0.25)
def only_high_ratings(answer, given):
    """Also where a batch has no rating of one star"""
    return loss_of(answer, given.scores, given.high)


@rating_loss.check(points=0.25)
def eight_bits(answer, given):
    """Takes ratings in eight bits too, as fastai's loaders may bring them"""
    return loss_of(answer, given.scores, given.y.to(torch.int8))


@rating_loss.check(points=0.25)
def gradient(answer, given):
    """Tells by its gradient which scores should rise and which should fall"""
    scores = given.scores.clone().requires_grad_()
    loss = loss_of(answer, scores, given.y)
    if not loss.requires_grad:
        raise CannotAsk("gives a loss that no gradient can flow back from: keep it a tensor, as it was computed")
    loss.sum().backward()
    return scores.grad


@rating_loss.check(points=0.25)
def very_sure(answer, given):
    """Stays a number where a model is very sure, and wrong"""
    return loss_of(answer, given.sure, given.y)


@rating_loss.misconception(
    "Classes count from 0, stars from 1: five stars would be a sixth class, which does not exist. Subtract 1."
)
def counts_from_one(scores, y):
    return F.cross_entropy(scores, y.squeeze(-1).long())


@rating_loss.misconception(
    "You subtracted the lowest rating of the *batch*. In a batch without a single star every rating then counts as a lower one. "
    "The lowest class is always one star: subtract 1."
)
def counts_from_the_lowest(scores, y):
    return F.cross_entropy(scores, (y - y.min()).squeeze(-1).long())


@rating_loss.misconception(
    "`cross_entropy` has the softmax inside, and you applied one before. Softened twice, even the surest scores come out as a "
    "chance of 40 % at most, and hardly a gradient is left: hand the raw scores over."
)
def softens_twice(scores, y):
    return F.cross_entropy(torch.softmax(scores, dim=1), y.squeeze(-1).long() - 1)


@rating_loss.misconception("The two have changed places: `cross_entropy` takes the scores first, then the classes.")
def takes_the_ratings_first(scores, y):
    return F.cross_entropy(y, scores)


@rating_loss.misconception(
    "The targets have shape (rows, 1), as the loaders bring them, and `cross_entropy` wants (rows,): `y.squeeze(-1)`."
)
def keeps_the_column(scores, y):
    return F.cross_entropy(scores, y.long() - 1)


@rating_loss.misconception(
    "Classes are numbers of type int64. Floats are taken for something else, and eight-bit numbers are refused: `.long()`."
)
def keeps_the_type(scores, y):
    return F.cross_entropy(scores, y.squeeze(-1) - 1)


@rating_loss.misconception(
    "You summed over the rows, so a large batch has a large loss and takes large steps. The default of `cross_entropy` is the mean."
)
def sums_up(scores, y):
    return F.cross_entropy(scores, y.squeeze(-1).long() - 1, reduction="sum")


@rating_loss.misconception(
    "The logarithm of a softmax breaks down where a chance is too small for a float: it becomes 0, and log 0 is minus infinity. "
    "`cross_entropy` (or `log_softmax`) computes both in one, and stays finite."
)
def log_of_softmax(scores, y):
    chances = torch.softmax(scores, dim=1)
    return -torch.log(chances.gather(1, y.long() - 1)).mean()


@rating_loss.misconception(
    "You turned the scores into an expected rating and took its squared error. That is the loss of the other lessons: here the "
    "chance of the right class counts, `F.cross_entropy`."
)
def squared_error(scores, y):
    stars = torch.arange(1.0, 6.0)
    return F.mse_loss(torch.softmax(scores, dim=1) @ stars, y.squeeze(-1).float())


@rating_loss.worked_example
def two_ratings():
    scores, y = torch.tensor([[0.0, 0.0, 1.0, 2.0, 1.0], [2.0, 1.0, 0.0, 0.0, 0.0]]), torch.tensor([[4.0], [1.0]])
    classes = y.squeeze(-1).long() - 1
    chances = torch.softmax(scores, dim=1)[[0, 1], classes]
    yield "scores for one to five stars, two rows", scores
    yield "the ratings", y
    yield "the same as classes, counted from 0", classes
    yield "the chance that the scores give to what was right", chances
    yield "minus the logarithm of each", -chances.log()
    yield "the mean of these", rating_loss_(scores, y)


# ---- expected_rating


def expected_rating_(scores):
    return torch.softmax(scores, dim=1) @ torch.arange(1.0, 6.0)


expected_rating = Exercise(
    reference=expected_rating_,
    name="expected_rating",
    hints=(
        "`torch.softmax(scores, dim=1)` makes chances of the scores: in each row they are positive and add up to 1.",
        "Weigh each number of stars, 1 to 5, by its chance, and add up within the row.",
        "`return torch.softmax(scores, dim=1) @ torch.arange(1.0, 6.0)`",
    ),
)


@expected_rating.given
def scores_of_rows(rng):
    """Scores of 9 rows, in one of which two ratings far apart are likely, and scores that are too large for exp."""
    scores = rng.normal(0, 1.5, (9, 5)).astype("float32")
    scores[4] = [3, 0, -1, 0, 2.5]
    return torch.from_numpy(scores), torch.from_numpy((rng.normal(0, 1, (4, 5)) + 200).astype("float32"))


def ratings_of(answer, scores: Tensor) -> Tensor:
    expected = answer(scores.clone())
    if expected is None:
        raise CannotAsk("gave nothing back: end with `return`")
    return torch.as_tensor(expected).float() if not isinstance(expected, Tensor) else expected


@expected_rating.check(points=0.75)
def expected_stars(answer, given):
    """Weighs one to five stars by their chances"""
    return ratings_of(answer, given[0]).flatten()


@expected_rating.check(points=0.25, form=True)
def one_per_row(answer, given):
    """Gives one number for each row, for a single row too"""
    return {
        "9 rows": shape_of(ratings_of(answer, given[0])),
        "1 row": shape_of(ratings_of(answer, given[0][:1])),
    }


@expected_rating.check(points=0.25)
def row_by_row(answer, given):
    """Says the same about a row, whatever other rows are in the batch"""
    return ratings_of(answer, given[0][2:5]).flatten()


@expected_rating.check(points=0.25)
def large_scores(answer, given):
    """Stays a number where the scores are large"""
    return ratings_of(answer, given[1]).flatten()


@expected_rating.misconception(
    "You gave the most likely rating. Where one and five stars are both likely, that is a bold guess, and the squared error "
    "punishes it: average over all five, each weighed by its chance."
)
def most_likely(scores):
    return scores.argmax(dim=1).float() + 1


@expected_rating.misconception("You weighed the classes 0 to 4, and ratings are one higher: `torch.arange(1.0, 6.0)`.")
def counts_stars_from_zero(scores):
    return torch.softmax(scores, dim=1) @ torch.arange(5.0)


@expected_rating.misconception(
    "Your softmax goes down the columns, so the chances of a *class* add up to 1 over the batch. Those of a row should: `dim=1`."
)
def softmax_over_rows(scores):
    return torch.softmax(scores, dim=0) @ torch.arange(1.0, 6.0)


@expected_rating.misconception(
    "Scores are no chances: they may be negative, and add up to anything. `torch.softmax(scores, dim=1)` first."
)
def weighs_by_scores(scores):
    return scores @ torch.arange(1.0, 6.0)


@expected_rating.misconception(
    "A sigmoid makes of each score a number between 0 and 1, but five of them do not add up to 1. The five exclude each other: "
    "softmax."
)
def five_sigmoids(scores):
    return torch.sigmoid(scores) @ torch.arange(1.0, 6.0)


@expected_rating.misconception(
    "`exp` of a large score is too large for a float, and infinity over infinity is no number. `torch.softmax` subtracts the "
    "largest score of the row first, which changes no chance."
)
def naive_softmax(scores):
    chances = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    return chances @ torch.arange(1.0, 6.0)


@expected_rating.misconception("You weighed the five, and did not add them up: one number a row, `.sum(dim=1)`.")
def forgets_the_sum(scores):
    return torch.softmax(scores, dim=1) * torch.arange(1.0, 6.0)


@expected_rating.misconception(
    "You took the mean over all rows. Each row is a pair of user and film with a rating of its own: sum within the row only."
)
def mean_of_all(scores):
    return (torch.softmax(scores, dim=1) @ torch.arange(1.0, 6.0)).mean()


@expected_rating.misconception(
    "One number a row has the shape (rows,), yours has (rows, 1): `.sum(dim=1)` without `keepdim`, or `.squeeze(-1)`."
)
def keeps_a_column(scores):
    return (torch.softmax(scores, dim=1) * torch.arange(1.0, 6.0)).sum(dim=1, keepdim=True)


@expected_rating.worked_example
def one_row_of_scores():
    scores = torch.tensor([[0.0, 0.0, 1.0, 2.0, 1.0]])
    chances = torch.softmax(scores, dim=1)
    yield "scores for one to five stars", scores
    yield "as chances that add up to 1", chances
    yield "times the stars, 1 to 5", chances * torch.arange(1.0, 6.0)
    yield "added up, one number for the row", expected_rating_(scores)


# ---- questions

why_unequal_widths = Question(
    "why_unequal_widths",
    prompt="In a dot product users and films have equally many factors. Why need they not in a network?",
    choices={
        "a": "PyTorch fills the shorter of the two up with zeros.",
        "b": "The network multiplies each of the user's numbers with each of the film's, and needs no partners.",
        "c": "They are only put side by side, and the first layer has a weight for each number of the row.",
        "d": "They must be equal there too; fastai cuts the longer one.",
    },
    right="c",
    why_not={
        "a": "Nothing is filled up. A row of 4 numbers and one of 3 make a row of 7, and the first layer is built for 7.",
        "b": "No product of the two is ever taken. Each number gets a weight, the weighted numbers are added, and only the ReLU "
        "behind lets the one side change what the other side does.",
        "d": "Your own model has two widths, and you could take any. Only a dot product pairs the first number with the first, the "
        "second with the second.",
    },
    hints=(
        "In p · q every p has a partner q. Look for the line in `forward` where users and films meet: is there a partner?",
        "`torch.cat((users, movies), dim=1)` makes rows of `user_sz[1] + movie_sz[1]` numbers. Who takes them?",
    ),
)

what_sequential_does = Question(
    "what_sequential_does",
    prompt="What does `nn.Sequential(a, b, c)` do in your network?",
    choices={
        "a": "It trains a first, then b, then c.",
        "b": "It is a module that calls a, then b on what comes out, then c, and knows the parameters of all three.",
        "c": "It runs a, b and c on the same input and joins what comes out.",
        "d": "It is a list like any other, and keeps the three in order.",
    },
    right="b",
    why_not={
        "a": "All layers are trained at once, by one backward pass through all of them.",
        "c": "That would be three layers side by side. Sequential is one behind the other: the output of one is the input of the next.",
        "d": "A list cannot be called, and, worse, PyTorch does not look into lists: layers in a plain list have no parameters as far "
        "as `parameters()` can see, so they are never trained.",
    },
    hints=(
        "You write `self.layers(x)`. What must an object have to be called like that?",
        "It saves you from writing `c(b(a(x)))`, and it is an `nn.Module` itself.",
    ),
)

what_cross_entropy_changes = Question(
    "what_cross_entropy_changes",
    prompt="Suppose you train on ratings with cross-entropy. What has to change, and what does the loss no longer know?",
    choices={
        "a": "The model gives five scores, the targets become classes 0 to 4. The loss does not know that 4 is nearer to 5 than 1 is.",
        "b": "Nothing in the model: its one number is compared with the class. The loss does not know who the user is.",
        "c": "The model gives five scores and a range. The loss does not know which of the five is right.",
        "d": "The targets become floats between 0 and 1. The loss does not know how many users there are.",
    },
    right="a",
    why_not={
        "b": "One number cannot be five chances. Cross-entropy asks: which chance did you give to what happened? So there must be one "
        "for each of the five.",
        "c": "A range would be in the way: scores may be any numbers, softmax makes chances of them. And which class is right is the "
        "one thing that this loss looks at.",
        "d": "Targets are whole numbers, the index of the right class. It is the model whose answers, after softmax, lie between 0 "
        "and 1.",
    },
    hints=(
        "How many numbers does softmax need, if there are five possible ratings?",
        "A true rating of 5: which of the five chances enters the loss? Does it matter how the rest is divided between 4 stars and 1?",
    ),
)

which_model_for_more = Question(
    "which_model_for_more",
    prompt="You also know the user's age, the film's genre, and the hour at which it was rated. Which model takes them in?",
    choices={
        "a": "A dot product with three more factors, set to these values by hand.",
        "b": "None: collaborative filtering must not use anything but ratings.",
        "c": "Three more models, whose predictions are averaged in the end.",
        "d": "A tabular model: an embedding for each category, the numbers as they are, all side by side into the layers.",
    },
    right="d",
    why_not={
        "a": "Each factor of the user would be multiplied with one of the film: age times what? A fixed factor also cannot say that "
        "some genre pleases the young and bores the old, unless somebody builds that in.",
        "b": "It can do without, that is its charm. But for somebody with no ratings, what is known besides is all there is.",
        "c": "Each of them would see one thing alone, and what matters is how things meet: this genre, with that age.",
    },
    hints=(
        "Your network takes two embeddings side by side. What would it take to put a third beside them?",
        "fastai's network for ratings is a `TabularModel` with two columns. What would it be with five?",
    ),
)
