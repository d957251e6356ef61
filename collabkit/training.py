"""Model + batches -> a trained model; the one place that trains, with fastai's Learner underneath."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import Learner  # fastai's Learner, with fit_one_cycle added to it
from fastai.data.core import DataLoaders
from fastai.losses import MSELossFlat
from fastcore.basics import noop
from torch import Tensor, nn
from torch.nn import functional as F

from collabkit.batches import RatingLoader

if TYPE_CHECKING:
    from collabkit.plots import Picture

__all__ = ["History", "fit", "gradient_step", "learner", "train"]


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
class History:
    """How a training went; all losses are mean squared errors."""

    train_losses: tuple[float, ...]  # per epoch: mean over its ratings, while the weights moved
    valid_losses: tuple[float, ...]  # per epoch: mean over the validation ratings, at its end
    step_losses: tuple[float, ...]  # per batch
    seconds: float

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
    seed: int | None = None,
    bar: bool = False,
) -> History:
    """Train in place by the one-cycle policy and report the losses.

    `wd` is decoupled weight decay (AdamW), biases in embeddings included. With a `seed`, two models that
    start alike end alike, bit for bit: it decides the order of the batches and any dropout. Torch uses one
    thread inside, since more gain nothing at this size and collapse beside other work; the caller's setting
    comes back. ValueError for less than one epoch.
    """
    learn = learner(dls, model, bar=bar)
    steps = _StepLosses()
    began = time.perf_counter()
    with _one_thread(), _seeded(seed, dls):
        learn.fit_one_cycle(_at_least_one(epochs), lr, wd=wd, cbs=steps)
    return History(
        train_losses=steps.per_epoch(),
        valid_losses=tuple(float(values[1]) for values in learn.recorder.values),  # (train, valid, *metrics)
        step_losses=tuple(loss for epoch in steps.losses() for loss in epoch),
        seconds=time.perf_counter() - began,
    )


class _StepLosses(Callback):
    """Keeps the loss of every training batch: fastai's Recorder keeps only a moving average of it."""

    run_valid = False

    def before_fit(self):
        self._epochs = []  # per epoch a list of (loss, rows)

    def before_train(self):
        self._epochs.append([])

    def after_batch(self):
        self._epochs[-1].append((self.learn.loss.detach(), len(self.learn.yb[0])))

    def losses(self) -> list[list[float]]:
        return [torch.stack([loss for loss, _ in epoch]).tolist() for epoch in self._epochs]

    def per_epoch(self) -> tuple[float, ...]:
        rows = [[n for _, n in epoch] for epoch in self._epochs]
        return tuple(
            sum(loss * n for loss, n in zip(losses, ns, strict=True)) / sum(ns)
            for losses, ns in zip(self.losses(), rows, strict=True)
        )


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
