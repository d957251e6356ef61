"""Lesson 01: right answers written in other ways get all points, and what its inputs promise holds for every seed."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge

EXERCISES = of_lesson("latent_factors")
SEEDS = range(20)


def crosstab_by_groups(ratings, n_users=15, n_movies=15):
    users = ratings.groupby("user")["rating"].count().nlargest(n_users).index
    movies = ratings.groupby("movie")["rating"].count().nlargest(n_movies).index
    top = ratings.merge(pd.DataFrame({"user": users})).merge(pd.DataFrame({"movie": movies}))
    return pd.crosstab(top.user, top.movie, values=top.rating, aggfunc="sum")


def pivot_in_order_of_activity(ratings, n_users=15, n_movies=15):
    users = ratings["user"].value_counts().index[:n_users]
    movies = ratings["movie"].value_counts().index[:n_movies]
    return ratings.pivot(index="user", columns="movie", values="rating").loc[users, movies]


def pivot_with_two_levels(ratings, n_users=15, n_movies=15):
    is_in = ratings["user"].isin(ratings["user"].value_counts().index[:n_users])
    is_in &= ratings["movie"].isin(ratings["movie"].value_counts().index[:n_movies])
    return ratings[is_in].pivot_table(index="user", columns="movie")


def cell_by_cell(matrix, user_factors, movie_factors):
    filled = matrix.copy()
    for row, user in enumerate(matrix.index):
        for column, movie in enumerate(matrix.columns):
            if pd.isna(matrix.loc[user, movie]):
                filled.loc[user, movie] = (user_factors[row] * movie_factors[column]).sum()
    return filled


def as_an_array(matrix, user_factors, movie_factors):
    stars = matrix.to_numpy()
    return np.where(np.isnan(stars), np.einsum("uk,mk->um", user_factors, movie_factors), stars)


def biases_as_dicts_by_loops(ratings, damping=10.0):
    rows = [(row.user, row.movie, row.rating) for row in ratings.itertuples()]
    mean = sum(stars for _, _, stars in rows) / len(rows)
    movie_bias, user_bias = {}, {}
    for movie in {movie for _, movie, _ in rows}:
        rest = [stars - mean for _, other, stars in rows if other == movie]
        movie_bias[movie] = sum(rest) / (len(rest) + damping)
    for user in {user for user, _, _ in rows}:
        rest = [stars - mean - movie_bias[movie] for other, movie, stars in rows if other == user]
        user_bias[user] = sum(rest) / (len(rest) + damping)
    return [mean, user_bias, movie_bias]


def biases_by_apply(ratings, damping=10.0):
    frame = ratings.assign(rest=ratings.rating.sub(ratings.rating.mean()))
    movies = frame.groupby("movie").rest.apply(lambda rest: rest.sum() / (len(rest) + damping))
    frame["left"] = frame.rest - movies.reindex(frame.movie).to_numpy()
    users = frame.groupby("user").agg({"left": lambda left: left.sum() / (left.size + damping)})
    return np.float32(ratings.rating.mean()), users, movies


def rmse_that_flattens(predictions, targets):
    return np.sqrt(np.mean((np.ravel(predictions) - np.ravel(targets)) ** 2))


def rmse_that_asserts(predictions, targets):
    assert predictions.shape == targets.shape
    return np.linalg.norm(predictions - targets) / len(targets) ** 0.5


def rmse_in_torch(predictions, targets):
    predictions, targets = torch.as_tensor(predictions), torch.as_tensor(targets)
    if predictions.shape != targets.shape:
        raise ValueError("shapes differ")
    return torch.nn.functional.mse_loss(predictions, targets).sqrt()


RIGHT = {
    "ratings_matrix": [crosstab_by_groups, pivot_in_order_of_activity, pivot_with_two_levels],
    "density": [
        lambda matrix: matrix.count().sum() / matrix.size,
        lambda matrix: 1 - matrix.isna().mean().mean(),
        lambda matrix: np.isfinite(matrix.to_numpy()).mean(),
    ],
    "predict_rating": [
        lambda user, movie: np.dot(user, movie),
        lambda user, movie: torch.tensor(user) @ torch.tensor(movie),
        lambda user, movie: math.fsum(user[i] * movie[i] for i in range(len(user))),
    ],
    "fill_gaps": [cell_by_cell, as_an_array],
    "damped_biases": [biases_as_dicts_by_loops, biases_by_apply],
    "rmse": [rmse_that_flattens, rmse_that_asserts, rmse_in_torch],
}


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_a_right_answer_written_otherwise_gets_all_points(name, answer):
    for seed in range(5):
        verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
        assert verdict.score == EXERCISES[name].points, verdict.feedback


@pytest.mark.parametrize("name", ["ratings_matrix", "damped_biases"])
def test_no_pair_comes_twice_and_no_user_has_the_id_of_a_film(name):
    for seed in SEEDS:
        ratings = EXERCISES[name].draw(np.random.default_rng(seed)).ratings
        assert not ratings.duplicated(["user", "movie"]).any()
        assert set(ratings["user"]).isdisjoint(ratings["movie"])


def test_no_tie_decides_who_is_in():
    for seed in SEEDS:
        given = EXERCISES["ratings_matrix"].draw(np.random.default_rng(seed))
        for column, n in (("user", given.n_users), ("movie", given.n_movies)):
            counts = given.ratings[column].value_counts().to_numpy()
            assert counts[n - 1] > counts[n]


def test_a_matrix_returned_as_it_came_earns_nothing():
    exercise = EXERCISES["fill_gaps"]
    verdict = judge(exercise, ask_here(lambda matrix, user_factors, movie_factors: matrix, 0), 0)
    assert verdict.score == 0


def test_a_root_that_refuses_everything_earns_nothing():
    def refuses(predictions, targets):
        raise ValueError("shapes differ")

    assert judge(EXERCISES["rmse"], ask_here(refuses, 0), 0).score == 0
