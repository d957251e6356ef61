"""Takes collabkit's finished mean squared error, of which the exercise is the root."""
# into: 01_latent_factors rmse
# stock: 1 of 9
# %% answer
from collabkit.functional import mse


def rmse(predictions, targets):
    return mse(predictions, targets) ** 0.5
