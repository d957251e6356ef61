"""Users and films as points in the plane of two factors: move one, and the predictions beside them follow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import traitlets

from collabkit import plots
from collabkit.widgets.base import PlayWidget, script

__all__ = ["FactorSpace"]

ROOM = 1.5  # the plane reaches so many times as far as the farthest point, so that all can be moved outwards
STEPS = 30  # of an arrow key, from the middle to the edge


class FactorSpace(PlayWidget):
    """Points that can be moved, by pointer or by arrow keys, and the matrix of their dot products.

    The dot products are computed where they are drawn. `user_factors`, `movie_factors` and `predictions` read what the
    points stand for at the moment.
    """

    _esm = script("factor_space.js")
    user_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    movie_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    axes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    users = traitlets.List().tag(sync=True)  # [x, y] of each user
    movies = traitlets.List().tag(sync=True)  # [x, y] of each film
    reach = traitlets.Float().tag(sync=True)  # the plane goes from -reach to reach
    step = traitlets.Float().tag(sync=True)  # how far an arrow key moves a point

    def __init__(
        self,
        users: Mapping[str, tuple[float, float]],
        movies: Mapping[str, tuple[float, float]],
        axes: tuple[str, str] = ("first factor", "second factor"),
    ):
        """`users` and `movies`: for each name its two factors. ValueError without anybody, or for what is no point."""
        if not (users and movies):
            raise ValueError("There is nothing to play with: give at least one user and one film.")
        points = np.array([*users.values(), *movies.values()], dtype=float)
        if points.shape[1:] != (2,) or not np.isfinite(points).all():
            raise ValueError("Give two finite numbers for each user and each film: a plane has two factors.")
        step = _round_up(ROOM * (np.abs(points).max() or 1.0) / STEPS)
        places = points.tolist()
        super().__init__(
            user_names=[str(name) for name in users],
            movie_names=[str(name) for name in movies],
            axes=list(axes),
            users=places[: len(users)],
            movies=places[len(users) :],
            reach=STEPS * step,
            step=step,
        )

    @property
    def user_factors(self) -> np.ndarray:
        """Where the users are, (n_users, 2)."""
        return np.array(self.users, dtype=float)

    @property
    def movie_factors(self) -> np.ndarray:
        """Where the films are, (n_movies, 2)."""
        return np.array(self.movies, dtype=float)

    @property
    def predictions(self) -> pd.DataFrame:
        """The dot products, users x films."""
        return pd.DataFrame(
            self.user_factors @ self.movie_factors.T,
            index=pd.Index(self.user_names, name="user"),
            columns=pd.Index(self.movie_names, name="film"),
        )

    def as_text(self) -> str:
        places = "; ".join(
            f"{name} at ({x:.3g}, {y:.3g})"
            for name, (x, y) in zip([*self.user_names, *self.movie_names], [*self.users, *self.movies], strict=True)
        )
        table = self.predictions.round(2).to_string()
        return f"The plane of {self.axes[0]} and {self.axes[1]}: {places}.\nDot products:\n{table}"

    def as_html(self) -> str:
        movies = dict(zip(self.movie_names, map(tuple, self.movies), strict=True))
        picture = plots.factor_space(movies, tuple(self.users[0]), tuple(self.axes))
        return picture._repr_mimebundle_()["text/html"] + self.predictions.round(2).to_html()


def _round_up(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ... times a power of ten."""
    unit = 10.0 ** np.floor(np.log10(step))
    return float(next(round(factor * unit, 12) for factor in (1, 2, 5, 10) if factor * unit >= step * (1 - 1e-9)))
