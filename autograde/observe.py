"""What questions are made of: they build, call and observe any implementation. No answer is in here.

A question is a function that puts one task to an implementation and returns what it observes. This module
is all that a question may lean on, so that it can be asked in a process that must not hold any answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import numbers
import pickle
import random
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
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
    "answered",
    "ask",
    "built",
    "from_plain",
    "gradients_of",
    "on_meta",
    "pairs",
    "record",
    "seeded",
    "shape_of",
    "to_device",
    "to_plain",
]


class CannotAsk(Exception):
    """The question cannot be put to this answer; the message is a sentence for the learner."""


# ---- worlds: small inputs in which a mixed-up axis cannot hide


@dataclasses.dataclass(frozen=True)
class World:
    """Sizes of a small model and a batch for it.

    n_users, n_movies, n_users * n_factors and n_movies * n_factors must all differ, or ValueError: then a
    parameter's number of elements tells its role, whatever the learner calls it. n_factors must differ from
    both numbers of rows as well, so that a table that is kept on its side can be told.
    """

    n_users: int
    n_movies: int
    n_factors: int
    batch: Tensor  # (rows, 2), int64: user index, movie index

    def __post_init__(self) -> None:
        if len(self.roles()) < 4 or self.n_factors in (self.n_users, self.n_movies):
            raise ValueError(
                f"{self.n_users} users, {self.n_movies} movies and {self.n_factors} factors: two tables have the "
                "same size, so a parameter's size would not tell its role"
            )

    def roles(self) -> dict[int, tuple[str, tuple[int, int]]]:
        """Number of elements -> (role, the shape that a lookup table with this role has)."""
        return {
            self.n_users * self.n_factors: ("user factors", (self.n_users, self.n_factors)),
            self.n_movies * self.n_factors: ("movie factors", (self.n_movies, self.n_factors)),
            self.n_users: ("user bias", (self.n_users, 1)),
            self.n_movies: ("movie bias", (self.n_movies, 1)),
        }


def pairs(rng: np.random.Generator, n_users: int, n_movies: int, rows: int) -> Tensor:
    """A batch of (user, movie) index pairs, int64, shape (rows, 2).

    In no row are both the same number, so whoever takes one for the other is seen in every row. n_movies: 2 or more.
    """
    users = rng.integers(0, n_users, rows)
    movies = (users + rng.integers(1, n_movies, rows)) % n_movies
    return torch.from_numpy(np.stack([users, movies], axis=1))


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
        came = "None" if cls is None else _a(type(cls).__name__)
        raise CannotAsk(f"is {came}, not a class: hand over the class itself, without calling it")
    model = cls(world.n_users, world.n_movies, world.n_factors)
    if not isinstance(model, nn.Module):
        raise CannotAsk(f"is not an nn.Module: write `class {cls.__name__}(nn.Module):`")
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
                    f"{world.n_users} users nor {world.n_movies} movies with {world.n_factors} factors: take the sizes "
                    "that `__init__` is given"
                )
            _, shape = roles[parameter.numel()]
            values = seeded(shape, seed)
            parameter.copy_(values.T if _is_transposed(parameter, shape) else values.reshape(parameter.shape))
    return model.to(world.batch.device)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a tensor or array, a torch.Size, which is recorded as a shape; CannotAsk for anything else."""
    if not hasattr(value, "shape"):
        came = "None" if value is None else _a(type(value).__name__)
        raise CannotAsk(f"gave {came}, expected a tensor{': is a `return` missing?' if value is None else ''}")
    return torch.Size(value.shape)


def gradients_of(cls: Any, world: World) -> dict[str, Tensor | None]:
    """The gradient that reaches each role's weights from a weighted sum of the predictions.

    Row i counts i + 1 times, so that a gradient sent to the wrong row shows. Keys are "gradient for the ..." with
    the role behind; None where none arrives. Two parameters with one role count as one: their gradients add up.
    """
    model = built(cls, world)
    predictions = model(world.batch)
    if predictions is None:
        raise CannotAsk("gave None, expected a tensor: is a `return` missing?")
    if not isinstance(predictions, Tensor) or not predictions.requires_grad:
        raise CannotAsk("gives predictions that no gradient can flow back from: keep them tensors, undetached")
    rows = len(world.batch)
    if predictions.dim() == 0 or len(predictions) != rows:
        raise CannotAsk(f"gives predictions of shape {tuple(predictions.shape)} for a batch of {rows} rows")
    weights = torch.arange(1.0, rows + 1, device=world.batch.device).reshape(-1, *[1] * (predictions.dim() - 1))
    (predictions * weights).sum().backward()
    gradients: dict[str, Tensor | None] = {}
    for parameter in model.parameters():
        role, shape = world.roles()[parameter.numel()]
        gradient, before = parameter.grad, gradients.get(f"gradient for the {role}")
        if gradient is not None:
            gradient = gradient.T if _is_transposed(parameter, shape) else gradient.reshape(shape)
            gradient = gradient if before is None else before + gradient
        gradients[f"gradient for the {role}"] = before if gradient is None else gradient
    return gradients


def _is_transposed(parameter: Tensor, shape: tuple[int, int]) -> bool:
    """Whether a learner keeps the table on its side, (n_factors, n) instead of (n, n_factors)."""
    return parameter.dim() == 2 and tuple(parameter.shape) == shape[::-1]


def on_meta(cls: Any, world: World) -> dict[str, Any]:
    """Device and shape of the predictions on PyTorch's `meta` device, which computes shapes and needs no GPU.

    It stops a forward pass that makes a tensor on the CPU, or uses a weight that is not a registered parameter.
    """
    predictions = built(cls, world).to("meta")(world.batch.to("meta"))
    shape = shape_of(predictions)
    return {"device": str(getattr(predictions, "device", "cpu")), "shape": shape}


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
    """A tensor or array as it was observed, a copy of it; or a shape alone.

    `values` is None for a shape, on the meta device, and for more than MAX_ELEMENTS elements.
    Texts, dates and other objects are recorded one by one, in an object array.
    """

    kind: str  # "tensor", "array", or "shape" (whose dtype is empty)
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


MAX_ITEMS = 100_000  # a container with more items, all levels together, is not an answer to any question of ours
MAX_ELEMENTS = 10_000_000  # nor is a tensor with more elements: 80 MB, copied for each question
MAX_DEPTH = 12  # nor are lists nested deeper than this


def record(value: Any) -> Any:
    """`value` as plain data: None, bool, int, float, str, list, dict, Array, Table, Raised or Other.

    Nothing that is recorded belongs to the learner any more: arrays are copied, subclasses become plain.
    Dates become text, gaps of pandas NaN. A container that is too large or too deep is an Other.
    """
    try:
        return _record(value, _Budget())
    except _TooMuch:
        return Other(f"{type(value).__name__} that is too large or too deep")


class _TooMuch(Exception):
    pass


PLAIN = frozenset({bool, int, float, str, type(None)})  # what is recorded as it is


class _Budget:
    """How many items may still be recorded: a list of long lists grows faster than each of them."""

    def __init__(self) -> None:
        self.left = MAX_ITEMS

    def spend(self, items: int, depth: int) -> None:
        self.left -= items
        if self.left < 0 or depth > MAX_DEPTH:
            raise _TooMuch


def _record(value: Any, budget: _Budget, depth: int = 0) -> Any:
    match value:
        case Array() | Table() | Raised() | Other() | None | bool():
            return value
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case np.datetime64() | np.timedelta64():  # whatever their unit
            return str(pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value))
        case datetime.date() | datetime.timedelta():
            return str(value)
        case np.generic():
            item = value.item()
            return float(item) if isinstance(item, np.floating) else _record(item, budget, depth)
        case torch.Size():
            return Array("shape", "", tuple(value), None)
        case Tensor():
            return _record_tensor(value)
        case np.ndarray():
            return _record_array(value, budget, depth)
        case pd.DataFrame():
            return Table(_labels(value.index, budget), _labels(value.columns, budget), _cells(value, budget))
        case pd.Series():
            return Table(_labels(value.index, budget), None, _cells(value, budget))
        case pd.Index() | pd.api.extensions.ExtensionArray():
            return _cells(value, budget)
        case _ if value is pd.NA:
            return float("nan")
        case numbers.Real() | decimal.Decimal():  # fractions
            return float(value)
        case list() | tuple() | range():
            budget.spend(len(value), depth)
            if PLAIN.issuperset(map(type, value)):
                return list(value)
            return [_record(item, budget, depth + 1) for item in value]
        case Mapping():
            budget.spend(len(value), depth)
            return {str(key): _record(item, budget, depth + 1) for key, item in value.items()}
        case _:
            return Other(type(value).__name__)


def ask(question: Callable[[Any, Any], Any], answer: Any, given: Any, seed: int = 0) -> Any:
    """Put the question to an answer and record what is observed, be it an exception.

    Global generators are seeded first, so that implementations which draw the same numbers get the same
    numbers; they, PyTorch's gradient mode and its default dtype are put back afterwards. `...`, the answer of
    a lesson that nobody has touched, counts as a stub: it raises NotImplementedError.
    Every exception is an observation, SystemExit too, or one `exit()` would end the check of all the rest.
    KeyboardInterrupt alone passes through: whoever presses stop, or a grader whose time is up, means the check.
    """
    if answer is ...:
        return Raised("NotImplementedError", "")
    with _left_as_found(seed), torch.enable_grad():
        try:
            return record(question(answer, given))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Raised(type(error).__name__, _message_of(error), _learners_line(error))


def answered(answer: Any, question: bytes, given: bytes, seed: int) -> tuple[Any, list[np.ndarray]]:
    """For a process behind walls: `ask` a question that came pickled, and return what is observed, ready to be sent."""
    return to_plain(ask(pickle.loads(question), answer, pickle.loads(given), seed))


@contextlib.contextmanager
def _left_as_found(seed: int) -> Iterator[None]:
    python, numpy, dtype = random.getstate(), np.random.get_state(), torch.get_default_dtype()  # noqa: NPY002
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        _seed_torch(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            torch.set_default_dtype(dtype)


def _seed_torch(seed: int) -> None:
    """As `torch.manual_seed`, which on a machine without accelerators writes down a traceback for each kind of them."""
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def _record_tensor(value: Tensor) -> Array:
    dtype, shape = str(value.dtype).removeprefix("torch."), tuple(value.shape)
    if value.device.type == "meta" or value.numel() > MAX_ELEMENTS:
        return Array("tensor", dtype, shape, None)
    values = value.detach().to_dense().cpu().resolve_conj().resolve_neg()
    if values.is_floating_point() and values.dtype not in (torch.float16, torch.float32, torch.float64):
        values = values.float()  # NumPy knows no bfloat16
    return Array("tensor", dtype, shape, np.array(values.numpy()))


def _record_array(value: np.ndarray, budget: _Budget, depth: int = 0) -> Array:
    dtype, shape = str(value.dtype), tuple(value.shape)
    if value.size > MAX_ELEMENTS:
        return Array("array", dtype, shape, None)
    if value.dtype.kind in "biufc":
        return Array("array", dtype, shape, np.array(value))
    budget.spend(value.size, depth)
    plain = np.empty(value.size, dtype=object)
    for position, item in enumerate(np.asarray(value).ravel()):
        plain[position] = _record(item, budget, depth + 1)
    return Array("array", dtype, shape, plain.reshape(shape))


def _cells(value: Any, budget: _Budget) -> Array:
    """The values of a pandas object. Its nullable numbers become NumPy's: a gap is NaN, whoever leaves it."""
    if isinstance(value, pd.DataFrame):
        is_numeric = all(map(pd.api.types.is_numeric_dtype, value.dtypes))
        is_nullable = any(map(pd.api.types.is_extension_array_dtype, value.dtypes))
        cells = value.to_numpy(dtype="float64", na_value=np.nan) if is_numeric and is_nullable else value.to_numpy()
    else:
        cells = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    return _record_array(cells, budget)


def _labels(index: pd.Index, budget: _Budget) -> list:
    return _record(index.tolist(), budget)


def _message_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # a learner's own exception may fail to describe itself
        return ""
    return _first_line(text)


def _first_line(text: str, limit: int = 300) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


CELL = re.compile(r"^<(ipython-input|stdin)|[/\\]ipykernel_\d+[/\\]")  # the file names that IPython gives to cells


def _learners_line(error: BaseException) -> str:
    """The innermost source line that stands in a notebook cell, "" when there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line for frame in frames if frame.line and CELL.search(frame.filename)]
    return _first_line(lines[-1], limit=120) if lines else ""


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


# ---- observations on their way between processes: JSON and plain arrays

MAX_SENT_DEPTH = 3 * MAX_DEPTH  # each level of a list takes one, a table with labels and cells a few more
MAX_SENT_ITEMS = 3 * MAX_ITEMS
MAX_DIGITS = 100_000  # hexadecimal ones, of a whole number
MAX_NAME = 400  # characters of a dtype, an exception's name or its message
NUMERIC = "biufc"  # NumPy's kinds of dtype
NUMERIC_NAME = re.compile(r"bool|(u?int|float|complex)\d+|[<>|=][biufc]\d+")  # what NumPy calls dtypes of these kinds


def to_plain(observation: Any) -> tuple[Any, list[np.ndarray]]:
    """An observation as JSON and the arrays that it refers to by their number."""
    arrays: list[np.ndarray] = []
    return _sent(observation, arrays), arrays


def _sent(value: Any, arrays: list[np.ndarray]) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return value.encode(errors="replace").decode()  # half a character can be written nowhere
        case int():
            if value.bit_length() > 4 * MAX_DIGITS:
                return {"other": "whole number that is too large"}
            return value if value.bit_length() < 64 else {"int": hex(value)}
        case float():
            return value if np.isfinite(value) else {"float": str(value)}
        case list():
            return [_sent(item, arrays) for item in value]
        case dict():
            return {"dict": [[_sent(key, arrays), _sent(item, arrays)] for key, item in value.items()]}
        case Array(kind, dtype, shape, values):
            sent = None
            if values is not None and values.dtype.kind in NUMERIC:
                sent = len(arrays)
                arrays.append(values)
            elif values is not None:
                sent = [_sent(item, arrays) for item in values.ravel()]
            return {"array": [kind, _short(dtype), list(shape), sent]}
        case Table(index, columns, values):
            return {"table": [_sent(part, arrays) for part in (index, columns, values)]}
        case Raised(kind, message, line):
            return {"raised": [_short(text) for text in (kind, message, line)]}
        case Other(kind):
            return {"other": _short(kind)}
        case _:
            return {"other": _short(type(value).__name__)}


def _short(text: str) -> str:
    return _first_line(text, limit=MAX_NAME)


def from_plain(plain: Any, arrays: list[np.ndarray]) -> Any:
    """The observation that `to_plain` sent. ValueError for everything that it could not have sent.

    What comes may be made by hand to do harm: all types, sizes and depths are checked, and that they fit together.
    """
    return _Received(arrays).value(plain)


class _Received:
    def __init__(self, arrays: list[np.ndarray]):
        self._arrays = arrays
        self._left = MAX_SENT_ITEMS

    def value(self, plain: Any, depth: int = 0) -> Any:
        self._take(1, depth)
        match plain:
            case None | bool() | int() | float() | str():
                return plain
            case list():
                if PLAIN.issuperset(map(type, plain)):  # most are, and they are long
                    self._take(len(plain), depth + 1)
                    return plain
                return [self.value(item, depth + 1) for item in plain]
            case {"int": str(digits)} if len(plain) == 1 and len(digits) <= MAX_DIGITS + 4:
                return int(digits, 16)
            case {"float": "nan" | "inf" | "-inf" as text} if len(plain) == 1:
                return float(text)
            case {"dict": list(pairs)} if len(plain) == 1:
                return self._dict(pairs, depth)
            case {"array": [kind, dtype, list(shape), sent]} if len(plain) == 1:
                return self._array(kind, dtype, shape, sent, depth)
            case {"table": [list(index), columns, values]} if len(plain) == 1:
                return self._table(index, columns, values, depth)
            case {"raised": [str(kind), str(message), str(line)]} if len(plain) == 1:
                return Raised(_line(kind), _line(message), _line(line))
            case {"other": str(kind)} if len(plain) == 1:
                return Other(_line(kind))
        raise ValueError("an observation has a part of no known kind")

    def _take(self, items: int, depth: int) -> None:
        self._left -= items
        if self._left < 0 or depth > MAX_SENT_DEPTH:
            raise ValueError("an observation is too large or too deep")

    def _dict(self, pairs: list, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for pair in pairs:
            match pair:
                case [str(key), item] if key not in found:
                    found[key] = self.value(item, depth + 1)
                case _:
                    raise ValueError("a dict is made of pairs, and no key comes twice")
        return found

    def _array(self, kind: Any, dtype: Any, shape: list, sent: Any, depth: int) -> Array:
        is_shape = all(type(size) is int and 0 <= size < 1 << 62 for size in shape) and len(shape) <= 64
        if kind not in ("tensor", "array", "shape") or not isinstance(dtype, str) or not is_shape:
            raise ValueError("an array has a kind, a dtype and a shape")
        if sent is None:
            return Array(kind, _line(dtype), tuple(shape), None)
        if isinstance(sent, list):
            items = [self.value(item, depth + 1) for item in sent]
            values = np.empty(len(items), dtype=object)
            for position, item in enumerate(items):  # all at once would take a list of lists for a matrix
                values[position] = item
            fits = kind == "array" and not NUMERIC_NAME.fullmatch(dtype)
        elif type(sent) is int and 0 <= sent < len(self._arrays):
            values = self._arrays[sent]
            fits = values.dtype.kind in NUMERIC and list(values.shape) == shape and _dtype_fits(kind, dtype, values)
        else:
            fits = False
        if not fits or values.size != np.prod(shape, dtype=object):
            raise ValueError("an array's values do not fit what is said of it")
        return Array(kind, _line(dtype), tuple(shape), values.reshape(shape))

    def _table(self, index: list, columns: Any, values: Any, depth: int) -> Table:
        labels = [self.value(index, depth + 1), self.value(columns, depth + 1)]
        cells = self.value(values, depth + 1)
        is_frame = isinstance(labels[1], list)
        shape = (len(index), len(columns)) if is_frame else (len(index),)
        if not (is_frame or labels[1] is None) or not isinstance(cells, Array) or cells.shape != shape:
            raise ValueError("a table's labels do not fit its cells")
        if cells.kind != "array":
            raise ValueError("a table's cells are an array")
        return Table(*labels, cells)


def _line(text: str) -> str:
    if len(text) > MAX_NAME or not text.isprintable():
        raise ValueError("a name or message is too long, or cannot be printed")
    return text


def _dtype_fits(kind: str, dtype: str, values: np.ndarray) -> bool:
    """Whether these values are what is recorded of a tensor or array that has this dtype."""
    if kind == "tensor" and dtype.startswith(("bfloat", "float8", "float4")):
        return values.dtype == np.float32  # NumPy does not know them
    return str(values.dtype) == dtype
