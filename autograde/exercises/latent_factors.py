"""Lesson 01: a matrix with gaps, filled from factors, and the biases that every later model must beat."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd

from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk
from collabkit import baselines, functional
from collabkit import matrix as matrices

# ---- ratings_matrix

ratings_matrix = Exercise(
    reference=matrices.ratings_matrix,
    hints=(
        'Two steps: decide who is in, then lay out their ratings. `ratings["user"].value_counts()` counts for you, '
        "the largest count first.",
        '`users = ratings["user"].value_counts().index[:n_users]`, likewise the films. Keep the rows whose user *and* '
        "film are in: `.isin(...)`, the two conditions joined by `&`.",
        'With the kept rows in `top`: `pd.crosstab(top["user"], top["movie"], values=top["rating"], aggfunc="mean")`.',
    ),
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A small table of ratings in no order, and how many of its users and films are asked for."""

    ratings: pd.DataFrame  # columns user, movie, rating
    n_users: int
    n_movies: int


def stars(given: Table) -> dict[tuple[int, int], float]:
    """(user, film) -> rating. For the judge's eyes: beside a learner this would be the answer."""
    return {(row.user, row.movie): float(row.rating) for row in given.ratings.itertuples()}


@ratings_matrix.given
def ratings_to_lay_out(rng):
    """14 users and 11 films, the 5 and 4 most frequent asked for.

    No tie decides who is in, everybody who is in rated somebody who is in, and counting among the chosen films
    only would choose other users: so that there is one right answer, and that mistake shows.
    """
    users = np.sort(rng.choice(np.arange(100, 1000), 14, replace=False))
    movies = np.sort(rng.choice(np.arange(1000, 2000), 11, replace=False))
    while True:
        chance = rng.uniform(0.15, 0.9, (14, 1)) ** rng.uniform(0.5, 1.5, (1, 11))
        seen = rng.random((14, 11)) < chance
        by_user, by_movie = seen.sum(axis=1), seen.sum(axis=0)
        top_movies = np.argsort(-by_movie)[:4]
        top_users, rest = np.split(np.argsort(-by_user), [5])
        inside = seen[:, top_movies].sum(axis=1)
        if (
            by_user.min() > 0
            and by_movie.min() > 0
            and by_user[top_users].min() > by_user[rest].max()
            and by_movie[top_movies].min() > np.sort(by_movie)[-5]
            and inside[top_users].min() > 0
            and seen[np.ix_(top_users, top_movies)].any(axis=0).all()
            and inside[top_users].min() < inside[rest].max()
        ):
            break
    rows, columns = rng.permutation(np.argwhere(seen)).T
    stars = np.zeros(len(rows))
    while abs((np.bincount(columns, stars) / np.bincount(columns)).mean() - stars.mean()) < 0.05:
        stars = rng.integers(2, 11, len(rows)) / 2  # 1.0 to 5.0, whose mean is not the mean of the films' means
    frame = pd.DataFrame({"user": users[rows], "movie": movies[columns], "rating": stars.astype("float32")})
    return Table(frame, n_users=5, n_movies=4)


NOTHING = "returned nothing: end it with `return` and the result"


def described(value) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" or name == "ndarray" else f"a {name}"


def frame_of(value) -> pd.DataFrame:
    if value is None:
        raise CannotAsk(NOTHING)
    if not isinstance(value, pd.DataFrame):
        raise CannotAsk(f"gave {described(value)}, expected a DataFrame with a row per user and a column per film")
    return value.droplevel(list(range(value.columns.nlevels - 1)), axis=1) if value.columns.nlevels > 1 else value


@ratings_matrix.check(points=0.5)
def who_is_in(answer, given):
    """Takes the most active users as rows and the most rated films as columns"""
    matrix = frame_of(answer(given.ratings, given.n_users, given.n_movies))
    return {"rows": sorted(matrix.index.tolist()), "columns": sorted(matrix.columns.tolist())}


def cells_seen(table, given) -> dict[tuple[int, int], float]:
    """(user, film) -> what stands there, of a recorded matrix."""
    values = table.values.values
    return {
        (user, movie): float(values[row, column])
        for row, user in enumerate(table.index)
        for column, movie in enumerate(table.columns)
    }


def known_cells_seen(table, given) -> dict[str, float]:
    seen, known = cells_seen(table, given), stars(given)
    if absent := [pair for pair in known if pair not in seen]:
        raise CannotAsk(f"has no cell for user {absent[0][0]} and film {absent[0][1]}, although there is a rating")
    return {f"user {user}, film {movie}": seen[user, movie] for user, movie in known}


def gaps_seen(table, given) -> dict[str, float]:
    known = stars(given)
    seen = cells_seen(table, given).items()
    return {f"user {user}, film {movie}": value for (user, movie), value in seen if (user, movie) not in known}


@ratings_matrix.check(points=0.5, look=known_cells_seen)
def ratings_in_place(answer, given):
    """Puts each rating where the row of its user meets the column of its film"""
    # everybody is asked for, so that who is most active plays no part
    return frame_of(answer(given.ratings, given.ratings["user"].nunique(), given.ratings["movie"].nunique()))


ratings_matrix.check(points=0.5, look=gaps_seen, sentence="Leaves a gap (NaN) where nobody gave a rating")(
    ratings_in_place
)


@ratings_matrix.misconception(
    "You filled the gaps with 0, so everybody hates what they have not seen. Nothing is known there: leave NaN, "
    "without `fillna` or `fill_value`."
)
def fills_with_zero(ratings, n_users=15, n_movies=15):
    users = ratings["user"].value_counts().index[:n_users]
    movies = ratings["movie"].value_counts().index[:n_movies]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return top.pivot_table(index="user", columns="movie", values="rating", fill_value=0)


@ratings_matrix.misconception(
    "Your cells hold how many ratings there are, 1 or 0, and not the stars: a crosstab counts unless told otherwise. "
    'Give it `values=...` and `aggfunc="mean"`.'
)
def counts_ratings(ratings, n_users=15, n_movies=15):
    users = ratings["user"].value_counts().index[:n_users]
    movies = ratings["movie"].value_counts().index[:n_movies]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return pd.crosstab(top["user"], top["movie"])


@ratings_matrix.misconception(
    "Everybody is in your matrix. Choose `n_users` users and `n_movies` films, however many that is, and keep only the "
    "ratings whose user and film are both among them: two `isin`, joined by `&` (with `|` one of them is enough)."
)
def keeps_everybody(ratings, n_users=15, n_movies=15):
    return ratings.pivot_table(index="user", columns="movie", values="rating")


@ratings_matrix.misconception(
    "Your matrix lies on its side: users belong in the rows and films in the columns. Swap the two."
)
def lies_on_its_side(ratings, n_users=15, n_movies=15):
    users = ratings["user"].value_counts().index[:n_users]
    movies = ratings["movie"].value_counts().index[:n_movies]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return pd.crosstab(top["movie"], top["user"], values=top["rating"], aggfunc="mean")


@ratings_matrix.misconception(
    "You took the users and films that come least often: `value_counts()` starts with the largest count, so take "
    "its head."
)
def takes_the_rarest(ratings, n_users=15, n_movies=15):
    users = ratings["user"].value_counts().index[-n_users:]
    movies = ratings["movie"].value_counts().index[-n_movies:]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return top.pivot_table(index="user", columns="movie", values="rating").reindex(
        index=np.sort(users), columns=np.sort(movies)
    )


@ratings_matrix.misconception(
    "You took the smallest ids, whoever they are. Count the ratings of each user and each film first, and take the "
    "largest counts."
)
def takes_the_first_ids(ratings, n_users=15, n_movies=15):
    users = np.sort(ratings["user"].unique())[:n_users]
    movies = np.sort(ratings["movie"].unique())[:n_movies]
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return top.pivot_table(index="user", columns="movie", values="rating").reindex(index=users, columns=movies)


@ratings_matrix.misconception(
    "You took those with the highest ratings. Asked for are those with the most ratings: count them, whatever "
    "the stars."
)
def takes_the_best_rated(ratings, n_users=15, n_movies=15):
    users = ratings.groupby("user")["rating"].mean().nlargest(n_users).index
    movies = ratings.groupby("movie")["rating"].mean().nlargest(n_movies).index
    top = ratings[ratings["user"].isin(users) & ratings["movie"].isin(movies)]
    return top.pivot_table(index="user", columns="movie", values="rating").reindex(
        index=np.sort(users), columns=np.sort(movies)
    )


@ratings_matrix.misconception(
    "You threw the other films away before you counted the users, so a user's other ratings no longer counted. Count "
    "users and films in the whole table, then select."
)
def counts_what_is_left(ratings, n_users=15, n_movies=15):
    top = ratings[ratings["movie"].isin(ratings["movie"].value_counts().index[:n_movies])]
    top = top[top["user"].isin(top["user"].value_counts().index[:n_users])]
    return top.pivot_table(index="user", columns="movie", values="rating")


@ratings_matrix.worked_example
def six_ratings():
    rows = [(7, 20, 4.0), (7, 30, 2.0), (7, 40, 5.0), (8, 20, 3.0), (9, 30, 1.0), (9, 20, 5.0)]
    ratings = pd.DataFrame(rows, columns=["user", "movie", "rating"])
    yield "the list of ratings", ratings
    yield "how many each user gave", ratings["user"].value_counts()
    yield "how many each film got", ratings["movie"].value_counts()
    yield "the two most active users by the two most rated films", matrices.ratings_matrix(ratings, 2, 2)


# ---- density

density = Exercise(
    reference=matrices.density,
    hints=(
        "How many cells hold a rating, and how many cells are there? Divide.",
        "`matrix.notna()` is True where there is a rating, and True counts as 1 in a sum or a mean.",
        "`matrix.notna().to_numpy().mean()`: the mean of ones and zeros is the share of ones.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Matrices:
    """Films in stars, and jokes that may be rated 0 and below, as in the Jester collection."""

    films: pd.DataFrame
    jokes: pd.DataFrame


@density.given
def films_and_jokes(rng):
    """Films and jokes, each with gaps in less than half of the cells; among the jokes some below 0 and three zeros.

    Their sizes are drawn too: of few fractions one that was seen in an earlier grading would often be right again.
    """
    films = rng.integers(1, 6, (rng.integers(6, 10), rng.integers(5, 9))).astype(float)
    n_gaps = rng.integers(films.size // 4, 9 * films.size // 20)
    films.flat[rng.choice(films.size, n_gaps, replace=False)] = np.nan
    signs = rng.choice([-1.0, 1.0], (rng.integers(7, 11), rng.integers(4, 8)))
    jokes = signs * rng.integers(1, 11, signs.shape)
    n_gaps = rng.integers(jokes.size // 5, 2 * jokes.size // 5)
    gaps, zeros, negative = np.split(rng.permutation(jokes.size)[: n_gaps + 8], [n_gaps, n_gaps + 3])
    jokes.flat[gaps], jokes.flat[zeros], jokes.flat[negative] = np.nan, 0.0, -3.0
    if np.nansum(jokes) > 0:  # their mean is below 0, so that it never is the share
        jokes = 0.0 - jokes
    return Matrices(pd.DataFrame(films), pd.DataFrame(jokes))


def number(value) -> float:
    """One number; a Series, a list or an array with several is none."""
    if value is None:
        raise CannotAsk(NOTHING)
    if isinstance(value, str):
        raise CannotAsk(f"gave the text {value!r}, expected a number")
    if np.ndim(value) > 0:
        raise CannotAsk(f"gave {np.size(value)} numbers, expected one")
    if not hasattr(value, "__float__") or isinstance(value, type):
        raise CannotAsk(f"gave {described(value)}, expected a number")
    return float(value)


@density.check(points=0.25)
def share_of_cells(answer, given):
    """Gives the share of cells that hold a rating"""
    return number(answer(given.films))


@density.check(points=0.25)
def zero_is_a_rating(answer, given):
    """Counts a rating of 0 as a rating: these are jokes, rated from -10 to 10"""
    return number(answer(given.jokes))


@density.misconception("You counted the gaps: that is the share that is missing. Use `notna()`, not `isna()`.")
def counts_the_gaps(matrix):
    return matrix.isna().to_numpy().mean()


@density.misconception(
    "A gap is not a zero, and NaN is not equal to 0 either: `!= 0` holds for every gap. Ask `matrix.notna()`."
)
def unequal_to_zero(matrix):
    return (matrix != 0).to_numpy().mean()


@density.misconception(
    "You counted the cells above 0. That happens to work for stars, but a rating may be 0 or below, and 0 is not a gap: "
    "`matrix.notna()`."
)
def above_zero(matrix):
    return (matrix > 0).to_numpy().mean()


@density.misconception("You filled the gaps with zeros and averaged the stars. Count the cells, whatever they hold.")
def averages_the_stars(matrix):
    return matrix.fillna(0).to_numpy().mean()


@density.misconception(
    "You counted the ratings. A share is a part of all: divide by the number of cells, `matrix.size`."
)
def counts_the_ratings(matrix):
    return int(matrix.notna().to_numpy().sum())


@density.misconception(
    "You divided by the number of rows: `len(matrix)` does not count the columns. All cells are `matrix.size`."
)
def divides_by_rows(matrix):
    return matrix.notna().to_numpy().sum() / len(matrix)


@density.misconception(
    "You have one share per column: `mean()` goes down each column. Go on to a single number, `.mean().mean()`."
)
def one_per_column(matrix):
    return matrix.notna().mean()


@density.misconception("You gave percent. A share lies between 0 and 1: leave the `* 100` out.")
def in_percent(matrix):
    return 100 * matrix.notna().to_numpy().mean()


@density.worked_example
def two_by_three():
    matrix = pd.DataFrame([[4.0, math.nan, 2.0], [math.nan, math.nan, 0.0]], index=[7, 8], columns=[20, 30, 40])
    yield "a matrix with gaps", matrix
    yield "cells that hold a rating, the 0 among them", int(matrix.notna().to_numpy().sum())
    yield "cells in all", matrix.size
    yield "the share", matrices.density(matrix)


# ---- predict_rating

predict_rating = Exercise(
    reference=matrices.predict_rating,
    hints=(
        "First factor times first factor, second times second, and so on. Then add the products up.",
        "`zip(user_factors, movie_factors)` walks through both lists at once and gives you the pairs.",
        "`sum(u * m for u, m in zip(user_factors, movie_factors))`",
    ),
)


@dataclasses.dataclass(frozen=True)
class Tastes:
    """Plain lists of factors: three for a user and a film, and six for another two."""

    three: tuple[list[float], list[float]]
    six: tuple[list[float], list[float]]


@predict_rating.given
def tastes(rng):
    """Factors between -1 and 1, and none near 0."""

    def factors(n):
        return (rng.uniform(0.1, 1, n) * rng.choice([-1, 1], n)).round(2).tolist()

    return Tastes((factors(3), factors(3)), (factors(6), factors(6)))


@predict_rating.check(points=0.25)
def three_factors(answer, given):
    """Multiplies factor by factor and adds the products up"""
    return number(answer(*given.three))


@predict_rating.check(points=0.25)
def six_factors(answer, given):
    """Does so for any number of factors"""
    return number(answer(*given.six))


@predict_rating.misconception(
    "That is the outer product: each factor of the user times each of the film. A factor only meets its own kind, the "
    "taste for old films their age: `zip` the two lists."
)
def outer(user_factors, movie_factors):
    return np.outer(user_factors, movie_factors)


@predict_rating.misconception(
    "You let each factor of the user meet every factor of the film, with one loop inside the other. One loop is "
    "enough, over pairs: `zip(user_factors, movie_factors)`."
)
def all_pairs(user_factors, movie_factors):
    return sum(u * m for u in user_factors for m in movie_factors)


@predict_rating.misconception("You have the products. Add them up: one pair of user and film gets one number.")
def forgets_the_sum(user_factors, movie_factors):
    return [u * m for u, m in zip(user_factors, movie_factors, strict=True)]


@predict_rating.misconception(
    "You added the factors to each other. Multiply each pair, so that dislike times dislike counts in favour."
)
def adds_instead(user_factors, movie_factors):
    return sum(u + m for u, m in zip(user_factors, movie_factors, strict=True))


@predict_rating.misconception("You took the mean of the products. A dot product is their sum.")
def takes_the_mean(user_factors, movie_factors):
    return sum(u * m for u, m in zip(user_factors, movie_factors, strict=True)) / len(user_factors)


@predict_rating.misconception(
    "You return within the loop, so it ends after the first pair. Indent `return` as far as `for`, behind the loop."
)
def returns_too_early(user_factors, movie_factors):
    return user_factors[0] * movie_factors[0]


@predict_rating.misconception(
    "Your sum ends one factor too early. `range(n)` leaves n itself out already: `range(len(user_factors))`, or `zip`."
)
def leaves_the_last_out(user_factors, movie_factors):
    return sum(u * m for u, m in zip(user_factors[:-1], movie_factors[:-1], strict=True))


@predict_rating.misconception("You wrote three factors out by hand. Let `zip` go through as many as there are.")
def three_by_hand(user_factors, movie_factors):
    return user_factors[0] * movie_factors[0] + user_factors[1] * movie_factors[1] + user_factors[2] * movie_factors[2]


@predict_rating.misconception(
    "Python cannot multiply a list by a list. Go through both with `zip`, or make arrays of them first: "
    "`np.array(user_factors)`."
)
def multiplies_lists(user_factors, movie_factors):
    return sum(user_factors * movie_factors)


@predict_rating.worked_example
def two_factors():
    user, movie = [0.5, -1.0], [2.0, 0.25]
    yield "a user's factors", user
    yield "a film's factors", movie
    yield "factor by factor, multiplied", [one * other for one, other in zip(user, movie, strict=True)]
    yield "added up", matrices.predict_rating(user, movie)


@predict_rating.misconception(
    "`@` is for arrays, and these are plain lists. Go through both with `zip`, or make arrays of them first: "
    "`np.array(user_factors)`."
)
def matrix_product_of_lists(user_factors, movie_factors):
    return user_factors @ movie_factors


# ---- fill_gaps

fill_gaps = Exercise(
    reference=matrices.fill_gaps,
    hints=(
        "First compute a prediction for *every* cell, then take it only where the matrix has a gap.",
        "`user_factors @ movie_factors.T` is (n_users, k) times (k, n_movies): the dot products of all pairs at once.",
        "`predicted = pd.DataFrame(user_factors @ movie_factors.T, index=matrix.index, columns=matrix.columns)`, then "
        "`matrix.fillna(predicted)`.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Holes:
    """A matrix with gaps, and factors for its rows and columns."""

    matrix: pd.DataFrame  # (n_users, n_movies)
    user_factors: np.ndarray  # (n_users, k)
    movie_factors: np.ndarray  # (n_movies, k)


@fill_gaps.given
def matrix_and_factors(rng):
    """6 users, 5 films, 3 factors; each row and each column has gaps and ratings."""
    is_gap = np.zeros((6, 5), dtype=bool)
    while (is_gap.all(axis=0) | ~is_gap.any(axis=0)).any() or (is_gap.all(axis=1) | ~is_gap.any(axis=1)).any():
        is_gap = rng.random((6, 5)) < 0.4
    users = np.sort(rng.choice(np.arange(100, 1000), 6, replace=False))
    movies = np.sort(rng.choice(np.arange(1000, 2000), 5, replace=False))
    stars = np.where(is_gap, np.nan, rng.integers(1, 6, (6, 5)).astype(float))
    return Holes(pd.DataFrame(stars, users, movies), rng.uniform(0.3, 1.5, (6, 3)), rng.uniform(0.3, 1.5, (5, 3)))


def cells_of(value, matrix: pd.DataFrame) -> np.ndarray:
    """The filled matrix as an array, whether it came as a DataFrame or as an array."""
    if value is None:
        raise CannotAsk(NOTHING)
    try:
        cells = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise CannotAsk(f"gave {described(value)}, expected a DataFrame of numbers") from None
    if cells.shape != matrix.shape:
        raise CannotAsk(f"gave shape {cells.shape}, expected the matrix's own, {matrix.shape}")
    return cells


def named(cells: np.ndarray, where: np.ndarray, matrix: pd.DataFrame) -> dict[str, float]:
    """The chosen cells by user and film."""
    return {
        f"user {matrix.index[row]}, film {matrix.columns[column]}": float(cells[row, column])
        for row, column in zip(*np.nonzero(where), strict=True)
    }


def filled_twice(answer, given) -> list[np.ndarray]:
    """The filled matrix, filled by these factors and by others."""
    factors = (given.user_factors, 2 * given.user_factors)
    return [cells_of(answer(given.matrix.copy(), each, given.movie_factors), given.matrix) for each in factors]


def filled_from_factors(came, given) -> np.ndarray:
    """The filled matrix, once it is sure that other factors fill it otherwise."""
    cells, others = (each.values for each in came[:2])
    is_gap = given.matrix.isna().to_numpy()
    if np.isnan(cells[is_gap]).any():
        raise CannotAsk(f"left {np.isnan(cells[is_gap]).sum()} of {is_gap.sum()} gaps empty")
    if np.allclose(cells[is_gap], others[is_gap]):
        raise CannotAsk("filled the gaps with the same numbers whatever the factors are")
    return cells


def known_cells(came, given) -> dict[str, float]:
    return named(filled_from_factors(came, given), given.matrix.notna().to_numpy(), given.matrix)


def given_matrix_afterwards(came, given) -> str:
    filled_from_factors(came, given)
    if not np.array_equal(came[2].values, given.matrix.to_numpy(), equal_nan=True):
        raise CannotAsk("changed the matrix that it was given")
    return "unchanged"


@fill_gaps.check(points=0.75)
def gaps_get_products(answer, given):
    """Fills each gap with the dot product for its user and its film"""
    matrix = given.matrix.copy()
    return named(
        cells_of(answer(matrix, given.user_factors, given.movie_factors), given.matrix),
        given.matrix.isna().to_numpy(),
        given.matrix,
    )


@fill_gaps.check(points=0.5, look=known_cells)
def known_cells_stay(answer, given):
    """Keeps every rating that is known while it fills the gaps"""
    return filled_twice(answer, given)


@fill_gaps.check(points=0.25, look=given_matrix_afterwards)
def given_stays(answer, given):
    """Returns a new matrix and leaves the one that it was given as it was"""
    matrix = given.matrix.copy()
    answer(matrix, given.user_factors, given.movie_factors)
    return [*filled_twice(answer, given), matrix.to_numpy()]


@fill_gaps.misconception(
    "You predicted every cell and lost the ratings that were there. A known rating is a fact: keep it, and take the "
    "prediction only where `matrix.isna()`."
)
def fills_known_cells_too(matrix, user_factors, movie_factors):
    return pd.DataFrame(user_factors @ movie_factors.T, index=matrix.index, columns=matrix.columns)


@fill_gaps.misconception(
    "You added the predictions to the known ratings, with the gaps as zeros. A cell holds one or the other: "
    "`matrix.fillna(predicted)`."
)
def adds_to_known_cells(matrix, user_factors, movie_factors):
    return matrix.fillna(0) + user_factors @ movie_factors.T


@fill_gaps.misconception(
    "You filled the gaps with zeros. The factors tell what to expect there: each gap gets the dot product of its user's "
    "and its film's."
)
def fills_with_zeros(matrix, user_factors, movie_factors):
    return matrix.fillna(0)


@fill_gaps.misconception(
    "You filled each gap with its film's mean, the same for every user. Use the factors: the dot product is different "
    "for each pair."
)
def fills_with_means(matrix, user_factors, movie_factors):
    return matrix.fillna(matrix.mean())


@fill_gaps.misconception(
    "Nothing was filled. Did you call `fillna`? It fills where labels agree, so the table of predictions needs the "
    "matrix's own: `index=matrix.index, columns=matrix.columns`. Did you look for gaps with `==`? NaN equals nothing, not "
    "even NaN: ask `isna()`."
)
def labels_differ(matrix, user_factors, movie_factors):
    return matrix.fillna(pd.DataFrame(user_factors @ movie_factors.T))


@fill_gaps.misconception(
    "`fillna` does not take an array, it wants to know which number belongs where. Make a table of the predictions: "
    "`pd.DataFrame(..., index=matrix.index, columns=matrix.columns)`."
)
def fills_from_an_array(matrix, user_factors, movie_factors):
    return matrix.fillna(user_factors @ movie_factors.T)


@fill_gaps.misconception(
    "`*` multiplies element by element and needs equal shapes. The dot products of all pairs are a matrix product, `@`: "
    "`user_factors @ movie_factors.T`."
)
def multiplies_elements(matrix, user_factors, movie_factors):
    return pd.DataFrame(user_factors * movie_factors.T, index=matrix.index, columns=matrix.columns)


@fill_gaps.misconception(
    "The two tables do not meet: (n_users, k) @ (n_movies, k). Turn the films' factors over, so that it is (n_users, k) "
    "times (k, n_movies): `user_factors @ movie_factors.T`."
)
def forgets_to_transpose(matrix, user_factors, movie_factors):
    return matrix.fillna(pd.DataFrame(user_factors @ movie_factors))


@fill_gaps.misconception(
    "You changed the matrix that you were given, and whoever handed it over has lost the gaps. Work on a copy, "
    "`matrix.copy()`, or use `fillna`, which makes a new one."
)
def changes_the_given(matrix, user_factors, movie_factors):
    predicted = user_factors @ movie_factors.T
    for row in range(len(matrix.index)):
        for column in range(len(matrix.columns)):
            if np.isnan(matrix.iloc[row, column]):
                matrix.iloc[row, column] = predicted[row, column]
    return matrix


@fill_gaps.misconception(
    "You let every factor of the user meet every factor of the film, an outer product that was then added up. Factor by "
    "factor is what `user_factors @ movie_factors.T` does."
)
def outer_for_each_cell(matrix, user_factors, movie_factors):
    return matrix.where(matrix.notna(), np.outer(user_factors.sum(axis=1), movie_factors.sum(axis=1)))


@fill_gaps.misconception(
    "You multiplied the other way round: films by users has the shape of the matrix on its side. Users come first: "
    "`user_factors @ movie_factors.T`."
)
def on_its_side(matrix, user_factors, movie_factors):
    return pd.DataFrame(movie_factors @ user_factors.T)


@fill_gaps.worked_example
def two_gaps():
    matrix = pd.DataFrame([[4.0, None], [None, 2.0]], index=[7, 8], columns=[20, 30])
    users, movies = np.array([[1.0, 2.0], [0.5, 1.0]]), np.array([[1.0, 1.0], [2.0, 0.5]])
    yield "a matrix with two gaps", matrix
    yield "the users' factors, a row for each row of the matrix", users
    yield "the films' factors, a row for each column of the matrix", movies
    yield "all dot products, users by films", users @ movies.T
    yield "the matrix with these in its gaps, and its ratings as they were", matrices.fill_gaps(matrix, users, movies)


# ---- rmse

rmse = Exercise(
    reference=functional.rmse,
    elsewhere=(
        "collabkit.functional.mse",
        "fastai.metrics._rmse",
    ),
    hints=(
        "Read the name backwards: errors, squared, their mean, its root. And before that, hold the two shapes against "
        "each other.",
        "`if predictions.shape != targets.shape: raise ValueError(...)`. The root is `math.sqrt`, or `** 0.5`.",
        "`math.sqrt(((predictions - targets) ** 2).mean())`",
    ),
)


@dataclasses.dataclass(frozen=True)
class Guesses:
    """Predictions and the stars that were given, two arrays of one shape."""

    predictions: np.ndarray  # (n,)
    targets: np.ndarray  # (n,)


@rmse.given
def guesses(rng):
    """Seven of each; errors above 1, one to the other side than all others, so that their mean tells as well."""
    targets = rng.integers(1, 6, 7).astype(float)
    signs = rng.choice([-1, 1]) * rng.permutation([-1, 1, 1, 1, 1, 1, 1])
    return Guesses(targets + signs * rng.uniform(1.1, 2.5, 7), targets)


@rmse.check(points=0.75)
def root_of_the_mean(answer, given):
    """Is the root of the mean of the squared errors"""
    return number(answer(given.predictions, given.targets))


def with_a_column(came, given) -> str:
    flat, column = came
    if column is not None and not math.isclose(flat, column, rel_tol=1e-6):
        raise CannotAsk("gave another number when the targets came as (n, 1) instead of (n,), and no error")
    return "no wrong number"


@rmse.check(points=0.25, look=with_a_column, form=True)
def shapes_must_agree(answer, given):
    """Does not let predictions (n,) and targets (n, 1) meet in silence"""
    flat = number(answer(given.predictions, given.targets))
    try:
        column = answer(given.predictions, given.targets[:, None])
    except (ValueError, TypeError, AssertionError):
        return [flat, None]
    if column is None or isinstance(column, str | type | Exception):
        raise CannotAsk(
            "gave no error when the shapes differ: printing or returning one stops nobody, `raise ValueError(...)` does"
        )
    return [flat, number(column)]


@rmse.misconception(
    "The root is missing: that is the mean squared error, in squared stars. `math.sqrt` brings it back to stars."
)
def no_root(predictions, targets):
    return ((np.ravel(predictions) - np.ravel(targets)) ** 2).mean()


@rmse.misconception(
    "That is the mean absolute error (a root taken error by error gives it as well). Square, then average, then take one "
    "root at the end."
)
def absolute(predictions, targets):
    return np.abs(np.ravel(predictions) - np.ravel(targets)).mean()


@rmse.misconception(
    "You took the root of the sum, which grows with the number of ratings. Divide by their number first: `.mean()`."
)
def root_of_the_sum(predictions, targets):
    return math.sqrt(((np.ravel(predictions) - np.ravel(targets)) ** 2).sum())


@rmse.misconception(
    "You averaged the errors with their signs, so too high and too low cancel out. Square them before you average."
)
def lets_signs_cancel(predictions, targets):
    return abs((np.ravel(predictions) - np.ravel(targets)).mean())


@rmse.misconception(
    "That is the standard deviation of the errors: it forgives a model that is always off by the same amount. Do not "
    "subtract the errors' mean, average their squares as they are."
)
def spread_of_the_errors(predictions, targets):
    return (np.ravel(predictions) - np.ravel(targets)).std()


@rmse.misconception(
    "(n,) minus (n, 1) gives (n, n), without a word: each prediction was held against every rating. Compare the shapes "
    "first and raise a ValueError when they differ."
)
def broadcasts(predictions, targets):
    return math.sqrt(((predictions - targets) ** 2).mean())


@rmse.worked_example
def three_predictions():
    predictions, targets = np.array([3.5, 4.0, 1.0]), np.array([4.0, 2.0, 1.0])
    yield "predictions", predictions
    yield "what was given", targets
    yield "the errors, squared", (predictions - targets) ** 2
    yield "their mean", ((predictions - targets) ** 2).mean()
    yield "its root", functional.rmse(predictions, targets)


# ---- damped_biases

damped_biases = Exercise(
    reference=baselines.damped_biases,
    hints=(
        "Three steps, each on what the one before has left over: the mean; what is left, by film; what is left then, by "
        "user. In each group the *sum* is divided by the *count plus the damping*.",
        '`rest = ratings["rating"] - mean`. A group\'s bias is `groups.sum() / (groups.count() + damping)` with '
        '`groups = rest.groupby(ratings["movie"])`.',
        'Before the users, take the films\' biases away: `rest = rest - ratings["movie"].map(movie_bias)`. Then the '
        'same two lines with `ratings["user"]`.',
    ),
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """A small table of ratings, and a damping that is not the default."""

    ratings: pd.DataFrame
    damping: float


@damped_biases.given
def sample(rng):
    """8 users and 6 films, no id twice between them, rated unequally often."""
    users = np.sort(rng.choice(np.arange(100, 1000), 8, replace=False))
    movies = np.sort(rng.choice(np.arange(1000, 2000), 6, replace=False))
    seen = np.zeros((8, 6), dtype=bool)
    while (
        len(set(seen.sum(axis=0))) < 3
        or len(set(seen.sum(axis=1))) < 3
        or seen.sum(axis=0).min() * seen.sum(axis=1).min() == 0
    ):
        seen = rng.random((8, 6)) < rng.uniform(0.2, 0.9, (8, 1)) * rng.uniform(0.5, 1, (1, 6))
    rows, columns = rng.permutation(np.argwhere(seen)).T
    stars = np.zeros(len(rows))
    while abs((np.bincount(columns, stars) / np.bincount(columns)).mean() - stars.mean()) < 0.05:
        stars = rng.integers(2, 11, len(rows)) / 2  # 1.0 to 5.0, whose mean is not the mean of the films' means
    frame = pd.DataFrame({"user": users[rows], "movie": movies[columns], "rating": stars.astype("float32")})
    return Sample(frame, damping=float(rng.integers(2, 7)))


def three_parts(value) -> tuple:
    if value is None:
        raise CannotAsk(NOTHING)
    if not isinstance(value, tuple | list) or len(value) != 3:
        what = f"{len(value)} things" if isinstance(value, tuple | list) else described(value)
        raise CannotAsk(f"gave {what}, expected three: the mean, the users' biases and the films' biases")
    return tuple(value)


def by_id(biases, ids: pd.Series, others: pd.Series) -> dict[str, float]:
    """Biases by id, whether they came as a Series, a dict or a table with one column."""
    if isinstance(biases, pd.DataFrame) and len(biases.columns) == 1:
        biases = biases.iloc[:, 0]
    if not isinstance(biases, pd.Series | dict):
        raise CannotAsk(f"gave biases as a {type(biases).__name__}, expected a Series with the ids as its index")
    if set(biases.keys()) == set(others):
        raise CannotAsk(f"gave one bias for each {others.name} where each {ids.name} should have one")
    if set(biases.keys()) != set(ids):
        raise CannotAsk(f"gave {len(biases)} biases whose ids are not those of the {ids.nunique()} {ids.name}s")
    return {f"{ids.name} {key}": float(biases[key]) for key in sorted(set(ids))}


def biases_of(answer, given, damping: float) -> tuple[float, dict[str, float], dict[str, float]]:
    mean, user_bias, movie_bias = three_parts(answer(given.ratings.copy(), damping))
    users, movies = given.ratings["user"], given.ratings["movie"]
    return number(mean), by_id(user_bias, users, movies), by_id(movie_bias, movies, users)


@damped_biases.check(points=0.25)
def the_mean(answer, given):
    """Starts from the mean of all ratings"""
    return number(three_parts(answer(given.ratings.copy(), given.damping))[0])


@damped_biases.check(points=0.75)
def the_films(answer, given):
    """Gives each film its damped share of what the mean leaves over"""
    return biases_of(answer, given, given.damping)[2]


@damped_biases.check(points=1)
def the_users(answer, given):
    """Gives each user a damped share of what the mean and the films leave over"""
    return biases_of(answer, given, given.damping)[1]


@damped_biases.check(points=0.5)
def no_damping(answer, given):
    """Gives plain averages when the damping is 0"""
    _, user_bias, movie_bias = biases_of(answer, given, 0.0)
    return {**user_bias, **movie_bias}


@damped_biases.misconception(
    "Your biases are not damped: one rating of 5 stars puts a film on top of all. Divide each sum by the count plus the "
    "damping."
)
def undamped(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    movie_bias = rest.groupby(ratings["movie"]).mean()
    user_bias = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"]).mean()
    return mean, user_bias, movie_bias


@damped_biases.misconception(
    "You mixed users and films up: return `(mean, user_bias, movie_bias)` in this order, the users' biases grouped by "
    "`user` and the films' by `movie`."
)
def swaps_users_and_films(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = films.sum() / (films.count() + damping)
    users = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"])
    return mean, movie_bias, users.sum() / (users.count() + damping)


@damped_biases.misconception(
    "You took the users' biases before the films'. Then a film that only harsh people saw is made better, and the numbers "
    "differ: films first, users on what is left."
)
def users_first(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    users = rest.groupby(ratings["user"])
    user_bias = users.sum() / (users.count() + damping)
    films = (rest - ratings["user"].map(user_bias)).groupby(ratings["movie"])
    return mean, user_bias, films.sum() / (films.count() + damping)


@damped_biases.misconception(
    "You did not take the films' biases away before you turned to the users, so whoever sees good films counts as "
    'generous, and their quality counts twice. Subtract `ratings["movie"].map(movie_bias)` first.'
)
def both_from_the_mean(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films, users = rest.groupby(ratings["movie"]), rest.groupby(ratings["user"])
    return mean, users.sum() / (users.count() + damping), films.sum() / (films.count() + damping)


@damped_biases.misconception(
    "Brackets: `sum / count + damping` adds the damping to every bias. You want `sum / (count + damping)`."
)
def forgets_the_brackets(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = films.sum() / films.count() + damping
    users = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"])
    return mean, users.sum() / users.count() + damping, movie_bias


@damped_biases.misconception(
    "You added the damping to the sum as well, which acts like that many more stars. It is meant as that many more "
    "ratings of bias 0: add it to the count alone."
)
def damps_the_sum_too(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = (films.sum() + damping) / (films.count() + damping)
    users = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"])
    return mean, (users.sum() + damping) / (users.count() + damping), movie_bias


@damped_biases.misconception(
    "You shrank all biases alike, with few ratings or with many. The damping belongs beside the count, so that it weighs "
    "less the more ratings there are: `sum / (count + damping)`."
)
def shrinks_all_alike(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    movie_bias = rest.groupby(ratings["movie"]).mean() / (1 + damping)
    user_bias = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"]).mean() / (1 + damping)
    return mean, user_bias, movie_bias


@damped_biases.misconception(
    "You did not subtract the mean before you averaged: a bias is what a film or user adds to the mean, and lies around "
    '0. Start from `ratings["rating"] - mean`.'
)
def averages_the_stars_themselves(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    films = ratings["rating"].groupby(ratings["movie"])
    movie_bias = films.sum() / (films.count() + damping)
    users = ratings["rating"].groupby(ratings["user"])
    return mean, users.sum() / (users.count() + damping), movie_bias


@damped_biases.misconception(
    "You damped with a number of your own: use the argument `damping`, so that it can be changed from outside."
)
def damps_with_ten(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = films.sum() / (films.count() + 10)
    users = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"])
    return mean, users.sum() / (users.count() + 10), movie_bias


@damped_biases.misconception("You damped the films and forgot the users: they get `sum / (count + damping)` too.")
def damps_films_only(ratings, damping=10.0):
    mean = ratings["rating"].mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = films.sum() / (films.count() + damping)
    user_bias = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"]).mean()
    return mean, user_bias, movie_bias


@damped_biases.misconception(
    "You took the mean of the films' means, in which a film seen once counts as much as one seen by all. Take the mean "
    'of all ratings: `ratings["rating"].mean()`.'
)
def mean_of_means(ratings, damping=10.0):
    mean = ratings.groupby("movie")["rating"].mean().mean()
    rest = ratings["rating"] - mean
    films = rest.groupby(ratings["movie"])
    movie_bias = films.sum() / (films.count() + damping)
    users = (rest - ratings["movie"].map(movie_bias)).groupby(ratings["user"])
    return mean, users.sum() / (users.count() + damping), movie_bias


@damped_biases.worked_example
def four_ratings():
    rows = [(7, 20, 5.0), (7, 30, 3.0), (8, 20, 4.0), (9, 30, 2.0)]
    ratings = pd.DataFrame(rows, columns=["user", "movie", "rating"])
    damping = 2.0
    found = baselines.damped_biases(ratings, damping)
    yield "the ratings", ratings
    yield "their mean", found.mean
    left = (ratings["rating"] - found.mean).groupby(ratings["movie"])
    yield "what the mean leaves over, added up for each film", left.sum()
    yield f"divided by the film's number of ratings plus the damping of {damping:g}", found.movie_bias
    yield "for the users the same, of what mean and films leave over", found.user_bias


# ---- questions

missing_is_not_zero = Question(
    "missing_is_not_zero",
    prompt="Somebody fills all gaps of the whole table with 0 and then ranks the films by their mean. "
    "What does that ranking tell, more than anything else?",
    choices={
        "a": "Which films the people who saw them liked best.",
        "b": "How many people rated each film.",
        "c": "Which films are disliked by those who have not seen them.",
        "d": "Nothing has changed: adding zeros leaves the order of the means as it was.",
    },
    right="b",
    why_not={
        "a": "A masterpiece seen by ten people now carries the zeros of all the others. Only the mean over known ratings says "
        "how those who saw it liked it.",
        "c": "Who has not seen a film has said nothing about it. The zero is ours, not theirs: that is the whole trouble.",
        "d": "Every film's sum is now divided by the number of all users. Sums stay, but before, each was divided by its own "
        "count, and the counts differ a lot.",
    },
    hints=(
        "Each film's sum of stars is divided by the same number now. So what makes a sum large?",
        "Compare a film with 500 ratings around 3 to one with 10 ratings of 5: their sums are about 1500 and 50.",
    ),
)

why_latent = Question(
    "why_latent",
    prompt="A model has given every film five numbers. Why are they called *latent* factors?",
    choices={
        "a": "They stand in the data file, in columns that are not shown to the users.",
        "b": "They are genres: an expert has filled them in for each film.",
        "c": "Nobody ever observed them: they are inferred, as whatever explains the ratings best.",
        "d": "They take effect only late, after the model has been trained for long enough.",
    },
    right="c",
    why_not={
        "a": "The file holds users, films and stars, and nothing else is used. There is no hidden column.",
        "b": "Genres would be known features of films. Factors are found from the ratings alone, and may match a genre, or no "
        "word that we have.",
        "d": "Latent means hidden, not late. The factors are part of each prediction from the first step on.",
    },
    hints=(
        "Who wrote the factors in this lesson's example down, and who will in a real model?",
        "*Latent* is Latin for *lying hidden*. What is seen in a table of ratings, and what must be guessed behind it?",
    ),
)

good_predictions_poor_list = Question(
    "good_predictions_poor_list",
    prompt="A model predicts held-back ratings with a very small error. Its list of recommendations may still be poor. "
    "Which is the best reason?",
    choices={
        "a": "It cannot be: whoever predicts the ratings knows what people like.",
        "b": "The error was measured in stars, and the list is sorted by squared stars.",
        "c": "RMSE should be replaced by MSE: then a small error means a good list.",
        "d": "The error was measured on films that people had chosen to watch; a list is made of all the others.",
    },
    right="d",
    why_not={
        "a": "It knows what people thought of films that they picked themselves. For the thousands that they never picked nothing "
        "was measured, and a list is made of exactly those.",
        "b": "The root changes the unit and not the order: sorted either way, the list is the same.",
        "c": "The smaller MSE has the smaller RMSE. Both average over all held-back ratings, and look at no list.",
    },
    hints=(
        "Whose opinions on which films are in the held-back ratings? And which films can be on a list of recommendations?",
        "Held back were ratings of films that somebody *chose to see*. A list consists of films that they did not see yet.",
    ),
)
