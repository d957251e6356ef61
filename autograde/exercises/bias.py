"""Lesson 04: one number for each user and each film beside the factors, and the gradient that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import collabkit
from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk, World, built, gradients_of, on_meta, pairs, shape_of


class FreeDotProductBias(collabkit.DotProductBias):
    """Without a range: that is the next lesson's."""

    def __init__(self, n_users, n_movies, n_factors=50):
        super().__init__(n_users, n_movies, n_factors, y_range=None)


# ---- DotProductBias

DotProductBias = Exercise(
    reference=FreeDotProductBias,
    elsewhere=("collabkit.models.DotProductBias", "fastai.collab.EmbeddingDotBias"),
    name="DotProductBias",
    hints=(
        "Four embeddings: the two tables of factors, and two tables that are one number wide. `forward` looks all four up.",
        "A bias that was looked up has shape (rows, 1), the dot product (rows,). Give the bias the shape of the dot product: "
        "`self.user_bias(x[:, 0]).squeeze(-1)`.",
        "`dot = (users * movies).sum(dim=1)` as in lesson 3, then "
        "`return dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)`.",
    ),
)


@DotProductBias.given
def small_world(rng):
    """7 users, 11 movies, 5 factors, 13 rows: no two sizes are equal, so a mixed-up axis cannot hide."""
    return World(n_users=7, n_movies=11, n_factors=5, batch=pairs(rng, 7, 11, rows=13))


@DotProductBias.check(points=0.25, form=True)
def one_prediction_per_row(cls, world):
    """Gives one prediction for each row of the batch"""
    return shape_of(built(cls, world)(world.batch))


@DotProductBias.check(points=1.25)
def same_predictions(cls, world):
    """Adds the user's and the film's bias to their dot product"""
    return built(cls, world)(world.batch)


@DotProductBias.check(points=0.25)
def batch_of_one(cls, world):
    """Also takes a batch of a single row"""
    return built(cls, world)(world.batch[:1])


@DotProductBias.check(points=1.25)
def gradients(cls, world):
    """Lets gradients flow back to all four: the factors and the biases of users and films"""
    return gradients_of(cls, world)


@DotProductBias.check(points=0.5, form=True)
def any_device(cls, world):
    """Computes on whatever device the batch is on"""
    return on_meta(cls, world)


@DotProductBias.misconception(
    "The films' biases are not added. Somebody's generosity is in your predictions, but not that a film is well liked: "
    "add `self.movie_bias(x[:, 1])` too."
)
class ForgetsTheFilms(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.user_bias(x[:, 0]).squeeze(-1)


@DotProductBias.misconception(
    "The users' biases are not added. That a film is well liked is in your predictions, but nobody's generosity: "
    "add `self.user_bias(x[:, 0])` too."
)
class ForgetsTheUsers(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.movie_bias(x[:, 1]).squeeze(-1)


@DotProductBias.misconception(
    "Your model has biases, but its predictions are the bare dot product: look both biases up in `forward` and add them."
)
class AddsNoBias(collabkit.DotProductBias):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)


@DotProductBias.misconception(
    "You added the biases before the sum over the factors, so each of them is counted as often as there are factors. "
    "Sum first, then add."
)
class AddsBeforeTheSum(collabkit.DotProductBias):
    def forward(self, x):
        products = self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])
        return (products + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])).sum(dim=1)


@DotProductBias.misconception(
    "Your dot product has shape (rows,) and your biases (rows, 1). Their sum broadcast to (rows, rows), every dot product "
    "with every bias, without an error: take the last dimension off the biases, `.squeeze(-1)`."
)
class BroadcastsToASquare(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])


@DotProductBias.misconception(
    "`+=` refuses: your dot product has shape (rows,) and your biases (rows, 1), and together they would be (rows, rows). "
    "Take the last dimension off the biases: `.squeeze(-1)`."
)
class AddsInPlace(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        dot += self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])
        return dot


@DotProductBias.misconception(
    "You have the right numbers in shape (rows, 1), and one prediction a row is (rows,). End with `.squeeze(-1)`."
)
class KeepsDimension(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)
        return dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])


@DotProductBias.misconception(
    "A bare `.squeeze()` drops every dimension of size 1, and with a batch of one row that is the batch itself. "
    "Name the dimension: `.squeeze(-1)`."
)
class SqueezesTheBatch(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)
        return (dot + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])).squeeze()


@DotProductBias.misconception(
    "One number for everybody can say how high ratings are on average, but not who is generous. Each user needs a bias, "
    "and each film: tables of one column, `Embedding(n_users, 1)` and `Embedding(n_movies, 1)`."
)
class OneBiasForAll(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1) + self.bias


@DotProductBias.misconception(
    "Your biases are as wide as the factors, so everybody has many of them. A bias is a single number: "
    "`Embedding(n_users, 1)`, `Embedding(n_movies, 1)`."
)
class BiasesAsWideAsFactors(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = nn.Embedding(n_users, n_factors)
        self.movie_bias = nn.Embedding(n_movies, n_factors)

    def forward(self, x):
        products = self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])
        return (products + self.user_bias(x[:, 0]) + self.movie_bias(x[:, 1])).sum(dim=1)


@DotProductBias.misconception(
    "Among the biases, users and films have changed places. `Embedding(n_users, 1)` goes with column `x[:, 0]`, as the users' "
    "factors do, and `Embedding(n_movies, 1)` with `x[:, 1]`."
)
class SwapsTheColumns(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.movie_bias = nn.Embedding(n_movies, 1)

    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.user_bias(x[:, 1]).squeeze(-1) + self.movie_bias(x[:, 0]).squeeze(-1)


@DotProductBias.misconception(
    "Your biases are plain tensors, so nothing trains them: they stay what they are now. Keep them where PyTorch looks, in "
    "`Embedding(n_users, 1)` and `Embedding(n_movies, 1)`."
)
class PlainTensorBiases(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)
        self.user_bias = torch.zeros(n_users)
        self.movie_bias = torch.zeros(n_movies)

    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return dot + self.user_bias[x[:, 0]] + self.movie_bias[x[:, 1]]


@DotProductBias.misconception(
    "Your predictions are squeezed into a range already. That is the next lesson: return the sum as it is."
)
class SqueezesIntoARange(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return torch.sigmoid(score) * 5.5


@DotProductBias.misconception(
    "Your predictions are right, but cut off from the weights (`.detach()`, `.data` or `.numpy()`): nothing can be learned "
    "from them. Return the tensor as it was computed."
)
class CutsTheGraph(collabkit.DotProductBias):
    def forward(self, x):
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
        return (dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)).detach()


@DotProductBias.worked_example
def two_films_of_one_user():
    users, movies = torch.tensor([[1.0, 2.0], [1.0, 2.0]]), torch.tensor([[0.5, 0.5], [2.0, -1.0]])
    user_bias, movie_bias = torch.tensor([0.4, 0.4]), torch.tensor([0.1, -0.3])
    dot = (users * movies).sum(dim=1)
    yield "two rows of a batch, one user with two films. The user's factors, looked up for each row", users
    yield "the films' factors", movies
    yield "the dot product of each row", dot
    yield "the user's bias, looked up for each row", user_bias
    yield "the films' biases", movie_bias
    yield "the predictions, all three added up", dot + user_bias + movie_bias


# ---- bias_gradient


def gradient_of_a_bias(errors: Tensor, index: Tensor, n: int) -> Tensor:
    """Twice the errors over the number of rows, added up at each row's user (or film): (rows,), (rows,) -> (n,)."""
    return errors.new_zeros(n).index_add(0, index, 2 * errors / len(errors))


bias_gradient = Exercise(
    reference=gradient_of_a_bias,
    name="bias_gradient",
    hints=(
        "Begin with n zeros. Each row adds `2 * error / rows` at the place that `index` names.",
        "`gradient[index] += ...` adds only once for whoever stands in `index` several times. A loop over the rows adds each "
        "time, and so does `gradient.index_add(0, index, what)`.",
        "`return torch.zeros(n).index_add(0, index, 2 * errors / len(errors))`",
    ),
)


@dataclass(frozen=True)
class Errors:
    """Two batches of errors (rows,) with the positions (rows,) that they belong to, among n."""

    n: int
    once: Tensor  # each position at most once
    once_errors: Tensor
    often: Tensor  # one position twice, one three times
    often_errors: Tensor


@bias_gradient.given
def two_batches(rng):
    """17 users of whom the last three are in no batch, 9 and 10 rows; no error is close to 0."""
    once = rng.choice(14, 9, replace=False)
    twice, thrice, *rest = rng.choice(14, 7, replace=False).tolist()
    often = rng.permutation([twice, twice, thrice, thrice, thrice, *rest])
    return Errors(17, torch.tensor(once), some_errors(rng, 9), torch.tensor(often), some_errors(rng, 10))


def some_errors(rng: np.random.Generator, rows: int) -> Tensor:
    signs = rng.permutation(np.resize([-1.0, 1.0], rows))
    return torch.tensor(signs * rng.uniform(0.3, 2.5, rows), dtype=torch.float32)


def numbers(values: Any) -> list[float]:
    """What came back as a list of numbers, whatever it came in."""
    if values is None:
        raise CannotAsk("gave nothing back: end with `return` and the gradient")
    if isinstance(values, Tensor):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64).reshape(-1).tolist()


@bias_gradient.check(points=0.5)
def who_is_there_once(answer, given):
    """Gives each user of the batch twice their error, divided by the number of rows"""
    gradient = numbers(answer(given.once_errors, given.once, given.n))
    return {f"user {place}": gradient[place] for place in given.once.tolist()}


@bias_gradient.check(points=0.75)
def who_is_there_often(answer, given):
    """Adds up all the errors of a user who is in the batch several times"""
    gradient = numbers(answer(given.often_errors, given.often, given.n))
    return {f"user {place}": gradient[place] for place in sorted(set(given.often.tolist()))}


@bias_gradient.check(points=0.25)
def who_is_absent(answer, given):
    """Has a number for each of the n users, 0 for who is not in the batch"""
    return numbers(answer(given.once_errors, given.once, given.n))


@bias_gradient.misconception(
    "Who is in the batch several times counts only once: `gradient[index] += ...` reads all, adds, then writes, and the "
    "last write wins, without a message. `index_add` adds each time."
)
def loses_the_repeated(errors, index, n):
    gradient = torch.zeros(n)
    gradient[index] += 2 * errors / len(errors)
    return gradient


@bias_gradient.misconception("The 2 is missing: the derivative of error² is *two* times the error.")
def forgets_the_two(errors, index, n):
    return torch.zeros(n).index_add(0, index, errors / len(errors))


@bias_gradient.misconception(
    "The loss is the *mean* of the squared errors, and this is the gradient of their sum. Divide by the number of rows."
)
def forgets_the_mean(errors, index, n):
    return torch.zeros(n).index_add(0, index, 2 * errors)


@bias_gradient.misconception(
    "You divided by how many ratings each user has in the batch. The loss is a mean over all its rows: divide by their "
    "number, so that whoever has more ratings moves more."
)
def divides_by_own_rows(errors, index, n):
    counts = torch.zeros(n).index_add(0, index, torch.ones(len(errors)))
    return torch.zeros(n).index_add(0, index, 2 * errors) / counts.clamp(min=1)


@bias_gradient.misconception(
    "You divided by the number of users. The loss is a mean over the *rows* of the batch: `len(errors)`."
)
def divides_by_the_users(errors, index, n):
    return torch.zeros(n).index_add(0, index, 2 * errors / n)


@bias_gradient.misconception(
    "Your signs are turned round. The gradient points to where the loss *grows*: a prediction that is too high has a "
    "positive error and a positive gradient. The minus comes with the step, `p -= lr * p.grad`."
)
def turns_the_sign(errors, index, n):
    return torch.zeros(n).index_add(0, index, -2 * errors / len(errors))


@bias_gradient.misconception(
    "You squared the errors: that is the loss, of which the derivative is asked. It keeps the sign, 2 times the error."
)
def squares_the_errors(errors, index, n):
    return torch.zeros(n).index_add(0, index, errors**2 / len(errors))


@bias_gradient.misconception(
    "Your result ends with the largest position in this batch. There are n biases, so n numbers: `torch.bincount` needs "
    "`minlength=n`."
)
def ends_too_early(errors, index, n):
    return torch.bincount(index, weights=2 * errors / len(errors))


@bias_gradient.misconception(
    "You have one number for each row of the batch. The gradient has one for each *bias*: add each row's number at the "
    "place that `index` names."
)
def stays_with_the_rows(errors, index, n):
    return 2 * errors / len(errors)


@bias_gradient.worked_example
def four_rows():
    errors, index, n = torch.tensor([0.5, -1.0, 2.0, 1.0]), torch.tensor([1, 0, 1, 3]), 5
    yield "the errors of four rows, prediction minus rating", errors
    yield "the user of each row", index
    yield "twice each error, divided by the number of rows", 2 * errors / len(errors)
    yield (
        f"added up for each of {n} users, of whom one is there twice and some are not at all",
        gradient_of_a_bias(errors, index, n),
    )


@bias_gradient.misconception(
    "All zeros: `index_add` leaves its tensor as it was and returns a new one, which you dropped. Keep it, "
    "`gradient = gradient.index_add(...)`, or write `index_add_`, which changes the tensor itself."
)
def drops_the_result(errors, index, n):
    return torch.zeros(n)


# ---- questions

bias_shape = Question(
    "bias_shape",
    prompt="In a batch of 64 the dot products have shape `(64,)`. `self.user_bias(x[:, 0])`, looked up in an "
    "`Embedding(n_users, 1)`, has shape `(64, 1)`. What is the shape of their sum?",
    choices={
        "a": "`(64,)`",
        "b": "`(64, 1)`",
        "c": "`(64, 64)`",
        "d": "None: PyTorch refuses to add them.",
    },
    right="c",
    why_not={
        "a": "PyTorch does not drop a dimension by itself. It lines shapes up from the right, and there 64 meets 1.",
        "b": "The dot products have 64 numbers in their last dimension, and no sum makes fewer of them.",
        "d": "It would be better if it did. A dimension of 1 is stretched, a missing one is added: nothing to complain about.",
    },
    hints=(
        "Write the shapes below each other, lined up at the right: `(    64)` and `(64, 1)`.",
        "A missing dimension counts as 1, and a 1 is stretched to what it meets. Do that for both dimensions.",
    ),
)

bias_for_what = Question(
    "bias_for_what",
    prompt="What is a bias for, in a model of dot products?",
    choices={
        "a": "It holds what is true of a user or a film whatever the partner: how generous somebody is, how well liked a film "
        "is. The factors need not say it.",
        "b": "It corrects ratings that are unfair, so that all users count alike.",
        "c": "It lets the model predict ratings for users and films that it has never seen.",
        "d": "It makes predictions possible that no dot product could give, however many factors it had.",
    },
    right="a",
    why_not={
        "b": "The word sounds like it, but nothing is corrected: a generous user is *predicted* to be generous.",
        "c": "A bias is learned from ratings like any factor. Of a stranger it knows nothing.",
        "d": "Above you wrote a bias as two more factors, one of which is always 1. It is no new power, it is a place where a "
        "simple thing can be learned fast.",
    },
    hints=(
        "Two people with the same taste, and one gives a star more to everything. What would have to differ in their factors?",
        "Ask of each choice: does it concern one side alone, or the fit of both?",
    ),
)

bias_and_order = Question(
    "bias_and_order",
    prompt="You double the bias of one user. What happens to this user's list of recommended films, best prediction first?",
    choices={
        "a": "The well-liked films move up.",
        "b": "Nothing: all predictions rise or fall alike, the order stays.",
        "c": "The films that fit the user's taste move up.",
        "d": "The list is turned round if the bias was negative.",
    },
    right="b",
    why_not={
        "a": "Films that are well liked have a high *film* bias. The user's own is the same number for every film.",
        "c": "Taste is the dot product, and it was not touched. The bias is added to all films alike.",
        "d": "A negative bias, doubled, lowers every prediction by the same amount. Which one is highest stays as it was.",
    },
    hints=(
        "Write the predictions for two films down, as the sum of three parts, and subtract them.",
        "In the difference of two predictions for the same user, the user's bias cancels.",
    ),
)

errors_at_rest = Question(
    "errors_at_rest",
    prompt="Training has come to rest, and the gradient of a user's bias is 0. What is true of this user's training ratings?",
    choices={
        "a": "Each of them is predicted exactly.",
        "b": "The user's bias is 0.",
        "c": "The errors add up to 0: too high as much as too low.",
        "d": "The squared errors are as small as those of any other user.",
    },
    right="c",
    why_not={
        "a": "The gradient is a sum over the user's ratings. A sum can be 0 though no part is.",
        "b": "The gradient says in which direction to move, and not where one is. At rest a bias may have any value.",
        "d": "The gradient sums errors with their signs, not squares. How large they are it does not tell.",
    },
    hints=(
        "Look at what your `bias_gradient` adds up.",
        "2/N times the sum of the user's errors is 0. What does that leave open, and what not?",
    ),
)
