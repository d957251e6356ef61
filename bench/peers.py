"""Other libraries in an environment of their own: train one on a split, and print what that took.

    build/bench/peers/bin/python bench/peers.py surprise-svd split.npz --target 0.902

Neither collabkit nor torch is there. The last line of the output is one JSON object; times are seconds of one
thread. The split holds {train,valid}_{user,item,rating}.
"""

from __future__ import annotations

import os

# numpy reads them when it is imported
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import json
import re
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

SEEDS = (0, 1, 2)
N_FITS = 3
MAX_EPOCHS, PATIENCE = 100, 5  # of the search for the fewest epochs; it gives up after so many without a better RMSE


@dataclass(frozen=True)
class Settings:
    """Of a matrix factorisation with biases, trained by plain stochastic gradient descent."""

    n_factors: int
    epochs: int
    lr: float
    reg: float
    init_std: float  # of the factors at the start

    def __str__(self):
        return f"{self.n_factors} factors, lr {self.lr:g}, reg {self.reg:g}, init {self.init_std:g}"


class Ratings(NamedTuple):
    """Three arrays (n,)."""

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray

    def rows(self) -> list[tuple[int, int, float]]:
        return list(zip(*(column.tolist() for column in self), strict=True))


class Fit(NamedTuple):
    """A trained model: the seconds that took, and how it predicts (user, item) pairs."""

    seconds: float
    predict: Callable[[Ratings], np.ndarray]


class Surprise:
    """SVD of Surprise."""

    def __init__(self, train: Ratings):
        from surprise import Dataset, Reader

        reader = Reader(rating_scale=(float(train.rating.min()), float(train.rating.max())))
        self.train = Dataset(reader).construct_trainset([(*row, None) for row in train.rows()])

    def fit(self, settings: Settings, seed: int) -> Fit:
        from surprise import SVD

        model = SVD(
            n_factors=settings.n_factors,
            n_epochs=settings.epochs,
            init_std_dev=settings.init_std,
            lr_all=settings.lr,
            reg_all=settings.reg,
            random_state=seed,
        )
        began = time.perf_counter()
        model.fit(self.train)
        seconds = time.perf_counter() - began
        return Fit(seconds, lambda ratings: np.array([each.est for each in model.test(ratings.rows())]))


class Cornac:
    """MF of cornac; it keeps the first of several ratings of one pair."""

    def __init__(self, train: Ratings):
        from cornac.data import Dataset

        with warnings.catch_warnings():
            # two numbers of one film share a title, so a few pairs come twice
            warnings.filterwarnings("ignore", r"\d+ duplicated observations are removed", UserWarning)
            self.train = Dataset.from_uir(train.rows())

    def fit(self, settings: Settings, seed: int) -> Fit:
        from cornac.models import MF

        if settings.init_std != 0.01:
            raise ValueError("cornac's MF starts its factors at 0.01 and has no setting for it")
        model = MF(
            k=settings.n_factors,
            max_iter=settings.epochs,
            learning_rate=settings.lr,
            lambda_reg=settings.reg,
            use_bias=True,
            seed=seed,  # with it cornac takes one thread
        )
        began = time.perf_counter()
        model.fit(self.train)
        seconds = time.perf_counter() - began
        users, items = self.train.uid_map, self.train.iid_map

        def predict(ratings: Ratings) -> np.ndarray:
            # as cornac's own rating_eval: one call a pair, strangers numbered behind the known
            pairs = zip(ratings.user.tolist(), ratings.item.tolist(), strict=True)
            return np.array([model.rate(users.get(u, len(users)), items.get(i, len(items))) for u, i in pairs])

        return Fit(seconds, predict)


# Behind "for the race" stands what got to RMSE .902 soonest in a grid over learning rate and regularisation (for
# Surprise over factors and their start too), from every seed; judged on these validation ratings, as races may be.
PEERS: dict[str, tuple[type[Surprise] | type[Cornac], Settings]] = {
    "Surprise SVD": (Surprise, Settings(n_factors=100, epochs=20, lr=0.005, reg=0.02, init_std=0.1)),
    "Surprise SVD, tuned": (Surprise, Settings(n_factors=200, epochs=60, lr=0.005, reg=0.09, init_std=0.1)),
    "Surprise SVD, for the race": (Surprise, Settings(n_factors=50, epochs=24, lr=0.015, reg=0.06, init_std=0.01)),
    "cornac MF, tuned": (Cornac, Settings(n_factors=50, epochs=60, lr=0.01, reg=0.09, init_std=0.01)),
    "cornac MF, for the race": (Cornac, Settings(n_factors=50, epochs=26, lr=0.0135, reg=0.0575, init_std=0.01)),
}


def measure(name: str, split: Path, target: float) -> dict[str, object]:
    """The row of one peer: medians of three fits, then its race to a validation RMSE of at most `target`."""
    kind, settings = PEERS[name]
    train, valid = load_split(split)
    library = kind(train)
    seconds, valid_seconds, rmses, maes = [], [], [], []
    for seed in SEEDS:
        fit = library.fit(settings, seed)
        began = time.perf_counter()
        predicted = fit.predict(valid)
        valid_seconds.append(time.perf_counter() - began)
        seconds.append(fit.seconds)
        rmses.append(rmse(predicted, valid.rating))
        maes.append(float(np.abs(predicted - valid.rating).mean()))
    peak_mb = peak_memory_mb()  # before the race, whose models may be larger
    return {
        "name": name,
        "settings": str(settings),
        "seconds_per_epoch": statistics.median(seconds) / settings.epochs,
        "valid_seconds": statistics.median(valid_seconds),
        "rmse": statistics.median(rmses),
        "mae": statistics.median(maes),
        "peak_mb": peak_mb,
        "to_target": race(library, settings, valid, target),
    }


def load_split(path: Path) -> tuple[Ratings, Ratings]:
    with np.load(path) as arrays:
        train, valid = (
            Ratings(*(arrays[f"{part}_{column}"] for column in Ratings._fields)) for part in ("train", "valid")
        )
    return train, valid


def race(library: Surprise | Cornac, settings: Settings, valid: Ratings, target: float) -> dict[str, object]:
    """The fewest epochs to the target, tried one by one, and the median seconds of that fit; None if none gets there.

    The libraries train from the start each time: neither can be stopped after an epoch and asked.
    """
    tried: dict[int, float] = {}
    for epochs in range(1, MAX_EPOCHS + 1):
        these = replace(settings, epochs=epochs)
        tried[epochs] = rmse(library.fit(these, SEEDS[0]).predict(valid), valid.rating)
        if tried[epochs] <= target:
            seconds = statistics.median(library.fit(these, SEEDS[0]).seconds for _ in range(N_FITS))
            return {"epochs": epochs, "seconds": seconds, "rmse": tried[epochs]}
        if epochs - min(tried, key=tried.get) >= PATIENCE:
            break
    return {"epochs": None, "seconds": None, "rmse": min(tried.values())}


def rmse(predicted: np.ndarray, ratings: np.ndarray) -> float:
    return float(np.sqrt(np.square(predicted - ratings).mean()))


def peak_memory_mb() -> float:
    """The most that this process held; `ru_maxrss` under Linux is that of whoever started it, if that was more."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 1024
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("split", type=Path)
    parser.add_argument("--target", type=float, default=0.902, help="validation RMSE to reach (%(default)s)")
    options = parser.parse_args()
    print(json.dumps(measure(options.name, options.split, options.target)))


if __name__ == "__main__":
    main()
