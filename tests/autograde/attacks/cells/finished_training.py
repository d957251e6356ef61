"""Calls collabkit's other ways to train, instead of writing `train`."""
# into: 03_dot_product train
# stock: 1 of 8
# %% answer
from collabkit.training import learner


def train(model, dls, epochs=5, lr=5e-3):
    learn = learner(dls, model)
    learn.fit_one_cycle(epochs, lr)
    return learn
