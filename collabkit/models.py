"""Models in the order the lessons build them; nothing here knows about data, devices or training.

Every model is called with `x`, a LongTensor (batch, 2): column 0 is the user, column 1 the movie.
It answers with one rating a row: a float tensor (batch,).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from collabkit.functional import sigmoid_range

__all__ = ["CollabNN", "DotProduct", "DotProductBias", "Embedding"]


class Embedding(nn.Embedding):
    """A lookup table (n, width) that starts near zero, so that no movie begins with an opinion.

    Normal numbers wrapped at two, times `std`, drawn just as fastai's `Embedding` draws them.
    An id outside 0..n-1 is an IndexError that names `column`, the id and n. It costs nothing on the good
    path: the lookup on the CPU finds it; on a GPU asking first would make every batch wait.
    """

    def __init__(self, n: int, width: int, std: float = 0.01, *, column: str = "the batch"):
        super().__init__(n, width)
        self.column = column
        with torch.no_grad():
            self.weight.normal_().fmod_(2).mul_(std)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up the row of each id: (...) -> (..., width)."""
        try:
            return super().forward(ids)
        except IndexError as error:
            worst = ids.min() if ids.min() < 0 else ids.max()
            raise IndexError(
                f"{self.column} holds the id {worst}, but its embedding has {self.num_embeddings} rows: "
                f"ids run from 0 to {self.num_embeddings - 1}"
            ) from error


class DotProduct(nn.Module):
    """A rating is how far a user's tastes and a movie's traits point the same way."""

    def __init__(self, n_users: int, n_movies: int, n_factors: int = 50):
        super().__init__()
        self.user_factors = _users(n_users, n_factors)
        self.movie_factors = _movies(n_movies, n_factors)

    def forward(self, x: Tensor) -> Tensor:
        users = self.user_factors(x[:, 0])  # (batch, n_factors)
        movies = self.movie_factors(x[:, 1])  # (batch, n_factors)
        return (users * movies).sum(dim=1)  # (batch,)


class DotProductBias(nn.Module):
    """Some users like everything and some movies please everybody: a bias each takes that off the factors.

    `y_range` (low, high) bounds the predictions by a sigmoid; None leaves them free.
    Source: probabilistic matrix factorisation (Salakhutdinov and Mnih 2007), as fastai's EmbeddingDotBias.
    """

    def __init__(
        self,
        n_users: int,
        n_movies: int,
        n_factors: int = 50,
        y_range: tuple[float, float] | None = (0, 5.5),
    ):
        super().__init__()
        # fastai draws its weights in this order: from one seed both start alike.
        self.user_factors = _users(n_users, n_factors)
        self.movie_factors = _movies(n_movies, n_factors)
        self.user_bias = _users(n_users, 1)
        self.movie_bias = _movies(n_movies, 1)
        self.y_range = y_range

    def forward(self, x: Tensor) -> Tensor:
        users = self.user_factors(x[:, 0])  # (batch, n_factors)
        movies = self.movie_factors(x[:, 1])  # (batch, n_factors)
        dot = (users * movies).sum(dim=1, keepdim=True)  # (batch, 1)
        rating = dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])  # (batch, 1)
        return _in_range(rating.squeeze(-1), self.y_range)  # (batch,)


class CollabNN(nn.Module):
    """A network may find what a dot product cannot say; users and movies need no equal width any more.

    `user_size`, `movie_size`: pairs (n, width) as `get_emb_sz` gives them. One hidden layer of `n_hidden`.
    """

    def __init__(
        self,
        user_size: tuple[int, int],
        movie_size: tuple[int, int],
        y_range: tuple[float, float] | None = (0, 5.5),
        n_hidden: int = 100,
    ):
        super().__init__()
        self.user_factors = _users(*user_size)
        self.movie_factors = _movies(*movie_size)
        self.layers = nn.Sequential(
            nn.Linear(user_size[1] + movie_size[1], n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, 1),
        )
        self.y_range = y_range

    def forward(self, x: Tensor) -> Tensor:
        users = self.user_factors(x[:, 0])  # (batch, user width)
        movies = self.movie_factors(x[:, 1])  # (batch, movie width)
        rating = self.layers(torch.cat([users, movies], dim=1))  # (batch, 1)
        return _in_range(rating.squeeze(-1), self.y_range)  # (batch,)


def _users(n: int, width: int) -> Embedding:
    return Embedding(n, width, column="column 0 (user)")


def _movies(n: int, width: int) -> Embedding:
    return Embedding(n, width, column="column 1 (movie)")


def _in_range(rating: Tensor, y_range: tuple[float, float] | None) -> Tensor:
    return rating if y_range is None else sigmoid_range(rating, *y_range)
