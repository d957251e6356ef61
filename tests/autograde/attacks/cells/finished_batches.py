"""Calls the finished functions of lesson 02 through the modules and classes that use them."""
# into: 02_ratings_to_batches build_vocab
# stock: 6.5 of 8
# %% answer
from collabkit import batches


def build_vocab(column):
    return batches.build_vocab(column)
# %% answer encode
def encode(column, vocab):
    return batches.encode.__get__(None)(column, vocab) if False else batches.encode(column, vocab)
# %% answer split
class Split:
    __call__ = staticmethod(batches.random_split)


split = Split()
# %% answer lookup
lookup = type("Lookup", (), {"__call__": lambda self, index, table: batches.lookup(index, table)})()
# %% answer one_epoch
def one_epoch(n, bs, generator=None):
    yield from batches.one_epoch(n, bs, generator)
