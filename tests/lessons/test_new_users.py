"""Lesson 11: right answers in other words are right, and the reference agrees with the library's own."""

import math

import numpy as np
import pytest
import torch

from autograde.exercise import Outcome
from autograde.exercises import new_users, of_lesson
from autograde.judge import ask_here, judge
from collabkit import models, recommend

EXERCISES = of_lesson("new_users")


def averages_with_numpy(user_factors, user_bias):
    both = np.hstack([user_factors.detach().numpy(), user_bias.detach().numpy()])
    return both[1:].mean(axis=0)


def gives_a_pair(user_factors, user_bias):
    return user_factors[1:].mean(dim=0), user_bias[1:].mean()


def folds_by_augmented_least_squares(movie_factors, movie_bias, scores, around, damping=10.0):
    ones = torch.ones(len(movie_factors), 1)
    rows = torch.cat([torch.cat([movie_factors, ones], dim=1), math.sqrt(damping) * torch.eye(len(around))])
    targets = torch.cat([scores - movie_bias, math.sqrt(damping) * around])
    return torch.linalg.lstsq(rows, targets[:, None]).solution.squeeze(-1)


def folds_in_float64(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = np.hstack([movie_factors.double().numpy(), np.ones((len(movie_factors), 1))])
    rest = scores.double().numpy() - movie_bias.double().numpy() - columns @ around.double().numpy()
    system = columns.T @ columns + damping * np.eye(columns.shape[1])
    return around.double().numpy() + np.linalg.inv(system) @ columns.T @ rest


def recommends_in_a_loop(scores, seen, k=10):
    taken = {0, *seen.tolist()}
    order = sorted(range(len(scores)), key=lambda item: -scores[item].item())
    return [item for item in order if item not in taken][:k]


def recommends_by_topk(scores, seen, k=10):
    mask = torch.zeros(len(scores), dtype=torch.bool)
    mask[0], mask[seen] = True, True
    return scores.masked_fill(mask, -torch.inf).topk(k).indices


def precision_by_sets(recommended, relevant, k=10):
    return np.float32(len(set(recommended[:k]) & set(relevant)) / k)


def ndcg_by_arrays(recommended, relevant, k=10):
    discounts = 1 / np.log(np.arange(2, k + 2))  # the base cancels out
    hits = np.isin(recommended[:k], list(relevant))
    return (hits * discounts[: len(hits)]).sum() / discounts[: len(relevant)].sum()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("average_user", averages_with_numpy),
        ("average_user", gives_a_pair),
        ("fold_in", folds_by_augmented_least_squares),
        ("fold_in", folds_in_float64),
        ("recommend", recommends_in_a_loop),
        ("recommend", recommends_by_topk),
        ("precision_at_k", precision_by_sets),
        ("ndcg_at_k", ndcg_by_arrays),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_right_in_other_words(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.outcome is Outcome.PASSED, verdict.feedback


def test_folding_in_is_the_librarys():
    torch.manual_seed(0)
    model = models.DotProductBias(12, 20, 6)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_()
    items, stars = torch.tensor([3, 8, 11, 15]), torch.tensor([4.0, 2.5, 5.0, 1.0])
    theirs = recommend.fold_in(model, items, stars, damping=3.0)
    share = (stars / 5.5).clamp(0.05, 0.95)
    with torch.no_grad():
        around = new_users.reference_average_user(model.user_factors.weight, model.user_bias.weight)
        tables = model.movie_factors.weight[items], model.movie_bias.weight[items, 0]
        ours = new_users.reference_fold_in(*tables, torch.log(share / (1 - share)), around, damping=3.0)
    assert torch.allclose(ours, torch.cat([theirs.factors, theirs.bias.reshape(1)]), atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_ranking_metrics_are_the_librarys(seed):
    listed = new_users.listed_items(np.random.default_rng(seed))
    for liked in (listed.few, listed.many):
        lists, pairs = torch.tensor([listed.recommended]), torch.tensor([[0, item] for item in liked])
        precision = new_users.reference_precision_at_k(listed.recommended, liked, k=6)
        ndcg = new_users.reference_ndcg_at_k(listed.recommended, liked, k=6)
        assert precision == pytest.approx(float(recommend.precision_at_k(lists, pairs, 6)))
        assert ndcg == pytest.approx(float(recommend.ndcg_at_k(lists, pairs, 6)))
