"""Two observations -> equal, or the difference in a learner's words. Nothing here runs anybody's code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograde.observe import Array, Other, Raised, Table

__all__ = ["compare", "describe", "equal"]

RTOL, ATOL = 1e-4, 1e-5  # float32 sums in another order differ by less, every mistake we know by more
SHOWN = 3  # so many differing places are named


def equal(expected: Any, got: Any) -> bool:
    """Whether two observations are the same answer."""
    return compare(expected, got) is None


def compare(expected: Any, got: Any) -> str | None:
    """None when `got` is the same answer as `expected`, else one sentence without subject or full stop.

    Floats are compared within rtol 1e-4 and atol 1e-5; dtype and shape of tensors exactly; for NumPy and
    pandas only the kind of dtype counts. Numbers of Python and NumPy, and tensors of one element with
    no dimension, are the same kind of answer.
    """
    if isinstance(got, Raised):
        return _compare_raised(expected, got)
    if isinstance(expected, Raised):
        return f"should stop with {expected.type}, but gave {describe(got)}"
    if _is_number(expected) and _is_number(got):
        return _compare_numbers(_number(expected), _number(got))
    if isinstance(expected, Array) and isinstance(got, Array):
        return _compare_arrays(expected, got)
    if isinstance(expected, Table) and isinstance(got, Table):
        return _compare_tables(expected, got)
    if isinstance(expected, list) and isinstance(got, list):
        return _compare_lists(expected, got)
    if isinstance(expected, dict) and isinstance(got, dict):
        return _compare_dicts(expected, got)
    if type(expected) is type(got) and expected == got:
        return None
    return f"gave {describe(got)}, expected {describe(expected)}"


def describe(value: Any) -> str:
    """An observation in a few words: what a learner would see when printing it."""
    match value:
        case Array(kind, dtype, shape, values):
            if values is not None and values.size <= 4:
                return f"{kind}({_list_text(values.tolist())})"
            return f"{'a tensor' if kind == 'tensor' else 'an array'} of shape {shape} and type {dtype}"
        case Table(index, columns, _):
            if columns is None:
                return f"a Series of {len(index)} values"
            return f"a DataFrame of {len(index)} rows and {len(columns)} columns"
        case Raised(kind, message, line):
            where = f" at `{line}`" if line else ""
            return f"{kind}: {message}{where}" if message else f"{kind}{where}"
        case Other(kind):
            return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
        case float():
            return f"{value:.6g}"
        case list() if len(value) > 6:
            return f"a list of {len(value)} items"
        case list():
            return _list_text(value)
        case dict():
            return "a dict with the keys " + ", ".join(map(repr, list(value)[:6]))
        case _:
            return repr(value)


def _compare_raised(expected: Any, got: Raised) -> str | None:
    if isinstance(expected, Raised):
        if expected.type == got.type:
            return None
        return f"stopped with {describe(got)}, expected {expected.type}"
    if got.type == "CannotAsk":
        return got.message
    return f"stopped with {describe(got)}"


def _compare_numbers(expected: float, got: float) -> str | None:
    if math.isclose(expected, got, rel_tol=RTOL, abs_tol=ATOL) or (math.isnan(expected) and math.isnan(got)):
        return None
    return f"gave {got:.6g}, expected {expected:.6g}"


def _compare_arrays(expected: Array, got: Array) -> str | None:
    if expected.kind != got.kind:
        return f"gave {describe(got)}, expected {describe(expected)}"
    if expected.shape != got.shape:
        return f"gave shape {got.shape}, expected {expected.shape}"
    if not _same_dtype(expected, got):
        return f"gave values of type {got.dtype}, expected {expected.dtype}"
    if expected.values is None or got.values is None:
        return None if expected.values is got.values else "computed on another device than it was asked to"
    return _compare_values(expected.values, got.values)


def _same_dtype(expected: Array, got: Array) -> bool:
    if expected.kind == "tensor":
        return expected.dtype == got.dtype
    kinds = {np.dtype(array.dtype).kind for array in (expected, got)}
    return len(kinds) == 1 or kinds <= set("OUST")  # text is an object array here, a string array there


def _compare_values(expected: np.ndarray, got: np.ndarray, labels: Any = None) -> str | None:
    """`labels(position tuple)` names a place; the default speaks of rows and positions."""
    if expected.dtype.kind in "fc":
        same = np.isclose(got, expected, rtol=RTOL, atol=ATOL, equal_nan=True)
    else:
        same = np.asarray(expected == got)
    if same.all():
        return None
    if expected.dtype.kind == "f":
        stray = np.isnan(got) & ~np.isnan(expected)
        if stray.any():
            return f"gave NaN in {stray.sum()} of {expected.size} places where a number belongs"
        filled = np.isnan(expected) & ~np.isnan(got)
        if filled.any():
            return f"gave a number in {filled.sum()} of {expected.size} places that should stay empty (NaN)"
    labels = labels or (lambda place: ("row " if expected.ndim == 1 else "") + ", ".join(map(str, place)))
    wrong = list(zip(*np.nonzero(~same), strict=True)) if expected.ndim else [()]
    examples = "; ".join(
        f"{labels(place)} gave {describe(got[place].item())}, expected {describe(expected[place].item())}"
        for place in wrong[:SHOWN]
    )
    return f"differs in {len(wrong)} of {expected.size} places: {examples}"


def _compare_tables(expected: Table, got: Table) -> str | None:
    if (expected.columns is None) != (got.columns is None):
        return f"gave {describe(got)}, expected {describe(expected)}"
    for axis, wanted, came in (
        ("index", expected.index, got.index),
        ("columns", expected.columns, got.columns),
    ):
        if wanted is not None and (difference := _compare_lists(wanted, came)):
            return f"has another {axis} than expected: it {difference}"
    if expected.values.shape != got.values.shape:
        return f"gave shape {got.values.shape}, expected {expected.values.shape}"
    if not _same_dtype(expected.values, got.values):
        return f"gave values of type {got.values.dtype}, expected {expected.values.dtype}"

    def label(place: tuple[int, ...]) -> str:
        row = describe(expected.index[place[0]])
        return row if expected.columns is None else f"row {row}, column {describe(expected.columns[place[1]])}"

    return _compare_values(expected.values.values, got.values.values, label)


def _compare_lists(expected: list, got: list) -> str | None:
    if len(expected) != len(got):
        return f"gave {len(got)} items, expected {len(expected)}"
    for position, (wanted, came) in enumerate(zip(expected, got, strict=True)):
        if difference := compare(wanted, came):
            return f"{difference} at position {position}"
    return None


def _compare_dicts(expected: dict, got: dict) -> str | None:
    if missing := [key for key in expected if key not in got]:
        return f"has nothing for {', '.join(missing)}"
    if extra := [key for key in got if key not in expected]:
        return f"has something for {', '.join(extra)}, which should not be there"
    for key, wanted in expected.items():
        if got[key] is None and wanted is not None:
            return f"has no {key}"
        if difference := compare(wanted, got[key]):
            return f"{difference} ({key})"
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, Array):
        return value.shape == () and value.values is not None and value.values.dtype.kind in "fiu"
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value.values) if isinstance(value, Array) else float(value)


def _list_text(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(map(_list_text, values)) + "]"
    return describe(values)
