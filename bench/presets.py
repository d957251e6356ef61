"""The search behind FAST and BEST: `python -m bench.presets`. Only hold-outs inside the training part are looked at.

The test ratings of `random_split(100_000, seed=42)` are not loaded here: a preset that was chosen on them would
promise too much. The two lists hold what was tried; the first line printed for each is what was taken.
"""

from __future__ import annotations

import statistics
import time
from itertools import product

import pandas as pd
import torch

from collabkit.batches import CollabDataLoaders, random_split
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import BEST, FAST, Preset, fit

N_HOLD_OUTS, HELD_OUT = 3, 0.125  # a tenth of all ratings each
SHOWN = 5
TRIED = {
    # as cheap as BOOK: 50 factors, five epochs at most, in larger batches
    "FAST": [
        Preset(50, 256, lr, wd, wd_bias, epochs)
        for lr, wd, wd_bias, epochs in product(
            (3.5e-3, 5e-3, 7e-3, 1e-2), (0.2, 0.25, 0.3, 0.4, 0.55), (0.0, 0.05, 0.2), (4, 5)
        )
    ],
    # whatever it costs
    "BEST": [
        Preset(n_factors, bs, lr, wd, 0.0, epochs)
        for n_factors, bs, lr, wd, epochs in product(
            (100, 200), (64, 128, 256), (1.5e-3, 2.5e-3, 4e-3), (0.2, 0.3, 0.4, 0.55), (6, 8, 12)
        )
    ],
}


def main() -> None:
    torch.set_num_threads(1)
    table = load_ratings()
    train, _ = random_split(len(table))
    table = table.iloc[train.numpy()]
    for name, taken in (("FAST", FAST), ("BEST", BEST)):
        began = time.perf_counter()
        scores = {preset: rmse(table, preset) for preset in TRIED[name]}
        ranked = sorted(scores, key=scores.get)
        print(f"{name}: {len(ranked)} tried in {time.perf_counter() - began:.0f} s, RMSE over {N_HOLD_OUTS} hold-outs")
        for preset in ranked[:SHOWN]:
            print(f"  {scores[preset]:.4f} {preset}{'  <- taken' if preset == taken else ''}", flush=True)


def rmse(table: pd.DataFrame, preset: Preset) -> float:
    """Mean over hold-outs of a table, by rowwise training, which is quick and ends where exact training ends."""
    found = []
    for seed in range(N_HOLD_OUTS):
        inner, held_out = random_split(len(table), HELD_OUT, seed)
        names = {"user_name": "user", "item_name": "title", "rating_name": "rating"}
        dls = CollabDataLoaders.from_split(table, inner, held_out, **names, seed=seed, bs=preset.bs, device="cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = DotProductBias(dls.n_users, dls.n_items, preset.n_factors)
        history = fit(model, dls, **preset.settings, engine="rowwise", seed=seed, bar=False)
        found.append(history.final**0.5)
    return statistics.mean(found)


if __name__ == "__main__":
    main()
