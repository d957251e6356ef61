"""Lesson 11: a user who came late, a list for everybody, and how good a list is."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk

NOTHING = "returned nothing: end it with `return` and the result"


def vector(value, length: int) -> list[float]:
    """Numbers in one dimension, whatever they came in."""
    if value is None:
        raise CannotAsk(NOTHING)
    if isinstance(value, tuple | list) and any(
        np.ndim(part.detach() if hasattr(part, "detach") else part) for part in value
    ):
        value = torch.cat([torch.as_tensor(part).detach().float().reshape(-1) for part in value])
    value = value.detach() if hasattr(value, "detach") else value
    numbers = np.asarray(value, dtype=float)
    if numbers.size != length:
        raise CannotAsk(f"gave {numbers.size} numbers, expected {length}: a number for each factor, and then the bias")
    return [round(number, 6) for number in numbers.ravel().tolist()]


# ---- average_user


def reference_average_user(user_factors, user_bias):
    return torch.cat([user_factors[1:].mean(dim=0), user_bias[1:].mean(dim=0)]).detach()


average_user = Exercise(
    reference=reference_average_user,
    name="average_user",
    elsewhere=("collabkit.recommend.average_user",),
    hints=(
        "A mean over the users is a mean over the rows, `dim=0`. Row 0 is `#na#`, who is nobody: leave it out.",
        "`user_factors[1:].mean(dim=0)` has shape (n_factors,), and `user_bias[1:].mean(dim=0)` has shape (1,).",
        "`torch.cat([...])` of the two, the factors first.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Users:
    """The two tables of users as they lie in a model, row 0 for #na#."""

    factors: Tensor  # (9, 4), requires gradients
    bias: Tensor  # (9, 1), requires gradients


@average_user.given
def a_few_users(rng):
    """Row 0 is far from all others, so that taking it along shows."""
    factors, bias = rng.normal(0, 1, (9, 4)), rng.normal(0, 1, (9, 1))
    factors[0], bias[0] = 5 + factors[0], 4 + bias[0]
    return Users(*(torch.tensor(table, dtype=torch.float32).requires_grad_() for table in (factors, bias)))


@average_user.check(points=0.5)
def their_factors(answer, given):
    """Begins with the mean of the users' factors"""
    return vector(answer(given.factors, given.bias), 5)[:4]


@average_user.check(points=0.25)
def their_bias(answer, given):
    """Ends with the mean of the users' biases"""
    return vector(answer(given.factors, given.bias), 5)[4]


@average_user.misconception(
    "You took row 0 along. It belongs to `#na#`, who never rated anything: average over `[1:]`, in both tables."
)
def takes_nobody_along(user_factors, user_bias):
    return torch.cat([user_factors.mean(dim=0), user_bias.mean(dim=0)]).detach()


@average_user.misconception("You put the bias in front. The factors come first, the bias is the last number.")
def bias_first(user_factors, user_bias):
    return torch.cat([user_bias[1:].mean(dim=0), user_factors[1:].mean(dim=0)]).detach()


@average_user.misconception(
    "`.mean()` of a whole table is a bare number, without a dimension, and `cat` wants vectors. A mean over the rows keeps "
    "one: `user_bias[1:].mean(dim=0)`."
)
def joins_a_bare_number(user_factors, user_bias):
    return torch.cat([user_factors[1:].mean(dim=0), user_bias[1:].mean()])


@average_user.misconception("You added the users up. The average is their mean: `.mean(dim=0)`.")
def adds_them_up(user_factors, user_bias):
    return torch.cat([user_factors[1:].sum(dim=0), user_bias[1:].sum(dim=0)]).detach()


@average_user.misconception(
    "You took medians. Damping pulls by *squared* distances, and the point from which all users together are the least "
    "squared distance away is their mean: `.mean(dim=0)`."
)
def takes_medians(user_factors, user_bias):
    return torch.cat([user_factors[1:].median(dim=0).values, user_bias[1:].median(dim=0).values]).detach()


@average_user.misconception(
    "You gave zeros. Nobody in the tables is zero: users have a good deal in common, and the mean keeps it. Average both "
    "tables, `[1:].mean(dim=0)`."
)
def gives_zeros(user_factors, user_bias):
    return torch.zeros(user_factors.shape[1] + 1)


@average_user.worked_example
def two_users():
    factors, bias = torch.tensor([[9.0, 9.0], [1.0, 2.0], [3.0, -4.0]]), torch.tensor([[9.0], [0.5], [-0.1]])
    yield "the users' factors, of which the first row is nobody's", factors
    yield "their biases", bias
    yield "the mean of the factors, nobody left out", factors[1:].mean(dim=0)
    yield "and behind it the mean of the biases", reference_average_user(factors, bias)


# ---- fold_in


def reference_fold_in(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    penalty = damping * torch.eye(len(around))
    return around + torch.linalg.solve(columns.T @ columns + penalty, columns.T @ rest)


fold_in = Exercise(
    reference=reference_fold_in,
    name="fold_in",
    elsewhere=("collabkit.recommend.fold_in",),
    hints=(
        "Four steps: put a column of ones beside the films' factors, for the user's bias; subtract from the scores "
        "what the films' biases and the average user explain; solve for the difference to the average user; add it to "
        "them.",
        "`A = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)` and "
        "`rest = scores - movie_bias - A @ around`.",
        "`difference = torch.linalg.solve(A.T @ A + damping * torch.eye(len(around)), A.T @ rest)`, and the user is "
        "`around + difference`.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Rated:
    """Films that somebody rated, as rows of the films' tables, and the scores that should come out."""

    movie_factors: Tensor  # (n, 6)
    movie_bias: Tensor  # (n,)
    scores: Tensor  # (n,)
    around: Tensor  # (7,)

    def first(self, n: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.movie_factors[:n], self.movie_bias[:n], self.scores[:n], self.around


@fold_in.given
def rated_films(rng):
    """20 films of 6 factors, and an average user who is not zero."""
    values = rng.normal(0, 1, (20, 6)), rng.normal(0.3, 0.5, 20), rng.normal(0.5, 1, 20), rng.normal(0.4, 0.6, 7)
    return Rated(*(torch.tensor(value, dtype=torch.float32) for value in values))


def folded(answer, films, **damping) -> list[float]:
    return vector(answer(*(part.clone() for part in films), **damping), 7)


@fold_in.check(points=1)
def a_few_ratings(answer, given):
    """Finds the user from fewer ratings than there are factors"""
    return folded(answer, given.first(4), damping=2.5)


@fold_in.check(points=0.5)
def more_ratings(answer, given):
    """Finds the user from more ratings than there are factors"""
    return folded(answer, given.first(20), damping=0.7)


@fold_in.check(points=0.25)
def default_damping(answer, given):
    """Damps by 10 when nothing else is said"""
    return folded(answer, given.first(9))


@fold_in.check(points=0.5)
def no_rating(answer, given):
    """Answers with the average user as long as there is no rating"""
    return folded(answer, given.first(0), damping=2.5)


@fold_in.misconception(
    "Without damping, a few ratings do not fix all factors: least squares picks one of many users who fit them "
    "exactly, and follows every whim. Add `damping * torch.eye(...)` to `A.T @ A`."
)
def without_damping(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    return around + torch.linalg.pinv(columns) @ (scores - movie_bias - columns @ around)


@fold_in.misconception(
    "You shrink towards zero, and nobody is zero. Shrink the *difference* to the average user: subtract `A @ around` "
    "from the scores before you solve, and add `around` to what you get."
)
def shrinks_to_zero(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    penalty = damping * torch.eye(len(around))
    return torch.linalg.solve(columns.T @ columns + penalty, columns.T @ (scores - movie_bias))


@fold_in.misconception("You return the difference to the average user and not the user: `around + difference`.")
def returns_the_difference(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    return torch.linalg.solve(columns.T @ columns + damping * torch.eye(len(around)), columns.T @ rest)


@fold_in.misconception(
    "You forgot the films' biases. That everybody likes a masterpiece says nothing about this user: subtract "
    "`movie_bias` from the scores first."
)
def forgets_the_film_bias(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - columns @ around
    return around + torch.linalg.solve(columns.T @ columns + damping * torch.eye(len(around)), columns.T @ rest)


@fold_in.misconception(
    "You added the damping to every element of `A.T @ A`, where it ties all factors together. It belongs on the "
    "diagonal: `damping * torch.eye(len(around))`."
)
def damps_every_element(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    return around + torch.linalg.pinv(columns.T @ columns + damping) @ (columns.T @ rest)


@fold_in.misconception(
    "Your user keeps the average bias, since there is no column of ones for it. Whether this user is generous is the "
    "first thing that ratings tell: `torch.cat([movie_factors, torch.ones(n, 1)], dim=1)`."
)
def keeps_the_average_bias(movie_factors, movie_bias, scores, around, damping=10.0):
    rest = scores - movie_bias - movie_factors @ around[:-1] - around[-1]
    system = movie_factors.T @ movie_factors + damping * torch.eye(len(around) - 1)
    return torch.cat([around[:-1] + torch.linalg.solve(system, movie_factors.T @ rest), around[-1:]])


@fold_in.misconception(
    "`cat` joins tables, and `torch.ones(n)` is no table. A column of ones has two dimensions: `torch.ones(n, 1)`."
)
def joins_a_flat_column(movie_factors, movie_bias, scores, around, damping=10.0):
    return torch.cat([movie_factors, torch.ones(len(movie_factors))], dim=1)


@fold_in.misconception(
    "You damped the factors and left the bias free, so that one rating of 5 stars makes a user who loves everything. "
    "Damp all of them alike: the whole diagonal."
)
def spares_the_bias(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    penalty = damping * torch.eye(len(around))
    penalty[-1, -1] = 0
    return around + torch.linalg.pinv(columns.T @ columns + penalty) @ (columns.T @ rest)


@fold_in.misconception(
    "You damped more the more ratings there are. It is the other way round: damping stays, and the ratings outweigh "
    "it as they grow in number. Leave out the factor `len(scores)`, or the mean over the ratings."
)
def damps_by_count(movie_factors, movie_bias, scores, around, damping=10.0):
    n = max(len(scores), 1)
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    return around + torch.linalg.solve(columns.T @ columns + damping * n * torch.eye(len(around)), columns.T @ rest)


@fold_in.misconception("You always damp by 10: use the argument `damping`, so that it can be changed from outside.")
def damps_by_ten(movie_factors, movie_bias, scores, around, damping=10.0):
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    return around + torch.linalg.solve(columns.T @ columns + 10 * torch.eye(len(around)), columns.T @ rest)


@fold_in.worked_example
def two_films():
    factors, bias = torch.tensor([[1.0], [-1.0]]), torch.tensor([0.2, 0.1])
    scores, around, damping = torch.tensor([2.0, -0.5]), torch.tensor([0.5, 0.0]), 1.0
    columns = torch.cat([factors, torch.ones(2, 1)], dim=1)
    rest = scores - bias - columns @ around
    yield "the factors of two films that the newcomer rated, one factor each", factors
    yield "with a column of ones beside it, for the newcomer's bias", columns
    yield "the average user, factor and bias", around
    yield "what films and average user leave over of the scores", rest
    yield (
        "the left side: the columns times themselves, and the damping on the diagonal",
        (columns.T @ columns + damping * torch.eye(2)),
    )
    yield "the right side: the columns times what is left over", columns.T @ rest
    yield "the average user plus what solves both", reference_fold_in(factors, bias, scores, around, damping)


# ---- recommend


def reference_recommend(scores, seen, k=10):
    scores = scores.clone()
    scores[0] = -torch.inf
    scores[seen] = -torch.inf
    return scores.argsort(descending=True)[:k]


recommend = Exercise(
    reference=reference_recommend,
    name="recommend",
    elsewhere=("collabkit.recommend.top_k",),
    hints=(
        "Give what must not be on the list the lowest score there is, minus infinity, and sort.",
        "Work on a copy, `scores.clone()`. What must not be listed: position 0, and the positions in `seen`.",
        "`scores = scores.clone(); scores[0] = -torch.inf; scores[seen] = -torch.inf`, then "
        "`scores.argsort(descending=True)[:k]`.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Scored:
    """The scores of one user for all items, and what this user has seen."""

    scores: Tensor  # (23,)
    seen: Tensor  # (7,)


@recommend.given
def scored_items(rng):
    """All scores are negative, position 0 has the best, and the next best are seen in part."""
    scores = torch.tensor(-rng.permutation(np.linspace(0.5, 4, 23)) - rng.uniform(0, 0.05, 23), dtype=torch.float32)
    scores[0] = -0.1
    best_first = scores.argsort(descending=True)[1:].tolist()
    seen = [*rng.choice(best_first[:6], 3, replace=False), *rng.choice(best_first[6:], 4, replace=False)]
    return Scored(scores, torch.tensor(rng.permutation(seen)))


def positions(value) -> list[int]:
    if value is None:
        raise CannotAsk(NOTHING)
    if isinstance(value, tuple) and any(hasattr(part, "detach") for part in value):
        raise CannotAsk(f"gave {len(value)} things, as `topk` and `sort` do: the positions are the second, `.indices`")
    places = np.asarray(value.detach() if hasattr(value, "detach") else value).ravel()
    if places.dtype.kind == "f" and places.size:
        raise CannotAsk("gave scores, or other numbers with decimals: asked for are positions, as `argsort` gives them")
    return [int(place) for place in places]


@recommend.check(points=0.5)
def best_first(answer, given):
    """Lists the best items first"""
    unseen = torch.empty(0, dtype=torch.long)
    return [place for place in positions(answer(given.scores.clone(), unseen, k=8)) if place != 0][:7]


@recommend.check(points=0.5)
def seen_ones_out(answer, given):
    """Leaves out what the user has seen, and still fills the list"""
    found = positions(answer(given.scores.clone(), given.seen.clone(), k=8))
    return [place for place in found if place != 0][:7]


@recommend.check(points=0.25, form=True)
def nobody_knows_na(answer, given):
    """Never recommends position 0, which stands for what was never seen"""
    return {"position 0 in the list": positions(answer(given.scores.clone(), given.seen.clone(), k=6)).count(0)}


@recommend.check(points=0.25, form=True)
def scores_stay(answer, given):
    """Leaves the scores that it was given as they are"""
    scores = given.scores.clone()
    answer(scores, given.seen.clone(), k=5)
    return scores


@recommend.misconception(
    "You recommend what the user has seen already: those are mostly what they like best. Give the positions in `seen` "
    "minus infinity before you sort."
)
def recommends_the_seen(scores, seen, k=10):
    scores = scores.clone()
    scores[0] = -torch.inf
    return scores.argsort(descending=True)[:k]


@recommend.misconception(
    "You took the best k first and threw the seen ones out afterwards, so the list is too short. Rule them out before "
    "you sort."
)
def throws_out_afterwards(scores, seen, k=10):
    scores = scores.clone()
    scores[0] = -torch.inf
    return [place for place in scores.argsort(descending=True)[:k].tolist() if place not in seen.tolist()]


@recommend.misconception(
    "Position 0 is on your list. It is `#na#`, which stands for every film that was never seen: nobody can watch it."
)
def recommends_na(scores, seen, k=10):
    scores = scores.clone()
    scores[seen] = -torch.inf
    return scores.argsort(descending=True)[:k]


@recommend.misconception("Your list begins with the worst: `argsort(descending=True)`.")
def worst_first(scores, seen, k=10):
    scores = scores.clone()
    scores[0] = torch.inf
    scores[seen] = torch.inf
    return scores.argsort()[:k]


@recommend.misconception(
    "You gave what must not be listed a score of 0. Scores may be negative, and then 0 is the best of all: use "
    "`-torch.inf`."
)
def zero_for_the_seen(scores, seen, k=10):
    scores = scores.clone()
    scores[0] = 0
    scores[seen] = 0
    return scores.argsort(descending=True, stable=True)[:k]


@recommend.misconception(
    "You overwrote the scores that you were given, so whoever called your function has lost them. Work on "
    "`scores.clone()`."
)
def spoils_the_scores(scores, seen, k=10):
    scores[0] = -torch.inf
    scores[seen] = -torch.inf
    return scores.argsort(descending=True)[:k]


@recommend.misconception(
    "You cut the seen items out of the scores, so your positions are positions in what was left. Keep the scores whole."
)
def cuts_them_out(scores, seen, k=10):
    keep = torch.ones(len(scores), dtype=torch.bool)
    keep[0] = False
    keep[seen] = False
    return scores[keep].argsort(descending=True)[:k]


@recommend.worked_example
def six_scores():
    scores, seen = torch.tensor([9.0, 0.5, 2.0, -1.0, 1.0, 1.5]), torch.tensor([2])
    yield "the scores of six positions, of which 0 is nobody's", scores
    yield "seen already", seen
    yield "in falling order of the score", scores.argsort(descending=True)
    yield "the best three without position 0 and without what was seen", reference_recommend(scores, seen, 3)


# ---- precision_at_k


def reference_precision_at_k(recommended, relevant, k=10):
    relevant = set(relevant)
    return sum(item in relevant for item in recommended[:k]) / k


precision_at_k = Exercise(
    reference=reference_precision_at_k,
    name="precision_at_k",
    elsewhere=("collabkit.recommend.precision_at_k",),
    hints=(
        "How many of the first k are relevant? And out of how many is that the share?",
        "`recommended[:k]` are the first k. Count with `sum(item in relevant for item in ...)`: True counts as 1.",
        "Divide by `k`, whatever the length of the list or the number of relevant items.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Listed:
    """A list, best first, and what turned out to be relevant."""

    recommended: list[int]
    few: list[int]  # 3 relevant items: two of them at known places in the list
    many: list[int]  # 11 relevant items, more than k: two to four of them among the first k
    k: int


@precision_at_k.given
def a_list(rng):
    return listed_items(rng)


def listed_items(rng) -> Listed:
    """14 items recommended, k = 6. Hits lie neither at the head alone nor in one block, and some beyond k."""
    recommended = rng.permutation(np.arange(1, 60))[:14].tolist()
    others = [item for item in range(1, 60) if item not in recommended]
    few_places = [int(rng.integers(1, 3)), int(rng.integers(3, 6)), int(rng.integers(8, 12))]
    hits = int(rng.integers(2, 5))
    many_places = rng.choice(6, hits, replace=False).tolist()
    if sorted(many_places) == list(range(hits)):
        many_places[0] = 5
    many_places += rng.choice(np.arange(6, 14), 3, replace=False).tolist()
    few = [recommended[place] for place in few_places]
    many = [recommended[place] for place in many_places] + rng.choice(others, 8 - hits, replace=False).tolist()
    return Listed(recommended, few, rng.permutation(many).tolist(), k=6)


def number(value) -> float:
    if value is None:
        raise CannotAsk(NOTHING)
    value = value.detach() if hasattr(value, "detach") else value
    if np.ndim(value) > 0:
        raise CannotAsk(f"gave {np.size(value)} numbers, expected one")
    return float(value)


@precision_at_k.check(points=0.5)
def share_of_hits(answer, given):
    """Gives the share of the list that is relevant"""
    return number(answer(given.recommended[: given.k], set(given.many), k=given.k))


@precision_at_k.check(points=0.25)
def first_k_only(answer, given):
    """Looks at the first k of a longer list, and no further"""
    return number(answer(given.recommended, set(given.many), k=given.k))


@precision_at_k.check(points=0.25)
def list_that_ended_early(answer, given):
    """Divides by k also when the list ended early: an empty place is no hit"""
    return number(answer(given.recommended[:4], {*given.many, given.recommended[3]}, k=given.k))


@precision_at_k.misconception(
    "You divided by the number of relevant items. That is the *recall*, the share of them that was found. Precision "
    "is the share of the list: divide by k."
)
def gives_the_recall(recommended, relevant, k=10):
    return sum(item in relevant for item in recommended[:k]) / len(relevant)


@precision_at_k.misconception("You looked at the whole list. Only its first k count: `recommended[:k]`.")
def looks_at_all(recommended, relevant, k=10):
    return sum(item in relevant for item in recommended) / k


@precision_at_k.misconception(
    "You divided by the length of the list. A list that ends early would then be rewarded for its empty places: "
    "divide by k."
)
def divides_by_the_length(recommended, relevant, k=10):
    return sum(item in relevant for item in recommended[:k]) / len(recommended[:k])


@precision_at_k.misconception("`//` cuts the decimals off, so any list with a miss gets 0. Divide by `/`.")
def cuts_off(recommended, relevant, k=10):
    return sum(item in relevant for item in recommended[:k]) // k


@precision_at_k.misconception("You counted the hits. Asked for is their share: divide by k.")
def counts_hits(recommended, relevant, k=10):
    return float(sum(item in relevant for item in recommended[:k]))


@precision_at_k.misconception(
    "You only asked whether there is a hit at all. Count how many of the k are relevant, and divide by k."
)
def any_hit(recommended, relevant, k=10):
    return float(any(item in relevant for item in recommended[:k]))


@precision_at_k.worked_example
def four_recommended():
    recommended, relevant = [5, 2, 8, 1], [8, 2, 9]
    yield "a list", recommended
    yield "what is relevant", relevant
    yield "hits among the first three", [item for item in recommended[:3] if item in relevant]
    yield "their share of three places", reference_precision_at_k(recommended, relevant, 3)


# ---- ndcg_at_k


def reference_ndcg_at_k(recommended, relevant, k=10):
    relevant = set(relevant)
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


ndcg_at_k = Exercise(
    reference=reference_ndcg_at_k,
    name="ndcg_at_k",
    elsewhere=("collabkit.recommend.ndcg_at_k",),
    hints=(
        "Two sums of the same kind: what this list gains, and what the best possible list would gain. Divide.",
        "`for rank, item in enumerate(recommended[:k], start=1)`: a relevant item gains `1 / math.log2(rank + 1)`.",
        "The best possible list has hits at the ranks 1 to `min(k, len(relevant))`, and no more than that: sum "
        "`1 / math.log2(rank + 1)` over these.",
    ),
)


@ndcg_at_k.given
def another_list(rng):
    return listed_items(rng)


@ndcg_at_k.check(points=0.5)
def few_relevant(answer, given):
    """Weighs hits by their rank, where fewer items are relevant than the list is long"""
    return number(answer(given.recommended[: given.k], set(given.few), k=given.k))


@ndcg_at_k.check(points=0.5)
def many_relevant(answer, given):
    """Weighs hits by their rank, where more items are relevant than the list is long"""
    return number(answer(given.recommended[: given.k], set(given.many), k=given.k))


@ndcg_at_k.check(points=0.25)
def beyond_k(answer, given):
    """Looks at the first k of a longer list, and no further"""
    return number(answer(given.recommended, set(given.many), k=given.k))


@ndcg_at_k.check(points=0.25, form=True)
def best_is_one(answer, given):
    """Gives 1 to a list that could not be better"""
    return number(answer([*given.few, *given.recommended[12:14]], set(given.few), k=5))


@ndcg_at_k.misconception(
    "You did not divide by what the best possible list would gain, so a user with many relevant items counts for more "
    "than one with few."
)
def does_not_normalise(recommended, relevant, k=10):
    return sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], 1) if item in relevant)


@ndcg_at_k.misconception(
    "Your best possible list has k hits, but if fewer items are relevant it cannot have so many, and nobody could "
    "ever reach 1. It has `min(k, len(relevant))`."
)
def best_list_is_full(recommended, relevant, k=10):
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, k + 1))


@ndcg_at_k.misconception(
    "Your best possible list has as many hits as there are relevant items, also when these are more than k. No list "
    "of k can hold them: `min(k, len(relevant))`."
)
def best_list_is_too_long(recommended, relevant, k=10):
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, len(relevant) + 1))


@ndcg_at_k.misconception(
    "You compared the list with its own hits in a better order, so a list that found one item of ten, and put it "
    "first, gets 1. Compare it with the best list that was possible."
)
def best_of_its_own_hits(recommended, relevant, k=10):
    ranks = [rank for rank, item in enumerate(recommended[:k], 1) if item in relevant]
    gained = sum(1 / math.log2(rank + 1) for rank in ranks)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, len(ranks) + 1))


@ndcg_at_k.misconception(
    "Your ranks are off by one: the first place has rank 1 and gains 1 / log2(2) = 1. With `enumerate` from 0 that is "
    "`log2(rank + 2)`, from 1 it is `log2(rank + 1)`."
)
def ranks_off_by_one(recommended, relevant, k=10):
    gained = sum(1 / math.log2(rank + 2) for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


@ndcg_at_k.misconception(
    "You divided by log2(1), which is 0. `enumerate` counts from 0, and the first place has rank 1: `log2(i + 2)`."
)
def begins_with_rank_zero(recommended, relevant, k=10):
    gained = sum(1 / math.log2(i + 1) for i, item in enumerate(recommended[:k]) if item in relevant)
    return gained / sum(1 / math.log2(i + 1) for i in range(min(k, len(relevant))))


@ndcg_at_k.misconception(
    "You discounted by the rank itself, so that the second place is worth half of the first. The discount is its "
    "logarithm: `1 / math.log2(rank + 1)`."
)
def discounts_by_rank(recommended, relevant, k=10):
    gained = sum(1 / rank for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    return gained / sum(1 / rank for rank in range(1, min(k, len(relevant)) + 1))


@ndcg_at_k.misconception("You counted hits below the first k as well: cut the list, `recommended[:k]`, before you sum.")
def counts_beyond_k(recommended, relevant, k=10):
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended, 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


@ndcg_at_k.worked_example
def two_hits():
    recommended, relevant = [5, 2, 8, 1], [8, 2]
    gains = [1 / math.log2(rank + 1) if item in relevant else 0.0 for rank, item in enumerate(recommended, 1)]
    best = [1 / math.log2(rank + 1) for rank in (1, 2)]
    yield "a list", recommended
    yield "what is relevant", relevant
    yield "what each place gains: one over the logarithm to base 2 of its rank plus 1, where it is a hit", gains
    yield "added up", sum(gains)
    yield "what the best list would gain, with both hits in front", sum(best)
    yield "the one divided by the other", reference_ndcg_at_k(recommended, relevant, 4)


# ---- questions

cold_start = Question(
    "cold_start",
    prompt="A film comes out today, and nobody has rated it. The *bootstrapping* or *cold start* problem: what can say "
    "something about this film that goes beyond the average film?",
    choices={
        "a": "Folding it in: solve for its factors, as you do for a new user.",
        "b": "Training the model once more, with the new film in the vocabulary.",
        "c": "A model that predicts from what is known about it: genre, cast, year, studio.",
        "d": "The nearest films by the cosine of their factors.",
    },
    right="c",
    why_not={
        "a": "That needs ratings. Without any, folding in gives back the average film, exactly.",
        "b": "Its row would get no gradient and stay as it was made, next to zero. Its bias too.",
        "d": "It has no factors yet, so there is nothing to compare. They would have to come from somewhere.",
    },
    hints=(
        "Which of these can do something with *no* rating at all?",
        "Factors come from ratings. What else is there about a film that nobody has rated?",
    ),
)

rating_against_popularity = Question(
    "rating_against_popularity",
    prompt="A model predicts held-back ratings much better than popularity could. Still, a list sorted by its "
    "predicted ratings gets a lower NDCG than the list of the most rated films. Why?",
    choices={
        "a": "A hit needs somebody who watched the film *and* liked it, and the predicted rating only says how they "
        "would like it.",
        "b": "The model is overfitted, otherwise it would win by any measure.",
        "c": "Popular films are better films, and the model has missed that.",
        "d": "NDCG is unfair: it divides by the logarithm of the rank.",
    },
    right="a",
    why_not={
        "b": "Its error on held-back ratings is small, so it is not overfitted. It answers another question than the "
        "one that NDCG asks.",
        "c": "Popular is not the same as good. What they are for certain is *watched*, and only what was watched can "
        "be a hit here.",
        "d": "Both lists are measured in the same way, and precision tells the same story.",
    },
    hints=(
        "When does a film count as a hit? There are two conditions.",
        "Relevant are held-back ratings of four stars or more. How does a film get into the held-back ratings?",
    ),
)

which_logarithm = Question(
    "which_logarithm",
    prompt="Somebody computes NDCG with the natural logarithm in place of the one to base 2, throughout. What happens "
    "to the result?",
    choices={
        "a": "It is smaller, by the factor 0.69.",
        "b": "It is larger, by the factor 1.44.",
        "c": "Nothing: the base cancels out.",
        "d": "The order of two lists may change.",
    },
    right="c",
    why_not={
        "a": "Logarithms to two bases differ by a constant factor. It stands in the list's sum and in that of the "
        "best possible list. What happens to it when you divide?",
        "b": "The sums do grow by that factor, both of them. And then one is divided by the other.",
        "d": "All gains change by the same factor, so no order changes.",
    },
    hints=(
        "$\\ln x = \\ln 2 \\cdot \\log_2 x$. Where does the constant stand in the formula?",
        "NDCG is a quotient of two sums, and the constant is in every term of both.",
    ),
)

who_is_heard = Question(
    "who_is_heard",
    prompt="A few enthusiasts rate ten times as much as everybody else, and a service learns from all ratings, "
    "recommends, and learns from what was watched. What is likely to happen?",
    choices={
        "a": "Nothing of note: each user has factors of their own, so the others' lists are not touched.",
        "b": "Lists drift towards what enthusiasts like; others see little else, and whoever dislikes it leaves.",
        "c": "It evens out: the more is watched, the more the model knows, so the error goes away by itself.",
        "d": "It would show at once in the error on held-back ratings.",
    },
    right="b",
    why_not={
        "a": "Users with few ratings are close to the average user, and films' biases and factors come from whoever "
        "rates most: from the enthusiasts.",
        "c": "More is watched of what is *shown*. About the rest the model learns nothing, so its mistake there is "
        "never corrected.",
        "d": "Held-back ratings come from what was watched too. Where the service shows nothing, it measures nothing.",
    },
    hints=(
        "What does the model know about a film that it has never shown to anybody?",
        "Whose ratings decide about the films' biases, and who is shown the films with the highest ones?",
    ),
)
