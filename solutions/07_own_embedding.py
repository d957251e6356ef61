# %% [markdown]
# # 7. An embedding of your own
#
# In the last lesson an optimiser went through `model.parameters()`, and every number of the model took its step and paid its
# rent. Nobody had told it which numbers there are. You wrote `self.user_factors = Embedding(...)`, and from then on PyTorch
# *knew*. How? And what is in that `Embedding`, which you have used for four lessons as if it had fallen from the sky?
#
# Today nothing falls from the sky. You build your model once more, out of nothing but tensors, and the result is the same.
# What you gain is that you can mend it, and change it, when one day it has to do what no library offers.
#
# **You will be able to**
#
# - say what `parameters()` sees, what it does not see, and what happens to the rest;
# - choose the numbers that training starts from, and say why zeros, equal numbers and large numbers are bad;
# - write an embedding and the gradient of a lookup by hand;
# - write `DotProductBias` on parameters of your own, and explain every line that differs from the version before.
#
# **Time**: about 75 minutes. **Points**: 8. Stuck? `hint("create_params")` gives the next hint, as often as you ask.

# %%
import time

import numpy as np
import pandas as pd
import torch
from ipywidgets import FloatLogSlider, interact
from torch import nn

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.functional import sigmoid_range
from collabkit.models import DotProduct
from collabkit.ratings import load_ratings
from collabkit.training import fit

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %%
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42)
x, y = dls.train_ds.x, dls.train_ds.y.flatten()

# %% [markdown]
# ## What does PyTorch see?
#
# Here is a module that keeps three numbers, and multiplies by them. Is it a model with three weights?


# %%
class Scale(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x * self.scale


# %% demo="three ways to keep three numbers"
for scale in (torch.ones(3), torch.ones(3, requires_grad=True), nn.Parameter(torch.ones(3))):
    found = [tuple(parameter.shape) for parameter in Scale(scale).parameters()]
    print(f"{type(scale).__name__:10} requires_grad={scale.requires_grad!s:6} parameters() finds {found}")

# %% [markdown]
# All three compute the same. But only in the third has PyTorch noticed that there is something to learn. A module is like a
# house with a doorman: whatever you write on `self` passes him, and he writes down each `nn.Parameter` and each *module*, which
# has a doorman of its own. Everything else he lets through without a note.
#
# The doorman is one method, `__setattr__`, which Python calls for every `self.name = value`. Stripped to the bone:


# %%
class TinyModule:
    def __init__(self):
        object.__setattr__(self, "noted", {})

    def __setattr__(self, name, value):
        if isinstance(value, nn.Parameter | TinyModule):
            self.noted[name] = value
        object.__setattr__(self, name, value)

    def parameters(self):
        for value in self.noted.values():
            if isinstance(value, TinyModule):
                yield from value.parameters()  # a house within the house
            else:
                yield value


# %% demo="the doorman at work"
house, annexe = TinyModule(), TinyModule()
house.weight = nn.Parameter(torch.ones(3))
house.forgotten = torch.ones(3)
annexe.weight = nn.Parameter(torch.ones(2))
house.annexe = annexe
print("noted:", list(house.noted), "  parameters of shape:", [tuple(each.shape) for each in house.parameters()])

# %% [markdown]
# You also see why `super().__init__()` has to come first: before it there is no notebook to write in.
#
# A tensor that the doorman has missed is not simply ignored. It takes part in `forward`, quietly, and that is the trouble. Here
# are eight things that one may keep on `self`, and five questions about each. Nothing in the table is from a manual: the cell
# puts each into a module, trains one step, moves it, saves it, and looks.


# %%
def kept(value):
    """A module that keeps this value as `self.thing`."""
    module = nn.Module()
    if value == "a buffer":
        module.register_buffer("thing", torch.ones(3))
    else:
        module.thing = value
    return module


def tensor_in(module):
    """The first tensor in whatever the module keeps."""
    thing = module.thing
    if isinstance(thing, nn.Linear):
        return thing.weight
    return thing if isinstance(thing, torch.Tensor) else thing[0]


def inspected(value):
    """Five questions about a thing that a module keeps, answered by trying."""
    module = kept(value)
    answers = {"in parameters()": len(list(module.parameters())) > 0}
    tensor = tensor_in(module)
    if tensor.requires_grad:
        (tensor**2).sum().backward()
    answers["gets a gradient"] = tensor.grad is not None
    before = tensor.detach().clone()
    if answers["in parameters()"]:
        torch.optim.SGD(module.parameters(), lr=0.1).step()
    answers["moved by the optimiser"] = not torch.equal(tensor.detach(), before)
    answers["saved in state_dict()"] = len(module.state_dict()) > 0
    module.to(torch.float64)
    answers["goes along with .to()"] = tensor_in(module).dtype == torch.float64
    return answers


# %% demo="what parameters() sees, and what becomes of the rest"
things = {
    "a tensor": torch.ones(3),
    "a tensor with requires_grad": torch.ones(3, requires_grad=True),
    "an nn.Parameter": nn.Parameter(torch.ones(3)),
    "a frozen nn.Parameter": nn.Parameter(torch.ones(3), requires_grad=False),
    "a list of nn.Parameters": [nn.Parameter(torch.ones(3))],
    "an nn.ParameterList": nn.ParameterList([nn.Parameter(torch.ones(3))]),
    "a layer, nn.Linear": nn.Linear(1, 3, bias=False),
    "a buffer, by register_buffer": "a buffer",
}
plots.yes_no(pd.DataFrame({name: inspected(thing) for name, thing in things.items()}).T, title="What you keep on self")

# %% [markdown]
# Find the two dangerous rows: those that *get a gradient* and are *never moved*. They look learned, they are in the formula, and
# they stay what they were on the first day. No error, no warning. The last column has a second trap: what does not go along with
# `.to()` stays behind on the CPU when the model moves to a GPU.
#
# The last row is for numbers that belong to a model and are *not* learned, such as a mean rating: saved and moved, but left
# alone by the optimiser.

# %% [markdown] question="plain_tensor"

# %% [markdown]
# ## Where to start from
#
# So a table of factors is an `nn.Parameter`, a matrix with a row for each user. Which numbers should be in it before training?
# They know nothing yet, so why not zeros? Because of how a dot product learns. With $\hat r = \sum_f p_f q_f$, the gradient for
# a user's factor is the error times the *film's* factor, and the other way round:
#
# $$\frac{\partial L}{\partial p_f} = 2\,(\hat r - r)\; q_f \qquad\qquad \frac{\partial L}{\partial q_f} = 2\,(\hat r - r)\; p_f$$
#
# Each learns from the other. What if both are zero? And what if all are the same number? Decide before you scroll on.

# %% [markdown] question="zero_start"

# %% [markdown]
# Here is a `DotProduct` with fifty factors, trained for five epochs from four different starts. *Rank* says how many of the
# fifty columns of the films' table are more than repetitions of the others in the end.


# %%
def trained_from(fill, seed=42):
    """A DotProduct whose two tables are filled by `fill(table)`, trained five epochs. Returns it and its history."""
    torch.manual_seed(seed)
    model = DotProduct(dls.n_users, dls.n_items, 50)
    with torch.no_grad():
        for table in model.parameters():
            fill(table)
    return model, fit(model, dls, epochs=5, lr=5e-3, seed=seed, bar=False)


# %% demo="training from four starts"
starts = {
    "all 0": lambda table: table.zero_(),
    "all 0.01": lambda table: table.fill_(0.01),
    "random, deviation 0.01": lambda table: table.normal_(0, 0.01),
    "random, deviation 1": lambda table: table.normal_(0, 1),
}
rows = {}
for name, fill in starts.items():
    model, history = trained_from(fill)
    films = model.movie_factors.weight.detach()
    rows[name] = {
        "validation, first epoch": f"{history.valid_losses[0]:.2f}",
        "last epoch": f"{history.final:.2f}",
        "rank of the films' table": torch.linalg.matrix_rank(films).item(),
    }
display(pd.DataFrame(rows).T)
print(f"for comparison, the mean of the squared ratings: {(dls.valid_ds.y**2).mean():.2f}")

# %% [markdown]
# - **Zeros** are a trap with no way out: every gradient is zero, and the model says 0 for ever.
# - **Equal numbers** do move. But all fifty factors of a film get the same gradient in each step, so they stay equal. You have
#   paid for fifty factors and own one. Only chance can make them different: this is called *breaking the symmetry*.
# - **Large numbers** start with predictions that are anything: sums of fifty products of size 1. Training first has to clear
#   away what nobody put there on purpose, and in five epochs it does not get done with that.
# - So: **small and random**. Small, that no film begins with an opinion; random, that no two factors are twins.
#
# How small? fastai takes a standard deviation of 0.01. Try others; each move trains anew. (On the far left the symmetry is
# broken in theory only.)

# %% demo="a slider for the spread of the start: every move trains the model"
_, usual = trained_from(lambda table: table.normal_(0, 0.01))


def train_and_draw(deviation):
    _, history = trained_from(lambda table: table.normal_(0, deviation))
    print(f"trained in {history.seconds:.2f} s; validation {history.final:.3f} after the last epoch")
    return plots.learning_curves({f"deviation {deviation:.2g}": history, "deviation 0.01": usual})


slider = FloatLogSlider(value=0.1, base=10, min=-4, max=0, step=0.2, description="deviation", continuous_update=False)
played = interact(train_and_draw, deviation=slider)

# %% [markdown]
# Now write the function that makes such tables. Everything else today is built on it.


# %% exercise="create_params"
def create_params(size):
    """Numbers to be learned: an nn.Parameter of this size, filled with random normal numbers, deviation 0.01.

    size: a list of one or two whole numbers. create_params([5, 3]) has shape (5, 3), create_params([5]) has shape (5,).
    """
    ### BEGIN SOLUTION
    return nn.Parameter(torch.zeros(*size).normal_(0, 0.01))
    ### END SOLUTION


# %% check="create_params"
check("create_params", create_params)

# %% [markdown]
# ## The embedding
#
# In lesson 2 you showed that a one-hot vector times a matrix is a row of the matrix. So an embedding needs no arithmetic at
# all: it keeps a table, and `forward` picks rows. PyTorch picks rows when you index a tensor with a tensor of ids: if `table`
# is `(n, width)` and `ids` is `(64,)`, then `table[ids]` is `(64, width)`.
#
# Write it as a module, so that it has a doorman and can be called.


# %% exercise="Embedding"
class Embedding(nn.Module):
    """A table of n rows and `width` columns that is learned; calling it with ids gives their rows.

    ids of any shape, (64,) or (3, 4), give one dimension more: (64, width) or (3, 4, width).
    Build it on your create_params, without nn.Embedding.
    """

    def __init__(self, n, width):
        ### BEGIN SOLUTION
        super().__init__()
        self.weight = create_params([n, width])
        ### END SOLUTION

    def forward(self, ids):
        ### BEGIN SOLUTION
        return self.weight[ids]
        ### END SOLUTION


# %% check="Embedding"
check("Embedding", Embedding)

# %% demo="your embedding, one-hot vectors, and PyTorch's function: same rows, other costs"
if passed("Embedding"):
    embedding = Embedding(dls.n_items, 50)
    (table,) = embedding.parameters()
    ids = x[:64, 1]
    ways = {
        "your embedding": lambda: embedding(ids),
        "PyTorch's F.embedding": lambda: nn.functional.embedding(ids, table),
        "one-hot times the table": lambda: nn.functional.one_hot(ids, dls.n_items).float() @ table,
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, way in ways.items():
        same = torch.allclose(way(), embedding(ids))
        began = time.perf_counter()
        for _ in range(100):
            table.grad = None
            way().sum().backward()
        micro = (time.perf_counter() - began) / 100 * 1e6
        print(f"{name:24} the same rows: {same}   there and back in {micro:7,.0f} microseconds")
    torch.set_num_threads(threads)
    table.grad = None

# %% [markdown]
# So that is all that `nn.Embedding` is. One-hot vectors would give the same rows, and multiply almost everything by zero to
# get them.
#
# ### Printed, it looks empty
#
# A small trap for later, when you want to know what a model is made of. `print(model)` lists the *modules* in it, and a
# parameter is no module:

# %% demo="what print shows, and what it does not"
if passed("Embedding"):
    print("printed:", embedding)
    print("asked:  ", {name: tuple(parameter.shape) for name, parameter in embedding.named_parameters()})

# %% [markdown]
# ## The way back
#
# `forward` picks rows. What does `backward` do? Suppose that for each row that was picked there arrives a gradient: how the loss
# would change with the numbers of this row. It came from row `ids[i]` of the table, so that is where it belongs. Rows that
# nobody looked up had no influence, and their gradient is zero. A film that stands in the batch three times had influence three
# times, and so
#
# $$\frac{\partial L}{\partial W_{j}} \;=\; \sum_{i\,:\;\text{ids}_i = j} \frac{\partial L}{\partial \text{row}_i}$$
#
# Going there is *gather*, coming back is *scatter and add*. It is the place where home-made embeddings go wrong, since the
# shortest line that one would write forgets the *add*. Autograd has done it for you so far; do it once yourself.


# %% exercise="lookup_gradient"
def lookup_gradient(ids, upstream, n):
    """The gradient of a table of n rows, from the gradients of the rows that were looked up.

    ids: (rows,), which row of the table was looked up each time; an id may come several times.
    upstream: (rows, width), the gradient that has arrived at each of these lookups.
    Returns a tensor (n, width). Example: ids [2, 0, 2], upstream [[1.], [5.], [3.]], n=4 -> [[5.], [0.], [4.], [0.]]
    """
    ### BEGIN SOLUTION
    return torch.zeros(n, upstream.shape[1]).index_add(0, ids, upstream)
    ### END SOLUTION


# %% check="lookup_gradient"
check("lookup_gradient", lookup_gradient)

# %% demo="your way back against autograd, on a batch of real ratings"
if passed("Embedding") and passed("lookup_gradient"):
    users, films = Embedding(dls.n_users, 50), Embedding(dls.n_items, 50)
    batch, stars = x[:64], y[:64]
    user_rows, film_rows = users(batch[:, 0]), films(batch[:, 1])
    predictions = (user_rows * film_rows).sum(dim=1)
    ((predictions - stars) ** 2).mean().backward()
    upstream = (2 / 64 * (predictions - stars))[:, None] * user_rows  # at the films' rows: the formula from above
    by_hand = lookup_gradient(batch[:, 1], upstream.detach(), dls.n_items)
    (film_table,) = films.parameters()
    touched = int((film_table.grad != 0).any(dim=1).sum())
    print(f"largest difference to autograd: {(by_hand - film_table.grad).abs().max():.1e}")
    print(
        f"{batch[:, 1].unique().numel()} different films in the batch; {touched} of {dls.n_items:,} rows have a gradient"
    )

# %% [markdown]
# Read the second line again. Of the whole table only a few rows have learned anything from this batch. The others have a
# gradient of zero, and for *decay*, which is no gradient, they were not spared. That is the asymmetry that you met in lesson 6.
# It is also what `fit(..., engine="rowwise")` lives on: where there are millions of users, a step need not look at the rows
# that its batch does not touch, as long as their decay is made up for later.
#
# ## The model, on your own parameters
#
# You have two ways to rebuild `DotProductBias`. Either put your `Embedding` where the finished one was, and change nothing else.
# Or do without embeddings: keep the four tables as parameters on the model itself. Then something changes in each line:
#
# | lesson 5 | on parameters |
# |---|---|
# | a module with `n` rows of `k` numbers | `create_params([n, k])` |
# | called: `self.user_factors(ids)` | indexed: `self.user_factors[ids]` |
# | a bias is a table `(n, 1)`, a lookup gives `(rows, 1)` | a bias is a vector, `create_params([n])`, a lookup gives `(rows,)` |
# | the sum over the factors keeps its dimension, `(rows, 1)`, to fit the biases | the sum drops it, `(rows,)`, to fit the biases |
# | at the end the extra dimension is dropped | there is none |
#
# Each change brings the next with it. What if you make only some of them? Try each *half* way; the table shows what PyTorch says.

# %% demo="half-way changes, and what PyTorch says to each"
factors_u, factors_m = (nn.Parameter(torch.randn(n, 50)) for n in (dls.n_users, dls.n_items))
bias_vector, bias_table = nn.Parameter(torch.zeros(dls.n_users)), nn.Parameter(torch.zeros(dls.n_users, 1))
ids_u, ids_m = x[:64].T


class NoDoorman(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(torch.ones(3))


def product(**kwargs):
    return (factors_u[ids_u] * factors_m[ids_m]).sum(dim=1, **kwargs)


attempts = {
    "all changes made": lambda: product() + bias_vector[ids_u],
    "parentheses kept": lambda: factors_u(ids_u),
    "keepdim=True kept": lambda: product(keepdim=True) + bias_vector[ids_u],
    "bias table (n, 1) kept": lambda: product() + bias_table[ids_u],
    "both kept": lambda: product(keepdim=True) + bias_table[ids_u],
    "columns instead of rows": lambda: factors_u[:, ids_u],
    "tensors instead of parameters": lambda: torch.optim.Adam(Scale(torch.ones(3)).parameters()),
    "no super().__init__()": NoDoorman,
}
said = {}
for name, attempt in attempts.items():
    try:
        said[name] = f"no error; shape {tuple(attempt().shape)}"
    except (TypeError, IndexError, ValueError, AttributeError) as error:
        said[name] = f"{type(error).__name__}: {error}"
with pd.option_context("display.max_colwidth", None):
    display(pd.DataFrame({"what PyTorch says": said}))

# %% [markdown]
# Most of the half-way versions are stopped at once, which is kind. Two are not: for 64 ratings they give 64 × 64
# predictions, in silence. You know this trap from lesson 3. A loss that flattens may complain, one that broadcasts will not.
#
# *Columns instead of rows* deserves a second look, too: whether it is stopped depends on the ids. With a table that is wider than
# high it would give you numbers, from the wrong axis.

# %% [markdown] question="brackets"

# %% [markdown]
# Now write the whole model. Same name, same arguments and same predictions as in lesson 5, and nothing finished inside.
# `sigmoid_range` from lesson 5 is there.


# %% exercise="DotProductBias.own"
class DotProductBias(nn.Module):
    """Factors, biases and a range, as in lesson 5, on parameters from create_params (or on your own Embedding).

    DotProductBias(n_users, n_movies, n_factors, y_range) is called with x (rows, 2) and gives predictions (rows,).
    """

    def __init__(self, n_users, n_movies, n_factors=50, y_range=(0, 5.5)):
        ### BEGIN SOLUTION
        super().__init__()
        self.user_factors = create_params([n_users, n_factors])
        self.user_bias = create_params([n_users])
        self.movie_factors = create_params([n_movies, n_factors])
        self.movie_bias = create_params([n_movies])
        self.y_range = y_range
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        users = self.user_factors[x[:, 0]]  # (rows, n_factors)
        movies = self.movie_factors[x[:, 1]]  # (rows, n_factors)
        rating = (users * movies).sum(dim=1)  # (rows,)
        rating = rating + self.user_bias[x[:, 0]] + self.movie_bias[x[:, 1]]  # (rows,)
        return sigmoid_range(rating, *self.y_range)
        ### END SOLUTION


# %% check="DotProductBias.own"
check("DotProductBias.own", DotProductBias)

# %% demo="what your model is made of"
if passed("DotProductBias.own"):
    torch.manual_seed(42)
    model = DotProductBias(dls.n_users, dls.n_items)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    display(pd.DataFrame({"shape": shapes, "numbers": {name: int(np.prod(shape)) for name, shape in shapes.items()}}))
    print(f"predictions before training: around {model(x[:1000]).mean():.2f}, the middle of the range")

# %% [markdown]
# The check gave your model and the reference the same numbers, and compared predictions and gradients. They agree, so training
# agrees as well: whatever was said in lesson 6 about the model from the library holds for yours.
#
# ## The real thing
#
# Eighty thousand ratings, the decay of lesson 6. `fit` sees that this is a model of your own, not one that it knows by name, so it
# trains by PyTorch, step by step, and takes a few seconds instead of a fraction of one.

# %% demo="training your model on the real ratings"
if passed("DotProductBias.own"):
    history = fit(model, dls, epochs=5, lr=5e-3, wd=0.1, seed=42, bar=False)
    print(f"engine {history.engine!r}, {history.seconds:.1f} s")
baselines = baseline_ladder(dls.train_df, dls.valid_df)
if passed("DotProductBias.own"):
    display(plots.learning_curves({"your own model, decay 0.1": history}, baseline=baselines["damped biases"]))

# %% [markdown]
# ## The ladder
#
# No new rung today, in truth: it is the model of lesson 6, and must come out where that came out. Compare with the ladder that
# you saw there, and expect a difference in the third digit, since your numbers started from other random ones.

# %% demo="the ladder, with the rung that is all yours"
rungs = dict(baselines)
_, plain = trained_from(lambda table: table.normal_(0, 0.01))
rungs["dot product"] = plain.final
if passed("DotProductBias.own"):
    rungs["on your own parameters, decay 0.1"] = history.final
display(plots.ladder(rungs))

# %% [markdown]
# Between you and that number there is no library any more except for tensors, gradients and an optimiser, and the optimiser's
# step you wrote yourself last time.
#
# ## What you take along
#
# - A module notes down what is an `nn.Parameter` or a module when it is put on `self`. A plain tensor, or parameters in a Python
#   list, take part in `forward` and are never learned.
# - Start small and random: zeros never move, equal numbers stay equal, large ones are noise that must be unlearned.
# - An embedding is a table whose rows are picked. Its gradient is a scatter and add, zero for all rows not in the batch.
# - With parameters instead of modules come square brackets, vectors as biases, and no kept dimension: all of them or none.
# - `print(model)` shows modules; `named_parameters()` shows everything that is learned.
#
# **Next**: the tables are full of numbers that nobody has chosen. Do they mean anything? *Lesson 8* looks into them: which films
# everybody likes more than they should, what the first factors are about, and which films lie close together.

# %% demo="what you have earned so far"
progress()
