"""Lesson 04: right answers written otherwise earn everything, and what the lesson tells about biases is so."""

import numpy as np
import pytest
import torch
from fastai.basics import Module
from fastai.layers import Embedding
from torch import nn
from torch.nn import functional as F

import collabkit
from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge
from collabkit.ratings import load_ratings, planted_world


EXERCISES = of_lesson("bias")
SEEDS = range(5)


class KeepsTheDimensionToTheEnd(Module):  # fastai's, which needs no super().__init__()
    def __init__(self, n_users, n_movies, n_factors):
        self.user_factors, self.user_bias = Embedding(n_users, n_factors), Embedding(n_users, 1)
        self.movie_factors, self.movie_bias = Embedding(n_movies, n_factors), Embedding(n_movies, 1)

    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)
        return (dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])).squeeze(1)


class BiasesAsVectors(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(n_movies))
        self.a = nn.Parameter(torch.zeros(n_users))
        self.q = nn.Embedding(n_movies, n_factors)
        self.p = nn.Embedding(n_users, n_factors)

    def forward(self, x):
        users, movies = x.T
        return torch.einsum("rf,rf->r", self.p(users), self.q(movies)) + self.a[users] + self.b[movies]


class TwoMoreFactors(nn.Module):
    """As the lesson shows: a bias is a factor whose partner is 1."""

    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(n, n_factors) for n in (n_users, n_movies)])
        self.biases = nn.ModuleList([nn.Embedding(n, 1) for n in (n_users, n_movies)])

    def forward(self, x):
        ones = torch.ones_like(self.biases[0](x[:, 0]))
        users = torch.cat([self.tables[0](x[:, 0]), self.biases[0](x[:, 0]), ones], dim=1)
        movies = torch.cat([self.tables[1](x[:, 1]), ones, self.biases[1](x[:, 1])], dim=1)
        return torch.bmm(users[:, None], movies[..., None]).flatten()


class SwapsTheSizes(KeepsTheDimensionToTheEnd):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__(n_users, n_movies, n_factors)
        self.user_bias, self.movie_bias = self.movie_bias, self.user_bias


def by_loop(errors, index, n):
    gradient = [0.0] * n
    for error, place in zip(errors, index, strict=True):
        gradient[place] += 2 * error / len(errors)
    return gradient


def by_bincount(errors, index, n):
    return np.bincount(index.numpy(), weights=errors.numpy(), minlength=n) * 2 / len(errors)


def by_one_hot(errors, index, n):
    return 2 * F.one_hot(index, n).float().T @ errors[:, None] / len(errors)


def by_autograd(errors, index, n):
    bias = torch.zeros(n, requires_grad=True)
    ((errors + bias[index]) ** 2).mean().backward()
    return bias.grad


def by_accumulating(errors, index, n):
    return torch.zeros(n).index_put_((index,), 2 * errors / errors.numel(), accumulate=True)


RIGHT = {
    "DotProductBias": (KeepsTheDimensionToTheEnd, BiasesAsVectors, TwoMoreFactors),
    "bias_gradient": (by_loop, by_bincount, by_one_hot, by_autograd, by_accumulating),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_right_in_other_words(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("bias_gradient", lambda errors, index, n: None, "gave nothing back"),
        ("DotProductBias", KeepsTheDimensionToTheEnd(7, 11, 5), "not a class"),
        ("DotProductBias", None, "None"),
        ("DotProductBias", SwapsTheSizes, "users and films have changed places"),
    ],
)
def test_slips_that_are_no_misconception_get_a_sentence_too(name, answer, told):
    verdict = judge(EXERCISES[name], ask_here(answer, 3), 3)
    assert not verdict.passed
    assert told in verdict.feedback


def test_zeros_are_no_gradient():
    assert judge(EXERCISES["bias_gradient"], ask_here(lambda errors, index, n: torch.zeros(n), 0), 0).score == 0


# ---- what the lesson's text says of its measurements: should one of these fail, the text has to change


@pytest.fixture(scope="module", params=["ratings at hand", "planted world"])
def ratings(request):
    return load_ratings() if request.param == "ratings at hand" else planted_world().ratings


def trained(ratings, model_class, split, **options):
    dls = collabkit.CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=split, device="cpu")
    torch.manual_seed(split)
    model = model_class(dls.n_users, dls.n_items, 50, **options)
    return dls, model, collabkit.fit(model, dls, epochs=5, lr=5e-3, seed=split, bar=False)


@pytest.mark.parametrize("split", [42, 1, 2, 3, 4])
def test_biases_help_on_every_split(ratings, split):
    dls, _, plain = trained(ratings, collabkit.DotProduct, split)
    _, _, biased = trained(ratings, collabkit.DotProductBias, split, y_range=None)
    assert biased.final < plain.final
    if ratings.attrs["source"] == "MovieLens 100K":
        assert plain.final == pytest.approx(0.873, abs=0.03)
        assert biased.final == pytest.approx(0.857, abs=0.03)
        assert biased.final < collabkit.baseline_ladder(dls.train_df, dls.valid_df)["damped biases"]


@pytest.mark.parametrize("split", [42, 1, 2])
def test_the_dot_product_holds_most_of_the_average_until_the_mean_is_taken_out(ratings, split):
    dls, raw, slow = trained(ratings, collabkit.DotProductBias, split, y_range=None)
    x, y = dls.train.dataset[:]
    with torch.no_grad():
        taste = (raw.user_factors(x[:, 0]) * raw.movie_factors(x[:, 1])).sum(dim=1)
    assert taste.mean() > 0.7 * y.mean()

    mean = float(dls.train_df["rating"].astype(float).mean())
    deviations = ratings.assign(rating=ratings["rating"] - mean)
    _, centred, fast = trained(deviations, collabkit.DotProductBias, split, y_range=None)
    damped = collabkit.damped_biases(dls.train_df).user_bias.reindex(dls.classes["user"]).to_numpy()[1:]

    def agreement(model):
        return np.corrcoef(damped, model.user_bias.weight.detach().flatten()[1:])[0, 1]

    assert agreement(centred) > 0.9
    assert agreement(raw) < agreement(centred) - 0.2
    assert fast.valid_losses[0] < slow.valid_losses[2] + 0.1  # "already where the other needs most of its training"
