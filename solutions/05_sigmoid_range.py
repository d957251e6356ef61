# %% [markdown]
# # 5. Bend the scale
#
# A rating has a lowest and a highest value. The model of lesson 4 has not heard of either: it begins at 0, where no rating
# is, and it may end anywhere. Everybody's remedy is to bend its predictions into a range, and almost everybody says that
# this makes them better. Today you build the bend, and then do what is rarer: measure what it does, and find out *why*.
#
# **You will be able to**
#
# - bend any number into a range by a sigmoid, and say why the range for one to five stars ends at 5.5;
# - work out how much of a gradient comes back through the curve, and where hardly any does;
# - give your model a range, and say what that changes before a single step of training;
# - read a table of results in which first, best and last epoch disagree, and design a run that decides what caused it.
#
# **Time**: about 55 minutes. **Points**: 7. Stuck? `hint("sigmoid_range")` gives the next hint, as often as you ask.

# %%
import math

import numpy as np
import pandas as pd
import torch
from fastai.layers import Embedding
from ipywidgets import FloatSlider, interact
from torch import nn

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProduct
from collabkit.ratings import load_ratings, planted_world
from collabkit.training import fit

# %%
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42, device="cpu")

# %% [markdown]
# ## Stars that do not exist
#
# First, how bad is it? Train lesson 3's dot product, which knows no range, and look at what it predicts for the hidden
# ratings. Beside it are the same predictions, cut off by hand at 1 and at 5, *after* training.

# %% demo="predictions outside of the scale, and what cutting them off is worth"
torch.manual_seed(42)
free = DotProduct(dls.n_users, dls.n_items, 50)
plain = fit(free, dls, epochs=5, lr=5e-3, seed=42, bar=False)
x, y = dls.valid.dataset[:]
with torch.no_grad():
    predictions = free(x)
print(f"predictions from {predictions.min():.2f} to {predictions.max():.2f} stars;", end=" ")
print(f"above 5: {(predictions > 5).float().mean():.2%}, below 1: {(predictions < 1).float().mean():.2%}")
for name, stars in (("as they are", predictions), ("cut off at 1 and 5", predictions.clamp(1, 5))):
    print(f"mean squared error {name}: {((stars - y.squeeze(-1)) ** 2).mean():.4f}")
print(f"the damped biases, for comparison: {baseline_ladder(dls.train_df, dls.valid_df)['damped biases']:.4f}")

# %% [markdown]
# It looks silly, and it is rare. Cutting off costs nothing and is right for any prediction outside, but there are so few
# of them that the error moves by less than a hundredth. Should a range turn out to help by much more than that, then not
# because it forbids seven stars. Keep this in mind as a first clue.
#
# And why not cut off *during* training, as part of the model? Because a clamp is flat. A prediction of 6.5 for a rating
# of 2 would be cut to 5; move any weight a little, and it is still 5. The gradient is 0, and the model never hears that it
# is wrong, exactly where it is most wrong.
#
# ## A curve instead of corners
#
# What we want is flat far out, and never quite flat. The **sigmoid** is such a curve:
#
# $$\sigma(x) = \frac{1}{1 + e^{-x}}$$
#
# It is 0.5 at 0, comes close to 0 on the left and to 1 on the right, and arrives at neither. Stretch it to the width of the
# range, shift it to where the range begins, and every number on earth is mapped between `low` and `high`. What goes in, the
# sum of dot product and biases, is no longer a number of stars; call it a **score**.


# %% exercise="sigmoid_range"
def sigmoid_range(x, low, high):
    """Bend any numbers into the range from low to high, smoothly. x: a tensor of any shape; the shape stays.

    Example: sigmoid_range(tensor([0.0]), 1, 5) is tensor([3.0]), the middle.
    """
    ### BEGIN SOLUTION
    return torch.sigmoid(x) * (high - low) + low
    ### END SOLUTION


# %% check="sigmoid_range"
check("sigmoid_range", sigmoid_range)

# %% [markdown] question="five_out_of_reach"

# %% [markdown]
# ### Why the range ends at 5.5
#
# Here is your function for two ranges. The dot marks where a curve passes five stars.

# %% demo="your curve, from 0 to 5 and from 0 to 5.5"
if passed("sigmoid_range"):
    scores = torch.linspace(-8, 8, 321)
    curves = {f"range (0, {high:g})": sigmoid_range(scores, 0, high).tolist() for high in (5, 5.5)}
    display(plots.range_curves(scores.tolist(), curves))

# %% [markdown]
# In the range (0, 5) the curve has no dot. Whoever gave five stars pulls the score up, and up, and up: however high it is,
# a bit of error remains. With (0, 5.5) five stars are a score like any other. The table says which score a number of stars
# needs; turned round, $\sigma$ gives $x = \ln\frac{r - \text{low}}{\text{high} - r}$.

# %% demo="the score that each number of stars needs"


def needed(stars, low, high):
    """The score that is bent to so many stars; infinite at the end of the range."""
    return math.log((stars - low) / (high - stars)) if stars < high else math.inf


table = {f"range (0, {high:g})": {stars: needed(stars, 0, high) for stars in range(1, 6)} for high in (5, 5.5, 6)}
pd.DataFrame(table).rename_axis("stars").round(2)

# %% [markdown]
# So the argument for some room above five is sound. How much room, and whether it shows in the error, is another matter,
# which the argument cannot settle. We will measure it.
#
# ### Play: shape the range
#
# - Which `high` makes five stars as far from the middle as one star? (Ratings from 1 to 5 then sit evenly on the curve.)
# - Lower `low` to -1 and watch the dot: why does it move, though `high` has not changed?
# - Make the range very wide. What does the curve look like in the part that matters? What is left of the bend?

# %% demo="sliders for the two ends of the range"
if passed("sigmoid_range"):

    def shaped(low, high):
        scores = torch.linspace(-8, 8, 321)
        mine = {"range (0, 5.5)": (0, 5.5), f"range ({low:g}, {high:g})": (low, high)}
        return plots.range_curves(
            scores.tolist(), {name: sigmoid_range(scores, *ends).tolist() for name, ends in mine.items()}
        )

    _ = interact(
        shaped,
        low=FloatSlider(value=0.5, min=-6, max=1, step=0.25, continuous_update=False),
        high=FloatSlider(value=6, min=5, max=12, step=0.25, continuous_update=False),
    )

# %% [markdown]
# ## What comes back through the curve
#
# A gradient on its way from the loss to the weights has to pass the curve, and is multiplied by its slope there. The
# sigmoid's slope has a famous form: $\sigma'(x) = \sigma(x)\,(1 - \sigma(x))$. No exponential left; knowing where you are on
# the curve is enough to know how steep it is. So take a prediction of $r$ stars. Which share of the way from `low` to
# `high` is that? This share is $\sigma$. And a curve that is stretched is steeper by the factor of the stretching.


# %% exercise="range_slope"
def range_slope(stars, low, high):
    """The slope of sigmoid_range(x, low, high) where it passes `stars`: stars of prediction per unit of score, a float.

    stars: a number between low and high. Example: range_slope(2.75, 0, 5.5) is 1.375, in the middle.
    """
    ### BEGIN SOLUTION
    share = (stars - low) / (high - low)  # the value of the sigmoid there
    return share * (1 - share) * (high - low)
    ### END SOLUTION


# %% check="range_slope"
check("range_slope", range_slope)

# %% demo="slopes along three ranges, and PyTorch's opinion"
if passed("sigmoid_range") and passed("range_slope"):
    places = [0.5, 1, 2, 2.75, 3, 4, 4.9]
    slopes = {f"range (0, {high:g})": {r: range_slope(r, 0, high) for r in places} for high in (5, 5.5, 6)}
    display(pd.DataFrame(slopes).rename_axis("prediction").round(3))
    score = torch.tensor(needed(4.9, 0, 5.5), requires_grad=True)
    sigmoid_range(score, 0, 5.5).backward()
    print(f"at 4.9 stars in (0, 5.5) PyTorch's gradient is {score.grad:.4f}, yours {range_slope(4.9, 0, 5.5):.4f}")

# %% [markdown]
# Without a range the slope is 1 everywhere. In the middle of the curve it is *more* than that: a step of the weights moves the
# prediction further than before. Towards the ends it falls below. A prediction that has come close to an end is said to be
# **saturated**, and if it is wrong there, it is slow to come back.

# %% [markdown] question="saturation"

# %% [markdown]
# ## The model in a range
#
# Write lesson 4's class again, from memory if you can, with one more argument. The curve comes last. And `y_range=None`
# should mean *no range*, so that the same class can be held against itself.


# %% exercise="DotProductBias.range"
class DotProductBias(nn.Module):
    """Predict ratings as dot product plus biases, bent into y_range; `y_range=None` leaves the sum as it is.

    x: (rows, 2) indices, users in column 0, films in column 1. Returns (rows,).
    """

    def __init__(self, n_users, n_movies, n_factors, y_range=(0, 5.5)):
        ### BEGIN SOLUTION
        super().__init__()
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.user_bias = Embedding(n_users, 1)
        self.movie_bias = Embedding(n_movies, 1)
        self.y_range = y_range
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        dot = (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)  # (rows,)
        score = dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        return score if self.y_range is None else sigmoid_range(score, *self.y_range)
        ### END SOLUTION


# %% check="DotProductBias.range"
check("DotProductBias.range", DotProductBias)

# %% [markdown]
# ### Before the first step
#
# The weights begin near 0, and so does every score. Look what your two models say *before* any training:

# %% demo="predictions and errors before training, without and with the range"
if passed("DotProductBias.range"):
    for y_range in (None, (0, 5.5)):
        torch.manual_seed(42)
        untrained = DotProductBias(dls.n_users, dls.n_items, 50, y_range)
        with torch.no_grad():
            guess = untrained(x)
        print(f"y_range {y_range!s:8}: predictions around {guess.mean():.2f},", end=" ")
        print(f"mean squared error {((guess - y.squeeze(-1)) ** 2).mean():.2f}")
    print(f"the ratings: around {y.mean():.2f}")

# %% [markdown]
# A second clue. $\sigma(0)$ is 0.5, so the model in a range begins in the *middle of the scale*, not far from where ratings are,
# without having learned a thing.
#
# ## Does it help?
#
# Three splits, both models, five epochs, everything else alike. Each is looked at three times: after its first epoch, at its
# best, and after its last. The damped biases stand beside them.

# %% demo="without and with a range, on three splits"
splits = (42, 1, 2)


def trained(ratings, split, y_range, bs=64):
    """Five epochs of your model on one split: its history, the model, and the damped biases' error on that split."""
    loaders = CollabDataLoaders.from_df(ratings, item_name="title", bs=bs, seed=split, device="cpu")
    torch.manual_seed(split)
    model = DotProductBias(loaders.n_users, loaders.n_items, 50, y_range)
    history = fit(model, loaders, epochs=5, lr=5e-3, seed=split, bar=False)
    return history, model, baseline_ladder(loaders.train_df, loaders.valid_df)["damped biases"]


def compared(ratings, histories):
    """A row a split: first, best and last epoch without and with the range; fills `histories` as it goes."""
    rows = {}
    for split in splits:
        for name, y_range in (("no range", None), ("range (0, 5.5)", (0, 5.5))):
            history, _, damped = histories[split, name] = trained(ratings, split, y_range)
            row = rows.setdefault(split, {("damped biases", ""): damped})
            row |= {
                (name, "first"): history.valid_losses[0],
                (name, "best"): history.best,
                (name, "last"): history.final,
            }
    return pd.DataFrame(rows).T.rename_axis("split")


def counted(table):
    """In how many rows the range is lower, and by how much on average."""
    for when in ("first", "best", "last"):
        gain = table["no range", when] - table["range (0, 5.5)", when]
        verdict = f"lower with the range in {int((gain > 0).sum())} of {len(gain)} splits"
        print(
            f"{when:5} epoch: {verdict}, on average {abs(gain.mean()):.3f} {'lower' if gain.mean() > 0 else 'higher'}"
        )


runs = {}
if passed("DotProductBias.range"):
    measured = compared(ratings, runs)
    display(measured.round(3))
    counted(measured)

# %% demo="loss per epoch, without and with a range"
if passed("DotProductBias.range") and runs:
    curves = {name: runs[splits[0], name][0].valid_losses for name in ("no range", "range (0, 5.5)")}
    display(plots.learning_curves(curves, baseline=runs[splits[0], "no range"][2]))
    for name in curves:
        told = ", ".join(f"{loss:.3f}" for loss in runs[splits[0], name][0].train_losses)
        print(f"training loss epoch by epoch, {name}: {told}")

# %% [markdown]
# So *does it help?* Ask the table, and it asks back: when? After one epoch it does, by a lot, in each split. At the best epoch
# the two are about even on MovieLens. And after the last one the range is *behind* there, although the training loss says
# that it fits the ratings it has seen far better than the other. It has gone past its best and learns by heart, while the
# model without a range is still on its way.
#
# Whoever reports the last epoch of this run will write that a range is harmful. Now change nothing but the size of a batch.
# Larger batches make fewer steps in five epochs, so there is less time for learning by heart, and for climbing too.

# %% demo="the last epoch for three sizes of a batch"
if passed("DotProductBias.range") and runs:
    rows = {}
    for bs in (64, 128, 256):
        for name, y_range in (("no range", None), ("range (0, 5.5)", (0, 5.5))):
            history, _, damped = runs[splits[0], name] if bs == 64 else trained(ratings, splits[0], y_range, bs)
            row = rows.setdefault(bs, {("damped biases", ""): damped})
            row |= {(name, "best"): history.best, (name, "last"): history.final}
    display(pd.DataFrame(rows).T.rename_axis("batch size").round(3))

# %% [markdown]
# The same model, the same ratings, five epochs, and on MovieLens the verdict on the last epoch turns round from the first row
# to the others. Neither verdict is a property of the range. Each is a property of where five epochs end.

# %% [markdown] question="what_five_epochs_say"

# %% [markdown]
# ### And in another world?
#
# The planted world is small, and its ratings were drawn from factors that we know. Here is the same table for it:

# %% demo="the same comparison in the planted world"
planted, planted_runs = planted_world().ratings, {}
if passed("DotProductBias.range"):
    elsewhere = compared(planted, planted_runs)
    display(elsewhere.round(3))
    counted(elsewhere)

# %% [markdown]
# Here the range is ahead at the end as well, and clearly: few batches make an epoch, so the model that begins at 0 has by
# far not arrived. Two data sets, one recipe, and the sign of the effect turns round. Remember it when somebody shows you one
# table.
#
# ## The bend or the start?
#
# Two clues have been left lying. Forbidding impossible stars is worth less than a hundredth. And the range moves the starting
# point to the middle of the scale. So perhaps the fast first epoch has nothing to do with the *bend*. That can be tested: take
# a model *without* any range, and let it start at 2.75 too, by learning how far ratings lie from 2.75. Same start, no bend.

# %% demo="the control: no range, but the same start"
if passed("DotProductBias.range") and runs:
    middle = 5.5 / 2
    shifted = ratings.assign(rating=ratings["rating"] - middle)
    control, shifted_model, _ = trained(shifted, splits[0], None)
    three = {
        "no range, starts at 0": runs[splits[0], "no range"][0],
        f"no range, starts at {middle}": control,
        "range (0, 5.5)": runs[splits[0], "range (0, 5.5)"][0],
    }
    curves = {name: history.valid_losses for name, history in three.items()}
    display(plots.learning_curves(curves, baseline=runs[splits[0], "no range"][2]))
    damped = runs[splits[0], "no range"][2]
    told = {
        name: [damped, h.valid_losses[0], h.best, int(np.argmin(h.valid_losses)) + 1, h.final, h.train_losses[-1]]
        for name, h in three.items()
    }
    columns = ["damped biases", "first epoch", "best epoch", "which", "last epoch", "last, training"]
    display(pd.DataFrame.from_dict(told, orient="index", columns=columns).astype({"which": int}).round(3))
    with torch.no_grad():
        outside = shifted_model(x) + middle
    print(f"the control predicts {outside.min():.2f} to {outside.max():.2f} stars:", end=" ")
    print(f"{((outside < 1) | (outside > 5)).float().mean():.2%} outside of 1 to 5")

# %% [markdown]
# Look at the second row. Without any bend, the start alone brings nearly all of the fast first epoch, and on MovieLens a best
# epoch that is no worse. What is left for the bend is what it promises, predictions that stay in the range, and a slope above 1 in the
# middle, which makes each step a little longer.
#
# (This is one split. Put `splits[1]` or `splits[2]` for `splits[0]` in the cell, and see whether it was luck.)
#
# This is why a **control** is worth a run. A change nearly always changes two things, the one that you have in mind and
# one that you do not. Keep the second, leave the first out, and see.
#
# ## Five, or five and a half?
#
# Now the other promise. The argument says that (0, 5) keeps five stars out of reach. What does that cost?

# %% demo="the ranges (0, 5) and (0, 5.5), and the five-star ratings, in both worlds"
if passed("DotProductBias.range") and runs and planted_runs:
    rows = {}
    for data, known_runs in ((ratings, runs), (planted, planted_runs)):
        hidden = CollabDataLoaders.from_df(data, item_name="title", seed=splits[0], device="cpu").valid.dataset
        told = {"(0, 5)": trained(data, splits[0], (0, 5)), "(0, 5.5)": known_runs[splits[0], "range (0, 5.5)"]}
        for name, (history, model, damped) in told.items():
            with torch.no_grad():
                stars, truth = model(hidden.x), hidden.y.squeeze(-1)
            is_five = truth == 5
            rows[data.attrs["source"], name] = {
                "damped biases": damped,
                "highest": stars.max().item(),
                "mean at 5 stars": stars[is_five].mean().item(),
                "error at 5 stars": ((stars - truth) ** 2)[is_five].mean().item(),
                "best epoch": history.best,
                "last epoch": history.final,
                "last, training": history.train_losses[-1],
            }
    display(pd.DataFrame(rows).T.rename_axis(["ratings", "range"]).round(3))

# %% [markdown]
# The highest predictions are as promised: the models with the range (0, 5) cannot say five. What it costs depends on the world once more.
# In the planted one the error on the five-star ratings is clearly larger. On MovieLens the two are about even there, and over
# all ratings it is (0, 5) that ends *lower*.
#
# How so? The column behind it has a part of the answer: even where people gave five stars, a model that is unsure of them does
# well to guess far below, so the missing end of the scale is hardly ever asked for. The last column has another: with (0, 5)
# the training loss has come less far down. Its curve is less steep, so it learns more slowly, by heart as well. Where a model
# learns too much, anything that hinders it looks like an improvement.
#
# We keep (0, 5.5), as most people do, for the reason in the argument: no rating should pull for ever. And we do *not* change it
# because of this table. Learning by heart is a fault that we mean to mend otherwise, and then the question is open again. And
# it is the validation set that we looked at; whoever picks settings by it can no longer measure with it.
#
# ## The ladder

# %% demo="the ladder with today's rung"
rungs = {**baseline_ladder(dls.train_df, dls.valid_df), "dot product": plain.final}
if passed("DotProductBias.range") and runs:
    history = runs[splits[0], "range (0, 5.5)"][0]
    rungs["dot product + biases"] = runs[splits[0], "no range"][0].final
    rungs["the same in a range (0, 5.5)"] = history.final
    print(f"in a range: last epoch {history.final:.3f}, best {history.best:.3f}", end=" ")
    print(f"in epoch {int(np.argmin(history.valid_losses)) + 1} of {len(history.valid_losses)}")
display(plots.ladder(rungs))

# %% [markdown]
# Ladders in books only go one way. Measured after the last epoch on MovieLens, today's rung is a step *back*, and you know
# exactly why: the model has become a faster learner, and five epochs are more than it can stand. Its best epoch is as
# good as anything on the ladder. We could stop there, but not honestly: the best epoch is known only afterwards, from the very
# ratings that are to judge it.
#
# ## What you take along
#
# - `sigmoid_range(x, low, high)` is the sigmoid, stretched by `high - low` and shifted by `low`. A clamp has no gradient
#   outside; the curve always has some.
# - The ends are never reached: for five stars the range must end above five. That is an argument, and its effect on the error
#   is a measurement.
# - The gradient is multiplied by the slope of the curve, $s(1-s)$ times the width; close to an end little comes through.
# - A range lets training *begin* in the middle of the scale. Most of its benefit is that.
# - First, best and last epoch may give three different answers. A control tells which of two changes did it.
#
# **Next**: the model learns single ratings by heart. *Lesson 6* makes large weights expensive, with one number more in
# the loss, and gives the ladder its direction back.

# %% demo="what this session has earned"
progress()
