"""Lesson 09: fastai's learner for ratings: trained, taken apart, counted, mended and used."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.collab import CollabDataLoaders, EmbeddingDotBias, collab_learner
from fastai.learner import Learner
from fastai.tabular.core import TabDataLoader
from torch import Tensor, nn

from autograde.exercise import EXAMPLE_SEED, Exercise, Question
from autograde.observe import CannotAsk, pairs, seeded
from collabkit.models import DotProductBias


def number(value: Any) -> float:
    if value is None:
        raise CannotAsk("gave nothing back: end with `return`")
    if isinstance(value, bool | np.bool_) or (isinstance(value, Tensor) and value.dtype is torch.bool):
        raise CannotAsk("gave True or False: give the number itself, so that one can see how far they are apart")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise CannotAsk(f"gave a {type(value).__name__}, expected one number") from None


def numbers(value: Any) -> list[float]:
    """A tensor, array, Series or list of numbers as a flat list."""
    if value is None:
        raise CannotAsk("gave nothing back: end with `return`")
    if isinstance(value, tuple | list) and any(isinstance(part, Tensor) and part.dim() for part in value):
        raise CannotAsk(f"gave {len(value)} things, expected one: the predictions alone")
    if isinstance(value, Tensor):
        value = value.detach().cpu()
    return np.asarray(value, dtype=float).flatten().tolist()


def filled(model: nn.Module, key: int) -> nn.Module:
    """The model, with numbers that follow from the key."""
    with torch.no_grad():
        for place, parameter in enumerate(model.parameters()):
            parameter.copy_(seeded(tuple(parameter.shape), key, place))
    return model


# ---- train_recommender


def train_recommender_(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn


train_recommender = Exercise(
    reference=train_recommender_,
    name="train_recommender",
    hints=(
        "Two calls: `collab_learner` makes the Learner from the loaders, and the Learner's `fit_one_cycle` trains it.",
        "`collab_learner` wants to know `n_factors` and `y_range`, `fit_one_cycle` the epochs, the rate and `wd`.",
        "`learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))`, then `learn.fit_one_cycle(epochs, lr, wd=wd)`, then "
        "`return learn`.",
    ),
)


class Stars:
    """A small table of ratings, and settings that are nobody's default."""

    def __init__(self, rng):
        n_users, n_movies = (int(n) for n in rng.choice(np.arange(12, 22), 2, replace=False))
        user, movie = pairs(rng, n_users, n_movies, rows=200).T.numpy()
        taste = rng.normal(0, 1.5, n_users)[user] + rng.normal(0, 1.5, n_movies)[movie]
        rating = (1 + 4 / (1 + np.exp(-taste))).astype("float32")
        self.ratings = pd.DataFrame({"user": user, "movie": movie, "rating": rating})
        self.epochs = int(rng.integers(2, 4))
        self.lr = float(rng.uniform(0.06, 0.09))
        self.wd = float(rng.uniform(0.2, 0.4))
        self.seed = int(rng.integers(1 << 20))
        self.fill = float(rng.uniform(0.05, 0.15))


@train_recommender.given
def stars(rng):
    return Stars(rng)


def trained(answer, given, epochs: int) -> Learner:
    """The Learner that comes back, trained on fastai's own loaders. CannotAsk when there is none, or an untrained one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fastai and pandas 3 disagree about arrays that may not be written to
        dls = CollabDataLoaders.from_df(given.ratings, bs=64, seed=given.seed, device="cpu")
        learn = answer(dls, epochs, given.lr, given.wd)
    if not isinstance(learn, Learner):
        came = "nothing" if learn is None else f"a {type(learn).__name__}"
        raise CannotAsk(f"gave {came} back, expected the Learner: `return learn`")
    if getattr(learn, "opt", None) is None or not hasattr(learn.recorder, "lrs"):
        raise CannotAsk("gave a Learner that was never trained: call its `fit_one_cycle`")
    return learn


@train_recommender.check(points=0.5)
def sizes_and_range(answer, given):
    """Makes a model with fifty factors and a bias each, and predictions between 0 and 5.5"""
    learn = trained(answer, given, epochs=1)
    model, x = learn.model.eval(), learn.dls.one_batch()[0]
    observed: dict[str, Any] = {
        "the shapes of its weights": sorted(list(parameter.shape) for parameter in model.parameters())
    }
    filled = f"the prediction of a model in which each number is {given.fill:.3f}"
    for name, fill in (("the highest prediction", 100.0), (filled, given.fill)):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(fill)
            observed[name] = float(model(x).flatten()[0])
    return observed


@train_recommender.check(points=0.5)
def training(answer, given):
    """Trains it as long as it is told, by squared error, the learning rate rising to `lr` and falling again, with `wd`"""
    learn = trained(answer, given, epochs=given.epochs)
    rates = learn.recorder.lrs
    x, y = (torch.cat(parts) for parts in zip(*learn.dls.valid, strict=True))
    with torch.no_grad():
        error = float(((learn.model.eval()(x).flatten() - y.flatten()) ** 2).mean())
    return {
        "epochs": len(learn.recorder.values),
        "learning rates, in thousandths": [1000 * float(rate) for rate in rates],
        "weight decay": float(learn.opt.hypers[0]["wd"]),
        "the loss": "squared error" if np.isclose(learn.recorder.values[-1][1], error, rtol=1e-5) else "something else",
    }


@train_recommender.misconception(
    "The range is missing, so a prediction may be any number, 7 stars or −2. Tell `collab_learner`: `y_range=(0, 5.5)`."
)
def without_range(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50)
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "With `y_range=(0, 5)` five stars are out of reach, since a sigmoid never arrives at its end: take `(0, 5.5)`."
)
def range_that_ends_at_five(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5))
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "You did not pass `wd` on. Then fastai decays by its Adam's own 0.01, which is neither none nor what you were told: "
    "`fit_one_cycle(epochs, lr, wd=wd)`."
)
def forgets_decay(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit_one_cycle(epochs, lr)
    return learn


@train_recommender.misconception(
    "`fine_tune` trains one epoch more than it is told, at rates of its own: it is meant for models that somebody has "
    "trained before. Nobody trained this one: `fit_one_cycle`."
)
def fine_tunes(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fine_tune(epochs, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "`fit` keeps one learning rate all the way. `fit_one_cycle` starts low, rises and falls again."
)
def trains_flat(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit(epochs, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "You trained with fastai's own learning rate. Pass yours on: `fit_one_cycle(epochs, lr, wd=wd)`."
)
def ignores_the_rate(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit_one_cycle(epochs, wd=wd)
    return learn


@train_recommender.misconception(
    "You trained five epochs, however many were asked for: `fit_one_cycle(epochs, lr, wd=wd)`."
)
def ignores_the_epochs(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit_one_cycle(5, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "`nn.MSELoss` holds each prediction against each rating of the batch. `collab_learner` brings the right loss along: "
    "leave `loss_func` out."
)
def broadcasts_the_loss(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5), loss_func=nn.MSELoss())
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn


@train_recommender.misconception(
    "`use_nn=True` makes a network. That is the next lesson: leave it out, and you get dot product and biases."
)
def takes_the_network(dls, epochs=5, lr=5e-3, wd=0.1):
    learn = collab_learner(dls, use_nn=True, y_range=(0, 5.5))
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn


@train_recommender.worked_example
def one_small_training():
    given = Stars(np.random.default_rng(EXAMPLE_SEED))
    learn = trained(train_recommender_, given, 2)
    yield "a table of ratings", given.ratings.head(3)
    yield "trained for two epochs, which is what fastai's own record of it says", learn.recorder.epoch + 1
    yield "the learning rate rose to", max(learn.recorder.lrs)
    yield "and this was asked for", given.lr
    yield (
        "the model's tables, of users, of films, and the biases of both",
        [tuple(parameter.shape) for parameter in learn.model.parameters()],
    )
    yield "what is returned: the Learner, whose model predicts within", learn.model.y_range


# ---- same_model


def same_model_(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    n_movies = theirs.i_weight.weight.shape[0]
    mine = DotProductBias(n_users, n_movies, n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.copy_(theirs.u_bias.weight)
        mine.movie_bias.weight.copy_(theirs.i_bias.weight)
    return mine


same_model = Exercise(
    reference=same_model_,
    name="same_model",
    hints=(
        "First the sizes, from the shapes of `theirs.u_weight.weight` and `theirs.i_weight.weight`, and `theirs.y_range`. "
        "With them you can build a `DotProductBias` of the same form.",
        "Then four copies: `u_weight` to `user_factors`, `i_weight` to `movie_factors`, `u_bias` and `i_bias` to the biases.",
        "Within `torch.no_grad()`: `mine.user_factors.weight.copy_(theirs.u_weight.weight)`, likewise the other three. "
        "`copy_` copies the numbers; `=` would only give the same table a second name.",
    ),
)


class Theirs:
    """Sizes, range and weights of a small EmbeddingDotBias, and a batch for it."""

    def __init__(self, rng, n_users: int, n_items: int, n_factors: int):
        self.n_users, self.n_items, self.n_factors = n_users, n_items, n_factors
        low = float(rng.uniform(-1.5, -0.5))
        self.y_range = (low, low + float(rng.uniform(7, 9)))
        self.batch = pairs(rng, n_users, n_items, rows=13)
        self.key = int(rng.integers(1 << 30))

    def model(self, y_range: Any = "its own") -> EmbeddingDotBias:
        y_range = self.y_range if y_range == "its own" else y_range
        return filled(EmbeddingDotBias(self.n_factors, self.n_users, self.n_items, y_range=y_range), self.key)


@same_model.given
def two_models(rng):
    """One with unequal numbers of users and films, and one where they are equal, so that a swap raises no error."""
    return Theirs(rng, 7, 11, 5), Theirs(rng, 9, 9, 4)


def carried_over(answer, theirs: EmbeddingDotBias) -> nn.Module:
    mine = answer(theirs)
    if isinstance(mine, EmbeddingDotBias):
        raise CannotAsk("gave a model of fastai's class back: build a `DotProductBias` and carry the weights over")
    if not isinstance(mine, nn.Module):
        came = "nothing" if mine is None else f"a {type(mine).__name__}"
        raise CannotAsk(f"gave {came} back, expected your model: `return mine`")
    return mine


@same_model.check(points=0.75)
def same_predictions(answer, given):
    """Predicts the same as the model whose weights it took"""
    return carried_over(answer, given[0].model())(given[0].batch).detach()


@same_model.check(points=0.25)
def as_many_users_as_films(answer, given):
    """Does so too where there are as many users as films"""
    return carried_over(answer, given[1].model())(given[1].batch).detach()


@same_model.check(points=0.25)
def no_range(answer, given):
    """Leaves the predictions free where theirs are"""
    return carried_over(answer, given[0].model(y_range=None))(given[0].batch).detach()


@same_model.check(points=0.5)
def stands_alone(answer, given):
    """Has numbers of its own: theirs stay as they were, whatever happens to yours"""
    theirs = given[0].model()
    mine = carried_over(answer, theirs)
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.add_(1)
    return theirs(given[0].batch).detach()


@same_model.check(points=0.25)
def learns_on(answer, given):
    """Can be trained further, all four tables of it"""
    mine = carried_over(answer, given[0].model())
    for _ in range(2):
        (mine(given[0].batch) - 3).pow(2).mean().backward()
        with torch.no_grad():
            for parameter in mine.parameters():
                if parameter.grad is not None:
                    parameter -= 0.5 * parameter.grad
                    parameter.grad = None
    return mine(given[0].batch).detach()


@same_model.misconception(
    "You swapped users and films: `u_` are fastai's users and `i_` its items, the films. `u_weight` belongs into "
    "`user_factors`, `i_weight` into `movie_factors`, and the biases likewise."
)
def swaps_users_and_films(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.i_weight.weight)
        mine.movie_factors.weight.copy_(theirs.u_weight.weight)
        mine.user_bias.weight.copy_(theirs.i_bias.weight)
        mine.movie_bias.weight.copy_(theirs.u_bias.weight)
    return mine


@same_model.misconception(
    "The factors are in the right place, the two biases are swapped: `u_bias` belongs into `user_bias`, `i_bias` into "
    "`movie_bias`."
)
def swaps_the_biases(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.copy_(theirs.i_bias.weight)
        mine.movie_bias.weight.copy_(theirs.u_bias.weight)
    return mine


@same_model.misconception(
    "The factors are carried over, the biases are not: theirs are in `u_bias` and `i_bias`, yours still near 0."
)
def forgets_the_biases(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.zero_()
        mine.movie_bias.weight.zero_()
    return mine


@same_model.misconception(
    "The weights are right, the range is not: your model squeezes its predictions into its default of 0 to 5.5. Hand theirs "
    "over, `y_range=theirs.y_range`."
)
def forgets_the_range(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=(0, 5.5))
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.copy_(theirs.u_bias.weight)
        mine.movie_bias.weight.copy_(theirs.i_bias.weight)
    return mine


@same_model.misconception(
    "Your model has the fifty factors of its default, theirs has another number: it is the second number in the shape of "
    "`theirs.u_weight.weight`."
)
def takes_fifty_factors(theirs):
    mine = DotProductBias(len(theirs.u_weight.weight), len(theirs.i_weight.weight), y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.copy_(theirs.u_bias.weight)
        mine.movie_bias.weight.copy_(theirs.i_bias.weight)
    return mine


@same_model.misconception(
    "`=` copies nothing: both models now hold the same tables, and whoever trains one changes the other. Copy the numbers: "
    "`mine.user_factors.weight.copy_(theirs.u_weight.weight)`, within `torch.no_grad()`."
)
def shares_the_tables(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    mine.user_factors, mine.movie_factors = theirs.u_weight, theirs.i_weight
    mine.user_bias, mine.movie_bias = theirs.u_bias, theirs.i_bias
    return mine


@same_model.misconception(
    "`nn.Embedding.from_pretrained` freezes what it is given, so your model cannot learn any more. Keep the embeddings "
    "that `DotProductBias` made and copy the numbers into them (or say `freeze=False`)."
)
def freezes_the_tables(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    mine.user_factors = nn.Embedding.from_pretrained(theirs.u_weight.weight.detach().clone())
    mine.movie_factors = nn.Embedding.from_pretrained(theirs.i_weight.weight.detach().clone())
    mine.user_bias = nn.Embedding.from_pretrained(theirs.u_bias.weight.detach().clone())
    mine.movie_bias = nn.Embedding.from_pretrained(theirs.i_bias.weight.detach().clone())
    return mine


@same_model.misconception(
    "Your model has the right sizes and still its own random numbers: nothing was carried over. Copy all four tables, "
    "`mine.user_factors.weight.copy_(theirs.u_weight.weight)` and so on, within `torch.no_grad()`."
)
def carries_nothing_over(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    return DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)


@same_model.misconception(
    "PyTorch refuses to overwrite a parameter while it keeps book for gradients, and copying weights is nothing to learn "
    "from: put the copies into `with torch.no_grad():`."
)
def forgets_no_grad(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    mine.user_factors.weight.copy_(theirs.u_weight.weight)
    return mine


@same_model.misconception(
    "You copied in the wrong direction: what stands before `.copy_` is overwritten. Yours takes theirs, "
    "`mine.user_factors.weight.copy_(theirs.u_weight.weight)`."
)
def copies_the_wrong_way(theirs):
    n_users, n_factors = theirs.u_weight.weight.shape
    mine = DotProductBias(n_users, len(theirs.i_weight.weight), n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.zero_()
        theirs.u_weight.weight.copy_(mine.user_factors.weight)
        theirs.i_weight.weight.copy_(mine.movie_factors.weight)
        theirs.u_bias.weight.copy_(mine.user_bias.weight)
        theirs.i_bias.weight.copy_(mine.movie_bias.weight)
    return mine


@same_model.misconception(
    "A copy of fastai's model is fastai's model, and proves nothing about yours. Build a `DotProductBias` and carry the "
    "weights over."
)
def copies_theirs(theirs):
    return copy.deepcopy(theirs)


@same_model.worked_example
def three_users():
    theirs = filled(EmbeddingDotBias(2, 3, 4, y_range=(0, 5.5)), 7)
    mine, x = same_model_(theirs), torch.tensor([[0, 3], [2, 1]])
    yield "their users' factors, `theirs.u_weight.weight`", theirs.u_weight.weight
    yield "the users' factors of your model, afterwards", mine.user_factors.weight
    yield "their films' biases, `theirs.i_bias.weight`", theirs.i_bias.weight
    yield "the films' biases of your model, afterwards", mine.movie_bias.weight
    yield "what they predict for two rows", theirs(x)
    yield "what your model predicts", mine(x)


# ---- largest_difference


def largest_difference_(one, other, x):
    one.eval()
    other.eval()
    with torch.no_grad():
        return (one(x).flatten() - other(x).flatten()).abs().max().item()


largest_difference = Exercise(
    reference=largest_difference_,
    name="largest_difference",
    hints=(
        "Before you ask a model, put it into the mode in which it predicts: `one.eval()`, `other.eval()`.",
        "Make both answers flat before you subtract, `one(x).flatten()`: (rows,) minus (rows, 1) would be (rows, rows).",
        "Within `torch.no_grad()`: `return (one(x).flatten() - other(x).flatten()).abs().max().item()`",
    ),
)


class TwoModels:
    """Two small models with dropout, in training mode; the first answers with (rows, 1), the second with (rows,)."""

    def __init__(self, rng):
        self.x = pairs(rng, 12, 12, rows=9)
        self.key = int(rng.integers(1 << 30))
        self.ahead = float(rng.uniform(3, 4))

    def models(self, ahead: float = 0.0, keys: int = 1) -> tuple[nn.Module, nn.Module]:
        """Both models; with two keys their weights differ, and `ahead` is added to what the second one says."""
        made = []
        for place in range(2):
            model = nn.Sequential(nn.Embedding(12, 3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(6, 1), nn.Flatten(0))
            model = model if place else model[:-1]  # (rows, 1)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.copy_(seeded(tuple(parameter.shape), self.key, place % keys) / 2)
                model[3].bias += ahead * place
            made.append(model.train())
        return tuple(made)


@largest_difference.given
def two_small_models(rng):
    """Models whose largest difference in one row is not the largest between any two rows, which broadcasting finds."""
    while True:
        given = TwoModels(rng)
        with torch.no_grad():
            one, other = (model.eval()(given.x).flatten() for model in given.models(keys=2))
        gaps, all_gaps = other - one, other[:, None] - one
        if gaps.max() + 0.01 < all_gaps.max() and gaps.min() - 0.01 > all_gaps.min():
            return given


@largest_difference.check(points=0.25)
def none_between_equals(answer, given):
    """Finds no difference between two models with the same weights, one that answers (rows, 1), one (rows,)"""
    alike, other = given.models(), given.models(-given.ahead)
    return {
        "the same weights": number(answer(*alike, given.x)),
        f"all predictions of one lower by {given.ahead:.2f}": number(answer(*other, given.x)),
    }


@largest_difference.check(points=0.25)
def the_largest(answer, given):
    """Gives the largest distance between two predictions, whichever of them is higher"""
    return {
        "the second model higher": number(answer(*given.models(given.ahead, keys=2), given.x)),
        "the first model higher": number(answer(*given.models(-given.ahead, keys=2), given.x)),
    }


@largest_difference.check(points=0.25)
def with_itself(answer, given):
    """Finds no difference between a model and itself"""
    model, lower = given.models()[1], given.models(-given.ahead)[1]
    return {
        "a model and itself": number(answer(model, model, given.x)),
        f"a model and itself, lower by {given.ahead:.2f}": number(answer(model, lower, given.x)),
    }


@largest_difference.misconception(
    "You compared before `eval()`. A model in training mode may drop some of its numbers at random, so it differs even from "
    "itself: `one.eval()` and `other.eval()` first."
)
def forgets_eval(one, other, x):
    with torch.no_grad():
        return (one(x).flatten() - other(x).flatten()).abs().max().item()


@largest_difference.misconception(
    "You took the largest difference with its sign, so where the second model is higher, you find less than there is: "
    "`.abs()` before `.max()`."
)
def keeps_the_sign(one, other, x):
    one.eval(), other.eval()
    with torch.no_grad():
        return (one(x).flatten() - other(x).flatten()).max().item()


@largest_difference.misconception(
    "You averaged. A mean hides the one row that is wrong among a thousand right ones: take the `.max()`."
)
def averages(one, other, x):
    one.eval(), other.eval()
    with torch.no_grad():
        return (one(x).flatten() - other(x).flatten()).abs().mean().item()


@largest_difference.misconception(
    "One model answers with (rows, 1), the other with (rows,), and their difference broadcast to (rows, rows): each "
    "prediction against each. Flatten both first."
)
def broadcasts(one, other, x):
    one.eval(), other.eval()
    with torch.no_grad():
        return (one(x) - other(x)).abs().max().item()


@largest_difference.misconception(
    "That the predictions are the same on the whole, `allclose`, is a verdict. Here the number is asked for: the largest "
    "distance, `.abs().max().item()`."
)
def says_yes_or_no(one, other, x):
    one.eval(), other.eval()
    with torch.no_grad():
        return torch.allclose(one(x).flatten(), other(x).flatten(), atol=1e-5)


@largest_difference.worked_example
def three_rows():
    one, other = torch.tensor([3.5, 4.25, 1.0]), torch.tensor([3.0, 4.5, 3.0])
    yield "what one model predicts for three rows", one
    yield "what the other predicts", other
    yield "one minus the other", one - other
    yield "without the sign", (one - other).abs()
    yield "the largest of these, as a number", (one - other).abs().max().item()


# ---- times_seen


def times_seen_(batches, pairs):
    seen = Counter(tuple(pair) for x, *_ in batches for pair in x.tolist())
    return torch.tensor([seen[tuple(pair)] for pair in pairs.tolist()])


times_seen = Exercise(
    reference=times_seen_,
    name="times_seen",
    hints=(
        "Go through all batches and count the pairs. Rows of a tensor cannot be counted as they are; tuples can: "
        "`tuple(pair) for pair in x.tolist()`.",
        "`Counter` counts whatever comes by, and answers 0 for what never came. Then ask it for each pair, in their order.",
        "`seen = Counter(tuple(pair) for x, y in batches for pair in x.tolist())`, then "
        "`return torch.tensor([seen[tuple(pair)] for pair in pairs.tolist()])`",
    ),
)


class Epoch:
    """Pairs (user, film), and batches in which some come often and some never; all are known the other way round too."""

    def __init__(self, rng):
        one_way = [(a, b) for a in range(1, 8) for b in range(a + 1, 9)]
        chosen = np.array(one_way)[rng.permutation(len(one_way))[:12]]
        self.pairs = torch.from_numpy(np.concatenate([chosen, chosen[:, ::-1]])[rng.permutation(24)].copy())
        times = rng.permutation([0] * 7 + [1] * 8 + [2] * 5 + [3] * 3 + [4])
        self.with_replacement = self.batches(rng, times)
        self.without = self.batches(rng, np.ones(24, dtype=int))
        strangers = torch.tensor([[n, 20 + n] for n in range(1, 2 + int(rng.integers(2, 5)))])
        self.more = torch.cat([self.pairs, strangers])[torch.from_numpy(rng.permutation(24 + len(strangers)))]

    def batches(self, rng, times) -> list[tuple[Tensor, Tensor]]:
        rows = torch.from_numpy(rng.permutation(np.repeat(np.arange(24), times)))
        return [(self.pairs[part], torch.ones(len(part), 1)) for part in rows.split(5)]


@times_seen.given
def epochs(rng):
    return Epoch(rng)


@times_seen.check(points=0.25)
def each_once(answer, given):
    """Counts 1 for each pair that comes exactly once, and 0 for each that is in no batch"""
    return numbers(answer(given.without, given.more))


@times_seen.check(points=0.5)
def repeated_and_missing(answer, given):
    """Counts how often each pair came by, 0 for those that never did, in the order of `pairs`"""
    return numbers(answer(given.with_replacement, given.pairs))


@times_seen.misconception("You noted *whether* a pair came by. How often is the question: twice is not once.")
def whether_it_came(batches, pairs):
    seen = {tuple(pair) for x, *_ in batches for pair in x.tolist()}
    return torch.tensor([int(tuple(pair) in seen) for pair in pairs.tolist()])


@times_seen.misconception("You looked at the first batch only. An epoch is all of them: `for x, y in batches`.")
def first_batch_only(batches, pairs):
    seen = Counter(tuple(pair) for pair in next(iter(batches))[0].tolist())
    return torch.tensor([seen[tuple(pair)] for pair in pairs.tolist()])


@times_seen.misconception(
    "You counted the pairs that came by, so those that never came are missing from the list, and nothing tells which count "
    "belongs to which pair. Give one number for each row of `pairs`, 0 included."
)
def leaves_the_unseen_out(batches, pairs):
    seen = Counter(tuple(pair) for x, *_ in batches for pair in x.tolist())
    return torch.tensor(list(seen.values()))


@times_seen.misconception(
    "The counts are right, but in an order of their own, as `unique` sorts them. Give them in the order of `pairs`."
)
def in_sorted_order(batches, pairs):
    seen = Counter(tuple(pair) for x, *_ in batches for pair in x.tolist())
    return torch.tensor([seen[tuple(pair)] for pair in sorted(pairs.tolist())])


@times_seen.misconception(
    "You counted the users. A user has many ratings, each with another film: the pair is what identifies a rating."
)
def counts_users(batches, pairs):
    seen = Counter(user for x, *_ in batches for user in x[:, 0].tolist())
    return torch.tensor([seen[user] for user in pairs[:, 0].tolist()])


@times_seen.misconception(
    "User 3 with film 5 and user 5 with film 3 are two ratings, and a `set` cannot tell them apart: count tuples."
)
def forgets_the_order(batches, pairs):
    seen = Counter(frozenset(pair) for x, *_ in batches for pair in x.tolist())
    return torch.tensor([seen[frozenset(pair)] for pair in pairs.tolist()])


@times_seen.misconception(
    "You counted tensors. Two tensors with the same numbers are two different keys, so nothing is ever found twice, or at "
    "all: make tuples of them, `tuple(pair) for pair in x.tolist()`."
)
def counts_tensors(batches, pairs):
    seen = Counter(pair for x, *_ in batches for pair in x)
    return torch.tensor([seen[pair] for pair in pairs])


@times_seen.worked_example
def two_batches():
    rated = torch.ones(3, 1)
    batches = [(torch.tensor([[1, 5], [2, 5], [1, 5]]), rated), (torch.tensor([[3, 4], [1, 5], [2, 6]]), rated)]
    wanted = torch.tensor([[1, 5], [2, 5], [3, 4], [3, 5]])
    yield "the pairs (user, film) of the first batch", batches[0][0]
    yield "and of the second", batches[1][0]
    yield "the pairs to count", wanted
    yield "how often each of them came by, in this order", times_seen_(batches, wanted)


# ---- mended_loaders


def mended_loaders_(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(
        ratings, item_name="title", bs=bs, seed=seed, dl_type=TabDataLoader, drop_last=False
    )


mended_loaders = Exercise(
    reference=mended_loaders_,
    name="mended_loaders",
    elsewhere=("collabkit.batches.CollabDataLoaders",),
    hints=(
        "`from_df` hands what it does not know itself on to the loaders. The class of the loaders is such an option: "
        "`dl_type`.",
        "`TabDataLoader` shuffles without replacement. Like most training loaders it then drops the last batch if that is not "
        "full: `drop_last` decides.",
        '`return CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=seed, dl_type=TabDataLoader, '
        "drop_last=False)`",
    ),
)


class Table:
    """Tables of ratings whose training part is a number of full batches, and one where some are left over."""

    def __init__(self, rng):
        self.bs = int(rng.choice([8, 12, 16]))
        self.seed = int(rng.integers(1 << 20))
        self.full = self.table(rng, 10 * self.bs)
        self.leftover = self.table(rng, 10 * self.bs + 5)

    @staticmethod
    def table(rng, n_train: int) -> pd.DataFrame:
        n = next(n for n in range(n_train, 2 * n_train) if n - int(0.2 * n) == n_train)
        cells = rng.permutation(30 * 20)[:n]
        user, movie = cells // 20 + 100, cells % 20 + 500
        title = [f"Film {number:03}" for number in movie]
        stars = rng.integers(1, 6, n).astype("float32")
        return pd.DataFrame({"user": user, "movie": movie, "rating": stars, "title": title})


@mended_loaders.given
def tables(rng):
    return Table(rng)


def loaders(answer, given, ratings: pd.DataFrame) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fastai and pandas 3 disagree about arrays that may not be written to
        dls = answer(ratings.copy(), given.bs, given.seed)
    if dls is None or not hasattr(dls, "train") or not hasattr(dls, "valid"):
        came = "nothing" if dls is None else f"a {type(dls).__name__}"
        raise CannotAsk(f"gave {came} back, expected the loaders that `from_df` makes")
    if not isinstance(dls.train, TabDataLoader):
        raise CannotAsk(f"gave loaders of another make ({type(dls.train).__name__}): the exercise is about fastai's")
    return dls


def names_in(dls, loader) -> list[list[list[str]]]:
    """The batches of an epoch, each a list of (user, film) by their names."""
    places = [list(vocabulary) for vocabulary in dls.classes.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [[[str(places[0][user]), str(places[1][movie])] for user, movie in x.tolist()] for x, *_ in loader]


def flat(batches: list[list[list[str]]]) -> list[tuple[str, str]]:
    return [(user, film.removeprefix("Film ")) for batch in batches for user, film in batch]


def some(count: int) -> str:
    return "some" if count else "none"  # how many are missed by drawing is chance: that some are, is not


def times_shown(train, valid, ratings: pd.DataFrame) -> dict[str, str]:
    shown = Counter(flat(train))
    all_of_them = set(zip(ratings["user"].astype(str), ratings["movie"].astype(str), strict=True))
    for_training = len(ratings) - len(flat(valid))  # counted: who is only in the part held back goes by `#na#` there
    return {
        "ratings never shown": some(for_training - len(all_of_them & set(shown))),
        "ratings shown more than once": some(sum(often > 1 for often in shown.values())),
    }


def once_seen(came, given) -> dict[str, Any]:
    shown = times_shown(came["train"], came["valid"], given.full)
    return {**shown, "size of the first batch": len(came["train"][0]) if came["train"] else 0}


@mended_loaders.check(points=0.5, look=once_seen)
def once_an_epoch(answer, given):
    """Shows each training rating exactly once an epoch, in batches of `bs`"""
    dls = loaders(answer, given, given.full)
    return {"train": names_in(dls, dls.train), "valid": names_in(dls, dls.valid)}


def leftover_seen(came, given) -> dict[str, str]:
    return times_shown(came["train"], came["valid"], given.leftover)


@mended_loaders.check(points=0.25, look=leftover_seen)
def the_last_few_too(answer, given):
    """Does so too where the last batch is not full"""
    dls = loaders(answer, given, given.leftover)
    return {"train": names_in(dls, dls.train), "valid": names_in(dls, dls.valid)}


def split_seen(came, given) -> dict[str, Any]:
    one, two, valid, again = (flat(came[name]) for name in ("first", "second", "valid", "again"))
    return {
        "the order in the second epoch": "the same" if one == two else "another",
        "ratings held back": len(valid),
        "of them shown in training": len(set(one) & set(valid)),
        "ratings held back, made again with the same seed": "the same" if valid == again else "others",
        "vocabularies for": came["vocabularies for"],
    }


@mended_loaders.check(points=0.25, look=split_seen)
def shuffled_and_split(answer, given):
    """Has another order in every epoch, and the same fifth of the ratings held back for the same seed"""
    dls, again = (loaders(answer, given, given.full) for _ in range(2))
    return {
        "first": names_in(dls, dls.train),
        "second": names_in(dls, dls.train),
        "valid": names_in(dls, dls.valid),
        "again": names_in(again, again.valid),
        "vocabularies for": [str(name) for name in dls.classes],
    }


@mended_loaders.misconception(
    "These loaders are still fastai's as they come: ratings are drawn with replacement, some come several times, others not "
    "at all. Another class of loader does it: `dl_type=TabDataLoader`."
)
def as_they_come(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=seed)


@mended_loaders.misconception(
    "Without shuffling each rating comes once, but in the same order in every epoch, and the model learns the order too. Keep "
    "the shuffling and change the class: `dl_type=TabDataLoader`."
)
def stops_shuffling(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=seed, shuffle=False)


@mended_loaders.misconception(
    "The last batch of an epoch is not full, and fastai drops it, so a few ratings are left out each time: "
    "`drop_last=False`."
)
def drops_the_last(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=seed, dl_type=TabDataLoader)


@mended_loaders.misconception(
    "Your batches have fastai's own size of 64, whatever was asked for: pass `bs` on, `from_df(..., bs=bs)`."
)
def ignores_the_size(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, item_name="title", seed=seed, dl_type=TabDataLoader, drop_last=False)


@mended_loaders.misconception(
    "Made twice with the same seed, your loaders hold back other ratings. Pass the seed on, `from_df(..., seed=seed)`, or no "
    "two results can be compared."
)
def ignores_the_seed(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, dl_type=TabDataLoader, drop_last=False)


@mended_loaders.misconception(
    'Your films go by their ids, the second column. Say `item_name="title"`: two ids with one title are then one film, and '
    "what you look at can be read."
)
def goes_by_ids(ratings, bs=64, seed=42):
    return CollabDataLoaders.from_df(ratings, bs=bs, seed=seed, dl_type=TabDataLoader, drop_last=False)


@mended_loaders.worked_example
def one_epoch_counted():
    ratings = Table.table(np.random.default_rng(EXAMPLE_SEED), 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        dls = mended_loaders_(ratings, bs=8, seed=1)
    sizes = [len(x) for x, *_ in dls.train]
    yield "a table of ratings", ratings.head(3)
    yield "how many there are, and how many of them are for training", (len(ratings), len(dls.train_ds))
    yield "the sizes of the batches that one epoch brings, the last one smaller", sizes
    yield "together, so that no rating is left out and none comes twice", sum(sizes)


# ---- predict_ratings


def predict_ratings_(learn, pairs):
    batches = learn.dls.test_dl(pairs)
    learn.model.eval()
    with torch.no_grad():
        return torch.cat([learn.model(x) for x, *_ in batches])


predict_ratings = Exercise(
    reference=predict_ratings_,
    name="predict_ratings",
    hints=(
        "`learn.dls.test_dl(pairs)` makes a loader of new rows, with the vocabularies of the training. It gives batches, and "
        "the first part of each is `x`.",
        "`learn.get_preds(dl=...)` would go through it, but stumbles over a single row. Call the model yourself, batch by batch: "
        "`learn.model(x)`.",
        "`learn.model.eval()`, then within `torch.no_grad()`: "
        "`return torch.cat([learn.model(x) for x, *_ in learn.dls.test_dl(pairs)])`",
    ),
)


class Trained:
    """Ratings, weights for a Learner on them, and pairs to predict, known ones and strangers."""

    def __init__(self, rng):
        cells = rng.permutation(12 * 9)[:80]
        user, movie = cells // 9 + 3, cells % 9
        titles = np.array([f"Film {letter}" for letter in "ABCDEFGHI"])
        rating = rng.integers(1, 6, 80).astype("float32")
        self.ratings = pd.DataFrame({"user": user, "title": titles[movie], "rating": rating})
        self.key = int(rng.integers(1 << 30))
        rows = rng.permutation(80)[:11]
        self.pairs = self.ratings.loc[rows, ["user", "title"]].reset_index(drop=True)
        strangers = pd.DataFrame(
            {"user": [int(user[0]), 4711], "title": ["A film that nobody rated", titles[movie[1]]]}
        )
        self.with_strangers = pd.concat([strangers, self.pairs[:3]], ignore_index=True)

    def learner(self) -> Learner:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dls = CollabDataLoaders.from_df(self.ratings, bs=4, seed=self.key, device="cpu")
        model = filled(EmbeddingDotBias.from_classes(5, dls.classes, y_range=(0, 5.5)), self.key)
        return Learner(dls, model, loss_func=nn.MSELoss())


@predict_ratings.given
def a_learner(rng):
    return Trained(rng)


def predictions(answer, given, pairs: pd.DataFrame) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 4 will refuse what fastai does with a stranger
        return numbers(answer(given.learner(), pairs.copy()))


@predict_ratings.check(points=0.25)
def in_their_order(answer, given):
    """Gives a prediction for each pair, in their order, strangers included"""
    return {
        "pairs it knows": predictions(answer, given, given.pairs),
        "with strangers": predictions(answer, given, given.with_strangers),
    }


@predict_ratings.check(points=0.25)
def a_single_pair(answer, given):
    """Predicts a single pair too"""
    return predictions(answer, given, given.pairs[4:5])


@predict_ratings.misconception(
    "`get_preds()` without a loader predicts the validation ratings, whatever you asked about. Make a loader of your pairs: "
    "`learn.dls.test_dl(pairs)`."
)
def predicts_the_validation(learn, pairs):
    with learn.no_bar(), learn.no_logging():
        return learn.get_preds()[0]


@predict_ratings.misconception(
    "`learn.predict` does not work for this kind of learner: it makes a list of the row and then looks for columns in it. Make "
    "a loader of all pairs, `learn.dls.test_dl(pairs)`."
)
def predicts_row_by_row(learn, pairs):
    with learn.no_bar(), learn.no_logging():
        return torch.tensor([float(learn.predict(pairs.iloc[i])[0]) for i in range(len(pairs))])


@predict_ratings.misconception(
    "`get_preds` with your own loader is right, as long as there are two pairs or more. With a single one it fails inside "
    "fastai: call `learn.model(x)` on the batches yourself."
)
def fails_for_one(learn, pairs):
    with learn.no_bar(), learn.no_logging():
        return learn.get_preds(dl=learn.dls.test_dl(pairs))[0]


@predict_ratings.misconception(
    "`get_preds` gives two things back, the predictions and what they should have been. Take the first: `[0]`."
)
def gives_both(learn, pairs):
    with learn.no_bar(), learn.no_logging():
        return learn.get_preds(dl=learn.dls.test_dl(pairs))


@predict_ratings.misconception(
    "You looked at the first batch only, so all pairs behind it have no prediction: go through all batches of the loader and "
    "join what comes out with `torch.cat`."
)
def first_batch_of_pairs(learn, pairs):
    x = next(iter(learn.dls.test_dl(pairs)))[0]
    with torch.no_grad():
        return learn.model.eval()(x)


@predict_ratings.misconception(
    "You took the ids of the table for positions. Position 5 is whoever stands fifth in the vocabulary, not user 5: let "
    "`learn.dls.test_dl(pairs)` look them up."
)
def takes_ids_for_positions(learn, pairs):
    titles = {title: place for place, title in enumerate(learn.dls.classes["title"])}
    n_users = len(learn.dls.classes["user"])
    places = [[user % n_users, titles.get(title, 0)] for user, title in pairs.to_numpy().tolist()]
    with torch.no_grad():
        return learn.model.eval()(torch.tensor(places))


# ---- questions

what_fine_tune_did = Question(
    "what_fine_tune_did",
    prompt="`fine_tune` is made for models that somebody has trained before. What did `small_learn.fine_tune(5)` do with this one?",
    choices={
        "a": "It loaded embeddings that were trained on other films, and then went on with them.",
        "b": "It froze the factors for five epochs and trained the biases alone.",
        "c": "It trained six epochs: one, then five at half the rate. There was nothing to freeze.",
        "d": "The same as `fit_one_cycle(5)`.",
    },
    right="c",
    why_not={
        "a": "There is nowhere to load them from: the ids of these users and films mean nothing to anybody else. The factors "
        "started from random numbers near zero.",
        "b": "Freezing holds all groups of layers but the last one. This model has a single group, which is the last, so all four "
        "tables may move from the first step on. The cell printed it.",
        "d": "Look at the two tables: there is one epoch before the five, with a schedule of its own, and the highest rate of the "
        "five is half as high.",
    },
    hints=(
        "Count the rows of both tables that the training printed.",
        "`fine_tune` first trains with all but the last group of layers frozen. How many groups does this model have?",
    ),
)

how_many_numbers = Question(
    "how_many_numbers",
    prompt="A printed model says `(u_weight): Embedding(11, 5)`, `(i_weight): Embedding(17, 5)`, "
    "`(u_bias): Embedding(11, 1)`, `(i_bias): Embedding(17, 1)`. How many numbers does it learn?",
    choices={"a": "28", "b": "140", "c": "935", "d": "168"},
    right="d",
    why_not={
        "a": "11 + 17 counts the rows, or the biases alone. Each row of the first two tables holds five numbers more.",
        "b": "That is 11 · 5 + 17 · 5, the factors. The biases are learned too: one more for each row.",
        "c": "11 · 17 · 5 would be five numbers for each *pair*. The point of factors is that there are none for pairs: rows add "
        "up, they do not multiply.",
    },
    hints=(
        "`Embedding(n, k)` is a table of n rows with k numbers each.",
        "Four tables: 11 · 5, 17 · 5, 11 · 1 and 17 · 1.",
    ),
)

not_quite_zero = Question(
    "not_quite_zero",
    prompt="The tables are the same, the formula is the same, only the order of the sum is not. The largest difference of the "
    "predictions is about a millionth of a star, and not 0. What do you conclude?",
    choices={
        "a": "The weights were copied with a small error: one of the tables must have been rounded.",
        "b": "They are two different models that happen to agree on these ratings.",
        "c": "One of the two was still in training mode.",
        "d": "They are the same model. Every sum is rounded, so another order ends in another last digit.",
    },
    right="d",
    why_not={
        "a": "Both hold 32-bit numbers, and a copy of a 32-bit number is that number. With the old order the difference was "
        "exactly 0.",
        "b": "They would have to agree on thousands of pairs in six digits, by chance. With the same numbers in the same formula "
        "there is a simpler reason.",
        "c": "Training mode changes something only where there is dropout or batch normalisation, and then by far more than the "
        "sixth digit. This model has neither.",
    },
    hints=(
        "A 32-bit float has about seven digits. How many are there in 3.7654321?",
        "Each sum is rounded to what a float can hold. Does it matter what was added, and rounded, before?",
    ),
)

what_gave_it_away = Question(
    "what_gave_it_away",
    prompt="fastai's loader left out more than a third of the ratings in each epoch. Which sign of it did you get *before* you "
    "counted?",
    choices={
        "a": "The loss on the training ratings stopped falling.",
        "b": "The result was worse than a number that you knew from elsewhere. Nothing else.",
        "c": "The validation loss could not be trusted, since the same ratings were missing there.",
        "d": "Each epoch had fewer batches than it should have had.",
    },
    right="b",
    why_not={
        "a": "It fell all the way. What was drawn twice is even easier to learn: the training loss looks better than it should.",
        "c": "The validation loader does not shuffle, so it draws nothing: each rating held back came exactly once. That is why "
        "this number could be trusted.",
        "d": "As many ratings are drawn as there are, so the number of batches is right. Only some ratings come more than once.",
    },
    hints=(
        "Think of what you had on the screen when you became suspicious: two numbers. Where did the other one come from?",
        "No message, no missing batch, a falling loss: none of them knows how good the model *could* be.",
    ),
)
