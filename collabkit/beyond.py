"""Models beyond the book: DotProductBias that also hears who rated what, and when; nothing here trains.

All are called as in models.py, `x` LongTensor (batch, 2) -> float tensor (batch,); TimeSVDPlusPlus takes
(batch, 3), where column 2 is the day (`CollabDataLoaders.from_df(..., time_name="timestamp")`).

`rated` is what a model is told of the past: the rows of the TRAINING part, `dls.train_ds.x`, never those of
the validation part. It lies in buffers, moves with `.to(device)` and is saved with the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collabkit.functional import sigmoid_range
from collabkit.models import Embedding
from collabkit.training import Preset

__all__ = ["BEYOND", "SVDPlusPlus", "TimeSVDPlusPlus", "TwoSidedSVDPlusPlus"]

# For TimeSVDPlusPlus. Chosen on three hold-outs inside the training part of random_split(100_000, seed=42).
BEYOND = Preset(n_factors=50, bs=512, lr=5e-3, wd=1.2, wd_bias=0.0, epochs=8)

N_DAYS = 2**20  # days that a session's key has room for: 2870 years from 1970


class SVDPlusPlus(nn.Module):
    """What a user chose to rate says something about them, whatever the stars were.

        rating = b_u + b_i + q_i . (p_u + |N(u)|^-1/2 * sum of y_j over j in N(u))

    N(u) are the films that u rates in `rated`, LongTensor (n, 2 or more): user, movie, each pair counted once.
    A user without any keeps p_u alone. ValueError for an empty `rated`, IndexError for ids out of range.
    `y_range` as in DotProductBias: its sigmoid starts in the middle of the range, where Koren adds the mean.
    Source: Koren 2008, "Factorization meets the neighborhood" (SVD++).
    """

    def __init__(
        self,
        n_users: int,
        n_movies: int,
        n_factors: int,
        rated: Tensor,
        y_range: tuple[float, float] | None = (0, 5.5),
    ):
        super().__init__()
        pairs = _pairs(rated, n_users, n_movies)
        self.user_factors = Embedding(n_users, n_factors, column="column 0 (user)")
        self.movie_factors = Embedding(n_movies, n_factors, column="column 1 (movie)")
        self.user_bias = Embedding(n_users, 1, column="column 0 (user)")
        self.movie_bias = Embedding(n_movies, 1, column="column 1 (movie)")
        self.chosen = SetSum(pairs, n_users, n_movies, n_factors)  # of a user: films
        self.y_range = y_range

    def forward(self, x: Tensor) -> Tensor:
        users, movies = self.users(x[:, 0]), self.movies(x[:, 1])  # (batch, n_factors) each
        dot = (users * movies).sum(dim=1, keepdim=True)  # (batch, 1)
        rating = (dot + self.bias(x)).squeeze(-1)  # (batch,)
        return rating if self.y_range is None else sigmoid_range(rating, *self.y_range)

    def users(self, ids: Tensor) -> Tensor:
        """Users as the dot product sees them: (batch,) -> (batch, n_factors)."""
        return self.user_factors(ids) + F.embedding(ids, self.chosen())

    def movies(self, ids: Tensor) -> Tensor:
        """Films as the dot product sees them: (batch,) -> (batch, n_factors)."""
        return self.movie_factors(ids)

    def bias(self, x: Tensor) -> Tensor:
        """What is added to the dot product: (batch, columns) -> (batch, 1)."""
        return self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])


class TwoSidedSVDPlusPlus(SVDPlusPlus):
    """A film, too, is known by those who chose it: q_i becomes q_i + |N(i)|^-1/2 * sum of z_v over v in N(i).

    N(i) are the users who rate i in `rated`.
    Source: Rendle, Zhang and Koren 2019, "On the difficulty of evaluating baselines" (SVD++ flipped, both sides).
    """

    def __init__(
        self,
        n_users: int,
        n_movies: int,
        n_factors: int,
        rated: Tensor,
        y_range: tuple[float, float] | None = (0, 5.5),
    ):
        super().__init__(n_users, n_movies, n_factors, rated, y_range)
        pairs = _pairs(rated, n_users, n_movies).flip(1)
        self.chosen_by = SetSum(pairs, n_movies, n_users, n_factors)  # of a film: users

    def movies(self, ids: Tensor) -> Tensor:
        return self.movie_factors(ids) + F.embedding(ids, self.chosen_by())


class TimeSVDPlusPlus(TwoSidedSVDPlusPlus):
    """People are in another mood on another day: b_u becomes b_u + b_u,day, one number a user and day.

    `x` and `rated` have a third column, the day as whole days since 1970. A day on which the user rates nothing
    in `rated`, or an `x` (batch, 2) without days, adds nothing. ValueError for a `rated` without days or with
    days out of 0..N_DAYS-1.
    Source: Koren 2009, "Collaborative filtering with temporal dynamics", the term b_u,t of timeSVD++; its
    drifts and time bins of films gained nothing on hold-outs of MovieLens 100K, which spans seven months.
    """

    def __init__(
        self,
        n_users: int,
        n_movies: int,
        n_factors: int,
        rated: Tensor,
        y_range: tuple[float, float] | None = (0, 5.5),
    ):
        super().__init__(n_users, n_movies, n_factors, rated, y_range)
        if rated.shape[1] < 3:
            raise ValueError("rated needs a third column, the day: make the loaders with time_name='timestamp'")
        days = rated[:, 2]
        if int(days.min()) < 0 or int(days.max()) >= N_DAYS:
            raise ValueError(f"days are counted from 1970, 0 to {N_DAYS - 1}, not {int(days.min())}..{int(days.max())}")
        self.register_buffer("sessions", torch.unique(rated[:, 0] * N_DAYS + days))  # ascending
        self.session_bias = Embedding(len(self.sessions), 1, column="column 2 (day)")

    def bias(self, x: Tensor) -> Tensor:
        bias = super().bias(x)
        if x.shape[1] < 3:
            return bias
        session, known = self.session(x[:, 0], x[:, 2])
        return bias + self.session_bias(session) * known[:, None]

    def session(self, users: Tensor, days: Tensor) -> tuple[Tensor, Tensor]:
        """Which session a user's day is, and whether `rated` has it: (batch,) twice -> long and bool (batch,)."""
        key = users * N_DAYS + days
        place = torch.searchsorted(self.sessions, key).clamp(max=len(self.sessions) - 1)
        return place, (self.sessions[place] == key) & (days >= 0) & (days < N_DAYS)


class SetSum(nn.Module):
    """Sums over sets: () -> (n_owners, width); row o is |N(o)|^-1/2 * sum of the members' vectors, or 0 if none.

    pairs: LongTensor (n, 2) of owner and member, each pair once. Kept as lists of members an owner and of owners
    a member, end to end: the first give the sums, the second their gradient, without the
    scattered additions that make torch's own the slow part of a step.
    All owners at once, as nearly every batch of MovieLens 100K would ask for most of them; the time grows with
    n, so for many millions of ratings another loop is needed.
    """

    def __init__(self, pairs: Tensor, n_owners: int, n_members: int, width: int):
        super().__init__()
        self.vectors = Embedding(n_members, width)
        owners, members = pairs.unbind(dim=1)
        sizes = torch.bincount(owners, minlength=n_owners)
        self.register_buffer("scale", sizes.clamp(min=1).float().rsqrt()[:, None])  # (n_owners, 1)
        for name, (ids, ends) in {
            "members": _lists(owners, members, n_owners),
            "owners": _lists(members, owners, n_members),
        }.items():
            self.register_buffer(name, ids)  # (n,)
            self.register_buffer(f"{name}_ends", ends)  # (number of lists + 1,)

    def forward(self) -> Tensor:
        sums = _BagSum.apply(self.vectors.weight, self.members, self.members_ends, self.owners, self.owners_ends)
        return sums * self.scale


class _BagSum(torch.autograd.Function):
    """Sums of a table's rows by lists; its gradient is the same sum by the turned-round lists."""

    @staticmethod
    def forward(table: Tensor, ids: Tensor, ends: Tensor, back_ids: Tensor, back_ends: Tensor) -> Tensor:
        return F.embedding_bag(ids, table, ends, mode="sum", include_last_offset=True)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[3:])

    @staticmethod
    def backward(ctx, grad: Tensor):
        ids, ends = ctx.saved_tensors
        back = F.embedding_bag(ids, grad.contiguous(), ends, mode="sum", include_last_offset=True)
        return back, None, None, None, None


def _pairs(rated: Tensor, n_users: int, n_movies: int) -> Tensor:
    """Users and films of `rated`, each pair once, LongTensor (n, 2)."""
    if rated.ndim != 2 or rated.shape[1] < 2 or len(rated) == 0:
        raise ValueError(f"rated holds a row a rating, user and movie first, not the shape {tuple(rated.shape)}")
    for column, (name, size) in enumerate((("user", n_users), ("movie", n_movies))):
        low, high = int(rated[:, column].min()), int(rated[:, column].max())
        if low < 0 or high >= size:
            raise IndexError(f"rated holds {name} ids {low} to {high}, but ids run from 0 to {size - 1}")
    return torch.unique(rated[:, :2], dim=0)


def _lists(keys: Tensor, values: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The values of each key 0..n-1 end to end, and where each list begins, with the end of the last behind."""
    ends = torch.bincount(keys, minlength=n).cumsum(0)
    return values[torch.argsort(keys, stable=True)], F.pad(ends, (1, 0))
