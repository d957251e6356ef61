"""What stands under a cross in practice: what was asked, what came, what was expected, as values and drawn for a card.

In grading the inputs are secret, so nothing of this is made there: `tests/test_arrows.py` holds who may import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from autograde.asked import Call, calls
from autograde.card import Beside
from autograde.compare import describe, differing, equal
from autograde.exercise import Exercise, Question, Verdict
from autograde.heatmap import BARE, NUMBERED, Grid, as_html
from autograde.heatmap import as_text as heatmap_as_text
from autograde.judge import Seen, asking_seed, silence
from autograde.observe import Array, Raised, Table

__all__ = ["Evidence", "Panel", "beside", "drawn", "evidence", "panels"]

CAME, EXPECTED = "what came", "what was expected"
ROWS = 10  # of a list or dict that are shown
PANELS = 2  # parts of one answer that are drawn
DEAR = 1  # an exercise with more patience than this trains for long: nobody is asked once more


@dataclass(frozen=True, eq=False)
class Panel:
    """One part of an answer: two grids, or rows of (name, what came, what was expected, whether they differ)."""

    title: str
    grids: tuple[Grid, Grid] | None = None
    rows: tuple[tuple[str, str, str, bool], ...] = ()
    note: str = ""  # what is not shown


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one failed check saw. asked: lines, the question's call; panels: what came beside what was expected."""

    asked: tuple[str, ...]
    panels: tuple[Panel, ...]

    @property
    def is_picture(self) -> bool:
        return any(panel.grids for panel in self.panels)


def beside(exercise: Exercise, verdict: Verdict, seen: Sequence[Seen], seed: int) -> tuple[Beside | None, ...]:
    """For each line of the verdict what is drawn under it, None where there is nothing to show.

    Of the lines that one sentence explains, the first with a picture is open, or the first of all.
    """
    if len(seen) != len(verdict.lines):
        return ()
    found = [
        None if line.passed else evidence(exercise, each, seed) for line, each in zip(verdict.lines, seen, strict=True)
    ]
    first: dict[str, int] = {}
    for number, (line, shown) in enumerate(zip(verdict.lines, found, strict=True)):
        known = found[first[line.feedback]] if line.feedback in first else None
        if shown and (not known or (shown.is_picture and not known.is_picture)):
            first[line.feedback] = number
    return tuple(shown and drawn(shown, number in first.values()) for number, shown in enumerate(found))


def evidence(exercise: Exercise, seen: Seen, seed: int) -> Evidence | None:
    """What a check saw, None where the difference needs no more than its sentence.

    That is so for a concept question, and for an answer that could not be asked: what is wrong with it has been said.
    """
    if isinstance(exercise, Question) or equal(seen.expected, seen.came):
        return None
    if isinstance(seen.came, Raised) and seen.came.type in ("CannotAsk", "NotImplementedError"):
        return None
    return Evidence(tuple(_asked(exercise, seen, seed)), tuple(panels(seen.expected, seen.came)))


def _asked(exercise: Exercise, seen: Seen, seed: int) -> list[str]:
    if exercise.patience > DEAR:
        return []
    with silence():
        made = calls(exercise, seen.check, exercise.draw(np.random.default_rng(seed)), asking_seed(seed))
    return _telling(made, isinstance(exercise.reference, type), seen)


def _telling(made: list[Call], is_class: bool, seen: Seen) -> list[str]:
    """Of the calls that a question makes, those that lead to the difference."""
    if not made:
        return []
    if is_class:  # made, and then called: with the batch last
        built = [call for call in made if " = " in call.text][-1:]
        used = [call for call in made if " = " not in call.text][-1:]
        return [line for call in built + used for line in call.in_brief()]
    number = 0
    if (
        isinstance(seen.expected, dict | list)
        and len(made) == len(seen.expected)
        and type(seen.came) is type(seen.expected)
    ):
        pairs = _paired(seen.expected, seen.came)
        number = next((i for i, (_, wanted, came) in enumerate(pairs) if not equal(wanted, came)), 0)
    more = len(made) - 1
    rest = [f"and {more} call{'s' if more > 1 else ''} more"] if more else []
    return [*made[min(number, more)].in_brief(), *rest]


# ---- what came beside what was expected


def panels(expected: Any, came: Any, title: str = "") -> list[Panel]:
    """Two observations, part by part, as far as they differ."""
    wanted_grid, came_grid = _values(expected), _values(came)
    if wanted_grid and came_grid and (wanted_grid.values.size > 1 or came_grid.values.size > 1):
        return [_grids(title, wanted_grid, came_grid)]
    if isinstance(expected, dict) and isinstance(came, dict):
        return _of_parts(title, _paired(expected, came), True)
    if isinstance(expected, list) and isinstance(came, list):
        return _of_parts(title, _paired(expected, came), False)
    return [Panel(title, rows=(("", _told(came), _told(expected), True),))]


MISSING = object()


def _paired(expected: dict | list, came: dict | list) -> list[tuple[str, Any, Any]]:
    """(name, expected, came) for each part, MISSING where one of them has no such part."""
    if isinstance(expected, dict):
        names = [*expected, *(key for key in came if key not in expected)]
        return [(name, expected.get(name, MISSING), came.get(name, MISSING)) for name in names]
    length = max(len(expected), len(came))
    at = [[*part, *[MISSING] * (length - len(part))] for part in (expected, came)]
    return [(f"position {i}", wanted, got) for i, (wanted, got) in enumerate(zip(*at, strict=True))]


def _of_parts(title: str, pairs: list[tuple[str, Any, Any]], is_named: bool) -> list[Panel]:
    wrong = [i for i, (_, wanted, came) in enumerate(pairs) if not _equal(wanted, came)]
    if not all(_is_plain(part) for i in wrong for part in pairs[i][1:]):
        found = [panel for i in wrong[:PANELS] for panel in panels(pairs[i][1], pairs[i][2], pairs[i][0])]
        rest = len(wrong) - PANELS
        if rest > 0:
            found[-1] = dataclasses.replace(found[-1], note=f"{rest} more of the {len(pairs)} parts differ.")
        return found
    start = 0 if len(pairs) <= ROWS or not wrong else max(0, min(wrong[0] - 1, len(pairs) - ROWS))
    shown = range(start, min(len(pairs), start + ROWS))
    rows = tuple((pairs[i][0], _told(pairs[i][2]), _told(pairs[i][1]), i in wrong) for i in shown)
    note = (
        f"{len(rows)} of {len(pairs)} {'parts' if is_named else 'items'} are shown." if len(rows) < len(pairs) else ""
    )
    return [Panel(title, rows=rows, note=note)]


def _equal(expected: Any, came: Any) -> bool:
    return expected is not MISSING and came is not MISSING and equal(expected, came)


def _is_plain(value: Any) -> bool:
    """Whether a line of text shows it all."""
    return value is MISSING or not isinstance(value, Array | Table | list | dict) or len(describe(value)) <= 40


def _told(value: Any) -> str:
    return "nothing" if value is MISSING else describe(value)


@dataclass(frozen=True, eq=False)
class _Values:
    """Values that can be drawn. axes: labels for each dimension, None where they are mere positions."""

    values: np.ndarray
    about: str
    axes: tuple[list[str] | None, ...]


def _values(observed: Any) -> _Values | None:
    match observed:
        case Array(kind, dtype, shape, np.ndarray() as values) if shape and values.size:
            return _Values(values, f"{kind} of shape {shape}, {dtype}", (None,) * len(shape))
        case Table(index, columns, Array(_, dtype, shape, np.ndarray() as values)) if values.size:
            kind = "Series" if columns is None else "DataFrame"
            labels = tuple([str(label) for label in axis] for axis in (index, columns) if axis is not None)
            return _Values(values, f"{kind} of shape {shape}, {dtype}", labels)
        case list() if observed:
            return _listed_values(observed)
    return None


def _listed_values(items: list) -> _Values | None:
    """A list of numbers, or of equally long lists of numbers, as an array."""
    rows = items if all(isinstance(item, list) for item in items) else [items]
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        return None
    if not all(_is_number(item) for row in rows for item in row):
        return None
    values = np.array(items, dtype=float if any(isinstance(item, float) for row in rows for item in row) else None)
    if values.dtype.kind not in "if":  # whole numbers beyond 64 bits
        return None
    inner = f" lists of {len(rows[0])}" if rows is items else " numbers"
    return _Values(values, f"list of {len(items)}{inner}", (None,) * values.ndim)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def _grids(title: str, expected: _Values, came: _Values) -> Panel:
    wrong = None
    if expected.values.shape == came.values.shape and expected.values.dtype.kind == came.values.dtype.kind:
        wrong = differing(expected.values, came.values)
    return Panel(title, grids=(_grid(came, wrong), _grid(expected, wrong)))


def _grid(found: _Values, wrong: np.ndarray | None) -> Grid:
    """The part of the values that is drawn: around the first place that differs."""
    values, axes, part = found.values, list(found.axes), []
    wrong = np.zeros(values.shape, dtype=bool) if wrong is None else wrong
    first = tuple(np.argwhere(wrong)[0]) if wrong.any() else (0,) * values.ndim
    if values.ndim > 2:
        front = first[: values.ndim - 2]
        part.append(f"drawn is [{', '.join(map(str, front))}]")
        values, wrong, first, axes = values[front], wrong[front], first[-2:], axes[-2:]
    is_row = values.ndim == 1
    if is_row:
        values, wrong, first, axes = values[None], wrong[None], (0, *first), [[""], *axes]
    most = NUMBERED if is_row or values.dtype.kind not in "biuf" or max(values.shape) > BARE else (BARE, BARE)
    windows = []
    for axis, name in enumerate(("rows", "places" if is_row else "columns")):
        size, room = values.shape[axis], most[axis]
        start = 0 if size <= room else max(0, min(int(first[axis]) - 1, size - room))
        windows.append(slice(start, min(size, start + room)))
        if size > room:
            part.append(f"{name} {start} to {start + room - 1} of {size}")
    labels = [
        tuple(map(str, range(window.start, window.stop))) if axis is None else tuple(axis[window])
        for axis, window in zip(axes, windows, strict=True)
    ]
    cells, marks = values[tuple(windows)], wrong[tuple(windows)]
    if cells.dtype.kind not in "biuf":
        cells = np.array([[_shortened(item) for item in row] for row in cells.tolist()], dtype=object).reshape(
            cells.shape
        )
    return Grid(cells, marks, *labels, found.about, ", ".join(part), is_row)


def _shortened(item: Any) -> str:
    text = item if isinstance(item, str) else describe(item)
    return text if len(text) <= 24 else text[:23] + "…"


# ---- on the card


def drawn(shown: Evidence, is_open: bool = True) -> Beside:
    """The evidence in each form that a card may take."""
    blocks = [(panel, Markup(as_html(_named(panel.grids))) if panel.grids else "") for panel in shown.panels]
    return Beside(
        _HTML.render(asked=shown.asked, blocks=blocks, came=CAME, expected=EXPECTED), _as_text(shown), is_open
    )


_environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_environment.globals["cell"] = "padding:.15em .7em .15em 0;border:none;text-align:left;vertical-align:top"
_HTML = _environment.from_string("""\
{% if asked %}
<div style="margin-top:.3em">what was asked</div>
<pre style="white-space:pre-wrap;margin:.1em 0 .5em;padding:.3em .6em;font-size:12px;color:inherit;
 background:var(--jp-layout-color2,#f3f3f3)">{{ asked | join("\\n") }}</pre>
{% endif %}
{% for panel, picture in blocks %}
<div style="margin-top:.4em">
{% if panel.title %}
<div>{{ panel.title }}</div>
{% endif %}
{% if panel.grids %}
{{ picture }}
{% else %}
<table style="border-collapse:collapse;border:none;margin:0;font-size:13px;width:auto">
<tr style="background:none">
{% if panel.rows[0][0] %}
<td style="{{ cell }}"></td>
{% endif %}
<th scope="col" style="{{ cell }}">{{ came }}</th><th scope="col" style="{{ cell }}">{{ expected }}</th></tr>
{% for name, gave, wanted, differs in panel.rows %}
<tr style="background:none">
{% if panel.rows[0][0] %}
<th scope="row" style="{{ cell }};font-weight:normal">{{ "≠" if differs else "=" }} {{ name }}</th>
{% endif %}
<td style="{{ cell }};font-family:var(--jp-code-font-family,monospace)
{{- ";font-weight:bold" if differs }}">{{ gave }}</td>
<td style="{{ cell }};font-family:var(--jp-code-font-family,monospace)">{{ wanted }}</td></tr>
{% endfor %}
</table>
{% endif %}
{% if panel.note %}
<div style="font-size:12px">{{ panel.note }}</div>
{% endif %}
</div>
{% endfor %}
""")


def _as_text(shown: Evidence) -> str:
    lines = ["what was asked:", *("  " + line for line in shown.asked)] if shown.asked else []
    for panel in shown.panels:
        lines += [f"{panel.title}:"] if panel.title else []
        lines += heatmap_as_text(_named(panel.grids)) if panel.grids else []
        for name, came, expected, differs in panel.rows:
            mark = f"{'≠' if differs else '='} {name}: " if name else ""
            lines.append(f"{mark}{CAME}: {came}; {EXPECTED}: {expected}")
        lines += [panel.note] if panel.note else []
    return "\n".join(lines)


def _named(grids: tuple[Grid, Grid]) -> list[tuple[str, Grid]]:
    return list(zip((CAME, EXPECTED), grids, strict=True))
