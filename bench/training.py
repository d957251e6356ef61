"""fastai as it is shipped, fastai with its loader mended, our loaders in the same Learner, and the engines of `fit`."""

from __future__ import annotations

import copy
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from fastai.collab import CollabDataLoaders as FastaiLoaders
from fastai.data.core import DataLoaders
from fastai.tabular.core import TabDataLoader

from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import fit, learner

EPOCHS, LR, WD, SEEDS = 5, 5e-3, 0.1, (42, 1, 2)


def measure_training() -> list[dict[str, object]]:
    """Median over three seeds of seconds an epoch of training and validation, and validation MSE after five epochs."""
    ratings = load_ratings()
    makers: dict[str, Callable[[int], DataLoaders]] = {
        "fastai as shipped": lambda seed: FastaiLoaders.from_df(ratings, item_name="title", bs=64, seed=seed),
        "fastai, loader mended": lambda seed: FastaiLoaders.from_df(
            ratings, item_name="title", bs=64, seed=seed, dl_type=TabDataLoader
        ),
        "collabkit's loaders in fastai's Learner": lambda seed: CollabDataLoaders.from_df(
            ratings, item_name="title", bs=64, seed=seed
        ),
    }
    rows: list[dict[str, object]] = []
    for name, make in makers.items():
        runs = [_run(make, seed) for seed in SEEDS]
        seconds, mses = (statistics.median(column) for column in zip(*runs, strict=True))
        first = rows[0]["seconds an epoch"] if rows else seconds
        rows.append(
            {"loaders": name, "seconds an epoch": seconds, "times as fast": first / seconds, "validation MSE": mses}
        )
    for engine in ("torch", "exact", "rowwise"):
        runs = [_fit(ratings, engine, seed) for seed in SEEDS]
        seconds, mses = (statistics.median(column) for column in zip(*runs, strict=True))
        times = rows[0]["seconds an epoch"] / seconds
        name = f"collabkit.fit, {engine} (training alone)"
        rows.append({"loaders": name, "seconds an epoch": seconds, "times as fast": times, "validation MSE": mses})
    return rows


def _fit(ratings: pd.DataFrame, engine: str, seed: int) -> tuple[float, float]:
    dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=seed)
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items)
    fit(copy.deepcopy(model), dls, 1, engine=engine, bar=False)  # compiles, the first time
    history = fit(model, dls, EPOCHS, LR, WD, engine=engine, seed=seed, bar=False)
    return statistics.median(history.epoch_seconds), history.final


def _run(make: Callable[[int], DataLoaders], seed: int) -> tuple[float, float]:
    np.random.seed(seed)  # noqa: NPY002  fastai's shipped loader draws from it
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        # under pandas 3 fastai's own loaders warn of a read-only array, once
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        dls = make(seed)
        torch.manual_seed(seed)
        n_users, n_items = (len(vocab) for vocab in dls.classes.values())
        learn = learner(dls, DotProductBias(n_users, n_items))
        started = time.perf_counter()
        learn.fit_one_cycle(EPOCHS, LR, wd=WD)
        seconds = time.perf_counter() - started
    return seconds / EPOCHS, float(learn.recorder.values[-1][1])
