"""The stages of the course on MovieLens 100K, beside what fastbook's chapter printed for them."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from fastai.collab import CollabDataLoaders as FastaiLoaders
from fastai.collab import collab_learner
from fastai.tabular.core import TabDataLoader
from torch import Tensor, nn

from collabkit.batches import CollabDataLoaders
from collabkit.functional import get_emb_sz, sigmoid_range
from collabkit.models import CollabNN, DotProduct, DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import fit

SEEDS = range(5)  # each draws a split of its own, and the weights
RANGE = (0, 5.5)
EPOCHS, LR = 5, 5e-3
HALF_BAND = 0.03  # a free split and a free seed may lie so far from the mean of three


class Stage(NamedTuple):
    """One stage. `fastbook` is the published MSE, None where there is none.

    `expected`: the mean of seeds 42, 1 and 2 by fastai, its loader mended, as it was before there was code of ours.
    """

    name: str
    fastbook: float | None
    expected: float
    mse: Callable[[int], float]  # by seed


class DotProductInRange(DotProduct):
    """Lesson 05's first half: the product, squeezed into the range, and no bias yet."""

    def forward(self, x: Tensor) -> Tensor:
        return sigmoid_range(super().forward(x), *RANGE)


def dot_product(dls: CollabDataLoaders) -> nn.Module:
    return DotProduct(dls.n_users, dls.n_items, 50)


def dot_product_in_range(dls: CollabDataLoaders) -> nn.Module:
    return DotProductInRange(dls.n_users, dls.n_items, 50)


def dot_product_bias(dls: CollabDataLoaders) -> nn.Module:
    return DotProductBias(dls.n_users, dls.n_items, 50, y_range=RANGE)


def network(dls: CollabDataLoaders) -> nn.Module:
    return CollabNN(*get_emb_sz([dls.n_users, dls.n_items]), y_range=RANGE)


def ours(build: Callable[[CollabDataLoaders], nn.Module], wd: float) -> Callable[[int], float]:
    """Our model by our `fit`."""

    def mse(seed: int) -> float:
        dls = CollabDataLoaders.from_df(load_ratings(), item_name="title", seed=seed, bs=64, device="cpu")
        torch.manual_seed(seed)
        return fit(build(dls), dls, EPOCHS, LR, wd, seed=seed, bar=False).valid_losses[-1]

    return mse


def fastai(**options: object) -> Callable[[int], float]:
    """fastai's own learner, with a loader that shows each rating once."""

    def mse(seed: int) -> float:
        with warnings.catch_warnings():
            # under pandas 3 fastai's own loaders warn of a read-only array, once
            warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
            dls = FastaiLoaders.from_df(load_ratings(), item_name="title", bs=64, seed=seed, dl_type=TabDataLoader)
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002  fastai's loaders draw from it
            learn = collab_learner(dls, y_range=RANGE, **options)
            with learn.no_bar(), learn.no_logging():
                learn.fit_one_cycle(EPOCHS, LR, wd=0.1)
        return float(learn.recorder.values[-1][1])

    return mse


STAGES = (
    Stage("DotProduct, no range", 0.8765, 0.877, ours(dot_product, 0.01)),
    Stage("+ y_range", 0.8776, 0.873, ours(dot_product_in_range, 0.01)),
    Stage("+ bias", 0.8926, 0.898, ours(dot_product_bias, 0.01)),
    Stage("+ bias, no decay at all", None, 0.912, ours(dot_product_bias, 0.0)),
    Stage("+ bias, wd=0.1", 0.8231, 0.819, ours(dot_product_bias, 0.1)),
    Stage("collab_learner, wd=0.1", 0.8217, 0.815, fastai(n_factors=50)),
    Stage("CollabNN, wd=0.01", 0.8675, 0.863, ours(network, 0.01)),
    Stage("collab_learner(use_nn), wd=0.1", 0.8649, 0.854, fastai(use_nn=True, layers=[100, 50])),
)


def measure_stages() -> list[dict[str, object]]:
    """Validation MSE after five epochs, over five seeds, and whether all lie in the band."""
    rows = []
    for stage in STAGES:
        found = [stage.mse(seed) for seed in SEEDS]
        low, high = stage.expected - HALF_BAND, stage.expected + HALF_BAND
        rows.append(
            {
                "stage": stage.name,
                "fastbook": stage.fastbook,
                "here, mean of 5 seeds": statistics.mean(found),
                "from": min(found),
                "to": max(found),
                "band": f"{low:.3f} to {high:.3f}",
                "in the band": "all" if low <= min(found) and max(found) <= high else "not all",
            }
        )
    return rows
