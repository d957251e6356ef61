"""Every picture that a lesson or report draws, each with alternative text made of the numbers that it shows."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.transforms import Bbox

from collabkit.matrix import density, predict_rating
from collabkit.picture import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    INK,
    PALE,
    SKY,
    VERMILLION,
    WIDTH,
    Picture,
    blank,
    finished,
    label_points,
    style,
)

__all__ = [
    "Picture",
    "agreement",
    "by_count",
    "decay",
    "factor_space",
    "functions",
    "ladder",
    "learning_curves",
    "matrix",
    "never_shown",
    "panels",
    "parts",
    "range_curves",
    "step_losses",
    "sweep",
    "times_seen",
    "yes_no",
]

LARGEST_WITH_VALUES = 20  # columns; in more, a number no longer fits into its cell


def matrix(matrix: pd.DataFrame, title: str | None = None) -> Picture:
    """A ratings matrix (users x movies) as a heat map, the rating in each cell, gaps hatched in grey."""
    if matrix.size == 0:
        raise ValueError("There is no cell to draw: give a matrix with at least one user and one movie.")
    stars = matrix.to_numpy(dtype=float)
    n_users, n_movies = stars.shape
    small = max(n_users, n_movies) <= LARGEST_WITH_VALUES
    known = stars[~np.isnan(stars)]
    with style():
        long_names = small and max(len(str(name)) for name in matrix.columns) > 4
        cell = (WIDTH - 1.6) / n_movies
        figure, axes = blank(min(max(1.1 + n_users * cell * 0.72 + 1.4 * long_names, 2.4), 10.0))
        colours = mpl.colormaps["cividis"].with_extremes(bad=_GAP["facecolor"])
        low, high = min([1.0, *known]), max([5.0, *known])  # one scale for all matrices of stars
        image = axes.imshow(stars, cmap=colours, vmin=low, vmax=high, aspect="auto")
        axes.set(xlabel=matrix.columns.name or "movie", ylabel=matrix.index.name or "user")
        axes.spines[:].set_visible(False)
        axes.tick_params(which="both", length=0, labelsize=9)
        if small:
            _write_values(axes, stars, image)
            names = [textwrap.shorten(str(name), 28, placeholder="…") for name in matrix.columns]
            axes.set_xticks(range(n_movies), names)
            axes.set_yticks(range(n_users), [str(name) for name in matrix.index])
            for label in axes.get_xticklabels() if long_names else ():
                label.set(rotation=45, ha="right", rotation_mode="anchor")
            axes.set_xticks(np.arange(n_movies + 1) - 0.5, minor=True)
            axes.set_yticks(np.arange(n_users + 1) - 0.5, minor=True)
            axes.grid(which="minor", color="white", linewidth=1.5)
        else:
            axes.set(xlabel=f"{n_movies} movies", ylabel=f"{n_users} users", xticks=[], yticks=[])
        gap = "" if known.size == stars.size else " (hatched: no rating)" if small else " (grey: no rating)"
        bar = figure.colorbar(image, ax=axes, label=f"stars{gap}", pad=0.02, aspect=30)
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(integer=True)
        if title:
            axes.set_title(title)
        gaps = stars.size - known.size
        alt = f"{title or 'Ratings matrix'}: heat map of {n_users} users by {n_movies} movies. "
        alt += f"{known.size} of {stars.size} cells hold a rating ({density(matrix):.0%})"
        if known.size:
            alt += f", from {known.min():.3g} to {known.max():.3g} stars with a mean of {known.mean():.2f}"
        return finished(figure, alt + f"; {_count(gaps, 'cell is a gap', 'cells are gaps')}.")


_GAP = {"facecolor": "#f2f2f2", "edgecolor": "#b5b5b5", "hatch": "////", "linewidth": 0}


def _write_values(axes: Axes, stars: np.ndarray, image) -> None:
    """A rating in each cell, light on dark colours and dark on light ones, and hatches in the gaps."""
    size = 9 if stars.shape[1] <= 15 else 7.5
    for (row, column), value in np.ndenumerate(stars):
        if np.isnan(value):
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, zorder=0.2, **_GAP))
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        ink = "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
        axes.text(column, row, f"{round(value, 1) + 0.0:g}", ha="center", va="center", fontsize=size, color=ink)


def factor_space(
    movies: Mapping[str, tuple[float, float]],
    user: tuple[float, float],
    axes: tuple[str, str] = ("first factor", "second factor"),
) -> Picture:
    """Films as points and a user as an arrow in the plane of two factors; at each film its dot product with the user.

    Circles are films whose dot product is positive, triangles those where it is not. The dotted line through the
    origin is square to the user: films on it score 0.
    """
    if not movies:
        raise ValueError("There is no film to draw: give at least one.")
    scores = {name: predict_rating(user, place) for name, place in movies.items()}
    points = np.array([*movies.values(), user], dtype=float)
    reach = 1.25 * (np.abs(points).max() or 1.0)
    with style():
        figure, plane = blank(5.6)
        plane.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=axes[0], ylabel=axes[1])
        plane.axhline(0, color=PALE, zorder=0)
        plane.axvline(0, color=PALE, zorder=0)
        if any(user):
            plane.axline((0, 0), (-user[1], user[0]), color=GREY, linestyle=":", linewidth=1, zorder=0)
        for liked, marker, colour in ((True, "o", BLUE), (False, "v", VERMILLION)):
            chosen = [movies[name] for name, score in scores.items() if (score > 0) == liked]
            if chosen:
                plane.plot(*zip(*chosen, strict=True), marker, color=colour, markersize=8, linestyle="")
        plane.annotate(
            "",
            xy=user,
            xytext=(0, 0),
            arrowprops={
                "arrowstyle": "-|>,head_width=.35,head_length=.7",
                "color": INK,
                "lw": 2.2,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        figure.legend(
            handles=[
                Line2D([], [], color=INK, linewidth=2.2, label="user"),
                Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=8, label="film, dot product above 0"),
                Line2D([], [], color=VERMILLION, marker="v", linestyle="", markersize=8, label="film, 0 or below"),
            ],
            loc="outside upper left",
            ncols=3,
        )
        figure.draw_without_rendering()
        start, end = plane.transData.transform([(0, 0), user])
        arrow = [Bbox.from_bounds(*(start + share * (end - start) - 4), 8, 8) for share in np.linspace(0, 1, 25)]
        texts = [f"{textwrap.fill(name, 24)}\n{_number(score)}" for name, score in scores.items()]
        label_points(plane, list(movies.values()), texts, avoid=arrow)
        listed = "; ".join(f"{name} at ({x:g}, {y:g}): {_number(scores[name])}" for name, (x, y) in movies.items())
        best = max(scores, key=scores.__getitem__)
        return finished(
            figure,
            f"Films in the plane of {axes[0]} and {axes[1]}, with a user as an arrow to ({user[0]:g}, {user[1]:g}). "
            f"Dot product with the user: {listed}. The highest is that of {best}.",
        )


def times_seen(counts: Mapping[str, Sequence[int]]) -> Picture:
    """How often an epoch showed each rating: for each loader the share of ratings seen 0, 1, 2, 3, and 4 or more times.

    `counts` gives for each loader's name an array (n_ratings,) of how often each rating came.
    """
    if not counts or any(len(times) == 0 for times in counts.values()):
        raise ValueError("There is nothing to count: give each loader's count for every rating.")
    shares = {
        name: np.bincount(np.minimum(np.asarray(times, dtype=int), 4), minlength=5) / len(times)
        for name, times in counts.items()
    }
    labels = ["never", "once", "twice", "3 times", "4 or more"]
    with style():
        figure, axes = blank(3.4)
        width = 0.82 / len(shares)
        crowded = len(shares) > 2  # then the axis alone says percent
        for place, (name, share) in enumerate(shares.items()):
            left = np.arange(5) + (place - (len(shares) - 1) / 2) * width
            bars = axes.bar(left, share, width * 0.94, label=name, color=COLOURS[place % len(COLOURS)])
            texts = [_percent(value).removesuffix(" %" * crowded) if value else "" for value in share]
            axes.bar_label(bars, texts, padding=2, fontsize=9)
        axes.set_xticks(range(5), labels)
        axes.tick_params(axis="x", length=0)
        axes.set(xlabel="times seen in one epoch", ylabel="share of the ratings", ylim=(0, 1.08))
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="y")
        figure.legend(loc="outside upper left", ncols=min(len(shares), 3))
        told = (
            f"{name}: "
            + ", ".join(f"{_percent(value)} {label}" for label, value in zip(labels, share, strict=True) if value)
            for name, share in shares.items()
        )
        return finished(figure, f"How often each rating is seen in one epoch. {'; '.join(told)}.")


def never_shown(unseen: Sequence[int], n: int) -> Picture:
    """How many of n ratings have never come after 1, 2, ... epochs of n draws with replacement, last epoch marked.

    `unseen` holds the numbers that were counted. The line is what chance lets expect, n (1 - 1/n)^(n epochs), close to
    n e^-epochs. The axis is logarithmic, so an epoch that leaves no rating unseen has no point.
    """
    if len(unseen) == 0 or n < 2:
        raise ValueError("There is nothing to draw: give the count of at least one epoch, and more than one rating.")
    counted = np.asarray(unseen, dtype=float)
    epochs = np.arange(1, len(counted) + 1)
    expected = n * np.exp(n * np.log1p(-1 / n) * epochs)
    with style():
        figure, axes = blank(3.6)
        axes.semilogy(epochs, expected, color=GREY, linestyle="--", linewidth=1.4, label="expected by chance")
        some = counted > 0
        axes.semilogy(epochs[some], counted[some], "o", color=BLUE, markersize=7, label="counted")
        axes.axhline(n, color=INK, linestyle=":", linewidth=1.2, label=f"all {n:,} ratings")
        if some[-1]:
            axes.semilogy(epochs[-1], counted[-1], "o", color=VERMILLION, markersize=10)
        axes.annotate(
            f"{counted[-1]:,.0f} never shown",
            (epochs[-1], max(counted[-1], expected[-1])),
            xytext=(8, 8),
            textcoords="offset points",
            fontsize=9.5,
            fontweight="bold",
        )
        axes.set(xlim=(0.5, 1.25 * len(counted) + 1.5), ylim=(min(expected[-1], n / 10) / 2, 2 * n))
        axes.set_xticks(epochs[:: 1 + len(epochs) // 15])  # none beyond the last epoch
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axes.set(xlabel="epochs with replacement", ylabel="ratings never shown")
        axes.grid(axis="y")
        figure.legend(loc="outside upper left", ncols=3)
        after = f"After {_count(len(counted), 'epoch', 'epochs')}"
        return finished(
            figure,
            f"Ratings never shown when {n:,} are drawn with replacement in each epoch. {after} {counted[-1]:,.0f} of "
            f"them ({_percent(counted[-1] / n)}), expected by chance {expected[-1]:,.0f}. Epoch by epoch: "
            f"{', '.join(f'{count:,.0f}' for count in counted)}.",
        )


def learning_curves(curves: Mapping[str, object], baseline: float | None = None) -> Picture:
    """Loss (mean squared error) after each epoch: validation as a line, training dashed, one colour a model.

    A curve is anything with `train_losses` and `valid_losses` (a History), a pair of such sequences, or one sequence
    of validation losses. `baseline` is a loss to beat, drawn as a dotted line.
    """
    losses = {name: _losses(name, curve) for name, curve in curves.items()}
    if not losses:
        raise ValueError("There is no curve to draw: give at least one.")
    with style():
        figure, axes = blank(3.9)
        handles = []
        for place, (name, (train, valid)) in enumerate(losses.items()):
            colour = COLOURS[place % len(COLOURS)]
            marker = "osD^vP"[place % 6]
            axes.plot(range(1, len(train) + 1), train, "--", color=colour, linewidth=1.3, alpha=0.8)
            axes.plot(range(1, len(valid) + 1), valid, color=colour, marker=marker, markersize=5, linewidth=2)
            handles.append(Line2D([], [], color=colour, marker=marker, markersize=5, linewidth=2, label=name))
        if any(train for train, _ in losses.values()):
            handles.append(Line2D([], [], color=GREY, linewidth=2, label="validation"))
            handles.append(Line2D([], [], color=GREY, linewidth=1.3, linestyle="--", label="training"))
        if baseline is not None:
            axes.axhline(baseline, color=INK, linestyle=":", linewidth=1.4)
            handles.append(Line2D([], [], color=INK, linestyle=":", linewidth=1.4, label=f"baseline {baseline:.3f}"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        longest = max(len(valid) for _, valid in losses.values())
        axes.set_xlim(1 - 0.03 * longest, longest * 1.03)
        axes.set(xlabel="epoch", ylabel="mean squared error")
        axes.grid(axis="y")
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
        told = "; ".join(_told(name, train, valid) for name, (train, valid) in losses.items())
        against = "" if baseline is None else f" Baseline: {baseline:.3f}."
        return finished(figure, f"Mean squared error after each epoch. {told}.{against}")


def step_losses(losses: Sequence[float], title: str | None = None) -> Picture:
    """Loss (mean squared error) at each step, on a logarithmic axis; where it stops being a finite number is marked."""
    values = np.asarray(losses, dtype=float)
    if len(values) == 0:
        raise ValueError("There is nothing to draw: give the loss of at least one step.")
    steps, finite = np.arange(1, len(values) + 1), np.isfinite(values)
    with style():
        figure, axes = blank(3.4)
        axes.semilogy(steps[finite], values[finite], color=BLUE, linewidth=2)
        told = f"It starts at {values[0]:.3g} and ends at {values[-1]:.3g}" if finite.all() else ""
        if not finite.all():
            lost = int(np.argmin(finite)) + 1
            axes.axvline(lost, color=VERMILLION, linestyle="--", linewidth=1.6)
            axes.annotate(f"too large for a number\nfrom step {lost}", (lost, 0.9), xycoords=("data", "axes fraction"))
            told = f"It starts at {values[0]:.3g} and is too large for a number from step {lost}"
        if title:
            axes.set_title(title)
        axes.set(xlabel="step", ylabel="mean squared error", xlim=(0, len(values) + 1))
        axes.grid(axis="y")
        lowest = f", lowest {values[finite].min():.3g}" if finite.any() else ""
        about = f" with {title}" if title else ""
        return finished(
            figure, f"Mean squared error over {_count(len(values), 'step', 'steps')}{about}. {told}{lowest}."
        )


def functions(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    points: tuple[Sequence[float], Sequence[float]] | None = None,
    ylim: tuple[float, float] | None = None,
    title: str | None = None,
) -> Picture:
    """Functions of one variable as lines over the same x, with data `points` (their x, their y) where there are any."""
    if not curves or len(x) < 2:
        raise ValueError("There is no curve to draw: give at least two places and the values of one function.")
    at = np.asarray(x, dtype=float)
    values = {name: np.asarray(curve, dtype=float) for name, curve in curves.items()}
    with style():
        figure, axes = blank(3.9)
        for place, (name, curve) in enumerate(values.items()):
            line = ("-", "--", "-.", ":")[place % 4]
            axes.plot(at, curve, line, color=COLOURS[place % len(COLOURS)], linewidth=2, label=name)
        if points is not None:
            axes.plot(*points, "o", color=INK, markersize=6, linestyle="", label="data")
        if title:
            axes.set_title(title)
        axes.set(xlabel="x", ylabel="y", ylim=ylim)
        axes.grid(axis="y")
        figure.legend(loc="outside upper left", ncols=4)
        told = "; ".join(
            f"{name}: values {_number(curve.min())} to {_number(curve.max())}, "
            f"steepest slope {np.abs(np.gradient(curve, at)).max():.3g}"
            for name, curve in values.items()
        )
        data = "" if points is None else f" {_count(len(points[0]), 'data point', 'data points')}."
        about = f"{title}. " if title else ""
        return finished(figure, f"{about}Functions of x from {at.min():g} to {at.max():g}. {told}.{data}")


def decay(
    history,
    lengths: Sequence[float],
    counts: Sequence[int],
    without: tuple[object, Sequence[float]],
    title: str | None = None,
) -> Picture:
    """What weight decay does to a training: its losses, and how long films' factor vectors are, by number of ratings.

    `lengths` and `counts` (n_films,): norm of a film's factors, and its ratings in the training part; films without
    any are left out. `without` is (history, lengths) of the same training without decay, in grey. The axes go by it, so
    that pictures of several decays can be laid over each other.
    """
    (old, old_lengths), groups = without, by_count(counts)
    means, old_means = (
        [float(np.asarray(norms, dtype=float)[chosen].mean()) for _, chosen in groups]
        for norms in (lengths, old_lengths)
    )
    with style():
        figure, _ = blank(3.6)
        figure.clear()
        curves, norms = figure.subplots(1, 2, width_ratios=(4, 3))
        for each, colour, marker in ((old, GREY, "s"), (history, BLUE, "o")):
            epochs = range(1, len(each.valid_losses) + 1)
            curves.plot(epochs, each.train_losses, "--", color=colour, linewidth=1.3)
            curves.plot(epochs, each.valid_losses, color=colour, marker=marker, markersize=5, linewidth=2)
        curves.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        curves.set(
            xlabel="epoch", ylabel="mean squared error", ylim=(0, 1.1 * max(old.train_losses + old.valid_losses))
        )
        norms.plot(old_means, color=GREY, marker="s", markersize=5, linewidth=2)
        norms.plot(means, color=BLUE, marker="o", markersize=5, linewidth=2)
        norms.set_xticks(range(len(groups)), [name for name, _ in groups], rotation=35, ha="right")
        norms.set(xlabel="ratings of the film", ylabel="length of its factors", ylim=(0, 1.2 * max(old_means)))
        for panel in (curves, norms):
            panel.grid(axis="y")
        figure.legend(
            handles=[
                Line2D([], [], color=BLUE, marker="o", linewidth=2, label=title or "with decay"),
                Line2D([], [], color=GREY, marker="s", linewidth=2, label="without decay"),
                Line2D([], [], color=INK, linewidth=2, label="validation"),
                Line2D([], [], color=INK, linewidth=1.3, linestyle="--", label="training"),
            ],
            loc="outside upper left",
            ncols=4,
        )
        told = f"{_told(title or 'with decay', *_losses('', history))}; {_told('without decay', *_losses('', old))}"
        listed = ", ".join(
            f"{name} ratings {_number(new)} (without decay {_number(old)})"
            for (name, _), new, old in zip(groups, means, old_means, strict=True)
        )
        return finished(
            figure, f"Mean squared error after each epoch. {told}. Mean length of the films' factors: {listed}."
        )


def by_count(counts: Sequence[int]) -> list[tuple[str, np.ndarray]]:
    """Films in groups by their number of ratings: a name, and which films are in it, bool (n_films,); none is empty."""
    counts = np.asarray(counts)
    groups = [(name, (counts >= low) & (counts <= high)) for name, low, high in _BY_COUNT]
    return [(name, chosen) for name, chosen in groups if chosen.any()]


_BY_COUNT = [("1–2", 1, 2), ("3–9", 3, 9), ("10–29", 10, 29), ("30–99", 30, 99), ("100+", 100, np.inf)]


def sweep(losses: Mapping[float, Sequence[tuple[float, float]]], setting: str = "weight decay") -> Picture:
    """Losses by one setting: for each value its (training, validation) pairs, one a seed; means are lines, seeds dots.

    The values stand side by side, in the order given, at equal distances. The lowest mean validation loss is marked.
    """
    if not losses or not all(len(pairs) for pairs in losses.values()):
        raise ValueError("There is nothing to draw: give for each value the losses of at least one seed.")
    every = [np.asarray(pairs, dtype=float) for pairs in losses.values()]  # each (n_seeds, 2)
    means = np.array([pairs.mean(axis=0) for pairs in every])
    best = int(np.argmin(means[:, 1]))
    names = [f"{value:g}" for value in losses]
    with style():
        figure, axes = blank(3.9)
        for column, (name, line, colour) in enumerate((("training", "--", GREY), ("validation", "-", BLUE))):
            axes.plot(means[:, column], line, color=colour, linewidth=2, label=f"{name}, mean over seeds")
            for place, pairs in enumerate(every):
                axes.plot([place] * len(pairs), pairs[:, column], ".", color=colour, markersize=6, alpha=0.6)
        axes.plot(best, means[best, 1], "*", color=GREEN, markersize=16, label=f"best: {names[best]}")
        axes.set_xticks(range(len(names)), names)
        axes.set(xlabel=setting, ylabel="mean squared error")
        axes.grid(axis="y")
        figure.legend(loc="outside upper left", ncols=3)
        told = "; ".join(
            f"{name}: training {train:.3f}, validation {valid:.3f}"
            for name, (train, valid) in zip(names, means, strict=True)
        )
        seeds = _count(max(map(len, every)), "seed", "seeds")
        return finished(
            figure,
            f"Mean squared error by {setting}, over {seeds}. {told}. The best validation loss is at {names[best]}.",
        )


def scatter(
    x: Sequence[float],
    y: Sequence[float],
    axes: tuple[str, str],
    names: Mapping[int, str] | None = None,
    log_x: bool = False,
    title: str | None = None,
) -> Picture:
    """A point each for the pairs of x and y, some of them named: `names` gives a text for the position of a point.

    With many names the picture is higher, a name that finds no room is left out, and the text tells which of them lie
    outermost on each side.
    """
    x, y, names = np.asarray(x, dtype=float), np.asarray(y, dtype=float), dict(names or {})
    if len(x) < 2 or x.shape != y.shape:
        raise ValueError(f"A point needs an x and a y, and there must be two or more: not {x.shape} and {y.shape}.")
    with style():
        figure, plane = blank(7.6 if len(names) >= MANY_NAMES else 4.2)
        plane.plot(x, y, "o", color=SKY, markersize=3, alpha=0.45, linestyle="", rasterized=True)
        named = list(names)
        plane.plot(x[named], y[named], "o", color=VERMILLION, markersize=4, linestyle="")
        if log_x:
            plane.set_xscale("log")
            plane.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        plane.set(xlabel=axes[0], ylabel=axes[1])
        plane.margins(0.06)
        if title:
            plane.set_title(title)
        texts = [textwrap.shorten(name, 30, placeholder="…") for name in names.values()]
        many = len(names) >= MANY_NAMES
        places = [(x[place], y[place]) for place in named]
        label_points(plane, places, texts, fontsize=8 if many else 9, skip=many)
        return finished(figure, _told_of_points(x, y, axes, names, title))


MANY_NAMES = 13  # from here on a text lists those at the edges alone
TOLD = 3  # names on each side


def _told_of_points(x: np.ndarray, y: np.ndarray, axes: tuple[str, str], names: dict[int, str], title) -> str:
    told = f"{len(x):,} points. {axes[0]}: {x.min():.3g} to {x.max():.3g}; {axes[1]}: {y.min():.3g} to {y.max():.3g}; "
    told += f"correlation {_number(np.corrcoef(x, y)[0, 1])}." if x.std() and y.std() else "no correlation."
    listed = {place: textwrap.shorten(name, 30, placeholder="…") for place, name in names.items()}
    if len(names) < MANY_NAMES:
        told += "".join(f" {name} at ({x[place]:.3g}, {y[place]:.3g});" for place, name in listed.items())
        return f"{title or 'Points'}: {told.removesuffix(';').removesuffix('.')}."
    for values, low, high in ((x, "furthest left", "furthest right"), (y, "lowest", "highest")):
        order = sorted(listed, key=values.__getitem__)
        for side, places in ((low, order[:TOLD]), (high, order[::-1][:TOLD])):
            told += f" Of {len(names)} named ones {side}: {', '.join(listed[place] for place in places)}."
    return f"{title or 'Points'}: {told}"


def _losses(name: str, curve) -> tuple[list[float], list[float]]:
    """Training (may be empty) and validation losses of whatever was given as a curve."""
    if hasattr(curve, "valid_losses"):
        train, valid = curve.train_losses, curve.valid_losses
    elif len(curve) == 2 and all(np.ndim(part) == 1 for part in curve):
        train, valid = curve
    else:
        train, valid = [], curve
    train, valid = [float(loss) for loss in train], [float(loss) for loss in valid]
    if not valid:
        raise ValueError(f"The curve {name!r} has no validation loss: train at least one epoch.")
    return train, valid


def _told(name: str, train: list[float], valid: list[float]) -> str:
    best = int(np.nanargmin(valid)) if np.isfinite(valid).any() else 0
    text = f"{name}: validation {valid[0]:.3f} to {valid[-1]:.3f} in {_count(len(valid), 'epoch', 'epochs')}"
    text += f", best {valid[best]:.3f} in epoch {best + 1}"
    return text + (f", training {train[0]:.3f} to {train[-1]:.3f}" if train else "")


def yes_no(table: pd.DataFrame, title: str | None = None) -> Picture:
    """A table of True and False: a filled circle and "yes", or a small cross and "no", in each cell."""
    if table.size == 0:
        raise ValueError("There is nothing to draw: give a table with at least one row and one column.")
    answers = table.to_numpy(dtype=bool)
    n_rows, n_columns = answers.shape
    with style():
        figure, axes = blank(1.3 + 0.38 * n_rows)
        axes.set(xlim=(-0.5, n_columns - 0.5), ylim=(n_rows - 0.5, -0.5))
        for (row, column), answer in np.ndenumerate(answers):
            marker, colour, size = ("o", BLUE, 11) if answer else ("x", GREY, 6)
            axes.plot(column - 0.14, row, marker, color=colour, markersize=size, markeredgewidth=1.6)
            axes.text(column + 0.02, row, "yes" if answer else "no", va="center", fontsize=9.5, color=INK)
        axes.hlines(np.arange(n_rows - 1) + 0.5, -0.5, n_columns - 0.5, color=PALE, linewidth=1)
        axes.set_xticks(range(n_columns), [textwrap.fill(str(name), 12) for name in table.columns])
        axes.set_yticks(range(n_rows), [textwrap.fill(str(name), 34) for name in table.index])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        if title:
            axes.set_title(title, pad=10)
        told = "; ".join(
            f"{name}: " + (", ".join(str(column) for column in table.columns[row]) or "none of these")
            for name, row in zip(table.index, answers, strict=True)
        )
        about = f"{title}. " if title else ""
        return finished(
            figure,
            f"{about}{_count(n_rows, 'row', 'rows')} by {_count(n_columns, 'question', 'questions')}. Yes: {told}.",
        )


def ladder(mse_by_name: Mapping[str, float]) -> Picture:
    """One rung a model, in the order given, at its mean squared error; the best is marked, further left is better."""
    if not mse_by_name:
        raise ValueError("There is no rung to draw: give at least one model and its error.")
    errors = {name: float(error) for name, error in mse_by_name.items()}
    finite = {name: error for name, error in errors.items() if np.isfinite(error)}
    best = min(finite, key=finite.__getitem__) if finite else None
    with style():
        figure, axes = blank(1.0 + 0.42 * len(errors))
        low, high = (min(finite.values()), max(finite.values())) if finite else (0.0, 1.0)
        pad = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        axes.set(xlim=(low - pad, high + 3 * pad), ylim=(len(errors) - 0.4, -0.6))
        axes.set_xlabel("mean squared error (further left is better)")
        for rung, (name, error) in enumerate(errors.items()):
            axes.axhline(rung, color=PALE, linewidth=1.2, zorder=0)
            if name not in finite:
                axes.text(low, rung, f"no number ({error})", va="center", color=VERMILLION, backgroundcolor="white")
                continue
            mark = (
                {"marker": "*", "markersize": 15, "color": GREEN}
                if name == best
                else {"marker": "o", "markersize": 9, "color": BLUE}
            )
            axes.plot(error, rung, **mark)
            note = f"{error:.3f}" + (" best" if name == best else "")
            axes.annotate(
                note,
                (error, rung),
                xytext=(10, 0),
                textcoords="offset points",
                va="center",
                fontsize=9.5,
                fontweight="bold" if name == best else "normal",
                bbox={"fc": "white", "ec": "none", "pad": 1.5},
            )
        axes.set_yticks(range(len(errors)), [textwrap.fill(name, 30) for name in errors])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        told = "; ".join(f"{name}: {error:.3f}" for name, error in errors.items())
        winner = f" The best is {best} with {finite[best]:.3f}." if best is not None else ""
        return finished(figure, f"Mean squared error of {_count(len(errors), 'model', 'models')}: {told}.{winner}")


def agreement(
    panels: Mapping[str, tuple[Sequence[float], Sequence[float]]], axes: tuple[str, str] = ("expected", "found")
) -> Picture:
    """Two numbers for each of many things, as points: a panel a pair (across, up), on one scale, with the diagonal.

    Points where either number is missing are left out. The correlation stands in each panel's title.
    """
    pairs = {name: _both_known(*pair) for name, pair in panels.items()}
    if not pairs or any(pair.shape[1] < 2 for pair in pairs.values()):
        raise ValueError("There is nothing to compare: give each panel two numbers for at least two things.")
    with style():
        figure, first = blank(3.9 if len(pairs) > 1 else 4.6)
        first.remove()
        row = figure.subplots(1, len(pairs), squeeze=False, sharex=True, sharey=True)[0]
        told = []
        for plane, (name, (across, up)) in zip(row, pairs.items(), strict=True):
            varies = across.std() > 0 and up.std() > 0
            shared = f"correlation {np.corrcoef(across, up)[0, 1]:.2f}" if varies else "no correlation"
            plane.axline((0, 0), slope=1, color=GREY, linestyle=":", linewidth=1.2)
            plane.plot(across, up, "o", color=BLUE, markersize=3.5, alpha=0.45, markeredgewidth=0)
            plane.set_title(f"{textwrap.fill(name, 34)}\n{shared}", fontsize=10)
            plane.set_xlabel(axes[0])
            plane.grid()
            told.append(
                f"{name}: {shared} over {len(across):,} points; across mean {_number(across.mean())} and spread "
                f"{across.std():.2f}, up mean {_number(up.mean())} and spread {up.std():.2f}"
            )
        row[0].set_ylabel(axes[1])
        return finished(figure, f"{axes[1]} (up) against {axes[0]} (across). {'; '.join(told)}.")


def _both_known(across: Sequence[float], up: Sequence[float]) -> np.ndarray:
    pair = np.array([np.asarray(across, dtype=float), np.asarray(up, dtype=float)])
    return pair[:, np.isfinite(pair).all(axis=0)]


def panels(x: Sequence[float], curves: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str) -> Picture:
    """Lines over one x, a panel for each kind of number: panel title -> name -> values. A name keeps its colour.

    A panel's scale begins at 0 where that leaves its lines room enough to be told apart.
    """
    if len(x) < 2 or not curves or not all(curves.values()):
        raise ValueError("There is no line to draw: give two places or more, and each panel at least one line.")
    names = list(dict.fromkeys(name for panel in curves.values() for name in panel))
    look = {name: (COLOURS[place % len(COLOURS)], "osD^vP"[place % 6]) for place, name in enumerate(names)}
    told = []
    with style():
        figure, first = blank(3.6)
        first.remove()
        for axes, (title, panel) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
            for name, values in panel.items():
                colour, marker = look[name]
                axes.plot(x, values, color=colour, marker=marker, markersize=4, linewidth=1.8)
                told.append(f"{title}, {name}: {_number(values[0])} at {x[0]:g} to {_number(values[-1])} at {x[-1]:g}")
            every = np.concatenate([np.asarray(values, dtype=float) for values in panel.values()])
            if every.min() >= 0 and every.min() < every.max() / 2:
                axes.set_ylim(bottom=0)
            axes.set_title(textwrap.fill(title, 72 // len(curves)), fontsize=10)
            axes.set_xlabel(xlabel)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            axes.grid(axis="y")
        handles = [
            Line2D([], [], color=c, marker=m, markersize=4, linewidth=1.8, label=n) for n, (c, m) in look.items()
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
        return finished(figure, f"Lines over {xlabel}. {'; '.join(told)}.")


def parts(
    names: Sequence[str], parts: Mapping[str, Sequence[float]], truth: Sequence[float], start: float = 0.0
) -> Picture:
    """How predictions are made up: from `start` each part, one number a film, takes a step right or left.

    Each part's bar begins where the one above it ended. A dot marks where the last one ends, the prediction, a star
    the rating that was given.
    """
    if not names or not parts:
        raise ValueError("There is nothing to add up: give at least one film and one part.")
    steps = np.array([np.asarray(values, dtype=float) for values in parts.values()])  # (parts, films)
    ends = start + steps.cumsum(axis=0)
    begins = np.vstack([np.full((1, len(names)), start), ends[:-1]])
    rows, height = np.arange(len(names)), 0.78 / len(steps)
    with style():
        figure, axes = blank(1.3 + 0.5 * len(names))
        axes.axvline(start, color=GREY, linestyle=":", linewidth=1.2)
        for place, (name, step, begin) in enumerate(zip(parts, steps, begins, strict=True)):
            middle = rows + (place - (len(steps) - 1) / 2) * height
            axes.barh(middle, step, height * 0.9, left=begin, color=COLOURS[place % len(COLOURS)], label=name)
        axes.plot(ends[-1], rows, "o", color=INK, markersize=7, label="prediction")
        axes.plot(truth, rows, "*", color="white", markeredgecolor=INK, markersize=12, label="rating given")
        axes.set_yticks(rows, [textwrap.shorten(str(name), 32, placeholder="…") for name in names])
        axes.set(ylim=(len(names) - 0.4, -0.6), xlabel=f"stars (dotted: {start:.2f}, where each begins)")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        figure.legend(loc="outside upper left", ncols=3)
        told = "; ".join(
            f"{textwrap.shorten(str(name), 32, placeholder='…')} {end:.2f} (given {given:g})"
            for name, end, given in zip(names, ends[-1], truth, strict=True)
        )
        sizes = ", ".join(
            f"{name} {_number(step.min())} to {_number(step.max())}" for name, step in zip(parts, steps, strict=True)
        )
        return finished(
            figure,
            f"What {_count(len(names), 'prediction is', 'predictions are')} made of, beginning at {start:.2f} stars. "
            f"{sizes}. Predictions: {told}.",
        )


def range_curves(scores: Sequence[float], curves: Mapping[str, Sequence[float]], reach: float = 5.0) -> Picture:
    """Predictions over scores, a curve a range; where a curve crosses `reach` is marked, if it ever does.

    `scores` ascend; a curve gives the prediction for each of them.
    """
    if not curves or len(scores) < 2:
        raise ValueError("There is no curve to draw: give two scores or more, and a curve over them.")
    scores = np.asarray(scores, dtype=float)
    with style():
        figure, axes = blank(3.9)
        axes.axhline(reach, color=INK, linestyle=":", linewidth=1.4, label=f"{reach:g} stars")
        told = []
        for place, (name, values) in enumerate(curves.items()):
            values = np.asarray(values, dtype=float)
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(scores, values, color=colour, linewidth=2, linestyle=["-", "--", "-."][place % 3], label=name)
            crossed = (values[:-1] < reach) & (values[1:] >= reach)
            text = f"{name}: {values[0]:.2f} to {values[-1]:.2f} stars, "
            if crossed.any():
                i = int(crossed.argmax())
                share = (reach - values[i]) / (values[i + 1] - values[i])
                where = scores[i] + share * (scores[i + 1] - scores[i])
                axes.plot(where, reach, "o", color=colour, markersize=8)
                text += f"{reach:g} at a score of {where:.2f}"
            else:
                text += f"nowhere {reach:g}"
            told.append(text)
        axes.set(xlabel="score: dot product and biases", ylabel="prediction in stars", xlim=(scores[0], scores[-1]))
        axes.grid()
        figure.legend(loc="outside upper left", ncols=3)
        span = f"scores from {scores[0]:g} to {scores[-1]:g}".replace("-", "−")
        return finished(figure, f"Predictions for {span}. {'; '.join(told)}.")


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _percent(share: float) -> str:
    """Whole percent, but never a 0 or 100 that is only rounded."""
    digits = 1 if 0 < share < 0.01 or 0.99 < share < 1 else 0
    return f"{100 * share:.{digits}f} %"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")
