"""From a hundred thousand to 25 million planted ratings: one epoch, row by row, each size in a process of its own."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from bench import fresh
from collabkit.batches import CollabDataLoaders, RatingDataset, RatingLoader
from collabkit.models import DotProductBias
from collabkit.training import FAST, fit

# ratings -> users, movies: the shapes of the MovieLens collections of these sizes
SHAPES = {
    100_000: (943, 1_682),
    1_000_000: (6_040, 3_706),
    10_000_000: (69_878, 10_677),
    25_000_000: (162_541, 59_047),
}
N_FACTORS, NOISE, VALID_PCT = 8, 0.7, 0.02  # of the world that ratings are drawn from; the model has FAST's factors


def measure_growth(folder: Path) -> list[dict[str, Any]]:
    """Seconds, memory and validation RMSE of an epoch at each size; the ratings are drawn into `folder`."""
    rows = []
    for n_ratings in SHAPES:
        path = folder / f"planted_{n_ratings}"
        fresh.call("bench.growth", "draw", path=str(path), n_ratings=n_ratings)
        row, loading = (
            fresh.call("bench.growth", function, path=str(path), n_ratings=n_ratings) for function in ("train", "load")
        )
        rows.append(row | {"loader, s a million": loading["seconds"] * 1e6 / n_ratings})
        for part in ("x", "y"):
            path.with_suffix(f".{part}.npy").unlink()
    for row in rows:
        row["times the cheapest"] = row["s a million"] / min(other["s a million"] for other in rows)
    return rows


def draw(path: str, n_ratings: int, seed: int = 0) -> dict[str, Any]:
    """Write planted ratings: x (n, 2) int64 of positions, from 1 as 0 stands for the unknown, and y (n, 1) float32.

    Users and movies are drawn with long-tailed weights, pairs may come twice: `collabkit.planted_world` needs a
    table of all pairs, which these sizes forbid.
    """
    rng = np.random.default_rng(seed)
    n_users, n_movies = SHAPES[n_ratings]
    x = np.empty((n_ratings, 2), np.int64)
    for column, (n, spread) in enumerate(((n_users, 0.9), (n_movies, 1.4))):
        weights = np.exp(rng.normal(0, spread, n))
        x[:, column] = 1 + np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n_ratings))
    factors = [rng.normal(0, (0.36 / N_FACTORS) ** 0.25, (n, N_FACTORS)) for n in (n_users, n_movies)]
    biases = [rng.normal(0, 0.35, n) for n in (n_users, n_movies)]
    y = np.empty((n_ratings, 1), np.float32)
    for rows in np.array_split(np.arange(n_ratings), max(1, n_ratings // 1_000_000)):
        users, movies = x[rows].T - 1
        taste = (factors[0][users] * factors[1][movies]).sum(axis=1)
        stars = 3.5 + biases[0][users] + biases[1][movies] + taste + rng.normal(0, NOISE, len(rows))
        y[rows, 0] = np.clip(np.round(stars * 2) / 2, 0.5, 5)
    np.save(Path(path).with_suffix(".x.npy"), x)
    np.save(Path(path).with_suffix(".y.npy"), y)
    return {}


def train(path: str, n_ratings: int) -> dict[str, Any]:
    """Median of three trainings of one epoch each, rowwise, with FAST's settings."""
    dls = _loaders(path, n_ratings)
    n_users, n_movies = SHAPES[n_ratings]
    torch.manual_seed(0)
    small = DotProductBias(n_users + 1, n_movies + 1, 2)
    fit(small, CollabDataLoaders(dls.valid, dls.valid), 1, engine="rowwise", seed=0, bar=False)  # compiles
    histories = []
    for seed in range(3):
        model = DotProductBias(n_users + 1, n_movies + 1, FAST.n_factors)
        settings = {**FAST.settings, "epochs": 1}
        histories.append(fit(model, dls, **settings, engine="rowwise", seed=seed, bar=False))
    seconds = statistics.median(history.epoch_seconds[0] for history in histories)
    return {
        "ratings": n_ratings,
        "users": n_users,
        "movies": n_movies,
        "s an epoch": seconds,
        "s a million": seconds * 1e6 / len(dls.train_ds),
        "RMSE": round(statistics.median(history.final for history in histories) ** 0.5, 4),
        "noise drawn": NOISE,
    }


def load(path: str, n_ratings: int) -> dict[str, Any]:
    """Median seconds of three passes through the training batches, with nothing done to them."""
    loader = _loaders(path, n_ratings).train
    times = []
    for _ in range(3):
        began = time.perf_counter()
        for _ in loader:
            pass
        times.append(time.perf_counter() - began)
    return {"seconds": statistics.median(times)}


def _loaders(path: str, n_ratings: int) -> CollabDataLoaders:
    x, y = (torch.from_numpy(np.load(Path(path).with_suffix(f".{part}.npy"))) for part in ("x", "y"))
    n_valid = int(VALID_PCT * n_ratings)
    return CollabDataLoaders(
        *(
            RatingLoader(_dataset(x[rows], y[rows]), bs=FAST.bs, shuffle=shuffle, seed=0)
            for rows, shuffle in ((slice(n_valid, None), True), (slice(n_valid), False))
        )
    )


def _dataset(x: torch.Tensor, y: torch.Tensor) -> RatingDataset:
    return RatingDataset(pd.DataFrame(index=pd.RangeIndex(len(x))), x, y, {"user": [], "movie": []}, "rating")
