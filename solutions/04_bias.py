# %% [markdown]
# # 4. A number of one's own
#
# Two models stand side by side on the ladder. The damped biases of lesson 1 know who is generous and what is well liked,
# and nothing of taste. The dot product of lesson 3 has fifty factors for everybody and is hardly better. What it lacks is
# almost too simple to be missed: it has no place for a sentence like *this user gives a star more to everything*. Today you
# give it one, and then you look whether the sentence really ends up there.
#
# **You will be able to**
#
# - say what a bias is for, and why factors are a poor place for it;
# - add biases to the model without falling into the trap of shapes that waits there;
# - work out by hand which way a bias moves, and what is true when it comes to rest;
# - take a trained prediction apart, and notice when a number does not mean what its name says.
#
# **Time**: about 50 minutes. **Points**: 7. Stuck? `hint("DotProductBias")` gives the next hint, as often as you ask.

# %%
import numpy as np
import pandas as pd
import torch
from fastai.layers import Embedding
from ipywidgets import Dropdown, interact
from torch import nn

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder, damped_biases
from collabkit.batches import CollabDataLoaders, encode
from collabkit.models import DotProduct
from collabkit.ratings import load_ratings
from collabkit.training import fit

# %% [markdown]
# `DotProduct` is the class that you wrote in lesson 3, and `fit` is its `train`: the same one-cycle schedule, without the
# progress bars and several times as fast, so that we can afford to train more than once.

# %%
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42, device="cpu")

# %% [markdown]
# ## One taste, two scales
#
# Among the most active users, look for two who agree about films and still give different ratings: of all pairs whose means
# lie more than three quarters of a star apart, over films that both have seen, the one with the highest correlation.

# %% demo="two users who agree about everything but the scale"
active = ratings["user"].value_counts().index[:150]
by_title = ratings[ratings["user"].isin(active)].pivot_table(index="title", columns="user", values="rating")
known = by_title.notna().astype(float)
common = known.T @ known  # how many films both have rated
means = by_title.fillna(0).T @ known / common.where(common > 0)  # of the row's user, over the films of both
agreement = by_title.corr(min_periods=15).where(means - means.T > 0.75)
generous, strict = agreement.stack().idxmax()

both = by_title[[generous, strict]].dropna()
films = both.loc[ratings["title"].value_counts().index.intersection(both.index, sort=False)[:12]]
display(plots.matrix(films.sort_values([strict, generous]).T, title="Two users, twelve films that both have rated"))
print(f"over {len(both)} films: correlation {both[generous].corr(both[strict]):.2f}, mean of user {generous}:", end=" ")
print(f"{both[generous].mean():.2f} stars, of user {strict}: {both[strict].mean():.2f} stars")

# %% [markdown]
# Both rows climb together, one of them at a higher level. *What* these two like is much the same. They differ in what a
# star costs. (They were picked out of thousands of pairs, so they are no average; but everybody has such a level.)
#
# How can a dot product say so? A user's factors are weighed against a film's, and to lift *all* films by the same amount
# the user needs a factor in which all films have the same value. So the films must keep a factor constant, for no other
# purpose, and every one of them has to learn that constant for itself, from its own few ratings. You have seen it happen:
# in lesson 1 the first of the two factors had the same sign for everybody and held nothing but the average.
#
# ## The model
#
# So let each user $u$ have one number $b_u$, each film $m$ one number $b_m$, and add both to the dot product:
#
# $$\hat r_{um} = p_u \cdot q_m + b_u + b_m$$
#
# It is the formula of the damped biases with the dot product in it; but all four parts are learned together, from
# batches. In code a bias is an embedding that is one number wide: `Embedding(n_users, 1)`. Before you write it, think about
# the shapes.

# %% [markdown] question="bias_shape"

# %% [markdown]
# Whichever way you choose, look at the shape before you trust the numbers: one prediction a row, `(rows,)`.


# %% exercise="DotProductBias"
class DotProductBias(nn.Module):
    """Predict ratings as the dot product of a user's and a film's factors, plus a bias of the user and one of the film.

    x: (rows, 2) indices, users in column 0, films in column 1. Returns (rows,).
    """

    def __init__(self, n_users, n_movies, n_factors):
        ### BEGIN SOLUTION
        super().__init__()
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.user_bias = Embedding(n_users, 1)
        self.movie_bias = Embedding(n_movies, 1)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        users = self.user_factors(x[:, 0])  # (rows, n_factors)
        movies = self.movie_factors(x[:, 1])  # (rows, n_factors)
        dot = (users * movies).sum(dim=1)  # (rows,)
        return dot + self.user_bias(x[:, 0]).squeeze(-1) + self.movie_bias(x[:, 1]).squeeze(-1)
        ### END SOLUTION


# %% check="DotProductBias"
check("DotProductBias", DotProductBias)

# %% [markdown]
# ### Is it a new power?
#
# No, and this is worth a minute. Write the user's bias behind the user's factors, and a 1 behind it. Write a 1 behind the
# film's factors, and the film's bias behind it:
#
# $$(p_u,\; b_u,\; 1) \cdot (q_m,\; 1,\; b_m) = p_u \cdot q_m + b_u \cdot 1 + 1 \cdot b_m$$

# %% demo="biases, written as two more factors"
generator = torch.Generator().manual_seed(0)
p, q = torch.randn(6, 3, generator=generator), torch.randn(8, 3, generator=generator)  # 6 users, 8 films, 3 factors
b_u, b_m = torch.randn(6, 1, generator=generator), torch.randn(8, 1, generator=generator)
with_biases = p @ q.T + b_u + b_m.T  # (6, 8)
two_more = torch.cat([p, b_u, torch.ones(6, 1)], dim=1) @ torch.cat([q, torch.ones(8, 1), b_m], dim=1).T
print(f"largest difference over {with_biases.numel()} pairs: {(with_biases - two_more).abs().max():.1e}")

# %% [markdown]
# Up to rounding they are the same. A dot product with two more factors *could* learn whatever the biases say. The bias only
# makes two of its numbers the constant 1 from the beginning, so that nobody has to find it out. Good design is often of
# this kind: not more that a model can say, but less that it must discover.
#
# ## Which way does a bias move?
#
# The loss of a batch of $N$ rows is the mean squared error. With the error $e_i = \hat r_i - r_i$ of row $i$,
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} e_i^2, \qquad \frac{\partial L}{\partial e_i} = \frac{2 e_i}{N}.$$
#
# A bias enters a prediction by plain addition, so if it grows by a little, the error grows by just as much. So each row of a
# user says $2e_i/N$, and what they say adds up:
#
# $$\frac{\partial L}{\partial b_u} = \frac{2}{N} \sum_{i \,\in\, \text{rows of } u} e_i$$
#
# No factors in it, no film: a bias looks at nothing but the errors. Write it, for a batch in which a user may stand
# several times. (The films' biases need the same function, with the other column.)


# %% exercise="bias_gradient"
def bias_gradient(errors, index, n):
    """The gradient of the mean squared error with respect to n biases, as a tensor of shape (n,).

    errors: (rows,) prediction minus rating; index: (rows,) whose bias was added in each row, from 0 to n - 1.
    Example: errors [1., -2., 3.] with index [2, 0, 2] and n = 4 give [-4/3, 0, 8/3, 0].
    """
    ### BEGIN SOLUTION
    return errors.new_zeros(n).index_add(0, index, 2 * errors / len(errors))
    ### END SOLUTION


# %% check="bias_gradient"
check("bias_gradient", bias_gradient)

# %% [markdown]
# PyTorch should agree. Here is one real batch, the gradient that `backward` leaves in your model, and the one that you
# worked out. (Your tables may have any name, so they are found by their size.)

# %%


def table(model, size):
    """The parameter of the model that holds so many numbers, whatever it is called."""
    return next(parameter for parameter in model.parameters() if parameter.numel() == size)


# %% demo="your gradient of the biases beside PyTorch's"
if passed("DotProductBias") and passed("bias_gradient"):
    torch.manual_seed(0)
    model = DotProductBias(dls.n_users, dls.n_items, 50)
    x, y = dls.one_batch()
    errors = model(x) - y.squeeze(-1)
    (errors**2).mean().backward()
    for side, column, n in (("users", 0, dls.n_users), ("films", 1, dls.n_items)):
        mine, theirs = bias_gradient(errors.detach(), x[:, column], n), table(model, n).grad.flatten()
        repeated = len(x) - len(x[:, column].unique())
        print(f"{side}: {n:,} gradients, {int((theirs != 0).sum())} of them not 0,", end=" ")
        print(f"{repeated} rows repeat a bias; largest difference {(mine - theirs).abs().max():.1e}")

# %% [markdown] question="errors_at_rest"

# %% [markdown]
# ## Does it help?
#
# Train both models, the dot product without and with biases, in the same way. One run could be luck, so do it for three
# different splits, each with its own start. The damped biases of lesson 1 stand beside them, for the same splits. And
# because five epochs are an arbitrary number, look at the best epoch as well as at the last.

# %% demo="with and without biases, on three splits"
splits = (42, 1, 2)
histories, rows = {}, {}
for split in splits if passed("DotProductBias") else ():
    loaders = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=split, device="cpu")
    row = {("damped biases", ""): baseline_ladder(loaders.train_df, loaders.valid_df)["damped biases"]}
    for name, model_class in (("dot product", DotProduct), ("dot product + biases", DotProductBias)):
        torch.manual_seed(split)
        model = model_class(loaders.n_users, loaders.n_items, 50)
        history = fit(model, loaders, epochs=5, lr=5e-3, seed=split, bar=False)
        row[name, "best epoch"], row[name, "last epoch"] = history.best, history.final
        if split == splits[0]:
            histories[name], biased = history, model  # the last one made is the one with biases
    rows[split] = row
if passed("DotProductBias"):
    measured = pd.DataFrame(rows).T.rename_axis("split")
    display(measured.round(3))
    gain = measured["dot product", "last epoch"] - measured["dot product + biases", "last epoch"]
    beaten = measured["damped biases", ""] - measured["dot product + biases", "last epoch"]
    print(
        f"lower with biases at the last epoch: in {int((gain > 0).sum())} of {len(gain)} splits, by {gain.mean():.3f}"
    )
    print(f"lower than the damped biases: in {int((beaten > 0).sum())} of {len(beaten)} splits, by {beaten.mean():.3f}")

# %% [markdown]
# Look down a column: the same model on another split differs by about as much as two models on the same one, because some
# hidden fifths are simply harder. That is why a comparison stays within a row, and why one row is not enough to say *it
# helps*.
#
# Here is the first split epoch by epoch:

# %% demo="loss per epoch, without and with biases"
if passed("DotProductBias") and histories:
    validation = {name: history.valid_losses for name, history in histories.items()}
    display(plots.learning_curves(validation, baseline=rows[splits[0]]["damped biases", ""]))

# %% [markdown]
# The curves are nearly parallel. With biases the model is a bit ahead all the way, and that is all. Is this what you
# expected from numbers that reach the level of the damped biases by themselves? Something does not add up. Time to open
# the model.
#
# ## What did the biases soak up?
#
# Take the trained model's predictions for its training ratings, and average each of the three parts.

# %% demo="what the parts of the predictions are on average"
if passed("DotProductBias") and histories:
    x, y = dls.train.dataset[:]
    with torch.no_grad():
        user_part = table(biased, dls.n_users).flatten()[x[:, 0]]
        film_part = table(biased, dls.n_items).flatten()[x[:, 1]]
        taste = biased(x) - user_part - film_part
    for name, part in {"user bias": user_part, "film bias": film_part, "dot product": taste}.items():
        print(f"{name:12} on average {part.mean():5.2f} stars, spread {part.std():.2f}")
    print(
        f"{'together':12} on average {(user_part + film_part + taste).mean():5.2f} stars; the ratings: {y.mean():.2f}"
    )

# %% [markdown]
# There it is. Every number in the model starts near 0, and ratings do not. So the first thing that training has to do, and
# the first thing that every rating shouts, is *higher!* All parameters hear it. The biases rise; but so do the factors, and
# theirs is the faster way up, since fifty products grow at once and each factor that has grown makes its partner's gradient
# larger. In the end the dot product holds most of the *average* once more, and the biases a part of it, all in the same
# direction. What was meant for generosity has been spent on the level of the scale.
#
# If that is true, then the biases should have little to do with generosity. Lesson 1 measures it: the damped bias of a
# user. And if it is true, the cure is plain: **take the mean out first**. Subtract the mean of the training ratings, learn
# the deviations, add the mean again when predicting. Then nobody has to shout.

# %% demo="learned biases against damped ones: as it comes, and with the mean taken out"
if passed("DotProductBias") and histories:
    mean = float(dls.train_df["rating"].astype(float).mean())
    deviations = ratings.assign(rating=ratings["rating"] - mean)
    from_mean = CollabDataLoaders.from_df(deviations, item_name="title", bs=64, seed=splits[0], device="cpu")
    torch.manual_seed(splits[0])
    centred = DotProductBias(from_mean.n_users, from_mean.n_items, 50)
    name = "dot product + biases, mean taken out"
    histories[name] = fit(centred, from_mean, epochs=5, lr=5e-3, seed=splits[0], bar=False)

    damped = damped_biases(dls.train_df).user_bias.reindex(dls.classes["user"]).to_numpy()  # NaN for #na#
    learned = {"as it comes": biased, "mean taken out": centred}
    panels = {title: (damped, table(model, dls.n_users).detach().flatten().numpy()) for title, model in learned.items()}
    display(plots.agreement(panels, axes=("damped bias of a user, in stars", "learned bias, in stars")))

# %% [markdown]
# Each point is a user, and on the dotted line both numbers are equal. On the left all points have slid up, and knowing who
# is generous helps little to guess the learned bias. On the right the two agree about people. The points are flatter than
# the line, for a reason that you know: the damped bias has the whole deviation to itself, while the learned one shares it
# with the factors.
#
# The code is the same in both, and so is the number of parameters. A parameter does not mean what its name says. It means
# what training has put there.
#
# And the loss?

# %% demo="loss per epoch, with the mean taken out"
if passed("DotProductBias") and histories:
    two = {title: histories[title] for title in ("dot product + biases", "dot product + biases, mean taken out")}
    validation = {title: history.valid_losses for title, history in two.items()}
    display(plots.learning_curves(validation, baseline=rows[splits[0]]["damped biases", ""]))
    told = {
        title: {
            "damped biases": rows[splits[0]]["damped biases", ""],
            "first epoch": history.valid_losses[0],
            "best epoch": history.best,
            "which": int(np.argmin(history.valid_losses)) + 1,
            "last epoch": history.final,
            "last epoch, training": history.train_losses[-1],
        }
        for title, history in two.items()
    }
    display(pd.DataFrame(told).T.astype({"which": int}).round(3))

# %% [markdown]
# Read this carefully, since it is easy to tell it better than it is. With the mean taken out, the *first* epoch is already
# where the other model needs most of its training to get. Compare the best epochs, though, and then the last ones. If the
# validation loss turns upwards while the training loss goes on falling, as it does on MovieLens, the model has begun to
# learn single ratings by heart. The slow model did not escape this because it is wiser. It has been busy climbing, and the
# schedule ended before it could.
#
# So two things are mixed up in "five epochs": how good a model *is*, and how far it has *got*. Keep them apart. Lesson 5
# takes up the starting point, lesson 6 the learning by heart.
#
# ### Play: take predictions apart
#
# The model with the mean taken out has parts that mean something. Choose a user, and see what became of some films that this
# user rated and the model has never been shown. A bar begins where the one above it ended.
#
# - Find a user whose own bar points left, somebody strict. For which films is that bar longer, for which shorter?
# - Find a film where taste corrects the two biases into the right direction, and one where it makes things worse.

# %% demo="choose a user: what the predictions are made of"
if passed("DotProductBias") and histories:
    frequent = dls.valid_df["user"].value_counts().index[:12]

    def apart(user):
        seen = dls.valid_df[dls.valid_df["user"] == user].drop_duplicates("title")[:7]
        pair = torch.stack([encode(seen[name], dls.classes[name]) for name in ("user", "title")], dim=1)
        with torch.no_grad():
            own = table(centred, dls.n_users).flatten()[pair[:, 0]]
            film = table(centred, dls.n_items).flatten()[pair[:, 1]]
            shares = {"user bias": own, "film bias": film, "taste": centred(pair) - own - film}
        return plots.parts(seen["title"].tolist(), shares, seen["rating"].tolist(), start=mean)

    _ = interact(apart, user=Dropdown(options=frequent.tolist(), description="user"))

# %% [markdown] question="bias_and_order"

# %% [markdown] question="bias_for_what"

# %% [markdown]
# ## The ladder
#
# Today's rung is the model that you wrote, trained as before, after its last epoch on the first split.

# %% demo="the ladder with today's rung"
rungs = baseline_ladder(dls.train_df, dls.valid_df)
for name in ("dot product", "dot product + biases") if histories else ():
    rungs[name] = histories[name].final
display(plots.ladder(rungs))

# %% [markdown]
# On MovieLens it is the best so far, since it has both kinds of knowledge in it. (The planted world is so small that five
# epochs do not suffice for the climb.) You also know how it got there: slowly, and with its biases busy elsewhere.
#
# ## What you take along
#
# - A bias holds what is true of one side whatever the other: generosity, being well liked. The factors are left with taste.
# - `(rows,)` plus `(rows, 1)` is `(rows, rows)`. Name the dimension that goes: `.squeeze(-1)`.
# - A bias is moved by the sum of its errors, and at rest they cancel. `gradient[index] += ...` forgets repeated rows.
# - A bias is a factor whose partner is fixed at 1: nothing new to say, less to discover.
# - What a parameter means is decided by training. Look before you interpret.
# - Compare within a split, over several splits, and tell the best epoch from the last.
#
# **Next**: half of the training went into climbing from 0 to where ratings are, and some predictions end up above five
# stars. *Lesson 5* bends the scale so that no prediction can leave it, and asks which of the two was the trouble.

# %% demo="what this session has earned"
progress()
