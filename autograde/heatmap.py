"""Small heat maps of numbers side by side, as HTML, and as text for where there is none. Drawing only.

No script, no style sheet and no picture file: a notebook's HTML loses them in nbviewer, GitHub and nbgrader's feedback.
Nothing is told by colour alone: numbers stand in the cells, cells that differ have a frame, gaps are hatched.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Grid", "as_html", "as_text", "colours", "ink_on"]

NUMBERED = (16, 13)  # rows and columns that have room for numbers
BARE = 32  # rows and columns that are drawn without numbers; of more a part is shown
CELL = 12  # pixels, of a cell without a number, the last of them free

# Dark to light, and blue over white to orange: the colour-blind see each as a scale.
FROM_LOW_TO_HIGH = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")  # cividis
AROUND_ZERO = ("#08519c", "#4292c6", "#b5d4e9", "#f7f7f7", "#fdc58f", "#e6780f", "#a63603")
GAP = "repeating-linear-gradient(45deg,#fff 0 3px,#ddd 3px 6px)"
DARK, LIGHT = "#000000", "#ffffff"


@dataclass(frozen=True, eq=False)
class Grid:
    """What is drawn of an array or a table: at most two dimensions, and of a large one a part.

    cells: (rows, columns), of numbers, truth values or texts; differs: the same shape, where it is not what is expected
    rows, columns: labels, empty texts where there are none; is_row: a vector, drawn lying
    about: what it is, "tensor of shape (13,), float32"; part: what of it is shown, "" for all
    """

    cells: np.ndarray
    differs: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    about: str
    part: str = ""
    is_row: bool = False

    @property
    def framed(self) -> np.ndarray:
        """Which cells are marked as different: none where all are, for then a frame tells nothing."""
        return self.differs & (not self.differs.all() or self.differs.size == 1)

    @property
    def is_numbered(self) -> bool:
        return all(size <= most for size, most in zip(self.cells.shape, NUMBERED, strict=True))

    @property
    def is_coloured(self) -> bool:
        return self.cells.dtype.kind in "biuf"


class Scale:
    """One colour scale for all the grids of a picture."""

    def __init__(self, grids: Sequence[Grid]):
        parts = [grid.cells.astype(float).ravel() for grid in grids if grid.is_coloured]
        values = np.concatenate([np.empty(0), *parts])
        values = values[np.isfinite(values)]
        self.low, self.high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        self.stops = FROM_LOW_TO_HIGH
        if self.low < 0 < self.high:
            self.stops = AROUND_ZERO
            self.high = max(-self.low, self.high)
            self.low = -self.high

    def colour(self, value: float) -> str:
        """The colour of a number, as #rrggbb; "" where there is none to colour."""
        if math.isnan(value):
            return ""
        width = self.high - self.low
        # an endless number lies at an end; where all numbers are one, it lies in the middle
        place = 0.5 if not width else min(max((value - self.low) / width, 0.0), 1.0)
        return colours(self.stops, place)


def colours(stops: Sequence[str], place: float) -> str:
    """The colour at a place from 0 to 1 between the stops, as #rrggbb."""
    exact = place * (len(stops) - 1)
    below = min(int(exact), len(stops) - 2)
    pair = zip(_parts(stops[below]), _parts(stops[below + 1]), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * (exact - below)):02x}" for one, other in pair)


def ink_on(colour: str) -> str:
    """Black or white, whichever can be read on the colour: the better of the two has a contrast above 4.5 on any."""
    linear = (part / 255 for part in _parts(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in linear)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else LIGHT


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


# ---- HTML

_PLAIN = "color:var(--jp-ui-font-color1,#1f1f1f);font-size:12px;font-weight:normal"
_CAPTION = f"{_PLAIN};text-align:left;padding:0 0 .2em;caption-side:top;white-space:normal;max-width:32em"
_LABEL = "font-weight:normal;padding:1px 4px;background:none;white-space:nowrap"
_ROW = "background:none"
_TABLE = (
    "border-collapse:separate;border-spacing:1px;margin:0;border:none;width:auto;table-layout:auto;font-size:11px;"
    "font-variant-numeric:tabular-nums;text-align:right;white-space:nowrap"
)


def as_html(pairs: Sequence[tuple[str, Grid]]) -> str:
    """Grids with their names, "what came" for one, side by side in one piece of HTML with one scale of colours.

    Two vectors of one length lie below each other in one table, so that their columns meet.
    """
    scale = Scale([grid for _, grid in pairs])
    texts = _texts([grid for _, grid in pairs])
    if all(grid.is_row and grid.is_numbered for _, grid in pairs) and len({grid.columns for _, grid in pairs}) == 1:
        figures = [_table_of_rows(pairs, texts, scale)]
    else:
        figures = [
            _table(name, grid, text, scale) if grid.is_numbered else _svg(name, grid, scale)
            for (name, grid), text in zip(pairs, texts, strict=True)
        ]
    is_wide = any(grid.is_numbered and len(grid.columns) > 6 for _, grid in pairs)
    # what may have to be scrolled can be reached by the keyboard
    scrolls = f' tabindex="0" role="group" aria-label="{_safe(" and ".join(name for name, _ in pairs))}"'
    return (
        f'<div{scrolls if is_wide else ""} style="display:flex;flex-wrap:wrap;gap:.6em 1.2em;overflow-x:auto;'
        f'padding:2px">{"".join(figures)}</div>{_legend(scale, [grid for _, grid in pairs])}'
    )


def _table_of_rows(pairs: Sequence[tuple[str, Grid]], texts: list[list[list[str]]], scale: Scale) -> str:
    first = pairs[0][1]
    same = len({_about(grid) for _, grid in pairs}) == 1
    about = _about(first) if same else "; ".join(f"{name}: {_about(grid)}" for name, grid in pairs)
    body = "".join(
        f'<tr style="{_ROW}"><th scope="row" style="{_LABEL};text-align:left">{_safe(name)}</th>'
        f"{''.join(_cells(grid, 0, text[0], scale))}</tr>"
        for (name, grid), text in zip(pairs, texts, strict=True)
    )
    return f'<table style="{_TABLE}"><caption style="{_CAPTION}">{_safe(about)}</caption>{_head(first)}{body}</table>'


def _table(name: str, grid: Grid, texts: list[list[str]], scale: Scale) -> str:
    body = "".join(
        f'<tr style="{_ROW}"><th scope="row" style="{_LABEL}">{_safe(grid.rows[row]) or "&#8203;"}</th>'
        f"{''.join(_cells(grid, row, texts[row], scale))}</tr>"
        for row in range(len(grid.rows))
    )
    caption = f"<strong>{_safe(name)}</strong>: {_safe(_about(grid))}"
    return f'<table style="{_TABLE}"><caption style="{_CAPTION}">{caption}</caption>{_head(grid)}{body}</table>'


def _head(grid: Grid) -> str:
    cells = "".join(f'<th scope="col" style="{_LABEL};text-align:center">{_safe(label)}</th>' for label in grid.columns)
    return f'<tr style="{_ROW}"><td style="{_LABEL}"></td>{cells}</tr>'


def _cells(grid: Grid, row: int, texts: list[str], scale: Scale) -> list[str]:
    cells = []
    for column, text in enumerate(texts):
        differs = bool(grid.framed[row, column])
        colour = scale.colour(float(grid.cells[row, column])) if grid.is_coloured else ""
        is_gap = text == "NaN"
        ink = ink_on(colour) if colour else DARK if is_gap else "var(--jp-ui-font-color1,#1f1f1f)"
        ground = GAP if is_gap else colour or "var(--jp-layout-color2,#f3f3f3)"
        frame = f"box-shadow:inset 0 0 0 2px {ink};font-weight:bold;" if differs else ""
        label = f' aria-label="{_safe(text)} differs"' if differs else ""
        align = "" if grid.is_coloured else ";text-align:left"
        cells.append(
            f'<td{label} style="{frame}background:{ground};color:{ink};padding:2px 4px;white-space:nowrap{align}">'
            f"{_safe(text)}</td>"
        )
    return cells


def _svg(name: str, grid: Grid, scale: Scale) -> str:
    rows, columns = grid.cells.shape
    about = f"{name}: {_about(grid)}"
    squares, gaps, frames = [], [], {DARK: [], LIGHT: []}
    for row in range(rows):
        for column in range(columns):
            x, y = column * CELL, row * CELL
            colour = scale.colour(float(grid.cells[row, column])) or "#ffffff"
            squares.append(f'<path fill="{colour}" d="M{x} {y}h11v11h-11z"/>')
            if np.isnan(float(grid.cells[row, column])):
                gaps.append(f"M{x} {y + 11}l11-11")
            if grid.framed[row, column]:
                frames[ink_on(colour)].append(f"M{x + 1} {y + 1}h9v9h-9z")
    lines = {"#555": gaps, **frames}
    strokes = [f'<path fill="none" stroke="{ink}" d="{"".join(paths)}"/>' for ink, paths in lines.items() if paths]
    width, height = columns * CELL, rows * CELL
    told = f"{about}. {_in_words(grid)}"
    return (
        f'<div style="margin:0"><div style="{_CAPTION}"><strong>{_safe(name)}</strong>: {_safe(_about(grid))}</div>'
        f'<svg role="img" aria-label="{_safe(told)}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'style="max-width:none"><title>{_safe(told)}</title>{"".join(squares + strokes)}</svg></div>'
    )


def _legend(scale: Scale, grids: Sequence[Grid]) -> str:
    parts = [f"{_marked(grids, 'Framed cells')}." if any(grid.differs.any() for grid in grids) else ""]
    if any(grid.is_coloured and np.isnan(grid.cells.astype(float)).any() for grid in grids):
        parts.append("Hatched cells are gaps (NaN).")
    bar = ""
    if any(grid.is_coloured for grid in grids) and scale.low < scale.high:
        ramp = ",".join(scale.stops)
        bar = (
            f"Colours from {_signed(scale.low)} "
            f'<span aria-hidden="true" style="display:inline-block;width:6em;height:.8em;vertical-align:middle;'
            f'background:linear-gradient(to right,{ramp})"></span> to {_signed(scale.high)}, in all alike. '
        )
    text = bar + " ".join(filter(None, parts))
    return f'<div style="{_PLAIN};margin-top:.2em">{text}</div>' if text.strip() else ""


def _signed(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def _marked(grids: Sequence[Grid], cells: str) -> str:
    return f"{cells} differ" if any(grid.framed.any() for grid in grids) else "Every cell differs"


def _in_words(grid: Grid) -> str:
    """What a picture shows, for whoever does not see it."""
    if not grid.is_coloured:
        return ""
    values = grid.cells.astype(float)
    finite = values[np.isfinite(values)]
    parts = [f"from {finite.min():.3g} to {finite.max():.3g}"] if finite.size else []
    if gaps := int(np.isnan(values).sum()):
        parts.append(f"{gaps} gaps (NaN)")
    if wrong := int(grid.differs.sum()):
        parts.append(f"{wrong} of the {grid.cells.size} shown differ")
    return ", ".join(parts)


def _about(grid: Grid) -> str:
    return f"{grid.about}, {grid.part}" if grid.part else grid.about


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


# ---- text


def as_text(pairs: Sequence[tuple[str, Grid]]) -> list[str]:
    """The same as lines of plain text: cells that differ stand between asterisks."""
    texts = _texts([grid for _, grid in pairs])
    blocks = []
    for (name, grid), text in zip(pairs, texts, strict=True):
        if not grid.is_numbered:
            blocks.append([f"{name}: {_about(grid)}", f"  {_in_words(grid)}"])
            continue
        shown = [
            [f"*{item}*" if wrong else item for item, wrong in zip(row, wrongs, strict=True)]
            for row, wrongs in zip(text, grid.framed, strict=True)
        ]
        lines = [["", *grid.columns], *([label, *row] for label, row in zip(grid.rows, shown, strict=True))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  " + " ".join(map(str.rjust, line, widths)).rstrip() for line in lines]
        blocks.append([f"{name}: {_about(grid)}", *table])
    lines = [line for block in blocks for line in block]
    numbered = [grid for _, grid in pairs if grid.is_numbered and grid.differs.any()]
    return [*lines, f"{_marked(numbered, 'Cells in *asterisks*')}."] if numbered else lines


# ---- numbers


def _texts(grids: Sequence[Grid]) -> list[list[list[str]]]:
    """Each cell as text: the largest with three digits, or as many more as it takes to see what differs."""
    values = np.concatenate([np.empty(0), *(grid.cells.astype(float).ravel() for grid in grids if grid.is_coloured)])
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest else 2
    if len(grids) == 2 and grids[0].cells.shape == grids[1].cells.shape:
        one, other = grids
        places = [tuple(place) for place in np.argwhere(one.differs)]
        most = decimals + 4
        while decimals < most and any(
            _text(one.cells[place], decimals) == _text(other.cells[place], decimals) for place in places
        ):
            decimals += 1
    return [[[_text(item, decimals) for item in row] for row in grid.cells] for grid in grids]


def _text(item: Any, decimals: int) -> str:
    if isinstance(item, np.generic):
        item = item.item()
    if not isinstance(item, float):
        return str(item)
    if not math.isfinite(item):
        return "NaN" if math.isnan(item) else "∞" if item > 0 else "−∞"
    if abs(item) < 1e6 and item == round(item):
        text = str(round(item))
    else:
        text = f"{item:.{decimals}f}" if 1e-4 <= abs(item) < 1e6 else f"{item:.2e}"
    return (text if float(text) else text.lstrip("-")).replace("-", "−")
