"""Lesson 08: the bands of its exercises hold with room to spare, and right answers in other words are right."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from autograde.exercise import Outcome
from autograde.exercises import interpretation, of_lesson
from autograde.judge import ask_here, judge
from collabkit.interpret import nearest_items
from collabkit.planted import planted_world
from collabkit.ratings import load_ratings

EXERCISES = of_lesson("interpretation")


def verdict_on(name, answer, seed=3):
    return judge(EXERCISES[name], ask_here(answer, seed), seed)


@pytest.mark.parametrize("seed", range(8))
def test_a_planted_world_can_be_read_and_the_mistakes_cannot(seed):
    given = interpretation.somebody_elses_world(np.random.default_rng(seed))

    def biases(answer, given):
        return interpretation.biases_seen(interpretation.world_as_read(answer, given), given)

    def traits(answer, given):
        return interpretation.traits_seen(interpretation.world_as_read(answer, given), given)

    right, means = interpretation.reference_read_world, interpretation.takes_means
    assert list(biases(right, given).values()) == [0.85]
    assert next(iter(biases(means, given).values())) < 0.82
    assert list(traits(right, given).values()) == [0.85]
    for wrong in (interpretation.takes_raw_columns, interpretation.skips_the_mean):
        assert next(iter(traits(wrong, given).values())) < 0.82


def films_with_a_relative_near(ratings, belong, seed):
    """How many films have one that belongs to them among their five nearest."""
    model, titles = interpretation.trained(ratings, seed)
    counts = torch.tensor(ratings["title"].value_counts().reindex(titles, fill_value=0).to_numpy())
    factors, found = model.movie_factors.weight, 0
    for one, others in belong.items():
        nearest = nearest_items(factors, titles.index(one), 5, counts=counts, min_count=50).tolist()
        found += any(titles[place] in others for place in nearest)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_sequels_are_near(seed):
    ratings = load_ratings(progress=False)
    if ratings.attrs["source"] != "MovieLens 100K":
        pytest.skip("there are no real ratings here")
    assert films_with_a_relative_near(ratings, interpretation.sequels_of(), seed) >= 8


@pytest.mark.parametrize("seed", range(5))
def test_what_is_alike_in_the_world_without_a_network_is_near(seed):
    ratings = planted_world(n_users=943, n_movies=1682, n_ratings=100_000).ratings
    belong = interpretation.alike_in_planted_world(ratings["title"].value_counts())
    assert films_with_a_relative_near(ratings, belong, seed) >= 9


def lists_as_a_series(bias, names, k=5, largest=False):
    biases = pd.Series(bias.detach().numpy().ravel(), index=names)
    return (biases.nlargest if largest else biases.nsmallest)(k)


def lists_with_a_loop(bias, names, k=5, largest=False):
    pairs = sorted(zip(bias.tolist(), names, strict=True), reverse=largest)
    return [[name, bias[0]] for bias, name in pairs[:k]]


def correlates_by_merging(bias, titles, ratings, min_count=50):
    biases = pd.DataFrame({"title": titles, "bias": bias.flatten().tolist()})
    means = ratings.groupby("title", as_index=False).agg(mean=("rating", "mean"), count=("rating", "size"))
    both = means.merge(biases).query("count >= @min_count")
    return both["mean"].corr(both["bias"], method="spearman")


def finds_eigenvectors(factors, k=3):
    table = factors.detach().double().numpy()
    table = table - table.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(table.T))
    components = vectors[:, ::-1][:, :k].T
    return components, table @ components.T


def uses_cosine_similarity(factors, item, k=5, *, counts, min_count=0):
    cosine = F.cosine_similarity(factors, factors[item][None])
    order = cosine.argsort(descending=True).tolist()
    return [place for place in order if place != item and counts[place] >= min_count][:k]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("top_biases", lists_as_a_series),
        ("top_biases", lists_with_a_loop),
        ("bias_against_mean", correlates_by_merging),
        ("pca", finds_eigenvectors),
        ("nearest_items", uses_cosine_similarity),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_right_in_other_words(name, answer, seed):
    verdict = verdict_on(name, answer, seed)
    assert verdict.outcome is Outcome.PASSED, verdict.feedback


def test_the_two_of_pca_the_other_way_round_are_told():
    verdict = verdict_on("pca", lambda factors, k=3: finds_eigenvectors(factors, k)[::-1])
    assert "the other way round" in verdict.feedback
