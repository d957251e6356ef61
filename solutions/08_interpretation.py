# %% [markdown]
# # 8. Look inside
#
# You have a model that predicts well, and every number in it is yours to read: it is all in four tables. Nobody told it
# what a film is about, who the people are, or that there is such a thing as a sequel. Did it find out? It is easy to
# see what one hopes to see in fifty columns of numbers. So today every reading is held against something: against
# means, against a second training, against chance, and in the end against a world whose truth is known.
#
# **You will be able to**
#
# - print the layers of any model, and say which table is which;
# - find the films that a model thinks best and worst, and say why that is not their mean rating;
# - reduce fifty factors to the few directions that matter, by centring and a singular value decomposition;
# - find films that are alike, without falling for popularity or for films that hardly anybody saw;
# - say which of your findings would survive another training, and which would not.
#
# **Time**: about 70 minutes. **Points**: 9. Stuck? `hint("top_biases")` gives the next hint, as often as you ask.

# %%
import copy

import numpy as np
import pandas as pd
import torch
from ipywidgets import Dropdown, IntSlider, interact
from torch import nn

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.functional import mse
from collabkit.models import DotProductBias
from collabkit.planted import planted_world
from collabkit.ratings import load_ratings
from collabkit.recommend import item_counts
from collabkit.training import BOOK, fit

# %% [markdown]
# ## The patient
#
# It is the model of the last lessons: fifty factors and a bias for each user and each film, a range from 0 to 5.5, a
# weight decay of 0.1, five epochs. `trained` makes it from any table of ratings. With another seed it starts from other
# random numbers, and holds another fifth of the ratings back.


# %%
def trained(ratings, seed=1):
    """A model of these ratings, and its vocabulary of titles: row i of its film tables is titles[i], row 0 is #na#."""
    dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=BOOK.bs, seed=seed, device="cpu")
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
    fit(model, dls, **BOOK.settings, seed=seed, bar=False)
    return model, dls.classes["title"]


ratings = load_ratings()
model, titles = trained(ratings, seed=42)
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=BOOK.bs, seed=42, device="cpu")  # the same split
counts = item_counts(dls.train_ds.x, len(titles))  # how many training ratings each film has, by position

# %% [markdown]
# The first look at any model is to print it. PyTorch lists the layers under the names that their author gave them, and
# `named_parameters` goes on to the numbers inside:

# %% demo="the names and details of the layers"
print(model)
for name, parameter in model.named_parameters():
    print(f"{name:22} {tuple(parameter.shape)!s:12} {parameter.numel():7,} numbers")
n_numbers = sum(parameter.numel() for parameter in model.parameters())
print(f"{n_numbers:,} numbers, learned from {len(dls.train_ds):,} ratings")

# %% [markdown]
# Four tables. More numbers than there were ratings to learn from, by the way, which is one way to see why the decay is
# needed. The two narrow tables have a single column, so they can be read like a list. Begin there.
#
# ## The best and the worst
#
# `movie_bias` holds one number a film. Sorting those numbers is of no use: it gives sorted numbers, and nobody knows
# any more whose they are. What you want is `argsort`, which returns the **positions** in sorted order. Position 3 first
# means: the smallest value stood at place 3. And with a position you can look up anything, the bias as well as the
# title.

# %% [markdown] question="what_argsort_gives"


# %% exercise="top_biases"
def top_biases(bias, names, k=5, largest=False):
    """The k lowest biases with their names, the lowest first; with largest=True the k highest, the highest first.

    bias: (n, 1), as it lies in the model, `model.movie_bias.weight`; names: a list of n names, in the same order.
    Returns a list of k pairs (name, bias), the bias as a plain number.
    Example: top_biases(torch.tensor([[0.3], [-0.2], [0.1]]), ["A", "B", "C"], k=2) is [("B", -0.2), ("C", 0.1)]
    """
    ### BEGIN SOLUTION
    bias = bias.detach().squeeze(-1)
    order = bias.argsort(descending=largest)[:k].tolist()
    return [(names[i], bias[i].item()) for i in order]
    ### END SOLUTION


# %% check="top_biases"
check("top_biases", top_biases)

# %% demo="the films with the lowest and the highest bias"
if passed("top_biases"):
    for largest, what in ((False, "lowest"), (True, "highest")):
        listed = top_biases(model.movie_bias.weight, titles, k=6, largest=largest)
        print(f"The {what} biases:")
        for title, bias in listed:
            print(f"  {bias:6.2f}  {title}  ({counts[titles.index(title)]} ratings)")

# %% [markdown]
# Do you know some of them? The two lists need no explanation to anybody who goes to the cinema, and yet the model has
# never heard a word about any film. The unit is not stars, by the way: a bias is added *before* the sigmoid bends the
# sum into the range.
#
# ## Isn't that just the mean?
#
# A fair question. Films with a high mean rating would be a high list too, without any training. So compare. Not by the
# values, which have different units, but by the **ranks**: if both put the same film first, the same one second and so
# on, the correlation of their ranks is 1, and if they have nothing to do with each other, it is 0. This is Spearman's
# **rank correlation**.
#
# Leave out the films with few ratings, whose mean can be anything. And mind the match: the model's rows follow its
# vocabulary, with `#na#` in front, while a table of means has only the films that were rated, in an order of its own.


# %% exercise="bias_against_mean"
def bias_against_mean(bias, titles, ratings, min_count=50):
    """The rank correlation between the films' biases and their mean ratings, a number from -1 to 1.

    bias: (n, 1), as it lies in the model; titles: the n titles in the same order, "#na#" first.
    ratings: a DataFrame with the columns title and rating. A title may have no rating in it.
    Only films with at least min_count ratings count. Equal values share their mean rank, as `.rank()` does it.
    """
    ### BEGIN SOLUTION
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    return films["mean"].rank().corr(films["bias"].rank())
    ### END SOLUTION


# %% check="bias_against_mean"
check("bias_against_mean", bias_against_mean)

# %% demo="how far the order of the biases is that of the means"
if passed("bias_against_mean"):
    for least in (1, 20, 50, 100):
        found = bias_against_mean(model.movie_bias.weight, titles, dls.train_df, least)
        print(f"films with at least {least:3} ratings: rank correlation {found:.3f}")

# %% [markdown]
# High, and not 1. So sorting the biases is *nearly* the same as sorting the means. The interesting part is the rest.
# Named in the picture are the films where the two disagree most, by the difference of their ranks: above the cloud
# those with the higher bias, below it those with the higher mean.

# %% demo="bias against mean, the largest disagreements named"
films = dls.train_df.groupby("title")["rating"].agg(["mean", "count"])
films["bias"] = pd.Series(model.movie_bias.weight.detach().squeeze(-1).numpy(), index=titles)
films = films[films["count"] >= 50]
films["gap"] = films["bias"].rank() - films["mean"].rank()
order = np.argsort(films["gap"].to_numpy())
extremes = [*order[:5], *order[-5:]]
plots.scatter(
    films["mean"],
    films["bias"],
    ("mean rating", "bias"),
    {i: films.index[i].rsplit(" (", 1)[0] for i in extremes},
    title="Films with at least 50 ratings",
)

# %% [markdown]
# Why? A prediction is made of three parts: the user's bias, the film's bias, and the dot product. So a film's mean can
# be taken apart. For each of its viewers, take the viewer's bias and the viewer's dot product with the film, and
# average both over the viewers:

# %% demo="what else explains those means: their viewers' generosity and taste"
x = dls.train_ds.x
with torch.no_grad():
    generosity = model.user_bias(x[:, 0]).squeeze(-1).numpy()
    taste = (model.user_factors(x[:, 0]) * model.movie_factors(x[:, 1])).sum(dim=1).numpy()
parts = dls.train_df.assign(generosity=generosity, taste=taste).groupby("title")[["generosity", "taste"]].mean()
table = films.join(parts.rename(columns={"generosity": "viewers' bias", "taste": "viewers' dot product"}))
shown = table.iloc[[*order[-5:][::-1], *order[:5]]].drop(columns="gap").round(2)
display(shown)
ranks = table.rank()
for column in ("viewers' bias", "viewers' dot product"):
    print(f"rank correlation of the gap with the {column}: {ranks['gap'].corr(ranks[column]):.2f}")

# %% [markdown]
# The last two lines tell which of the two it is: the further a correlation lies below 0, the more of the gap it
# explains. On MovieLens it is taste. A film stands lower by its bias than by its mean where its viewers' dot products
# take the credit: they like *its kind*, and went to see it for that. They gave many stars, but the model would not
# promise so many to just anybody. A high bias beside an ordinary mean is the reverse: people liked it more than their
# taste had promised.
#
# So the two lists answer two questions. The mean says how those who saw it liked it; the bias says how much it is liked
# *beyond* what viewers and taste explain. Which of them is the truth? On real films nobody can say. In a planted world
# one can: there we drew the biases ourselves. Let some films draw generous people and others harsh ones, as happens in
# life:

# %% demo="means and biases against the truth, in worlds where films have audiences"
for seed in range(3):
    world = planted_world(400, 150, 3, 20_000, seed=seed, selection=3.0)
    planted_model, planted_titles = trained(world.ratings)
    by_title = world.ratings.groupby("title")
    truth = pd.Series(world.movie_bias[by_title["movie"].first() - 1], index=by_title["movie"].first().index).rank()
    learned = pd.Series(planted_model.movie_bias.weight.detach()[1:, 0].numpy(), index=planted_titles[1:]).rank()
    by_mean = truth.corr(by_title["rating"].mean().rank())
    print(f"world {seed}: rank correlation with the truth {by_mean:.2f} by mean, {truth.corr(learned):.2f} by bias")

# %% [markdown] question="bias_or_mean"

# %% [markdown]
# ## What is column 7?
#
# Now the wide table. Each film has fifty factors, and in lesson 1 we made factors up that had names: science fiction,
# action, old. Is column 7 science fiction, perhaps? Sort the films by it, and you will find *something* that they have
# in common; people are good at this. Before you do, a little experiment. Take a random rotation in fifty dimensions and
# apply it to the users' factors and to the films':

# %% demo="a rotated model predicts the same"
torch.manual_seed(0)
rotation = torch.linalg.qr(torch.randn(BOOK.n_factors, BOOK.n_factors)).Q
rotated = copy.deepcopy(model)
with torch.no_grad():
    rotated.user_factors.weight.copy_(model.user_factors.weight @ rotation)
    rotated.movie_factors.weight.copy_(model.movie_factors.weight @ rotation)
    valid_x, valid_y = dls.valid_ds.x, dls.valid_ds.y.squeeze(-1)
    print(f"mean squared error: {mse(model(valid_x), valid_y):.6f}, rotated {mse(rotated(valid_x), valid_y):.6f}")
popular = counts.argsort(descending=True)[:1000]
for name, each in (("as trained", model), ("rotated", rotated)):
    column = each.movie_factors.weight.detach()[popular, 7]
    print(f"column 7, {name:10} highest: {', '.join(titles[popular[i]] for i in column.argsort(descending=True)[:3])}")

# %% [markdown]
# The same predictions to the last digit, and other films on top of column 7. Nothing in the data, the loss or the decay
# can tell these two models apart: the columns are where the random start happened to leave them. A column means
# nothing.

# %% [markdown] question="same_rotation"

# %% [markdown]
# What does *not* depend on a rotation is the shape of the cloud that the films form: who is near to whom, and in which
# directions the cloud is long. So do not ask for columns, ask for directions. The one in which the films differ most,
# then the one in which they differ most among those square to the first, and so on: **principal component analysis**.
#
# 1. **Centre**: subtract from each column its mean over all films. Otherwise the strongest direction is from 0 to the
#    middle of the cloud, which is what all films have in common, and that is no difference.
# 2. **Decompose**: `torch.linalg.svd(centred, full_matrices=False)` returns $U$, $S$ and $V^\top$ with
#    $\text{centred} = U S V^\top$. The rows of $V^\top$ are the directions, the strongest first.
# 3. **Project**: a dot product of each film with a direction says how far along it the film lies.
#
# One thing remains arbitrary. If a direction is right, so is its opposite, and which you get is up to your computer.
# The check accepts both.


# %% exercise="pca"
def pca(factors, k=3):
    """The k directions in which the rows differ most, and where each row lies along them.

    factors: (n, n_factors), as it lies in the model.
    Returns (components, projected), two tensors: components (k, n_factors), each of length 1, the strongest first;
    projected (n, k), whose columns have the mean 0.
    """
    ### BEGIN SOLUTION
    factors = factors.detach()
    centred = factors - factors.mean(dim=0)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:k]
    return components, centred @ components.T
    ### END SOLUTION


# %% check="pca"
check("pca", pca)

# %% [markdown]
# Is this any better than a column? Train a second model, from another start and with another fifth held back. For each
# column of the first, look for the column of the second that is most like it; then compare components, first with
# first, second with second. On the thousand most rated films, with the sign left out:

# %% demo="columns and components of two trainings, side by side"
if passed("pca"):
    second, _ = trained(ratings, seed=7)
    tables = [each.movie_factors.weight.detach()[popular] for each in (model, second)]
    columns = np.abs(np.corrcoef(*(table.T.numpy() for table in tables))[: BOOK.n_factors, BOOK.n_factors :])
    places = [pca(table, 6)[1] for table in tables]
    components = np.abs(np.corrcoef(*(place.T.numpy() for place in places))[:6, 6:])
    print(f"columns: correlation with the most similar of fifty {columns.max(axis=1).mean():.2f} on average")
    print("components: correlation with the same one", ", ".join(f"{r:.2f}" for r in components.diagonal()))

# %% [markdown]
# On MovieLens the first components come back, from other random numbers and other ratings. That is what a finding looks
# like. How many do differs a little from run to run; where directions are of nearly equal strength they mix, and again
# no single one means anything.
#
# ### The map
#
# So here are films where the model puts them, along two of these components. Nobody has told it a genre. Go along each
# axis: what changes? Give it a name of your own before you read on. Then move the sliders below: other components,
# fewer names.

# %% demo="a map of the films along components 0 and 2"
if passed("pca"):
    _, places = pca(model.movie_factors.weight[popular], 6)

    def film_map(across=0, up=2, names=50):
        named = {i: titles[popular[i]].rsplit(" (", 1)[0] for i in range(names)}
        axes = (f"component {across}", f"component {up}")
        return plots.scatter(places[:, across], places[:, up], axes, named, title="The 1,000 most rated films")

    display(film_map())

# %% demo="sliders for the components of the map"
if passed("pca"):
    sliders = {
        "across": IntSlider(value=0, min=0, max=5, continuous_update=False),
        "up": IntSlider(value=1, min=0, max=5, continuous_update=False),
        "names": IntSlider(value=50, min=0, max=80, step=5, continuous_update=False),
    }
    _ = interact(film_map, **sliders)

# %% demo="both ends of the first three components"
if passed("pca"):
    for component in range(3):
        order = places[:, component].argsort().tolist()
        for side, rows in (("one end", order[:6]), ("other end", order[:-7:-1])):
            print(f"component {component}, {side:9}: {' | '.join(titles[popular[i]] for i in rows)}")

# %% [markdown]
# On MovieLens one end of the first component holds films that critics love, many of them old, and the other the kind of
# which the sequel is already in the making. The second separates what everybody's family saw from what was shown late
# and in small cinemas. Those are *our* words. A name of this kind is a guess, and a guess can be tested. One thing
# about a film is known, since it stands in the title: its year. The model has never seen it.

# %% demo="does the model know how old a film is? fitted on half of the films, tested on the other half"
year = pd.Series(titles).str.extract(r"\((\d{4})\)")[0].astype(float).to_numpy()
known = np.flatnonzero(np.isfinite(year) & (counts.numpy() >= 20))


def explained(features, target, fit_on, test_on):
    """The share of the target's variance that a linear regression, fitted on some rows, explains on others."""
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.linalg.lstsq(design[fit_on], target[fit_on], rcond=None)[0]
    rest = target[test_on] - design[test_on] @ weights
    return 1 - (rest**2).sum() / ((target[test_on] - target[test_on].mean()) ** 2).sum()


if len(known) < 100:
    print("The films of a planted world have no year.")
elif passed("pca"):
    _, some = pca(model.movie_factors.weight[known], 10)
    mixed = np.random.default_rng(0).permutation(len(known))
    half, rest = np.array_split(mixed, 2)
    for k in (1, 3, 10):
        share = explained(some[:, :k].numpy(), year[known], half, rest)
        print(f"{share:.0%} of the variance of the year explained by {k:2}, on films that took no part in the fit")

# %% [markdown]
# Not much, and not nothing: some of what people like in films goes with their age. The half that took no part is what
# makes this a test. Leave it out, and you can find anything. Here are numbers that have nothing to do with films, since
# they come from a random generator, "explained" by the same fifty factors. (Less than 0 % is possible, and means: worse
# than to say the mean of all each time.)

# %% demo="explaining random numbers with fifty factors"
rng = np.random.default_rng(1)
factors = model.movie_factors.weight.detach()[popular].numpy()
for n in (60, 100, 200, 1000):
    chosen = rng.permutation(len(factors))[:n]
    nonsense = rng.normal(size=len(factors))
    same = explained(factors, nonsense, chosen, chosen)
    others = np.setdiff1d(np.arange(len(factors)), chosen)
    tested = f", {explained(factors, nonsense, chosen, others):.0%} on the others" if len(others) else ""
    print(f"fitted on {n:4} films: {same:.0%} explained on these{tested}")

# %% [markdown] question="found_by_chance"

# %% [markdown]
# ## How much of the model is in three components?
#
# Fifty factors were trained, and you have just looked at three. Is that a summary, or a keyhole? The model itself can
# tell. Replace the films' factors by what their first $k$ components say, and let it predict the held-back ratings:


# %%
def with_components(model, pca, k):
    """A copy of the model whose film factors keep their middle and their k strongest components."""
    reduced = copy.deepcopy(model)
    factors = model.movie_factors.weight.detach()
    components, projected = pca(factors, max(k, 1))
    with torch.no_grad():
        reduced.movie_factors.weight.copy_(factors.mean(dim=0) + projected[:, :k] @ components[:k])
    return reduced


# %% demo="the error with 0, 1, 2, ... components"
if passed("pca"):
    with torch.no_grad():
        errors = {
            f"{k} component{'s' * (k != 1)}": mse(with_components(model, pca, k)(valid_x), valid_y)
            for k in (0, 1, 2, 3, 5, 10, 20, 50)
        }
    display(plots.ladder(errors))

# %% [markdown]
# Three of fifty directions do nearly all of the work, and with some number between three and fifty it is often even a
# little *better*: for predictions, the last directions hold as much noise as knowledge. (Do not choose $k$ by this
# picture and then quote its error: these are the held-back ratings. A part of the training ratings would have to
# choose.)
#
# So the keyhole is a window. What the model knows, it knows mostly in a few directions, and those you can look at.
#
# ## Who is like whom?
#
# The other thing that a rotation does not change is who is near to whom. But what is *near*? Three measures come to
# mind: the **distance** from point to point, the **dot product**, and the **cosine**, which is the dot product of the
# two vectors brought to length 1, so that the direction alone counts. They differ in what they make of the length. And
# what is the length of a film's factors?

# %% demo="the length of the factors against the number of ratings"
lengths = model.movie_factors.weight.detach().norm(dim=1)[1:]
log_counts = torch.log1p(counts[1:].float())
print(f"correlation of length and log of the count: {torch.corrcoef(torch.stack([lengths, log_counts]))[0, 1]:.2f}")
order = counts[1:].argsort(descending=True)
named = {int(i): titles[i + 1].rsplit(" (", 1)[0] for i in (*order[:4], *lengths.argsort(descending=True)[:3])}
seen = (counts[1:] > 0).numpy()
positions = {place: named[i] for place, i in enumerate(np.flatnonzero(seen)) if i in named}
plots.scatter(counts[1:][seen], lengths[seen], ("training ratings", "length of the factors"), positions, log_x=True)

# %% [markdown]
# It is not how good a film is, and not how special. It is mostly how often it was rated. Decay pulls all factors
# towards 0, at every step, and only a rating pushes them out again. So the length says how much the model has *heard*
# about a film. With dot products, popular films would be near to everybody; take the cosine.
#
# The direction has a trouble of its own. For a film with a single rating it was set by a single person: it points to
# whatever this one person likes. Such a film can be near to a masterpiece by pure chance. So give your function a least
# number of ratings.


# %% exercise="nearest_items"
def nearest_items(factors, item, k=5, *, counts, min_count=0):
    """The positions of the k films whose factors point most nearly the same way, the nearest first.

    factors: (n, n_factors), as it lies in the model; item: the position of the film that is asked about.
    counts: (n,) how often each film was rated; films with fewer than min_count ratings are left out.
    Nearness is the cosine. The film itself is left out. `nn.functional.normalize(factors, dim=1)` gives rows length 1.
    """
    ### BEGIN SOLUTION
    unit = nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[item] = -torch.inf
    cosine[counts < min_count] = -torch.inf
    return cosine.argsort(descending=True)[:k]
    ### END SOLUTION


# %% check="nearest_items"
check("nearest_items", nearest_items)

# %% [markdown]
# The last line of that check went to a model of the real ratings. On MovieLens it asked for nine films that have a
# sequel, or a twin by the same hand, whether the relative is among the five nearest of many hundreds. The model knows
# no title and no director.
#
# Try films that you know. Then let the least number of ratings go down to 0, and watch who comes in.

# %% demo="choose a film and see its nearest"
if passed("nearest_items"):
    factors = model.movie_factors.weight.detach()
    names = sorted(titles[i] for i in counts.argsort(descending=True)[:300].tolist())
    favourite = next((title for title in ("Star Wars (1977)", "Toy Story (1995)") if title in names), names[0])

    def show_nearest(film, at_least=50):
        item = titles.index(film)
        found = nearest_items(factors, item, 6, counts=counts, min_count=at_least).tolist()
        cosine = nn.functional.cosine_similarity(factors[found], factors[item][None]).tolist()
        rows = [(titles[i], round(c, 2), int(counts[i])) for i, c in zip(found, cosine)]
        return pd.DataFrame(rows, columns=[f"nearest to {film}", "cosine", "ratings"], index=range(1, 7))

    at_least = IntSlider(value=50, min=0, max=150, step=10, description="at least", continuous_update=False)
    _ = interact(show_nearest, film=Dropdown(options=names, value=favourite), at_least=at_least)

# %% demo="three ways to be near, for the same film"
if passed("nearest_items"):
    item = titles.index(favourite)
    distance = (factors - factors[item]).norm(dim=1)
    product = factors @ factors[item]
    distance[[0, item]], product[[0, item]] = torch.inf, -torch.inf
    ways = {
        "cosine, 50 ratings or more": nearest_items(factors, item, 6, counts=counts, min_count=50),
        "cosine, any film": nearest_items(factors, item, 6, counts=counts, min_count=1),
        "distance, any film": distance.argsort()[:6],
        "dot product, any film": product.argsort(descending=True)[:6],
    }
    print(f"nearest to {favourite}, with the number of ratings")
    display(pd.DataFrame({way: [f"{titles[i]}, {counts[i]}" for i in found] for way, found in ways.items()}))

# %% demo="how popular the neighbours are, over all films"
unit = nn.functional.normalize(model.movie_factors.weight.detach(), dim=1)
asked = np.flatnonzero(counts.numpy() >= 20)
table = model.movie_factors.weight.detach()
nearness = {"cosine": unit @ unit.T, "distance": -torch.cdist(table, table), "dot product": table @ table.T}
print(f"of the five nearest to {len(asked)} films with 20 ratings or more:")
for way, near in nearness.items():
    near = near.fill_diagonal_(-torch.inf)[asked]
    found = counts[near[:, 1:].argsort(dim=1, descending=True)[:, :5] + 1]
    rare = (found < 5).float().mean()
    print(f"{way:11} median number of ratings {found.median():4}; {rare:.0%} have fewer than five")

# %% [markdown]
# Dot products favour what everybody has seen, and the other two bring in films that nobody has. The cosine with a least
# number of ratings avoids both.
#
# How stable is such a list? Ask the second model for the same neighbours. For the most rated films, count how many of
# five both name:

# %% demo="how many neighbours two trainings agree on"
if passed("nearest_items") and passed("pca"):
    well_known = counts >= 50
    asked = counts.argsort(descending=True)[:100].tolist()
    for name, width in (("all fifty factors", 50), ("10 components", 10), ("3 components", 3)):
        tables = [pca(each.movie_factors.weight[well_known], width)[1] for each in (model, second)]
        rows = {int(place): row for row, place in enumerate(well_known.nonzero().squeeze(-1))}
        known_counts = counts[well_known]
        agreeing, first = [], []
        for item in asked:
            lists = [nearest_items(table, rows[item], 5, counts=known_counts).tolist() for table in tables]
            agreeing.append(len(set(lists[0]) & set(lists[1])))
            first.append(lists[0][0] in lists[1])
        print(f"by {name:17} both models name {np.mean(agreeing):.2f} of five neighbours, on average;", end=" ")
        print(f"the nearest film of one is among the five of the other for {np.mean(first):.0%}")
    print(f"by chance they would share {25 / (len(rows) - 1):.2f} of five")

# %% [markdown]
# Many times more than by chance, and far from five. A list of neighbours is no list of facts. Its head comes back more
# often than its tail; whoever shows you *one* striking neighbour should be asked for the second training.
#
# On MovieLens the two models agree better by all factors than by a few components. So the weak directions are not all
# noise after all: they do little for the average prediction, and yet they help to tell which film belongs to which.
# What matters depends on what you ask.
#
# ## Where the truth is known
#
# On real films an interpretation can be plausible, stable and tested on other films, and it still is an interpretation.
# So the last word goes to a planted world. Somebody has drawn 150 films with a bias and three traits each, 400 people
# with a bias and three tastes, and sent you the ratings; some films draw generous people. You see neither the biases
# nor the traits. **Read them from a trained model.**
#
# Your reading is held against the truth. The biases by their ranks. The traits *up to sign and rotation*, since nobody
# can know more: the truth is laid over your three columns as well as it can be, and what counts is the share of it that
# is found.


# %% exercise="read_world"
def read_world(ratings):
    """Read each film's bias and three traits from a model of these ratings.

    ratings: a DataFrame with the columns user, movie, rating and title. `trained(ratings)` gives a model and titles.
    Returns a DataFrame with the titles as its index (without "#na#") and the columns "bias", "trait 0", "trait 1" and
    "trait 2": the film's bias, and where it lies along the three directions in which the films' factors differ most.
    """
    ### BEGIN SOLUTION
    model, titles = trained(ratings)
    _, projected = pca(model.movie_factors.weight[1:], 3)
    table = pd.DataFrame(projected.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table["bias"] = model.movie_bias.weight.detach()[1:, 0].numpy()
    return table
    ### END SOLUTION


# %% check="read_world"
check("read_world", read_world)

# %% [markdown]
# Here is one such world with its truth in the open. First each planted trait against each of yours, as they are; then
# against the best mixture of your three.

# %% demo="planted traits against found ones, as they are and rotated"
if passed("read_world"):
    world = planted_world(400, 150, 3, 20_000, seed=11, selection=3.0)
    found = read_world(world.ratings)
    ids = world.ratings.drop_duplicates("title").set_index("title")["movie"].loc[found.index]
    truth = world.movie_factors[ids - 1] - world.movie_factors[ids - 1].mean(axis=0)
    mine = found[["trait 0", "trait 1", "trait 2"]].to_numpy()
    mine = mine - mine.mean(axis=0)
    as_they_are = np.corrcoef(truth.T, mine.T)[:3, 3:]
    laid_over = mine @ np.linalg.lstsq(mine, truth, rcond=None)[0]
    print("correlation of planted trait (row) and found trait (column)")
    display(pd.DataFrame(as_they_are, columns=["trait 0", "trait 1", "trait 2"]).round(2))
    after = [np.corrcoef(truth[:, i], laid_over[:, i])[0, 1] for i in range(3)]
    print("with the best mixture of the three:", ", ".join(f"{r:.2f}" for r in after))
    display(plots.scatter(truth[:, 0], laid_over[:, 0], ("planted trait 0", "the best mixture of the found traits")))

# %% [markdown]
# No single trait of yours is one of theirs, and together they are all three. That is exactly what *up to rotation*
# means, and it is the honest limit of every story about factors: **the space is found, its axes are not.**
#
# ## The ladder
#
# Today's rung is not a better model. It is the same one, read through three components, so that one can say what a
# piece of it is worth that a person can look at.

# %% demo="the ladder with the model, and what is left of it in three components"
rungs = baseline_ladder(dls.train_df, dls.valid_df)
with torch.no_grad():
    rungs["bias and range, wd 0.1"] = mse(model(valid_x), valid_y)
    if passed("pca"):
        rungs["the same, 3 components"] = mse(with_components(model, pca, 3)(valid_x), valid_y)
display(plots.ladder(rungs))

# %% [markdown]
# ## What you take along
#
# - Print a model first. `named_parameters` tells the name and the shape of everything that was learned.
# - `argsort` gives positions. With them, names and numbers stay together.
# - A film's bias is what is left of its stars when viewers and taste have had their share. That is nearly its mean, and
#   the difference is the interesting part.
# - Columns mean nothing, directions may. Centre, decompose, project; and the sign is free.
# - Compare directions by cosine, leave out the film itself and whatever hardly anybody rated.
# - A finding is what survives another training, films that took no part, or a world with a known truth. The rest is a
#   story.
#
# **Next**: everything that you have built since lesson 3 is there ready-made, in a library. *Lesson 9* trains the same
# model with fastai's `collab_learner`, carries your weights over to see that it really is the same, and finds out why
# it does worse if one lets it.

# %% demo="what this session has earned"
progress()
