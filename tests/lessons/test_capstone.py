"""Lesson 12: what is withheld is not sent, who has it anyway earns nothing, and right answers come in many forms."""

import dataclasses
import json
import time

import numpy as np
import pandas as pd
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from autograde.execute import executed, judging_server
from autograde.exercise import Outcome
from autograde.exercises import capstone
from autograde.judge import ask_here, asking_seed, judge
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.observe import from_plain, to_plain
from autograde.outside import pickled
from autograde.verdict import VERDICT_MIME, verdict_from_json, verdict_to_json

SEED = 3
best_model = capstone.best_model


@pytest.fixture(scope="module")
def given():
    return best_model.draw(np.random.default_rng(SEED))


@pytest.fixture(scope="module")
def came(given):
    """What the reference brings back."""
    return ask_here(best_model.reference, SEED)(capstone.asked, given)


def judged(came):
    return judge(best_model, lambda question, given: came, SEED)


def with_stars(came, stars):
    """An observation with other stars in it, through the wire as it would come from a child."""
    again = np.concatenate([stars[6::-1], stars[::-90]])
    changed = {
        **came,
        "stars": dataclasses.replace(came["stars"], values=stars, shape=stars.shape, dtype=str(stars.dtype)),
        "stars again": dataclasses.replace(came["stars again"], values=again, shape=again.shape),
    }
    return from_plain(*to_plain(changed))


# ---- what is sent


def test_what_is_sent_holds_no_withheld_star(given):
    rows = given.places.value["withheld"]
    given.stars.value[rows] += 1e-9 * np.arange(len(rows))  # so that each is a number of its own
    try:
        sent = pickled(given, capstone.asked) + pickled(capstone.asked, capstone.asked)
        for star in given.stars.value[rows][:: len(rows) // 200]:
            assert np.float64(star).tobytes() not in sent
    finally:
        given.stars.value[rows] = np.round(given.stars.value[rows] * 2) / 2
    assert list(given.pairs) == ["user", "movie", "timestamp"]


SNOOP = """
def best_model(ratings, seconds):
    import gc, sys
    frame, seen = sys._getframe(), []
    while frame:
        seen += [value for value in frame.f_locals.values() if type(value) is int]
        frame = frame.f_back
    splits = [each for each in gc.get_objects() if hasattr(each, "pairs") and hasattr(each, "stars")]
    asking = [number for number in seen if number > 1 << 40]
    raise ValueError(str([(each.stars, each.places, each.seed) for each in splits]) + str(sorted(set(asking))))
"""


def test_behind_walls_neither_stars_nor_the_seed_of_the_split_are_found():
    notebook = new_notebook(
        cells=[
            new_code_cell(SNOOP, metadata={"nbgrader": {"grade_id": "best_model-answer", "solution": True}}),
            new_code_cell(
                'check("best_model", best_model)',
                metadata={"nbgrader": {"grade_id": "best_model", "grade": True, "points": best_model.points}},
            ),
        ]
    )
    with judging_server(Walls.found()) as server:
        done = executed(notebook, server, Limits(cell_seconds=600), lambda name: 1 << 60)
    (output,) = [output for output in done.cells[1].outputs if VERDICT_MIME in output.get("data", {})]
    feedback = output["data"][VERDICT_MIME]["feedback"]
    assert "(None, None, None)" in feedback
    assert str(asking_seed(1 << 60)) in feedback, "it looked in the right place"
    assert str(1 << 60) not in feedback
    assert str(int(np.random.default_rng(1 << 60).integers(2**62))) not in feedback


def test_no_pair_to_predict_is_among_those_to_learn_from_but_for_the_probe(given):
    learned = set(zip(given.ratings["user"], given.ratings["movie"], strict=True))
    withheld = given.pairs.iloc[given.places.value["withheld"]]
    assert not learned & set(zip(withheld["user"], withheld["movie"], strict=True))
    assert len(withheld) == (len(withheld) + len(given.ratings)) // 5


def test_names_and_times_are_other_ones_than_the_public_ones(given):
    public = capstone.load_ratings(progress=False)
    rows = set(zip(public["user"], public["movie"], public["rating"], strict=True))
    same = sum(row in rows for row in zip(*(given.ratings[name] for name in ("user", "movie", "rating")), strict=True))
    assert same < 0.05 * len(given.ratings)
    assert (given.ratings["timestamp"] % 86_400 == 0).all()


def test_another_seed_is_another_split(given):
    other = best_model.draw(np.random.default_rng(SEED + 1))
    assert not given.ratings.equals(other.ratings)
    assert best_model.draw(np.random.default_rng(SEED)) is given or capstone.split_of(given.seed.value).ratings.equals(
        given.ratings
    )


# ---- what is believed


def test_who_has_the_withheld_ratings_earns_nothing(came, given):
    stars = np.nan_to_num(given.stars.value, nan=3.5)
    verdict = judged(with_stars(came, stars))
    assert verdict.score == 0
    assert "leaked" in verdict.feedback


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_star_earns_nothing(came, value):
    stars = came["stars"].values.copy()
    stars[:] = value
    verdict = judged(with_stars(came, stars))
    assert verdict.score == 0
    assert verdict.measured is None or verdict.measured.value > 50


@pytest.mark.parametrize("odd", [None, 3, [], {}, {"stars": None}, {"stars": [1.0], "in time": True}, "in time"])
def test_whatever_comes_instead_of_an_observation_earns_nothing(odd):
    verdict = judged(odd)
    assert (verdict.score, verdict.measured) == (0, None)


def test_one_who_lies_about_the_time_alone_gains_nothing_else(came):
    late = judged({**came, "in time": False})
    assert late.score == best_model.points - 0.25
    assert "longer than the 10 seconds" in late.feedback


def test_the_number_is_that_of_the_withheld_ratings(came, given):
    verdict = judged(came)
    assert verdict.outcome is Outcome.PASSED
    expected = capstone.rmse_on_withheld(came["stars"].values, given)
    assert verdict.measured.value == pytest.approx(expected, abs=6e-5)
    assert list(verdict.measured.rungs) == ["damped biases", "fastai's learner", "our best dot product"]
    again = verdict_from_json(json.loads(json.dumps(verdict_to_json(verdict))))
    assert again.measured == verdict.measured


# ---- right in another form


FORMS = {
    "array": lambda stars: stars.numpy(),
    "list": lambda stars: stars.tolist(),
    "series": lambda stars: pd.Series(stars.numpy(), index=range(7, 7 + len(stars))),
    "column": lambda stars: stars[:, None],
    "float64": lambda stars: stars.double(),
    "gradient": lambda stars: stars.clone().requires_grad_(),
}


@pytest.mark.parametrize("form", FORMS)
def test_right_in_another_form(form):
    def in_another_form(ratings, seconds):
        predict = capstone.reference_best_model(ratings, seconds)
        return lambda pairs: FORMS[form](predict(pairs))

    verdict = judge(best_model, ask_here(in_another_form, SEED), SEED)
    assert verdict.outcome is Outcome.PASSED, verdict.feedback


WRONG = {
    "returns no function": (lambda ratings, seconds: 3.5, "return predict"),
    "predicts nothing": (lambda ratings, seconds: lambda pairs: None, "predicts nothing"),
    "predicts one number": (lambda ratings, seconds: lambda pairs: 3.5, "1 number for"),
    "predicts gaps": (lambda ratings, seconds: lambda pairs: pairs["user"].map({1: 3.0}), "no finite number for"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_form_is_told(case):
    answer, told = WRONG[case]
    verdict = judge(best_model, ask_here(answer, SEED), SEED)
    assert verdict.score == 0
    assert told in verdict.feedback


def test_who_works_on_when_the_time_is_up_is_stopped(given):
    def forever(ratings, seconds):
        while True:
            try:
                time.process_time()
            except Exception:
                continue

    short = dataclasses.replace(given, seconds=0.1)
    raised = ask_here(forever, SEED)(capstone.asked, short)
    assert raised.type == "CannotAsk"
    assert "still at work after 0.2 seconds" in raised.message


# ---- choose_and_report


def chooses_in_a_loop(candidates, rmse_of, learn, choose, report):
    best, lowest = None, float("inf")
    for setting in candidates:
        error = rmse_of(setting, learn, choose)
        if error < lowest:
            best, lowest = setting, error
    rows = torch.tensor(sorted(learn.tolist() + choose.tolist()))
    return [best, torch.tensor(rmse_of(best, rows, report))]


@pytest.mark.parametrize("seed", range(5))
def test_choosing_in_other_words(seed):
    verdict = judge(capstone.choose_and_report, ask_here(chooses_in_a_loop, seed), seed)
    assert verdict.outcome is Outcome.PASSED, verdict.feedback
