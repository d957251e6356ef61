"""Lesson 05: right answers written otherwise earn everything, and what the lesson tells about ranges is so."""

import pytest
import torch
from fastai.basics import Module
from fastai.layers import Embedding, SigmoidRange
from torch import nn

import collabkit
from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge
from collabkit.ratings import load_ratings, planted_world


EXERCISES = of_lesson("sigmoid_range")
SEEDS = range(5)


def by_tanh(x, low, high):
    return low + (high - low) * (1 + torch.tanh(x / 2)) / 2


def by_softmax(x, low, high):
    shares = torch.stack([x, torch.zeros_like(x)], dim=-1).softmax(dim=-1)
    return (shares * torch.tensor([float(high), float(low)])).sum(dim=-1)


def by_lerp(x, low, high):
    return torch.lerp(torch.tensor(float(low)), torch.tensor(float(high)), x.sigmoid())


def slope_by_autograd(stars, low, high):
    share = torch.tensor((stars - low) / (high - low), dtype=torch.float64)
    x = share.logit().requires_grad_()
    (torch.sigmoid(x) * (high - low) + low).backward()
    return x.grad


def slope_by_difference(stars, low, high, step=1e-4):
    def curve(x):
        return torch.sigmoid(x) * (high - low) + low

    x = torch.logit(torch.tensor((stars - low) / (high - low), dtype=torch.float64))
    return ((curve(x + step) - curve(x - step)) / (2 * step)).item()


class AsFastaiWritesIt(Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        self.user_factors, self.user_bias = Embedding(n_users, n_factors), Embedding(n_users, 1)
        self.movie_factors, self.movie_bias = Embedding(n_movies, n_factors), Embedding(n_movies, 1)
        self.y_range = y_range

    def forward(self, x):
        res = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)
        res += self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])
        return (res if self.y_range is None else by_tanh(res, *self.y_range)).squeeze(1)


class StarsNone(AsFastaiWritesIt):
    def forward(self, x):
        self.y_range, y_range = (0, 5.5), self.y_range
        return by_tanh(super().forward(x).logit(), *y_range)


class WithALayerForTheRange(nn.Module):
    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(n, n_factors) for n in (n_users, n_movies)])
        self.biases = nn.ModuleList([nn.Embedding(n, 1) for n in (n_users, n_movies)])
        self.bend = SigmoidRange(*y_range) if y_range else nn.Identity()

    def forward(self, x):
        p, q = (table(ids) for table, ids in zip(self.tables, x.T, strict=True))
        a, b = (bias(ids).flatten() for bias, ids in zip(self.biases, x.T, strict=True))
        return self.bend(torch.einsum("rf,rf->r", p, q) + a + b)


RIGHT = {
    "sigmoid_range": (by_tanh, by_softmax, by_lerp),
    "range_slope": (slope_by_autograd, slope_by_difference),
    "DotProductBias.range": (AsFastaiWritesIt, WithALayerForTheRange),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_right_in_other_words(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("sigmoid_range", lambda x, low, high: None, "gave nothing back"),
        ("sigmoid_range", lambda x, low, high: x.tolist(), "gave a list, expected a tensor"),
        ("range_slope", lambda stars, low, high: None, "gave nothing back"),
        ("DotProductBias.range", StarsNone, "no low and no high to unpack"),
        ("DotProductBias.range", AsFastaiWritesIt(7, 11, 5), "not a class"),
        ("DotProductBias.range", collabkit.DotProduct, "keep the arguments that stand in the exercise"),
    ],
)
def test_slips_that_are_no_misconception_get_a_sentence_too(name, answer, told):
    verdict = judge(EXERCISES[name], ask_here(answer, 3), 3)
    assert not verdict.passed
    assert told in verdict.feedback


# ---- what the lesson's text says of its measurements: should one of these fail, the text has to change


def trained(ratings, split, y_range, bs=64):
    dls = collabkit.CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=split, device="cpu")
    torch.manual_seed(split)
    model = collabkit.DotProductBias(dls.n_users, dls.n_items, 50, y_range)
    return collabkit.fit(model, dls, epochs=5, lr=5e-3, seed=split, bar=False), dls, model


@pytest.fixture(scope="module")
def movielens():
    ratings = load_ratings()
    if ratings.attrs["source"] != "MovieLens 100K":
        pytest.skip("the ratings are not at hand")
    return ratings


@pytest.mark.parametrize("split", [42, 1, 2, 3, 4])
def test_on_movielens_the_range_is_ahead_first_even_at_best_and_behind_at_last(movielens, split):
    (free, *_), (ranged, *_) = trained(movielens, split, None), trained(movielens, split, (0, 5.5))
    assert ranged.valid_losses[0] < free.valid_losses[0] - 0.2
    assert ranged.best == pytest.approx(free.best, abs=0.02)
    assert ranged.final > free.final + 0.02
    assert ranged.final == pytest.approx(0.894, abs=0.03)  # the course's band for this stage is .90
    assert ranged.train_losses[-1] < 0.5 * free.train_losses[-1]


@pytest.mark.parametrize("split", [42, 1, 2, 3, 4])
def test_on_movielens_larger_batches_turn_the_verdict_round(movielens, split):
    for bs in (128, 256):
        assert trained(movielens, split, (0, 5.5), bs)[0].final < trained(movielens, split, None, bs)[0].final


@pytest.mark.parametrize("split", [42, 1, 2])
def test_the_start_alone_brings_nearly_all_of_the_fast_first_epoch(movielens, split):
    shifted = movielens.assign(rating=movielens["rating"] - 2.75)
    histories = trained(movielens, split, None), trained(shifted, split, None), trained(movielens, split, (0, 5.5))
    free, control, ranged = (history.valid_losses[0] for history, *_ in histories)
    assert free - control > 0.9 * (free - ranged)
    assert histories[1][0].best < histories[2][0].best + 0.005


@pytest.mark.parametrize("split", [42, 1, 2])
def test_on_movielens_the_range_that_ends_at_five_ends_lower(movielens, split):
    (five, dls, low), (more, _, high) = trained(movielens, split, (0, 5)), trained(movielens, split, (0, 5.5))
    x, y = dls.valid.dataset[:]
    fives = y.squeeze(-1) == 5
    with torch.no_grad():
        assert low(x).max() < 5 < high(x).max()
        on_fives = [((model(x) - 5) ** 2)[fives].mean().item() for model in (low, high)]
    assert on_fives[0] == pytest.approx(on_fives[1], abs=0.06)
    assert five.final < more.final - 0.02
    assert five.train_losses[-1] > more.train_losses[-1]


@pytest.mark.parametrize("split", [42, 1, 2])
def test_in_the_planted_world_the_range_is_ahead_to_the_end_and_five_and_a_half_is_better(split):
    ratings = planted_world().ratings
    free, to_five, more = (trained(ratings, split, y_range)[0] for y_range in (None, (0, 5), (0, 5.5)))
    assert more.final < to_five.final < free.final


@pytest.mark.parametrize("split", [42, 1, 2])
def test_cutting_off_impossible_stars_is_worth_less_than_a_hundredth(split):
    ratings = load_ratings()
    dls = collabkit.CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=split, device="cpu")
    torch.manual_seed(split)
    model = collabkit.DotProduct(dls.n_users, dls.n_items, 50)
    final = collabkit.fit(model, dls, epochs=5, lr=5e-3, seed=split, bar=False).final
    x, y = dls.valid.dataset[:]
    with torch.no_grad():
        cut = ((model(x).clamp(1, 5) - y.squeeze(-1)) ** 2).mean().item()
    assert 0 <= final - cut < 0.01
