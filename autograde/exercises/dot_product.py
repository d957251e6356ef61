"""Lesson 03: the dot product as a module, one gradient step by hand, and training."""

from __future__ import annotations

import numpy as np
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.losses import MSELossFlat
from torch import Tensor, nn

import collabkit
from autograde.exercise import EXAMPLE_SEED, Exercise, Question
from autograde.observe import Raised, World, built, gradients_of, on_meta, pairs, seeded, shape_of

# ---- DotProduct

DotProduct = Exercise(
    reference=collabkit.DotProduct,
    elsewhere=(
        "collabkit.models.DotProductBias",
        "fastai.collab.EmbeddingDotBias",
    ),
    hints=(
        "A row of the batch is (user, movie), and `x[:, 0]` is the column of users. Look both factor vectors up.",
        "Multiply the two lookups element by element, then add up along the factors: they are dimension 1.",
        "`users = self.user_factors(x[:, 0])`, likewise the movies, then `return (users * movies).sum(dim=1)`.",
    ),
)


@DotProduct.given
def small_world(rng):
    """7 users, 11 movies, 5 factors, 13 rows: no two sizes are equal, so a mixed-up axis cannot hide."""
    return World(n_users=7, n_movies=11, n_factors=5, batch=pairs(rng, 7, 11, rows=13))


@DotProduct.check(points=0.5, form=True)
def one_prediction_per_row(cls, world):
    """Gives one prediction for each row of the batch"""
    return shape_of(built(cls, world)(world.batch))


@DotProduct.check(points=1)
def same_predictions(cls, world):
    """Multiplies the factors and sums over them"""
    return built(cls, world)(world.batch)


@DotProduct.check(points=0.5)
def batch_of_one(cls, world):
    """Also takes a batch of a single row"""
    return built(cls, world)(world.batch[:1])


@DotProduct.check(points=1)
def gradients(cls, world):
    """Lets gradients flow back to the factors of users and movies"""
    return gradients_of(cls, world)


@DotProduct.check(points=0.5, form=True)
def any_device(cls, world):
    """Computes on whatever device the batch is on"""
    return on_meta(cls, world)


@DotProduct.misconception("You summed over the rows of the batch. Sum over the factors: `dim=1`.")
class SumsOverRows(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=0)


@DotProduct.misconception(
    "You kept the summed dimension, so the shape is (rows, 1). Against ratings of shape (rows,) that broadcasts "
    "to (rows, rows) without an error: drop `keepdim=True`."
)
class KeepsDimension(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True)


@DotProduct.misconception(
    "You looked the movies up by the users' column. Column 0 holds the users, column 1 the movies: `x[:, 1]`."
)
class UsesUsersTwice(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 0])).sum(dim=1)


@DotProduct.misconception(
    "`x[0]` is the first *row* of the batch, one pair. The users of all rows are a column: `x[:, 0]`, all rows of column "
    "0. The movies are `x[:, 1]`."
)
class TakesRows(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)

    def forward(self, x):
        return (self.user_factors(x[0]) * self.movie_factors(x[1])).sum(dim=1)


@DotProduct.misconception(
    "Your tables lie on their side. `Embedding` wants the number of rows first, one for each user, and then how many "
    "numbers a row has: `Embedding(n_users, n_factors)`."
)
class TurnsTheSizesRound(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_factors, n_users)
        self.movie_factors = nn.Embedding(n_factors, n_movies)

    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)


@DotProduct.misconception(
    "PyTorch finds nothing to learn in your model: `parameters()` is empty. A plain tensor does not count, nor does what "
    "`__init__` makes without keeping it on `self`: `self.user_factors = Embedding(n_users, n_factors)`."
)
class PlainTensors(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = torch.randn(n_users, n_factors)
        self.movie_factors = torch.randn(n_movies, n_factors)

    def forward(self, x):
        return (self.user_factors[x[:, 0]] * self.movie_factors[x[:, 1]]).sum(dim=1)


@DotProduct.misconception(
    "A bare `.squeeze()` drops every dimension of size 1, and with a batch of one row that is the batch itself. "
    "Name the dimension: `.squeeze(-1)`, or sum with `dim=1` and no `keepdim`."
)
class SqueezesTheBatch(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1, keepdim=True).squeeze()


@DotProduct.misconception(
    "You paired every user of the batch with every movie of it, a matrix of (rows, rows). Only the pairs that stand in "
    "the same row belong together: multiply with `*`, then sum over `dim=1`."
)
class PairsEverybody(collabkit.DotProduct):
    def forward(self, x):
        return self.user_factors(x[:, 0]) @ self.movie_factors(x[:, 1]).T


@DotProduct.misconception(
    "`@` multiplies matrices, and these two do not fit: (rows, factors) by (rows, factors). Row by row is `*`, and then "
    "`.sum(dim=1)`."
)
class MultipliesMatrices(collabkit.DotProduct):
    def forward(self, x):
        return self.user_factors(x[:, 0]) @ self.movie_factors(x[:, 1])


@DotProduct.misconception("You multiplied the factors but did not add the products up: `.sum(dim=1)` is missing.")
class ForgetsTheSum(collabkit.DotProduct):
    def forward(self, x):
        return self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])


@DotProduct.misconception("A dot product is the sum of the products, and you took their mean: `.sum(dim=1)`.")
class TakesTheMean(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).mean(dim=1)


@DotProduct.misconception(
    "Your predictions are right, but cut off from the weights (`.detach()`, `.data` or `.numpy()`): nothing "
    "can be learned from them. Return the tensor as it was computed."
)
class CutsTheGraph(collabkit.DotProduct):
    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1).detach()


@DotProduct.misconception(
    "You go through the rows in a loop and take numbers out with `.item()`: no gradient survives that, and no GPU helps. "
    "Index with the whole column, `x[:, 0]`, and let PyTorch do all rows at once."
)
class LoopsOverItems(collabkit.DotProduct):
    def forward(self, x):
        rows = [(self.user_factors.weight[int(u)] * self.movie_factors.weight[int(m)]).sum().item() for u, m in x]
        return torch.tensor(rows)


@DotProduct.worked_example
def two_rows():
    users, movies = torch.tensor([[1.0, 2.0], [0.0, 3.0]]), torch.tensor([[2.0, 1.0], [1.0, -1.0]])
    yield "the users of two rows, looked up: (rows, factors)", users
    yield "the films of the same rows", movies
    yield "multiplied element by element", users * movies
    yield "added up along the factors: one prediction for each row", (users * movies).sum(dim=1)


# ---- gradient_step

gradient_step = Exercise(
    reference=collabkit.gradient_step,
    hints=(
        "Four moves: predict, measure the loss, `loss.backward()`, then change every parameter a little.",
        "The ratings have shape (rows, 1), the predictions (rows,). Make them equal before you subtract: `y.squeeze(-1)`.",
        "Within `torch.no_grad()`: `for p in model.parameters(): p -= lr * p.grad`, and then `p.grad = None`.",
    ),
)


class Step:
    """A small model that is no recommender, a batch for it, and a learning rate."""

    def __init__(self, rng):
        self.x = pairs(rng, 12, 12, rows=9)
        self.y = torch.from_numpy(rng.uniform(1, 5, (9, 1)).astype("float32"))
        self.lr = float(rng.uniform(0.05, 0.2))
        self.key = int(rng.integers(1 << 30))

    def model(self) -> nn.Module:
        return pair_model(12, 3, self.key)


def pair_model(n_ids: int, width: int, key: int) -> nn.Module:
    """A model of pairs (rows, 2) -> (rows,) that is no recommender; its weights follow from the key."""
    model = nn.Sequential(nn.Embedding(n_ids, width), nn.Flatten(), nn.Linear(2 * width, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(seeded(tuple(parameter.shape), key))
    return model


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@gradient_step.given
def one_step(rng):
    return Step(rng)


@gradient_step.check(points=0.5)
def loss_before(step, given):
    """Returns the mean squared error before the step, as a number"""
    return float(step(given.model(), given.x, given.y, given.lr))


@gradient_step.check(points=1)
def weights_after(step, given):
    """Moves each weight against its gradient, by the learning rate times the gradient"""
    model = given.model()
    step(model, given.x, given.y, given.lr)
    return weights_of(model)


@gradient_step.check(points=0.5)
def weights_after_two(step, given):
    """Starts every step with fresh gradients"""
    model = given.model()
    step(model, given.x, given.y, given.lr)
    step(model, given.x, given.y, given.lr)
    return weights_of(model)


@gradient_step.misconception(
    "PyTorch adds new gradients to the old ones, and you never clear them, so the second step still pushes in the "
    "direction of the first. After the update: `p.grad = None`."
)
def keeps_old_gradients(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
    return loss.item()


@gradient_step.misconception(
    "You went up the slope: the gradient points to where the loss grows. Subtract it, `p -= lr * p.grad`."
)
def climbs(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p += lr * p.grad
            p.grad = None
    return loss.item()


@gradient_step.misconception(
    "The predictions have shape (rows,) and the ratings (rows, 1): their difference broadcast to (rows, rows), so each "
    "prediction was held against every rating. Use `y.squeeze(-1)` first."
)
def broadcasts(model, x, y, lr):
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
            p.grad = None
    return loss.item()


@gradient_step.misconception(
    "The learning rate is missing: the step is `lr` times the gradient, not the gradient itself."
)
def forgets_the_rate(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= p.grad
            p.grad = None
    return loss.item()


@gradient_step.misconception(
    "You summed the squared errors. Take their mean, or the size of a step grows with the size of the batch."
)
def sums_the_errors(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).sum()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
            p.grad = None
    return loss.item()


@gradient_step.misconception(
    "Nothing has moved: `p = p - ...` makes a new tensor and calls it `p`, and the model keeps the old one. Change it in "
    "place: `p -= lr * p.grad`."
)
def renames_the_result(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    return loss.item()


@gradient_step.misconception("You returned the loss after the step. Keep the loss that the gradient came from.")
def returns_the_later_loss(model, x, y, lr):
    ((model(x) - y.squeeze(-1)) ** 2).mean().backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
            p.grad = None
    return ((model(x) - y.squeeze(-1)) ** 2).mean().item()


class OneWeight(nn.Module):
    """Predicts a weight times the first column."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x[:, 0]


@gradient_step.worked_example
def one_weight():
    model, x, y, lr = OneWeight(2.0), torch.tensor([[1, 0], [3, 0]]), torch.tensor([[1.0], [5.0]]), 0.1
    errors = (model(x) - y.squeeze(-1)).detach()
    yield "a model with one weight, which multiplies the first column of x", model.weight
    yield "its predictions for two rows", model(x)
    yield "the ratings, brought to the same shape", y.squeeze(-1)
    yield "the mean of the squared errors, which is what the step returns", (errors**2).mean().item()
    yield "the gradient: the mean of twice the error times what the weight multiplied", (2 * errors * x[:, 0]).mean()
    gradient_step.reference(model, x, y, lr)
    yield f"the weight after the step, which takes {lr} of the gradient away", model.weight


# ---- train

train = Exercise(
    reference=collabkit.train,
    elsewhere=(
        "collabkit.training.learner",
        "collabkit.training.fit",
    ),
    hints=(
        "fastai's `Learner(dls, model, loss_func=...)` holds what training needs.",
        "The loss is `MSELossFlat()`: it flattens predictions and ratings, so (rows,) and (rows, 1) cannot broadcast.",
        "`learn = Learner(dls, model, loss_func=MSELossFlat())`, then `learn.fit_one_cycle(epochs, lr)`, then return it.",
    ),
)


class SmallTable:
    """A small table of ratings with its loaders, and a model that is no recommender."""

    def __init__(self, rng):
        self.x = pairs(rng, 30, 20, rows=160)
        stars = 1 + self.x[:, 0].numpy() % 5 + rng.normal(0, 0.3, len(self.x))
        self.y = torch.from_numpy(stars.clip(0.5, 5).astype("float32"))[:, None]  # (rows, 1)
        self.lr = float(rng.uniform(0.01, 0.03))
        self.key = int(rng.integers(1 << 30))

    def loaders(self) -> DataLoaders:
        """fastai's own, in the order of the rows: whatever random numbers an answer draws, the batches stay."""
        rows = list(zip(self.x, self.y, strict=True))
        return DataLoaders(*(DataLoader(part, bs=64, device="cpu") for part in (rows[:128], rows[128:])))

    def model(self) -> nn.Module:
        return pair_model(40, 4, self.key)


@train.given
def small_table(rng):
    return SmallTable(rng)


@train.check(points=0.75, look=lambda seen, given: seen["predictions"])
def training(train, given):
    """Trains the model for the epochs and with the learning rate that it is given"""
    model = given.model()
    torch.manual_seed(given.key)
    learn = train(model, given.loaders(), 2, given.lr)
    seen = {"predictions": model(torch.arange(40).reshape(20, 2)).detach()}
    try:  # a model may be trained well by who does not return the Learner
        with learn.no_bar(), learn.no_logging():
            seen["validation loss"] = float(learn.validate()[0])
    except Exception as error:
        seen["validation loss"] = Raised(type(error).__name__, str(error))
    return seen


train.check(
    points=0.25,
    look=lambda seen, given: seen["validation loss"],
    sentence="Returns the Learner, whose validation loss is the mean squared error",
)(training)


@train.misconception(
    "`nn.MSELoss` broadcasts: predictions (rows,) against ratings (rows, 1) become (rows, rows), and every prediction is "
    "pulled to the mean rating. Take fastai's `MSELossFlat()`."
)
def broadcasts_the_loss(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=nn.MSELoss())
    learn.fit_one_cycle(epochs, lr)
    return learn


@train.misconception(
    "`fit` keeps one learning rate all the way. `fit_one_cycle` starts low, rises and falls again: use it here."
)
def trains_flat(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=MSELossFlat())
    learn.fit(epochs, lr)
    return learn


@train.misconception("You trained with fastai's default learning rate: pass `lr` on, `fit_one_cycle(epochs, lr)`.")
def ignores_the_rate(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=MSELossFlat())
    learn.fit_one_cycle(epochs)
    return learn


@train.misconception("You trained a fixed number of epochs: pass `epochs` on, `fit_one_cycle(epochs, lr)`.")
def ignores_the_epochs(model, dls, epochs=5, lr=5e-3):
    learn = Learner(dls, model, loss_func=MSELossFlat())
    learn.fit_one_cycle(5, lr)
    return learn


@train.misconception("The Learner is made, but nothing is trained: call `learn.fit_one_cycle(epochs, lr)`.")
def never_trains(model, dls, epochs=5, lr=5e-3):
    return Learner(dls, model, loss_func=MSELossFlat())


@train.worked_example
def two_epochs():
    given = SmallTable(np.random.default_rng(EXAMPLE_SEED))
    model = given.model()
    learn = train.reference(model, given.loaders(), epochs=2, lr=given.lr)
    yield (
        "the training and the validation loss after each of two epochs",
        [list(row[:2]) for row in learn.recorder.values],
    )
    yield "the steps that were taken, one for each batch", len(learn.recorder.lrs)
    yield "the learning rate rose to", max(learn.recorder.lrs)
    yield "and this was asked for", given.lr
    yield "whether the Learner that is returned holds the model that was handed in", learn.model is model


# ---- questions

model_call = Question(
    "model_call",
    prompt="You never call `forward` yourself, you write `model(x)`. What happens then?",
    choices={
        "a": "Python calls `__init__` once more, which calls `forward`.",
        "b": "`nn.Module.__call__` runs, and calls the `forward` of your class with `x`.",
        "c": "PyTorch looks for the method that was defined last and calls it.",
        "d": "Nothing is computed until `backward` is called.",
    },
    right="b",
    why_not={
        "a": "`__init__` runs once, when the object is made: `DotProduct(7, 11, 5)`. An object that is called runs `__call__`.",
        "c": "The order of the methods does not matter. The name does: `nn.Module.__call__` calls `forward`.",
        "d": "PyTorch computes at once, line by line; it only remembers the steps, so that `backward` can go back along them.",
    },
    hints=(
        "Which special method does Python run for `obj(...)`? Your class did not define it: who did?",
        "You inherit from `nn.Module`. Its `__call__` does some bookkeeping and then calls one method of yours, by name.",
    ),
)

mse_broadcast = Question(
    "mse_broadcast",
    prompt="Predictions of shape `(64,)`, ratings of shape `(64, 1)`. What is `((predictions - ratings) ** 2).mean()`?",
    choices={
        "a": "The mean squared error of the 64 predictions.",
        "b": "An error: the shapes do not match.",
        "c": "A mean over 64 × 64 differences, each prediction against every rating.",
        "d": "A tensor of 64 squared errors.",
    },
    right="c",
    why_not={
        "a": "That is what was meant. But `(64,)` counts as `(1, 64)`, and against `(64, 1)` both are stretched to `(64, 64)`.",
        "b": "It would be better if it were one. Sizes 1 are stretched without a word, and `(64,)` counts as `(1, 64)`.",
        "d": "`.mean()` leaves one number. The question is over how many differences it is taken.",
    },
    hints=(
        "Shapes are aligned from the right, and a dimension of size 1 is stretched. Write both shapes under each other.",
        "Try it: `(torch.zeros(64) - torch.zeros(64, 1)).shape`.",
    ),
)

why_mse = Question(
    "why_mse",
    prompt="Two models are off by (1, 1, 1, 1) and by (0, 0, 0, 3) stars on the same four ratings. What do the measures say?",
    choices={
        "a": "MAE and MSE both prefer the first model.",
        "b": "MAE and MSE both prefer the second model.",
        "c": "MAE prefers the first model, MSE the second.",
        "d": "MAE prefers the second model, MSE the first.",
    },
    right="d",
    why_not={
        "a": "The absolute errors add up to 4 and to 3, so MAE prefers the second model.",
        "b": "The squares are 1 + 1 + 1 + 1 = 4 and 3² = 9: MSE prefers the first model, one error of 3 weighs more than four of 1.",
        "c": "It is the other way round. Absolute errors: 4 against 3. Squared errors: 4 against 9.",
    },
    hints=(
        "MAE averages the absolute errors, MSE their squares. Work both out for both models.",
        "Sums will do, since both have four ratings: 1+1+1+1 against 3, and 1+1+1+1 against 3².",
    ),
)
