# %% [markdown]
# # 11. Who came late
#
# All models of this course share a weakness that no error has shown so far. Each user has a row in a table, and whoever
# is not in the table does not exist. In real life somebody new comes every minute, and stays only if the first page
# shows something good. Today you give a newcomer a row without training anything, turn predictions into lists, and
# measure lists. Then you rate ten films yourself. And at the end you run a service for ten rounds, in a world whose
# truth is known, and watch it go wrong while its own numbers look better and better.
#
# **You will be able to**
#
# - say what the bootstrapping problem is, and what helps with new users and what with new films;
# - find a user's factors from a few ratings, by ridge regression around the average user;
# - turn scores into a list, and say why the best predictor need not make the best list;
# - compute precision at k and NDCG, with none of the usual slips;
# - explain a feedback loop: who is over-represented, why the error does not show it, and what a little chance is good
#   for.
#
# **Time**: about 75 minutes. **Points**: 9. Stuck? `hint("fold_in")` gives the next hint, as often as you ask.

# %%
import math

import numpy as np
import pandas as pd
import torch
from ipywidgets import FloatSlider, IntSlider, interact

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import damped_biases
from collabkit.batches import CollabDataLoaders, encode
from collabkit.functional import mse, sigmoid_range
from collabkit.models import DotProductBias
from collabkit.planted import planted_world
from collabkit.ratings import load_ratings
from collabkit.training import BOOK, fit
from collabkit.widgets import YourRatings, lists_by

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# ## A hundred strangers
#
# To have newcomers whose taste is known, keep a hundred users away from the model, with all their ratings. The model is
# the one of the last lessons and is trained on everybody else.

# %%
ratings = load_ratings()
everybody = np.sort(ratings["user"].unique())
strangers = np.random.default_rng(42).choice(everybody, 100, replace=False)
at_home = ratings[~ratings["user"].isin(strangers)]
dls = CollabDataLoaders.from_df(at_home, item_name="title", bs=BOOK.bs, seed=42, device="cpu")
titles = dls.classes["title"]

torch.manual_seed(42)
model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
fit(model, dls, **BOOK.settings, seed=42, bar=False)
with torch.no_grad():
    user_factors = model.user_factors.weight.clone()  # (n_users, 50)
    user_bias = model.user_bias.weight.clone()  # (n_users, 1)
    movie_factors = model.movie_factors.weight.clone()  # (n_items, 50)
    movie_bias = model.movie_bias.weight.squeeze(-1).clone()  # (n_items,)

# %% [markdown]
# Each stranger's ratings are put in the order of time: the first ones play the part of *what they tell us when they
# arrive*, and what comes after the twentieth is there to test with. Films that the model has never met cannot be used.
# And since each newcomer is to count for as much as any other, the error is taken for each of them, and then averaged
# over them. Otherwise a few who left hundreds of ratings would decide everything.

# %%
newcomers = []  # for each stranger: the positions of the films, and the stars, in the order of time
for _, rows in ratings[ratings["user"].isin(strangers)].sort_values("timestamp", kind="stable").groupby("user"):
    items = encode(rows["title"], titles)
    stars = torch.tensor(rows["rating"].to_numpy().copy())
    items, stars = items[items > 0], stars[items > 0]
    if len(items) >= 30:
        newcomers.append((items, stars))

# %% demo="how many strangers there are, and how many ratings they left"
lengths = [len(items) - 20 for items, _ in newcomers]
print(f"{ratings.attrs['source']}: {len(dls.train_ds):,} ratings to learn from, {len(titles) - 1:,} films")
print(
    f"{len(newcomers)} strangers with thirty ratings or more, each with {min(lengths)} to {max(lengths)} to test with"
)

# %% [markdown]
# ## Nobody has told us anything
#
# A stranger comes in, and there is no rating yet. This is called the **bootstrapping problem**, or *cold start*: to
# recommend we need ratings, and to get ratings we need to recommend. What do we know about somebody of whom we know
# nothing?
#
# One might take a row of zeros, like the model's own row 0 for `#na#`. But nobody in the table is zero. Users have a
# good deal in common, and that is in their factors too. A better guess is the **average user**: the mean of all rows,
# without row 0.


# %% exercise="average_user"
def average_user(user_factors, user_bias):
    """The average of all users, as one vector: the mean factors, and behind them the mean bias.

    user_factors: (n_users, n_factors); user_bias: (n_users, 1). Row 0 belongs to "#na#" and is nobody.
    Returns a tensor of shape (n_factors + 1,).
    """
    ### BEGIN SOLUTION
    return torch.cat([user_factors[1:].mean(dim=0), user_bias[1:].mean(dim=0)])
    ### END SOLUTION


# %% check="average_user"
check("average_user", average_user)

# %% [markdown]
# A user is one vector from here on, factors and bias in one. To score films with it, give the films' factors a column
# of ones, so that the bias is added to each:


# %%
def scores_of(user, items=slice(None)):
    """What this user's scores for these films are, before the sigmoid: user (n_factors + 1,) -> (n_items,)."""
    return movie_factors[items] @ user[:-1] + user[-1] + movie_bias[items]


def to_stars(scores):
    return sigmoid_range(scores, 0, 5.5)


# %% demo="nobody's row against the average user's, on strangers"
def error_of(predictions, people=newcomers):
    """The mean squared error on what these people rated later: for each of them, then averaged over them."""
    return np.mean([mse(predicted, stars[20:]) for predicted, (_, stars) in zip(predictions, people)])


def of_user(user, people=newcomers):
    """The stars that one and the same user would give, for each of these people's later films."""
    return [to_stars(scores_of(user, items[20:])) for items, _ in people]


biases = damped_biases(at_home.assign(movie=at_home["title"]))
film_only = biases.mean + pd.Series(titles).map(biases.movie_bias).fillna(0).to_numpy()
film_only = torch.tensor(film_only, dtype=torch.float32)
print(f"row of zeros:              {error_of(of_user(torch.zeros(BOOK.n_factors + 1))):.3f}")
if passed("average_user"):
    average = average_user(user_factors, user_bias)
    print(f"average user:              {error_of(of_user(average)):.3f}")
print(f"mean and film biases only: {error_of([film_only[items[20:]] for items, _ in newcomers]):.3f}")

# %% [markdown]
# The row of zeros is far off, since it throws away what everybody shares. The average user does about as well as a
# list of well-liked films, and that is what it is: it gives the same list to each newcomer.
#
# It has a weakness that is worth a thought. Half of the people love a kind of film and half cannot stand it: then the
# average is indifferent, and *nobody* is like that. Some services take a real user instead, one who stands for many.
# Others ask a question or two at the door, where you live or how old you are, and have a model that predicts factors
# from the answers. And many just show you some films and ask for stars. Let us see what these are worth.
#
# ## Ten ratings, one equation
#
# The films' tables stay as they are. Only one vector is missing, and its scores should come out right for the films
# that were rated. For a rating $r$ of film $m$ the model wants
#
# $$p \cdot q_m + b + b_m \approx s \qquad\text{with}\qquad s = \operatorname{sigmoid}^{-1}(r / 5.5)$$
#
# where $p$ and $b$ are the user's factors and bias, and $s$ is the score that the sigmoid would turn into the rating.
# All films' tables are known, so this is **linear** in what is sought. No gradient descent: one system of equations.
#
# There is a catch. The newcomer has ten ratings, and the vector has fifty-one numbers. Countless vectors fit exactly,
# most of them absurd. Of all of them, choose the one that is closest to the average user, and do not insist on an exact
# fit either, since people are moody:
#
# $$\text{minimise}\quad \sum_m (s_m - p\cdot q_m - b - b_m)^2 \;+\; \lambda\,\lVert (p, b) - (\bar p, \bar b)\rVert^2$$
#
# This is **ridge regression**, and the second term is an old friend: the damping of lesson 1, the weight decay of
# lesson 6. With $A$ as the films' factors with a column of ones behind, and the difference $d = (p, b) - (\bar p, \bar
# b)$, the minimum is where
#
# $$(A^\top A + \lambda I)\, d = A^\top\, \bigl(s - b_m - A\,(\bar p, \bar b)\bigr)$$
#
# What stands on the right is what the average user and the films' biases leave unexplained.


# %%
def to_scores(stars):
    """The scores that the sigmoid would turn into these stars, kept off the range's ends, where they are infinite."""
    share = (stars / 5.5).clamp(0.05, 0.95)
    return torch.log(share / (1 - share))


# %% exercise="fold_in"
def fold_in(movie_factors, movie_bias, scores, around, damping=10.0):
    """The user whose scores come close to these, and who is not far from the average user.

    movie_factors: (n, n_factors) of the films that were rated; movie_bias: (n,) theirs; scores: (n,) what is to come out.
    around: (n_factors + 1,) the average user, factors and then bias; damping: how strongly to stay near.
    Returns the user in the same form, (n_factors + 1,). Damping holds for factors and bias alike. n may be 0.
    """
    ### BEGIN SOLUTION
    columns = torch.cat([movie_factors, torch.ones(len(movie_factors), 1)], dim=1)
    rest = scores - movie_bias - columns @ around
    penalty = damping * torch.eye(len(around))
    return around + torch.linalg.solve(columns.T @ columns + penalty, columns.T @ rest)
    ### END SOLUTION


# %% check="fold_in"
check("fold_in", fold_in)

# %% [markdown]
# Now let the strangers in. With their first 0, 1, 2, ... ratings each gets a row, and predicts what they rated later.
# For comparison the damped biases, which learn from the same ratings how generous somebody is, and nothing about taste.

# %% demo="the error on strangers, by the number of ratings that they gave"
numbers = [0, 1, 2, 3, 5, 7, 10, 15, 20]
if passed("average_user") and passed("fold_in"):

    def folded(n, damping=10.0, people=newcomers):
        """What is predicted for each of these people, from their first n ratings."""
        predictions = []
        for items, stars in people:
            first = items[:n]
            user = fold_in(movie_factors[first], movie_bias[first], to_scores(stars[:n]), average, damping)
            predictions.append(to_stars(scores_of(user, items[20:])))
        return predictions

    def generous(n, people=newcomers):
        """The same from mean, film bias, and a bias of each person's own from n ratings, damped by ten."""
        own = [(stars[:n] - film_only[items[:n]]).sum() / (n + 10) for items, stars in people]
        return [film_only[items[20:]] + bias for bias, (items, _) in zip(own, people)]

    errors = {
        "folded in": [error_of(folded(n)) for n in numbers],
        "damped biases": [error_of(generous(n)) for n in numbers],
    }
    display(plots.panels(numbers, {"mean squared error on later ratings": errors}, "ratings given"))

# %% [markdown]
# A row in a table, and it took no training, only a small system of equations. The lines wobble: there are only some
# eighty people, and the first two or three ratings of somebody may even mislead. But the biases can learn no more than
# who is generous, and folding in learns taste as well, so its lead grows with the number of ratings.
#
# ### Ten ratings, but which?
#
# A test can be too kind without anybody wanting it. Shuffle each stranger's ratings before you cut them in two, as all
# random splits of this course have done, and do the same again:

# %% demo="the same test with ratings in order of time, and shuffled"
if passed("average_user") and passed("fold_in"):
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(len(items), generator=generator) for items, _ in newcomers]
    shuffled = [(items[order], stars[order]) for order, (items, stars) in zip(orders, newcomers)]
    errors = {
        "in order of time": [error_of(folded(n)) for n in numbers],
        "shuffled": [error_of(folded(n, people=shuffled), shuffled) for n in numbers],
    }
    display(plots.panels(numbers, {"mean squared error, folded in": errors}, "ratings given"))

# %% [markdown]
# On MovieLens the shuffled test is the kinder one. With it, ten ratings come from all over the time that somebody spent
# here, the last evening included. In life they come from the first five minutes, and people change, tire, or begin with
# their favourites. A service gets the upper line, whatever its report says. For anything that is to work *tomorrow*,
# split by time. (The planted world has no evenings: there the lines differ by chance alone.)
#
# ### Play: how much to believe
#
# The damping says how many ratings it takes to move somebody away from the average. Move it to both ends. Which end
# is the worse one with three ratings? And with twenty?

# %% demo="a slider for the damping"
if passed("average_user") and passed("fold_in"):

    def with_damping(damping=10.0):
        errors = {f"damping {damping:g}": [error_of(folded(n, damping)) for n in numbers]}
        errors["average user"] = [error_of(of_user(average))] * len(numbers)
        return plots.panels(numbers, {"mean squared error on later ratings": errors}, "ratings given")

    slider = FloatSlider(value=1, min=0.2, max=40, step=0.2, continuous_update=False)
    _ = interact(with_damping, damping=slider)

# %% [markdown]
# ### And a new film?
#
# The model is symmetric, so a new *film* with a few ratings can be folded in just the same: users and films change
# places, and the average film takes the part of the average user. Here a famous film has never been seen by the model:
# it is trained without. Then the film arrives, with its first ratings, and we look which known films it lands beside.

# %% demo="a film that the model has never seen, folded in from its first ratings"
if passed("average_user") and passed("fold_in"):
    most_rated_film = at_home["title"].value_counts().index[0]
    film = "Star Wars (1977)" if "Star Wars (1977)" in titles else most_rated_film
    rest = at_home[at_home["title"] != film]
    others = CollabDataLoaders.from_df(rest, item_name="title", bs=BOOK.bs, seed=42, device="cpu")
    torch.manual_seed(42)
    older = DotProductBias(others.n_users, others.n_items, BOOK.n_factors)
    fit(older, others, **BOOK.settings, seed=42, bar=False)
    users, own_bias = older.user_factors.weight.detach(), older.user_bias.weight.detach()
    films, film_bias = older.movie_factors.weight.detach(), older.movie_bias.weight.detach()
    first = at_home[at_home["title"] == film].sort_values("timestamp", kind="stable")
    by = encode(first["user"], others.classes["user"])
    stars = torch.tensor(first["rating"].to_numpy().copy())
    often = torch.bincount(others.train_ds.x[:, 1], minlength=len(films)) >= 50
    print(f"{film}, and what it is nearest to, by cosine")
    for n in (3, 10, 30, 100):
        vector = fold_in(users[by[:n]], own_bias[by[:n], 0], to_scores(stars[:n]), average_user(films, film_bias))
        cosine = torch.cosine_similarity(films, vector[None, :-1]).masked_fill(~often, -1)
        nearest = [others.classes["title"][i] for i in cosine.argsort(descending=True)[:3]]
        print(f"after {n:3} ratings: {' | '.join(nearest)}")

# %% [markdown]
# On MovieLens a hundred ratings find the family that thirty did not find yet. And without a single one, folding in
# gives exactly the average film: there is no door at which one could ask a film anything.

# %% [markdown] question="cold_start"

# %% [markdown]
# ## From scores to a list
#
# Nobody reads a thousand predictions. People see a list of ten, so that is what has to be made, and there are two
# rules. **Leave out what they have seen**: it would be on top, since people watch what they like. **Leave out position
# 0**, which is no film. And do it before you sort, or the list comes out too short.


# %% exercise="recommend"
def recommend(scores, seen, k=10):
    """The positions of the k best films for one user, the best first, without seen ones and without position 0.

    scores: (n_items,) of any size and sign; they are not changed. seen: a tensor of positions, may be empty.
    Example: recommend(torch.tensor([9.0, -1.0, -3.0, -2.0]), seen=torch.tensor([1]), k=2) gives the positions 3 and 2
    """
    ### BEGIN SOLUTION
    scores = scores.clone()
    scores[0] = -torch.inf
    scores[seen] = -torch.inf
    return scores.argsort(descending=True)[:k]
    ### END SOLUTION


# %% check="recommend"
check("recommend", recommend)

# %% [markdown]
# ## Your own ten ratings
#
# You are the newcomer now. Give stars to the films that you have seen, and look for others by a few letters of their
# titles. At each star your vector is found anew, from the average user and your ratings, by the functions that you have
# written (until all three pass, by `collabkit`'s).
#
# Begin with one film only, and move it from 1 to 5. What changes in the list, and what does not? Then describe
# yourself, with ten films or so. The slider adds something that you will understand in the next section; leave it at 0 at
# first.

# %%
counts = torch.bincount(dls.train_ds.x[:, 1], minlength=len(titles))  # how many training ratings each film has
KNOWN = (
    "Star Wars (1977)",
    "Titanic (1997)",
    "Fargo (1996)",
    "Toy Story (1995)",
    "Pulp Fiction (1994)",
    "Silence of the Lambs, The (1991)",
    "Casablanca (1942)",
    "Terminator, The (1984)",
    "Sense and Sensibility (1995)",
    "Independence Day (ID4) (1996)",
)
most_rated = [titles[i] for i in counts.argsort(descending=True).tolist()]
ten_films = [title for title in KNOWN if title in titles]
ten_films += [title for title in most_rated if title not in ten_films][: 10 - len(ten_films)]

# %% demo="your own ratings, and your list"
list_for = lists_by(model, dls)
if passed("average_user") and passed("fold_in") and passed("recommend"):

    def user_from(stars_by_title):
        """Somebody who gave these stars, as a vector, and the positions of the films: (n_factors + 1,), (n,)."""
        given = {title: stars for title, stars in stars_by_title.items() if stars > 0}
        items = encode(pd.Series(list(given), dtype=object), titles)
        stars = torch.tensor([float(value) for value in given.values()])
        return fold_in(movie_factors[items], movie_bias[items], to_scores(stars), average), items

    def list_for(stars_by_title, popularity=0.0, k=10):
        """A list for somebody who gave these stars, as a table."""
        user, items = user_from(stars_by_title)
        scores = scores_of(user) + popularity * torch.log1p(counts.float())
        chosen = recommend(scores, items, k)
        rows = [(titles[i], round(to_stars(scores_of(user, i)).item(), 2), int(counts[i])) for i in chosen]
        return pd.DataFrame(rows, columns=["for you", "predicted stars", "ratings by others"], index=range(1, k + 1))


mine = YourRatings(most_rated, list_for, start=ten_films)
mine

# %% [markdown]
# Your ratings stay in `mine.ratings`. What has your `fold_in` understood of you? Hide each of them in turn, and predict it
# from the others. (Rate some films first, then run this cell again.)

# %% demo="each of your ratings, predicted from the others"
if passed("average_user") and passed("fold_in") and passed("recommend"):
    for title, stars in mine.ratings.items():
        user, _ = user_from({other: given for other, given in mine.ratings.items() if other != title})
        guess = to_stars(scores_of(user, titles.index(title))).item()
        print(f"{title:45} you gave {stars:g}, the others say {guess:.1f}")
    print(f"{len(mine.ratings)} ratings of yours")

# %% demo="two invented people and their lists"
if passed("average_user") and passed("fold_in") and passed("recommend"):
    people = {
        "somebody who likes the 1st, 5th and 8th": dict(zip(ten_films, (5, 1, 0, 4, 5, 0, 0, 5, 1, 4))),
        "somebody who likes the 2nd, 7th and 9th": dict(zip(ten_films, (2, 5, 0, 3, 1, 0, 5, 1, 5, 2))),
    }
    lists = {name: list_for(stars)["for you"] for name, stars in people.items()}
    display(pd.DataFrame(lists))
    shared = set.intersection(*(set(each) for each in lists.values()))
    print(f"{len(shared)} of ten films are on both lists")

# %% [markdown]
# Seven or eight sliders each, and on MovieLens two people get lists that hardly meet. Without any rating they would have got the
# same list, the average user's: move all your sliders back to 0 to see it.
#
# ## How good is a list?
#
# So far an error was an error in stars. But a list makes no claim about stars; it claims that you will want to see
# *these* films. So judge it by what people did: take the ratings that were held back, and call a film **relevant** for
# a user if the user gave it four stars or more. Then look which films on the list are relevant.
#
# The simplest measure is **precision at k**: the share of the first k places that are relevant. An empty place is no
# hit, so divide by k also when a list ends early.


# %% exercise="precision_at_k"
def precision_at_k(recommended, relevant, k=10):
    """The share of the first k recommended items that are relevant, a number from 0 to 1.

    recommended: a list of positions, the best first, of any length; relevant: a set of positions.
    Example: precision_at_k([7, 3, 5, 8], {3, 8, 9}, k=3) is 1/3: of 7, 3 and 5, one is relevant
    """
    ### BEGIN SOLUTION
    return sum(item in relevant for item in recommended[:k]) / k
    ### END SOLUTION


# %% check="precision_at_k"
check("precision_at_k", precision_at_k)

# %% [markdown]
# Precision does not care *where* on the list a hit stands, but people read from the top. So let a hit count for less
# the further down it stands: at rank $r = 1, 2, \dots$ it gains $1 / \log_2(r + 1)$. That is 1 for the first place,
# 0.63 for the second, 0.5 for the third. The sum is the *discounted cumulative gain*, DCG.
#
# By itself it cannot be compared between users: who has twenty relevant films is easier to please than who has one. So
# divide by what the **best possible list** would gain, the one with hits on all its first places, as long as there are
# relevant films for them. The quotient is the *normalised* DCG, **NDCG**. It is 1 for a list that could not be better.
#
# $$\text{NDCG} = \frac{\sum_{r \le k,\ \text{item } r \text{ relevant}} 1/\log_2(r+1)}
# {\sum_{r=1}^{\min(k,\, n)} 1/\log_2(r+1)} \qquad n \text{ relevant items in all}$$


# %% exercise="ndcg_at_k"
def ndcg_at_k(recommended, relevant, k=10):
    """The discounted gain of the first k recommended items, divided by that of the best possible list.

    recommended: a list of positions, the best first, of any length; relevant: a set of positions, not empty.
    Example: ndcg_at_k([7, 3, 5], {3, 9}, k=3) is (1 / log2(3)) / (1 / log2(2) + 1 / log2(3)) = 0.387
    """
    ### BEGIN SOLUTION
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], start=1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    ### END SOLUTION


# %% check="ndcg_at_k"
check("ndcg_at_k", ndcg_at_k)

# %% [markdown] question="which_logarithm"

# %% [markdown]
# ## Which list is best?
#
# Four ways to make lists for the users whom the model knows, judged by their held-back ratings: films in random order;
# the most rated films, the same for everybody; films by predicted rating; and predicted score plus half the logarithm
# of the number of ratings. Which wins? Decide before you run it.

# %% demo="four kinds of list, by precision and NDCG"
if passed("recommend") and passed("precision_at_k") and passed("ndcg_at_k"):
    seen_by = pd.Series(dls.train_ds.x[:, 1].tolist()).groupby(dls.train_ds.x[:, 0].tolist()).apply(list)
    good = dls.valid_ds.y.squeeze(-1) >= 4
    liked_by = pd.Series(dls.valid_ds.x[good, 1].tolist()).groupby(dls.valid_ds.x[good, 0].tolist()).apply(set)
    judged = [user for user in liked_by.index if user in seen_by.index]
    log_counts = torch.log1p(counts.float())
    rng = torch.Generator().manual_seed(0)

    def known_scores(user):
        return user_factors[user] @ movie_factors.T + user_bias[user] + movie_bias

    ways = {
        "random order": lambda user: torch.rand(len(titles), generator=rng),
        "most rated": lambda user: log_counts,
        "predicted rating": known_scores,
        "predicted + popularity": lambda user: known_scores(user) + 0.5 * log_counts,
    }
    table = {}
    for way, score in ways.items():
        lists = {user: [int(i) for i in recommend(score(user), torch.tensor(seen_by[user]), 10)] for user in judged}
        table[way] = {
            "precision at 10": np.mean([precision_at_k(lists[user], liked_by[user]) for user in judged]),
            "NDCG at 10": np.mean([ndcg_at_k(lists[user], liked_by[user]) for user in judged]),
            "different films on all lists": len(set().union(*lists.values())),
        }
    display(pd.DataFrame(table).T.round(3))
    print(f"mean over {len(judged)} users who have a relevant film among their held-back ratings")

# %% [markdown]
# Compare the second row with the third. A model that predicts stars far better than any popularity could is no better
# at this, on MovieLens even worse. Put both together and they beat either. Think about why before you answer:

# %% [markdown] question="rating_against_popularity"

# %% [markdown]
# Be careful with the conclusion. Popularity won by a measure that is made of what people *happened to watch*. A film
# that you would have loved and never heard of counts as a miss. Whether popularity is what you want to show is for you
# to decide; the last column says what it costs. Such numbers come from the past, and the past was made by an earlier
# list.
#
# ## The loop
#
# Which brings us to what happens next. You show lists. People watch what is on them. Their ratings come back as
# training data. The model learns from what it has shown, and shows what it has learned. This is a **feedback loop**,
# and it cannot be seen in a table of old ratings. So plant a world: 300 people, 250 films, everybody's true opinion on
# every film is known to us, though not to the service. The service starts with a few ratings each, and one person in
# ten is an **enthusiast** for a certain kind of film, with twenty times as many ratings as the others. Then, for ten
# rounds: train, show everybody four films that they have not seen, let them watch and rate these, train again.


# %%
class Service:
    """A planted town and the service that recommends films to it; what people think is known to us, not to it."""

    def __init__(self, seed=0, n_users=300, n_movies=250):
        self.rng = np.random.default_rng(seed)
        world = planted_world(n_users, n_movies, 3, 10 * n_users, seed=seed)
        users, movies = np.indices((n_users, n_movies)) + 1
        self.truth = world.expected(users, movies)  # (n_users, n_movies), in stars
        self.kind = world.movie_factors[:, 0]  # how much each film is of the enthusiasts' kind
        self.enthusiast = np.zeros(n_users, dtype=bool)
        self.enthusiast[np.argsort(-world.user_factors[:, 0])[: n_users // 10]] = True
        self.ratings = np.full((n_users, n_movies), np.nan)
        self.shown = np.zeros(n_movies, dtype=int)
        known = self.rng.normal(0, 1, n_movies)  # some films are better known at the start
        for user in range(n_users):
            first = np.argsort(-(known + self.rng.gumbel(size=n_movies)))[: 60 if self.enthusiast[user] else 3]
            self.rate(user, first)

    def rate(self, users, movies):
        noisy = self.truth[users, movies] + self.rng.normal(0, 0.3, np.shape(movies))
        self.ratings[users, movies] = np.clip(np.round(2 * noisy) / 2, 0.5, 5)

    def scores(self, round_number):
        """Train on all ratings so far: scores (n_users, n_movies + 1), position 0 for #na#, and the held-back error."""
        users, movies = np.nonzero(~np.isnan(self.ratings))
        stars = self.ratings[users, movies].astype("float32")
        table = pd.DataFrame({"user": users + 1, "movie": movies + 1, "rating": stars})
        dls = CollabDataLoaders.from_df(table, valid_pct=0.1, bs=64, seed=round_number, device="cpu")
        torch.manual_seed(round_number)
        model = DotProductBias(dls.n_users, dls.n_items, 10)
        history = fit(model, dls, epochs=5, lr=5e-3, wd=0.1, seed=round_number, bar=False)
        with torch.no_grad():
            all_scores = model.user_factors.weight @ model.movie_factors.weight.T
            all_scores += model.user_bias.weight + model.movie_bias.weight.T
        scores = torch.full((len(self.ratings), len(self.kind) + 1), -20.0)  # a film that nobody rated is not on offer
        scores[:, torch.tensor(dls.classes["movie"][1:])] = all_scores[1:, 1:]
        return scores, history.final


def run_service(recommend, explore=0.0, rounds=10, seed=0, n_shown=4):
    """Ten rounds of show, watch, rate and train. explore: the share of places that go to a film drawn at random.

    Returns a table with a row for each round, and the ratings (n_users, n_movies) after each.
    """
    town, rows, snapshots = Service(seed), [], []
    everyone = np.arange(len(town.ratings))[:, None]
    for number in range(1, rounds + 1):
        scores, measured = town.scores(number)
        unseen = np.isnan(town.ratings)
        predicted = to_stars(scores[:, 1:]).numpy()
        lists = np.array(
            [
                [int(i) - 1 for i in recommend(user_scores, torch.tensor(np.flatnonzero(~free) + 1), n_shown)]
                for user_scores, free in zip(scores, unseen)
            ]
        )
        by_chance = town.rng.random(lists.shape) < explore
        for user, place in zip(*np.nonzero(by_chance)):
            others = np.setdiff1d(np.flatnonzero(unseen[user]), lists[user])
            lists[user, place] = town.rng.choice(others)
        best = np.argsort(np.where(unseen, -town.truth, np.inf), axis=1)[:, :n_shown]
        town.shown += np.bincount(lists.ravel(), minlength=len(town.kind))
        others = ~town.enthusiast
        rows.append(
            {
                "films never shown": int((town.shown == 0).sum()),
                "error that it measures": measured,
                "error on what nobody watched": float(((predicted - town.truth)[unseen] ** 2).mean()),
                "kind shown": town.kind[lists[others]].mean(),
                "kind that would please most": town.kind[best[others]].mean(),
                "true stars of all it shows": town.truth[everyone, lists].mean(),
                "true stars of what it chose": town.truth[everyone, lists].mean(where=~by_chance, dtype=float)
                if not by_chance.all()
                else math.nan,
            }
        )
        town.rate(everyone, lists)
        snapshots.append(town.ratings.copy())
    return pd.DataFrame(rows, index=range(1, rounds + 1)), snapshots


def show_loop(table):
    panels = {
        "films never shown, of 250": {"shown": table["films never shown"]},
        "mean squared error": {
            "on what was watched": table["error that it measures"],
            "on all the rest": table["error on what nobody watched"],
        },
        "enthusiasts' kind, in the others' lists": {
            "shown": table["kind shown"],
            "best for them": table["kind that would please most"],
        },
    }
    panels = {title: {name: values.to_numpy() for name, values in panel.items()} for title, panel in panels.items()}
    return plots.panels(table.index.to_numpy(), panels, "round")


# %% demo="ten rounds of the loop"
if passed("recommend"):
    loop, snapshots = run_service(recommend)
    display(show_loop(loop))
    display(loop.iloc[[0, 4, 9]].round(2).rename_axis("round"))

# %% [markdown]
# Take the panels one by one.
#
# - **Left**: whole shelves are never shown to anybody, in ten rounds. The service knows nothing good about those films,
#   so it does not show them, so it learns nothing about them.
# - **Middle**: the error that the service *measures*, on held-back ratings as in all our lessons, goes down. A manager
#   would be pleased. The true error, on all that was not watched, hardly moves. The service measures where it shows,
#   and nowhere else.
# - **Right**: above 0 means the enthusiasts' kind of film. What would please the other nine tenths most lies below 0,
#   and what they are shown lies above, in most rounds. A tenth of the people wrote most of the ratings, so they made
#   the films' biases. The others, about whom little is known, are close to the average of what is known. And they
#   cannot protest, since nobody ever shows them the films that they would have preferred. In real life they leave, and
#   then the model is even more sure.
#
# Watch it happen. Each row is a person, each column a film, the enthusiasts on top, and a cell has a colour once it was
# rated. Move the slider from round to round, and look for stripes: a stripe is a film that everybody is shown.

# %% demo="a slider for the rounds: what has been watched"
if passed("recommend"):

    def watched(round=1):
        known = pd.DataFrame(snapshots[round - 1])
        first = Service().enthusiast
        known = pd.concat([known[first], known[~first]])
        share = known.notna().mean().sort_values(ascending=False)
        return plots.matrix(known[share.index], title=f"What was watched and rated after round {round}")

    display(watched(10))
    _ = interact(watched, round=IntSlider(value=1, min=1, max=10, continuous_update=False))

# %% [markdown]
# ### Play: a little chance
#
# What would help? The service must learn about films that it does not believe in. So give a share of the places on each
# list to films drawn at random. That costs something, since most of these films are not what people would like best.
# Find out what it buys, and when.

# %% demo="a slider for the share of chance"
if passed("recommend"):

    def with_chance(explore=0.25):
        table, _ = run_service(recommend, explore)
        return show_loop(table)

    display(with_chance())
    _ = interact(with_chance, explore=FloatSlider(value=0.1, min=0, max=1, step=0.05, continuous_update=False))

# %% demo="does it hold in other towns?"
if passed("recommend"):
    rows = {}
    for seed in range(5):
        for explore in (0.0, 0.1, 0.25):
            table, _ = run_service(recommend, explore, seed=seed)
            first, last = table.iloc[0], table.iloc[-1]
            rows[seed, f"{explore:.0%}"] = {
                "never shown": last["films never shown"],
                "measured error": last["error that it measures"],
                "true error": last["error on what nobody watched"],
                "stars at first": first["true stars of all it shows"],
                "stars at last": last["true stars of all it shows"],
                "of these, chosen": last["true stars of what it chose"],
                "pull to enthusiasts": (table["kind shown"] - table["kind that would please most"]).mean(),
            }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["town", "chance"])
    display(table.round(2))
    display(table.groupby("chance").mean().round(2))

# %% [markdown]
# Read the second table, the mean over five towns. Chance has a price: at first, the more of it the fewer stars. What it
# buys is knowledge. The true error falls to a third, no film stays unknown, and by the last round the lists are hardly
# worse than without chance although a part of them is still drawn by lot: what the service *chooses* has become better.
# The error that it measures is larger than before, in most towns. It is now also measured on films that nobody would
# have chosen, and for once it is close to the truth. A tenth of the places buys most of this. The pull towards the
# enthusiasts gets weaker. It does not go away, since they still wrote most of the first ratings.
#
# Chance is the simplest remedy, and others build on the same thought: show what the model is *unsure* about; let no
# user weigh more than a certain number of ratings; look at the lists of groups, not only at averages; and have people
# in charge who ask what is *not* being shown. The least remedy is to know it, and not to trust a falling error alone.

# %% [markdown] question="who_is_heard"

# %% [markdown]
# ## The ladder for newcomers
#
# Every rung so far was measured on people whom the model knew. Here is a ladder of its own, for the strangers of the
# beginning, on what they rated after their twentieth film. The last rungs used ten and twenty of their ratings, and no
# training.

# %% demo="the ladder for strangers"
if passed("average_user") and passed("fold_in"):
    rungs = {
        "always the mean": error_of([torch.full_like(stars[20:], biases.mean) for _, stars in newcomers]),
        "row of zeros": error_of(of_user(torch.zeros(BOOK.n_factors + 1))),
        "film biases": error_of(generous(0)),
        "average user": error_of(of_user(average)),
        "damped biases, ten ratings": error_of(generous(10)),
        "folded in, ten ratings": error_of(folded(10)),
        "folded in, twenty ratings": error_of(folded(20)),
    }
    display(plots.ladder(rungs))

# %% [markdown]
# ## What you take along
#
# - Bootstrapping: without ratings, take the average user; with a few, fold the user in. A new film without ratings
#   needs a model that knows something about films.
# - Folding in is ridge regression with the films' tables held fixed, and it shrinks towards the average user, not
#   towards zero.
# - A list leaves out what was seen. Precision counts hits, NDCG weighs them by rank.
# - Good stars do not make a good list: a hit must be watched as well as liked.
# - A model that learns from its own lists measures where it shows. What it never shows, it never learns, and those who
#   rate most decide what all are shown.
#
# **Next**: you have all the parts. In *lesson 12* you put them together: the best model that you can train in the time
# allowed, judged by ratings that only the judge holds.

# %% demo="what you have earned so far"
progress()
