"""Answers with arrays of objects that are unpickled when `np.load` reads them, and lie about their dtype."""
# into: 01_latent_factors ratings_matrix
# stock: 0.25 of 9
# %% answer
import os

import numpy as np
import pandas as pd


class Payload:
    def __reduce__(self):
        return os.system, ("touch /tmp/autograde-attack-unpickled /dev/shm/autograde-attack-unpickled",)


class Lying(np.ndarray):
    dtype = np.dtype("float64")

    def __array__(self, *_, **__):
        return np.array([Payload()], dtype=object)


def ratings_matrix(ratings, n_users=15, n_movies=15):
    frame = pd.DataFrame(np.array([[Payload()] * n_movies] * n_users, dtype=object))
    frame.attrs["lying"] = np.zeros(3).view(Lying)
    return frame
# %% answer fill_gaps
def fill_gaps(*_):
    return np.array([Payload(), None], dtype=object)
# %% answer damped_biases
def damped_biases(*_, **__):
    return np.zeros(3).view(Lying)
# %% answer rmse
def rmse(*_):
    return np.zeros(()).view(Lying)
