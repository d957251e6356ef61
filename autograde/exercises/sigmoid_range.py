"""Lesson 05: a sigmoid that ends where ratings end, its slope, and the model whose predictions it bends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import collabkit
from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk, World, built, gradients_of, on_meta, pairs

# ---- sigmoid_range

sigmoid_range = Exercise(
    reference=collabkit.sigmoid_range,
    elsewhere=("fastai.layers.sigmoid_range", "fastai.layers.SigmoidRange"),
    name="sigmoid_range",
    hints=(
        "Three moves: `torch.sigmoid(x)` brings every number between 0 and 1, then stretch, then shift.",
        "The interval from `low` to `high` is `high - low` wide: that is the stretch. It begins at `low`: that is the shift.",
        "`return torch.sigmoid(x) * (high - low) + low`",
    ),
)


@dataclass(frozen=True)
class Scores:
    """Scores (rows,), some far out, and a range that begins neither at 0 nor is 1 wide."""

    x: Tensor
    far: Tensor
    low: float
    high: float


@sigmoid_range.given
def some_scores(rng):
    low = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.5))
    return Scores(
        x=torch.from_numpy(rng.permutation(np.append(rng.uniform(-4, 4, 9), [5.1, -5.2])).astype("float32")),
        far=torch.tensor([-1000.0, -30.0, 30.0, 1000.0]),
        low=low,
        high=low + float(rng.uniform(2.5, 4)),
    )


def tensor(values: Any) -> Tensor:
    """What came back, cut off from its graph, if it is a tensor."""
    if values is None:
        raise CannotAsk("gave nothing back: end with `return` and the tensor")
    if not isinstance(values, Tensor):
        raise CannotAsk(f"gave a {type(values).__name__}, expected a tensor: no gradient flows through anything else")
    return values.detach()


@sigmoid_range.check(points=0.5)
def stretches(answer, given):
    """Stretches the sigmoid to the width of a range that begins at 0"""
    return tensor(answer(given.x, 0, 5.5))


@sigmoid_range.check(points=0.5)
def shifts(answer, given):
    """Begins at the low end, wherever that is"""
    return tensor(answer(given.x, given.low, given.high))


@sigmoid_range.check(points=0.25)
def far_out(answer, given):
    """Gives a number inside the range for the largest scores too"""
    return tensor(answer(given.far, given.low, given.high))


@sigmoid_range.check(points=0.5)
def gradient_of_the_curve(answer, given):
    """Lets the gradient flow back to the scores"""
    x = given.x.clone().requires_grad_()
    predictions = answer(x, given.low, given.high)
    if not tensor(predictions).shape or not predictions.requires_grad:
        raise CannotAsk("gives predictions that no gradient can flow back from: keep them tensors, undetached")
    predictions.sum().backward()
    return x.grad


@sigmoid_range.misconception(
    "Your curve is not stretched: it still is 1 high. Multiply the sigmoid by the width of the range, `high - low`."
)
def does_not_stretch(x, low, high):
    return torch.sigmoid(x) + low


@sigmoid_range.misconception(
    "Your curve has the right height but begins at 0, and not at `low`. With `low = 0` nobody sees it. Add `low`."
)
def does_not_shift(x, low, high):
    return torch.sigmoid(x) * (high - low)


@sigmoid_range.misconception(
    "You stretched by `high`, so a range that does not begin at 0 ends in the wrong place. Its width is `high - low`."
)
def stretches_by_high(x, low, high):
    return torch.sigmoid(x) * high + low


@sigmoid_range.misconception(
    "Brackets are missing: `* high - low + low` multiplies by `high` alone, and then takes `low` away and gives it back. The "
    "width is one number, `(high - low)`."
)
def forgets_the_brackets(x, low, high):
    return torch.sigmoid(x) * high - low + low


@sigmoid_range.misconception("This is the plain sigmoid, from 0 to 1. Stretch it by `high - low` and add `low`.")
def plain_sigmoid(x, low, high):
    return torch.sigmoid(x)


@sigmoid_range.misconception(
    "You cut off what is outside, and the curve has corners. Beyond them it is flat, so a prediction that is too high gets no "
    "gradient and never learns that it is. Use the sigmoid."
)
def clamps(x, low, high):
    return x.clamp(low, high)


@sigmoid_range.misconception(
    "You stretched and shifted the scores, and then took the sigmoid: its result lies between 0 and 1 again. Sigmoid first."
)
def stretches_first(x, low, high):
    return torch.sigmoid(x * (high - low) + low)


@sigmoid_range.misconception(
    "Your range depends on the batch: its smallest score becomes `low`, its largest `high`. The same user and film must get "
    "the same prediction in any company: `torch.sigmoid` looks at each score alone."
)
def spreads_the_batch(x, low, high):
    return (x - x.min()) / (x.max() - x.min()) * (high - low) + low


@sigmoid_range.misconception(
    "`tanh` runs from -1 to 1, so your curve sticks out below `low`. The sigmoid runs from 0 to 1."
)
def takes_tanh(x, low, high):
    return torch.tanh(x) * (high - low) + low


@sigmoid_range.misconception(
    "Your curve falls: high scores get low predictions. You subtract from `high` what should be added to `low`."
)
def runs_downhill(x, low, high):
    return high - torch.sigmoid(x) * (high - low)


@sigmoid_range.misconception(
    "`exp` of a large score is infinite, and infinite by infinite is NaN. `torch.sigmoid` knows how to avoid that."
)
def overflows(x, low, high):
    return torch.exp(x) / (1 + torch.exp(x)) * (high - low) + low


@sigmoid_range.misconception(
    "`math.exp` takes a single number, and the scores are a whole tensor. `torch.exp` takes tensors; `torch.sigmoid` does "
    "all of it."
)
def takes_one_number(x, low, high):
    return 1 / (1 + math.exp(-x)) * (high - low) + low


@sigmoid_range.misconception(
    "The values are right, but cut off from the scores (`.detach()`, `.data` or `.numpy()`), so that nothing can be learned "
    "through them. Return the tensor as it was computed."
)
def cuts_the_graph(x, low, high):
    return torch.sigmoid(x).detach() * (high - low) + low


@sigmoid_range.worked_example
def three_scores():
    x, low, high = torch.tensor([-2.0, 0.0, 3.0]), 1.0, 4.0
    yield "scores", x
    yield "their sigmoids, between 0 and 1", torch.sigmoid(x)
    yield f"times the width of the range from {low:g} to {high:g}", torch.sigmoid(x) * (high - low)
    yield "plus its low end", collabkit.sigmoid_range(x, low, high)


# ---- range_slope


def slope_at(stars: float, low: float, high: float) -> float:
    """The slope of the sigmoid from low to high where it passes `stars`: stars of prediction per unit of score."""
    return (stars - low) * (high - stars) / (high - low)


range_slope = Exercise(
    reference=slope_at,
    name="range_slope",
    hints=(
        "First go back from stars to the sigmoid: which share of the way from `low` to `high` is this prediction?",
        "With that share s the sigmoid's slope is s (1 - s). The stretched curve is `high - low` times as steep.",
        "`s = (stars - low) / (high - low)`, then `return s * (1 - s) * (high - low)`",
    ),
)


@dataclass(frozen=True)
class Places:
    """Predictions inside (0, 5.5), and inside a range that begins elsewhere."""

    from_zero: list[float]
    low: float
    high: float
    stars: list[float]


@range_slope.given
def some_places(rng):
    low = float(rng.choice([-1, 1]) * rng.uniform(0.4, 0.9))
    high = low + float(rng.uniform(4, 6))
    shares = [float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.4, 0.45)), float(rng.uniform(0.8, 0.95))]
    return Places([round(5.5 * share, 3) for share in shares], low, high, [low + s * (high - low) for s in shares])


def number(value: Any) -> float:
    if value is None:
        raise CannotAsk("gave nothing back: end with `return` and the slope")
    return float(value)


@range_slope.check(points=0.75)
def slope_from_zero(answer, given):
    """Gives the slope of the curve from 0 to 5.5, where it passes some numbers of stars"""
    return {f"at {stars} stars": number(answer(stars, 0, 5.5)) for stars in given.from_zero}


@range_slope.check(points=0.5)
def slope_elsewhere(answer, given):
    """Does so for a range that does not begin at 0"""
    return {f"at {stars:.3f} stars": number(answer(stars, given.low, given.high)) for stars in given.stars}


@range_slope.misconception(
    "This is the slope of the sigmoid before it is stretched. The curve from `low` to `high` is `high - low` times as "
    "steep: multiply by it."
)
def slope_unstretched(stars, low, high):
    share = (stars - low) / (high - low)
    return share * (1 - share)


@range_slope.misconception(
    "You took the stars for a score. They are what comes *out* of the curve: find the share of the way first, "
    "`(stars - low) / (high - low)`, which is the value of the sigmoid there."
)
def stars_as_score(stars, low, high):
    sigmoid = 1 / (1 + math.exp(-stars))
    return sigmoid * (1 - sigmoid) * (high - low)


@range_slope.misconception(
    "Your share of the way is measured from 0, and the range begins at `low`: `(stars - low) / (high - low)`."
)
def share_from_zero(stars, low, high):
    share = stars / high
    return share * (1 - share) * (high - low)


@range_slope.misconception(
    "You multiplied the distances to both ends, and did not divide by the width of the range: it stretches once, and you "
    "stretched twice."
)
def stretched_twice(stars, low, high):
    return (stars - low) * (high - stars)


@range_slope.misconception(
    "You gave the *score* at which the curve passes these stars. Asked is how steep it is there."
)
def score_instead(stars, low, high):
    return math.log((stars - low) / (high - stars))


@range_slope.misconception(
    "That is a share of the way along the range, and not yet a slope: s (1 - s), then stretch it."
)
def share_instead(stars, low, high):
    return (stars - low) / (high - low)


@range_slope.worked_example
def one_place():
    stars, low, high = 3.0, 1.0, 4.0
    yield f"a curve from {low:g} to {high:g}, where it passes", stars
    yield "the distance from the low end", stars - low
    yield "the distance to the high end", high - stars
    yield "one times the other, over the width: the slope", slope_at(stars, low, high)
    score, step = math.log((stars - low) / (high - stars)), 1e-4
    ends = [low + (high - low) / (1 + math.exp(-(score + shift))) for shift in (-step, step)]
    yield "measured, by going a little to both sides", (ends[1] - ends[0]) / (2 * step)


# ---- DotProductBias.range

with_range = Exercise(
    reference=collabkit.DotProductBias,
    elsewhere=("fastai.collab.EmbeddingDotBias",),
    name="DotProductBias.range",
    hints=(
        "Begin with your class of lesson 4. What is new: `__init__` keeps `y_range`, and `forward` bends its sum at the end.",
        "The range comes last, after dot product *and* biases: `sigmoid_range(score, low, high)`, and for `y_range=None` the "
        "score itself.",
        "In `__init__`: `self.y_range = y_range`. In `forward`, with the sum in `score`: "
        "`return score if self.y_range is None else sigmoid_range(score, *self.y_range)`.",
    ),
)


@dataclass(frozen=True)
class Ranged:
    """A small world, and a range that is not the default one."""

    world: World
    low: float
    high: float


@with_range.given
def world_and_range(rng):
    """7 users, 11 movies, 5 factors, 13 rows: no two sizes are equal, so a mixed-up axis cannot hide."""
    low = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.5))
    world = World(n_users=7, n_movies=11, n_factors=5, batch=pairs(rng, 7, 11, rows=13))
    return Ranged(world, low, low + float(rng.uniform(2.5, 4)))


def ranged(cls: Any, y_range: tuple[float, float] | None) -> Any:
    """The class with this range instead of its default."""
    if not isinstance(cls, type):
        return cls

    class WithRange(cls):
        def __init__(self, n_users, n_movies, n_factors):
            super().__init__(n_users, n_movies, n_factors, y_range=y_range)

    return WithRange


@with_range.check(points=0.75)
def default_range(cls, given):
    """Bends the sum of dot product and biases into the range from 0 to 5.5"""
    return built(cls, given.world)(given.world.batch)


@with_range.check(points=0.5)
def another_range(cls, given):
    """Uses the range that it is given"""
    return built(ranged(cls, (given.low, given.high)), given.world)(given.world.batch)


@with_range.check(points=0.25)
def no_range(cls, given):
    """Leaves the sum as it is with `y_range=None`"""
    try:
        return built(ranged(cls, None), given.world)(given.world.batch)
    except TypeError as error:
        if "NoneType" in str(error):  # one sentence, in whatever way None was to be unpacked
            raise CannotAsk("stops with `y_range=None`, which has no low and no high") from error
        raise


@with_range.check(points=0.25)
def batch_of_one(cls, given):
    """Also takes a batch of a single row"""
    return built(cls, given.world)(given.world.batch[:1])


@with_range.check(points=0.5)
def gradients(cls, given):
    """Lets gradients flow back through the curve to factors and biases"""
    return gradients_of(cls, given.world)


@with_range.check(points=0.25, form=True)
def any_device(cls, given):
    """Computes on whatever device the batch is on"""
    return on_meta(cls, given.world)


@with_range.misconception(
    "Your predictions are the sum itself, outside of all bounds: bend it with `sigmoid_range(..., *self.y_range)` at the end."
)
class ForgetsTheRange(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)


@with_range.misconception(
    "You cut off what lies outside. There the curve is flat, and a prediction that is too high gets no gradient: "
    "`sigmoid_range`, not `clamp`."
)
class Clamps(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return score if self.y_range is None else score.clamp(*self.y_range)


@with_range.misconception(
    "You bent the dot product and added the biases afterwards: predictions leave the range again. First the whole sum, then "
    "the curve."
)
class AddsBiasesAfterwards(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        if self.y_range is not None:
            low, high = self.y_range
            dot = torch.sigmoid(dot) * (high - low) + low
        return dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)


@with_range.misconception(
    "Your range ends at 5, where the sigmoid never arrives: five stars would take an infinite score. The default is (0, 5.5)."
)
class EndsAtFive(nn.Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5)):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.movie_bias = nn.Embedding(n_movies, 1)
        self.y_range = y_range

    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        if self.y_range is None:
            return score
        low, high = self.y_range
        return torch.sigmoid(score) * (high - low) + low


@with_range.misconception(
    "You wrote 0 and 5.5 into `forward`, so whoever asks for another range gets this one all the same. Keep `y_range` in "
    "`__init__`, `self.y_range = y_range`, and use that."
)
class AlwaysTheSameRange(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return torch.sigmoid(score) * 5.5


@with_range.misconception(
    "With `y_range=None` there is no low and no high to unpack, and your class stops there. Ask first: "
    "`if self.y_range is None`, then the sum is the prediction."
)
class UnpacksNone(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        low, high = self.y_range
        return torch.sigmoid(score) * (high - low) + low


@with_range.misconception(
    "`self.y_range` is one thing, a pair, and `sigmoid_range` wants two: `*self.y_range` hands over both."
)
class HandsOverThePair(collabkit.DotProductBias):
    def forward(self, x):
        def sigmoid_range(x, low, high):
            return torch.sigmoid(x) * (high - low) + low

        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return score if self.y_range is None else sigmoid_range(score, self.y_range)


@with_range.misconception(
    "Your class calls `sigmoid_range`, and that is still a stub: write it first, above, and run its cell."
)
class CallsTheStub(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        if self.y_range is None:
            return score
        raise NotImplementedError


@with_range.misconception(
    "Your sigmoid is neither stretched nor shifted, so that no film gets more than one star: use your `sigmoid_range`."
)
class PlainSigmoid(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return score if self.y_range is None else torch.sigmoid(score)


@with_range.misconception(
    "The biases are lost: what you bend is the dot product alone. Dot product, user's bias, film's bias, then the curve."
)
class LosesTheBiases(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        if self.y_range is None:
            return dot
        low, high = self.y_range
        return torch.sigmoid(dot) * (high - low) + low


@with_range.misconception(
    "You bent each product by itself and then added them up, so a prediction is as many times too large as there are factors. "
    "The curve comes last, over the whole sum."
)
class BendsEachProduct(collabkit.DotProductBias):
    def forward(self, x):
        products = self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])
        if self.y_range is not None:
            low, high = self.y_range
            products = torch.sigmoid(products) * (high - low) + low
        return products.sum(dim=1) + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)


@with_range.misconception(
    "Dot products of shape (rows,) and biases of shape (rows, 1) have broadcast to (rows, rows), the trap of lesson 4: "
    "`.squeeze(-1)` for the biases."
)
class BroadcastsToASquare(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])
        if self.y_range is None:
            return score
        low, high = self.y_range
        return torch.sigmoid(score) * (high - low) + low


@with_range.misconception(
    "You kept the summed dimension to the end: the shape is (rows, 1), and one prediction a row is (rows,). `.squeeze(-1)`."
)
class KeepsDimension(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)
        score = dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])
        if self.y_range is None:
            return score
        low, high = self.y_range
        return torch.sigmoid(score) * (high - low) + low


@with_range.worked_example
def two_rows_bent():
    dot, user_bias, movie_bias = torch.tensor([3.0, -1.0]), torch.tensor([0.4, 0.4]), torch.tensor([0.1, -0.3])
    total = dot + user_bias + movie_bias
    yield "the dot products of two rows", dot
    yield "with both biases", total
    yield "bent into the range from 0 to 5.5", collabkit.sigmoid_range(total, 0, 5.5)
    yield "into a range from 1 to 5", collabkit.sigmoid_range(total, 1, 5)
    yield "with `y_range=None`", total


# ---- questions

five_out_of_reach = Question(
    "five_out_of_reach",
    prompt="Your model has the range (0, 5). Which score must a user and a film have together, for a prediction of exactly "
    "5 stars?",
    choices={
        "a": "5",
        "b": "A score above 1, since the sigmoid runs from 0 to 1.",
        "c": "There is none: each larger score comes closer, and none arrives.",
        "d": "0, the middle of the curve.",
    },
    right="c",
    why_not={
        "a": "A score of 5 is nothing special: the sigmoid of 5 is 0.993, which makes 4.97 stars.",
        "b": "0 to 1 is what comes *out* of the sigmoid. A score of 1 comes out as 0.731, or 3.66 stars.",
        "d": "In the middle the sigmoid is 0.5, which makes 2.5 stars.",
    },
    hints=(
        "5 stars are all of the way from 0 to 5. For which score is the sigmoid 1?",
        "1 / (1 + exp(-x)) is 1 only if exp(-x) is 0.",
    ),
)

saturation = Question(
    "saturation",
    prompt="Range (0, 5.5). Two ratings send their gradient back: film A is predicted with 5.4 stars and got 1, film B is "
    "predicted with 3 stars and got 2. Whose *score* is pushed harder?",
    choices={
        "a": "A's: its error is more than four times as large.",
        "b": "B's: the curve is so flat at 5.4 that little of A's large error comes through.",
        "c": "Both alike: the loss is the same function for both.",
        "d": "Neither: inside the range the gradient is 0.",
    },
    right="b",
    why_not={
        "a": "The error is only one factor of the gradient. The other one is the slope of the curve: ask your `range_slope` "
        "for 5.4 and for 3 stars, and multiply.",
        "c": "The loss is the same, the place on the curve is not, and the gradient has to go back through the curve.",
        "d": "It is 0 at the ends only, which no prediction reaches. A clamp would give 0, and outside of the range.",
    },
    hints=(
        "The push on the score is 2 times the error times the slope of the curve at the prediction.",
        "`4.4 * range_slope(5.4, 0, 5.5)` against `1 * range_slope(3, 0, 5.5)`.",
    ),
)

what_five_epochs_say = Question(
    "what_five_epochs_say",
    prompt="Two models, five epochs each, on the same split, where the damped biases reach 0.88. Validation losses of A: "
    "0.92, 0.85, 0.85, 0.88, 0.89, its training loss in the last epoch 0.29. Validation losses of B: 1.21, 1.06, 0.95, 0.86, "
    "0.85, its training loss in the last epoch 0.78. What may you conclude?",
    choices={
        "a": "B is the better model: it ends lower.",
        "b": "A is the better model: its first epoch and its training loss are far lower.",
        "c": "Neither beats the baseline by enough to matter.",
        "d": "A got there sooner and has begun to learn by heart, B has hardly arrived. About which can do better, once each is "
        "given its own time, five epochs say little.",
    },
    right="d",
    why_not={
        "a": "At the last epoch it is lower, but A has been as low three epochs before. The last epoch compares how far two "
        "models have got, and calls it how good they are.",
        "b": "The first epoch says where a model starts, and a low training loss beside a rising validation loss says that "
        "it remembers. Neither is what new ratings will get.",
        "c": "Both have been at 0.85, 0.03 below the baseline, which is more than the biases gained in lesson 4.",
    },
    hints=(
        "Look for the lowest validation loss of each, and for the epoch where it stands.",
        "In which direction is each curve going when it ends? What does a training loss of 0.29 tell beside 0.89?",
    ),
)
