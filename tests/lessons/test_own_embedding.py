"""Lesson 07: right answers written in another way than ours earn everything."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge

EXERCISES = of_lesson("own_embedding")
SEEDS = range(3)


def params_from_randn(size):
    return nn.Parameter(0.01 * torch.randn(size))


def params_cut_off_at_two_deviations(size):
    table = nn.Parameter(torch.empty(*size))
    nn.init.trunc_normal_(table, std=0.01, a=-0.02, b=0.02)
    return table


def params_as_fastai_draws_them(size):
    return nn.Parameter(torch.zeros(*size).normal_().fmod_(2).mul_(0.01))


class Registered(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.register_parameter("rows", params_from_randn([n, width]))

    def forward(self, ids):
        return F.embedding(ids, self.rows)


class OnItsSide(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.columns = params_from_randn([width, n])

    def forward(self, ids):
        return self.columns.T[ids]


class OneHot(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.n, self.weight = n, params_from_randn([n, width])

    def forward(self, ids):
        return (ids.unsqueeze(-1) == torch.arange(self.n, device=ids.device)).float() @ self.weight


class Selected(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.weight = params_from_randn([n, width])

    def forward(self, ids):
        return self.weight.index_select(0, ids.flatten()).reshape(*ids.shape, -1)


def gradient_in_a_loop(ids, upstream, n):
    gradient = torch.zeros(n, upstream.shape[1])
    for i, row in zip(ids, upstream, strict=True):
        gradient[i] += row
    return gradient


def gradient_by_one_hot(ids, upstream, n):
    return F.one_hot(ids, n).float().T @ upstream


def gradient_by_index_put(ids, upstream, n):
    return torch.zeros(n, upstream.shape[1]).index_put_((ids,), upstream, accumulate=True)


def gradient_by_autograd(ids, upstream, n):
    table = torch.zeros(n, upstream.shape[1], requires_grad=True)
    table[ids].backward(upstream)
    return table.grad


class OnOwnEmbeddings(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        self.tables = nn.ModuleList([Registered(n, k) for n in (n_users, n_movies) for k in (n_factors, 1)])
        self.low, self.high = y_range

    def forward(self, x):
        users, user_bias, movies, movie_bias = self.tables
        rating = (users(x[:, 0]) * movies(x[:, 1])).sum(dim=1, keepdim=True) + user_bias(x[:, 0]) + movie_bias(x[:, 1])
        return (torch.sigmoid(rating) * (self.high - self.low) + self.low).squeeze(-1)


class InAParameterDict(nn.Module):
    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        super().__init__()
        sizes = {"p": [n_users, n_factors], "q": [n_movies, n_factors], "b": [n_users], "c": [n_movies]}
        self.of = nn.ParameterDict({name: params_from_randn(size) for name, size in sizes.items()})
        self.y_range = y_range

    def forward(self, x):
        user, movie = x.unbind(dim=1)
        rating = torch.einsum("rf,rf->r", self.of["p"][user], self.of["q"][movie])
        return torch.sigmoid(rating + self.of["b"][user] + self.of["c"][movie]) * self.y_range[1] + self.y_range[0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("create_params", params_from_randn),
        ("create_params", params_cut_off_at_two_deviations),
        ("create_params", params_as_fastai_draws_them),
        ("Embedding", Registered),
        ("Embedding", OnItsSide),
        ("Embedding", OneHot),
        ("Embedding", Selected),
        ("lookup_gradient", gradient_in_a_loop),
        ("lookup_gradient", gradient_by_one_hot),
        ("lookup_gradient", gradient_by_index_put),
        ("lookup_gradient", gradient_by_autograd),
        ("DotProductBias.own", OnOwnEmbeddings),
        ("DotProductBias.own", InAParameterDict),
    ],
)
def test_another_right_way_earns_everything(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback


def add_in_one_line(ids, upstream, n):
    gradient = torch.zeros(n, upstream.shape[1])
    gradient[ids] += upstream
    return gradient


class WithoutSuper(nn.Module):
    def __init__(self, n, width):
        self.weight = params_from_randn([n, width])

    def forward(self, ids):
        return self.weight[ids]


def create_params(size):
    raise NotImplementedError


class OnAStub(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.weight = create_params(sizes)


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("lookup_gradient", add_in_one_line, "reads all rows before it writes"),
        ("Embedding", WithoutSuper, "`super().__init__()` comes first"),
        ("Embedding", params_from_randn, "is not a class"),
        ("Embedding", OnAStub, "needs your `create_params`"),
        ("DotProductBias.own", OnAStub, "needs your `create_params`"),
        ("create_params", lambda size: None, "an nn.Parameter"),
    ],
)
def test_wrong_turns_are_told_what_to_do(name, answer, told):
    assert told in judge(EXERCISES[name], ask_here(answer, 0), 0).feedback


def test_the_spread_of_the_start_is_judged_alike_for_every_draw():
    """The bands are far from what chance does: 20 draws of three right starts, and of two wrong ones."""
    exercise = EXERCISES["create_params"]
    for seed in range(20):
        for right in (params_from_randn, params_cut_off_at_two_deviations, params_as_fastai_draws_them):
            assert judge(exercise, ask_here(right, seed), seed).passed
        for deviation in (0.005, 0.02):
            wrong = ask_here(lambda size, deviation=deviation: nn.Parameter(deviation * torch.randn(size)), seed)
            assert judge(exercise, wrong, seed).score == exercise.points - 0.5
