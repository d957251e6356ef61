"""The models beyond the book against slow loops over sets, and that no rating to be predicted leaks into them."""

import io
import math

import numpy as np
import pytest
import torch

from bench.accuracy import dot_product_bias, five_fold, folds
from collabkit.batches import CollabDataLoaders, random_split
from collabkit.beyond import BEYOND, N_DAYS, SetSum, SVDPlusPlus, TimeSVDPlusPlus, TwoSidedSVDPlusPlus
from collabkit.models import DotProductBias
from collabkit.planted import planted_world
from collabkit.training import BOOK, fit

from .model_battery import N_MOVIES, N_USERS, ModelBattery

MODELS = [SVDPlusPlus, TwoSidedSVDPlusPlus, TimeSVDPlusPlus]
# user, movie, day; user 0 and movies 0, 6..9 are in no set, pair (1, 2) comes twice, user 3 has two days
RATED = torch.tensor(
    [
        [1, 2, 50],
        [1, 2, 50],
        [1, 3, 50],
        [2, 2, 50],
        [3, 1, 51],
        [3, 2, 51],
        [3, 4, 90],
        [4, 5, 51],
        [5, 1, 9],
        [6, 10, 9],
    ]
)


class TestSVDPlusPlus(ModelBattery):
    def build(self, n_users, n_movies):
        return SVDPlusPlus(n_users, n_movies, 5, RATED)


class TestTwoSidedSVDPlusPlus(ModelBattery):
    def build(self, n_users, n_movies):
        return TwoSidedSVDPlusPlus(n_users, n_movies, 5, RATED)


class TestTimeSVDPlusPlus(ModelBattery):
    def build(self, n_users, n_movies):
        return TimeSVDPlusPlus(n_users, n_movies, 5, RATED)

    @pytest.fixture
    def x(self):
        unseen = torch.tensor([[0, 2, 50], [3, 2, 50], [1, 10, -1]])
        return torch.cat([RATED, unseen])  # 13 rows, as the battery expects

    @pytest.mark.parametrize(("row", "column"), [((N_USERS, 0, 50), 0), ((0, N_MOVIES + 3, 50), 1)])
    def test_an_unknown_id_is_named(self, model, x, row, column):
        with pytest.raises(IndexError, match=f"column {column}.*id {row[column]}"):
            model(torch.cat([x, torch.tensor([row])]))


def enlarged(model):
    """The model with weights far from zero, where every term shows."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(generator=torch.Generator().manual_seed(sum(map(ord, name))))
    return model


def by_a_slow_loop(model, x, rated):
    """The formulas of the docstrings, one row and one number at a time."""
    table = {name: weight.detach().double().numpy() for name, weight in model.named_parameters()}
    rated = rated.tolist()
    sessions = sorted({(u, day) for u, _, day in rated})
    predictions = []
    for u, i, day in x.tolist():
        user, movie = table["user_factors.weight"][u].copy(), table["movie_factors.weight"][i].copy()
        films = {j for v, j, _ in rated if v == u}
        for j in films:
            user += table["chosen.vectors.weight"][j] / math.sqrt(len(films))
        if isinstance(model, TwoSidedSVDPlusPlus):
            people = {v for v, j, _ in rated if j == i}
            for v in people:
                movie += table["chosen_by.vectors.weight"][v] / math.sqrt(len(people))
        z = sum(a * b for a, b in zip(user, movie, strict=True))
        z += table["user_bias.weight"][u, 0] + table["movie_bias.weight"][i, 0]
        if isinstance(model, TimeSVDPlusPlus) and (u, day) in sessions:
            z += table["session_bias.weight"][sessions.index((u, day)), 0]
        predictions.append(1 + 5 / (1 + math.exp(-z)))
    return predictions


@pytest.mark.parametrize("model_class", MODELS)
def test_predictions_are_those_of_a_slow_loop(model_class):
    model = enlarged(model_class(N_USERS, N_MOVIES, 5, RATED, y_range=(1, 6)))
    users, movies, days = torch.meshgrid(
        torch.arange(N_USERS), torch.arange(N_MOVIES), torch.tensor([9, 50, 51, 90]), indexing="ij"
    )
    x = torch.stack([users.flatten(), movies.flatten(), days.flatten()], dim=1)
    np.testing.assert_allclose(model(x).tolist(), by_a_slow_loop(model, x, RATED), rtol=2e-5)


def test_gradients_of_a_set_sum_are_those_of_finite_differences():
    sums = SetSum(torch.tensor([[0, 1], [0, 2], [2, 1]]), n_owners=4, n_members=3, width=2).double()

    def of(vectors):
        return torch.func.functional_call(sums, {"vectors.weight": vectors}, ())

    assert torch.autograd.gradcheck(of, torch.randn(3, 2, dtype=torch.double, requires_grad=True))


def test_an_owner_of_an_empty_set_gets_nothing():
    sums = enlarged(SetSum(torch.tensor([[0, 1], [0, 2], [2, 1]]), n_owners=4, n_members=3, width=2))()
    assert sums[[1, 3]].tolist() == [[0, 0], [0, 0]]
    assert sums[[0, 2]].all()


def test_no_range_leaves_predictions_free():
    model = enlarged(SVDPlusPlus(N_USERS, N_MOVIES, 5, RATED, y_range=None))
    assert model(RATED).min() < 0


def test_a_day_not_seen_is_as_no_day():
    model = enlarged(TimeSVDPlusPlus(N_USERS, N_MOVIES, 5, RATED))
    without = model(RATED[:, :2])
    far = [0, 49, 52, -1, 2**40, -N_DAYS + 50, N_DAYS + 9]  # the last two would be a neighbour's key
    for day in far:
        x = torch.cat([RATED[:, :2], torch.full((len(RATED), 1), day)], dim=1)
        assert torch.equal(model(x), without)
    assert (model(RATED) != without).all()


def test_the_order_of_the_ratings_does_not_matter():
    one = TimeSVDPlusPlus(N_USERS, N_MOVIES, 5, RATED)
    other = TimeSVDPlusPlus(N_USERS, N_MOVIES, 5, RATED.flip(0))
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))


@pytest.mark.parametrize("model_class", MODELS)
def test_the_sets_travel_with_the_weights(model_class):
    model = enlarged(model_class(N_USERS, N_MOVIES, 5, RATED))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    turned = RATED.clone()
    turned[:, 1] = (N_MOVIES - 1) - turned[:, 1]  # as many pairs and sessions, but other films
    twin = model_class(N_USERS, N_MOVIES, 5, turned)
    twin.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(twin(RATED), model(RATED))
    assert all(buffer.device.type == "meta" for buffer in twin.to("meta").buffers())


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize(
    ("rated", "error", "sentence"),
    [
        (RATED[:0], ValueError, "a row a rating"),
        (RATED[:, 0], ValueError, "a row a rating"),
        (torch.tensor([[N_USERS, 0, 0]]), IndexError, f"user ids {N_USERS} to {N_USERS}.* 0 to {N_USERS - 1}"),
        (torch.tensor([[0, -1, 0]]), IndexError, f"movie ids -1 to -1.* 0 to {N_MOVIES - 1}"),
    ],
)
def test_what_cannot_be_a_past_is_refused(model_class, rated, error, sentence):
    with pytest.raises(error, match=sentence):
        model_class(N_USERS, N_MOVIES, 5, rated)


@pytest.mark.parametrize(
    ("rated", "sentence"),
    [(RATED[:, :2], "third column"), (torch.tensor([[1, 1, -3]]), "-3"), (torch.tensor([[1, 1, N_DAYS]]), "1048576")],
)
def test_days_that_are_none_are_refused(rated, sentence):
    with pytest.raises(ValueError, match=sentence):
        TimeSVDPlusPlus(N_USERS, N_MOVIES, 5, rated)


# --- with loaders and fit


@pytest.fixture(scope="module")
def ratings():
    return planted_world(n_users=60, n_movies=40, n_ratings=1200, seed=1).ratings


def loaders(ratings, split=None):
    names = {"user_name": "user", "item_name": "movie", "rating_name": "rating", "time_name": "timestamp"}
    train, valid = split or random_split(len(ratings), seed=0)
    return CollabDataLoaders.from_split(ratings, train, valid, **names, seed=0, bs=64, device="cpu")


def trained(dls):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = TimeSVDPlusPlus(dls.n_users, dls.n_items, 4, dls.train_ds.x)
    return model, fit(model, dls, epochs=3, lr=1e-2, wd=0.5, wd_bias=0.0, seed=0, bar=False)


def test_the_sets_hold_the_training_part_and_nothing_else(ratings):
    dls = loaders(ratings)
    model = TimeSVDPlusPlus(dls.n_users, dls.n_items, 4, dls.train_ds.x)
    users, movies = dls.classes["user"], dls.classes["movie"]
    sets = model.chosen
    owners = torch.repeat_interleave(torch.arange(dls.n_users), sets.members_ends.diff())
    held = {(users[u], movies[i]) for u, i in zip(owners.tolist(), sets.members.tolist(), strict=True)}
    assert held == set(zip(dls.train_df["user"], dls.train_df["movie"], strict=True))
    assert not held & set(zip(dls.valid_df["user"], dls.valid_df["movie"], strict=True))
    days = dls.train_df["timestamp"] // 86_400
    assert len(model.sessions) == len(set(zip(dls.train_df["user"], days, strict=True)))


def test_test_ratings_change_nothing_that_is_learnt(ratings):
    """Other stars, films, users and times in the test part, and the weights are the same to the last bit."""
    split = random_split(len(ratings), seed=0)
    other = ratings.copy()
    rows = split[1].numpy()
    shifted = ratings.iloc[np.roll(rows, 7)]
    for name in ("user", "movie", "timestamp"):
        other.iloc[rows, other.columns.get_loc(name)] = shifted[name].to_numpy()
    other.iloc[rows, other.columns.get_loc("rating")] = np.float32(5.5) - ratings.iloc[rows]["rating"].to_numpy()
    model, history = trained(loaders(ratings, split))
    twin, changed = trained(loaders(other, split))
    ours, theirs = model.state_dict(), twin.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert history.final != changed.final  # the test part did change


def test_fit_trains_it(ratings):
    dls = loaders(ratings)
    _, history = trained(dls)
    assert history.engine == "torch"
    spread = float(dls.valid_df["rating"].var(ddof=0))  # what the mean rating itself would reach
    assert history.final < spread < history.step_losses[0]


def test_noise_that_nobody_can_know_is_not_predicted(ratings):
    """Who rates what, and when, tells nothing of pure noise: no model does better than its spread, unless it leaks."""
    noise = ratings.copy()
    noise["rating"] = np.random.default_rng(0).normal(2.75, 0.7, len(noise)).astype("float32")
    _, history = trained(loaders(noise))
    valid = noise["rating"].to_numpy()[loaders(noise).valid_ids.numpy()]
    assert history.final > 0.97 * float(((valid - 2.75) ** 2).mean())


# --- cross-validation


def test_folds_test_each_row_once_and_start_with_the_lessons_split():
    tests = []
    for train, test in folds(103):
        assert sorted(torch.cat([train, test]).tolist()) == list(range(103))
        tests.append(test)
    assert sorted(torch.cat(tests).tolist()) == list(range(103))
    train, test = next(folds(100))
    expected_train, expected_test = random_split(100, 0.2, 42)
    assert torch.equal(train, expected_train)
    assert torch.equal(test, expected_test)


def test_five_fold_scores_every_fold_by_the_models_own_predictions(ratings, monkeypatch):
    monkeypatch.setattr("bench.accuracy.load_ratings", lambda: ratings)
    scores = five_fold(BOOK, dot_product_bias)
    train, test = next(folds(len(ratings)))
    dls = CollabDataLoaders.from_split(
        ratings, train, test, user_name="user", item_name="title", rating_name="rating", bs=BOOK.bs, seed=42
    )
    with torch.random.fork_rng():
        torch.manual_seed(42)
        model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
    fit(model, dls, **BOOK.settings, seed=42)
    errors = model(dls.valid_ds.x).detach() - dls.valid_ds.y.flatten()
    assert len(scores) == 5
    assert scores[0].rmse == pytest.approx(float(errors.square().mean().sqrt()), rel=1e-5)
    assert scores[0].mae == pytest.approx(float(errors.abs().mean()), rel=1e-5)


def test_the_first_fold_of_movielens_is_below_886(movielens):
    """One fold of the five, on whose test part nothing was chosen; all five are in bench.accuracy."""
    train, test = next(folds(len(movielens)))
    names = {"user_name": "user", "item_name": "title", "rating_name": "rating", "time_name": "timestamp"}
    dls = CollabDataLoaders.from_split(movielens, train, test, **names, seed=42, bs=BEYOND.bs, device="cpu")
    with torch.random.fork_rng():
        torch.manual_seed(42)
        model = TimeSVDPlusPlus(dls.n_users, dls.n_items, BEYOND.n_factors, dls.train_ds.x)
    assert fit(model, dls, **BEYOND.settings, seed=42, bar=False).final ** 0.5 < 0.886
