"""Widgets, on Python's side: what moves in the browser arrives by `set_state`, and what it draws is in the traits."""

import re
import threading

import numpy as np
import pandas as pd
import pytest
import torch

from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProductBias
from collabkit.ratings import planted_world
from collabkit.recommend import average_user, fold_in, recommend_to_new_user
from collabkit.training import BOOK, fit
from collabkit.widgets import DecaySlider, FactorSpace, YourRatings, lists_by

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def dls():
    ratings = planted_world(60, 40, 3, 1500, seed=0).ratings
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42, device="cpu")


@pytest.fixture(scope="module")
def model(dls):
    torch.manual_seed(0)
    model = DotProductBias(dls.n_users, dls.n_items, 5)
    fit(model, dls, seed=0, bar=False)
    return model


def plane():
    users = {"Anna": (0.8, -0.6), "you": (0.5, 0.5)}
    return FactorSpace(users, {"Alien": (0.9, 0.2), "Roman Holiday": (-0.9, 0.9), 1984: (0, 0)}, ("science", "old"))


# ---- all of them


def every_widget(dls, model):
    return plane(), DecaySlider(dls), YourRatings(dls.classes["title"], lists_by(model, dls))


def test_where_no_widget_can_be_drawn_a_picture_or_a_table_and_a_text_stand_in(dls, model):
    for widget in every_widget(dls, model):
        data, _ = widget._repr_mimebundle_()
        assert set(data) == {WIDGET, "text/html", "text/plain"}
        assert data[WIDGET]["model_id"] == widget.model_id
        assert data["text/plain"] == repr(widget)
        assert "<table" in data["text/html"] or len(re.search(r'<img [^>]*alt="([^"]+)"', data["text/html"])[1]) > 100


def test_scripts_draw_clean_up_and_fetch_nothing(dls, model):
    for widget in every_widget(dls, model):
        assert "export default { render };" in widget._esm
        assert "return () => {" in widget._esm
        assert widget._esm.count("export") == 1
        assert "import" not in re.sub(r"//.*|/\*.*?\*/", "", widget._esm)
        assert re.findall(r"https?://[^\s\"']+", widget._esm + widget._css) == ["http://www.w3.org/2000/svg"]
        assert "url(" not in widget._css


def test_making_one_starts_no_thread(dls, model):
    before = threading.active_count()  # a kernel that is to be forked must have one
    every_widget(dls, model)
    assert threading.active_count() == before


# ---- factor space


def test_predictions_are_the_dot_products_and_follow_what_is_moved():
    space = plane()
    wanted = pd.DataFrame([[0.6, -1.26, 0], [0.55, 0, 0]], index=["Anna", "you"])
    assert np.allclose(space.predictions, wanted)
    assert list(space.predictions.columns) == ["Alien", "Roman Holiday", "1984"]
    space.set_state({"users": [[0.8, -0.6], [-1, 0]], "movies": [[0.9, 0.2], [-0.9, 0.9], [0, 2]]})
    assert np.allclose(space.predictions.loc["you"], [-0.9, 0.9, 0])
    assert np.allclose(space.predictions["1984"], [-1.2, 0])
    assert np.allclose(space.user_factors @ space.movie_factors.T, space.predictions)


@pytest.mark.parametrize("size", [1e-3, 0.9, 1.0, 7.0, 300.0])
def test_there_is_room_to_move_every_point_outwards_in_round_steps(size):
    space = FactorSpace({"Anna": (size, 0)}, {"Alien": (0, -size)})
    assert 1.5 * size <= space.reach * (1 + 1e-9) <= 4 * size
    assert f"{space.step:.0e}"[0] in "125"
    assert space.step == pytest.approx(float(f"{space.step:.0e}"))
    assert space.reach == pytest.approx(30 * space.step)


def test_all_at_the_origin_can_be_moved_too():
    space = FactorSpace({"Anna": (0, 0)}, {"Alien": (0, 0)})
    assert space.reach > 0
    assert "Alien" in space.as_html()


@pytest.mark.parametrize(
    ("users", "movies", "told"),
    [
        ({}, {"Alien": (0, 0)}, "at least one user and one film"),
        ({"Anna": (0, 0)}, {}, "at least one user and one film"),
        ({"Anna": (0, 0, 1)}, {"Alien": (0, 0, 1)}, "a plane has two factors"),
        ({"Anna": (0, np.nan)}, {"Alien": (0, 0)}, "two finite numbers"),
    ],
)
def test_what_is_no_point_is_refused(users, movies, told):
    with pytest.raises(ValueError, match=told):
        FactorSpace(users, movies)


# ---- the decay slider


def test_each_move_trains_anew_from_the_same_start(dls):
    slider = DecaySlider(dls, wd=0.1)
    first, model = slider.trained, slider.model
    assert (first["number"], first["wd"]) == (1, 0.1)
    slider.set_state({"wd": 0.5})
    assert (slider.trained["number"], slider.trained["wd"]) == (2, 0.5)
    assert slider.trained["valid"] == list(slider.history.valid_losses) != first["valid"]
    assert len(slider.trained["train"]) == len(slider.trained["valid"]) == BOOK.epochs
    assert slider.model is not model
    slider.wd = 0.1
    assert {**slider.trained, "seconds": 0, "number": 1} == {**first, "seconds": 0}
    slider.wd = 0.1
    assert slider.trained["number"] == 3, "nothing has changed, so nothing is trained"


def test_it_is_the_training_of_fit(dls):
    slider = DecaySlider(dls, wd=0.3)
    torch.manual_seed(42)
    model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
    history = fit(model, dls, 5, 5e-3, 0.3, engine="rowwise", seed=42, bar=False)
    assert slider.history.valid_losses == history.valid_losses
    assert torch.equal(slider.model.movie_factors.weight, model.movie_factors.weight)


def test_without_decay_is_the_slider_s_left_end(dls):
    slider = DecaySlider(dls)
    assert slider.stops[0] == 0
    slider.wd = slider.stops[0]
    for part in ("train", "valid", "lengths"):
        assert slider.trained[part] == slider.without[part]
    assert len(slider.groups) == len(slider.without["lengths"])
    slider.wd = slider.stops[-1]
    assert all(short < long for short, long in zip(slider.trained["lengths"], slider.without["lengths"], strict=True))


def test_all_stops_work_and_the_book_s_decay_is_one_of_them(dls):
    slider = DecaySlider(dls)
    assert slider.wd in slider.stops
    assert all(low < high for low, high in zip(slider.stops, slider.stops[1:], strict=False))
    assert slider.stops[-1] * BOOK.lr < 1


@pytest.mark.parametrize("wd", [-0.1, 200.0, float("nan")])
def test_a_decay_that_cannot_work_is_refused_and_changes_nothing(dls, wd):
    slider = DecaySlider(dls, wd=0.2)
    with pytest.raises(ValueError, match="weight decay is 0 or more"):
        slider.wd = wd
    assert (slider.wd, slider.trained["number"]) == (0.2, 1)


def test_playing_changes_no_random_number_of_the_cells(dls):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    DecaySlider(dls).wd = 0.7
    assert torch.equal(torch.rand(3), wanted)


def test_it_says_the_last_losses(dls):
    slider = DecaySlider(dls, wd=0.25)
    said = f"weight decay 0.25: training {slider.history.train_losses[-1]:.3f}, validation {slider.history.final:.3f};"
    assert said in slider.as_text()


# ---- your ratings


def test_the_list_is_the_library_s_and_follows_ratings_and_popularity(dls, model):
    titles = dls.classes["title"]
    mine = YourRatings(titles, lists_by(model, dls, k=5), ratings={titles[3]: 5})
    before = mine.table
    mine.set_state({"ratings": {titles[3]: 5, titles[8]: 1}})
    user = fold_in(model, [3, 8], [5.0, 1.0])
    wanted = recommend_to_new_user(model, user, 5, seen=[3, 8])
    assert mine.table["for you"].tolist() == [titles[item] for item in wanted.items]
    assert mine.table["predicted stars"].tolist() == [round(stars, 2) for stars in wanted.ratings.tolist()]
    assert mine.ratings == {titles[3]: 5.0, titles[8]: 1.0}
    mine.set_state({"popularity": 1.0})
    counts = torch.bincount(dls.train_ds.x[:, 1], minlength=len(titles))
    wanted = recommend_to_new_user(model, user, 5, seen=[3, 8], counts=counts, weight=1.0)
    assert mine.table["for you"].tolist() == [titles[item] for item in wanted.items]
    mine.set_state({"popularity": 0.0, "ratings": {titles[3]: 5}})
    assert mine.table.equals(before)
    assert mine.listed["number"] >= 4


def test_ids_do_as_well_as_titles(dls, model):
    by_id = CollabDataLoaders.from_df(planted_world(60, 40, 3, 1500, seed=0).ratings, seed=42, device="cpu")
    ids = by_id.classes["movie"]
    mine = YourRatings(ids, lists_by(model, by_id), ratings={str(ids[3]): 5})
    wanted = recommend_to_new_user(model, fold_in(model, [3], [5.0]), seen=[3]).items
    assert mine.table["for you"].tolist() == [str(ids[item]) for item in wanted]


def test_nobody_s_ratings_give_the_average_user_s_list(dls, model):
    titles = dls.classes["title"]
    mine = YourRatings(titles, lists_by(model, dls))
    wanted = recommend_to_new_user(model, average_user(model), 10).items
    assert mine.table["for you"].tolist() == [titles[item] for item in wanted]
    assert "Your ratings: none yet" in repr(mine)


def test_a_list_ends_where_there_is_no_more_to_recommend(dls, model):
    titles = dls.classes["title"]
    mine = YourRatings(titles, lists_by(model, dls), ratings=dict.fromkeys(titles[1:-2], 4))
    assert sorted(mine.table["for you"]) == sorted(titles[-2:])


def test_titles_come_once_and_na_is_none_of_them(dls, model):
    mine = YourRatings(["#na#", "b", "a", "b", 7], lambda *_: pd.DataFrame({"for you": []}), start=["a", "gone"])
    assert (mine.titles, mine.start) == (["b", "a", "7"], ["a"])


def test_a_list_that_cannot_be_made_is_told_and_the_next_one_is_made(dls, model):
    titles = dls.classes["title"]
    mine = YourRatings(titles, lists_by(model, dls))
    mine.ratings = {"<b>no film</b>": 3}
    assert mine.listed["problem"].startswith('No list: ValueError: item 0 is "#na#"')
    assert mine.table.empty
    assert "No list" in repr(mine)
    assert "&quot;#na#&quot;" in mine.as_html()
    mine.ratings = {titles[1]: 3}
    assert "problem" not in mine.listed
    assert len(mine.table) == 10


def test_any_table_is_shown_whatever_its_numbers_are():
    table = pd.DataFrame({"film": ["a"], "stars": np.array([4.5], "float32"), "n": np.array([3]), "why": [None]})
    mine = YourRatings(["a"], lambda ratings, popularity: table)
    assert mine.listed == {"number": 1, "columns": ["film", "stars", "n", "why"], "rows": [["a", 4.5, 3, "None"]]}


def test_the_function_cannot_change_the_ratings():
    def greedy(ratings, popularity):
        ratings["b"] = 5
        return pd.DataFrame({"for you": ["a"]})

    assert YourRatings(["a", "b"], greedy).ratings == {}


def test_names_are_found_when_asked_for_and_others_are_not():
    from collabkit import widgets

    assert widgets.FactorSpace is FactorSpace
    with pytest.raises(AttributeError, match="no attribute 'Slider'"):
        _ = widgets.Slider
