"""A picture with its alternative text, and the one style of all pictures; what they show is plots' business."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PALE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "WIDTH",
    "Picture",
    "blank",
    "finished",
    "label_points",
    "style",
]

WIDTH, DPI = 7.0, 110  # inches and dots per inch: 770 pixels, the width of a notebook's text
# Okabe & Ito 2008: colours that the colour-blind tell apart. Yellow is left out, it fades on white.
BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
INK, GREY, PALE = "#222222", "#6b6b6b", "#e4e4e4"
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so pictures look the same everywhere
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "legend.frameon": False,
    "hatch.color": "#b5b5b5",
    "figure.facecolor": "white",  # opaque, so that it can be read in JupyterLab's dark theme
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """A figure and the text for whoever cannot see it. Notebooks show it as an HTML figure with that text."""

    figure: Figure
    alt: str

    def png(self) -> bytes:
        """The figure as PNG."""
        buffer = io.BytesIO()
        self._write(buffer, "png")
        return buffer.getvalue()

    def save(self, path) -> None:
        """Write the figure to a file whose suffix names the format (.png, .svg, .pdf)."""
        self._write(path, None)

    def _write(self, target, kind: str | None) -> None:
        with style():
            self.figure.savefig(target, format=kind, dpi=DPI)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """What Jupyter asks for."""
        data, alt = base64.b64encode(self.png()).decode(), html.escape(self.alt)
        image = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        return {"text/html": f"<figure>{image}</figure>", "text/plain": self.alt}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults with the course's style on top, whatever the caller has set; theirs comes back after."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def blank(height: float) -> tuple[Figure, Axes]:
    """A figure of the common width and this height in inches, with one axes; pyplot does not know of it."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def finished(figure: Figure, alt: str) -> Picture:
    """The figure as a Picture, its layout settled: else a second drawing would differ, and each take twice as long."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return Picture(figure, alt)


def label_points(
    axes: Axes,
    points: list[tuple[float, float]],
    texts: list[str],
    avoid=(),
    fontsize: float = 9,
    skip: bool = False,
) -> None:
    """Write a text beside each point (data coordinates) where it covers no other text, no point, no box in `avoid`.

    Tries eight sides, near ones first, and takes the least covered place; a thin line leads from text to point. With
    `skip` a text is left out that would cover another one wherever it stood. Call it when the limits are set.
    """
    axes.figure.draw_without_rendering()  # settles the layout: from here on pixels are known
    renderer = axes.figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    taken = [*avoid, *(_around(axes.transData.transform(point), 6) for point in points)]
    written: list[Bbox] = []
    for point, text in zip(points, texts, strict=True):
        leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 5}
        label = axes.annotate(
            text, point, xytext=(0, 0), textcoords="offset points", fontsize=fontsize, arrowprops=leader
        )
        size = Text.get_window_extent(label, renderer)  # of the text alone, without its leader
        places = [(side, _beside(axes.transData.transform(point), side, size)) for side in _SIDES]
        (dx, dy), box = min(places, key=lambda place: _covered(place[1], taken, frame))
        if skip and (any(_shared(box, other) for other in written) or not _shared(box, frame) > 0.99 * _area(box)):
            label.remove()
            continue
        label.set_position((dx, dy))
        label.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
        label.set_verticalalignment("bottom" if dy > 0 else "top" if dy < 0 else "center")
        taken.append(box)
        written.append(box)


# Offsets of a label from its point, in points of 1/72 inch, the nearest first.
_SIDES = [
    (dx * far, dy * far)
    for far in (8, 14, 20, 30, 40, 55)
    for dx, dy in [(1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)]
]


def _beside(point, side: tuple[float, float], size: Bbox) -> Bbox:
    """The box in pixels of a label of this size on this side of a point in pixels."""
    x, y = (place + step * DPI / 72 for place, step in zip(point, side, strict=True))
    left = x - size.width * (side[0] < 0 or 0.5 * (side[0] == 0))
    low = y - size.height * (side[1] < 0 or 0.5 * (side[1] == 0))
    return Bbox.from_bounds(left, low, size.width, size.height)


def _covered(box: Bbox, taken: list[Bbox], frame: Bbox) -> float:
    """Area in pixels that a label would share with others; what leaves the frame counts five times."""
    outside = _area(box) - _shared(box, frame)
    return 5 * outside + sum(_shared(box, other) for other in taken)


def _around(centre, radius: float) -> Bbox:
    return Bbox.from_extents(*(centre - radius), *(centre + radius))


def _area(box: Bbox) -> float:
    return box.width * box.height


def _shared(a: Bbox, b: Bbox) -> float:
    """Area in pixels that two boxes have in common."""
    common = Bbox.intersection(a, b)
    return common.width * common.height if common is not None else 0.0
