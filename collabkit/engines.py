"""Three ways to run the same training: plain torch, compiled, and compiled row by row. `training.fit` chooses.

An engine takes a model and a plan; `epoch` goes once through a loader and returns the loss of each step,
`validate` measures, `keep` and `restore` remember the last good weights, `finish` leaves them in the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from collabkit.batches import RatingLoader
from collabkit.models import DotProduct, DotProductBias, Embedding
from collabkit.schedule import BETA2, EPS

__all__ = ["Compiled", "Plan", "Torch", "is_dot_product_family"]

CHUNK = 500_000  # ratings that are brought into their order at once, and between two looks at the keyboard


@dataclass(frozen=True)
class Plan:
    """What all engines share: rate and momentum of each step, and the weight decay of factors and of biases."""

    lrs: np.ndarray  # (n_steps,)
    moms: np.ndarray  # (n_steps,)
    wd: float
    wd_bias: float


class Torch:
    """Any model on any device: autograd, and torch's fused AdamW, whose arithmetic is that of fastai's Adam."""

    name = "torch"

    def __init__(self, model: nn.Module, plan: Plan):
        self.model, self.step = model, 0
        self.lrs, self.moms = plan.lrs.tolist(), plan.moms.tolist()
        named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        groups = [
            {"params": [weight for name, weight in named if ("bias" in name) is are_biases], "weight_decay": wd}
            for are_biases, wd in ((False, plan.wd), (True, plan.wd_bias))
        ]
        groups = [group for group in groups if group["params"]]
        fused = all(weight.device.type in ("cpu", "cuda", "mps") for weight in model.parameters())
        self.optimizer = torch.optim.AdamW(groups, lr=self.lrs[0], betas=(0.9, BETA2), eps=EPS, fused=fused)
        self.keep()

    def epoch(self, loader) -> np.ndarray:
        self.model.train()
        losses = []
        for x, y in loader:
            for group in self.optimizer.param_groups:
                group["lr"], group["betas"] = self.lrs[self.step], (self.moms[self.step], BETA2)
            loss = F.mse_loss(self.model(x), y.flatten())
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.step += 1
            losses.append(loss.detach())
        return torch.stack(losses).double().cpu().numpy()

    def validate(self, loader) -> float:
        return _mse(self.model, loader)

    def keep(self) -> None:
        self.kept = [weight.detach().clone() for weight in self.model.state_dict().values()]

    def restore(self) -> None:
        with torch.no_grad():
            for weight, kept in zip(self.model.state_dict().values(), self.kept, strict=True):
                weight.copy_(kept)

    def finish(self) -> None:
        self.model.eval()


class Compiled:
    """The dot-product family on the CPU by closed-form gradients, compiled; the same numbers as torch's.

    With `rowwise`, a step costs only the rows that its batch touches, and no more the number of users and
    movies. Between two touches a row drifts on by Adam's fading moments and loses weight by decay, as it
    does in a dense step; rowwise makes that up in closed form at the next touch. The arithmetic differs in
    three things: the rate and momentum of a gap are taken as those at its end, eps as if moments had not
    faded, and a row's drift is added in one sum.
    """

    def __init__(self, model: DotProduct | DotProductBias, plan: Plan, rowwise: bool):
        from collabkit import kernels  # Numba takes a second to import, which torch's engine need not pay

        self.kernels, self.model, self.rowwise, self.done = kernels, model, rowwise, 0
        self.ordered = None  # a chunk of ratings in their order
        self.name = "rowwise" if rowwise else "exact"
        self.n_users, self.n_factors = model.user_factors.weight.shape
        self.has_bias = isinstance(model, DotProductBias)
        y_range = getattr(model, "y_range", None)
        low, high = y_range or (0.0, 1.0)
        self.bounds = y_range is not None, np.float32(low), np.float32(high - low)
        self.W = self._gathered()
        self.M, self.V = np.zeros_like(self.W), np.zeros_like(self.W)
        self.decay = tuple(
            np.concatenate([[0.0], np.cumsum(np.log1p(-plan.lrs * wd))]) for wd in (plan.wd, plan.wd_bias)
        )
        self.rates = plan.lrs, plan.moms
        if rowwise:
            self.seen = np.zeros(len(self.W), np.int64)
            steps = np.arange(10_000)
            self.faded = np.stack([BETA2**steps, BETA2 ** (-steps / 2)], axis=1).astype(np.float32)
            self.faded[self.faded < np.finfo(np.float32).tiny] = 0  # the numbers below it are slow
        self.keep()

    def epoch(self, loader: RatingLoader) -> np.ndarray:
        ratings, (order, sizes) = _arrays(loader), loader.next_epoch()
        order = order.numpy()
        if self.ordered is None:
            longest = min(len(order), max(CHUNK, *sizes))
            self.ordered = tuple(np.empty((longest, *part.shape[1:]), part.dtype) for part in ratings)
        edges = np.concatenate([[0], np.cumsum(sizes)])
        losses = np.empty(len(sizes))
        tables = self.W, self.M, self.V
        if self.rowwise:
            G = np.zeros((2 * max(sizes), self.W.shape[1]), np.float32)
            slot, memory, step = np.zeros(len(self.W), np.uint64), (self.seen, self.faded), self.kernels.rowwise_steps
        else:
            G = np.zeros_like(self.W)
            slot, memory, step = np.arange(len(self.W), dtype=np.uint64), (), self.kernels.dense_steps
        for first, last in _chunks(edges):
            # in their order, so that the loops read on: a jump through 25 million ratings at each one costs more
            self.kernels.bring_in_order(*ratings, order[edges[first] : edges[last]], *self.ordered)
            batches = *self.ordered, edges[first : last + 1] - edges[first], self.done, *self.rates, *self.decay
            form = self.n_users, np.uint64(self.n_factors), self.has_bias, *self.bounds
            step(*tables, G, slot, *memory, *batches, *form, losses[first:last])
            self.done += last - first
        return losses

    def validate(self, loader: RatingLoader) -> float:
        self._settle()
        x, y = _arrays(loader)
        predicted = np.empty(len(y), np.float32)
        self.kernels.predictions(self.W, x, self.n_users, np.uint64(self.n_factors), *self.bounds, predicted)
        return float(np.square(predicted - y, dtype=np.float64).mean())

    def keep(self) -> None:
        self.kept = self.W.copy()

    def restore(self) -> None:
        self.W[:] = self.kept
        if self.rowwise:
            self.seen[:] = self.done  # else the moments that ran away would be made up on the good weights

    def finish(self) -> None:
        self._settle()
        users, movies = torch.from_numpy(self.W).split([self.n_users, len(self.W) - self.n_users])
        with torch.no_grad():
            for rows, (factors, bias) in zip((users, movies), self._tables(), strict=True):
                factors.weight.copy_(rows[:, : self.n_factors])
                if bias is not None:
                    bias.weight.copy_(rows[:, self.n_factors, None])
        self.model.eval()

    def _settle(self) -> None:
        if self.rowwise:
            self.kernels.settle(
                self.W, self.M, self.V, self.seen, self.faded, self.done, *self.rates, *self.decay,
                np.uint64(self.n_factors),
            )  # fmt: skip

    def _gathered(self) -> np.ndarray:
        """W of kernels.py, rows padded to a multiple of 8 floats: a vector register of 256 bits."""
        n_columns = -(-(self.n_factors + 1) // 8) * 8
        tables = list(self._tables())
        W = np.zeros((sum(len(factors.weight) for factors, _ in tables), n_columns), np.float32)
        W[:, : self.n_factors] = torch.cat([factors.weight for factors, _ in tables]).detach().numpy()
        if self.has_bias:
            W[:, self.n_factors] = torch.cat([bias.weight for _, bias in tables]).detach().numpy()[:, 0]
        return W

    def _tables(self) -> Iterator[tuple[nn.Embedding, nn.Embedding | None]]:
        model = self.model
        yield model.user_factors, model.user_bias if self.has_bias else None
        yield model.movie_factors, model.movie_bias if self.has_bias else None


def is_dot_product_family(model: nn.Module) -> bool:
    """Whether the compiled engines know this model: one of ours as it came, float32, on the CPU, nothing frozen."""
    return (
        type(model) in (DotProduct, DotProductBias)
        and all(type(table) is Embedding for table in model.children())
        and all(
            weight.device.type == "cpu" and weight.dtype is torch.float32 and weight.requires_grad
            for weight in model.parameters()
        )
    )


def _arrays(loader: RatingLoader) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 2) int64 and y (n,) float32 of a loader, without a copy."""
    return loader.dataset.x.numpy(), loader.dataset.y.numpy().reshape(-1)


def _mse(model: nn.Module, loader) -> float:
    """Mean squared error over a loader, on whole tensors where they are at hand."""
    model.eval()
    device = next(model.parameters()).device
    if isinstance(loader, RatingLoader):
        data = loader.dataset
        batches = zip(data.x.split(1 << 16), data.y.split(1 << 16), strict=True)
    else:
        batches = iter(loader)
    total, n = torch.zeros((), dtype=torch.float64), 0
    with torch.no_grad():
        for x, y in batches:
            errors = model(x.to(device)) - y.to(device).flatten()
            total += errors.double().square().sum().cpu()
            n += len(errors)
    return float(total / n)


def _chunks(edges: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of batches of about CHUNK ratings each: between two of them Python hears Ctrl-C."""
    first, n = 0, len(edges) - 1
    while first < n:
        last = int(np.searchsorted(edges, edges[first] + CHUNK, side="right")) - 1
        last = min(max(last, first + 1), n)
        yield first, last
        first = last
