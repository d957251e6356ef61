"""fastai as it is shipped, fastai with its loader mended, our loaders in the same Learner, and the engines of `fit`."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
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
    """Median over three seeds of seconds an epoch, validation included, and validation MSE after five epochs."""
    ratings = load_ratings()
    options = {"item_name": "title", "bs": 64}
    by_learner: dict[str, Callable[[int], DataLoaders]] = {
        "fastai as shipped": lambda seed: FastaiLoaders.from_df(ratings, seed=seed, **options),
        "fastai, loader mended": lambda seed: FastaiLoaders.from_df(
            ratings, seed=seed, dl_type=TabDataLoader, **options
        ),
        "collabkit's loaders in fastai's Learner": lambda seed: CollabDataLoaders.from_df(
            ratings, seed=seed, **options
        ),
    }
    runs = {name: partial(_by_learner, make) for name, make in by_learner.items()}
    ours = by_learner["collabkit's loaders in fastai's Learner"]
    runs |= {f"collabkit.fit, {engine}": partial(_by_fit, ours, engine) for engine in ("torch", "exact", "rowwise")}
    _by_fit(ours, "exact", 0), _by_fit(ours, "rowwise", 0)  # compiles them
    rows: list[dict[str, object]] = []
    for name, run in runs.items():
        seconds, mse = (statistics.median(column) for column in zip(*map(run, SEEDS), strict=True))
        first = rows[0]["seconds an epoch"] if rows else seconds
        rows.append({"training": name, "seconds an epoch": seconds, "times as fast": first / seconds, "MSE": mse})
    return rows


def _by_fit(make: Callable[[int], CollabDataLoaders], engine: str, seed: int) -> tuple[float, float]:
    dls = make(seed)
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items)
    history = fit(model, dls, EPOCHS, LR, WD, engine=engine, seed=seed, bar=False)
    return history.seconds / EPOCHS, history.final


def _by_learner(make: Callable[[int], DataLoaders], seed: int) -> tuple[float, float]:
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
