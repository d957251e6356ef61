"""Model + batches -> a trained model: by fastai's Learner, by hand, or by `fit` and its engines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import Learner  # fastai's Learner, with fit_one_cycle added to it
from fastai.data.core import DataLoaders
from fastai.losses import MSELossFlat
from fastcore.basics import noop
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from collabkit.batches import RatingLoader
from collabkit.engines import Compiled, Plan, Torch, is_dot_product_family
from collabkit.schedule import one_cycle

if TYPE_CHECKING:
    from collabkit.plots import Picture

__all__ = ["BEST", "BOOK", "FAST", "History", "Preset", "fit", "gradient_step", "learner", "train"]


def learner(
    dls: DataLoaders,
    model: nn.Module,
    *,
    loss_func: Callable[[Tensor, Tensor], Tensor] | None = None,
    metrics: Callable | Sequence[Callable] | None = None,
    bar: bool = False,
) -> Learner:
    """A fastai Learner for ratings: squared error, and quiet unless `bar` asks for progress bar and table.

    The loss defaults to MSELossFlat, which flattens targets (bs, 1) and predictions (bs,) to the same shape.
    `metrics` are fastai's, such as `fastai.metrics.rmse`.
    """
    learn = Learner(dls, model, loss_func=loss_func or MSELossFlat(), metrics=metrics)
    if not bar:
        learn.remove_cb(ProgressCallback)
        learn.logger = noop
    return learn


def train(model: nn.Module, dls: DataLoaders, epochs: int = 5, lr: float = 5e-3, wd: float | None = None) -> Learner:
    """Train in place by the one-cycle policy, quietly, and return the Learner.

    `wd=None` leaves fastai's Adam at its own weight decay, which is 0.01 and not 0.
    """
    learn = learner(dls, model)
    with _one_thread():
        learn.fit_one_cycle(_at_least_one(epochs), lr, wd=wd)
    return learn


def gradient_step(model: nn.Module, x: Tensor, y: Tensor, lr: float) -> float:
    """One step of gradient descent by hand, in place; returns the mean squared error before the step.

    x (batch, 2); y (batch,) or (batch, 1): brought to the shape of the predictions, as (batch,) minus
    (batch, 1) would silently compare all with all. ValueError if their numbers of elements differ.
    """
    model.zero_grad()
    predictions = model(x)
    if predictions.numel() != y.numel():
        raise ValueError(f"{predictions.numel()} predictions cannot be compared with {y.numel()} ratings")
    loss = F.mse_loss(predictions, y.reshape(predictions.shape))
    loss.backward()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight -= lr * weight.grad
    model.zero_grad()
    return loss.item()


@dataclass(frozen=True)
class Preset:
    """Settings that were found together; `fit(model, dls, **preset.settings)` uses them, with batches of `bs`."""

    n_factors: int
    bs: int
    lr: float
    wd: float  # decoupled weight decay
    wd_bias: float  # the same for biases
    epochs: int

    @property
    def settings(self) -> dict[str, float]:
        """What `fit` takes."""
        return {"epochs": self.epochs, "lr": self.lr, "wd": self.wd, "wd_bias": self.wd_bias}


BOOK = Preset(n_factors=50, bs=64, lr=5e-3, wd=0.1, wd_bias=0.1, epochs=5)  # fastbook's, chapter 8
# The next two by `python -m bench.presets`, on hold-outs inside the training part of MovieLens 100K.
FAST = Preset(n_factors=50, bs=256, lr=7e-3, wd=0.4, wd_bias=0.0, epochs=5)
BEST = Preset(n_factors=100, bs=128, lr=4e-3, wd=0.4, wd_bias=0.0, epochs=6)


@dataclass(frozen=True)
class History:
    """How a training went; all losses are mean squared errors."""

    train_losses: tuple[float, ...]  # per epoch: mean over its ratings, while the weights moved
    valid_losses: tuple[float, ...]  # per epoch: mean over the validation ratings, at its end
    step_losses: tuple[float, ...]  # per batch
    epoch_seconds: tuple[float, ...]  # per epoch, training alone
    valid_seconds: tuple[float, ...]  # per epoch, validation alone
    peak_memory: int  # bytes: the most that the process held at the end of an epoch
    engine: str  # which engine ran
    stopped: str = ""  # why it ended before its last epoch, in a sentence

    @property
    def seconds(self) -> float:
        """Training and validation together."""
        return sum(self.epoch_seconds) + sum(self.valid_seconds)

    @property
    def final(self) -> float:
        """Validation loss after the last epoch."""
        return self.valid_losses[-1]

    @property
    def best(self) -> float:
        """Lowest validation loss of all epochs; `final` is higher where training went on too long."""
        return min(self.valid_losses)

    def plot(self) -> Picture:
        """Training and validation loss per epoch."""
        from collabkit.plots import learning_curves  # matplotlib only for those who look

        return learning_curves({"model": self})


def fit(
    model: nn.Module,
    dls: DataLoaders,
    epochs: int = 5,
    lr: float = 5e-3,
    wd: float = 0.01,
    *,
    wd_bias: float | None = None,
    engine: str = "auto",
    seed: int | None = None,
    bar: bool | None = None,
) -> History:
    """Train in place by the one-cycle policy on squared error, and report how it went.

    All engines mean the same: fastai's `fit_one_cycle`, with its Adam and its decoupled weight decay. `wd_bias`
    is the decay of parameters with "bias" in their name, `wd` where it is None.

    engine="torch": any model, any device. "exact": DotProduct and DotProductBias on the CPU, compiled, the same
    numbers to float tolerance. "rowwise": the same two, and a step costs only the rows that its batch touches, so
    that millions of users cost nothing; what Adam does to a row meanwhile is made up at its next touch, in closed
    form, which is nearly the same arithmetic (`engines.Compiled` says where not). "auto" takes exact while its
    dense steps are cheap, rowwise beyond, torch for all else; `History.engine` says which.

    With a `seed` the same training repeats bit for bit on the same engine. Torch uses one thread inside; the
    caller's setting comes back. A progress bar shows for what takes over a second (`bar=None`), always or never.
    A loss that runs away ends the training with the weights of the last good epoch, Ctrl-C with
    those of the moment; `History.stopped` says so. ValueError for settings that cannot work,
    MemoryError for a training that this machine has no room for.
    """
    _refuse(model, dls, epochs, lr, wd, wd_bias, engine)
    n_steps = len(dls.train) * epochs
    plan = Plan(*one_cycle(n_steps, lr), wd, wd if wd_bias is None else wd_bias)
    record = _Record()
    engine = _chosen(model, dls, len(plan.lrs)) if engine == "auto" else engine
    with _one_thread(), _seeded(seed, dls), _room_for(model, dls, engine):
        runner = Torch(model, plan) if engine == "torch" else Compiled(model, plan, rowwise=engine == "rowwise")
        try:
            for epoch in _shown(range(epochs), bar):
                record.train(runner, dls.train)
                if record.has_diverged():
                    runner.restore()
                    record.stopped = _diverged(epoch + 1, lr)
                    break
                record.validate(runner, dls.valid)
                runner.keep()
        except KeyboardInterrupt:
            record.stopped = (
                f"Stopped by the keyboard after {len(record.valid_losses)} whole epochs; the model is usable."
            )
        finally:
            runner.finish()
    if record.stopped:
        print(record.stopped)
    return record.history(runner.name)


class _Record:
    """What `fit` writes down as it goes."""

    def __init__(self):
        self.train_losses, self.valid_losses, self.step_losses = [], [], []
        self.epoch_seconds, self.valid_seconds, self.peak_memory, self.stopped = [], [], 0, ""

    def train(self, runner: Torch | Compiled, loader) -> None:
        began = time.perf_counter()
        losses = runner.epoch(loader)
        self.epoch_seconds.append(time.perf_counter() - began)
        self.step_losses += losses.tolist()
        sizes = loader.sizes() if isinstance(loader, RatingLoader) else None  # fastai's own drop the last batch
        self.train_losses.append(float(np.average(losses, weights=sizes)))

    def validate(self, runner: Torch | Compiled, loader) -> None:
        began = time.perf_counter()
        self.valid_losses.append(runner.validate(loader))
        self.valid_seconds.append(time.perf_counter() - began)
        self.peak_memory = max(self.peak_memory, psutil.Process().memory_info().rss)

    def has_diverged(self) -> bool:
        """No number any more, or far above where training began: Adam's steps are bounded, so it may stay finite."""
        return not self.train_losses[-1] < DIVERGED * np.median(self.step_losses[:20])

    def history(self, engine: str) -> History:
        return History(
            train_losses=tuple(self.train_losses),
            valid_losses=tuple(self.valid_losses),
            step_losses=tuple(self.step_losses),
            epoch_seconds=tuple(self.epoch_seconds),
            valid_seconds=tuple(self.valid_seconds),
            peak_memory=self.peak_memory,
            engine=engine,
            stopped=self.stopped,
        )


DIVERGED = 10  # times the median loss of the first steps: a single rating may be hit by chance
DENSE_LIMIT = 2e10  # weights changed in a training; a dense step changes all of them, at some 5e9 a second


def _chosen(model: nn.Module, dls: DataLoaders, n_steps: int) -> str:
    """The engine that "auto" stands for."""
    if not (is_dot_product_family(model) and isinstance(dls.train, RatingLoader)):
        return "torch"
    n_weights = sum(weight.numel() for weight in model.parameters())
    return "exact" if n_weights * n_steps < DENSE_LIMIT else "rowwise"


@contextmanager
def _room_for(model: nn.Module, dls: DataLoaders, engine: str) -> Iterator[None]:
    """MemoryError, in a sentence, when a training finds no room, or is sure to find none.

    Linux promises more memory than it has and ends whoever uses it, so waiting for the refusal is not enough.
    """
    on_cpu = all(weight.device.type == "cpu" for weight in model.parameters())
    needed, free = memory_needed(model, dls, engine), psutil.virtual_memory().available
    told = (
        f"This training needs about {needed / 1e9:.3g} GB beside the ratings themselves, and "
        f"{free / 1e9:.3g} GB are free. Take fewer factors, fewer ratings or a machine with more memory"
        + (", or engine='rowwise', which needs less" if engine == "exact" else "")
        + "."
    )
    if on_cpu and needed > free:
        raise MemoryError(told)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise MemoryError(told) from error
        raise


def memory_needed(model: nn.Module, dls: DataLoaders, engine: str) -> int:
    """Bytes that `fit` takes beside model and ratings: moments, gradients, kept weights, and an epoch's order."""
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    tables = {"torch": 4, "exact": 5, "rowwise": 4}[engine]
    per_rating = 4 if engine != "torch" else 24  # torch's epochs are copies of the ratings in their order
    return tables * weights + per_rating * len(dls.train_ds)


def _refuse(model, dls, epochs, lr, wd, wd_bias, engine) -> None:
    """ValueError, in a sentence, for what no engine can train."""
    _at_least_one(epochs)
    if engine not in ("auto", "torch", "exact", "rowwise"):
        raise ValueError(f"there is no engine {engine!r}: take auto, torch, exact or rowwise")
    if not (np.isfinite(lr) and lr > 0):
        raise ValueError(f"a learning rate is a number above 0, not {lr}")
    for decay in (wd, wd if wd_bias is None else wd_bias):
        if not (decay >= 0 and lr * decay < 1):
            raise ValueError(f"weight decay is 0 or more, and below 1 / lr; {decay} is not")
    if engine in ("exact", "rowwise"):
        if not is_dot_product_family(model):
            raise ValueError(f"engine {engine!r} knows DotProduct and DotProductBias in float32 on the CPU: take torch")
        if not isinstance(dls.train, RatingLoader):
            raise ValueError(f"engine {engine!r} needs collabkit's CollabDataLoaders: take torch for others")
    if isinstance(dls.train, RatingLoader):
        _refuse_ids(model, dls)


def _refuse_ids(model: nn.Module, dls: DataLoaders) -> None:
    """Compiled code reads past the end of a table without a word, so ids are looked at before it runs."""
    for column, name in enumerate(("user_factors", "movie_factors")):
        table = getattr(model, name, None)
        if isinstance(table, nn.Embedding):
            for loader in dls.loaders:
                ids = loader.dataset.x[:, column]
                if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < table.num_embeddings):
                    raise ValueError(
                        f"the ratings hold ids {int(ids.min())} to {int(ids.max())} in column {column}, but "
                        f"{name} has {table.num_embeddings} rows: build the model with the sizes of these loaders"
                    )


def _diverged(epoch: int, lr: float) -> str:
    return (
        f"Stopped in epoch {epoch}: the loss ran away. The model keeps the weights from before that epoch. "
        f"Try a lower learning rate than {lr:g}."
    )


def _shown(epochs: range, bar: bool | None) -> Iterable[int]:
    """The epochs behind a progress bar on stdout; with None it shows only if a second has gone by."""
    if bar is False:
        return epochs
    return _Bar(epochs, desc="epochs", file=sys.stdout, leave=False, delay=0 if bar else 1)


class _Bar(tqdm):
    monitor_interval = 0  # no watching thread, which tqdm never ends: who forks later must have one thread only


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _seeded(seed: int | None, dls: DataLoaders) -> Iterator[None]:
    """All that is random in a training from one seed; torch's global generators as they were afterwards."""
    if seed is None:
        yield
        return
    if isinstance(dls.train, RatingLoader):
        dls.train.reseed(seed)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def _at_least_one(epochs: int) -> int:
    if epochs < 1:
        raise ValueError(f"training takes at least one epoch, not {epochs}")
    return epochs
