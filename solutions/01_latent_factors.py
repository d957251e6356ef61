# %% [markdown]
# # 1. A matrix with gaps
#
# Every course on this subject could begin with a formula. This one begins with a page of real ratings in which some are
# missing, and with the question that all twelve lessons work on: *what would stand in the gaps?*
#
# **You will be able to**
#
# - turn a list of ratings into a matrix of users and films, and say how much of it is empty;
# - predict a rating from the factors of a user and a film, first with plain lists and then for all pairs at once;
# - say what *latent* means, and why a missing rating is not a zero;
# - measure how wrong predictions are, in stars;
# - build the baseline that every later model of this course has to beat.
#
# **Time**: about 75 minutes. **Points**: 9. Stuck? `hint("ratings_matrix")` gives the next hint, as often as you ask.
#
# **How a lesson works.** Run cell after cell from the top, with Shift+Enter. Where you find `raise NotImplementedError`, write
# your own code in its place, run the cell, and then the check below it. The check says what is right, and why the rest is
# not; ask it as often as you like. Cells that go on with your work wait until its check has passed: run them again then.
# When you open a notebook anew, nothing in it has been run: *Run > Run All Above Selected Cell* brings you back to where
# you were. A hint you get in a cell of your own, the + above makes one.

# %%
import math
import time

import numpy as np
import pandas as pd

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import DampedBiases, baseline_ladder, predict_biases
from collabkit.batches import random_split
from collabkit.ratings import excerpt, load_ratings
from collabkit.widgets import FactorSpace

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# ## One page of a very large book
#
# Fifteen people, fifteen films. A row is a person, a column is a film, both known by a number only. In a cell stands how
# many stars the person gave to the film.

# %%
page = excerpt()

# %% demo="the page: a matrix of ratings with gaps"
plots.matrix(page, title="Fifteen users, fifteen films")

# %% [markdown]
# Pick a hatched cell and guess what belongs there. Go down its column: is that film liked? Go along its row: is that
# person generous? And then the interesting part: find somebody who agrees with this person elsewhere. What did *they*
# give?
#
# You have just done **collaborative filtering**. It filters a large choice down to what may suit one person, and everybody
# else's ratings collaborate in it. Notice what you did not need: nobody told you what the films are about, or how old the
# people are. The pattern of who liked what was enough.
#
# ### It need not be a shop
#
# "Users who bought this also bought" made the idea famous, but an *item* is anything that many people meet and react to,
# and a *rating* is any trace of the reaction:
#
# | a row is | a column is | in a cell stands |
# |---|---|---|
# | a listener | a song | how often it was played to the end |
# | a reader | a news article | seconds spent on it |
# | a pupil | an exercise | solved or not |
# | a programmer | a library | whether a project imports it |
# | a job seeker | an advert | whether they applied |
# | a cell line | a drug | how strongly the cells reacted |
#
# In the last row there is not even a person left. A matrix with gaps, and some reason to expect a pattern in it: that is
# all the method asks for. Which service did you use today that could draw such a matrix of you?
#
# ## The list behind the matrix
#
# Nobody stores a matrix that is mostly empty. What is stored is a list, one line a rating. `load_ratings` brings
# MovieLens 100K: real people, real films, in the 1990s. Without a network it brings a planted world instead, ratings
# drawn from factors that we made up, and says so; everything below works with both.

# %%
ratings = load_ratings()

# %% demo="the list of ratings"
print(f"{ratings.attrs['source']}: {len(ratings):,} ratings", end=" ")
print(f"by {ratings['user'].nunique():,} users of {ratings['movie'].nunique():,} films")
ratings.head()

# %% [markdown]
# From list to matrix is one step: each user becomes a row, each film a column, each rating moves to where the two meet.
# Statisticians call the result a *crosstab*. pandas has it under that name, with one trap in it:

# %% demo="a crosstab of five ratings"
five = pd.DataFrame({"user": [7, 7, 8, 9, 9], "movie": [1, 3, 3, 1, 2], "rating": [4.0, 5.0, 1.0, 3.0, 2.0]})
display(pd.crosstab(five["user"], five["movie"]))
display(pd.crosstab(five["user"], five["movie"], values=five["rating"], aggfunc="mean"))

# %% [markdown]
# The first one *counts*: a 1 says that there is a rating, not which. The second was told which values to lay out, and how
# to sum up if a pair came twice. Only the second has gaps; pandas writes `NaN` for them, *not a number*.
#
# Your turn, with the real list. The whole matrix does not fit on a screen, so cut out the busiest corner: the users with
# the most ratings, and the films with the most ratings.


# %% exercise="ratings_matrix"
def ratings_matrix(ratings, n_users=15, n_movies=15):
    """Lay out the ratings of the most active users and the most rated films.

    ratings: a DataFrame with the columns user, movie, rating.
    Returns a DataFrame: the n_users users with the most ratings as rows, the n_movies films with the most ratings as
    columns (count both in the whole table), ids ascending, stars in the cells, NaN where there is no rating.
    """
    ### BEGIN SOLUTION
    users = ratings["user"].value_counts().index[:n_users]
    movies = ratings["movie"].value_counts().index[:n_movies]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return pd.crosstab(top["user"], top["movie"], values=top["rating"], aggfunc="mean")
    ### END SOLUTION


# %% check="ratings_matrix"
check("ratings_matrix", ratings_matrix)

# %% demo="your own corner of the matrix, with titles"
if passed("ratings_matrix"):
    corner = ratings_matrix(ratings)
    titles = ratings.drop_duplicates("movie").set_index("movie")["title"]
    display(plots.matrix(corner.rename(columns=titles), title="The busiest corner of the table"))

# %% [markdown]
# ### Is an id a film?
#
# The columns are ids. One should think that each film has one. Count before you believe:

# %% demo="titles with more than one id, and merging them"
ids_of_title = ratings.groupby("title")["movie"].unique()
several = ids_of_title[ids_of_title.str.len() > 1]
print(f"{ratings['movie'].nunique():,} ids, {len(ids_of_title):,} titles, {len(several)} titles with more than one id")
for title, ids in several.head(4).items():
    print(f"  {title}: {', '.join(map(str, ids))}")

first_id = ratings.groupby("title")["movie"].transform("min")  # for each rating, the smallest id of its title
merged = ratings.assign(movie=first_id)
print(f"merged: {merged['movie'].nunique():,} ids;", end=" ")
print(f"{merged.duplicated(['user', 'movie']).sum()} ratings are somebody's second one of the same film")

# %% [markdown]
# A film that is listed twice has its ratings split in two, and each half looks rarer than the film is. To *merge* the
# titles, give every rating the smallest id that its title has. In MovieLens some people have then rated one film twice,
# which is why a crosstab wants to know how to sum up. Such surprises wait in every real table; later lessons go by title.
#
# ## How empty is it?
#
# The page that you saw first looked rather full. That is because somebody picked it that way, and you did the same a
# minute ago. How full a matrix is, its **density**, is the share of its cells that hold a rating.


# %% exercise="density"
def density(matrix):
    """The share of the cells that hold a rating, between 0 and 1.

    matrix: a DataFrame with NaN in its gaps. A 0 is a rating like any other: on some scales it lies in the middle.
    Example: three ratings in two rows and three columns give 0.5.
    """
    ### BEGIN SOLUTION
    return float(matrix.notna().to_numpy().mean())
    ### END SOLUTION


# %% check="density"
check("density", density)

# %% demo="density of the page, of the corner and of the whole table"
if passed("density") and passed("ratings_matrix"):
    everybody = ratings_matrix(ratings, ratings["user"].nunique(), ratings["movie"].nunique())
    for name, matrix in (("the page", page), ("the busiest corner", corner), ("the whole matrix", everybody)):
        print(f"{name:18} {matrix.shape[0]:5} x {matrix.shape[1]:<5} density {density(matrix):6.1%}")

# %% [markdown]
# So the whole matrix is nearly all gap, and filling it is the work. A shop with millions of articles has far fewer ratings
# per cell still.
#
# ## Missing is not zero
#
# It is tempting to put a 0 into each gap, and many a program does it without being asked. What would that do to a list of
# the best films? Decide first, then look.

# %% [markdown] question="missing_is_not_zero"

# %% demo="the best films when gaps are zeros"
films = ratings.groupby("title")["rating"].agg(["mean", "count", "sum"])
films["mean with zeros"] = films.pop("sum") / ratings["user"].nunique()
display(films.sort_values("mean with zeros", ascending=False).head(6).round(2))
order = films.rank().corr()["mean with zeros"]
print("How far the order by the mean with zeros agrees with another order (1: the same, 0: no relation)")
print(f"  with the order by number of ratings: {order['count']:.3f}")
print(f"  with the order by mean over the ratings that exist: {order['mean']:.3f}")

# %% [markdown]
# A gap is no opinion. It is not a random hole either, since people watch what they expect to like. Keep this second
# thought: it comes back at the end of the lesson, and as the subject of lesson 11.
#
# ## Three numbers for a film, three for a person
#
# Suppose we knew films well, and described each by three numbers between -1 and 1: how much **science fiction** is in it,
# how much **action**, and how **old** it is. And suppose that we described a person by what they like, in the same three
# numbers and in the same order.

# %%
alien = [0.9, 0.7, 0.2]  # science fiction, action, old
roman_holiday = [-0.9, -0.8, 0.9]
anna = [0.8, 0.2, -0.6]  # likes science fiction, does not mind action, avoids old films

# %% [markdown]
# Would Anna like *Alien*? She likes science fiction and gets it: $0.8 \times 0.9$ speaks for the film. She avoids old films
# and this one is a little old: $-0.6 \times 0.2$ speaks against it. And a dislike that is *not* met counts in favour, since
# minus times minus is plus. Multiply factor by factor, add up, and you have the **dot product**, a single number for how
# well person and film fit:
#
# $$\hat r_{um} = p_{u1} q_{m1} + p_{u2} q_{m2} + \dots + p_{uk} q_{mk}$$
#
# with the person's factors $p_u$ and the film's factors $q_m$. Write it with plain Python lists first. No library, so that
# nothing is hidden.


# %% exercise="predict_rating"
def predict_rating(user_factors, movie_factors):
    """The dot product of a user's and a film's factors, one number.

    Both are lists of numbers, equally long: three factors, or fifty.
    Example: predict_rating([0.5, -1.0], [2.0, -3.0]) is 0.5 * 2.0 + (-1.0) * (-3.0) = 4.0
    """
    ### BEGIN SOLUTION
    return sum(u * m for u, m in zip(user_factors, movie_factors))
    ### END SOLUTION


# %% check="predict_rating"
check("predict_rating", predict_rating)

# %% demo="what Anna would make of two films"
if passed("predict_rating"):
    print(f"Anna and Alien:         {predict_rating(anna, alien):5.2f}")
    print(f"Anna and Roman Holiday: {predict_rating(anna, roman_holiday):5.2f}")

# %% [markdown]
# These are not stars yet, only *rather yes* above 0 and *rather no* below. How to get to stars is the matter of the
# baseline below and of lessons 4 and 5.
#
# ### Play: films and people, seen from above
#
# Two factors fit on paper. Each film is a point, a person is an arrow, and beside each film stands its dot product. This
# is Anna, seen by science fiction and age alone:

# %%
seen_by = ("science fiction", "old")
films_from_above = {"Alien": (alien[0], alien[2]), "Roman Holiday": (roman_holiday[0], roman_holiday[2])}

# %% demo="Anna and two films in factor space"
plots.factor_space(films_from_above, (anna[0], anna[2]), axes=seen_by)

# %% [markdown]
# Now it is your turn to drag her about, and the films as well. There is one film more, *Metropolis*, which is both science
# fiction and old, and one person more: you. Every pair has its dot product in the matrix, and all of them follow at once.
#
# - Make *you* love *Roman Holiday*. Must *Alien* then be disliked?
# - On the dotted line a film scores 0. How does the line lie to the arrow?
# - Keep the direction and make the arrow longer. What happens to the numbers, and what to their order?
# - Find a direction in which *Alien* and *Roman Holiday* score about the same, and not 0.
# - Move a film instead of a person. Which numbers change now?

# %% demo="factor space to play with: drag a person or a film, and the predictions follow"
plane = FactorSpace(
    users={"Anna": (anna[0], anna[2]), "you": (0.5, 0.5)},
    movies={**films_from_above, "Metropolis": (0.8, 0.9)},
    axes=seen_by,
)
plane

# %% [markdown]
# What you dragged, Python knows as well. Leave the points where you like them, and run this cell (again) to see you and the
# films as numbers. Take one of the predictions and work it out by hand.

# %% demo="where the points are now, and the numbers that belong to them"
display(pd.DataFrame(plane.user_factors, index=plane.user_names, columns=seen_by))
display(pd.DataFrame(plane.movie_factors, index=plane.movie_names, columns=seen_by))
display(plane.predictions.round(2))

# %% [markdown]
# The dot product is large where a film lies far out in the direction of the arrow, it is 0 where the two are square to each
# other, and negative beyond. Direction is taste; length is how strongly it shows.
#
# ### All pairs at once
#
# One pair is one dot product. For all users and all films, put the users' factors into a matrix $P$ of shape
# `(n_users, k)`, the films' into $Q$ of shape `(n_movies, k)`. Then
#
# $$\hat R = P\,Q^\top$$
#
# has shape `(n_users, n_movies)`, and in row $u$, column $m$ stands exactly the dot product of the two. NumPy writes this
# product `@`. It is the same arithmetic as in your function, done in compiled code and without a Python loop:

# %% demo="the loop against the matrix product"
if passed("predict_rating"):
    rng = np.random.default_rng(0)
    P, Q = rng.normal(size=(200, 3)), rng.normal(size=(300, 3))
    P_lists, Q_lists = P.tolist(), Q.tolist()
    start = time.perf_counter()
    one_by_one = [[predict_rating(p, q) for q in Q_lists] for p in P_lists]
    middle = time.perf_counter()
    at_once = P @ Q.T
    end = time.perf_counter()
    print(f"{P.shape} @ {Q.T.shape} -> {at_once.shape}; the same numbers: {np.allclose(one_by_one, at_once)}")
    print(f"one by one {1000 * (middle - start):.1f} ms, at once {1000 * (end - middle):.2f} ms")

# %% [markdown]
# ## Nobody writes them down
#
# A nice story, with a hole in it. Who would give three numbers to every film, and who would ask every person? Which three?
# Nobody does. Turn the question round instead. The ratings are known, the factors are not: **which factors, if we had
# them, would explain the ratings that we see?** Those are to be found by a computer, from random numbers at the start, and
# nobody tells it what they mean. They were never observed, they lie behind what is observed. That is why they are called
# **latent factors**.
#
# Here is the page from above again, with two factors for each person and each film. They are found by turns: hold the
# films fixed and solve for the people, hold the people fixed and solve for the films, and again. You need not follow
# the lines today. From lesson 3 on you will have a better way, and build it yourself.


# %%
def find_factors(matrix, k, rounds=50, ridge=0.5, seed=0):
    """Factors (n_users, k) and (n_movies, k) whose products come close to the known cells: least squares by turns."""
    rng = np.random.default_rng(seed)
    known, stars = matrix.notna().to_numpy(), matrix.to_numpy()
    users, movies = (rng.normal(size=(n, k)) for n in matrix.shape)

    def solve(factors, which, values):
        chosen = factors[which]
        return np.linalg.solve(chosen.T @ chosen + ridge * np.eye(k), chosen.T @ values[which])

    for _ in range(rounds):
        users = np.array([solve(movies, known[row], stars[row]) for row in range(len(users))])
        movies = np.array([solve(users, known[:, column], stars[:, column]) for column in range(len(movies))])
    left, strength, right = np.linalg.svd(users @ movies.T)  # the same products, the strongest factor first
    signs = np.sign(left[:, :k].sum(axis=0))
    scale = np.sqrt(strength[:k]) * signs
    return left[:, :k] * scale, right[:k].T * scale


user_factors, movie_factors = find_factors(page, k=2)

# %% [markdown] question="why_latent"

# %% [markdown]
# ## Fill the gaps
#
# Now there are factors, so there is a prediction for every cell. But where somebody has spoken, their word counts: only the
# gaps are to be filled.


# %% exercise="fill_gaps"
def fill_gaps(matrix, user_factors, movie_factors):
    """Fill each gap of the matrix with the dot product for its user and its film; known ratings stay.

    matrix: a DataFrame (n_users, n_movies) with NaN in its gaps, rows and columns labelled by ids.
    user_factors: an array (n_users, k), row i belongs to row i of the matrix.
    movie_factors: an array (n_movies, k), row j belongs to column j of the matrix.
    Returns a new DataFrame with the same labels; `matrix` itself is not changed.
    """
    ### BEGIN SOLUTION
    predicted = pd.DataFrame(user_factors @ movie_factors.T, index=matrix.index, columns=matrix.columns)
    return matrix.fillna(predicted)
    ### END SOLUTION


# %% check="fill_gaps"
check("fill_gaps", fill_gaps)

# %% demo="the page without gaps"
if passed("fill_gaps"):
    filled = fill_gaps(page, user_factors, movie_factors)
    display(plots.matrix(filled, title="The same page, its gaps filled"))
    for name, users, movies in zip(("first", "second"), user_factors.T, movie_factors.T):
        spread = f"users {users.min():5.2f} to {users.max():4.2f}, films {movies.min():5.2f} to {movies.max():4.2f}"
        print(f"{name} factor: {spread}")

# %% [markdown]
# Where the page had hatches there are numbers now, most of them no whole or half stars. Compare them with what you guessed
# at the beginning.
#
# And look at the two lines under the picture. The first factor has the same sign and about the same size for everybody and
# for every film, so its product is about the same in every cell: it has been spent on the *average* rating. Only the second
# one tells people apart. That is a waste, since an average can be had much cheaper. It is also a warning: before you praise
# the factors, find out how far one gets without any.
#
# ## How wrong is a guess?
#
# Whether the filled-in numbers are any good, nobody can say: the truth about a gap is not known. So we do with the big
# table what all of this course does. **Hide** a random fifth of the ratings that we *do* have, predict them from the
# other four fifths, and compare. What was hidden must not be used for anything before that.

# %%
known_rows, hidden_rows = random_split(len(ratings), valid_pct=0.2, seed=42)
known, hidden = ratings.iloc[known_rows.numpy()], ratings.iloc[hidden_rows.numpy()]
truth = hidden["rating"].to_numpy(dtype=float)

# %% [markdown]
# For each hidden rating there is an error, the prediction minus the truth. To sum them up in one number, square each, so
# that signs cannot cancel and large errors weigh more, and take the mean: the **mean squared error**, MSE. Its unit is
# squared stars, which nobody can picture. The root brings it back to stars: the **root mean squared error**,
#
# $$\text{RMSE} = \sqrt{\frac{1}{n}\sum_{i=1}^{n} (\hat r_i - r_i)^2}$$
#
# You will meet both. RMSE is for people: *off by about so many stars*. MSE is what models are trained to make small,
# because it has the simpler slope, and it is the number that fastai prints and other courses quote. Since a root keeps the
# order, the two never disagree about which of two models is better.
#
# One trap is worth a line of your function. Arrays of shape `(n,)` and `(n, 1)` look alike when printed side by side, but
# their difference has shape `(n, n)`, without any complaint. Refuse them.


# %% exercise="rmse"
def rmse(predictions, targets):
    """The root of the mean squared error, in stars: a float.

    predictions, targets: arrays of the same shape. Raises ValueError when the shapes differ.
    Example: predictions [3, 5] for targets [3, 1] have the errors 0 and 4, so the result is sqrt(8) = 2.83
    """
    ### BEGIN SOLUTION
    if predictions.shape != targets.shape:
        raise ValueError(f"shapes differ: {predictions.shape} and {targets.shape}")
    return math.sqrt(((predictions - targets) ** 2).mean())
    ### END SOLUTION


# %% check="rmse"
check("rmse", rmse)

# %% demo="two guesses that need no model"
if passed("rmse"):
    for name, guess in (("always 3", 3.0), ("always the mean", known["rating"].mean())):
        error = rmse(np.full(len(truth), float(guess)), truth)
        print(f"{name:16} {guess:.2f} stars: RMSE {error:.3f}, MSE {error**2:.3f}")

# %% [markdown]
# ## The baseline that all must beat
#
# What can be known without a single factor? That some people are generous, and that some films are well liked. So give
# each film $m$ one number $b_m$, what it adds to the mean rating $\mu$, and each user $u$ one number $b_u$, what they add
# on top of that. Such a number is called a **bias**, and the prediction is
#
# $$\hat r_{um} = \mu + b_u + b_m$$
#
# The obvious way is to take averages. Do that, and look at the best films of all:

# %% demo="the best films by their plain mean, and how often they were rated"
titles = ratings.drop_duplicates("movie").set_index("movie")["title"]
best = known.groupby("movie")["rating"].agg(["mean", "count"]).sort_values(["mean", "count"], ascending=False)
display(best.head(6).join(titles))
print(f"Median number of ratings: {best['count'].head(10).median():g} for the ten at the top,", end=" ")
print(f"{best['count'].median():g} for all films")

# %% [markdown]
# Hardly anybody has seen the films up there, and that is exactly why they are there: the mean of one or two ratings can be
# anything. We should trust it less. **Damping** does that in the simplest way: pretend that each film had some more ratings,
# say ten, all of them exactly average. Then divide the sum of the deviations by the count *plus ten*:
#
# $$b_m = \frac{\sum_{u} (r_{um} - \mu)}{n_m + \lambda} \qquad\qquad
# b_u = \frac{\sum_{m} (r_{um} - \mu - b_m)}{n_u + \lambda}$$
#
# where $n_m$ is the number of the film's ratings, $n_u$ that of the user's, and $\lambda$ the damping.

# %% demo="what a damping of ten does to a film whose ratings all lie 1.5 above the mean"
for n in (1, 10, 100, 1000):
    print(f"{n:5} ratings: bias {n * 1.5 / (n + 10):.2f} instead of 1.50")

# %% [markdown]
# Films come first, and users are measured by what is left *after* the films. Otherwise somebody who only watches
# masterpieces would count as generous, and the quality of the films would enter twice.


# %% exercise="damped_biases"
def damped_biases(ratings, damping=10.0):
    """The mean rating, and what each user and each film adds to it.

    ratings: a DataFrame with the columns user, movie, rating.
    damping: how many ratings of exactly average each film and each user is lent; 0 means none.
    Returns (mean, user_bias, movie_bias): a float, a Series indexed by user, a Series indexed by movie.
    """
    ### BEGIN SOLUTION
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    by_movie = rest.groupby(ratings["movie"])
    movie_bias = by_movie.sum() / (by_movie.count() + damping)
    rest = rest - ratings["movie"].map(movie_bias)
    by_user = rest.groupby(ratings["user"])
    user_bias = by_user.sum() / (by_user.count() + damping)
    return mean, user_bias, movie_bias
    ### END SOLUTION


# %% check="damped_biases"
check("damped_biases", damped_biases)

# %% demo="the best films by your damped bias"
if passed("damped_biases"):
    mean, user_bias, movie_bias = damped_biases(known)
    table = known.groupby("movie").agg(mean=("rating", "mean"), count=("rating", "count"))
    table["bias"] = pd.Series(movie_bias)
    display(table.sort_values("bias", ascending=False).head(6).join(titles).round(2))

# %% [markdown]
# The same table, the same ratings, and another sight: films that many have seen *and* liked. How well do such biases
# predict?
#
# ## The ladder
#
# Here are the first rungs of a ladder that grows with each lesson: the mean squared error on the hidden fifth. *User
# means* predicts each user's own mean, *movie means* each film's. The last rung is your function, measured by yours.

# %% demo="the ladder: constant, means, and your damped biases"
rungs = baseline_ladder(known, hidden)
del rungs["damped biases"]  # this rung is yours to add
if passed("damped_biases") and passed("rmse"):
    predictions = predict_biases(DampedBiases(*damped_biases(known)), hidden)
    rungs["damped biases"] = rmse(predictions, truth) ** 2
display(plots.ladder(rungs))
display(pd.DataFrame({"MSE": rungs, "RMSE": {name: math.sqrt(mse) for name, mse in rungs.items()}}).round(3))

# %% [markdown]
# One number for each film and one for each user, no training, a fraction of a second: and the step is large. Whoever
# shows you a clever model for recommendations, ask first what this would have got.
#
# ### How much damping?
#
# Your function takes any damping, so try some:

# %% demo="the error for different dampings"
if passed("damped_biases") and passed("rmse"):
    errors = {}
    for damping in (0, 2, 5, 10, 20, 50, 100):
        predictions = predict_biases(DampedBiases(*damped_biases(known, damping)), hidden)
        errors[f"damping {damping}"] = rmse(predictions, truth) ** 2
    display(plots.ladder(errors))

# %% [markdown]
# Too little damping believes every single rating, too much stops listening to anybody. In between it matters little for this
# error: films with few ratings have few hidden ones as well, so mistakes about them are seldom counted. For the list of the
# best films it mattered a great deal. Two measures, two views; remember that when you meet a single number.
#
# We stay with ten, a round number, even if another one is a little better in this picture. Whoever picks a setting by the
# hidden ratings has peeked at them, and can no longer measure honestly with them.
#
# ## What biases cannot know
#
# Let the biases recommend. For three people, one of them the most active of all, take the films that they have not rated
# and sort them by the prediction.

# %% demo="what the biases recommend to three people"
if passed("damped_biases"):
    biases = DampedBiases(*damped_biases(known))
    activity = known["user"].value_counts()
    people = [activity.index[place] for place in (0, len(activity) // 10, len(activity) // 2)]
    lists = {}
    for user in people:
        unseen = titles.index.difference(known.loc[known["user"] == user, "movie"])
        predicted = predict_biases(biases, pd.DataFrame({"user": user, "movie": unseen}))
        best_first = unseen[np.argsort(-predicted, kind="stable")[:6]]
        lists[f"user {user}"] = titles[best_first].to_list()
    display(pd.DataFrame(lists, index=range(1, 7)))

# %% [markdown]
# Apart from what each has seen already, all get the same list, in the same order. It cannot be otherwise: a user's bias
# lifts or lowers all films *alike*. Biases know who is generous and what is popular. They do not know who
# likes what. That is what the factors are for, and you will join the two in lesson 4.
#
# And there is a limit that better models will share.

# %% [markdown] question="good_predictions_poor_list"

# %% [markdown]
# ## What you take along
#
# - Ratings come as a list. As a matrix they are nearly all gap, and a gap is no zero.
# - A user and a film are described by factors in the same order. Their dot product says how well they fit; `P @ Q.T` does
#   it for all pairs.
# - The factors are latent: nobody writes them down, they are found as whatever explains the ratings.
# - Errors are measured on ratings that were hidden. RMSE is in stars, MSE is what models minimise, and both give the same
#   order.
# - Damped biases are cheap, good, and the same list for everybody. Every model of this course will be held against them.
#
# **Next**: the factors of today's page were found in one go, with the whole page in view. For a large table that is too
# much at once. *Lesson 2* cuts it into batches, and shows how easily some ratings get lost on the way.

# %% demo="what you have earned so far"
progress()
