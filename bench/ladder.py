"""The README's picture, made anew: the ladder after lesson 3, on the real ratings. `python -m bench.ladder`"""

from __future__ import annotations

import torch

from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProduct
from collabkit.plots import ladder
from collabkit.ratings import load_ratings
from collabkit.training import train

PICTURE = "docs/ladder.png"


def main() -> None:
    dls = CollabDataLoaders.from_df(load_ratings(), item_name="title", bs=64, seed=42)
    torch.manual_seed(42)
    learn = train(DotProduct(dls.n_users, dls.n_items, 50), dls)
    dot_product = float(learn.recorder.values[-1][1])
    picture = ladder({**baseline_ladder(dls.train_df, dls.valid_df), "dot product": dot_product})
    picture.save(PICTURE)
    print(f"written: {PICTURE}. {picture.alt}")


if __name__ == "__main__":
    main()
