"""What a trained model has learned, read from its weights; nothing here trains or draws."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["nearest_items", "pca", "top_biases"]


def top_biases(bias: Tensor, names: Sequence[str], k: int = 5, largest: bool = False) -> list[tuple[str, float]]:
    """The k lowest biases with their names, lowest first; `largest=True`: the k highest, highest first.

    bias (n,) or (n, 1), a name for each. A low bias is a movie that is liked less than its factors and its
    viewers explain, which is more than a low mean. ValueError if the numbers do not fit or k is not in 1..n.
    """
    bias = bias.detach()
    if bias.dim() == 2 and bias.shape[1] == 1:
        bias = bias.squeeze(-1)
    if bias.shape != (len(names),):
        raise ValueError(f"biases have shape {tuple(bias.shape)}, but there are {len(names)} names: give one each")
    _check_k(k, len(names), "biases")
    order = bias.argsort(descending=largest, stable=True)[:k].tolist()
    return [(names[i], bias[i].item()) for i in order]


def pca(factors: Tensor, k: int = 3) -> tuple[Tensor, Tensor]:
    """The k directions in which the factors differ most, and where each row lies along them.

    factors (n, n_factors) -> components (k, n_factors) of length 1, and projected (n, k) with mean 0, in
    order of falling variance. By singular value decomposition of the centred factors. The sign of a component
    is arbitrary: here its largest loading is positive. ValueError unless k is in 1..min(n, n_factors).
    """
    if factors.dim() != 2:
        raise ValueError(f"factors are a table (n, n_factors), not of shape {tuple(factors.shape)}")
    _check_k(k, min(factors.shape), "components")
    centred = factors.detach() - factors.detach().mean(dim=0)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:k]
    largest = components.abs().argmax(dim=1, keepdim=True)
    components = components * components.gather(1, largest).sign()
    return components, centred @ components.T


def nearest_items(
    factors: Tensor,
    item: int,
    k: int = 5,
    *,
    counts: Tensor | Sequence[int] | None = None,
    min_count: int = 0,
) -> Tensor:
    """The k items whose factors point most nearly the same way, nearest first; the item itself is left out.

    factors (n, n_factors), item a row of it -> LongTensor (k,). By cosine, since the length of a factor
    vector tells mostly how often an item was rated. `counts` (n,): how often each was; those below
    `min_count` are left out, as a movie with one rating is near to whatever its one viewer likes. ValueError
    for an item that is not there, counts that do not fit, or fewer than k items to choose from.
    """
    n = len(factors)
    if not 0 <= item < n:
        raise ValueError(f"item {item} is not there: the factors have {n} rows, 0 to {n - 1}")
    if min_count > 0 and counts is None:
        raise ValueError("min_count needs counts: how often each item was rated")
    allowed = torch.ones(n, dtype=torch.bool, device=factors.device)
    if counts is not None:
        counts = torch.as_tensor(counts, device=factors.device)
        if counts.shape != (n,):
            raise ValueError(f"counts have shape {tuple(counts.shape)}, but there are {n} items: give one each")
        allowed = counts >= min_count
    allowed[item] = False
    _check_k(k, int(allowed.sum()), "other items")
    directions = F.normalize(factors.detach(), dim=1)
    cosine = directions @ directions[item]  # (n,)
    return cosine.masked_fill(~allowed, -torch.inf).argsort(descending=True, stable=True)[:k]


def _check_k(k: int, there: int, what: str) -> None:
    if not 1 <= k <= there:
        raise ValueError(f"k must be between 1 and {there}, the number of {what} to choose from, not {k}")
