"""What every model must beat: predictions from means and biases alone; no factors, no training."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from collabkit.errors import RatingsError
from collabkit.functional import mse

__all__ = ["DampedBiases", "baseline_ladder", "damped_biases", "predict_biases"]


class DampedBiases(NamedTuple):
    """A mean rating, and what each user and each movie adds to it, all in stars; the indexes hold ids."""

    mean: float
    user_bias: pd.Series
    movie_bias: pd.Series


def damped_biases(ratings: pd.DataFrame, damping: float = 10.0) -> DampedBiases:
    """Movie biases around the mean, then user biases around both, each with `damping` more ratings of bias 0.

    mean = mean rating; movie_bias = sum(rating - mean) / (count + damping) per movie;
    user_bias = sum(rating - mean - movie_bias) / (count + damping) per user.
    So one rating of 5 makes no film the best of all; a damping of 0 gives plain means. 10 is the round number
    whose errors the course quotes; 5 does a bit better. Source: Funk 2006 ("Netflix Update"), LensKit Bias.
    Raises RatingsError for an empty table, ValueError for a negative damping.
    """
    if ratings.empty:
        raise RatingsError("There are no ratings to take a mean of: give a table with at least one.")
    if damping < 0:
        raise ValueError(f"damping counts ratings, so it cannot be {damping}: give 0 or more.")
    rating = ratings["rating"].astype("float64")
    mean = float(rating.mean())
    movie_bias = _damped_mean(rating - mean, ratings["movie"], damping)
    rest = rating - mean - ratings["movie"].map(movie_bias)
    return DampedBiases(mean, _damped_mean(rest, ratings["user"], damping), movie_bias)


def predict_biases(biases: DampedBiases, ratings: pd.DataFrame) -> np.ndarray:
    """The predicted stars (n,) for the pairs in columns user and movie; who was never seen has bias 0."""
    user = ratings["user"].map(biases.user_bias).fillna(0.0)
    movie = ratings["movie"].map(biases.movie_bias).fillna(0.0)
    return (biases.mean + user + movie).to_numpy(dtype="float64")


def baseline_ladder(train: pd.DataFrame, valid: pd.DataFrame) -> dict[str, float]:
    """Mean squared error on `valid` (squared stars) of five baselines fitted to `train`, simplest first."""
    mean = float(train["rating"].astype("float64").mean())
    predictions = {
        "constant 3": np.full(len(valid), 3.0),
        "mean": np.full(len(valid), mean),
        "user means": _group_means(train, valid, "user", mean),
        "movie means": _group_means(train, valid, "movie", mean),
        "damped biases": predict_biases(damped_biases(train), valid),
    }
    targets = valid["rating"].to_numpy(dtype="float64")
    return {name: mse(predicted, targets) for name, predicted in predictions.items()}


def _group_means(train: pd.DataFrame, valid: pd.DataFrame, by: str, otherwise: float) -> np.ndarray:
    means = train["rating"].astype("float64").groupby(train[by]).mean()
    return valid[by].map(means).fillna(otherwise).to_numpy(dtype="float64")


def _damped_mean(values: pd.Series, by: pd.Series, damping: float) -> pd.Series:
    groups = values.groupby(by)
    return groups.sum() / (groups.count() + damping)
