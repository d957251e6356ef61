"""The engines of `fit` against each other, against fastai step by step, and on input that must be refused."""

import copy
import signal
import statistics
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback

from collabkit.batches import CollabDataLoaders
from collabkit.engines import Compiled, Plan, Torch, is_dot_product_family
from collabkit.models import CollabNN, DotProduct, DotProductBias
from collabkit.ratings import planted_world
from collabkit.schedule import one_cycle
from collabkit.training import BEST, BOOK, FAST, fit, learner

ENGINES = ("torch", "exact", "rowwise")


@pytest.fixture(scope="module")
def ratings():
    return planted_world(n_users=60, n_movies=45, n_ratings=1500, seed=3).ratings


@pytest.fixture
def dls(ratings):
    return CollabDataLoaders.from_df(ratings, item_name="title", bs=32, seed=1)


def model_for(dls, seed=0, **options):
    torch.manual_seed(seed)
    return DotProductBias(dls.n_users, dls.n_items, 6, **options)


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def largest_difference(one, other):
    pairs = zip(weights(one).values(), weights(other).values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


# ---- one meaning


class Pace(Callback):
    """Learning rate, momentum and loss of every step that fastai takes."""

    run_valid = False

    def before_fit(self):
        self.rates, self.momenta, self.losses = [], [], []

    def after_batch(self):
        hypers = self.learn.opt.hypers[0]
        self.rates.append(hypers["lr"])
        self.momenta.append(hypers["mom"])
        self.losses.append(float(self.learn.loss.detach()))


def test_torch_is_fastais_learner_step_by_step(dls):
    theirs, ours = model_for(dls), model_for(dls)
    pace = Pace()
    dls.train.reseed(7)
    learner(dls, theirs).fit_one_cycle(3, 0.01, wd=0.1, cbs=pace)
    history = fit(ours, dls, 3, 0.01, 0.1, engine="torch", seed=7)
    lrs, moms = one_cycle(len(pace.rates), 0.01)
    np.testing.assert_allclose(lrs, pace.rates, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(moms, pace.momenta, rtol=1e-6)
    np.testing.assert_allclose(history.step_losses, pace.losses, rtol=1e-4)
    assert largest_difference(ours, theirs) < 1e-5


@pytest.mark.parametrize("wd_bias", [None, 0.0, 0.3])
@pytest.mark.parametrize(
    ("build", "options"),
    [
        (DotProduct, {}),
        (DotProductBias, {}),
        (DotProductBias, {"y_range": None}),
        (DotProductBias, {"y_range": (1, 5)}),
    ],
)
def test_exact_is_torch_to_float_tolerance(dls, build, wd_bias, options):
    torch.manual_seed(0)
    by_torch = build(dls.n_users, dls.n_items, 6, **options)
    compiled = copy.deepcopy(by_torch)
    one = fit(by_torch, dls, 2, 0.02, 0.1, wd_bias=wd_bias, engine="torch", seed=2)
    other = fit(compiled, dls, 2, 0.02, 0.1, wd_bias=wd_bias, engine="exact", seed=2)
    assert largest_difference(by_torch, compiled) < 1e-4
    np.testing.assert_allclose(other.step_losses, one.step_losses, rtol=1e-4)
    np.testing.assert_allclose(other.train_losses, one.train_losses, rtol=1e-4)
    np.testing.assert_allclose(other.valid_losses, one.valid_losses, rtol=1e-4)


def test_exact_is_torch_on_movielens(movielens):
    dls = CollabDataLoaders.from_df(movielens, item_name="title", bs=BOOK.bs, seed=42)
    torch.manual_seed(0)
    by_torch = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
    compiled, longer = copy.deepcopy(by_torch), copy.deepcopy(by_torch)
    fit(by_torch, dls, 1, 5e-3, 0.1, engine="torch", seed=0)
    fit(compiled, dls, 1, 5e-3, 0.1, engine="exact", seed=0)
    assert largest_difference(by_torch, compiled) < 1e-4
    five = fit(copy.deepcopy(longer), dls, **BOOK.settings, engine="torch", seed=0).final
    assert fit(longer, dls, **BOOK.settings, engine="exact", seed=0).final == pytest.approx(five, abs=1e-3)
    assert five == pytest.approx(0.811, abs=0.006)


def test_rowwise_ends_where_the_others_end_on_movielens(movielens):
    dls = CollabDataLoaders.from_df(movielens, item_name="title", bs=BOOK.bs, seed=42)
    differences = []
    for seed in range(5):
        torch.manual_seed(seed)
        model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
        finals = [
            fit(copy.deepcopy(model), dls, **BOOK.settings, engine=engine, seed=seed).final
            for engine in ("exact", "rowwise")
        ]
        differences.append(finals[1] - finals[0])
    assert max(map(abs, differences)) < 0.004
    assert abs(statistics.mean(differences)) < 0.002


@pytest.mark.parametrize(("preset", "rmse"), [(FAST, 0.898), (BEST, 0.8925)], ids=["FAST", "BEST"])
def test_presets_keep_their_word_on_movielens(movielens, preset, rmse):
    dls = CollabDataLoaders.from_df(movielens, item_name="title", bs=preset.bs, seed=42)
    finals = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = DotProductBias(dls.n_users, dls.n_items, preset.n_factors)
        finals.append(fit(model, dls, **preset.settings, seed=seed).final ** 0.5)
    assert max(finals) <= rmse


@pytest.mark.parametrize("engine", ["exact", "rowwise"])
def test_a_decay_that_leaves_nothing_of_a_weight_is_no_division_by_zero(dls, engine):
    torch.manual_seed(0)
    by_torch = DotProductBias(dls.n_users, dls.n_items, 6)
    compiled = copy.deepcopy(by_torch)
    settings = {"epochs": 60, "lr": 5e-3, "wd": 190, "wd_bias": 0.1, "seed": 0}
    wanted = fit(by_torch, dls, **settings, engine="torch")
    assert len(wanted.step_losses) > 400  # after 300 of them a double cannot hold what is left of a weight
    assert fit(compiled, dls, **settings, engine=engine).final == pytest.approx(wanted.final, abs=1e-2)


def test_a_row_that_waits_ten_thousand_steps_is_made_up_without_nan():
    """Users 2 to 40 come once or twice among 12,000 batches of one rating."""
    rng = np.random.default_rng(0)
    seldom = np.repeat(np.arange(2, 41), 2)
    users = np.concatenate([seldom, np.ones(12_000 - len(seldom), int)])
    table = pd.DataFrame({"user": users, "item": rng.integers(1, 6, 12_000), "rating": rng.uniform(1, 5, 12_000)})
    dls = CollabDataLoaders.from_df(table, bs=1, seed=0, valid_pct=0.05)
    torch.manual_seed(0)
    dense = DotProductBias(dls.n_users, dls.n_items, 4)
    rowwise = copy.deepcopy(dense)
    wanted = fit(dense, dls, 1, 1e-3, 0.1, engine="exact", seed=0)
    came = fit(rowwise, dls, 1, 1e-3, 0.1, engine="rowwise", seed=0)
    assert not came.stopped
    assert came.final == pytest.approx(wanted.final, abs=0.01)


def test_rowwise_with_one_batch_an_epoch_is_exact(ratings):
    """Where every row is touched at every step there is nothing to make up."""
    pairs = pd.MultiIndex.from_product([range(5), range(4)], names=["user", "movie"]).to_frame(index=False)
    table = pairs.assign(rating=np.linspace(1, 5, 20, dtype=np.float32))
    dls = CollabDataLoaders.from_df(pd.concat([table] * 5), bs=1000, seed=0, valid_pct=0.05)
    torch.manual_seed(0)
    one = DotProductBias(dls.n_users, dls.n_items, 3)
    other = copy.deepcopy(one)
    fit(one, dls, 20, 0.05, 0.1, engine="exact", seed=0)
    fit(other, dls, 20, 0.05, 0.1, engine="rowwise", seed=0)
    assert largest_difference(one, other) < 1e-3  # only #na# is never touched, and only decays


def test_an_untouched_row_only_decays(dls):
    model = model_for(dls)
    with torch.no_grad():
        model.user_factors.weight[0] = 1.0  # row 0 is #na#: no rating touches it
    lrs, _ = one_cycle(len(dls.train) * 2, 0.01)
    left = np.prod(1 - lrs * 0.5)
    for engine in ENGINES:
        trained = copy.deepcopy(model)
        fit(trained, dls, 2, 0.01, 0.5, engine=engine, seed=0)
        torch.testing.assert_close(trained.user_factors.weight[0], torch.full((6,), float(left)))


@pytest.mark.parametrize("engine", ENGINES)
def test_each_rating_is_seen_once_an_epoch(dls, engine):
    """At a rate of nearly zero the mean of the step losses is the loss of the whole table, each rating once."""
    model = model_for(dls)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(60)  # ratings differ in their loss, so that a rating missed or doubled shows
    x, y = dls.train.dataset[:]
    whole = float((model(x) - y.flatten()).square().mean().detach())
    history = fit(model, dls, 1, 1e-9, 0.0, engine=engine)
    assert history.train_losses[0] == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_seed_repeats_a_training_bit_for_bit(dls, engine):
    one, other = model_for(dls), model_for(dls)
    histories = [fit(model, dls, 2, engine=engine, seed=5) for model in (one, other)]
    assert histories[0].step_losses == histories[1].step_losses
    assert largest_difference(one, other) == 0
    assert fit(model_for(dls), dls, 2, engine=engine, seed=6).step_losses != histories[0].step_losses


@pytest.mark.parametrize("engine", ENGINES)
def test_saved_without_pickle_a_model_predicts_the_same_bits(dls, engine, tmp_path):
    model = model_for(dls)
    fit(model, dls, 2, engine=engine, seed=0)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    again = model_for(dls, seed=99)
    again.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    x = dls.valid.dataset.x
    assert torch.equal(model(x), again(x))


@pytest.mark.parametrize("engine", ENGINES)
def test_validation_is_the_models_own(dls, engine):
    model = model_for(dls)
    history = fit(model, dls, 2, 0.02, engine=engine, seed=0)
    x, y = dls.valid.dataset[:]
    assert history.final == pytest.approx(float((model(x) - y.flatten()).square().mean().detach()), rel=1e-5)
    assert not model.training


# ---- who runs


def test_auto_says_which_engine_it_took(dls):
    assert fit(model_for(dls), dls, 1).engine == "exact"
    network = CollabNN((dls.n_users, 3), (dls.n_items, 4))
    assert fit(network, dls, 1).engine == "torch"


def test_auto_goes_row_by_row_where_dense_steps_would_cost_too_much(dls, monkeypatch):
    monkeypatch.setattr("collabkit.training.DENSE_LIMIT", 1000)
    assert fit(model_for(dls), dls, 1).engine == "rowwise"


def test_a_subclass_or_a_frozen_weight_is_for_torch(dls):
    class Mine(DotProductBias):
        pass

    frozen = model_for(dls)
    frozen.movie_bias.weight.requires_grad_(False)
    before = frozen.movie_bias.weight.clone()
    assert not is_dot_product_family(Mine(3, 3, 2))
    assert fit(frozen, dls, 1).engine == "torch"
    assert torch.equal(frozen.movie_bias.weight, before)


def test_two_epochs_in_pieces_are_the_same_as_whole(dls, monkeypatch):
    whole, pieces = model_for(dls), model_for(dls)
    fit(whole, dls, 2, engine="rowwise", seed=0)
    monkeypatch.setattr("collabkit.engines.CHUNK", 100)
    fit(pieces, dls, 2, engine="rowwise", seed=0)
    assert largest_difference(whole, pieces) == 0


# ---- what goes wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_a_diverging_rate_stops_with_a_sentence_and_good_weights(dls, engine, capsys):
    model = model_for(dls, y_range=None)
    history = fit(model, dls, 5, 1e6, 0.0, engine=engine, seed=0)
    assert "lower learning rate" in history.stopped
    assert history.stopped in capsys.readouterr().out
    assert all(bool(weight.isfinite().all()) for weight in model.parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_runaway_epoch_leaves_the_weights_of_the_one_before_it(dls, engine, monkeypatch):
    """Every epoch after the first counts as run away; the weights are then those of a training that ended there."""
    model, epochs = model_for(dls), []
    kept = {}

    def diverged(record):
        epochs.append(1)
        return len(epochs) > 1

    runner = Compiled if engine != "torch" else Torch
    original = runner.keep

    def keep(self):
        original(self)
        if epochs:
            self.finish()
            kept.update(weights(self.model))

    monkeypatch.setattr("collabkit.training._Record.has_diverged", diverged)
    monkeypatch.setattr(runner, "keep", keep)
    history = fit(model, dls, 4, 0.05, 0.1, engine=engine, seed=0)
    assert "epoch 2" in history.stopped
    assert all(torch.equal(kept[name], weight) for name, weight in weights(model).items())


@pytest.fixture
def keyboard():
    """Has Ctrl-C interrupt these tests even in the background of a shell, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_keyboard_stops_a_training_and_the_model_is_usable(dls, engine, monkeypatch):
    runs = []

    def interrupted(self, loader, original=Compiled.validate):
        runs.append(1)
        if len(runs) == 3:
            signal.raise_signal(signal.SIGINT)
        return original(self, loader)

    monkeypatch.setattr("collabkit.engines.Compiled.validate", interrupted)
    if engine == "torch":
        original = Torch.validate
        monkeypatch.setattr(
            "collabkit.engines.Torch.validate", lambda self, loader: interrupted(self, loader, original)
        )
    model = model_for(dls)
    history = fit(model, dls, 9, engine=engine)
    assert len(history.valid_losses) == 2
    assert "keyboard after 2 whole epochs" in history.stopped
    assert model(dls.valid.dataset.x).isfinite().all()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "at least one epoch"),
        ({"engine": "fast"}, "no engine 'fast'"),
        ({"lr": 0.0}, "a learning rate is a number above 0"),
        ({"lr": float("nan")}, "a learning rate is a number above 0"),
        ({"wd": -1.0}, "weight decay is 0 or more"),
        ({"wd": 300.0}, "weight decay is 0 or more"),
        ({"wd_bias": float("inf")}, "weight decay is 0 or more"),
    ],
)
def test_settings_that_cannot_work_are_refused(dls, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(model_for(dls), dls, **settings)


@pytest.mark.parametrize("engine", ["exact", "rowwise"])
def test_compiled_engines_refuse_what_they_do_not_know(dls, engine):
    with pytest.raises(ValueError, match="take torch"):
        fit(CollabNN((dls.n_users, 3), (dls.n_items, 4)), dls, 1, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_that_will_find_no_room_is_refused_before_it_begins(dls, engine, monkeypatch):
    free = namedtuple("Memory", "available")
    monkeypatch.setattr("psutil.virtual_memory", lambda: free(1000))
    model = model_for(dls)
    untouched = copy.deepcopy(model)
    with pytest.raises(MemoryError, match=r"needs about .* GB beside the ratings .* are free. Take fewer factors"):
        fit(model, dls, 1, engine=engine)
    assert largest_difference(model, untouched) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space of a process")
@pytest.mark.parametrize("engine", ENGINES)
def test_memory_that_runs_out_is_a_sentence(engine):
    script = f"""
import resource, pandas as pd, psutil, collabkit, collabkit.kernels
table = pd.DataFrame({{"user": [1, 2, 3] * 4, "item": [1, 2, 3, 4] * 3, "rating": [1.0, 2.0, 3.0] * 4}})
dls = collabkit.CollabDataLoaders.from_df(table, seed=0)
model = collabkit.DotProductBias(2_000_000, 9, 50)
held = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (held + 300_000_000,) * 2)
try:
    collabkit.fit(model, dls, 1, engine="{engine}")
except MemoryError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert "Take fewer factors" in done.stdout, done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_too_small_for_the_ratings_is_refused_before_it_reads_past_its_end(dls, engine):
    with pytest.raises(ValueError, match=r"column 1, but movie_factors has 5 rows"):
        fit(DotProductBias(dls.n_users, 5, 3), dls, 1, engine=engine)


def test_a_plan_of_no_step_settles_nothing():
    model = DotProductBias(3, 3, 2)
    before = weights(model)
    engine = Compiled(model, Plan(np.array([0.1]), np.array([0.9]), 0.1, 0.1), rowwise=True)
    engine.finish()
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters())


def test_one_user_is_enough():
    table = pd.DataFrame({"user": [1] * 40, "movie": range(40), "rating": np.tile([1.0, 5.0], 20)})
    dls = CollabDataLoaders.from_df(table, seed=0)
    for engine in ENGINES:
        assert np.isfinite(fit(DotProductBias(dls.n_users, dls.n_items, 2), dls, 1, engine=engine).final)
