"""Lesson 03: right answers written in another way than ours earn everything."""

import pytest
import torch
from fastai.basics import Module
from fastai.layers import Embedding
from fastai.learner import Learner
from fastai.losses import MSELossFlat
from torch import nn
from torch.nn import functional as F

from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge

EXERCISES = of_lesson("dot_product")
SEEDS = range(3)


class FastaiModule(Module):  # needs no super().__init__()
    def __init__(self, n_users, n_movies, n_factors):
        self.u = Embedding(n_users, n_factors)
        self.m = Embedding(n_movies, n_factors)

    def forward(self, x):
        return (self.u(x[:, 0]) * self.m(x[:, 1])).sum(1)


class MoviesFirstByEinsum(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.films = nn.Embedding(n_movies, n_factors)
        self.people = nn.Embedding(n_users, n_factors)

    def forward(self, x):
        users, movies = x.unbind(dim=1)
        return torch.einsum("rf,rf->r", self.films(movies), self.people(users))


class BatchedMatrixProduct(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(n, n_factors) for n in (n_users, n_movies)])

    def forward(self, x):
        users, movies = (table(column) for table, column in zip(self.tables, x.T, strict=True))
        return torch.bmm(users.unsqueeze(1), movies.unsqueeze(2)).squeeze(-1).squeeze(-1)


class RegisteredParameters(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.register_parameter("p", nn.Parameter(torch.randn(n_users, n_factors)))
        self.register_parameter("q", nn.Parameter(torch.randn(n_movies, n_factors)))

    def forward(self, x):
        return (F.embedding(x[:, 0], self.p) * F.embedding(x[:, 1], self.q)).sum(dim=-1)


class TransposedTables(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.p = nn.Parameter(torch.randn(n_factors, n_users))
        self.q = nn.Parameter(torch.randn(n_factors, n_movies))

    def forward(self, x):
        return (self.p[:, x[:, 0]] * self.q[:, x[:, 1]]).sum(dim=0)


def step_by_an_optimizer(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y.flatten())
    loss.backward()
    optimizer.step()
    return loss.detach()


def step_by_autograd(model, x, y, lr):
    parameters = list(model.parameters())
    loss = (model(x)[:, None] - y).pow(2).mean()
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data.sub_(lr * gradient)
    return loss.item()


def train_with_a_flat_loss_of_its_own(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=lambda predictions, y: F.mse_loss(predictions.flatten(), y.flatten()))
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(n_epoch=epochs, lr_max=lr)
    return learn


def train_with_metrics(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=MSELossFlat(), metrics=[lambda predictions, y: predictions.mean()])
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(epochs, lr)
    return learn


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("DotProduct", FastaiModule),
        ("DotProduct", MoviesFirstByEinsum),
        ("DotProduct", BatchedMatrixProduct),
        ("DotProduct", RegisteredParameters),
        ("DotProduct", TransposedTables),
        ("gradient_step", step_by_an_optimizer),
        ("gradient_step", step_by_autograd),
        ("train", train_with_a_flat_loss_of_its_own),
        ("train", train_with_metrics),
        ("model_call", " B. "),
        ("mse_broadcast", "(c)"),
    ],
)
def test_another_right_way_earns_everything(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback
