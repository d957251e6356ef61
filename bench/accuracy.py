"""How near the predictions come on MovieLens 100K: one split, and five-fold cross-validation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from collabkit.batches import CollabDataLoaders
from collabkit.beyond import BEYOND, TimeSVDPlusPlus
from collabkit.functional import mae
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import BEST, BOOK, FAST, Preset, fit

N_FOLDS = 5


def folds(n: int, n_folds: int = N_FOLDS, seed: int = 42) -> Iterator[tuple[Tensor, Tensor]]:
    """Training and test rows of each fold; every row is tested once.

    The first of five folds tests the rows that `random_split(n, 0.2, seed)` validates on.
    """
    parts = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tensor_split(n_folds)
    for k, test in enumerate(parts):
        yield torch.cat(parts[:k] + parts[k + 1 :]), test


Build = Callable[[CollabDataLoaders, Preset], nn.Module]


def dot_product_bias(dls: CollabDataLoaders, preset: Preset) -> nn.Module:
    """DotProductBias of the preset's size."""
    return DotProductBias(dls.n_users, dls.n_items, preset.n_factors)


def time_svd_plus_plus(dls: CollabDataLoaders, preset: Preset) -> nn.Module:
    """TimeSVDPlusPlus that knows the training part of these loaders, and nothing of the test part."""
    return TimeSVDPlusPlus(dls.n_users, dls.n_items, preset.n_factors, rated=dls.train_ds.x)


PRESETS: dict[str, tuple[Preset, Build, str | None]] = {
    "BOOK": (BOOK, dot_product_bias, None),
    "FAST": (FAST, dot_product_bias, None),
    "BEST": (BEST, dot_product_bias, None),
    "BEYOND, TimeSVDPlusPlus": (BEYOND, time_svd_plus_plus, "timestamp"),
}


def measure_accuracy() -> list[dict[str, object]]:
    """Test MSE, RMSE and MAE of each preset: of fold 1, the split with seed 42 and 20 %, and the mean of five folds."""
    rows = []
    for name, (preset, build, time_name) in PRESETS.items():
        began = time.perf_counter()
        scores = five_fold(preset, build, time_name=time_name)
        first = scores[0]
        rows.append(
            {
                "preset": name,
                "MSE, seed 42": round(first.rmse**2, 4),
                "RMSE, seed 42": round(first.rmse, 4),
                "MAE, seed 42": round(first.mae, 4),
                "RMSE, 5-fold": round(statistics.mean(score.rmse for score in scores), 4),
                "MAE, 5-fold": round(statistics.mean(score.mae for score in scores), 4),
                "s in all": time.perf_counter() - began,
            }
        )
    return rows


class Score(NamedTuple):
    """Errors on one test fold after the last epoch."""

    rmse: float
    mae: float


def five_fold(
    preset: Preset,
    build: Build,
    *,
    time_name: str | None = None,
    seed: int = 42,
) -> list[Score]:
    """The score of each fold of MovieLens 100K, in order.

    Nothing is chosen by looking at a test fold: no early stopping, one preset for all.
    """
    ratings = load_ratings()
    names = {"user_name": "user", "item_name": "title", "rating_name": "rating", "time_name": time_name}
    scores = []
    for train, test in folds(len(ratings), seed=seed):
        dls = CollabDataLoaders.from_split(ratings, train, test, **names, seed=seed, bs=preset.bs, device="cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build(dls, preset)
        history = fit(model, dls, **preset.settings, seed=seed, bar=False)
        with torch.no_grad():
            scores.append(Score(history.final**0.5, float(mae(model(dls.valid_ds.x), dls.valid_ds.y.flatten()))))
    return scores
