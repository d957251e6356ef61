# %% [markdown]
# # 12. The best you can
#
# You have built everything that there is in this field's best-known model, from a dot product of two lists to a service
# that goes wrong while its numbers look good. This is the last lesson, and nobody tells you what to write. You get
# ratings and ten seconds of a processor, and you give back a model. The judge holds ratings that you have never seen,
# and measures. Everything that you made may be used, and everything in `collabkit`.
#
# Before that comes a question on which careers have been built and broken: when can an error be believed?
#
# **You will be able to**
#
# - choose among models and still publish an error that means something;
# - say why two published errors can seldom be compared, and what must be known of them first;
# - bring all parts of the course together in one function that trains within its time;
# - say what the best error still does not tell, and where to go from here.
#
# **Time**: about 75 minutes. **Points**: 8. Stuck? `hint("best_model")` gives the next hint, as often as you ask.

# %%
import time

import numpy as np
import pandas as pd
import torch
from ipywidgets import IntSlider, SelectionSlider, interact

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import baseline_ladder, damped_biases, predict_biases
from collabkit.batches import CollabDataLoaders, encode, random_split
from collabkit.beyond import BEYOND, TimeSVDPlusPlus
from collabkit.functional import mse, rmse
from collabkit.models import DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import BEST, BOOK, FAST, fit

ratings = load_ratings()[["user", "movie", "rating", "timestamp"]]
mine, aside = random_split(len(ratings), 0.2, seed=42)
to_learn = ratings.iloc[mine.numpy()].reset_index(drop=True)
to_test = ratings.iloc[aside.numpy()].reset_index(drop=True)

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# ## The ladder so far
#
# One step at a time, on one split: these are the rungs that you have climbed. Lengths are mean squared errors, as in all
# lessons; below, we take the root, since it is in stars.


# %% demo="the ladder of the course"
def trained_on(table, preset, seed=42, valid_pct=0.01):
    """A DotProductBias with this preset's settings, and the loaders that it was trained with."""
    dls = CollabDataLoaders.from_df(table, valid_pct=valid_pct, bs=preset.bs, seed=seed, device="cpu")
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items, preset.n_factors)
    fit(model, dls, **preset.settings, seed=seed, bar=False)
    return model, dls


def stars_of(model, dls, pairs):
    """The stars that a model predicts for a table of pairs."""
    x = torch.stack([encode(pairs["user"], dls.classes["user"]), encode(pairs["movie"], dls.classes["movie"])], dim=1)
    with torch.no_grad():
        return model(x)


rungs = baseline_ladder(to_learn, to_test)
for name, preset in {"biases, range, decay": BOOK, "settings that were searched for": BEST}.items():
    rungs[name] = mse(stars_of(*trained_on(to_learn, preset), to_test), to_test["rating"].to_numpy())
display(plots.ladder(rungs))

# %% [markdown]
# ## An error that can be believed
#
# You are going to try things: factors, decay, epochs, other models. Each try ends in an error on validation ratings, and
# you keep what has the lowest. Nothing is wrong with that. What goes wrong is the next step, to publish that lowest
# error. Let us look at how wrong it is, in a case where we know that there is *nothing* to choose: forty times the very
# same model with the very same settings. Only the seed differs.
#
# Each is measured on a few validation ratings, and on all the others that were set aside, which play the part of the
# future. Move the sliders. How much does the winner promise, and how much does it keep?

# %% demo="forty equal models"
tries = [stars_of(*trained_on(to_learn, FAST, seed), to_test).numpy() for seed in range(40)]
squared = (np.stack(tries) - to_test["rating"].to_numpy()) ** 2  # (40, n_test)


def best_of(n_tries=40, n_choose=250, rounds=300):
    """The mean RMSE of the first try and of the best of n_tries: on ratings that chose it, and on all others."""
    rng = np.random.default_rng(0)
    promised, kept = [], []
    for _ in range(rounds):
        rows = rng.choice(squared.shape[1], n_choose, replace=False)
        errors = squared[:n_tries, rows].mean(axis=1)
        winner = errors.argmin()
        promised.append(errors[winner])
        kept.append((squared[winner].sum() - squared[winner, rows].sum()) / (squared.shape[1] - n_choose))
    return np.sqrt(np.mean(promised)), np.sqrt(np.mean(kept))


def promises(n_choose=250):
    numbers = [1, 2, 3, 5, 10, 20, 40]
    promised, kept = zip(*(best_of(n, n_choose) for n in numbers))
    curves = {"promised, on what it was chosen by": promised, "kept, on all others": kept}
    return plots.panels(numbers, {f"RMSE of the best, chosen by {n_choose} ratings": curves}, "models tried")


display(promises())
_ = interact(promises, n_choose=SelectionSlider(options=[50, 100, 250, 1000, 5000], value=250, continuous_update=False))

# %% [markdown]
# The upper line is flat: the winner is no better than the first one, as it must be. The lower line falls with each model
# that you try. Nobody cheated, no rating was trained on, and still the validation ratings have *leaked*, through the
# choice. The fewer ratings you choose by, and the more you try, the more of what you see is luck.
#
# The remedy is older than all our models: **three parts**. Learn on the first. Choose by the second, as often as you
# like. Look at the third *once*, when nothing is left to decide, and publish what you see. And as the second part has
# done its work once the choice is made, train the chosen setting on the first two together before you look.


# %% exercise="choose_and_report"
def choose_and_report(candidates, rmse_of, learn, choose, report):
    """Choose a setting, and measure it so that the error can be believed.

    candidates: a list of settings. learn, choose, report: row numbers of three parts, tensors without common rows.
    rmse_of(setting, rows, measured_on): trains with this setting on these rows, and returns the RMSE on those others.
    Returns (setting, error): what is chosen, and what is to be published, of a model that was trained at last on all
    rows but those of the report.
    """
    ### BEGIN SOLUTION
    best = min(candidates, key=lambda setting: rmse_of(setting, learn, choose))
    return best, rmse_of(best, torch.cat([learn, choose]), report)
    ### END SOLUTION


# %% check="choose_and_report"
check("choose_and_report", choose_and_report)

# %% [markdown]
# Now with real ratings. Each candidate is a weight decay, for the settings of `FAST`. The prices are honest: the error
# by which a decay was chosen, and the one that may be published, on three ways to cut the same ratings.

# %% demo="a decay, chosen and reported on real ratings"
if passed("choose_and_report"):

    def rmse_of(wd, rows, measured_on):
        table, other = ratings.iloc[rows.numpy()], ratings.iloc[measured_on.numpy()]
        dls = CollabDataLoaders.from_df(table, valid_pct=0.01, bs=FAST.bs, seed=0, device="cpu")
        torch.manual_seed(0)
        model = DotProductBias(dls.n_users, dls.n_items, FAST.n_factors)
        fit(model, dls, **{**FAST.settings, "wd": wd}, seed=0, bar=False)
        return rmse(stars_of(model, dls, other), other["rating"].to_numpy())

    rows = {}
    for cut in range(3):
        order = torch.randperm(len(ratings), generator=torch.Generator().manual_seed(cut))
        parts = order.tensor_split([int(0.7 * len(order)), int(0.8 * len(order))])
        wd, error = choose_and_report([0.05, 0.1, 0.2, 0.4, 0.8], rmse_of, *parts)
        rows[f"cut {cut}"] = {
            "decay chosen": wd,
            "RMSE to choose by": rmse_of(wd, *parts[:2]),
            "RMSE to publish": error,
        }
    display(pd.DataFrame(rows).T.round(4))

# %% [markdown]
# On ten thousand ratings, choosing among five settings flatters by next to nothing, and the last training has more to
# learn from: the error to publish may well be the lower one. The sliders above say when that is otherwise. It also
# differs from cut to cut by more than most improvements are worth, so compare within a cut.

# %% [markdown] question="test_set_wears_out"

# %% [markdown]
# ### The lucky epoch
#
# The epoch at which to stop is a setting like any other. Train for too long on purpose, and look at where the validation
# error is lowest. Then at what is found if *other* ratings say where to stop.

# %% demo="the lowest epoch, by its own ratings and by others"
dls = CollabDataLoaders.from_df(to_learn, valid_pct=0.01, bs=256, seed=1, device="cpu")
rows = {}
for decay in (0.1, 0.4):
    by_epoch = []
    for epochs in range(1, 13):
        torch.manual_seed(1)
        model = DotProductBias(dls.n_users, dls.n_items, 50)
        fit(model, dls, epochs, 7e-3, decay, wd_bias=0.0, seed=1, bar=False)
        by_epoch.append((stars_of(model, dls, to_test).numpy() - to_test["rating"].to_numpy()) ** 2)
    by_epoch = np.stack(by_epoch)  # (12, n_test)
    few, rest = by_epoch[:, :500].mean(axis=1), by_epoch[:, 500:].mean(axis=1)
    lowest = few.argmin()
    rows[f"decay {decay}"] = {
        "chosen: epochs": lowest + 1,
        "RMSE on the 500 that chose": few[lowest] ** 0.5,
        "the same for 12 epochs": few[-1] ** 0.5,
        "chosen, on all others": rest[lowest] ** 0.5,
        "12 epochs, on all others": rest[-1] ** 0.5,
    }
display(pd.DataFrame(rows).T.round(3))

# %% [markdown]
# Stopping helps where the decay is too small, and where it is right there is little to be gained. Either way, only the
# last two columns can be compared with each other, because neither number was chosen by those ratings.

# %% [markdown] question="which_epoch_counts"

# %% [markdown]
# ### The same model, other numbers
#
# Papers compare themselves with errors of other papers. Here is one and the same pair of models, the damped biases and
# the model of `BEST`, and nothing is changed but what is learned from and what is measured on.

# %% demo="one pair of models, four ways to cut the ratings"
by_time = ratings.sort_values("timestamp", kind="stable").reset_index(drop=True)
per_user = ratings.sort_values(["user", "timestamp"], kind="stable")
last_ones = per_user.groupby("user").cumcount(ascending=False) < 10
active = ratings[ratings.groupby("user")["rating"].transform("size") >= 100].reset_index(drop=True)
kept, other = random_split(len(ratings), 0.1, seed=42)
kept_active, other_active = random_split(len(active), 0.2, seed=42)
cuts = {
    "a fifth, at random": (to_learn, to_test),
    "a tenth, at random": (ratings.iloc[kept.numpy()], ratings.iloc[other.numpy()]),
    "a fifth, users with 100 ratings or more": (active.iloc[kept_active.numpy()], active.iloc[other_active.numpy()]),
    "the last ten of each user": (per_user[~last_ones], per_user[last_ones]),
    "the last fifth in time": (by_time[: int(0.8 * len(by_time))], by_time[int(0.8 * len(by_time)) :]),
}
rows = {}
for name, (table, test) in cuts.items():
    table, test = table.reset_index(drop=True), test.reset_index(drop=True)
    stars = test["rating"].to_numpy()
    rows[name] = {
        "damped biases": round(rmse(predict_biases(damped_biases(table), test), stars), 3),
        "BEST": round(rmse(stars_of(*trained_on(table, BEST), test), stars), 3),
        "users never seen": f"{1 - test['user'].isin(table['user']).mean():.0%}",
    }
display(pd.DataFrame(rows).T)

# %% [markdown]
# On MovieLens the rows differ by more than the models do. The last two are the hardest, and the nearest to what a
# service has to do: predict what comes later. In the very last one most people are new, and the model, which gives them
# the untouched row of `#na#`, falls behind the biases. You can do better, below.
#
# An error without its cut says nothing. With it, a damped baseline *on the same cut* says most. When Rendle, Zhang and
# Koren looked again at the published results on MovieLens 10M in 2019, old models with careful settings, matrix
# factorisation among them, beat years of newer ones. What had been compared was how much care had gone into the baselines.

# %% [markdown] question="published_results"

# %% [markdown]
# ## Your model
#
# Now it is your turn. Write `best_model`. It gets a table of ratings and a number of seconds, and returns a *function*
# which predicts the stars of pairs that come later.
#
# - **Ratings**: about four fifths of those you know. Users and films have other numbers here, each user's calendar is
#   shifted, and the time of day is gone. So you cannot look anything up, and days can be compared within a user only.
# - **Time**: ten seconds of processor time, not of the clock, so that a busy machine costs you nothing. At twice that it
#   is stopped.
# - **Pairs**: some users or films in them are not in the ratings. Say something sensible: lesson 11 knew what.
# - **Marks**: by the RMSE on ratings whose stars never come near your code, in three steps: the damped biases; what
#   fastai's learner reaches, within .005; the best settings of a `DotProductBias` that we found, within .005. All three
#   are measured on the very same ratings. There is room above: see what you find.
# - **The class**: in grading everybody gets the same ratings, so there is a leaderboard. In this notebook each check draws
#   others.
#
# Try on `to_learn` and `to_test` above, choose by parts of your own, and call the check when nothing is left to decide. It
# trains our models as well, so it takes some seconds. And do not choose by what it prints, since you know by now what
# becomes of such a number.


# %% exercise="best_model"
def best_model(ratings, seconds):
    """Learn from ratings, in no more than these seconds of processor time, and return a function `predict`.

    ratings: DataFrame with columns user, movie, rating and timestamp (the day, in seconds since 1970), in random order.
    predict(pairs) gets a DataFrame with columns user, movie and timestamp, and returns a number of stars for each of its
    rows, in their order: a tensor, an array, a Series or a list. Any pair gets a finite number, also one of strangers.
    """
    ### BEGIN SOLUTION
    dls = CollabDataLoaders.from_df(ratings, valid_pct=0.01, bs=BEST.bs, seed=0, device="cpu")
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = DotProductBias(dls.n_users, dls.n_items, BEST.n_factors)
        fit(model, dls, **BEST.settings, seed=seed, bar=False)
        with torch.no_grad():
            for table in model.parameters():
                table[0] = table[1:].mean(dim=0)  # whoever was never seen is the average of all others
        models.append(model)

    def predict(pairs):
        users, movies = encode(pairs["user"], dls.classes["user"]), encode(pairs["movie"], dls.classes["movie"])
        with torch.no_grad():
            return torch.stack([model(torch.stack([users, movies], dim=1)) for model in models]).mean(dim=0)

    return predict
    ### END SOLUTION


# %% check="best_model"
check("best_model", best_model)

# %% demo="the ladder, with your rung on it"
if passed("best_model"):
    started = time.process_time()
    predict = best_model(to_learn, 10.0)
    spent = time.process_time() - started
    rungs["your model"] = mse(np.asarray(predict(to_test), dtype=float), to_test["rating"].to_numpy())
    display(plots.ladder(rungs))
    print(f"your model: RMSE {rungs['your model'] ** 0.5:.4f} on this lesson's split, {spent:.1f} s of processor time")

# %% [markdown]
# ### What else there is
#
# Three things that we tried, each measured here. *More decay and fewer epochs*, found by a search on parts of the
# training ratings, is what `BEST` is. *Averaging* some models that differ by their seed alone costs as many trainings
# as there are models, and pays, because what one of them got wrong by chance, the others did not. It pays most where the
# single model is least tamed. And *SVD++ with days*: a user is also known by **which** films were rated, whatever the
# stars, and everybody is in another mood on another day. That model is slower here, since it has no compiled engine; the
# table says what it takes. (In the planted world there are no moods, and it is no secret which films were rated.)

# %% demo="averages of several models, and a model that knows days"
stars = to_test["rating"].to_numpy()
rows = {}
for name, preset in {"BOOK": BOOK, "BEST": BEST}.items():
    started = time.process_time()
    several = torch.stack([stars_of(*trained_on(to_learn, preset, seed), to_test) for seed in range(5)])
    spent = time.process_time() - started
    rows[name] = {"RMSE": rmse(several[0], stars), "processor seconds": spent / 5}
    rows[f"five of {name}, averaged"] = {"RMSE": rmse(several.mean(dim=0), stars), "processor seconds": spent}

started = time.process_time()
timed = CollabDataLoaders.from_df(to_learn, valid_pct=0.01, bs=BEYOND.bs, seed=42, device="cpu", time_name="timestamp")
torch.manual_seed(42)
model = TimeSVDPlusPlus(timed.n_users, timed.n_items, BEYOND.n_factors, timed.train_ds.x)
fit(model, timed, **BEYOND.settings, seed=42, bar=False)
with torch.no_grad():
    predicted = model(timed.test_dl(to_test.assign(rating=0.0)).dataset.x)
rows["SVD++ with days"] = {"RMSE": rmse(predicted, stars), "processor seconds": time.process_time() - started}
display(pd.DataFrame(rows).T.round({"RMSE": 4, "processor seconds": 1}))

# %% [markdown]
# ### Play: how much is a rating worth?
#
# With a model in hand, you can ask what more data would bring. Take away ratings, and see what both models lose. On
# MovieLens the lines cross: with few ratings, who has only biases to learn is the better one. What would twice as many
# ratings bring, if the lines went on as they are?


# %% demo="a slider for the number of ratings to learn from"
def with_fewer(percent=100):
    table = to_learn.iloc[: len(to_learn) * percent // 100]
    return (
        rmse(predict_biases(damped_biases(table), to_test), stars),
        rmse(stars_of(*trained_on(table, BEST), to_test), stars),
    )


shares = [5, 10, 20, 40, 70, 100]
by_share = np.array([with_fewer(percent) for percent in shares]).T
curves = {"damped biases": by_share[0], "BEST": by_share[1]}
display(plots.panels(shares, {"RMSE on the same test ratings": curves}, "percent of the ratings"))


def one_share(percent=50):
    biases_only, model = with_fewer(percent)
    print(f"{len(to_learn) * percent // 100:,} ratings: damped biases {biases_only:.3f}, BEST {model:.3f}")


_ = interact(one_share, percent=IntSlider(value=50, min=5, max=100, step=5, continuous_update=False))

# %% [markdown]
# ## What the number does not say
#
# The RMSE is a mean over ratings. Who left many counts many times, and it is the same whether the error falls on all
# alike or on few. Look behind it once, for the settings of `BEST`.

# %% demo="one error, cut open"
predicted = stars_of(*trained_on(to_learn, BEST), to_test).numpy()
off = pd.Series((predicted - stars) ** 2)
known = to_test["user"].map(to_learn["user"].value_counts()).fillna(0)
seen = to_test["movie"].map(to_learn["movie"].value_counts()).fillna(0)
groups = {
    "users with the fewest ratings, a tenth": known <= known.quantile(0.1),
    "users with the most, a tenth": known >= known.quantile(0.9),
    "films with the fewest ratings, a tenth": seen <= seen.quantile(0.1),
    "films with the most, a tenth": seen >= seen.quantile(0.9),
    "four stars and more": pd.Series(stars >= 4),
    "two stars and less": pd.Series(stars <= 2),
}
cut_open = {name: {"RMSE": off[rows].mean() ** 0.5, "test ratings": int(rows.sum())} for name, rows in groups.items()}
display(pd.DataFrame(cut_open).T.astype({"test ratings": int}).round(3))

# %% [markdown]
# What people did *not* like is predicted worst: a model that is cautious stays near the mean, and bad films get few
# ratings. Somebody whom you serve badly is not comforted by your mean.

# %% [markdown] question="what_rmse_hides"

# %% [markdown]
# ## Where to go from here
#
# **More ratings.** The same code reads the full MovieLens, 25 million ratings: download it from
# [grouplens.org](https://grouplens.org/datasets/movielens/), then `read_ratings("ratings.csv", user="userId",
# movie="movieId")` and `fit` with `engine="rowwise"`, which costs minutes where a dense step would take days. Compare
# what you get with published results, and before you do, look for their cut, their filters and their baseline. That is
# the exercise, more than the number.
#
# There, the titles lie in a table of their own, `movies.csv`. `DataFrame.merge` brings two tables together: beside each
# row of the one it puts what the other has under the same id. Look at the number of rows, before and after. It is how
# one notices that ids were missing, or that some stood there twice.

# %% demo="two tables become one"
rated = ratings[["user", "movie", "rating"]]
titles = load_ratings()[["movie", "title"]].drop_duplicates("movie")
display(rated.merge(titles, on="movie").head(3))
table_of_titles = {
    "all titles": titles,
    "a hundred titles are missing": titles[100:],
    "a hundred titles stand there twice": pd.concat([titles, titles[:100]]),
}
for name, table in table_of_titles.items():
    inner, left = rated.merge(table, on="movie"), rated.merge(table, on="movie", how="left")
    print(f"{name}: {len(rated):,} ratings become {len(inner):,}, with how='left' {len(left):,}")

# %% [markdown]
# **Other fields.** Wherever somebody chooses among many things, and others have chosen before, the idea can be carried
# over, and each time something else breaks:
#
# | field | who × what | what speaks for it | what speaks against it |
# |:--|:--|:--|:--|
# | music | listeners × songs | much data, since a song takes minutes and is played again | nobody gives stars: a play is no love and a skip no hate; the loop makes the known more known |
# | job offers | applicants × jobs | finds jobs that the words of an application do not name | a job is taken by one; past choices carry past injustice on; a wrong list costs more than an evening |
# | reading lists in science | researchers × papers | crosses the borders of fields and vocabularies | what is new has no readers yet; everybody reads what everybody reads |
# | drugs and their targets | substances × proteins | few cells of the table were ever measured, at great cost each | missing is not random; a factor explains nothing, and somebody has to answer for it |
#
# Take one that you know. What is a rating there? Who is missing from the table, and why? And who loses if the list is
# wrong?
#
# **Other models.** What you built goes by the name of *probabilistic matrix factorisation*, which is what its loss and
# its decay amount to. Beyond it are models that see the order of what was watched, models that know what a film is about,
# and models for clicks in place of stars. You have the tools to read about them: they all have embeddings, a loss, a
# cut, and a baseline that they should have been compared with.
#
# ## What you take along from the course
#
# - A table with gaps; what is missing is not zero, and not missing by chance.
# - Users and items as rows of numbers which nobody chose: an embedding is a lookup, and a lookup is a product.
# - A dot product, biases, a range, decay. Each was added for a reason that could be measured.
# - A library's learner is the model that you can write by hand. When they differ, look at the batches.
# - Factors can be read, with care. So can errors: beside a baseline, on a stated cut, with their spread over seeds.
# - Choose by one part, publish on another, and look at it once.
# - A list is not a prediction, and what you show becomes what you learn from.
#
# **Next**: nothing. This was the last lesson, and what comes is yours. The ladder has no top rung.

# %% demo="what you have earned so far"
progress()
