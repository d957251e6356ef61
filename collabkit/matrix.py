"""Ratings as a matrix with gaps, and the gaps filled from factors; no training here."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["density", "fill_gaps", "predict_rating", "ratings_matrix"]


def ratings_matrix(ratings: pd.DataFrame, n_users: int = 15, n_movies: int = 15) -> pd.DataFrame:
    """Who rated what: the most active users by the most rated movies, NaN where there is no rating.

    Rows are users and columns movies, ascending by id; of two rated equally often the smaller id is taken.
    With fewer users or movies than asked for, all of them; a pair rated twice gets its mean.
    Raises ValueError for fewer than one user or movie.
    """
    if n_users < 1 or n_movies < 1:
        raise ValueError(f"A matrix needs at least one user and one movie, not {n_users} and {n_movies}.")
    users, movies = _most_frequent(ratings["user"], n_users), _most_frequent(ratings["movie"], n_movies)
    inside = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    cells = inside.groupby(["user", "movie"])["rating"].mean().unstack()
    return cells.reindex(index=users.rename("user"), columns=movies.rename("movie"))


def density(matrix: pd.DataFrame) -> float:
    """The share of cells that hold a rating, 0 to 1. A gap is a missing rating, not a 0."""
    if matrix.size == 0:
        raise ValueError("A matrix without cells has no density: give at least one user and one movie.")
    return float(matrix.notna().to_numpy().mean())


def predict_rating(user_factors: Sequence[float], movie_factors: Sequence[float]) -> float:
    """The dot product of a user's and a movie's factors: taste times film, factor by factor, added up.

    Both are sequences of numbers, plain lists too. Raises ValueError when they are not equally long.
    """
    if len(user_factors) != len(movie_factors):
        raise ValueError(
            f"A user with {len(user_factors)} factors and a movie with {len(movie_factors)} cannot be "
            "multiplied: give both the same number."
        )
    return float(sum(u * m for u, m in zip(user_factors, movie_factors, strict=True)))


def fill_gaps(matrix: pd.DataFrame, user_factors: np.ndarray, movie_factors: np.ndarray) -> pd.DataFrame:
    """The matrix with each gap replaced by the dot product for its user and movie; known ratings stay.

    Row i of `user_factors` (n_users, k) belongs to row i of the matrix, row j of `movie_factors`
    (n_movies, k) to its column j. Returns a new matrix; raises ValueError when the shapes do not fit.
    """
    user_factors, movie_factors = np.asarray(user_factors), np.asarray(movie_factors)
    n_users, n_movies = matrix.shape
    fits = user_factors.ndim == 2 and movie_factors.shape == (n_movies, user_factors.shape[1])
    if not fits or len(user_factors) != n_users:
        raise ValueError(
            f"A {n_users} x {n_movies} matrix needs factors ({n_users}, k) and ({n_movies}, k), "
            f"not {user_factors.shape} and {movie_factors.shape}."
        )
    predicted = pd.DataFrame(user_factors @ movie_factors.T, index=matrix.index, columns=matrix.columns)
    return matrix.where(matrix.notna(), predicted)


def _most_frequent(ids: pd.Series, n: int) -> pd.Index:
    """The n ids that come most often, the smaller id first among equals; returned ascending."""
    counts = ids.value_counts().rename("count").rename_axis("id").reset_index()
    top = counts.sort_values(["count", "id"], ascending=[False, True]).head(n)
    return pd.Index(top["id"]).sort_values()
