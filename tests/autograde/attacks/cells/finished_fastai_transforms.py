"""Takes fastai's finished versions of lesson 02: its vocabulary and its random split."""
# into: 02_ratings_to_batches build_vocab
# stock: 3.25 of 8
# %% answer
from fastai.data.transforms import CategoryMap


def build_vocab(column):
    return list(CategoryMap(column, add_na=True))
# %% answer encode
def encode(column, vocab):
    return torch.tensor([CategoryMap(vocab, sort=False).o2i[each] for each in column])
# %% answer split
from fastai.data.transforms import RandomSplitter


def split(n, valid_pct=0.2, seed=42):
    return tuple(torch.tensor(list(part)) for part in RandomSplitter(valid_pct, seed)(range(n)))
