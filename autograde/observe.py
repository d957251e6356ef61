"""What questions are made of: they build, call and observe any implementation. No answer is in here.

A question is a function that puts one task to an implementation and returns what it observes. This module
is all that a question may lean on, so that it can be asked in a process that must not hold any answer.
"""

from __future__ import annotations

import dataclasses
import random
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

__all__ = [
    "Array",
    "CannotAsk",
    "Other",
    "Raised",
    "Table",
    "World",
    "ask",
    "built",
    "gradients_of",
    "on_meta",
    "pairs",
    "record",
    "seeded",
    "shape_of",
    "to_device",
]


class CannotAsk(Exception):
    """The question cannot be put to this answer; the message is a sentence for the learner."""


# ---- worlds: small inputs in which a mixed-up axis cannot hide


@dataclasses.dataclass(frozen=True)
class World:
    """Sizes of a small model and a batch for it.

    Choose the sizes so that n_users, n_movies, n_users * n_factors and n_movies * n_factors all differ:
    then a parameter's number of elements tells its role, whatever the learner calls it.
    """

    n_users: int
    n_movies: int
    n_factors: int
    batch: Tensor  # (rows, 2), int64: user index, movie index

    def roles(self) -> dict[int, tuple[str, tuple[int, int]]]:
        """Number of elements -> (role, the shape that a lookup table with this role has)."""
        return {
            self.n_users * self.n_factors: ("user factors", (self.n_users, self.n_factors)),
            self.n_movies * self.n_factors: ("movie factors", (self.n_movies, self.n_factors)),
            self.n_users: ("user bias", (self.n_users, 1)),
            self.n_movies: ("movie bias", (self.n_movies, 1)),
        }


def pairs(rng: np.random.Generator, n_users: int, n_movies: int, rows: int) -> Tensor:
    """A batch of (user, movie) index pairs, int64, shape (rows, 2)."""
    return torch.from_numpy(np.stack([rng.integers(0, n_users, rows), rng.integers(0, n_movies, rows)], axis=1))


def seeded(shape: tuple[int, ...], *key: object) -> Tensor:
    """Standard normal float32 values that depend on the shape's element count and the key alone."""
    numel = int(np.prod(shape))
    text = "/".join(map(str, (numel, *key)))
    rng = np.random.default_rng(list(text.encode()))
    return torch.from_numpy(rng.standard_normal(numel).astype(np.float32)).reshape(shape)


def built(cls: Any, world: World, seed: int = 0) -> nn.Module:
    """An instance of `cls` for this world, with weights that are the same for every implementation.

    Each parameter is filled by the role that its number of elements tells, so names and order are free.
    Raises CannotAsk when there is nothing to fill, or a parameter of a size that no role has.
    """
    if not isinstance(cls, type):
        raise CannotAsk(f"is {_a(type(cls).__name__)}, not a class: hand over the class itself, without calling it")
    model = cls(world.n_users, world.n_movies, world.n_factors)
    if not isinstance(model, nn.Module):
        raise CannotAsk("is not an nn.Module: write `class ...(nn.Module):`")
    parameters = dict(model.named_parameters())
    if not parameters:
        raise CannotAsk(
            "has no parameters that PyTorch can see: keep the factors in nn.Embedding or nn.Parameter "
            "attributes of self, set in __init__ after super().__init__()"
        )
    roles = world.roles()
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.numel() not in roles:
                raise CannotAsk(
                    f"has a parameter `{name}` of shape {tuple(parameter.shape)}: that fits neither "
                    f"{world.n_users} users nor {world.n_movies} movies with {world.n_factors} factors"
                )
            _, shape = roles[parameter.numel()]
            values = seeded(shape, seed)
            parameter.copy_(values.T if _is_transposed(parameter, shape) else values.reshape(parameter.shape))
    return model.to(world.batch.device)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a tensor or array; CannotAsk for anything else."""
    if not hasattr(value, "shape"):
        raise CannotAsk(f"gave {_a(type(value).__name__)}, expected a tensor")
    return tuple(value.shape)


def gradients_of(cls: Any, world: World) -> dict[str, Tensor | None]:
    """The gradient that reaches each role's weights from a weighted sum of the predictions.

    Row i counts i + 1 times, so that a gradient sent to the wrong row shows. Keys are the roles.
    """
    model = built(cls, world)
    predictions = model(world.batch)
    if not isinstance(predictions, Tensor) or not predictions.requires_grad:
        raise CannotAsk("gives predictions that no gradient can flow back from: keep them tensors, undetached")
    weights = torch.arange(1.0, len(world.batch) + 1, device=world.batch.device)
    (predictions * weights).sum().backward()
    gradients = {}
    for parameter in model.parameters():
        role, shape = world.roles()[parameter.numel()]
        gradient = parameter.grad
        if gradient is not None:
            gradient = gradient.T if _is_transposed(parameter, shape) else gradient.reshape(shape)
        gradients[role] = gradient
    return gradients


def _is_transposed(parameter: Tensor, shape: tuple[int, int]) -> bool:
    """Whether a learner keeps the table on its side, (n_factors, n) instead of (n, n_factors)."""
    return parameter.dim() == 2 and tuple(parameter.shape) == shape[::-1]


def on_meta(cls: Any, world: World) -> tuple[str, tuple[int, ...]]:
    """(device, shape) of the predictions on PyTorch's `meta` device, which computes shapes and needs no GPU.

    It stops a forward pass that makes a tensor on the CPU, or uses a weight that is not a registered parameter.
    """
    predictions = built(cls, world).to("meta")(world.batch.to("meta"))
    return str(predictions.device), shape_of(predictions)


def to_device(value: Any, device: str | torch.device) -> Any:
    """`value` with every tensor in it moved to the device; dataclasses and containers are rebuilt."""
    if isinstance(value, Tensor):
        return value.to(device)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        moved = {f.name: to_device(getattr(value, f.name), device) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **moved)
    if type(value) in (list, tuple):
        return type(value)(to_device(item, device) for item in value)
    if type(value) is dict:
        return {key: to_device(item, device) for key, item in value.items()}
    return value


# ---- observations: plain values that can be compared, shown, and later sent between processes


@dataclasses.dataclass(frozen=True)
class Array:
    """A tensor or array as it was observed. `values` is None on the meta device."""

    kind: str  # "tensor" or "array"
    dtype: str
    shape: tuple[int, ...]
    values: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Table:
    """A pandas DataFrame (columns is a list) or Series (columns is None)."""

    index: list
    columns: list | None
    values: Array


@dataclasses.dataclass(frozen=True)
class Raised:
    """The question ended in an exception. `line` is the learner's own line, where one is known."""

    type: str
    message: str
    line: str = ""


@dataclasses.dataclass(frozen=True)
class Other:
    """A value of a type that questions do not deal in."""

    type: str


MAX_ITEMS = 100_000  # a container longer than this is not an answer to any question of ours


def record(value: Any) -> Any:
    """`value` as plain data: None, bool, int, float, str, list, dict, Array, Table or Other."""
    match value:
        case Array() | Table() | Raised() | Other():
            return value
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return value.item()
        case Tensor():
            return _record_tensor(value)
        case np.ndarray():
            return _record_array(value, "array")
        case pd.DataFrame():
            return Table(_labels(value.index), _labels(value.columns), _record_array(value.to_numpy(), "array"))
        case pd.Series():
            return Table(_labels(value.index), None, _record_array(value.to_numpy(), "array"))
        case pd.Index() | pd.api.extensions.ExtensionArray():
            return _record_array(np.asarray(value), "array")
        case list() | tuple() | range() if len(value) <= MAX_ITEMS:
            return [record(item) for item in value]
        case Mapping() if len(value) <= MAX_ITEMS:
            return {str(key): record(item) for key, item in value.items()}
        case _:
            return Other(type(value).__name__)


def ask(question: Callable[[Any, Any], Any], answer: Any, given: Any, seed: int = 0) -> Any:
    """Put the question to an answer and record what is observed, be it an exception.

    Global generators are seeded first, so that implementations which draw the same numbers get the same
    numbers, and are put back afterwards.
    """
    with _seeded_generators(seed):
        try:
            return record(question(answer, given))
        except Exception as error:
            return Raised(type(error).__name__, _first_line(str(error)), _learners_line(error))


class _seeded_generators:
    def __init__(self, seed: int):
        self.seed = seed

    def __enter__(self) -> None:
        self.states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002
        torch.manual_seed(self.seed)

    def __exit__(self, *_: object) -> None:
        python, numpy, cpu = self.states
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(cpu)


def _record_tensor(value: Tensor) -> Array:
    values = None if value.device.type == "meta" else value.detach().cpu().resolve_conj().numpy()
    return Array("tensor", str(value.dtype).removeprefix("torch."), tuple(value.shape), values)


def _record_array(value: np.ndarray, kind: str) -> Array:
    return Array(kind, str(value.dtype), tuple(value.shape), value)


def _labels(index: pd.Index) -> list:
    return [record(item) for item in index.tolist()]


def _first_line(text: str, limit: int = 300) -> str:
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _learners_line(error: Exception) -> str:
    """The innermost source line that stands in a notebook cell, "" when there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.line for f in frames if f.line and ("ipykernel" in f.filename or f.filename.startswith("<ipython"))]
    return lines[-1] if lines else ""


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
