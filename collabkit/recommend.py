"""From a trained model to lists: top k, how good they are, and a user who came late; nothing here trains.

Users and items are positions in their vocabularies, as in `x`. Position 0 is "#na#", who or what was never
seen: it is never recommended, and fills up a list that has no more items to give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from collabkit.errors import RatingsError
from collabkit.functional import sigmoid_range
from collabkit.interpret import nearest_items
from collabkit.models import DotProduct, DotProductBias

__all__ = [
    "MeanOverUsers",
    "NewUser",
    "Recommendations",
    "average_user",
    "fold_in",
    "item_counts",
    "ndcg_at_k",
    "precision_at_k",
    "predict_new_user",
    "recall_at_k",
    "recommend_to_new_user",
    "recommend_to_users",
    "similar_items",
    "top_k",
]

PAIRS = 65_536  # rows of x in one call of a model: bounds what its layers hold
EDGE = 0.05  # share of the range that a rating keeps from either end, where its logit would be infinite


class Recommendations(NamedTuple):
    """Lists of items, best first, and the rating that the model predicts for each.

    The order is that of the score, which a popularity term makes another than that of the ratings. Where a
    user has seen almost everything, the list ends in items 0 with ratings NaN.
    """

    items: Tensor  # LongTensor (n_users, k), or (k,) for one new user
    ratings: Tensor  # the same shape, in stars


class NewUser(NamedTuple):
    """What a model needs to know of a user who is not in its tables, on the model's device."""

    factors: Tensor  # (n_factors,)
    bias: Tensor  # (), before any sigmoid


class MeanOverUsers(float):
    """A mean that remembers over how many users it went, and how many had nothing to be found."""

    n_users: int
    left_out: int

    def __new__(cls, mean: float, n_users: int = 1, left_out: int = 0):
        value = super().__new__(cls, mean)
        value.n_users, value.left_out = n_users, left_out
        return value

    def __repr__(self) -> str:
        return f"{float(self):.4f} (mean over {self.n_users} users; {self.left_out} without a relevant item left out)"


# --- lists


def recommend_to_users(
    model: nn.Module,
    users: Tensor | Sequence[int] | None = None,
    k: int = 10,
    *,
    seen: Tensor | None = None,
    counts: Tensor | Sequence[int] | None = None,
    weight: float = 0.5,
    n_items: int | None = None,
    max_scores: int = 4_000_000,
) -> Recommendations:
    """The k items of the highest score for each user, best first; equal scores in order of position.

    `users` (n,) are positions; None means all, so that row u of the answer is user u (and row 0 whoever was
    never seen). `seen`, LongTensor (m, 2) such as `dls.train_ds.x`, are pairs to leave out. A k larger than
    the catalogue gives as many as there are.

    With `counts` (n_items,), how often each item was rated (`item_counts`), the score is
    `raw + weight * log1p(count)`. Ranking by predicted rating alone loses to plain popularity, since the items
    that people chose to rate are mostly the popular ones (Cremonesi, Koren and Turrin 2010). `raw` is what a
    model's `y_range` squeezes, that is a logit; without a range it is stars, where the same weight counts for
    less or more.

    The dot-product family is scored by one matrix product for many users, and any other model by calling it
    with all pairs, in batches. At most `max_scores` scores are held at a time, or those of one user. A model
    that has no `movie_factors` to count needs `n_items`, "#na#" included; one without `user_factors` needs
    `users`. ValueError for k < 1, positions and counts that do not fit, and scores that are not finite.
    """
    _at_least_one("k", k)
    _at_least_one("max_scores", max_scores)
    device, n_users = _device(model), _n_rows(model, "user_factors")
    n_items = _catalogue(model, n_items)
    users = _all_users(n_users) if users is None else users
    users = _positions(users, device, "user", n_users, "fold_in makes factors for a new one")
    popularity = None if counts is None else _popularity(counts, weight, n_items, device)
    seen = _Seen.of(seen, device, n_users, n_items)
    rows = max(1, max_scores // n_items)
    shape = (len(users), min(k, n_items - 1))
    lists, ratings = users.new_zeros(shape), _a_weight(model).new_full(shape, torch.nan)
    with _evaluating(model):
        for start in range(0, len(users), rows):
            chunk = users[start : start + rows]
            scores = _raw_scores(model, chunk, n_items, in_logits=popularity is not None)
            if popularity is not None:
                scores += popularity
            items = _best(scores, k, *seen.by(chunk))
            predicted = _predict(model, chunk.repeat_interleave(shape[1]), items.flatten()).view(items.shape)
            lists[start : start + rows] = items
            ratings[start : start + rows] = predicted.masked_fill(items == 0, torch.nan)
    return Recommendations(lists, ratings)


def top_k(scores: Tensor, k: int = 10, *, seen: Tensor | None = None) -> Tensor:
    """The k best columns of each row, best first: scores (n_users, n_items) -> LongTensor (n_users, k).

    Equal scores come in order of position; column 0 and the pairs (row, column) of `seen` (m, 2) are left out,
    and a row that has no more to give ends in 0. So `top_k(counts.expand(n_users, -1))` ranks by popularity.
    ValueError for k < 1, pairs that do not fit, and scores that are not finite.
    """
    _at_least_one("k", k)
    if scores.dim() != 2:
        raise ValueError(f"scores are a table (n_users, n_items), not of shape {tuple(scores.shape)}")
    scores = scores.detach().clone() if scores.is_floating_point() else scores.float()
    seen = _Seen.of(seen, scores.device, *scores.shape)
    return _best(scores, k, *seen.by(torch.arange(len(scores), device=scores.device)))


def item_counts(x: Tensor, n_items: int) -> Tensor:
    """How often each item was rated: pairs (m, 2) such as `dls.train_ds.x` -> LongTensor (n_items,).

    ValueError for a position that is not in 0..n_items-1.
    """
    return torch.bincount(_pairs(x, "x", n_items=n_items)[:, 1], minlength=n_items)


def similar_items(
    model: nn.Module, item: int, k: int = 5, *, counts: Tensor | Sequence[int], min_count: int = 20
) -> Tensor:
    """The k items nearest by the cosine of their factors, LongTensor (k,), nearest first.

    `counts` (n_items,), how often each was rated: those below `min_count` are left out, since an item with one
    rating is near to whatever its one viewer likes. Any model with `movie_factors`. ValueError for item 0,
    an item that is not there, counts that do not fit, or fewer than k items to choose from.
    """
    if item == 0:
        raise ValueError('item 0 is "#na#", which stands for every item that was never seen: nothing is like it')
    counts = torch.as_tensor(counts).long().clone()
    counts[:1] = min_count - 1  # "#na#" is like nothing either
    return nearest_items(_weight(model.movie_factors), item, k, counts=counts, min_count=min_count)


# --- how good the lists are


def precision_at_k(
    recommended: Tensor, relevant: Tensor, k: int | None = None, *, users: Tensor | Sequence[int] | None = None
) -> MeanOverUsers:
    """The share of the first k recommended items that are relevant, mean over users.

    `recommended` (n, k or more) as `Recommendations.items`; `relevant` (m, 2), pairs (user, item) such as
    `x[y[:, 0] >= 4]` of the validation ratings. Row u is user u unless `users` (n,) says whose each row is;
    pairs of other users then do not count. None for k is the whole list. A list that ended early is divided
    by k all the same. Users without a relevant item are left out of the mean: the answer says how many.
    ValueError for k < 1 or longer than the lists, an item that is twice in a list, pairs that do not fit, and
    when no user has a relevant item.
    """
    hits, _, left_out = _hits(recommended, relevant, k, users)
    return _mean(hits.mean(dim=1), left_out)


def recall_at_k(
    recommended: Tensor, relevant: Tensor, k: int | None = None, *, users: Tensor | Sequence[int] | None = None
) -> MeanOverUsers:
    """The share of a user's relevant items that are among the first k recommended, mean over users.

    Arguments, users left out and errors as in `precision_at_k`. A user with more than k relevant items cannot
    reach 1.
    """
    hits, n_relevant, left_out = _hits(recommended, relevant, k, users)
    return _mean(hits.sum(dim=1) / n_relevant, left_out)


def ndcg_at_k(
    recommended: Tensor, relevant: Tensor, k: int | None = None, *, users: Tensor | Sequence[int] | None = None
) -> MeanOverUsers:
    """Normalised discounted cumulative gain: a hit counts for more the higher it stands, mean over users.

    A hit at rank r = 1, 2, ... gains 1 / log2(r + 1); the sum is divided by that of the best possible list,
    whose first min(k, number of relevant items) are all hits. Arguments, users left out and errors as in
    `precision_at_k`. Source: Järvelin and Kekäläinen 2002, with gains of 0 and 1.
    """
    hits, n_relevant, left_out = _hits(recommended, relevant, k, users)
    length = hits.shape[1]
    discounts = 1 / torch.log2(torch.arange(1, length + 1, dtype=hits.dtype) + 1)
    best = discounts.cumsum(dim=0)[n_relevant.clamp(max=length) - 1]
    return _mean(hits @ discounts / best, left_out)


# --- a user who came late


def average_user(model: DotProductBias, users: Tensor | Sequence[int] | None = None) -> NewUser:
    """The mean of the users' factors and biases: the best guess about someone who rated nothing yet.

    `users` (n,): over whom, all but "#na#" if None; name those that were trained if some were not. ValueError
    for positions that are not there or none at all, TypeError for a model other than DotProductBias.
    """
    _only_dot_product_bias(model)
    n_users = _n_rows(model, "user_factors")
    users = _positions(torch.arange(1, n_users) if users is None else users, _device(model), "user", n_users)
    if len(users) == 0:
        raise ValueError('there is no user to take a mean of: give at least one besides "#na#"')
    factors, bias = _weight(model.user_factors)[users], _weight(model.user_bias)[users]
    return NewUser(factors.mean(dim=0), bias.mean())


def fold_in(
    model: DotProductBias,
    items: Tensor | Sequence[int],
    ratings: Tensor | ArrayLike,
    *,
    damping: float = 10.0,
    around: NewUser | None = None,
) -> NewUser:
    """Factors and bias of a new user from a few ratings, the items' weights staying as they are.

    `items` (n,) positions, `ratings` (n,) in stars. Ridge regression in closed form: of all users the one that
    minimises `sum((target - score) ** 2) + damping * (distance from the average user) ** 2`, where the target
    is the rating's logit within the model's `y_range` (kept off the ends by a twentieth of the range), or the
    rating itself without a range. `damping` is the variance of the noise over that of one factor among users:
    the more, the nearer to `around` (`average_user(model)` if None). The default suits MovieLens; a world with
    less noise wants less.

    Gauss-Newton steps on the squared error in stars predict no better on MovieLens and need a loop; shrinking
    towards zero, which is no user, predicts worse than shrinking towards the average.
    Source: Hoerl and Kennard 1970; a user step of alternating least squares (Zhou et al. 2008).

    RatingsError for no ratings, ratings that are not finite or outside the range; ValueError for items that
    are not there ("#na#" is none), numbers of items and ratings that differ, and a damping that is not above 0;
    TypeError for a model other than DotProductBias.
    """
    around = average_user(model) if around is None else around
    _fits(model, around)
    if not (math.isfinite(damping) and damping > 0):
        raise ValueError(f"damping must be above 0 and finite, not {damping}: a few ratings do not fix all factors")
    items = _known_items(model, items)
    target = _targets(ratings, len(items), model.y_range)
    # In float64 on the CPU, where every device can come from and the system is small.
    movies = _weight(model.movie_factors)[items].cpu().double()
    columns = torch.cat([movies, movies.new_ones(len(items), 1)], dim=1)  # (n, n_factors + 1)
    start = torch.cat([around.factors, around.bias.reshape(1)]).detach().cpu().double()
    rest = target - _weight(model.movie_bias)[items].squeeze(-1).cpu().double() - columns @ start
    penalty = damping * torch.eye(len(start), dtype=torch.float64)
    user = start + torch.linalg.solve(columns.T @ columns + penalty, columns.T @ rest)
    user = user.to(_weight(model.user_factors).dtype).to(_device(model))
    return NewUser(user[:-1], user[-1])


def predict_new_user(model: DotProductBias, user: NewUser, items: Tensor | Sequence[int]) -> Tensor:
    """The stars that this user would give: items (n,) -> (n,). Errors as in `fold_in`."""
    _fits(model, user)
    return _in_stars(_new_user_scores(model, user)[_known_items(model, items)], model.y_range)


def recommend_to_new_user(
    model: DotProductBias,
    user: NewUser,
    k: int = 10,
    *,
    seen: Tensor | Sequence[int] | None = None,
    counts: Tensor | Sequence[int] | None = None,
    weight: float = 0.5,
) -> Recommendations:
    """The same list as `recommend_to_users` makes, for one user from `fold_in` or `average_user`: two tensors (k,).

    `seen` (n,): positions of the items to leave out, such as those just rated. Errors as in both.
    """
    _at_least_one("k", k)
    _fits(model, user)
    raw = _new_user_scores(model, user)
    scores = raw if counts is None else raw + _popularity(counts, weight, len(raw), raw.device)
    seen = _positions([] if seen is None else seen, raw.device, "item", len(raw))
    items = _best(scores[None], k, torch.zeros_like(seen), seen)[0]
    return Recommendations(items, _in_stars(raw[items], model.y_range).masked_fill(items == 0, torch.nan))


# --- scores


def _is_dot_product(model: nn.Module) -> bool:
    """Whether the weights alone tell the score: a subclass with a `forward` of its own has to be called."""
    plain = (DotProduct.forward, DotProductBias.forward)
    return isinstance(model, DotProduct | DotProductBias) and type(model).forward in plain


def _raw_scores(model: nn.Module, users: Tensor, n_items: int, *, in_logits: bool) -> Tensor:
    """Scores in the order of the predictions, (b,) users -> (b, n_items)."""
    if _is_dot_product(model):
        scores = _weight(model.user_factors)[users] @ _weight(model.movie_factors).T  # (b, n_items)
        if isinstance(model, DotProductBias):
            scores += _weight(model.user_bias)[users] + _weight(model.movie_bias).T
        return scores
    cells = torch.arange(len(users) * n_items, device=users.device).split(PAIRS)
    scores = torch.cat([_predict(model, users[cell // n_items], cell % n_items) for cell in cells])
    y_range = getattr(model, "y_range", None)
    if in_logits and y_range is not None:
        low, high = y_range
        scores = torch.logit((scores - low) / (high - low), eps=1e-6)
    return scores.view(len(users), n_items)


@torch.no_grad()
def _predict(model: nn.Module, users: Tensor, items: Tensor) -> Tensor:
    """The model's ratings of pairs, (n,) users and (n,) items -> (n,)."""
    ratings = []
    for x in torch.stack([users, items], dim=1).split(PAIRS):
        batch = model(x)
        if batch.numel() != len(x):
            raise ValueError(f"the model must give one rating a pair, but {len(x)} pairs gave {tuple(batch.shape)}")
        ratings.append(batch.flatten())
    return torch.cat(ratings)


def _new_user_scores(model: DotProductBias, user: NewUser) -> Tensor:
    """Of all items, (n_items,)."""
    return _weight(model.movie_factors) @ user.factors + _weight(model.movie_bias).squeeze(-1) + user.bias


def _in_stars(scores: Tensor, y_range: tuple[float, float] | None) -> Tensor:
    return scores if y_range is None else sigmoid_range(scores, *y_range)


def _popularity(counts: Tensor | Sequence[int], weight: float, n_items: int, device: torch.device) -> Tensor:
    """What popularity adds to the score of each item, (n_items,)."""
    counts = torch.as_tensor(counts, device=device)
    if counts.shape != (n_items,):
        raise ValueError(f"counts have shape {tuple(counts.shape)}, but there are {n_items} items: give one each")
    if not (counts.isfinite() & (counts >= 0)).all():
        raise ValueError("counts say how often each item was rated: none can be negative, infinite or NaN")
    if not math.isfinite(weight):
        raise ValueError(f"the weight of popularity must be a finite number, not {weight}")
    return weight * torch.log1p(counts.float())


class _Seen(NamedTuple):
    """Pairs to leave out, in order of users: those of a chunk are found without looking at the others."""

    users: Tensor  # (m,) ascending
    items: Tensor  # (m,)

    @classmethod
    def of(cls, pairs: Tensor | None, device: torch.device, n_users: int | None, n_items: int) -> _Seen:
        if pairs is None:
            pairs = torch.empty(0, 2, dtype=torch.long)
        pairs = _pairs(pairs, "seen", n_users, n_items).to(device)
        users, order = pairs[:, 0].sort()
        return cls(users, pairs[order, 1])

    def by(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """What these users (b,) have seen: LongTensors of rows, 0..b-1, and of items."""
        start = torch.searchsorted(self.users, users)
        length = torch.searchsorted(self.users, users, right=True) - start
        rows = torch.arange(len(users), device=users.device).repeat_interleave(length)
        before = length.cumsum(dim=0) - length  # how many places the rows above take
        place = torch.arange(len(rows), device=users.device) + (start - before)[rows]
        return rows, self.items[place]


def _best(scores: Tensor, k: int, rows: Tensor, items: Tensor) -> Tensor:
    """The best k of each row, without these cells and column 0; `scores` (b, n_items) are changed in place.

    `topk` alone would choose among equal scores as it pleases: here the smaller position wins.
    """
    if scores.shape[1] < 2:
        raise ValueError('the catalogue is empty: it holds nothing besides "#na#"')
    if scores.numel() and not torch.stack(scores.aminmax()).isfinite().all():  # the extremes of NaN are NaN
        raise ValueError("some scores are NaN or infinite: the model has diverged, or its weights are damaged")
    k = min(k, scores.shape[1] - 1)
    scores[rows, items] = -torch.inf
    scores[:, 0] = -torch.inf
    values, best = scores.topk(k + 1, dim=1)  # one more, to see whether the last that gets in has an equal outside
    tied = values[:, k - 1] == values[:, k]
    best = best[:, :k]
    if tied.any():
        best[tied] = _first_of_equals(scores[tied], values[tied, k - 1 : k], k)
    best = best.sort(dim=1).values  # by position, and a stable sort keeps equals so
    values, order = scores.gather(1, best).sort(dim=1, descending=True, stable=True)
    return best.gather(1, order).masked_fill(values == -torch.inf, 0)


def _first_of_equals(scores: Tensor, least: Tensor, k: int) -> Tensor:
    """What beats `least` (b, 1), the k-th best score of each row, and the first of its equals: (b, k)."""
    above, level = scores > least, scores == least
    room = k - above.sum(dim=1, keepdim=True)
    chosen = above | (level & (level.cumsum(dim=1) <= room))
    return chosen.nonzero()[:, 1].view(len(scores), k)


# --- hits


def _hits(
    recommended: Tensor, relevant: Tensor, k: int | None, users: Tensor | Sequence[int] | None
) -> tuple[Tensor, Tensor, int]:
    """Of users with relevant items: hits (n, k) as 0 or 1, how many are relevant (n,); and how many have none."""
    recommended, k = _lists(recommended, k)
    n = len(recommended)
    relevant = _pairs(relevant, "relevant", n_users=n if users is None else None).cpu()
    users = torch.arange(n) if users is None else _positions(users, recommended.device, "user")
    if len(users) != n:
        raise ValueError(f"there are {len(users)} users, but {n} lists: give one each")
    relevant = relevant[relevant[:, 1] > 0].unique(dim=0)  # "#na#" is nothing to find, and once is enough
    owners = relevant[:, 0].contiguous()  # ascending, as unique sorts
    n_relevant = torch.searchsorted(owners, users, right=True) - torch.searchsorted(owners, users)
    found = n_relevant > 0
    if not found.any():
        raise ValueError("no user has a relevant item: there is nothing to average over")
    n_items = 1 + max(int(recommended.max()), int(relevant[:, 1].max()))
    keys = users[:, None] * n_items + recommended[:, :k]  # a number for each pair
    hits = torch.isin(keys, owners * n_items + relevant[:, 1]).double()
    return hits[found], n_relevant[found], int((~found & (users > 0)).sum())


def _lists(recommended: Tensor, k: int | None) -> tuple[Tensor, int]:
    """On the CPU, where float64 is at home, with k; refused where an item is twice in a list."""
    recommended = torch.as_tensor(recommended).cpu()
    if recommended.dim() != 2 or recommended.is_floating_point() or 0 in recommended.shape:
        raise ValueError(
            f"recommended holds positions of items, whole numbers (n_users, k), not {recommended.dtype} "
            f"of shape {tuple(recommended.shape)}"
        )
    width = recommended.shape[1]
    k = width if k is None else k
    _at_least_one("k", k)
    if k > width:
        raise ValueError(f"k is {k}, but the lists hold {width} items each: recommend as many as you judge")
    ordered = recommended.sort(dim=1).values
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != 0)
    if twice.any():
        row, place = twice.nonzero()[0].tolist()
        raise ValueError(f"row {row} recommends item {ordered[row, place]} twice: it would be counted twice")
    return recommended, k


def _mean(per_user: Tensor, left_out: int) -> MeanOverUsers:
    return MeanOverUsers(per_user.mean().item(), len(per_user), left_out)


# --- what is asked of arguments and models


def _at_least_one(name: str, value: int) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number, at least 1, not {value!r}")


def _positions(
    values: Tensor | Sequence[int], device: torch.device, what: str, n: int | None = None, advice: str = ""
) -> Tensor:
    """LongTensor (n,) on the device; ValueError for what is no position, or none below n."""
    try:
        values = torch.as_tensor(values, device=device)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a {what} is a position in the vocabulary, a whole number: `encode` finds it") from error
    if values.numel() == 0:
        return values.new_empty(0, dtype=torch.long)
    if values.dim() != 1 or values.is_floating_point() or values.dtype == torch.bool:
        raise ValueError(
            f"a {what} is a position in the vocabulary: give whole numbers (n,), not {values.dtype} "
            f"of shape {tuple(values.shape)}"
        )
    values = values.long().contiguous()  # a column of x is not
    bad = values[(values < 0) | (values >= n)] if n is not None else values[values < 0]
    if len(bad):
        range_ = f"positions run from 0 to {n - 1}" if n is not None else "positions begin with 0"
        raise ValueError(f"{what} {bad[0]} is not there: {range_}" + (f"; {advice}" if advice else ""))
    return values


def _pairs(pairs: Tensor, what: str, n_users: int | None = None, n_items: int | None = None) -> Tensor:
    """LongTensor (m, 2) as it came; ValueError for another shape and for positions that are not there."""
    pairs = torch.as_tensor(pairs)
    if pairs.dim() != 2 or pairs.shape[1] != 2 or pairs.is_floating_point():
        raise ValueError(
            f"{what} holds pairs (user, item), whole numbers (m, 2), not {pairs.dtype} of shape {tuple(pairs.shape)}"
        )
    for column, kind, n in ((pairs[:, 0], "user", n_users), (pairs[:, 1], "item", n_items)):
        try:
            _positions(column, pairs.device, kind, n)
        except ValueError as error:
            raise ValueError(f"in {what}, {error}") from error
    return pairs.long()


def _known_items(model: DotProductBias, items: Tensor | Sequence[int]) -> Tensor:
    items = _positions(items, _device(model), "item", _n_rows(model, "movie_factors"))
    if (items == 0).any():
        raise ValueError('item 0 is "#na#", of which the model knows nothing: leave it out')
    return items


def _targets(ratings: Tensor | ArrayLike, n: int, y_range: tuple[float, float] | None) -> Tensor:
    """What the scores should be, float64 (n,) on the CPU."""
    ratings = torch.as_tensor(ratings).detach().cpu().double().flatten()
    if len(ratings) == 0:
        raise RatingsError("There are no ratings to fold in: give at least one, or take the average_user.")
    if len(ratings) != n:
        raise ValueError(f"there are {n} items, but {len(ratings)} ratings: give one each")
    bad = ratings[~ratings.isfinite()]
    if len(bad):
        raise RatingsError(f"A rating is {bad[0]}: leave out what was not rated.")
    if y_range is None:
        return ratings
    low, high = y_range
    bad = ratings[(ratings < low) | (ratings > high)]
    if len(bad):
        raise RatingsError(f"A rating is {bad[0]:g}, but the model's range is {low:g} to {high:g}: use its scale.")
    return torch.logit((ratings - low) / (high - low), eps=EDGE)


def _only_dot_product_bias(model: nn.Module) -> None:
    if not (isinstance(model, DotProductBias) and _is_dot_product(model)):
        raise TypeError(
            f"only a DotProductBias has factors and a bias to find in closed form, not {type(model).__name__}: "
            "train any other model with the new ratings"
        )


def _fits(model: DotProductBias, user: NewUser) -> None:
    _only_dot_product_bias(model)
    width = _weight(model.movie_factors).shape[1]
    if user.factors.shape != (width,) or user.bias.numel() != 1:
        raise ValueError(
            f"the model has {width} factors and one bias a user, but the new user has shapes "
            f"{tuple(user.factors.shape)} and {tuple(user.bias.shape)}"
        )


def _catalogue(model: nn.Module, n_items: int | None) -> int:
    there = _n_rows(model, "movie_factors")
    if there is None and n_items is None:
        raise ValueError(f'{type(model).__name__} has no movie_factors to count: say n_items, "#na#" included')
    if None not in (there, n_items) and there != n_items:
        raise ValueError(f"n_items is {n_items}, but the model has {there} items")
    n_items = there if n_items is None else n_items
    _at_least_one("n_items", n_items)
    return n_items


def _all_users(n_users: int | None) -> Tensor:
    if n_users is None:
        raise ValueError("the model has no user_factors to count: say which users")
    return torch.arange(n_users)


def _n_rows(model: nn.Module, table: str) -> int | None:
    return len(_weight(getattr(model, table))) if hasattr(model, table) else None


def _weight(table: nn.Module | Tensor) -> Tensor:
    """The numbers of an embedding or of a bare parameter, without their gradient."""
    return getattr(table, "weight", table).detach()


def _a_weight(model: nn.Module) -> Tensor:
    """Any one of them, to see where and in what precision the model is."""
    return next(model.parameters(), torch.empty(0)).detach()


def _device(model: nn.Module) -> torch.device:
    return _a_weight(model).device


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout inside; afterwards each part is in the mode that it was in."""
    training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
