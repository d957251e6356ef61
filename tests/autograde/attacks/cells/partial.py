"""Makes partial functions of the finished versions of lesson 01."""
# into: 01_latent_factors density
# stock: 7.5 of 9
# %% answer
from functools import partial

from collabkit import matrix

density = partial(matrix.density)
# %% answer ratings_matrix
from functools import partial

from collabkit import matrix

ratings_matrix = partial(matrix.ratings_matrix)
# %% answer predict_rating
from collabkit.matrix import predict_rating as theirs

predict_rating = partial(theirs)
# %% answer fill_gaps
fill_gaps = partial(matrix.fill_gaps)
# %% answer rmse
from collabkit import functional

rmse = partial(functional.rmse)
# %% answer damped_biases
from collabkit import baselines

damped_biases = partial(baselines.damped_biases)
