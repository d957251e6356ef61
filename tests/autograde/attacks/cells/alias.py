"""Gives the finished versions of collabkit's another name: the learner's own."""
# into: 03_dot_product DotProduct
# stock: 6.5 of 8
# %% answer
import collabkit

DotProduct = collabkit.DotProduct
# %% answer gradient_step
from collabkit import gradient_step
from collabkit import gradient_step as theirs

gradient_step = theirs
# %% answer train
import collabkit.training

train = lambda *args, **kwargs: collabkit.training.train(*args, **kwargs)
