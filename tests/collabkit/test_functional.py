"""The formulas against fastai's own, NumPy and the plain calculator."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.layers import sigmoid_range as fastai_sigmoid_range
from fastai.tabular.model import emb_sz_rule as fastai_emb_sz_rule

from collabkit.functional import emb_sz_rule, get_emb_sz, mae, mse, rmse, sigmoid_range

PREDICTIONS, TARGETS = [3.0, 4.5, 1.0, 2.0], [4.0, 4.0, 1.0, 5.0]  # errors -1, .5, 0, -3


def test_sigmoid_range_has_its_middle_and_ends():
    x = torch.tensor([-1e9, 0.0, 1e9])
    assert sigmoid_range(x, 1, 6).tolist() == [1.0, 3.5, 6.0]


@pytest.mark.parametrize(("low", "high"), [(0, 5.5), (-2, 3), (1, 5)])
def test_sigmoid_range_agrees_with_fastai_and_math(low, high):
    x = torch.linspace(-6, 6, 25).reshape(5, 5)
    ours = sigmoid_range(x, low, high)
    assert torch.equal(ours, fastai_sigmoid_range(x, low, high))
    expected = [low + (high - low) / (1 + math.exp(-value)) for value in x.flatten().tolist()]
    assert ours.flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_sigmoid_range_has_the_right_gradient():
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: sigmoid_range(x, 0, 5.5), x)


def test_sigmoid_range_works_on_meta():
    assert sigmoid_range(torch.empty(3, device="meta"), 0, 5).device.type == "meta"


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor, pd.Series])
def test_errors_by_hand_for_every_kind_of_input(kind):
    predictions, targets = kind(PREDICTIONS), kind(TARGETS)
    assert mse(predictions, targets) == pytest.approx((1 + 0.25 + 0 + 9) / 4)
    assert rmse(predictions, targets) == pytest.approx(math.sqrt(10.25 / 4))
    assert mae(predictions, targets) == pytest.approx(4.5 / 4)


@pytest.mark.parametrize("error", [mse, rmse, mae])
def test_errors_are_floats_and_zero_for_a_perfect_model(error):
    perfect = error(torch.tensor(TARGETS, requires_grad=True), np.array(TARGETS, dtype=np.float32))
    assert type(perfect) is float
    assert perfect == 0


def test_whole_stars_do_not_overflow():
    assert mse(np.array([1, 120], dtype=np.int8), np.array([1, -120], dtype=np.int8)) == 240**2 / 2


@pytest.mark.parametrize("error", [mse, rmse, mae])
def test_unequal_shapes_are_refused_and_named(error):
    with pytest.raises(ValueError, match=r"\(4,\).*\(4, 1\)"):
        error(torch.tensor(PREDICTIONS), torch.tensor(TARGETS)[:, None])


@pytest.mark.parametrize("error", [mse, rmse, mae])
def test_nothing_to_average_is_refused(error):
    with pytest.raises(ValueError, match="no predictions"):
        error([], [])


def test_embedding_width_is_fastais_rule():
    for n in [*range(1, 200), 944, 1665, 10**5, 10**7]:
        assert emb_sz_rule(n) == fastai_emb_sz_rule(n)
    assert emb_sz_rule(10**7) == 600


def test_embedding_sizes_are_pairs():
    assert get_emb_sz(944) == (944, emb_sz_rule(944))
    assert get_emb_sz([944, 1665]) == [(944, emb_sz_rule(944)), (1665, emb_sz_rule(1665))]
    assert get_emb_sz(()) == []


def test_an_embedding_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one category"):
        get_emb_sz([3, 0])
