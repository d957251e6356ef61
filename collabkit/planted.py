"""A planted world: ratings drawn from known factors and biases, so that the right answer is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["PlantedWorld", "planted_world"]

MEAN = 3.5  # stars, as in most collections of ratings
BIAS_SPREAD = 0.35  # stars, one standard deviation of a user's and of a film's bias
TASTE_SPREAD = 0.6  # stars, one standard deviation of the dot product of a user's and a film's factors
LOWEST, HIGHEST = 0.5, 5.0
FIRST_SECOND, LAST_SECOND = (
    874_724_710,
    893_286_638,
)  # 1997-09 to 1998-04, as MovieLens 100K


@dataclass(frozen=True)
class PlantedWorld:
    """Ratings and what they were drawn from. Row i of a user array is user i + 1, likewise for movies.

    `ratings` has the columns user, movie, rating (float32, half stars), timestamp and title;
    `user_factors` is (n_users, n_factors), `movie_factors` (n_movies, n_factors), a bias (n,), in stars.
    """

    ratings: pd.DataFrame
    mean: float
    user_factors: np.ndarray
    movie_factors: np.ndarray
    user_bias: np.ndarray
    movie_bias: np.ndarray

    def expected(self, users, movies) -> np.ndarray:
        """Ratings before noise and rounding for pairs of ids: (n,) users and (n,) movies give (n,) stars."""
        u, m = np.asarray(users) - 1, np.asarray(movies) - 1
        taste = (self.user_factors[u] * self.movie_factors[m]).sum(axis=-1)
        return np.clip(self.mean + self.user_bias[u] + self.movie_bias[m] + taste, LOWEST, HIGHEST)


def planted_world(
    n_users: int = 200,
    n_movies: int = 120,
    n_factors: int = 3,
    n_ratings: int = 6000,
    noise: float = 0.3,
    seed: int = 0,
    selection: float = 0.0,
) -> PlantedWorld:
    """Draw a world: rating = mean + biases + dot product + noise, kept to 0.5..5 and rounded to half stars.

    Few films are rated often and many seldom, as in life; no pair comes twice, and every user and movie has a
    rating. `noise` is one standard deviation in stars. `selection` above 0 (3 is strong) makes some films draw
    generous users and others harsh ones, so that a film's mean rating tells of its audience as well; with 0, who
    sees what has nothing to do with biases. It needs memory for n_users x n_movies numbers.
    Raises ValueError when n_ratings cannot cover everybody or is more than there are pairs.
    """
    if min(n_users, n_movies, n_factors) < 1:
        raise ValueError("A planted world needs at least one user, one movie and one factor.")
    if not max(n_users, n_movies) <= n_ratings <= n_users * n_movies:
        raise ValueError(
            f"n_ratings is {n_ratings}, but {n_users} users and {n_movies} movies need between "
            f"{max(n_users, n_movies)} (each has one) and {n_users * n_movies} (each pair once)."
        )
    rng = np.random.default_rng(seed)
    spread = (TASTE_SPREAD**2 / n_factors) ** 0.25  # of one factor: the dot product then has TASTE_SPREAD
    user_factors = _centred(rng.normal(0, spread, (n_users, n_factors)))
    movie_factors = _centred(rng.normal(0, spread, (n_movies, n_factors)))
    user_bias = _centred(rng.normal(0, BIAS_SPREAD, n_users))
    movie_bias = _centred(rng.normal(0, BIAS_SPREAD, n_movies))

    audience = np.random.default_rng([seed, 1]).normal(0, 1, n_movies)  # apart: without selection nothing changes
    drawn_to = selection * np.outer(user_bias / BIAS_SPREAD, audience)
    users, movies = _who_rated_what(rng, n_users, n_movies, n_ratings, drawn_to)
    taste = (user_factors[users] * movie_factors[movies]).sum(axis=1)
    stars = MEAN + user_bias[users] + movie_bias[movies] + taste + rng.normal(0, noise, n_ratings)
    width = len(str(n_movies))
    ratings = pd.DataFrame(
        {
            "user": users + 1,
            "movie": movies + 1,
            "rating": np.clip(np.round(stars * 2) / 2, LOWEST, HIGHEST).astype(np.float32),
            "timestamp": np.sort(rng.integers(FIRST_SECOND, LAST_SECOND, n_ratings)),
            "title": [f"Film {movie + 1:0{width}d}" for movie in movies],
        }
    )
    ratings.attrs["source"] = "planted world"
    return PlantedWorld(ratings, MEAN, user_factors, movie_factors, user_bias, movie_bias)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=0)


def _who_rated_what(
    rng, n_users: int, n_movies: int, n_ratings: int, drawn_to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of n_ratings distinct pairs in random order: a pair for everybody, the rest by popularity.

    drawn_to (n_users, n_movies): log weights of the pairs beside those of users and films.
    """
    popularity = rng.normal(0, 1.4, n_movies)  # log weights: the long tail, about as long as MovieLens's
    activity = rng.normal(0, 0.9, n_users)
    # The largest log weights + Gumbel noise: weighted draw without replacement (Efraimidis & Spirakis 2006).
    keys = activity[:, None] + popularity + drawn_to + rng.gumbel(size=(n_users, n_movies))
    # One pair for everybody along a diagonal that wraps around: the longer side is covered once.
    longer = np.arange(max(n_users, n_movies))
    keys[rng.permutation(n_users)[longer % n_users], rng.permutation(n_movies)[longer % n_movies]] = np.inf
    chosen = rng.permutation(np.argpartition(-keys, n_ratings - 1, axis=None)[:n_ratings])
    return np.unravel_index(chosen, keys.shape)
