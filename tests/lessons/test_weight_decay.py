"""Lesson 06: right answers written in another way than ours earn everything."""

import math

import pandas as pd
import pytest
import torch
from torch import nn

from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge

EXERCISES = of_lesson("weight_decay")
SEEDS = range(3)


def l2_by_one_long_vector(loss, parameters, wd):
    return loss + wd * torch.cat([p.flatten() for p in parameters]).pow(2).sum()


def l2_in_place(loss, parameters, wd):
    for p in parameters:
        loss = loss + wd * torch.linalg.vector_norm(p) ** 2
    return loss


def gradients_by_autograd(parameters, wd):
    penalty = sum((p**2).sum() for p in parameters)
    (wd * penalty).backward()


def gradients_anew(parameters, wd):
    for p in parameters:
        p.grad = p.grad + 2 * wd * p.data


def gradients_through_data(parameters, wd):
    for p in parameters:
        p.grad.data.add_(p.data, alpha=2 * wd)


def step_by_shrinking_first(parameters, lr, wd):
    for p in parameters:
        p.data.mul_(1 - lr * wd).sub_(lr * p.grad)


def step_that_adds_to_the_gradient(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad.add_(wd * p)
            p.add_(p.grad, alpha=-lr)


def step_that_copies(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p.copy_(p - lr * p.grad - lr * wd * p)


def adamw_in_place(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    w.mul_(1 - lr * wd)
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    w.sub_(lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps))
    return [w, m, v]


def adamw_by_torch(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    weight = nn.Parameter(w.clone())
    optimiser = torch.optim.AdamW([weight], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=wd)
    optimiser.state[weight] = {"step": torch.tensor(float(t - 1)), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    weight.grad = g
    optimiser.step()
    state = optimiser.state[weight]
    return weight, state["exp_avg"], state["exp_avg_sq"]


def sweep_in_pandas(losses, wds, seeds):
    runs = pd.DataFrame([(wd, seed, *losses(wd=wd, seed=seed)) for wd in wds for seed in seeds])
    means = runs.groupby(0)[3].mean()
    return means.idxmin(), means


def sweep_in_loops(losses, wds, seeds):
    best, lowest, means = None, math.inf, {}
    for wd in wds:
        valid = [losses(wd, seed)[1] for seed in seeds]
        means[wd] = torch.tensor(valid).mean()
        if means[wd] < lowest:
            best, lowest = wd, means[wd]
    return [best, means]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("l2_loss", l2_by_one_long_vector),
        ("l2_loss", l2_in_place),
        ("decay_gradients", gradients_by_autograd),
        ("decay_gradients", gradients_anew),
        ("decay_gradients", gradients_through_data),
        ("sgd_step", step_by_shrinking_first),
        ("sgd_step", step_that_adds_to_the_gradient),
        ("sgd_step", step_that_copies),
        ("adamw_step", adamw_in_place),
        ("adamw_step", adamw_by_torch),
        ("sweep", sweep_in_pandas),
        ("sweep", sweep_in_loops),
        ("decay_formula", " B. "),
    ],
)
def test_another_right_way_earns_everything(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("adamw_step", lambda w, g, m, v, t, lr, wd, *rest: w, "return w, m, v"),
        ("sweep", lambda losses, wds, seeds: wds[0], "return best, means"),
        ("sweep", lambda losses, wds, seeds: (wds[0], [0.9] * len(wds)), "a dict"),
        ("sweep", lambda losses, wds, seeds: (wds[0], {wd: [0.9, 0.8] for wd in wds}), "one number for each wd"),
        ("l2_loss", lambda loss, parameters, wd: None, "is a `return` missing"),
    ],
)
def test_a_wrong_form_is_told_what_to_return(name, answer, told):
    assert told in judge(EXERCISES[name], ask_here(answer, 0), 0).feedback
