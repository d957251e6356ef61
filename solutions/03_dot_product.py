# %% [markdown]
# # 3. Multiply the factors
#
# In the first lesson you filled a gap in the matrix by multiplying a user's factors with a film's. The factors were
# given. In the second you turned a table of ratings into batches. Today the two meet: you write a model whose factors
# are *learned* from the batches, and watch it predict ratings that it has never seen.
#
# **You will be able to**
#
# - write a PyTorch module from memory: the class, `__init__`, `forward`, and why you never call `forward` yourself;
# - take one step of gradient descent by hand, and say what each of its four moves is for;
# - train a model with fastai's `Learner`, and know what a shape can do to a loss without an error message;
# - read a learning curve, and hold the result against something simpler.
#
# **Time**: about 60 minutes. **Points**: 8. Stuck? `hint("DotProduct")` gives the next hint, as often as you ask.

# %%
import torch
from fastai.layers import Embedding
from fastai.learner import Learner
from fastai.losses import MSELossFlat
from ipywidgets import FloatLogSlider, interact
from torch import nn

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.ratings import load_ratings

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# ## The table, as batches
#
# `load_ratings` brings MovieLens 100K: real people, real films, ratings from 1 to 5. Without a network it brings a
# planted world instead, ratings drawn from factors that we made up, and says so; everything below works with both.
#
# The loaders do what you built last time: a vocabulary over the whole table, a random fifth held back for validation,
# and each rating exactly once per epoch.

# %%
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42)

# %% demo="one batch and its shapes"
x, y = dls.one_batch()
print("x:", tuple(x.shape), "  the first rows (user, film):", x[:3].tolist())
print("y:", tuple(y.shape), "  their ratings:", y[:3].squeeze(-1).tolist())
dls.show_batch(max_n=4)

# %% [markdown]
# Look at the two shapes. `x` has two columns, the index of the user and the index of the film. `y` has *one* column, and
# still is a matrix: `(64, 1)`, not `(64,)`. Keep that in mind; it will try to spoil your training in half an hour.
#
# ## A model is a class
#
# A PyTorch model is a class that inherits from `nn.Module`. It needs two methods. `__init__` makes what is to be learned
# and stores it on `self`; before anything else it calls `super().__init__()`, which gives the module its bookkeeping.
# `forward` takes a batch and computes the predictions. Here is one that predicts without looking at the film at all:
# each user has one number, and that is the prediction.


# %%
class OneNumberPerUser(nn.Module):
    """Predicts a user's own number, whatever the film."""

    def __init__(self, n_users):
        super().__init__()
        self.number = Embedding(n_users, 1)

    def forward(self, x):
        users = x[:, 0]  # the first column of the batch: (rows,)
        return self.number(users).squeeze(-1)  # (rows, 1) -> (rows,)


# %% demo="calling the small model"
OneNumberPerUser(n_users=944)(torch.tensor([[1, 10], [1, 20], [2, 10]]))

# %% [markdown]
# An `Embedding(n, k)` is a table with `n` rows of `k` numbers, and calling it with indices looks rows up: the one-hot
# multiplication of the last lesson, without the multiplication. This one is fastai's, which is PyTorch's `nn.Embedding`
# with small numbers to start from. Rows 0 and 1 of the output agree, since both belong to user 1.
#
# Slicing reads like a sentence: `x[:, 0]` is *all rows, column 0*.

# %% [markdown] question="model_call"

# %% [markdown]
# ## Your model
#
# Now the real one. Each user and each film get `n_factors` numbers. A prediction is the dot product of the two rows:
# multiply element by element, add up. For one user $u$ and one film $m$ with factors $p_u$ and $q_m$:
#
# $$\hat r_{um} = p_u \cdot q_m = \sum_{f=1}^{k} p_{uf}\, q_{mf}$$
#
# In a batch there are 64 such pairs, one in each row, and all are computed at once. The users looked up are a matrix of
# `(64, n_factors)`, and so are the films. Which of the two dimensions has to disappear?


# %% exercise="DotProduct"
class DotProduct(nn.Module):
    """Predict ratings as the dot product of a user's and a film's factors."""

    def __init__(self, n_users, n_movies, n_factors):
        ### BEGIN SOLUTION
        super().__init__()
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        users = self.user_factors(x[:, 0])  # (rows, n_factors)
        movies = self.movie_factors(x[:, 1])  # (rows, n_factors)
        return (users * movies).sum(dim=1)  # (rows,)
        ### END SOLUTION


# %% check="DotProduct"
check("DotProduct", DotProduct)

# %% [markdown]
# The check gives your class and the reference the same weights and the same batch, and compares what comes out: the
# shape, the predictions, a batch of one, the gradients, and the device. How you name things is up to you.
#
# ## What does it know before it has learned anything?
#
# Nothing: its factors are random and small, so each product is close to zero.

# %% demo="predictions before training"
if passed("DotProduct"):
    torch.manual_seed(1)
    untrained = DotProduct(dls.n_users, dls.n_items, 50)
    predictions = untrained(x).detach()
    print(f"predictions before training: {predictions.min():.3f} to {predictions.max():.3f}")
    print(f"mean squared error: {((predictions - y.squeeze(-1)) ** 2).mean():.2f}")
    print(f"mean of the squared ratings: {(y**2).mean():.2f}")

# %% [markdown]
# The last two numbers are nearly the same, and you can say why: if every prediction is about 0, the error of a rating is
# the rating itself. That is where training starts.
#
# ## One step down
#
# The loss is a hilly landscape over all the numbers in the model. Where you stand, the gradient tells for each number
# which way is up, and how steep. So take a small step the other way:
#
# $$w \leftarrow w - \eta \,\frac{\partial L}{\partial w}$$
#
# with the learning rate $\eta$. In PyTorch that is four moves: **predict**, **measure** (here the mean of the squared
# errors), **go back** (`loss.backward()` fills `p.grad` for every parameter `p`), and **step**. The step itself must not
# be part of what is differentiated, so it stands in `with torch.no_grad():`. And since `backward` *adds* to what is in
# `p.grad`, the gradients are cleared at the end.
#
# Write it for any model, with ratings `y` of shape `(rows, 1)`, as they come out of the loaders.


# %% exercise="gradient_step"
def gradient_step(model, x, y, lr):
    """Take one step of gradient descent on the mean squared error.

    x: (rows, 2) indices; y: (rows, 1) ratings; lr: the learning rate.
    Changes the model's parameters in place and returns the loss before the step as a float.
    """
    ### BEGIN SOLUTION
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= lr * parameter.grad
            parameter.grad = None
    return loss.item()
    ### END SOLUTION


# %% check="gradient_step"
check("gradient_step", gradient_step)

# %% [markdown] question="mse_broadcast"

# %% [markdown]
# What harm does it do? Here are two models with the same start, two hundred steps each on the same 512 ratings. One loss
# takes the last dimension off the ratings, the other leaves it there. Nothing else differs, and neither of them stops.

# %% demo="two hundred steps with the right loss, and with the one that broadcasts"
many_x, many_y = dls.train.dataset[:512]
if passed("DotProduct"):
    for name, ratings_of in (("(512,) against (512,)", many_y.squeeze(-1)), ("(512,) against (512, 1)", many_y)):
        torch.manual_seed(0)
        model = DotProduct(dls.n_users, dls.n_items, 10)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(200):
            loss = ((model(many_x) - ratings_of) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        predictions = model(many_x).detach()
        error = ((predictions - many_y.squeeze(-1)) ** 2).mean()
        print(f"{name}: predictions {predictions.mean():.2f} ± {predictions.std():.2f}, mean squared error {error:.2f}")
    print(f"the ratings themselves: {many_y.mean():.2f} ± {many_y.std():.2f}")

# %% [markdown]
# Held against every rating at once, each prediction can do no better than their mean, and that is where all of them end: the
# same number for everybody. No message, a loss that falls, and a model that knows nothing.
#
# ### Play: how large is a good step?
#
# Your own step, two hundred times on these 512 ratings, with the learning rate that you choose. Move the slider until the
# loss falls fastest, and then further, until it no longer falls at all.

# %% demo="a slider for the learning rate, on your own gradient_step"
if passed("DotProduct") and passed("gradient_step"):

    def descend(lr):
        torch.manual_seed(0)
        model = DotProduct(dls.n_users, dls.n_items, 10)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(50)  # start away from zero, where the slope is too flat to see anything
        losses = [gradient_step(model, many_x, many_y, lr) for _ in range(200)]
        return plots.step_losses(losses, title=f"learning rate {lr:.3g}")

    slider = FloatLogSlider(value=0.3, base=10, min=-1.5, max=2, step=0.1, continuous_update=False)
    interact(descend, lr=slider)

# %% [markdown]
# A step that is too small has hardly moved after two hundred. One that is too large jumps over the valley and lands
# higher up on the other side, from where it jumps still further, until the loss is too large for a number. Good rates
# lie between, and the slider's scale says how to look for them: not by adding, but by *multiplying*.
#
# And do not be too proud of a loss near zero. The model has seen these 512 ratings two hundred times and nothing else:
# it knows them by heart. What it would say about other ratings, this curve does not tell.
#
# ## Let a Learner do it
#
# Two hundred steps on one batch is not training. Training goes through all the batches, several times, validates after
# each round, changes the learning rate on the way and uses a better step than yours (Adam). fastai's `Learner` holds all
# of that together. It needs the loaders, the model and a loss.
#
# The loss is where the shapes come back. `nn.MSELoss` would do with `(64,)` and `(64, 1)` what you found above.
# `MSELossFlat` flattens both first. And `fit_one_cycle` begins with a small learning rate, rises, and falls again.


# %% exercise="train"
def train(model, dls, epochs=5, lr=5e-3):
    """Train `model` on the loaders: mean squared error, one-cycle schedule. Return the Learner."""
    ### BEGIN SOLUTION
    learn = Learner(dls, model, loss_func=MSELossFlat())
    learn.fit_one_cycle(epochs, lr)
    return learn
    ### END SOLUTION


# %% check="train"
check("train", train)

# %% [markdown] question="why_mse"

# %% [markdown]
# ## The real thing
#
# Eighty thousand ratings, fifty factors, five epochs. It takes a few seconds an epoch.

# %% demo="training on the real ratings"
if passed("DotProduct") and passed("train"):
    torch.manual_seed(42)
    model = DotProduct(dls.n_users, dls.n_items, 50)
    learn = train(model, dls, epochs=5, lr=5e-3)
    rates = learn.recorder.lrs
    peak = rates.index(max(rates))
    print(f"{len(rates):,} steps. The learning rate: {rates[0]:.5f} at first,", end=" ")
    print(f"{rates[peak]:.5f} at step {peak:,}, {rates[-1]:.1e} at last")

# %% [markdown]
# And now what all of this was for. These people gave these stars, and the model has seen none of the eight ratings: it knows
# the people from other films, and the films from other people.

# %% demo="eight hidden ratings, and what the model predicts for them"
if passed("DotProduct") and passed("train"):
    with torch.no_grad():
        stars = model.cpu()(dls.valid.dataset.x)
    table = dls.valid_df.assign(predicted=stars.numpy())
    display(table[["user", "title", "rating", "predicted"]].sample(8, random_state=3).round(2))
    print(f"all {len(stars):,} predictions lie between {stars.min():.2f} and {stars.max():.2f}")

# %% [markdown]
# Often near, sometimes far off. And look at the last line: its ends are stars that nobody can give. Lesson 5 asks what that
# costs.
#
# Here is the training as a picture, beside the damped biases of lesson 1, which know nothing of taste: only how generous a
# user is and how well liked a film.

# %% demo="loss per epoch, beside the damped biases"
baselines = baseline_ladder(dls.train_df, dls.valid_df)
if passed("DotProduct") and passed("train"):
    training, validation = zip(*[(float(row[0]), float(row[1])) for row in learn.recorder.values])
    curves = {"dot product": (training, validation)}
    display(plots.learning_curves(curves, baseline=baselines["damped biases"]))

# %% [markdown]
# The training loss goes on falling, and the validation loss follows it only for a while: the model begins to remember the
# ratings instead of understanding them. Remember the gap, lesson 6 is about it.
#
# ## The ladder so far
#
# Each lesson adds a rung. A lower mean squared error on the held-back ratings is better.

# %% demo="the ladder with today's rung"
rungs = dict(baselines)
if passed("DotProduct") and passed("train"):
    rungs["dot product"] = validation[-1]
display(plots.ladder(rungs))

# %% [markdown]
# Be honest about what you see. Fifty factors for every user and every film, and the result is about as good as the damped
# biases, which have one number each. That is no reason to be sad: the two know *different* things. The biases know who is
# generous and what is popular; the factors know who likes what. In the next lesson you put both into one model.
#
# ## What you take along
#
# - A module is a class with `__init__` and `forward`; you call the object, and PyTorch calls `forward`.
# - `dim=1` are the factors, `dim=0` are the rows. A sum over the wrong one gives an answer, and no error.
# - A gradient step: predict, measure, go back, step, and clear the gradients.
# - `(rows,)` and `(rows, 1)` broadcast to `(rows, rows)` in silence.
# - A result means something beside a simpler one.
#
# **Next**: a generous user gives four stars to everything. Your dot product has to spend factors on that. *Lesson 4* gives
# each user and each film one number of its own: the bias.

# %% demo="what you have earned so far"
progress()
