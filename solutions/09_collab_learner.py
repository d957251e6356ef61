# %% [markdown]
# # 9. The same in three lines
#
# For eight lessons you have built a recommender out of its smallest parts. There is a library that has all of it
# ready, fastai, and with it the whole thing takes three lines: loaders, learner, fit. Today you use them. But
# ready-made code does what it *does*, which is not always what its name says. So you also take it apart: you show,
# to six digits, that its model is the one that you wrote. And when its result turns out worse than yours, you find
# out why, and mend it.
#
# **You will be able to**
#
# - train a recommender with `collab_learner`, from a CSV file or a DataFrame, and say what each argument does;
# - read a printed model, and carry its weights over into a model of your own;
# - compare two models so that the comparison means something;
# - find a fault that gives no error message: by suspects, by elimination, by counting;
# - get predictions out of a learner for any pairs that you like.
#
# **Time**: about 80 minutes. **Points**: 8. Stuck? `hint("train_recommender")` gives the next hint, as often as you
# ask.

# %%
import inspect
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd
import torch
from fastai.collab import CollabDataLoaders, collab_learner
from fastai.tabular.core import TabDataLoader
from fastai.tabular.model import get_emb_sz
from fastai.torch_core import set_seed
from ipywidgets import Dropdown, IntSlider, interact

from autograde import check, hint, passed, progress
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders as OurLoaders
from collabkit.batches import RatingLoader
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import fit

ratings = load_ratings()
torch.set_num_threads(1)  # for a model this small a second thread gains nothing
# fastai 2.8 and pandas 3 disagree about arrays that may not be written to; nothing here writes to them
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

# %% [markdown]
# `CollabDataLoaders` and `collab_learner` are fastai's; the loaders that you know from earlier lessons are here
# under the name `OurLoaders`. `DotProductBias` is the class that you wrote in lessons 4 and 5.
#
# ## Three lines
#
# Ratings often come as a CSV file, a row for each, with the columns user, film, rating. For a first try write a
# small one: the hundred most active users and the hundred films with most ratings.

# %% demo="from a CSV file to a trained model"
active, known = (ratings[name].value_counts().index[:100] for name in ("user", "title"))
few = ratings[ratings["user"].isin(active) & ratings["title"].isin(known)][["user", "title", "rating"]]

set_seed(42)  # Python's, NumPy's and PyTorch's random numbers
with tempfile.TemporaryDirectory() as folder:
    csv = Path(folder) / "ratings.csv"
    few.to_csv(csv, index=False)
    small_dls = CollabDataLoaders.from_csv(csv, bs=64, seed=42)
small_learn = collab_learner(small_dls, y_range=(0.5, 5.5))
small_learn.fine_tune(5)

# %% [markdown]
# That was all. A file went in, a recommender came out, and this is what it says about some ratings that it was not
# shown:

# %% demo="predictions beside ratings, and what was frozen"
trainable = [name for name, parameter in small_learn.model.named_parameters() if parameter.requires_grad]
print("groups of layers:", len(small_learn.opt.param_lists), "  learned:", ", ".join(trainable))
print(f"epochs in the second table: {len(small_learn.recorder.values)}", end="")
print(f", highest learning rate there: {max(small_learn.recorder.lrs):g} (the default of `fine_tune` is 0.002)")
small_learn.show_results(max_n=6)

# %% [markdown]
# Users and films appear as positions in the vocabulary. The name `fine_tune` promises something, and the two tables of
# numbers above do not quite look like it.

# %% [markdown] question="what_fine_tune_did"

# %% [markdown]
# So for a model that starts from nothing use what you know, `fit_one_cycle`. Now all ratings, from a DataFrame.
# fastai takes the first three columns for user, item and rating, unless it is told otherwise; we prefer titles to
# ids. And since fastai spends most of its time *between* the steps, on callbacks and loading, we take batches of
# 128 today: half as many steps, in half the time. (Nothing is learned from validation, so there large batches,
# `val_bs`, only save time.)

# %%


def fastai_loaders():
    """fastai's loaders for all ratings, each time the same: the split by `seed`, the order by `set_seed`."""
    set_seed(42)
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=128, val_bs=1024, seed=42)


# %% demo="what is in the loaders"
dls = fastai_loaders()
dls.show_batch(max_n=4)
x, y = dls.one_batch()
print("x:", tuple(x.shape), str(x.dtype), "  y:", tuple(y.shape), str(y.dtype))
print("the vocabularies:", {name: f"{len(places):,} places" for name, places in dls.classes.items()})
print("places 0 to 3 of the titles:", list(dls.classes["title"][:4]))

# %% [markdown]
# You know all of this: `x` with a column of users and one of films, `y` of shape `(128, 1)`, vocabularies with
# `#na#` in front. Two things you would not expect:

# %% demo="two surprises: types and vocabularies"
whole = ratings.assign(rating=ratings["rating"].round().astype(int))
as_whole_numbers = CollabDataLoaders.from_df(whole, item_name="title", seed=42)
print("ratings as whole numbers become", as_whole_numbers.one_batch()[1].dtype)
by_id = CollabDataLoaders.from_df(ratings, item_name="movie", seed=42)
for column, loaders in (("title", dls), ("movie", by_id)):
    print(f"{column}: {ratings[column].nunique():,} different ones, {len(loaders.classes[column]):,} places")

# %% [markdown]
# - fastai makes a table as small as it can, and a whole number from 1 to 5 fits into eight bits. The loss of this
#   lesson does not mind. Another one will, in lesson 10.
# - A vocabulary has one place more than there are names, for `#na#`. With titles that is so. With ids, fastai keeps
#   to those of the *training* part, and a film that happens to have all its ratings in the other fifth has no place
#   at all. (Titles are turned into categories before the split, ids are not.) With MovieLens some films are lost in
#   this way; the planted world has so few films that each of them is on both sides.
#
# ## Your learner
#
# `collab_learner` needs the loaders. `n_factors` is how many numbers each user and film get, and `y_range` is the
# range of lesson 5. The Learner that comes back already holds a loss, `MSELossFlat`, and Adam. Its `fit_one_cycle`
# takes the epochs, the highest learning rate, and `wd`, the decay of lesson 6. Leave `wd` out, and fastai's Adam
# decays all the same: by 0.01.


# %% exercise="train_recommender"
def train_recommender(dls, epochs=5, lr=5e-3, wd=0.1):
    """Train fastai's dot product with biases: 50 factors, range (0, 5.5), one cycle. Return the Learner."""
    ### BEGIN SOLUTION
    learn = collab_learner(dls, n_factors=50, y_range=(0, 5.5))
    learn.fit_one_cycle(epochs, lr, wd=wd)
    return learn
    ### END SOLUTION


# %% check="train_recommender"
check("train_recommender", train_recommender)

# %% [markdown]
# And now for real, with the decay of lesson 6. Beside it, the model that you wrote, with our loaders, by
# `fit`. The ratings held back are the same for both.


# %%
def validation(learn):
    """The validation loss after each epoch: the second number of each row that fastai's recorder keeps."""
    return [float(row[1]) for row in learn.recorder.values]


# %% demo="fastai's three lines beside your own model"
ours = OurLoaders.from_df(ratings, item_name="title", bs=128, seed=42, device="cpu")
torch.manual_seed(42)
own_model = DotProductBias(ours.n_users, ours.n_items, 50)
curves = {"your model, our loaders": fit(own_model, ours, epochs=5, lr=5e-3, wd=0.1, seed=42, bar=False).valid_losses}
if passed("train_recommender"):
    dls = fastai_loaders()
    learn = train_recommender(dls)
    curves["fastai as it comes"] = validation(learn)
for name, losses in curves.items():
    print(f"{name:24} mean squared error after the last epoch {losses[-1]:.3f}")

# %% [markdown]
# The library is worse than you are. By how much does not look like a lot; but look back at the ladder, where whole
# lessons were worth less. And no one complained: there was no error, no warning, a loss that fell nicely. Had you
# not known what *should* come out, you would have been content.
#
# Who did it? There are three suspects, **the model**, **the training** and **the loaders**, since there is nothing
# else. Take them one by one.
#
# ## The first suspect: the model
#
# Print it. A model prints its layers, with names and sizes; `named_parameters()` lists the tables behind them.

# %% demo="fastai's model, printed"
if passed("train_recommender"):
    print(learn.model)
    for name, parameter in learn.model.named_parameters():
        print(f"{name:16} {tuple(parameter.shape)!s:12} {parameter.numel():>7,} numbers")
    print("loss:", learn.loss_func, "  range:", learn.model.y_range)
    print("get_emb_sz(dls):", get_emb_sz(dls), "(made for networks, and not used here)")

# %% [markdown] question="how_many_numbers"

# %% [markdown]
# `u` is the user, `i` the item, `weight` are the factors. It looks like your `DotProductBias`: four tables of the
# same sizes. (In the literature it is called *probabilistic matrix factorisation*, after Salakhutdinov and Mnih,
# who in 2007 derived the squared error and the decay from a model of probabilities.)
#
# But looking alike is no proof. Here is a proof: make a `DotProductBias` of the same form, put *their* numbers into
# it, and see whether it says the same about everything.
#
# | fastai's `EmbeddingDotBias` | your `DotProductBias` |
# |---|---|
# | `u_weight` | `user_factors` |
# | `i_weight` | `movie_factors` |
# | `u_bias`, `i_bias` | `user_bias`, `movie_bias` |
# | `y_range` | `y_range` |
#
# Each of the eight is an `Embedding`, and an embedding's numbers are its `.weight`. Copy them: the two models must
# not share a table. And make no use of the sizes of our data, since they are in the shapes.


# %% exercise="same_model"
def same_model(theirs):
    """Carry the weights of fastai's EmbeddingDotBias over into a new DotProductBias, and return that.

    Theirs stays as it is. Yours is made by `DotProductBias(n_users, n_movies, n_factors, y_range=...)`.
    """
    ### BEGIN SOLUTION
    n_users, n_factors = theirs.u_weight.weight.shape
    n_movies = theirs.i_weight.weight.shape[0]
    mine = DotProductBias(n_users, n_movies, n_factors, y_range=theirs.y_range)
    with torch.no_grad():
        mine.user_factors.weight.copy_(theirs.u_weight.weight)
        mine.movie_factors.weight.copy_(theirs.i_weight.weight)
        mine.user_bias.weight.copy_(theirs.u_bias.weight)
        mine.movie_bias.weight.copy_(theirs.i_bias.weight)
    return mine
    ### END SOLUTION


# %% check="same_model"
check("same_model", same_model)

# %% [markdown]
# To compare two models you ask both about the same rows. Three things can go wrong:
#
# - Many models behave differently while they learn: they drop some of their numbers at random, or adapt to the
#   batch that they are in. `model.eval()` puts a model into the mode in which it predicts. Today's models have no
#   such layers, the next lesson's do.
# - One model may answer with `(rows,)`, another with `(rows, 1)`. You know what subtraction does with them.
# - A mean is forgiving. One row that is completely wrong disappears among thousands. Ask for the largest difference.


# %% exercise="largest_difference"
def largest_difference(one, other, x):
    """The largest distance between the predictions of two models for the rows of x, in stars, as a float."""
    ### BEGIN SOLUTION
    one.eval()
    other.eval()
    with torch.no_grad():
        return (one(x).flatten() - other(x).flatten()).abs().max().item()
    ### END SOLUTION


# %% check="largest_difference"
check("largest_difference", largest_difference)

# %% demo="their model and yours, on all ratings held back"
if passed("train_recommender") and passed("same_model") and passed("largest_difference"):
    mine = same_model(learn.model)
    valid_x = torch.cat([x for x, y in dls.valid])
    print(
        f"{len(valid_x):,} ratings held back: largest difference {largest_difference(learn.model, mine, valid_x):.1e}"
    )
    stranger = DotProductBias(*(len(places) for places in dls.classes.values()))
    print(f"beside a model with other weights: {largest_difference(learn.model, stranger, valid_x):.1e}")

# %% [markdown]
# Zero, to the last digit, where a model with other weights is stars away. One might say the same with less care,
# though. Here are your four tables once more, and the same sum; only the two biases are added to each other first.


# %% demo="the same sum in another order"
class OtherOrder(torch.nn.Module):
    """Adds the two biases, and the dot product to their sum."""

    def __init__(self, tables):
        super().__init__()
        self.tables = tables

    def forward(self, x):
        users, movies = x.T
        biases = self.tables.user_bias(users) + self.tables.movie_bias(movies)
        dot = (self.tables.user_factors(users) * self.tables.movie_factors(movies)).sum(dim=1, keepdim=True)
        low, high = self.tables.y_range
        return torch.sigmoid(biases + dot) * (high - low) + low


if passed("train_recommender") and passed("same_model") and passed("largest_difference"):
    print(f"largest difference: {largest_difference(learn.model, OtherOrder(mine), valid_x):.1e}")

# %% [markdown] question="not_quite_zero"

# %% [markdown]
# The first suspect is innocent. It is your model, under other names.
#
# ## The second suspect: the training
#
# Now turn it round. Train *your* model on *their* loaders, with `fit`, from the same start and with the same
# batches in the same order. If fastai's training were to blame, yours would do better.

# %% demo="your model on fastai's loaders"
if passed("train_recommender"):
    same_dls = fastai_loaders()
    twin = DotProductBias(*(len(places) for places in same_dls.classes.values()))
    curves["your model, fastai's loaders"] = fit(twin, same_dls, epochs=5, lr=5e-3, wd=0.1, bar=False).valid_losses
    display(plots.learning_curves(curves))
    apart = max(
        abs(a - b) for a, b in zip(curves["fastai as it comes"], curves["your model, fastai's loaders"], strict=True)
    )
    print(f"largest distance between the losses of fastai as it comes and your model on its loaders: {apart:.1e}")

# %% [markdown]
# Two of the three curves lie on top of each other, so exactly that you see only one of them. (After the random
# start was set to the same number, both draw the same first weights and the same batches.) The model is yours, the
# training is yours, and the bad result is still there. Only one suspect is left.
#
# ## The third suspect: the loaders
#
# What should a loader do in an epoch? Bring each rating of the training part, once. You met a loader in lesson 2
# that did not. Whether this one does is a question that you can settle by counting: go through all batches of an
# epoch, and note how often each pair of user and film came by.


# %% exercise="times_seen"
def times_seen(batches, pairs):
    """How often each pair came by in the batches, as a tensor (n,) of whole numbers in the order of `pairs`.

    batches: something to go through that gives (x, y) with x of shape (rows, 2); pairs: (n, 2), all different.
    Example: x [[1, 5], [2, 6]] and then x [[1, 5]], with pairs [[2, 6], [3, 7], [1, 5]], give [1, 0, 2].
    """
    ### BEGIN SOLUTION
    seen = Counter(tuple(pair) for x, *_ in batches for pair in x.tolist())
    return torch.tensor([seen[tuple(pair)] for pair in pairs.tolist()])
    ### END SOLUTION


# %% check="times_seen"
check("times_seen", times_seen)


# %%
def training_pairs(dls):
    """Positions of user and film of the training ratings, (n, 2), without the few pairs that have two ratings.

    (Two ids with one title are one film here, and some users have rated both.)
    """
    table = dls.train.items[["user", "title"]].drop_duplicates(keep=False)
    return torch.from_numpy(table.to_numpy().astype("int64"))


# %% demo="how often fastai's loader shows each rating"
if passed("times_seen"):
    dls = fastai_loaders()
    pairs = training_pairs(dls)
    times = torch.as_tensor(times_seen(dls.train, pairs))
    counts = {"fastai as it comes": times}
    display(plots.times_seen(counts))
    print(f"{len(pairs):,} training ratings, of which one epoch showed {(times > 0).float().mean():.1%}")
    print(f"the loader is a {type(dls.train).__name__}, and this is how it chooses the rows of an epoch:\n")
    print(inspect.getsource(type(dls.train).get_idxs))

# %% [markdown]
# Here it is. More than a third of the ratings do not come by, others come twice or more often. The last line of the
# code says why: `np.random.choice(self.n, self.n, p=self.wgts)` *draws* as many rows as there are, each time from
# all of them, with weights. The class was made for tables in which some rows should count more than others. Nobody
# has given it weights, so all are equal, and what remains is drawing with replacement.

# %% [markdown] question="what_gave_it_away"

# %% [markdown]
# ## Mend it
#
# Nothing has to be written for it, only chosen. `from_df` hands on what it does not know itself to the loaders, and
# one such option is their class, `dl_type`. `TabDataLoader`, the parent of the one above, shuffles as it should.
#
# There is a second, smaller leak: a training loader of fastai drops the last batch of an epoch if it is not full
# (`drop_last`), so up to 127 of ours are left out each time. In *your* loaders each rating comes exactly once, the
# last few included.


# %% exercise="mended_loaders"
def mended_loaders(ratings, bs=64, seed=42):
    """fastai's CollabDataLoaders for films by title; an epoch shows each training rating exactly once, shuffled.

    ratings: a table with the columns user, movie, rating, title, perhaps more. A fifth is held back, by `seed`.
    """
    ### BEGIN SOLUTION
    return CollabDataLoaders.from_df(
        ratings, item_name="title", bs=bs, seed=seed, dl_type=TabDataLoader, drop_last=False
    )
    ### END SOLUTION


# %% check="mended_loaders"
check("mended_loaders", mended_loaders)

# %% demo="counted again, with your loaders"
if passed("times_seen") and passed("mended_loaders"):
    set_seed(42)
    mended = mended_loaders(ratings, bs=128)
    counts["your loaders"] = torch.as_tensor(times_seen(mended.train, training_pairs(mended)))
    display(plots.times_seen(counts))

# %% [markdown]
# And now the same three lines once more.

# %% demo="fastai's learner on the mended loaders"
if passed("train_recommender") and passed("mended_loaders"):
    set_seed(42)
    mended = mended_loaders(ratings, bs=128)
    learn = train_recommender(mended)
    curves["fastai, mended"] = validation(learn)
    shown = ("fastai as it comes", "fastai, mended", "your model, our loaders")
    display(plots.learning_curves({name: curves[name] for name in shown}))

# %% [markdown]
# What you built by hand and what a library does are the same, once the library does what it should.
#
# But be careful: this was one split and one start. Is it luck? `fit` is quick, and to draw with replacement is a
# change of one line in our own loader, so let both ways compete on five splits, with strong decay and with weak.

# %%


class DrawingLoader(RatingLoader):
    """A loader with fastai's fault: as many rows as there are, drawn with replacement."""

    def get_idxs(self):
        return torch.randint(self.n, (self.n,), generator=self.generator)


def once_and_drawn(split, wd, epochs=5):
    """Two trainings on one split from one start, each rating once an epoch, and drawn. Returns their histories."""
    once = OurLoaders.from_df(ratings, item_name="title", bs=128, seed=split, device="cpu")
    drawn = OurLoaders(DrawingLoader(once.train_ds, bs=128, shuffle=True, seed=split), once.valid)
    histories = []
    for loaders in (once, drawn):
        torch.manual_seed(split)
        model = DotProductBias(once.n_users, once.n_items, 50)
        histories.append(fit(model, loaders, epochs=epochs, lr=5e-3, wd=wd, seed=split, bar=False))
    return histories


# %% demo="each rating once against drawing, on five splits"
if passed("mended_loaders"):
    rows = {}
    for split in (42, 1, 2, 3, 4):
        for wd in (0.01, 0.1):
            once, drawn = (history.final for history in once_and_drawn(split, wd))
            rows.setdefault(split, {}).update({(f"decay {wd:g}", "each once"): once, (f"decay {wd:g}", "drawn"): drawn})
    table = pd.DataFrame(rows).T.rename_axis("split")
    display(table.round(3))
    cost = table.xs("drawn", axis=1, level=1) - table.xs("each once", axis=1, level=1)
    worse = int((cost > 0).to_numpy().sum())
    print(f"drawing is worse in {worse} of {cost.size} trainings, by {cost.to_numpy().mean():.3f} on average")

# %% [markdown]
# ### Play: can one train it away?
#
# Perhaps more epochs make up for it, since every epoch draws anew? Or more decay? Try to make the two curves meet. The
# dashed lines are the training losses: what does the one for drawing look like, and why would you trust it?

# %% demo="choose epochs and decay: each once against drawn"
if passed("mended_loaders"):

    def compete(epochs, wd):
        once, drawn = once_and_drawn(42, wd, epochs)
        return plots.learning_curves({"each rating once": once, "drawn with replacement": drawn})

    slider = IntSlider(value=5, min=2, max=12, continuous_update=False)
    _ = interact(compete, epochs=slider, wd=Dropdown(options=[0.0, 0.01, 0.1, 0.3], value=0.1, description="decay"))

# %% [markdown]
# Settings move both curves, and drawing stays behind for as long as either is worth having. (On MovieLens, twelve
# epochs with hardly any decay do close the gap: both models then know the training ratings by heart, and are worse
# than each film's mean.) Nor does a training loss warn you. With decay 0.1, five epochs and MovieLens the dashed
# line of the drawn ratings even lies *lower*, since what comes twice in an epoch is easier to learn by heart. It is
# the other side of the same thing: a model that sees fewer different ratings has fewer to learn from, and overfits
# sooner. (In the planted world five epochs are too short for any learning by heart, and the solid lines tell only
# who has got further.)
#
# ## Use it
#
# A learner that is trained well should also be of use. Its model knows names: `bias(titles)` and `weight(titles)`
# give a film's numbers, and with `is_item=False` a user's. These are the films that are liked beyond what their
# factors explain:

# %% demo="films with the highest bias, asked by name"
if passed("train_recommender") and passed("mended_loaders"):
    titles = ratings["title"].value_counts().index[:500].tolist()
    bias = pd.Series(learn.model.bias(titles, is_item=True).numpy(), index=titles).sort_values(ascending=False)
    display(bias.head(8).round(2).rename("bias").to_frame())
    print("factors of the first:", tuple(learn.model.weight(bias.index[:1].tolist(), is_item=True).shape))

# %% [markdown]
# (Both first move their table to the CPU, and leave it there. If you train on a GPU, move the model back before you
# go on: `learn.model.to(learn.dls.device)`.)
#
# For a prediction, every fastai learner has `predict`. Ask it about the first row of the table:

# %% demo="predict fails for this learner"
if passed("train_recommender") and passed("mended_loaders"):
    try:
        learn.predict(ratings.iloc[0])
    except TypeError as error:
        print(f"TypeError: {error}")

# %% [markdown]
# It stops somewhere deep inside, with this version of fastai. There is another way: make a *loader* of the pairs
# that you are interested in. `dls.test_dl(table)` does it, with the vocabularies of the training; a user or film
# that is not in them becomes `#na#`. Its batches are tuples whose first part is `x`, and often the only one. What
# goes in is as ever: `x` into the model.
#
# (`learn.get_preds(dl=...)` would do this for you, and does it well, except for a table with a single row.)


# %% exercise="predict_ratings"
def predict_ratings(learn, pairs):
    """The predicted ratings for a table with the columns user and title, as a tensor (n,) in the order of its rows."""
    ### BEGIN SOLUTION
    learn.model.eval()
    with torch.no_grad():
        return torch.cat([learn.model(x) for x, *_ in learn.dls.test_dl(pairs)])
    ### END SOLUTION


# %% check="predict_ratings"
check("predict_ratings", predict_ratings)

# %% demo="five films for a user"
if passed("train_recommender") and passed("mended_loaders") and passed("predict_ratings"):
    user = ratings["user"].value_counts().index[100]
    seen = set(ratings.loc[ratings["user"] == user, "title"])
    candidates = pd.DataFrame({"title": [title for title in titles if title not in seen]}).assign(user=user)
    candidates["prediction"] = torch.as_tensor(predict_ratings(learn, candidates[["user", "title"]])).numpy()
    print(f"user {user}, of the {len(titles)} films with most ratings those that are still unseen:")
    display(candidates.nlargest(5, "prediction")[["title", "prediction"]].round(2))

# %% [markdown]
# The five highest predictions: whether that makes a good *list* is another question, and lesson 11 asks it.
#
# ## The ladder
#
# Two rungs today, which are one model.

# %% demo="the ladder with today's rungs"
rungs = baseline_ladder(ours.train_df, ours.valid_df)
rungs.update({name: losses[-1] for name, losses in curves.items() if name != "your model, fastai's loaders"})
display(plots.ladder(rungs))

# %% [markdown]
# ## What you take along
#
# - Loaders, learner, fit: `CollabDataLoaders.from_df`, `collab_learner(dls, n_factors=50, y_range=(0, 5.5))`,
#   `fit_one_cycle(5, 5e-3, wd=0.1)`. `fine_tune` is for models that were trained before.
# - fastai's `EmbeddingDotBias` is your `DotProductBias`: same tables, same formula, same predictions.
# - Compare in `eval()`, flattened, by the largest difference. The last digit of a float is not a difference.
# - A fault without a message is found by a number known from elsewhere, by suspects, by elimination, and by counting.
# - `dl_type=TabDataLoader, drop_last=False`: each rating exactly once.
# - `test_dl` makes batches of whatever you want to know.
#
# **Next**: a product of factors is one way to combine a user and a film. *Lesson 10* lets a network find its own,
# and asks whether it finds a better one.

# %% demo="what this session has earned"
progress()
