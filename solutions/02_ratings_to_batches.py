# %% [markdown]
# # 2. From ratings to batches
#
# The biases of lesson 1 give everybody the same list. To learn *who likes what* we need factors, and factors are learned
# bit by bit: look at a handful of ratings, correct the numbers a little, look at the next handful. Today you build the way
# from a table of ratings to such handfuls. It is short and looks harmless, yet one wrong word in it costs more than a third
# of the ratings in every epoch, and no message tells you. A well-known library has that word in it, and you will find it.
#
# **You will be able to**
#
# - give users and films positions, and say what happens to those that were never seen;
# - say what an embedding is, and why it is a table and not a multiplication;
# - hold back a random part of the ratings, the same one each time you run;
# - cut an epoch into batches so that each rating comes exactly once, and *measure* whether somebody else's loader does.
#
# **Time**: about 60 minutes. **Points**: 8. Stuck? `hint("build_vocab")` gives the next hint, as often as you ask.

# %%
import math
import time
import warnings

import numpy as np
import pandas as pd
import torch
from fastai.collab import CollabDataLoaders as FastaiLoaders
from fastai.tabular.core import TabDataLoader
from ipywidgets import IntSlider, interact
from torch import nn

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder, damped_biases
from collabkit.batches import CollabDataLoaders
from collabkit.ratings import load_ratings

# %% [markdown]
# ## An id is a name
#
# As in lesson 1 the ratings are MovieLens 100K, or a planted world where there is no network.

# %%
ratings = load_ratings()

# %% demo="what the columns hold"
print(f"{ratings.attrs['source']}: {len(ratings):,} ratings")
for column in ("user", "movie", "title"):
    values = sorted(ratings[column].unique())
    print(f"{column:6} {len(values):6,} different values, from {values[0]} to {values[-1]}")

# %% [markdown]
# A model keeps its factors in a table, and a row of a table is found by its **position**: 0, 1, 2 and so on. What stands in
# the columns above are names. A title is no number at all. An id looks like one, but you cannot rely on it: here ids start
# at 1, elsewhere they start at a million and have gaps, and there are no rows for gaps.
#
# So names are turned into positions, by a list that never changes once it is made, the **vocabulary**. The position of a
# name is where it stands in that list. Two decisions make it useful:
#
# - **The values are sorted.** Then the same table gives the same vocabulary, whatever order its rows come in.
# - **Position 0 stands for whatever is not in the list**: a film that came out yesterday, a user who signed up a minute ago,
#   a title that is missing. fastai writes it `#na#`, and so do we. Without it, a stranger would be an error, or worse, would
#   be taken for somebody else.


# %% exercise="build_vocab"
def build_vocab(column):
    """The vocabulary of a column: "#na#", then its distinct values in ascending order, as a list.

    column: a Series of names, all of one kind (titles or ids). Missing values (NaN) get no place of their own.
    Example: the titles Heat, Alien, Heat give ["#na#", "Alien", "Heat"]
    """
    ### BEGIN SOLUTION
    return ["#na#", *sorted(column.dropna().unique())]
    ### END SOLUTION


# %% check="build_vocab"
check("build_vocab", build_vocab)

# %% demo="how long the vocabularies are"
if passed("build_vocab"):
    for column in ("user", "title"):
        vocab = build_vocab(ratings[column])
        print(f"{column:6} {len(vocab):6,} entries: 0 is {vocab[0]}, 1 is {vocab[1]}, {len(vocab) - 1} is {vocab[-1]}")

# %% [markdown]
# Both are one longer than the number of different values. This length is what a model needs to know about a column: its
# table has that many rows. From here on films go by title, since you saw in lesson 1 that an id may be half a film.
#
# Now translate. A whole column goes in, a tensor of positions comes out.


# %% exercise="encode"
def encode(column, vocab):
    """The position of each value in the vocabulary, as a tensor of whole numbers (int64), shape (len(column),).

    column: a Series of names; vocab: a list with "#na#" at position 0.
    A value that the vocabulary does not have, or a missing one, gets 0.
    Example: the titles Heat, Psycho, Alien with the vocabulary ["#na#", "Alien", "Heat"] give tensor([2, 0, 1])
    """
    ### BEGIN SOLUTION
    positions = {value: position for position, value in enumerate(vocab)}
    return torch.tensor([positions.get(value, 0) for value in column])
    ### END SOLUTION


# %% check="encode"
check("encode", encode)

# %% demo="there and back again"
if passed("build_vocab") and passed("encode"):
    titles = build_vocab(ratings["title"])
    asked = pd.Series([*ratings["title"].value_counts().index[:3], "A film that nobody has made"])
    for title, position in zip(asked, encode(asked, titles).tolist()):
        print(f"{title:30} -> {position:5} -> {titles[position]}")

# %% [markdown]
# The way back is plain indexing, `vocab[position]`, and every title comes back as itself. Except for the one that is not
# there: from 0 there is no way back to a name.
#
# ## A fifth is held back
#
# In lesson 1 a random fifth of the ratings was hidden, by a function that we gave you. Now write it yourself. What it must do is
# quickly said:
#
# - **Each row is in one part, and in one only.** A rating in both is an exam question that was handed out before.
# - **Chance decides.** Tables have an order, by date or by user, and their last fifth is not like the rest.
# - **The same seed gives the same split.** Otherwise you compare two models on two different exams.
#
# It deals in positions of rows, not in the rows themselves. So it needs no table, only its length.


# %% exercise="split"
def split(n, valid_pct, seed):
    """Split n rows at random: (training positions, validation positions), two tensors of whole numbers.

    n: number of rows, so the positions are 0 to n - 1; valid_pct: the share to validate on, int(valid_pct * n) rows;
    seed: the same seed gives the same split, another seed another one.
    Example: split(10, 0.2, seed=1) might give (tensor([3, 9, 0, 6, 1, 4, 8, 7]), tensor([5, 2]))
    """
    ### BEGIN SOLUTION
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    cut = int(valid_pct * n)
    return order[cut:], order[:cut]
    ### END SOLUTION


# %% check="split"
check("split", split)

# %% [markdown]
# ### A film that only the exam knows
#
# Now a question about order. You have a vocabulary and you have a split. Which comes first? It sounds clean to look at
# nothing but the training part, the vocabulary included. Try it for a few seeds:

# %% demo="vocabularies made from the training part alone"
if passed("build_vocab") and passed("encode") and passed("split"):
    known_film = ratings["title"].value_counts().index[:1].to_series()
    rows = {}
    for seed in range(5):
        train_rows, valid_rows = split(len(ratings), 0.2, seed)
        vocab = build_vocab(ratings["title"].iloc[np.asarray(train_rows)])
        positions = encode(ratings["title"].iloc[np.asarray(valid_rows)], vocab)
        strangers = ratings["title"].iloc[np.asarray(valid_rows)][np.asarray(positions) == 0]
        rows[seed] = [len(vocab), strangers.nunique(), len(strangers), encode(known_film, vocab).item()]
    columns = ["length of vocabulary", "films taken for #na#", "their ratings", f"position of {known_film.iloc[0]}"]
    display(pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("seed"))
    print(f"from the whole table: length {len(build_vocab(ratings['title'])):,}, whatever the seed")

# %% [markdown]
# Does the whole-table vocabulary cheat? No. It says which films *exist*, and not one star that anybody gave them. Nor does it
# help to predict: a film without a training rating has a position, but the row behind it stays as it was made. You will
# see that in a minute.

# %% [markdown] question="vocab_source"

# %% [markdown]
# ## An embedding is a table
#
# Positions are ready, so what does a model do with one? It keeps a table $W$ with a row for each entry of the vocabulary and
# a column for each factor. Position 2 means: take row 2.
#
# Written as mathematics, *take row 2* is a product. Make a vector as long as the vocabulary, all 0 but for a 1 at place 2.
# It is called **one-hot**. Multiplied by the table, every row is weighted with 0 and vanishes, except for one:
#
# $$(0, 0, 1, 0)\begin{pmatrix} w_{00} & w_{01} \\ w_{10} & w_{11} \\ w_{20} & w_{21} \\ w_{30} & w_{31} \end{pmatrix}
# = (w_{20}, w_{21})$$
#
# Why bother? Because a product of matrices is something that we know how to differentiate, so it is plain that such a table
# can be *learned*. A table whose rows are looked up by position and learned by gradient descent is called an **embedding**.
# The word sounds deeper than the thing is.
#
# Write the lookup as this product, for a whole batch of positions. (`table[index]` would pass the check as well. That
# it would is the point of this section, so do it the long way once.)


# %% exercise="lookup"
def lookup(index, table):
    """The table's rows at these positions, as one-hot vectors times the table.

    index: (batch,) positions, int64; table: (n, factors) floats. Returns (batch, factors).
    Example: tensor([2, 0]) gives row 2 and row 0 of the table, in this order.
    `nn.functional.one_hot(index, n)` gives one-hot vectors (batch, n) of whole numbers.
    """
    ### BEGIN SOLUTION
    return nn.functional.one_hot(index, len(table)).float() @ table
    ### END SOLUTION


# %% check="lookup"
check("lookup", lookup)

# %% [markdown]
# The check compared more than rows. It also asked which gradient arrives in the table, and `table[index]` gives exactly the
# same. Here is that gradient, for a batch of three positions in a table of six rows. One of them is in the batch twice:

# %% demo="the gradient of a lookup, and of the product"
if passed("lookup"):
    index = torch.tensor([4, 1, 4])
    for name, function in (("one-hot times table", lookup), ("table[index]", lambda index, table: table[index])):
        table = torch.zeros(6, 2, requires_grad=True)
        function(index, table).sum().backward()
        print(f"{name:20} gradient in row 0 to 5: {table.grad[:, 0].tolist()}")

# %% [markdown]
# Only rows that were looked up get a gradient, and a row that was looked up twice gets both. So a film learns when one of
# its ratings comes by, and *only* then. Remember this sentence; the second half of the lesson hangs on it.
#
# Same rows, same gradients. And the cost? With the real table, and a batch of 64:

# %% demo="the time that both take"
if passed("build_vocab") and passed("lookup"):
    table = torch.randn(len(build_vocab(ratings["title"])), 50)
    index = torch.randint(len(table), (64,))
    milliseconds = {}
    for name, function in (("one-hot times table", lookup), ("table[index]", lambda index, table: table[index])):
        times = []
        for _ in range(100):
            start = time.perf_counter()
            function(index, table)
            times.append(1000 * (time.perf_counter() - start))
        milliseconds[name] = float(np.median(times))
        print(f"{name:20} {milliseconds[name]:.4f} ms")
    slow, fast = milliseconds.values()
    print(f"{slow / fast:.0f} times as long, for the same rows: {torch.equal(lookup(index, table), table[index])}")
    print(f"products computed: {64 * table.numel():,}; numbers wanted: {64 * table.shape[1]:,}")

# %% [markdown] question="one_hot_cost"

# %% [markdown]
# ## An epoch
#
# A model is corrected after each batch. If a batch is one rating, a single odd opinion pulls the factors about. If it is
# the whole table, an epoch is one single correction. Something in between, 64 say, does well. Once through all training
# ratings is an **epoch**.
#
# Two things matter. **Every rating comes exactly once**, since a film learns only when a rating of its comes by. And **the
# order is shuffled, anew each time**, or else the same ratings would always pull together. If 64 does not divide the number
# of ratings, the last batch is smaller. That harms nobody.
#
# Again positions are enough.


# %% exercise="one_epoch"
def one_epoch(n, bs):
    """Yield the positions 0 to n - 1 in random order, bs at a time: each exactly once, the last batch may be smaller.

    n: number of rows; bs: batch size. Another order each time that it is called.
    Example: list(one_epoch(5, bs=2)) might be [tensor([3, 0]), tensor([4, 1]), tensor([2])]
    """
    ### BEGIN SOLUTION
    order = torch.randperm(n)
    for start in range(0, n, bs):
        yield order[start : start + bs]
    ### END SOLUTION


# %% check="one_epoch"
check("one_epoch", one_epoch)

# %% [markdown]
# That is all of it. Put the parts together, and the table comes out in batches as a network likes them: `x` with a column of
# user positions and a column of film positions, `y` with the stars.

# %% demo="your own loader, all parts together"
if passed("build_vocab") and passed("encode") and passed("split") and passed("one_epoch"):
    users, titles = build_vocab(ratings["user"]), build_vocab(ratings["title"])
    x = torch.stack([encode(ratings["user"], users), encode(ratings["title"], titles)], dim=1)
    y = torch.tensor(ratings["rating"].to_numpy())
    train_rows, valid_rows = (torch.as_tensor(np.asarray(part)) for part in split(len(ratings), 0.2, seed=42))
    batches = [(x[train_rows][rows], y[train_rows][rows]) for rows in list(one_epoch(len(train_rows), bs=64))[:2]]
    for batch_x, batch_y in batches:
        print(f"x {tuple(batch_x.shape)}: {batch_x[:3].tolist()} ...", end="   ")
        print(f"y {tuple(batch_y.shape)}: {batch_y[:3].tolist()} ...")
    user, title = batches[0][0][0].tolist()
    print(f"the first row in words: user {users[user]} gave {titles[title]} {batches[0][1][0]:g} stars")

# %% [markdown]
# ### Why positions, and not the columns themselves?
#
# Because a rating is a *row*: a user, a film, and the stars that this user gave to this film. `x[rows]` and `y[rows]` move
# together. Who shuffles columns instead, each on its own, has all the same values in all the same columns, an epoch in
# which each comes exactly once, and no error message:

# %% demo="what the baseline can learn when one column was shuffled without the others"
if passed("split"):
    train, valid = (ratings.iloc[np.asarray(part)] for part in split(len(ratings), 0.2, seed=42))
    torn = train.assign(rating=train["rating"].sample(frac=1, random_state=0).to_numpy())
    honest, spoiled = baseline_ladder(train, valid), baseline_ladder(torn, valid)
    print(f"damped biases: {honest['damped biases']:.3f} from whole rows,", end=" ")
    print(f"{spoiled['damped biases']:.3f} from stars shuffled on their own; always the mean: {honest['mean']:.3f}")

# %% [markdown]
# What is left is the mean, with some noise on top. Had you not known the first number, would you have noticed?
#
# ## Look into somebody else's loader
#
# You will not always write your own. fastai, the library that we train with, has a class for just this purpose,
# `CollabDataLoaders`; one line, and everything you did today is done. Surely it shows each rating once an epoch?
#
# *Surely* is no measurement. Take one epoch of its batches and count how often each pair of user and film came by. (Films
# go by id here, so that no pair is in the table twice.) Beside it is the same class with another loader inside,
# `dl_type=TabDataLoader`, and your own `one_epoch`.

# %% demo="how often one epoch shows each rating: three loaders"


def times_shown(dls):
    """How often one epoch of fastai's training loader shows each of its rows: an array (n_rows,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fastai and pandas 3 disagree about arrays that may not be written to
        pairs = torch.cat([x for x, y in dls.train]).numpy()
    _, counts = np.unique(pairs, axis=0, return_counts=True)
    return np.concatenate([counts, np.zeros(len(dls.train.items) - len(counts), dtype=int)])


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    as_it_comes = FastaiLoaders.from_df(ratings, item_name="movie", bs=64, seed=42)
    cured = FastaiLoaders.from_df(ratings, item_name="movie", bs=64, seed=42, dl_type=TabDataLoader)
n_train = len(as_it_comes.train.items)
counts = {"fastai, as it comes": times_shown(as_it_comes), "fastai, dl_type=TabDataLoader": times_shown(cured)}
if passed("one_epoch"):
    mine = np.concatenate([np.asarray(rows) for rows in one_epoch(n_train, bs=64)])
    counts["your one_epoch"] = np.bincount(mine, minlength=n_train)
display(plots.times_seen(counts))
for name, times in counts.items():
    different = np.count_nonzero(times)
    print(f"{name:30} shows {times.sum():,} ratings, {different:,} different ones: {different / n_train:.1%}")
print(f"1 - (1 - 1/n)^n is {1 - (1 - 1 / n_train) ** n_train:.1%}, and 1 - 1/e is {1 - 1 / math.e:.1%}")

# %% [markdown]
# Every epoch has the right number of ratings. But as it comes, fastai's loader *draws* them, and what was drawn goes back
# into the urn. So some come twice, some three times or more, and over a third do not come at all.
#
# Why just this share? A certain rating is missed by one draw with probability $1 - \frac{1}{n}$, and by
# all $n$ draws of an epoch with
#
# $$\left(1 - \frac{1}{n}\right)^n \approx \frac{1}{e}.$$
#
# How does such a thing happen? The loader inside is made for tables in which some rows are to count more than others, and
# then drawing rows by weight is a fair way. Without weights nothing remains of the purpose, but the drawing does. Nobody gets a
# message, training works, the loss falls. But something was thrown away. Take the baseline, which we understand, and let it
# learn from what such an epoch shows, held against the same hidden ratings as ever:

# %% demo="the baseline, learned from what an epoch with replacement shows"
if passed("split"):
    train, valid = (ratings.iloc[np.asarray(part)] for part in split(len(ratings), 0.2, seed=42))
    rng = np.random.default_rng(0)
    print(f"from each rating once:     {baseline_ladder(train, valid)['damped biases']:.3f}")
    for _ in range(3):
        drawn = train.iloc[rng.integers(len(train), size=len(train))]
        print(f"from an epoch as it draws: {baseline_ladder(drawn, valid)['damped biases']:.3f}")

# %% [markdown]
# ### Play: how long until everything was shown?
#
# A network trains for more than one epoch, and the next one draws anew. So perhaps it evens out? Choose the number of
# epochs. The points are counted, by drawing; the line is $n\,(1 - 1/n)^{n \cdot \text{epochs}}$.
#
# - How many epochs does it take until fewer than a hundred are left? And until none is?
# - You train five epochs. How many ratings has your model never seen, though you paid somebody to collect them?

# %% demo="a slider for the number of epochs with replacement"


def still_unseen(epochs):
    rng = np.random.default_rng(epochs)
    seen, unseen = np.zeros(n_train, dtype=bool), []
    for _ in range(epochs):
        seen[rng.integers(n_train, size=n_train)] = True
        unseen.append(int(n_train - seen.sum()))
    return plots.never_shown(unseen, n_train)


_ = interact(still_unseen, epochs=IntSlider(value=5, min=1, max=14, continuous_update=False))

# %% [markdown]
# Each epoch leaves the same share of what was left, so the number falls by the same factor each time, which is slow for the
# last ones. And that is half of the damage only: when every rating has been seen at last, some have been seen many times
# more than others, as if those people had more voices.
#
# From here on all lessons use `collabkit`'s loaders, which do what your functions do: each rating once.

# %% [markdown] question="honest_epoch"

# %% [markdown]
# ## Does the number come out again?
#
# Whoever rebuilds a pipeline should first get an *old* result out of it. The damped biases of lesson 1 were computed with
# pandas, from columns of ids. Now compute their error again from batches of positions: one lookup for the user's bias, one
# for the film's, batch by batch.
#
# The loaders take the table, the column of films and a seed. `classes` are the vocabularies, from the whole table.

# %% demo="the loaders, for the lessons to come"
dls = CollabDataLoaders.from_df(ratings, item_name="movie", bs=64, seed=42, device="cpu")

# %% demo="the damped biases, by columns and by batches"
biases = damped_biases(dls.train_df)
user_bias = torch.tensor(biases.user_bias.reindex(dls.classes["user"], fill_value=0.0).to_numpy())  # (n_users,)
movie_bias = torch.tensor(biases.movie_bias.reindex(dls.classes["movie"], fill_value=0.0).to_numpy())  # (n_movies,)

squared_errors = n_seen = 0
for x, y in dls.valid:
    predictions = biases.mean + user_bias[x[:, 0]] + movie_bias[x[:, 1]]  # (rows,)
    squared_errors += ((predictions - y.squeeze(-1)) ** 2).sum().item()  # y is (rows, 1)
    n_seen += len(x)
rungs = baseline_ladder(dls.train_df, dls.valid_df)
print(f"by columns, with pandas: {rungs['damped biases']:.6f}")
print(f"by batches of positions: {squared_errors / n_seen:.6f}  ({n_seen:,} ratings in {len(dls.valid):,} batches)")

# %% [markdown]
# `reindex` puts the biases in the order of the vocabulary: the two tensors are embeddings with a single factor, filled by
# hand. `#na#` and whoever has no training rating get a 0, so a stranger counts as average. A good reason to have them in
# the table.
#
# The two agree, so no rating was lost, none came twice, and no film was taken for its neighbour. Here is the ladder. There
# is no new rung on it today, but it now stands on batches:

# %% demo="the ladder, its last rung computed from batches"
display(plots.ladder({**rungs, "damped biases": squared_errors / n_seen}))

# %% [markdown]
# ## What you take along
#
# - A vocabulary turns names into positions: `#na#` first, the rest sorted, from the whole table. Unseen is 0.
# - A position in the vocabulary is no knowledge. A row learns only when one of its ratings comes by.
# - One-hot times table is a row of the table, gradient included. Nobody multiplies it out.
# - A split is disjoint, complete, random, and repeatable.
# - In an epoch each rating comes exactly once, in a new order. Drawing with replacement leaves out a share of $1/e$.
# - Loaders lose ratings in silence. Count.
#
# **Next**: the embeddings at the end were filled by hand, with one number a row. *Lesson 3* gives each row fifty numbers,
# all of them random, and a model that learns what should stand there.

# %% demo="what this session has earned"
progress()
