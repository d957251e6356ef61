"""Two observations -> equal, or the difference in a learner's words. Nothing here runs anybody's code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autograde.observe import Array, Other, Raised, Table

__all__ = ["compare", "describe", "differing", "equal"]

RTOL, ATOL = 1e-4, 1e-5  # float32 sums in another order differ by less, every mistake we know by more
SHOWN = 3  # so many differing places are named


def equal(expected: Any, got: Any) -> bool:
    """Whether two observations are the same answer."""
    return compare(expected, got) is None


def compare(expected: Any, got: Any) -> str | None:
    """None when `got` is the same answer as `expected`, else one sentence without subject or full stop.

    Floats are compared within rtol 1e-4 and atol 1e-5, whole numbers exactly; dtype and shape of tensors exactly;
    for NumPy and pandas only the kind of dtype counts. Numbers of Python and NumPy, and tensors of one element
    with no dimension, are the same kind of answer; True and False are no numbers.
    """
    if got is None and expected is not None and not isinstance(expected, Raised):
        return f"gave None, expected {describe(expected)}: is a `return` missing?"
    return _difference(expected, got)


def _difference(expected: Any, got: Any) -> str | None:
    if isinstance(got, Raised):
        return _compare_raised(expected, got)
    if isinstance(expected, Raised):
        return f"should stop with {expected.type}, but gave {describe(got)}"
    wanted, came = _scalar(expected), _scalar(got)
    if _is_number(wanted) and _is_number(came):
        return _compare_numbers(wanted, came)
    if isinstance(wanted, str) and isinstance(came, str):
        return _compare_texts(wanted, came)
    if isinstance(wanted, Array) and isinstance(came, Array):
        return _compare_arrays(wanted, came)
    if isinstance(expected, Table) and isinstance(got, Table):
        return _compare_tables(expected, got)
    if isinstance(expected, list) and isinstance(got, list):
        return _compare_lists(expected, got)
    if isinstance(expected, dict) and isinstance(got, dict):
        return _compare_dicts(expected, got)
    if type(wanted) is type(came) and wanted == came:
        return None
    return f"gave {describe(got)}, expected {describe(expected)}"


def differing(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Where two arrays of one shape are not the same answer, as an array of truth values."""
    if expected.dtype.kind in "fc":
        with np.errstate(all="ignore"):  # the difference of two huge numbers may overflow
            return ~np.isclose(got, expected, rtol=RTOL, atol=ATOL, equal_nan=True)
    if expected.dtype.kind == "O":
        pairs = zip(expected.ravel(), got.ravel(), strict=True)
        return np.array([_difference(*pair) is not None for pair in pairs], dtype=bool).reshape(expected.shape)
    return np.asarray(expected != got)


def describe(value: Any) -> str:
    """An observation in a few words: what a learner would see when printing it, cut where it grows long."""
    return _cut(_described(value), 200)


def _described(value: Any) -> str:
    match value:
        case Array("shape", _, shape, _):
            return f"shape {shape}"
        case Array(kind, dtype, shape, values):
            if values is not None and values.size <= 4:
                return f"{kind}({_list_text(values.tolist())})"
            return f"{'a tensor' if kind == 'tensor' else 'an array'} of shape {shape} and type {_dtype(dtype)}"
        case Table(index, columns, _):
            if columns is None:
                return f"a Series of {len(index)} values"
            return f"a DataFrame of {len(index)} rows and {len(columns)} columns"
        case Raised("KeyError", message, line) if message:
            where = f" at `{line}`" if line else ""
            return f"KeyError: there is no {_cut(message, 60)}{where}"
        case Raised(kind, message, line):
            where = f" at `{line}`" if line else ""
            return f"{kind or 'an exception'}{message and ': '}{message}{where}"
        case Other(kind):
            return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
        case float():
            return "NaN" if math.isnan(value) else f"{value:.6g}"
        case int() if not isinstance(value, bool) and abs(value) >= 10**20:
            return f"a whole number of about {int(value.bit_length() * math.log10(2)) + 1} digits"
        case str():
            return repr(_cut(value, 80))
        case list() if len(value) > 6:
            return f"a list of {len(value)} items"
        case list():
            return _list_text(value)
        case {}:
            keys = _some([repr(_cut(key, 40)) for key in value], 6)
            return f"a dict with the keys {keys}" if value else "an empty dict"
        case _:
            return repr(value)


SENTENCES = {  # (exception, a part of its message) -> what helps more than the message
    ("SystemExit", ""): "ended the whole program: leave a function with `return`, not with `exit()`",
    ("RecursionError", ""): "calls itself without end",
    ("NotImplementedError", 'missing the required "forward"'): (
        "has no `forward`: define `def forward(self, x):` inside the class, spelled like this and indented like "
        "`__init__`"
    ),
    ("AttributeError", "before Module.__init__() call"): (
        "sets up its layers before PyTorch is ready: `super().__init__()` comes first in `__init__`"
    ),
    ("RuntimeError", "Can't call numpy() on Tensor that requires grad"): (
        "hands NumPy or pandas a tensor that learns, and they know no gradients: stay with torch's own functions, or "
        "`.detach()` it first"
    ),
    ("TypeError", "only integer tensors of a single element can be converted to an index"): (
        "uses a tensor where a list wants one whole number: take the numbers out of it, `.tolist()`, or make a tensor "
        "of the list"
    ),
    ("RuntimeError", "a leaf Variable that requires grad"): (
        "changes a parameter in place while PyTorch keeps track of gradients: put that into `with torch.no_grad():`"
    ),
}


INSIDE = re.compile(r" at position \d+( of item \d+)*$")  # a place that a list within a list has named


def _compare_raised(expected: Any, got: Raised) -> str | None:
    if isinstance(expected, Raised) and expected.type == got.type and "CannotAsk" not in (expected.type, got.type):
        return None
    if got.type == "CannotAsk":
        return None if expected == got else got.message
    if got == Raised("NotImplementedError", "", got.line):
        return (
            f"still holds a `raise NotImplementedError`{f' at `{got.line}`' if got.line else ''}: write that part too"
        )
    for (kind, part), sentence in SENTENCES.items():
        if got.type == kind and part in got.message:
            return f"{sentence} (it stopped at `{got.line}`)" if got.line else sentence
    if got.message.startswith("unsupported operand") and "'Embedding'" in got.message:
        return f"computes with a whole table at `{got.line}`: call it with ids, which looks their rows up, `table(ids)`"
    if ".grad" in got.line and "'NoneType'" in got.message:
        return f"finds no gradients at `{got.line}`: they are None until `loss.backward()` has filled them"
    if not got.line and (sentence := _stopped_in_the_question(got)):
        return sentence
    wanted = f", expected {expected.type}" if isinstance(expected, Raised) else ""
    return f"stopped with {describe(got)}{wanted}"


def _stopped_in_the_question(got: Raised) -> str:
    """What helps where no line of the learner's stopped, but what the question did with their answer; else ""."""
    if called := re.fullmatch(r"'(\w+)' object is not callable", got.message):
        came = "None" if called[1] == "NoneType" else describe(Other(called[1]))
        return f"is {came}, and cannot be called: define it with `def` or `class`, and hand it over without calling it"
    if got.type in ("AttributeError", "TypeError") and "NoneType" in got.message:
        return "gave None: is a `return` missing?"
    if got.type == "TypeError" and re.search("positional argument|unexpected keyword argument", got.message):
        return f"cannot be called as it should be ({got.message}): keep the arguments that stand in the exercise"
    return ""


def _compare_numbers(expected: float, got: float) -> str | None:
    if isinstance(expected, int) and isinstance(got, int):
        is_same = expected == got
    else:
        try:
            is_same = math.isclose(expected, got, rel_tol=RTOL, abs_tol=ATOL)
        except OverflowError:  # a whole number beyond all floats
            is_same = False
    if is_same or (expected != expected and got != got):
        return None
    return f"gave {describe(got)}, expected {describe(expected)}"


def _compare_texts(expected: str, got: str) -> str | None:
    if expected == got:
        return None
    if max(len(expected), len(got)) <= 80:
        return f"gave {describe(got)}, expected {describe(expected)}"
    start = next((i for i, (one, other) in enumerate(zip(expected, got, strict=False)) if one != other), None)
    if start is None:
        return f"gave a text of {len(got)} characters, expected {len(expected)}"
    wanted, came = (repr(text[start : start + 40]) for text in (expected, got))
    return f"gave a text that goes wrong at character {start + 1}: {came}, expected {wanted}"


def _compare_arrays(expected: Array, got: Array) -> str | None:
    if expected.kind != got.kind:
        return f"gave {describe(got)}, expected {describe(expected)}"
    if expected.shape != got.shape:
        return f"gave shape {got.shape}, expected {expected.shape}"
    if not _same_dtype(expected, got):
        return f"gave values of type {_dtype(got.dtype)}, expected {_dtype(expected.dtype)}"
    if expected.values is None or got.values is None:
        return None if expected.values is got.values else "computed on another device than it was asked to"
    return _compare_values(expected.values, got.values)


def _same_dtype(expected: Array, got: Array) -> bool:
    if expected.dtype == got.dtype:
        return True
    if "tensor" in (expected.kind, got.kind) or expected.values is None or got.values is None:
        return False
    # text is an object array here and a string array there: both are recorded as objects
    return expected.values.dtype.kind == got.values.dtype.kind


def _dtype(name: str) -> str:
    return "text" if name[:2] in ("<U", ">U") or name.startswith("StringDType") else name


def _compare_values(expected: np.ndarray, got: np.ndarray, labels: Callable[[tuple], str] | None = None) -> str | None:
    """`labels(position tuple)` names a place; the default speaks of rows and columns."""
    if expected.dtype.kind in "fc":
        if stray := int((np.isnan(got) & ~np.isnan(expected)).sum()):
            return f"gave NaN in {stray} of {expected.size} places where a number belongs"
        if filled := int((np.isnan(expected) & ~np.isnan(got)).sum()):
            return f"gave a number in {filled} of {expected.size} places that should stay empty (NaN)"
    same = ~differing(expected, got)
    if same.all():
        return None
    labels = labels or _place
    wrong = list(zip(*np.nonzero(~same), strict=True)) if expected.ndim else [()]
    examples = "; ".join(
        f"{labels(place)} gave {describe(_item(got, place))}, expected {describe(_item(expected, place))}".strip()
        for place in wrong[:SHOWN]
    )
    if expected.size == 1:
        return f"gave {describe(_item(got, wrong[0]))}, expected {describe(_item(expected, wrong[0]))}"
    return f"differs in {len(wrong)} of {expected.size} places: {examples}{_pattern(expected, got, len(wrong))}"


def _place(place: tuple[int, ...]) -> str:
    match place:
        case ():
            return ""
        case (row,):
            return f"row {row}"
        case (row, column):
            return f"row {row}, column {column}"
        case _:
            return f"position ({', '.join(map(str, place))})"


def _item(values: np.ndarray, place: tuple[int, ...]) -> Any:
    item = values[place]
    return item.item() if isinstance(item, np.generic) else item


def _pattern(expected: np.ndarray, got: np.ndarray, n_wrong: int) -> str:
    """What the wrong places have in common, or how far they are off, where there are more than are shown."""
    if n_wrong <= SHOWN or expected.dtype.kind not in "iuf":
        return ""
    wanted, came = expected.astype(float).ravel(), got.astype(float).ravel()
    with np.errstate(all="ignore"):
        ratios, gaps = (came / wanted)[wanted != 0], came - wanted
        if (
            len(ratios) > SHOWN
            and np.isfinite(ratios[0])
            and np.allclose(ratios, ratios[0], rtol=1e-3)
            and not came[wanted == 0].any()
        ):
            return f"; each is {ratios[0]:.4g} times what is expected" if ratios[0] else "; all are 0"
        if np.isfinite(gaps[0]) and np.allclose(gaps, gaps[0], rtol=1e-3):
            return f"; each is {abs(gaps[0]):.4g} {'more' if gaps[0] > 0 else 'less'} than expected"
        largest = np.abs(gaps).max()
    return f"; the largest difference is {largest:.3g}" if np.isfinite(largest) else ""


def _compare_tables(expected: Table, got: Table) -> str | None:
    if (expected.columns is None) != (got.columns is None):
        return f"gave {describe(got)}, expected {describe(expected)}"
    for axis, wanted, came in (
        ("index", expected.index, got.index),
        ("columns", expected.columns, got.columns),
    ):
        if wanted is not None and (difference := _compare_labels(wanted, came)):
            return f"has other {'columns' if axis == 'columns' else 'labels in its index'} than expected: {difference}"
    if not _same_dtype(expected.values, got.values):
        return f"gave values of type {_dtype(got.values.dtype)}, expected {_dtype(expected.values.dtype)}"
    if expected.values.values is None or got.values.values is None:  # too large to look at
        return None if expected.values.values is got.values.values else "gave a table that is too large"

    def label(place: tuple[int, ...]) -> str:
        row = f"row {describe(expected.index[place[0]])}"
        return row if expected.columns is None else f"{row}, column {describe(expected.columns[place[1]])}"

    return _compare_values(expected.values.values, got.values.values, label)


def _compare_labels(expected: list, got: list) -> str | None:
    if len(expected) != len(got):
        return f"{len(got)} of them, not {len(expected)}"
    for position, (wanted, came) in enumerate(zip(expected, got, strict=True)):
        if _difference(wanted, came):
            if _same_items(expected, got):
                return "the right ones in another order"
            return f"{describe(came)} at position {position}, not {describe(wanted)}"
    return None


def _compare_lists(expected: list, got: list) -> str | None:
    if len(expected) != len(got):
        texts = describe(got), describe(expected)
        if max(map(len, texts)) <= 60 and len(expected) <= 6 >= len(got):
            return f"gave {texts[0]}, expected {texts[1]}"
        return f"gave {_items(len(got))}, expected {len(expected)}"
    for position, (wanted, came) in enumerate(zip(expected, got, strict=True)):
        if difference := _difference(wanted, came):
            if _same_items(expected, got):
                return f"has the right items in another order: {difference} at position {position}"
            return f"{difference} {'of item' if INSIDE.search(difference) else 'at position'} {position}"
    return None


def _same_items(expected: list, got: list) -> bool:
    """Whether two equally long lists of texts and numbers hold the same in another order."""
    if not all(isinstance(item, str | int | float) for item in (*expected, *got)):
        return False
    by_value = [sorted(items, key=lambda item: (isinstance(item, str), item)) for items in (expected, got)]
    return all(_difference(*pair) is None for pair in zip(*by_value, strict=True))


def _compare_dicts(expected: dict, got: dict) -> str | None:
    if missing := [key for key in expected if key not in got or (got[key] is None and expected[key] is not None)]:
        return f"has no {_some(missing)}"
    if extra := [key for key in got if key not in expected]:
        return f"has {_some(extra)}, which should not be there"
    for key, wanted in expected.items():
        if (wanted, got[key]) in (("none", "some"), ("some", "none")):  # of the key's things, however many
            return f"has {'no ' if wanted == 'some' else ''}{key}"
        if difference := _difference(wanted, got[key]):
            return f"{difference} ({key})"
    return None


def _scalar(value: Any) -> Any:
    """A tensor or array of no dimension as the number, truth value or text that it holds."""
    if isinstance(value, Array) and value.shape == () and value.values is not None:
        if value.values.dtype.kind in "biuf":
            return value.values.item()
        if value.values.dtype.kind == "O" and isinstance(value.values.item(), str):
            return value.values.item()
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list_text(values: Any, depth: int = 0) -> str:
    if not isinstance(values, list):
        return describe(values)
    if depth > 2 and values:
        return "[…]"
    return "[" + ", ".join(_list_text(item, depth + 1) for item in values[:6]) + (", …]" if len(values) > 6 else "]")


def _some(texts: list[str], shown: int = SHOWN) -> str:
    """The first few of many, and how many more there are."""
    listed = ", ".join(_cut(text, 60) for text in texts[:shown])
    return f"{listed} and {len(texts) - shown} more" if len(texts) > shown else listed


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
