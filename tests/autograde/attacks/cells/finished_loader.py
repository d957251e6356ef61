"""Uses collabkit's finished loader to get the batches of one epoch."""
# into: 02_ratings_to_batches one_epoch
# stock: 1.25 of 8
# %% answer
from collabkit import batches


def one_epoch(n, bs, generator=None):
    import pandas as pd

    dataset = batches.RatingDataset(pd.DataFrame(index=range(n)), torch.arange(n)[:, None], None, {}, "rating")
    order, sizes = batches.RatingLoader(dataset, bs=bs, shuffle=True).next_epoch()
    yield from order.split(sizes)
