"""Formulas of the course as pure functions; nothing here holds state, weights or data."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

__all__ = ["emb_sz_rule", "get_emb_sz", "mae", "mse", "rmse", "sigmoid_range"]


def sigmoid_range(x: Tensor, low: float, high: float) -> Tensor:
    """Squeeze any number into the open interval (low, high); the shape stays.

    Ratings end at 5 but a sigmoid never reaches its end, so the course's range is (0, 5.5).
    Source: fastai's function of the same name.
    """
    return torch.sigmoid(x) * (high - low) + low


def mse(predictions: Tensor | ArrayLike, targets: Tensor | ArrayLike) -> float:
    """Mean squared error, in squared stars. ValueError for unequal shapes or nothing to average."""
    return float(np.mean(_errors(predictions, targets) ** 2))


def rmse(predictions: Tensor | ArrayLike, targets: Tensor | ArrayLike) -> float:
    """Root of the mean squared error, in stars. ValueError for unequal shapes or nothing to average."""
    return math.sqrt(mse(predictions, targets))


def mae(predictions: Tensor | ArrayLike, targets: Tensor | ArrayLike) -> float:
    """Mean absolute error, in stars. ValueError for unequal shapes or nothing to average."""
    return float(np.mean(np.abs(_errors(predictions, targets))))


def emb_sz_rule(n_categories: int) -> int:
    """How wide an embedding of so many categories should be: min(600, round(1.6 * n ** 0.56)).

    A rule of thumb found by trying; source: fastai's function of the same name.
    """
    if n_categories < 1:
        raise ValueError(f"an embedding needs at least one category, got {n_categories}")
    return min(600, round(1.6 * n_categories**0.56))


def get_emb_sz(n_categories: int | Sequence[int]) -> tuple[int, int] | list[tuple[int, int]]:
    """The pair (categories, width) of an embedding; a list of pairs for a sequence of counts.

    So that `CollabNN(*get_emb_sz([n_users, n_movies]))` reads as with fastai, whose rule this is.
    """
    if isinstance(n_categories, Sequence):
        return [(n, emb_sz_rule(n)) for n in n_categories]
    return n_categories, emb_sz_rule(n_categories)


def _errors(predictions: Tensor | ArrayLike, targets: Tensor | ArrayLike) -> np.ndarray:
    """Difference in float64; equal shapes only, as (n,) minus (n, 1) is silently (n, n)."""
    predictions, targets = _array(predictions), _array(targets)
    if predictions.shape != targets.shape:
        raise ValueError(
            f"predictions have shape {predictions.shape} but targets {targets.shape}: make them equal first"
        )
    if predictions.size == 0:
        raise ValueError("there are no predictions to average over")
    return predictions - targets


def _array(values: Tensor | ArrayLike) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)
