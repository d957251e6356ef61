"""Trainings of the same model on the same split, each in a process of its own: time, memory and accuracy."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.collab import CollabDataLoaders as FastaiLoaders
from fastai.tabular.core import TabDataLoader
from torch import nn

from bench import fresh
from bench.plain_loop import train_plainly
from collabkit.batches import CollabDataLoaders
from collabkit.functional import mae
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import BOOK, FAST, Preset, fit, learner

SPLIT, SEEDS = 42, (42, 1, 2)  # one split for all; the seeds are those of weights and batches
FASTAI = {
    "fastai as shipped": FastaiLoaders,
    "fastai, loader mended": FastaiLoaders,
    "fastai, collabkit's loaders": CollabDataLoaders,
}
OURS = [f"collabkit.fit, {engine}" for engine in ("torch", "exact", "rowwise")]
PLAIN = "plain DataLoader loop"
PRESETS = {64: BOOK, 256: FAST}
# fastai and the plain loop have one decay for factors and biases
ONE_DECAY = {64: BOOK, 256: Preset(n_factors=50, bs=256, lr=5e-3, wd=0.2, wd_bias=0.2, epochs=5)}


def measure_training(peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per training and peer; medians over three seeds, one thread, seconds without validation."""
    rows = [
        {"training": name, "bs": bs, **fresh.call("bench.training", "train_repeatedly", name=name, bs=bs)}
        for bs in PRESETS
        for name in (*FASTAI, PLAIN, *OURS)
    ]
    for peer in peers:
        rows.append(
            {
                "training": f"{peer['name']} ({peer.get('settings') or peer['note']})",
                "bs": 1,
                "s an epoch": peer.get("seconds_per_epoch"),
                "validation ms": peer.get("valid_seconds") and peer["valid_seconds"] * 1000,
                "RMSE": peer.get("rmse"),
                "MAE": peer.get("mae"),
                "peak MB": peer.get("peak_mb"),
            }
        )
    for row in rows:
        row["times fastai"] = row["s an epoch"] and rows[0]["s an epoch"] / row["s an epoch"]
    return rows


def train_repeatedly(name: str, bs: int) -> dict[str, Any]:
    """Medians over the seeds, with the preset for this batch size."""
    preset = preset_for(name, bs)
    if name in OURS:
        train_once(name, replace(preset, epochs=1), SEEDS[0])  # compiles
    runs = [train_once(name, preset, seed) for seed in SEEDS]
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {
        "s an epoch": found["epoch"],
        "validation ms": found["validation"] * 1000 or None,
        "RMSE": found["rmse"],
        "MAE": found["mae"],
    }


def preset_for(name: str, bs: int) -> Preset:
    """What a training uses with batches of this size."""
    return (PRESETS if name in OURS else ONE_DECAY)[bs]


def train_once(name: str, preset: Preset, seed: int) -> dict[str, float]:
    """Seconds and errors of one training: "epoch" and "validation" of one, "whole" in all, "rmse" and "mae"."""
    if name in FASTAI:
        return _by_fastai(name, preset, seed)
    dls = CollabDataLoaders.from_df(load_ratings(), item_name="title", seed=SPLIT, bs=preset.bs, device="cpu")
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items, preset.n_factors)
    if name == PLAIN:
        times = train_plainly(model, dls, preset.epochs, preset.lr, preset.wd, seed=seed)
        return _summary(model, dls, sum(times), times, [])
    began = time.perf_counter()
    history = fit(model, dls, **preset.settings, engine=name.split()[-1], seed=seed, bar=False)
    return _summary(model, dls, time.perf_counter() - began, history.epoch_seconds, history.valid_seconds)


def _by_fastai(name: str, preset: Preset, seed: int) -> dict[str, float]:
    np.random.seed(seed)  # noqa: NPY002  fastai's shipped loader draws from it
    mended = {"dl_type": TabDataLoader} if "mended" in name else {}
    with warnings.catch_warnings():
        # under pandas 3 fastai's own loaders warn of a read-only array, once
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        dls = FASTAI[name].from_df(load_ratings(), item_name="title", seed=SPLIT, bs=preset.bs, **mended)
        torch.manual_seed(seed)
        n_users, n_items = (len(vocab) for vocab in dls.classes.values())
        model = DotProductBias(n_users, n_items, preset.n_factors)
        clock = _Clock()
        learn = learner(dls, model)
        began = time.perf_counter()
        learn.fit_one_cycle(preset.epochs, preset.lr, wd=preset.wd, cbs=clock)
        whole = time.perf_counter() - began
    ours = CollabDataLoaders.from_df(load_ratings(), item_name="title", seed=SPLIT, device="cpu")
    return _summary(model, ours, whole, clock.training, clock.validation)


class _Clock(Callback):
    """Seconds of each epoch's training and of its validation."""

    order = 1000  # after all others, so that their work is counted

    def __init__(self):
        self.training, self.validation = [], []

    def before_train(self):
        self.began = time.perf_counter()

    def after_train(self):
        self.training.append(time.perf_counter() - self.began)

    def before_validate(self):
        self.began = time.perf_counter()

    def after_validate(self):
        self.validation.append(time.perf_counter() - self.began)


def _summary(
    model: nn.Module, dls: CollabDataLoaders, whole: float, training: Sequence[float], validation: Sequence[float]
) -> dict[str, float]:
    x, y = dls.valid_ds.x, dls.valid_ds.y.flatten()
    model.eval()
    with torch.no_grad():
        predicted = model(x)
    return {
        "epoch": statistics.median(training),
        "validation": statistics.median(validation) if validation else 0.0,
        "whole": whole,
        "rmse": float((predicted - y).square().mean().sqrt()),
        "mae": float(mae(predicted, y)),
    }


def save_split(path: Path) -> None:
    """Write the split for the peers: {train,valid}_{user,item,rating}."""
    dls = CollabDataLoaders.from_df(load_ratings(), item_name="title", seed=SPLIT, device="cpu")
    arrays = {}
    for part, data in (("train", dls.train_ds), ("valid", dls.valid_ds)):
        user, item = data.x.T.numpy()
        arrays |= {f"{part}_user": user, f"{part}_item": item, f"{part}_rating": data.y.flatten().numpy()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


# ---- memory


def measure_memory() -> list[dict[str, Any]]:
    """What a process holds after 5 and after 50 epochs of the same training; fastai after 1 and 6, as it is slow."""
    names = {"fastai, loader mended": (1, 6), **dict.fromkeys(OURS, (5, 50))}
    return [fresh.call("bench.training", "grow", name=name, few=few, many=many) for name, (few, many) in names.items()]


def grow(name: str, few: int, many: int) -> dict[str, Any]:
    """Resident memory in MB after `few` epochs, and how much more after `many`."""
    import psutil

    held = []
    for epochs in (few, many):
        train_once(name, replace(FAST, epochs=epochs), SEEDS[0])
        held.append(psutil.Process().memory_info().rss / 1e6)
    return {
        "training": name,
        "epochs": f"{few}, {many}",
        "MB after the first": held[0],
        "MB more after the second": held[1] - held[0],
    }
