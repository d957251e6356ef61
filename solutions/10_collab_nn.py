# %% [markdown]
# # 10. A network in place of the product
#
# Since the first lesson users and films have met in one way only: factor by factor, product by product. Nobody ever
# said that people and films combine like that. A network makes no such assumption. It takes both as they are, side
# by side, and finds out by itself what to do with them. That sounds like a better model. Today you build it,
# measure it against the product, and find out what freedom costs. Then you let it do what a product never could:
# say not one number, but five chances.
#
# **You will be able to**
#
# - choose the widths of embeddings by a rule, and say why users and films may differ in a network;
# - build a network for ratings out of embeddings, `nn.Sequential` and a range, and say what its ReLU is for;
# - train fastai's network, read how it hands its arguments on, and put more columns into it;
# - turn ratings into classes, train on them by cross-entropy, and make ratings of the chances again;
# - say for which error which guess is the best one.
#
# **Time**: about 85 minutes. **Points**: 9. Stuck? `hint("emb_sz_rule")` gives the next hint, as often as you ask.

# %%
import copy
import inspect

import numpy as np
import pandas as pd
import torch
from fastai.collab import EmbeddingNN, collab_learner
from fastai.layers import Embedding
from fastai.tabular.model import TabularModel
from fastai.tabular.model import get_emb_sz as fastai_get_emb_sz
from ipywidgets import IntSlider, interact
from torch import nn
from torch.nn import functional as F

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings, planted_world
from collabkit.training import fit, learner

torch.set_num_threads(1)  # for a model this small a second thread gains nothing
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=256, seed=42, device="cpu")
valid_x, valid_y = dls.valid.dataset[:]
valid_y = valid_y.squeeze(-1)

# %% [markdown]
# The loaders are ours, in which each rating comes once, and batches have 256 rows today, which makes five epochs
# quick. The model to beat is the one of lessons 4 to 6: dot product, biases, range, decay.

# %% demo="the model to beat"
baselines = baseline_ladder(dls.train_df, dls.valid_df)
torch.manual_seed(42)
product = DotProductBias(dls.n_users, dls.n_items, 50)
product_history = fit(product, dls, epochs=5, lr=5e-3, wd=0.1, seed=42, bar=False)
print(f"damped biases {baselines['damped biases']:.3f}, dot product and biases {product_history.final:.3f}")

# %% [markdown]
# ## How wide?
#
# In a dot product each of the user's numbers needs a partner among the film's, so both have equally many. A network
# knows no partners. Users may get 40 numbers and films 100, and each column of the table can have the width that
# suits it. Which one? A column with three different values needs few numbers, one with a million needs more, though
# not a million. Between the two fastai uses a rule. Nobody derived it. It was found by trying on many tables:
#
# $$\text{width} = 1.6 \cdot n^{\,0.56},\quad\text{rounded, and at most } 600$$
#
# where $n$ is the number of places in the vocabulary.


# %% exercise="emb_sz_rule"
def emb_sz_rule(n):
    """The width of an embedding with n places: 1.6 times n to the power of 0.56, rounded, at most 600. A whole number.

    Example: emb_sz_rule(7) is 5.
    """
    ### BEGIN SOLUTION
    return min(600, round(1.6 * n**0.56))
    ### END SOLUTION


# %% check="emb_sz_rule"
check("emb_sz_rule", emb_sz_rule)

# %% demo="the rule, from ten places to a hundred thousand"
if passed("emb_sz_rule"):
    places = np.unique(np.geomspace(10, 100_000, 60).round()).astype(int)
    widths = {"the rule": [emb_sz_rule(int(n)) for n in places], "square root of n": np.sqrt(places).tolist()}
    display(plots.panels((places / 1000).tolist(), {"width of the embedding": widths}, "places, in thousands"))
    print({f"{n:,} places": emb_sz_rule(n) for n in (3, 8, 50, 1_000, 30_000, 1_000_000)})

# %% [markdown]
# Now for a whole table: a pair (places, width) for each of its columns. The columns come as the loaders keep them,
# a dictionary of vocabularies. And since a rule of thumb is no law, whoever knows better should be able to say so,
# column by column.


# %% exercise="get_emb_sz"
def get_emb_sz(classes, sz_dict=None):
    """For each column the pair (number of places, width), as a list in the order of the columns.

    classes: column -> its vocabulary, a list; sz_dict: column -> a width that goes before the rule, where there is one.
    Example: get_emb_sz({"user": ["#na#", 1, 2], "day": ["#na#", *"MTWTFSS"]}, {"user": 9}) is [(3, 9), (8, 5)].
    """
    ### BEGIN SOLUTION
    sz_dict = sz_dict or {}
    return [(len(places), sz_dict.get(name, emb_sz_rule(len(places)))) for name, places in classes.items()]
    ### END SOLUTION


# %% check="get_emb_sz"
check("get_emb_sz", get_emb_sz)

# %% demo="the widths for these ratings, yours and fastai's"
if passed("emb_sz_rule") and passed("get_emb_sz"):
    emb_szs = get_emb_sz(dls.classes)
    print("yours:   ", dict(zip(dls.classes, emb_szs, strict=True)))
    print("fastai's:", dict(zip(dls.classes, fastai_get_emb_sz(dls), strict=True)))
    print(f"numbers to learn: {sum(n * width for n, width in emb_szs):,}, and in the product's factors:", end=" ")
    print(f"{sum(n * 50 for n, _ in emb_szs):,}")

# %% [markdown]
# ## Side by side
#
# Look both embeddings up and lay them side by side: a user's 74 numbers and a film's 102, say, become one row of
# 176 (MovieLens; the planted world's are shorter). From here on nothing in the model knows which is which. Then
# come layers:
#
# - A **linear layer** makes new numbers out of old ones. Each is a weighted sum over all of the row, plus a bias.
# - A **ReLU** keeps what is positive and sets the rest to 0, number by number.
# - A second linear layer makes one number out of those, the score, and the curve of lesson 5 bends it into the range.
#
# `nn.Sequential(a, b, c)` is a module that calls one after the other, each on what the last one gave, and knows all
# their parameters. `Embedding` is fastai's, with small numbers to begin with, as in lesson 4.


# %% exercise="CollabNN"
class CollabNN(nn.Module):
    """Embeddings of user and film side by side -> linear layer, ReLU, linear layer -> a rating within y_range.

    user_sz, movie_sz: pairs (places, width); n_act: how many numbers the first layer makes.
    x: (rows, 2) indices, users in column 0, films in column 1. Returns (rows,).
    """

    def __init__(self, user_sz, movie_sz, y_range=(0, 5.5), n_act=100):
        ### BEGIN SOLUTION
        super().__init__()
        self.user_factors = Embedding(*user_sz)
        self.movie_factors = Embedding(*movie_sz)
        self.layers = nn.Sequential(
            nn.Linear(user_sz[1] + movie_sz[1], n_act),
            nn.ReLU(),
            nn.Linear(n_act, 1),
        )
        self.y_range = y_range
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        both = torch.cat([self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])], dim=1)
        score = self.layers(both).squeeze(-1)  # (rows,)
        low, high = self.y_range
        return torch.sigmoid(score) * (high - low) + low
        ### END SOLUTION


# %% check="CollabNN"
check("CollabNN", CollabNN)

# %% [markdown] question="why_unequal_widths"

# %% [markdown] question="what_sequential_does"

# %% [markdown]
# ### What the ReLU is for
#
# Three steps, and the inconspicuous one in the middle does the work. To see it, leave it out. (fastai's network, of
# which more below, can be told to. `TabularModel` is otherwise the same as yours.) Then ask both networks about two
# users and two films, a thousand times:
#
# $$\text{interplay} = s(u_1, m_1) + s(u_2, m_2) - s(u_1, m_2) - s(u_2, m_1)$$
#
# where $s$ is the score before the curve. If a film is worth the same to everybody, whatever else one may like,
# then it cancels out, and so do the users. What is left is taste.


# %% demo="networks with and without ReLU: error and interplay"
class WithoutReLU(nn.Module):
    """The same two layers, and nothing between them."""

    def __init__(self, emb_szs):
        super().__init__()
        self.network = TabularModel(emb_szs, 0, 1, [100], use_bn=False, act_cls=None, y_range=(0, 5.5))

    def forward(self, x):
        return self.network(x).squeeze(-1)


def interplay(model, n=1000):
    """How far the scores of two users and two films are from a mere sum, on average."""
    generator = torch.Generator().manual_seed(0)
    users = torch.randint(1, dls.n_users, (2, n), generator=generator)
    movies = torch.randint(1, dls.n_items, (2, n), generator=generator)
    with torch.no_grad():
        score = [[torch.logit(model(torch.stack([u, m], dim=1)).double() / 5.5) for m in movies] for u in users]
    return (score[0][0] + score[1][1] - score[0][1] - score[1][0]).abs().mean().item()


if passed("emb_sz_rule") and passed("get_emb_sz") and passed("CollabNN"):
    torch.manual_seed(42)
    network = CollabNN(*emb_szs)
    history = fit(network, dls, epochs=5, lr=5e-3, wd=0.01, seed=42, bar=False)
    torch.manual_seed(42)
    flat = WithoutReLU(emb_szs)
    flat_history = fit(flat, dls, epochs=5, lr=5e-3, wd=0.01, seed=42, bar=False)
    compared = {
        "damped biases": [baselines["damped biases"], 0.0],
        "network without ReLU": [flat_history.final, interplay(flat)],
        "your network": [history.final, interplay(network)],
        "dot product and biases": [product_history.final, interplay(product)],
    }
    display(pd.DataFrame.from_dict(compared, orient="index", columns=["mean squared error", "interplay"]).round(4))

# %% [markdown]
# Without ReLU the interplay is zero, apart from rounding: a weighted sum of weighted sums is a weighted sum, in
# which the user has a part and the film has a part, and neither minds the other. For all its numbers, that network
# is a pair of biases, and errs about as much as they do. The ReLU opens and closes with the *whole* row, so what a
# film adds may depend on who is looking.
#
# ## Is it better?
#
# Three splits, the product and your network, everything else alike.

# %% demo="your network against the product on three splits"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("CollabNN"):
    rows = {}
    for split in (42, 1, 2):
        loaders = CollabDataLoaders.from_df(ratings, item_name="title", bs=256, seed=split, device="cpu")
        torch.manual_seed(split)
        one = fit(DotProductBias(loaders.n_users, loaders.n_items, 50), loaders, wd=0.1, seed=split, bar=False)
        torch.manual_seed(split)
        two = fit(CollabNN(*get_emb_sz(loaders.classes)), loaders, wd=0.01, seed=split, bar=False)
        damped = baseline_ladder(loaders.train_df, loaders.valid_df)["damped biases"]
        rows[split] = {"damped biases": damped, "dot product": one.final, "network": two.final, "at its best": two.best}
    table = pd.DataFrame(rows).T.rename_axis("split")
    display(table.round(3))
    behind = table["network"] - table["dot product"]
    print(
        f"the network is behind in {int((behind > 0).sum())} of {len(table)} splits, by {behind.mean():.3f} on average"
    )

# %% [markdown]
# It is not. On MovieLens it beats the damped biases, and stays clearly behind the product. More freedom, more
# numbers, and a worse result. Why? Could it be that films and people really do combine by products, so that the
# network has to find out what the other model knows from birth? That is testable, for there is a world in which we
# *know* that they do: the planted one, whose ratings were drawn from products and biases.

# %% demo="both in a world that is made of products"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("CollabNN"):
    planted = planted_world().ratings
    small = CollabDataLoaders.from_df(planted, item_name="title", bs=64, seed=42, device="cpu")
    damped = baseline_ladder(small.train_df, small.valid_df)["damped biases"]
    rows = {}
    for epochs in (5, 10, 20, 40):
        torch.manual_seed(42)
        one = fit(DotProductBias(small.n_users, small.n_items, 50), small, epochs=epochs, seed=42, bar=False)
        torch.manual_seed(42)
        two = fit(CollabNN(*get_emb_sz(small.classes)), small, epochs=epochs, seed=42, bar=False)
        rows[epochs] = {"damped biases": damped, "dot product": one.best, "network": two.best}
    table = pd.DataFrame(rows).T.rename_axis("epochs")
    display(table.round(3))
    display(plots.panels(list(rows), {"mean squared error at the best epoch": table.to_dict("list")}, "epochs"))

# %% [markdown]
# In ten epochs the product has found the tastes. The network has found the biases, and nothing else. It *can*
# express a product, any network large enough can come as near to one as you like; but that has to be put together
# from hundreds of bends, out of examples, and meanwhile all the other patterns that it could learn, chance among
# them, are as near at hand. With more time it does get off the ground. So being able to say something and learning
# it from few examples are two things. A model that assumes something true needs fewer ratings than one that assumes
# nothing. (Rendle and others reported in 2020 the same of published networks: given a well-tuned dot product as
# opponent, they lost.)
#
# ### Play: another size?
#
# Perhaps the network is too small, or too large? Change the widths of both embeddings and the number of
# activations. Each change trains anew, for a second or three. Can you reach the product, the dashed grey line?
# Which changes hardly matter?

# %% demo="choose widths and activations"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("CollabNN"):

    def tried(user_width, title_width, n_act):
        by_hand = dict(zip(dls.classes, (user_width, title_width), strict=True))
        torch.manual_seed(42)
        model = CollabNN(*get_emb_sz(dls.classes, by_hand), n_act=n_act)
        curve = fit(model, dls, epochs=5, lr=5e-3, wd=0.01, seed=42, bar=False)
        n = sum(parameter.numel() for parameter in model.parameters())
        name = f"widths {user_width} and {title_width}, {n_act} activations: {n:,} numbers"
        return plots.learning_curves({"by the rule": history, name: curve}, baseline=product_history.final)

    user_width, title_width = (
        IntSlider(value=16, min=1, max=160, description=name, continuous_update=False) for name in ("users", "films")
    )
    n_act = IntSlider(value=100, min=5, max=400, step=5, description="activations", continuous_update=False)
    _ = interact(tried, user_width=user_width, title_width=title_width, n_act=n_act)

# %% [markdown]
# ## fastai's network
#
# With `use_nn=True`, `collab_learner` makes a network. `layers=[100, 50]` asks for two layers with so many activations.

# %% demo="fastai's network, printed and trained"
torch.manual_seed(42)
dls.train.reseed(42)
fast = collab_learner(dls, use_nn=True, layers=[100, 50], y_range=(0, 5.5))
print(fast.model)
fast.fit_one_cycle(5, 5e-3, wd=0.1)
fast_losses = [float(row[1]) for row in fast.recorder.values]

# %% [markdown]
# It is yours, with a layer more: embeddings by the same rule, `Linear`, `ReLU`, and the range at the end, here as a
# module of its own. New are the `BatchNorm1d`, which bring each number of a batch to mean 0 and spread 1 before the
# next layer. That is meant to make training smoother, and it has a consequence. What is said about a row depends on
# its company:

# %% demo="the same ten rows in other company, in training and in eval mode"
trial = copy.deepcopy(fast.model)  # in training mode even looking at rows leaves traces
with torch.no_grad():
    for mode in ("train", "eval"):
        getattr(trial, mode)()
        alone, in_company = trial(valid_x[:10]), trial(valid_x[:500])[:10]
        print(f"{mode:5} mode: largest difference for the same ten rows {(alone - in_company).abs().max():.6f} stars")

# %% [markdown]
# In `eval()` the means and spreads are those remembered from training, and company no longer matters. This is why
# lesson 9 insisted.
#
# And here is the whole code of that model:

# %% demo="the code of EmbeddingNN, and what it accepts"
print(inspect.getsource(EmbeddingNN))
print("what it accepts:", ", ".join(name for name in inspect.signature(EmbeddingNN).parameters))
for wrong in ({"layer": [100, 50]}, {"embed_p": 0.1}):
    try:
        collab_learner(dls, use_nn=True, y_range=(0, 5.5), **wrong)
    except TypeError as error:
        print(f"collab_learner(..., {next(iter(wrong))}=...): {error}")

# %% [markdown]
# A single line: it is a `TabularModel`, fastai's network for tables of all kinds, with two columns and one number
# to predict. Everything else is handed on by **`**kwargs`**, which collects all arguments by name that are not
# listed, and passes them to the next. That saves repeating a dozen of them. It also hides them: neither the
# signature nor the help of your editor would know what may be said, and a misspelt one travels on until somebody
# complains, far from where you wrote it, as you see in the last lines. fastai's **`@delegates`** mends the first
# half: it puts the arguments of the function to which they go into the signature. So they show up, `embed_p` among
# them.
#
# The second complaint is another trap. `collab_learner` hands *its* extra arguments to the Learner, not to the
# model. What the model should get goes into `config`: `collab_learner(dls, use_nn=True,
# config=tabular_config(embed_p=0.1))`.
#
# ## More columns
#
# *A tabular model* is more than a remark. Nothing in it says that there are two columns. A third one, say the day
# of the week, is one more embedding in the row, by the same rule, and the first layer is wider by that. Numbers
# such as a user's age go in as they are. No dot product can do that, at least not by itself.
#
# Does the day help? To know, a control runs along: the same network without it.


# %% demo="a third column: the day of the week"
class Columns(nn.Module):
    """A tabular model of user, film and, if asked for, the day of the week."""

    def __init__(self, classes, with_weekday):
        super().__init__()
        self.n_columns = 3 if with_weekday else 2
        szs = get_emb_sz({**classes, "weekday": ["#na#", *"MTWTFSS"]})[: self.n_columns]
        self.network = TabularModel(szs, n_cont=0, out_sz=1, layers=[100], use_bn=False, y_range=(0, 5.5))

    def forward(self, x):
        weekday = (x[:, 2:] + 3) % 7 + 1  # day 0, the first of January 1970, was a Thursday; place 0 is #na#
        return self.network(torch.cat([x[:, :2], weekday], dim=1)[:, : self.n_columns]).squeeze(-1)


if passed("emb_sz_rule") and passed("get_emb_sz"):
    with_day = CollabDataLoaders.from_df(
        ratings, item_name="title", bs=256, seed=42, device="cpu", time_name="timestamp"
    )
    for with_weekday in (False, True):
        torch.manual_seed(42)
        columns = Columns(dls.classes, with_weekday)
        result = fit(columns, with_day, epochs=5, lr=5e-3, wd=0.01, seed=42, bar=False)
        print(f"{columns.n_columns} columns: last epoch {result.final:.4f}, best {result.best:.4f}")
    print(f"a row is now {', '.join(str(e.embedding_dim) for e in columns.network.embeds)} numbers wide")

# %% [markdown]
# The day of the week tells next to nothing about a rating; you might have guessed it, and now it is measured. A
# column such as the genre would say more, but of a film with hundreds of ratings the table's row has had every
# chance to learn it. Extra columns matter elsewhere: **somebody new** has the row `#na#`, like everybody who is
# new, and then age, country, or the hour of the visit are all that there is to tell one from another. It is one of
# the answers to the question that lesson 11 asks.

# %% [markdown] question="which_model_for_more"

# %% [markdown]
# ## Five chances
#
# There is one more thing that a network can have, and that a product cannot: more than one output. So far a model
# gave a number, and the squared error told how far off it was. But a rating is a choice out of five. Suppose a
# model said how *likely* each is.
#
# - The last layer gives **five scores**, one for each number of stars. No range: scores may be anything.
# - **Softmax** makes chances of them: take $e$ to the power of each, divide by their sum. All are positive, and
#   they add up to 1.
# - **Cross-entropy** is the loss: minus the logarithm of the chance that was given to what happened. Certain and
#   right costs 0, one chance in five costs $\ln 5 \approx 1.6$, and certain and wrong costs any amount.
#
# `F.cross_entropy(scores, targets)` does the last two in one. It wants classes: shape `(rows,)`, counted from 0,
# type int64. The loaders bring something else, `(rows, 1)`, counted from 1, floats; or, as you saw in lesson 9,
# whole numbers of eight bits.


# %% exercise="rating_loss"
def rating_loss(scores, y):
    """The mean cross-entropy between five scores a row and the ratings, one number as a tensor.

    scores: (rows, 5), the first column belongs to one star; y: (rows, 1), ratings 1 to 5, floats or whole numbers.
    """
    ### BEGIN SOLUTION
    return F.cross_entropy(scores, y.squeeze(-1).long() - 1)
    ### END SOLUTION


# %% check="rating_loss"
check("rating_loss", rating_loss)

# %% [markdown] question="what_cross_entropy_changes"

# %% [markdown]
# To compare it with the other models, the five chances must become one number of stars. Which one? The **expected
# rating** is the average of the five, each weighed by its chance: $\sum_{k=1}^{5} k \cdot p_k$. If you met this
# pair of user and film a thousand times, it would be the mean of the ratings.


# %% exercise="expected_rating"
def expected_rating(scores):
    """The mean number of stars, each of 1 to 5 weighed by its chance, a tensor (rows,).

    scores: (rows, 5), before softmax. Example: five equal scores give 3.0.
    """
    ### BEGIN SOLUTION
    return torch.softmax(scores, dim=1) @ torch.arange(1.0, 6.0)
    ### END SOLUTION


# %% check="expected_rating"
check("expected_rating", expected_rating)

# %% [markdown]
# The network is fastai's once more, with five outputs and no range, trained as the one above was. (Ratings must be
# whole stars for it. MovieLens has no others; those of the planted world are rounded.)

# %% demo="trained by cross-entropy, beside the same network trained by squared error"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("rating_loss") and passed("expected_rating"):
    whole = ratings.assign(rating=ratings["rating"].round().clip(1, 5))
    star_dls = CollabDataLoaders.from_df(whole, item_name="title", bs=256, seed=42, device="cpu")
    torch.manual_seed(42)
    five = TabularModel(get_emb_sz(dls.classes), n_cont=0, out_sz=5, layers=[100, 50])
    learn = learner(star_dls, five, loss_func=rating_loss)
    learn.fit_one_cycle(5, 5e-3, wd=0.1)
    print("cross-entropy epoch by epoch:", ", ".join(f"{row[1]:.3f}" for row in learn.recorder.values), end="; ")
    print(f"always saying one in five: {np.log(5):.3f}")

    truth = star_dls.valid.dataset.y.squeeze(-1)
    five.eval()
    fast.model.eval()
    with torch.no_grad():
        scores = five(valid_x)
        chances = torch.softmax(scores, dim=1)
        guesses = {
            "squared error, one number": fast.model(valid_x).squeeze(-1),
            "five chances: expected": expected_rating(scores),
            "five chances: the middle one": (chances.cumsum(dim=1) < 0.5).sum(dim=1) + 1.0,
            "five chances: most likely": chances.argmax(dim=1) + 1.0,
        }
    told = {
        name: {
            "squared error": ((guess - truth) ** 2).mean().item(),
            "absolute error": (guess - truth).abs().mean().item(),
            "exactly right, rounded": (guess.round() == truth).float().mean().item(),
        }
        for name, guess in guesses.items()
    }
    display(pd.DataFrame(told).T.round(3))

# %% [markdown]
# Look at the first two rows: on MovieLens the expected rating is no worse than what the network says that was
# trained for nothing but the squared error. (In the planted world it is, a little, as rounding has blurred what it
# learned from.) Cross-entropy has not been told that four stars are nearer to five than to one. The ratings told
# it.
#
# Then down the columns. Nobody trained anything between the last three rows; it is one model, and three answers to
# the question "so, how many stars?" Which is best depends on what an error costs. Squared: the mean. Absolute: the
# middle, on either side of which lie half the chances. All or nothing: the most likely. A single number has decided
# that beforehand; chances leave it open. (It is one split and one start. Put another seed for 42, and see what
# stays.)
#
# And they tell more. Here are two pairs of user and film for which the model expects the same, and means something
# else:

# %% demo="two pairs with the same expected rating"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("rating_loss") and passed("expected_rating"):
    expected = guesses["five chances: expected"]
    stars = torch.arange(1.0, 6.0)
    spread = (chances * (stars - expected[:, None]) ** 2).sum(dim=1).sqrt()
    alike = ((expected - expected.median()).abs() < 0.05).nonzero().squeeze(-1)
    chosen = [alike[spread[alike].argmin()].item(), alike[spread[alike].argmax()].item()]
    names = {}
    for row in chosen:
        user, movie = valid_x[row].tolist()
        title = dls.classes["title"][movie]
        names[f"user {dls.classes['user'][user]}, {title}"] = chances[row].tolist()
        print(f"{title}: expected {expected[row]:.2f}, spread {spread[row]:.2f}, rated {truth[row]:g}")
    display(plots.panels([1, 2, 3, 4, 5], {"chance": names}, "stars"))

# %% [markdown]
# One is a safe evening. The other is one that may be wonderful, or a waste. Which of them to recommend is a matter
# of taste too, and a model that says one number cannot even put the question.
#
# If chances are to be relied on, they must be **calibrated**: of all ratings to which the model gave a chance of 30
# % for five stars, about 30 % should be five stars. That can be counted.

# %% demo="said and happened: five stars"
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("rating_loss") and passed("expected_rating"):
    said = pd.Series(chances[:, 4].numpy())
    steps = pd.cut(said, [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1])
    happened = pd.Series((truth == 5).float().numpy())
    counted = pd.DataFrame({"said": said, "happened": happened}).groupby(steps, observed=True)
    table = counted.mean().assign(ratings=counted.size())
    display(table.rename_axis("chance of five stars").round(3))

# %% [markdown]
# In the middle the columns agree well. Look at the ends. On MovieLens, where the model is surest of five stars,
# they come less often than said, and where it is surest that they will not come, more often. It is surer than it
# should be: this is what learning by heart looks like in chances. (In the planted world the last rows are a handful
# of ratings. Believe them nothing.)
#
# ## The ladder

# %% demo="the ladder with today's rungs"
rungs = {**baselines, "dot product and biases": product_history.final}
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("CollabNN"):
    rungs |= {"network without ReLU": flat_history.final, "your network": history.final}
rungs["fastai's network"] = fast_losses[-1]
if passed("emb_sz_rule") and passed("get_emb_sz") and passed("rating_loss") and passed("expected_rating"):
    rungs["five chances, expected rating"] = told["five chances: expected"]["squared error"]
display(plots.ladder(rungs))
print(f"fastai's network at its best epoch: {min(fast_losses):.3f}")

# %% [markdown]
# The networks stand between the biases and the product. On MovieLens, that is: with ratings alone, and a hundred
# thousand of them. It is no law. And where there is more to put in than two columns, only one of the two can take
# it.
#
# ## What you take along
#
# - Embeddings side by side need no equal widths; a rule of thumb is `min(600, round(1.6 * n**0.56))`.
# - `nn.Sequential` is one module that calls several in turn. The ReLU between two linear layers is what lets user
#   and film interact; without it the network is a pair of biases.
# - A product is an assumption, and a good one. A network has to learn it, from examples.
# - fastai's network for ratings is a `TabularModel` with two columns. More columns are more embeddings. `**kwargs`
#   hands arguments on and hides them, `@delegates` shows them again.
# - Cross-entropy: five scores, no range, classes from 0. The expected rating makes one number of it; mean, middle
#   and most likely each serve another error.
#
# **Next**: all of these models look a user up in a table. *Lesson 11* asks what to do with somebody who is not in
# it, and what makes a good list.

# %% demo="what this session has earned"
progress()
