"""The README's picture, made anew: the ladder of the course, on the real ratings. `python -m bench.ladder`"""

from __future__ import annotations

from bench.stages import STAGES
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.plots import ladder
from collabkit.ratings import load_ratings

PICTURE = "docs/ladder.png"
SEED = 42


def main() -> None:
    dls = CollabDataLoaders.from_df(load_ratings(), item_name="title", bs=64, seed=SEED)
    rungs = {stage.name: stage.mse(SEED) for stage in STAGES}
    picture = ladder({**baseline_ladder(dls.train_df, dls.valid_df), **rungs})
    picture.save(PICTURE)
    print(f"written: {PICTURE}. {picture.alt}")


if __name__ == "__main__":
    main()
