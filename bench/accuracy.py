"""How near the predictions come: RMSE in five-fold cross-validation on MovieLens 100K; nothing here is timed alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pandas as pd
import torch
from torch import Tensor, nn

from collabkit.batches import CollabDataLoaders
from collabkit.beyond import BEYOND, TimeSVDPlusPlus
from collabkit.ratings import load_ratings
from collabkit.training import Preset, fit

N_FOLDS = 5


def folds(n: int, n_folds: int = N_FOLDS, seed: int = 42) -> Iterator[tuple[Tensor, Tensor]]:
    """Training and test rows of each fold; every row is tested once.

    The first of five folds tests the rows that `random_split(n, 0.2, seed)` validates on.
    """
    parts = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tensor_split(n_folds)
    for k, test in enumerate(parts):
        yield torch.cat(parts[:k] + parts[k + 1 :]), test


def time_svd_plus_plus(dls: CollabDataLoaders, preset: Preset) -> nn.Module:
    """TimeSVDPlusPlus that knows the training part of these loaders, and nothing of the test part."""
    return TimeSVDPlusPlus(dls.n_users, dls.n_items, preset.n_factors, rated=dls.train_ds.x)


def five_fold(
    ratings: pd.DataFrame | None = None,
    preset: Preset = BEYOND,
    build: Callable[[CollabDataLoaders, Preset], nn.Module] = time_svd_plus_plus,
    *,
    item_name: str = "title",
    time_name: str | None = "timestamp",
    seed: int = 42,
) -> list[float]:
    """Test RMSE of each fold after the last epoch, printed as they come, then their mean.

    Nothing is chosen by looking at a test fold: no early stopping, one preset for all.
    """
    ratings = load_ratings() if ratings is None else ratings
    rmses: list[float] = []
    for k, (train, test) in enumerate(folds(len(ratings), seed=seed), start=1):
        dls = CollabDataLoaders.from_split(
            ratings,
            train,
            test,
            user_name="user",
            item_name=item_name,
            rating_name="rating",
            time_name=time_name,
            seed=seed,
            bs=preset.bs,
            device="cpu",
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build(dls, preset)
        history = fit(model, dls, **preset.settings, seed=seed, bar=False)
        rmses.append(history.final**0.5)
        per_epoch = statistics.median(history.epoch_seconds)
        print(f"fold {k}: RMSE {rmses[-1]:.4f}, {per_epoch:.2f} s an epoch", flush=True)
    print(f"mean of {len(rmses)} folds: RMSE {statistics.mean(rmses):.4f}", flush=True)
    return rmses


if __name__ == "__main__":
    torch.set_num_threads(1)
    started = time.perf_counter()
    five_fold()
    print(f"{time.perf_counter() - started:.0f} s in all")
