"""Training against torch's own optimizers, a plain NumPy step, and the published numbers on MovieLens 100K."""

import numpy as np
import pytest
import torch
from fastai.callback.progress import ProgressCallback
from fastai.collab import CollabDataLoaders as FastaiDataLoaders
from fastai.metrics import mae as fastai_mae
from fastai.tabular.core import TabDataLoader
from torch import nn

from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders, encode
from collabkit.functional import mae, mse
from collabkit.models import CollabNN, DotProduct, DotProductBias
from collabkit.planted import planted_world
from collabkit.plots import Picture
from collabkit.training import History, fit, gradient_step, learner, train

from .model_battery import ACCELERATORS


@pytest.fixture(scope="module")
def ratings():
    return planted_world(n_users=40, n_movies=30, n_ratings=900).ratings


@pytest.fixture
def dls(ratings):
    return CollabDataLoaders.from_df(ratings, seed=42, bs=32, device="cpu")


def model_for(dls, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return DotProductBias(dls.n_users, dls.n_items, 5)


def weights(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def valid_mse(model, dls):
    """Without loader or Learner."""
    x = torch.stack([encode(dls.valid_df[name], vocab) for name, vocab in dls.classes.items()], dim=1)
    with torch.no_grad():
        return mse(model.eval()(x), dls.valid_df["rating"].to_numpy())


# --- the learner


def test_learner_is_quiet(dls, capfd):
    learn = learner(dls, model_for(dls), metrics=fastai_mae)
    learn.fit_one_cycle(1)
    learn.validate()
    learn.get_preds()
    assert capfd.readouterr() == ("", "")


def test_bar_brings_back_the_table(dls, capfd):
    learner(dls, model_for(dls), bar=True).fit_one_cycle(1)
    assert "valid_loss" in capfd.readouterr().out
    assert any(isinstance(cb, ProgressCallback) for cb in learner(dls, model_for(dls), bar=True).cbs)


def test_loss_is_the_squared_error_and_may_be_another(dls):
    model = model_for(dls)
    assert learner(dls, model).validate()[0] == pytest.approx(valid_mse(model, dls), rel=1e-5)
    predictions, targets = learner(dls, model).get_preds()
    by_mae = learner(dls, model, loss_func=lambda p, y: (p - y.squeeze(-1)).abs().mean())
    assert by_mae.validate()[0] == pytest.approx(mae(predictions, targets.squeeze(-1)), rel=1e-5)


# --- train


def test_train_returns_the_learner_of_the_model_it_changed(dls):
    model = model_for(dls)
    before = weights(model)
    learn = train(model, dls, epochs=2, lr=5e-2)
    assert learn.model is model
    assert not torch.equal(weights(model), before)
    assert len(learn.recorder.values) == 2
    assert learn.validate()[0] == pytest.approx(valid_mse(model, dls), rel=1e-5)


def test_train_without_wd_decays_by_fastais_own(dls, ratings):
    def trained(**options):
        model = model_for(dls)
        train(model, CollabDataLoaders.from_df(ratings, seed=42, bs=32, device="cpu"), 1, **options)
        return weights(model)

    assert torch.equal(trained(), trained(wd=0.01))
    assert not torch.equal(trained(), trained(wd=0))


def test_dot_product_on_movielens_lands_where_the_field_does(movielens):
    """Published and measured elsewhere: .874 .876 .880, in bands of .03 around the mean."""
    dls = CollabDataLoaders.from_df(movielens, item_name="title", rating_name="rating", bs=64, seed=42)
    with torch.random.fork_rng():
        torch.manual_seed(42)
        model = DotProduct(dls.n_users, dls.n_items, n_factors=50)
    learn = train(model, dls, epochs=5, lr=5e-3)
    assert learn.validate()[0] == pytest.approx(0.87, abs=0.03)
    assert valid_mse(model, dls) == pytest.approx(learn.validate()[0], rel=1e-5)


# --- one gradient step


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    x = torch.stack([torch.randint(7, (9,), generator=generator), torch.randint(5, (9,), generator=generator)], dim=1)
    return x, torch.rand(9, 1, generator=generator) * 5


@pytest.mark.parametrize("build", [lambda: DotProductBias(7, 5, 3), lambda: CollabNN((7, 2), (5, 3))])
@pytest.mark.parametrize("column", [True, False])
def test_gradient_step_is_torchs_sgd(batch, build, column):
    x, y = batch
    model, twin = build(), build()
    twin.load_state_dict(model.state_dict())
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(twin(x), y.squeeze(-1))
        loss.backward()
        optimizer.step()
        assert gradient_step(model, x, y if column else y.squeeze(-1), lr=0.5) == pytest.approx(loss.item())
    torch.testing.assert_close(weights(model), weights(twin))


def test_gradient_step_by_hand(batch):
    x, y = batch
    model = DotProduct(7, 5, 3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(generator=torch.Generator().manual_seed(0))
    users, movies = (weight.detach().numpy().astype(np.float64) for weight in model.parameters())
    gradient = np.zeros_like(users), np.zeros_like(movies)
    loss = 0.0
    for (u, m), rating in zip(x.tolist(), y.flatten().tolist(), strict=True):
        error = users[u] @ movies[m] - rating
        loss += error**2 / 9
        gradient[0][u] += 2 * error / 9 * movies[m]
        gradient[1][m] += 2 * error / 9 * users[u]
    assert gradient_step(model, x, y, lr=0.1) == pytest.approx(loss)
    for weight, before, slope in zip(model.parameters(), (users, movies), gradient, strict=True):
        assert weight.detach().numpy() == pytest.approx(before - 0.1 * slope, abs=1e-5)


def test_gradient_step_takes_no_gradient_from_before_and_leaves_none(batch):
    x, y = batch
    model, twin = DotProduct(7, 5, 3), DotProduct(7, 5, 3)
    twin.load_state_dict(model.state_dict())
    (100 * model(x)).sum().backward()
    gradient_step(model, x, y, lr=0.5)
    gradient_step(twin, x, y, lr=0.5)
    assert torch.equal(weights(model), weights(twin))
    assert all(weight.grad is None for weight in model.parameters())


def test_gradient_step_leaves_out_what_the_prediction_does_not_use(batch):
    model = DotProduct(7, 5, 3)
    model.unused = nn.Parameter(torch.ones(2))
    gradient_step(model, *batch, lr=0.5)
    assert model.unused.tolist() == [1, 1]


def test_gradient_step_refuses_what_cannot_be_compared(batch):
    x, y = batch
    with pytest.raises(ValueError, match="9 predictions cannot be compared with 8 ratings"):
        gradient_step(DotProduct(7, 5, 3), x, y[:8], lr=0.5)


# --- fit


def test_fit_reports_what_it_reached(dls):
    model = model_for(dls)
    history = fit(model, dls, epochs=4, lr=5e-2, seed=1)
    assert len(history.train_losses) == len(history.valid_losses) == 4
    assert len(history.step_losses) == 4 * len(dls.train)
    assert history.final == pytest.approx(valid_mse(model, dls), rel=1e-5)
    assert history.best == min(history.valid_losses)
    assert history.train_losses[-1] < 0.7 * history.train_losses[0]
    assert history.seconds > 0


def test_losses_are_those_of_the_weights_at_the_time(dls):
    """Hardly any step at all: then every epoch's losses are the model's as it came."""
    model = model_for(dls)
    x, y = dls.train_ds.x, dls.train_ds.y.squeeze(-1)
    with torch.no_grad():
        expected = mse(model(x), y)
    history = fit(model, dls, epochs=2, lr=1e-12, wd=0, seed=5)
    assert history.train_losses == pytest.approx([expected] * 2, rel=1e-5)
    assert history.valid_losses == pytest.approx([valid_mse(model, dls)] * 2, rel=1e-5)
    dls.train.reseed(5)
    first_x, first_y = next(iter(dls.train))
    with torch.no_grad():
        assert history.step_losses[0] == pytest.approx(mse(model(first_x), first_y.squeeze(-1)), rel=1e-5)


def test_fit_repeats_bit_for_bit_with_the_seed(dls):
    """On the same loaders, one after the other: the seed also decides where their epochs begin."""

    def run(seed):
        model = model_for(dls)
        history = fit(model, dls, epochs=2, lr=5e-2, seed=seed)
        return weights(model), history.step_losses

    first, second, other = run(7), run(7), run(8)
    assert torch.equal(first[0], second[0])
    assert first[1] == second[1]
    assert not torch.equal(first[0], other[0])


def test_the_seed_decides_dropout_and_leaves_the_global_generator_alone(dls):
    def run():
        model = model_for(dls)
        model.user_factors = nn.Sequential(model.user_factors, nn.Dropout(0.5))
        fit(model, dls, epochs=1, lr=5e-2, seed=7)
        return weights(model)

    first = run()
    torch.rand(1)  # the global generator moves on
    before = torch.get_rng_state()
    assert torch.equal(run(), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_weight_decay_shrinks_the_weights_and_is_decoupled(dls):
    """Where the loss has no slope, decay alone is at work: w *= 1 - lr * wd at every step."""

    class Still(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.full((3,), 2.0))

        def forward(self, x):
            return x.new_zeros(len(x), dtype=torch.float32) + 0 * self.weight.sum()

    model = Still()
    fit(model, dls, epochs=1, lr=1e-2, wd=0.5)
    rates = train(Still(), dls, epochs=1, lr=1e-2).recorder.lrs
    expected = 2 * np.prod([1 - rate * 0.5 for rate in rates])
    assert model.weight.tolist() == pytest.approx([expected] * 3, rel=1e-5)


def test_fit_uses_one_thread_and_gives_the_others_back(dls):
    seen = []

    class Watched(DotProductBias):
        def forward(self, x):
            seen.append(torch.get_num_threads())
            return super().forward(x)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fit(Watched(dls.n_users, dls.n_items, 2), dls, epochs=1)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 3
        with pytest.raises(ValueError, match="build the model with the sizes of these loaders"):
            fit(Watched(2, 2, 2), dls, epochs=1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_fit_is_quiet(dls, capfd):
    fit(model_for(dls), dls, epochs=1, seed=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("device", ACCELERATORS)
def test_fit_on_an_accelerator(ratings, device):
    dls = CollabDataLoaders.from_df(ratings, seed=42, bs=32, device=device)
    model = model_for(dls)
    history = fit(model, dls, epochs=2, lr=5e-2, seed=0)
    assert next(model.parameters()).device.type == device
    assert history.final == pytest.approx(valid_mse(model.cpu(), dls), rel=1e-4)


# pandas 3 hands out read-only arrays, which fastai passes to torch; it only reads them.
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning:fastai.torch_core")
def test_unshuffled_our_loaders_and_fastais_train_the_same_model(ratings):
    options = {"seed": 42, "bs": 32, "shuffle": False, "device": "cpu"}
    ours = CollabDataLoaders.from_df(ratings, **options)
    theirs = FastaiDataLoaders.from_df(ratings, dl_type=TabDataLoader, **options)
    expected = fit(model_for(ours), theirs, epochs=3, lr=5e-2)
    history = fit(model_for(ours), ours, epochs=3, lr=5e-2)
    assert history.step_losses == pytest.approx(expected.step_losses, rel=1e-5)
    assert history.valid_losses == pytest.approx(expected.valid_losses, rel=1e-5)


def test_a_planted_world_is_found_again():
    """Its ratings come from factors and biases: biases alone explain part of them, the right model more."""
    world = planted_world(seed=1)
    dls = CollabDataLoaders.from_df(world.ratings, seed=1, device="cpu")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = DotProductBias(dls.n_users, dls.n_items, n_factors=10)
    history = fit(model, dls, epochs=8, lr=1e-2, wd=0.1, seed=1)
    assert history.final < 0.6 * baseline_ladder(dls.train_df, dls.valid_df)["damped biases"]


@pytest.mark.parametrize("training", [fit, train])
def test_no_epoch_is_refused(dls, training):
    with pytest.raises(ValueError, match="at least one epoch"):
        training(model_for(dls), dls, epochs=0)


def history_of(train_losses, valid_losses):
    seconds = (1.0,) * len(valid_losses)
    return History(train_losses, valid_losses, (), seconds, seconds, peak_memory=1, engine="torch")


def test_history_knows_its_best_epoch_and_all_its_seconds():
    history = history_of((2.0, 1.0, 0.5), (1.5, 0.9, 1.1))
    assert (history.final, history.best, history.seconds) == (1.1, 0.9, 6.0)


def test_history_plots_itself():
    history = history_of((2.0, 1.0), (1.5, 0.875))
    assert isinstance(history.plot(), Picture)
    assert history.plot().alt
