"""What a question asks of an answer, in a learner's words: which calls it makes, and with what. For practice alone.

The reference is asked once more, and listened to: so no exercise needs to say any of this itself.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from autograde.exercise import Check, Exercise, Withheld
from autograde.observe import ask

__all__ = ["Call", "calls", "in_full", "in_short"]

SHORT = 56  # characters of a value that still stands within a call
ITEMS = 8  # of a list that are shown, and rows and columns of an array or a table
FIRST = 4  # rows of a table by which it can be known
FEW = 16  # elements of an array that is shown whole


@dataclass
class Call:
    """One call that a question makes: `text` is how it would be written, `where` what does not fit into it."""

    text: str
    where: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)  # name -> (its value in lines, fewer)
    gave: tuple[str, ...] = ()  # what the reference gave, in lines

    def lines(self) -> list[str]:
        """The call, and below it the values that are too long to stand in it."""
        return [self.text, *(line for name, (value, _) in self.where.items() for line in _named(name, value))]

    def in_brief(self) -> list[str]:
        """The same with no more of a value than it takes to know it by."""
        return [self.text, *(line for name, (_, value) in self.where.items() for line in _named(name, value))]


def calls(exercise: Exercise, check: Check, given: Any, seed: int = 0) -> list[Call]:
    """The calls that a check's question makes, in their order, with what the reference gives.

    Only calls of what the learner is to define count: there are none in a concept question.
    """
    heard: list[Call] = []
    ask(check.question, _listening(exercise.reference, exercise.name.split(".")[0], heard), given, seed)
    return heard


def in_short(value: Any) -> str:
    """A value in one line of at most SHORT characters, "" where that cannot be."""
    text = _in_short(value)
    return text if text and len(text) <= SHORT else ""


def in_full(value: Any) -> list[str]:
    """A value as lines of text; of a long one the beginning, and its size."""
    if text := in_short(value):
        return [text]
    if isinstance(value, pd.DataFrame | pd.Series):
        return [f"{type(value).__name__} of {_rows(len(value))}", *_indented(_table_lines(value))]
    if isinstance(value, Tensor | np.ndarray):
        kind = "tensor" if isinstance(value, Tensor) else "array"
        return [f"{kind} of shape {tuple(value.shape)}", *_indented(_array_lines(_numbers(value)))]
    if isinstance(value, Mapping):
        lines = [line for key, item in list(value.items())[:ITEMS] for line in _named(str(key), in_full(item))]
        return [*lines, *_more(len(value) - ITEMS)]
    if isinstance(value, list | tuple):
        short = [_in_short(item) for item in value[:ITEMS]]
        if all(short):
            listed = ", ".join(_cut(str(item), SHORT) for item in short)
            return [f"[{listed}{', …' if len(value) > ITEMS else ''}], {len(value)} items"]
        lines = [line for item in value[:ITEMS] for line in in_full(item)]
        return [f"{type(value).__name__} of {len(value)}:", *_indented([*lines, *_more(len(value) - ITEMS)])]
    return [_cut(str(_in_short(value)))]


def _in_brief(value: Any) -> list[str]:
    if isinstance(value, pd.DataFrame | pd.Series):
        return [f"{type(value).__name__} of {_rows(len(value))}", *_indented(_table_lines(value, rows=FIRST))]
    return [_cut(" ".join(" ".join(in_full(value)).split()))]


def _in_short(value: Any) -> str | None:
    """A value as it would be written in a call; None for one that is too large for that."""
    if isinstance(value, Tensor | np.ndarray):
        return _array_in_short(value)
    if isinstance(value, pd.DataFrame | pd.Series):
        return None
    if isinstance(value, np.generic):
        return _in_short(value.item())
    if value is None or isinstance(value, bool | int | str | range | slice):
        return repr(value)
    if isinstance(value, numbers.Real):
        return f"{float(value):.6g}"
    if isinstance(value, list | tuple | Mapping):
        return _container_in_short(value)
    return _object_in_short(value)


def _array_in_short(value: Tensor | np.ndarray) -> str | None:
    if isinstance(value, Tensor) and value.device.type == "meta":
        return f"a tensor of shape {tuple(value.shape)} on the device meta"
    if np.prod(value.shape) > FEW:
        return None
    kind = "tensor" if isinstance(value, Tensor) else "array"
    return f"{kind}({_nested(_numbers(value).tolist())})"


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(map(_nested, values)) + "]"
    return f"{values:.4g}" if isinstance(values, float) else str(values)


def _container_in_short(value: list | tuple | Mapping) -> str | None:
    if len(value) > ITEMS:
        return None
    if isinstance(value, Mapping):
        inner = [(_in_short(key), _in_short(item)) for key, item in value.items()]
        return "{" + ", ".join(f"{key}: {item}" for key, item in inner) + "}" if all(i for _, i in inner) else None
    items = [_in_short(item) for item in value]
    if not all(items):
        return None
    text = ", ".join(map(str, items))
    return f"[{text}]" if isinstance(value, list) else f"({text}{',' if len(items) == 1 else ''})"


def _object_in_short(value: Any) -> str:
    if isinstance(value, Withheld):
        return "what only the judge knows"
    if isinstance(value, nn.Module):
        return "a model"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, types.FunctionType | types.MethodType | functools.partial):
        return "a function"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def _numbers(value: Tensor | np.ndarray) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


def _array_lines(values: np.ndarray) -> list[str]:
    if values.ndim == 1:
        shown, rest = values[: 2 * ITEMS], len(values) - 2 * ITEMS
    else:
        shown, rest = values[(slice(ITEMS), slice(2 * ITEMS))[: values.ndim]], len(values) - ITEMS
    text = np.array2string(shown, precision=3, suppress_small=True, max_line_width=88, threshold=10**6)
    return [*text.splitlines(), *_more(rest)]


def _table_lines(table: pd.DataFrame | pd.Series, rows: int = ITEMS) -> list[str]:
    shown = table.iloc[:rows]
    if isinstance(shown, pd.DataFrame):
        text = shown.iloc[:, :ITEMS].to_string(na_rep="NaN", float_format=lambda number: f"{number:.4g}")
    else:
        text = shown.to_string(na_rep="NaN", header=False)
    return [*text.splitlines(), *_more(len(table) - rows)]


def _more(rest: int) -> list[str]:
    return [f"… and {rest} more"] if rest > 0 else []


def _cut(text: str, limit: int = 2 * SHORT) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _indented(lines: list[str]) -> list[str]:
    return ["  " + line for line in lines]


def _named(name: str, value: list[str]) -> list[str]:
    return [f"{name}: {value[0]}", *_indented(value[1:])] if value else []


# ---- the reference, listened to


def _listening(reference: Any, name: str, heard: list[Call]) -> Any:
    if isinstance(reference, type):
        return _listening_class(reference, name, heard)
    if not callable(reference):
        return reference

    @functools.wraps(reference)
    def listens(*args: Any, **options: Any) -> Any:
        call = _noted(heard, name, reference, args, options)
        gave = reference(*args, **options)
        call.gave = tuple(in_full(gave))
        return gave

    return listens


def _listening_class(reference: type, name: str, heard: list[Call]) -> type:
    variable = "model" if issubclass(reference, nn.Module) else name.lower()

    class Listens(reference):
        def __init__(self, *args: Any, **options: Any):
            _noted(heard, f"{variable} = {name}", reference, args, options)
            super().__init__(*args, **options)

        def __call__(self, *args: Any, **options: Any) -> Any:
            call = _noted(heard, variable, getattr(reference, "forward", reference.__call__), (self, *args), options)
            gave = super().__call__(*args, **options)
            call.gave = tuple(in_full(gave))
            return gave

    Listens.__name__, Listens.__qualname__, Listens.__module__ = name, name, reference.__module__
    return Listens


def _noted(heard: list[Call], name: str, called: Callable, args: tuple, options: dict[str, Any]) -> Call:
    """Write down a call as it begins: what is called may change what it is given."""
    try:
        bound = inspect.signature(called).bind(*args, **options).arguments
    except (TypeError, ValueError):  # a signature of C, or arguments that do not fit
        bound = {str(position): value for position, value in enumerate(args, start=1)} | options
    written, where = [], {}
    for parameter, value in bound.items():
        if parameter == "self":
            continue
        if text := in_short(value):
            written.append(f"{parameter}={text}")
        else:
            written.append(parameter)
            where[parameter] = in_full(value), _in_brief(value)
    heard.append(Call(f"{name}({', '.join(written)})", where))
    return heard[-1]
