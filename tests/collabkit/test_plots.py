"""Pictures: what is drawn is the data, the alternative text says it in numbers, nothing overlaps or is cut off."""

import base64
import html
import io
import re
import subprocess
import sys
from itertools import combinations
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from collabkit import plots
from collabkit.ratings import excerpt, planted_world

FILMS = {
    "The Last Skywalker": (0.98, 0.9),
    "Casablanca": (-0.99, -0.3),
    "Heat": (0.9, 0.8),
    "Land Before Time III: The Time of the Great Giving (1995) (V)": (0.5, -0.7),
}
HISTORY = SimpleNamespace(train_losses=(1.5, 0.9, 0.7), valid_losses=(1.25, 0.8, 0.95))
OVERFITTED = SimpleNamespace(train_losses=(1.5, 0.6, 0.3), valid_losses=(1.2, 0.85, 0.9))
ANSWERS = pd.DataFrame(
    {"in parameters()": [True, False], "gets a gradient": [True, True], "moves": [0, 0]}, index=["a", "b"]
)
ERRORS = {"mean": 1.25, "damped biases": 0.88, "a model with a name that is too long for one line": 0.811, "net": 0.848}


def small_matrix():
    return pd.DataFrame(
        [[5.0, np.nan, 2.5], [np.nan, 1.0, 4.0]],
        index=pd.Index([7, 9], name="user"),
        columns=pd.Index([1, 5, 6], name="movie"),
    )


def many_points():
    return np.random.default_rng(0).normal(0, 1, (2, 300))


def many_names():
    return {place: f"A film with the number {place}" for place in range(30)}


def two_panels():
    errors = {"on what was watched": [0.5, 0.4, 0.3], "on all the rest": [1.2, 1.1, 1.15]}
    return {"films that were never shown": {"the loop": [200, 180, 150]}, "mean squared error": errors}


DRAW = {
    "matrix": lambda: plots.matrix(small_matrix(), title="Two users & <three> films"),
    "excerpt": lambda: plots.matrix(excerpt()),
    "titles": lambda: plots.matrix(small_matrix().set_axis(["Toy Story (1995)", "Heat (1995)", "x" * 60], axis=1)),
    "only gaps": lambda: plots.matrix(pd.DataFrame([[np.nan]])),
    "large matrix": lambda: plots.matrix(pd.DataFrame(np.arange(3000.0).reshape(50, 60) % 5 + 1)),
    "factor space": lambda: plots.factor_space(FILMS, (0.9, 0.8), axes=("science fiction", "action")),
    "factor space, no taste": lambda: plots.factor_space({"Heat": (0.0, 0.0)}, (0, 0)),
    "times seen": lambda: plots.times_seen({"once": [1, 1, 1, 1], "sampled": [0, 2, 1, 9]}),
    "never shown": lambda: plots.never_shown([37, 14, 5, 2], n=100),
    "never shown, one epoch": lambda: plots.never_shown([29_413], n=80_000),
    "never shown, all seen": lambda: plots.never_shown([37, 14, 5, 2, 1, 0], n=100),
    "learning curves": lambda: plots.learning_curves({"ours": HISTORY, "theirs": [0.9, 0.85]}, baseline=0.88),
    "one epoch": lambda: plots.learning_curves({"ours": [0.9]}),
    "functions": lambda: plots.functions([0, 1, 2], {"a = 1": [0, 1, 4], "a = 9": [0, 9, 36]}, points=([1], [2])),
    "decay": lambda: plots.decay(HISTORY, [0.1, 0.2, 0.5], [0, 1, 40], (OVERFITTED, [0.1, 0.8, 0.9]), title="wd 0.1"),
    "sweep": lambda: plots.sweep({0.0: [(0.3, 0.9), (0.31, 0.92)], 0.1: [(0.5, 0.8), (0.5, 0.82)], 1.0: [(1, 1.1)]}),
    "agreement": lambda: plots.agreement(
        {"as it is": ([0, 1, 2], [0.1, 0.9, 2.2]), "with the mean of all ratings taken out": ([0, 1, 2], [1, 0, 2])},
        axes=("expected, stars", "found, stars"),
    ),
    "agreement of one": lambda: plots.agreement({"flat": ([0, 1, np.nan], [1, 1, 3])}),
    "parts": lambda: plots.parts(
        [*FILMS, "Up"],
        {"user": [0.5] * 5, "film": [0.2, -0.5, 1, 0, 0], "taste": [-1, 0, 0.1, 0, 0]},
        [4, 3, 5, 1, 4],
        3.5,
    ),
    "one part": lambda: plots.parts(["Heat"], {"film": [4.0]}, [5]),
    "range curves": lambda: plots.range_curves(
        np.linspace(-8, 8, 161),
        {f"(0, {high})": high / (1 + np.exp(-np.linspace(-8, 8, 161))) for high in (5, 5.5)},
    ),
    "scatter": lambda: plots.scatter([1, 10, 100], [0.5, -1, 3], ("ratings", "bias"), {2: "Heat (1995)"}, log_x=True),
    "scatter, many names": lambda: plots.scatter(*many_points(), ("first", "second"), many_names(), title="Films"),
    "yes and no": lambda: plots.yes_no(ANSWERS, title="What is seen"),
    "yes and no, five": lambda: plots.yes_no(
        pd.DataFrame(
            [[True] * 5],
            ["a buffer, by register_buffer"],
            [f"{w} state_dict()" for w in ("on", "in", "by", "to", "at")],
        )
    ),
    "panels": lambda: plots.panels([1, 2, 5], two_panels(), "round"),
    "one panel": lambda: plots.panels([0, 1], {"mean squared error": {"folded in": [1.0, 0.9]}}, "ratings"),
    "ladder": lambda: plots.ladder(ERRORS),
    "ladder of one": lambda: plots.ladder({"mean": 1.25}),
    "ladder, diverged": lambda: plots.ladder({"mean": 1.25, "lr too high": float("nan"), "worse": float("inf")}),
}


@pytest.fixture(scope="module", params=DRAW, ids=list(DRAW))
def picture(request):
    return DRAW[request.param]()


class TestEveryPicture:
    def test_is_an_html_figure_with_its_text(self, picture):
        bundle = picture._repr_mimebundle_()
        assert set(bundle) == {"text/html", "text/plain"}
        assert bundle["text/plain"] == picture.alt
        data, alt = re.fullmatch(
            r'<figure><img src="data:image/png;base64,([A-Za-z0-9+/=]+)" alt="([^"<>]*)"></figure>',
            bundle["text/html"],
        ).groups()
        assert html.unescape(alt) == picture.alt
        assert base64.b64decode(data) == picture.png()

    def test_is_as_wide_as_a_notebook_and_opaque_white_at_its_edge(self, picture):
        image = np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGBA"))
        assert image.shape[1] == 770
        assert 100 < image.shape[0] <= 1100
        assert (image[..., 3] == 255).all()
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 255).all()

    def test_has_a_text_with_sentences_and_numbers(self, picture):
        assert re.search(r"\d", picture.alt)
        assert picture.alt.endswith(".")
        assert "\n" not in picture.alt
        assert len(picture.alt) < 1000

    def test_no_text_is_cut_off_covered_or_tiny(self, picture):
        figure = picture.figure
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        hidden = set(beyond_the_axes(figure))
        texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible() and t not in hidden]
        boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]
        width, height = figure.bbox.width, figure.bbox.height
        for name, box in boxes:
            assert box.x0 >= 0, name
            assert box.y0 >= 0, name
            assert box.x1 <= width, name
            assert box.y1 <= height, name
        upright = [pair for pair, text in zip(boxes, texts, strict=True) if text.get_rotation() in (0, 90)]
        for (name, box), (other, its) in combinations(upright, 2):
            assert not box.padded(-1).overlaps(its.padded(-1)), (name, other)
        assert min(text.get_fontsize() for text in texts) >= 7.5

    def test_comes_out_the_same_twice(self, picture):
        assert picture.png() == picture.png()


def beyond_the_axes(figure):
    """Labels of ticks outside an axis' range: matplotlib keeps them, but never draws them."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                yield tick.label1


def test_a_callers_style_neither_shows_nor_is_changed():
    plain = plots.ladder(ERRORS).png()
    with mpl.rc_context(
        {"text.color": "red", "font.size": 30, "savefig.dpi": 10, "axes.facecolor": "black", "xtick.direction": "in"}
    ):
        mine = dict(mpl.rcParams)
        assert plots.ladder(ERRORS).png() == plain
        assert dict(mpl.rcParams) == mine


def test_pyplot_is_not_even_imported():
    """Pyplot holds every figure in a global until it is closed."""
    code = (
        "import sys, types, pandas; sys.modules['matplotlib.pyplot'] = None\n"
        "from collabkit.picture import Picture, blank; figure, _ = blank(2); print(len(Picture(figure, '').png()) > 0)"
    )
    done = subprocess.run([sys.executable, "-c", without_package(code)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def without_package(code):
    """The code with a bare package `collabkit` in place, whose own imports (fastai) bring pyplot in."""
    return (
        "import importlib.util, sys, types; spec = importlib.util.find_spec('collabkit')\n"
        "bare = types.ModuleType('collabkit'); bare.__path__ = list(spec.submodule_search_locations)\n"
        "sys.modules['collabkit'] = bare\n" + code
    )


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_save_writes_the_format_of_the_suffix(tmp_path, kind):
    file = tmp_path / f"ladder.{kind}"
    plots.ladder(ERRORS).save(file)
    assert file.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])


class TestMatrix:
    def test_says_how_many_cells_are_known(self):
        assert plots.matrix(small_matrix(), title="Six cells").alt == (
            "Six cells: heat map of 2 users by 3 movies. 4 of 6 cells hold a rating (67%), "
            "from 1 to 5 stars with a mean of 3.12; 2 cells are gaps."
        )
        assert plots.matrix(pd.DataFrame([[np.nan]])).alt == (
            "Ratings matrix: heat map of 1 users by 1 movies. 0 of 1 cells hold a rating (0%); 1 cell is a gap."
        )

    def test_draws_each_rating_in_its_cell_and_hatches_each_gap(self):
        axes = plots.matrix(small_matrix()).figure.axes[0]
        np.testing.assert_array_equal(axes.images[0].get_array().filled(np.nan), small_matrix())
        written = {text.get_position(): text.get_text() for text in axes.texts}
        assert written == {(0, 0): "5", (2, 0): "2.5", (1, 1): "1", (2, 1): "4"}
        hatched = [(patch.get_x() + 0.5, patch.get_y() + 0.5) for patch in axes.patches if patch.get_hatch()]
        assert sorted(hatched) == [(0, 1), (1, 0)]

    def test_the_numbers_can_be_read_on_every_colour(self):
        """WCAG 2: contrast of at least 4 to 1 (3 for large, 4.5 for small text)."""
        axes = plots.matrix(pd.DataFrame([np.arange(1, 5.1, 0.25)])).figure.axes[0]
        image = axes.images[0]
        for text in axes.texts:
            column, row = text.get_position()
            cell = image.cmap(image.norm(image.get_array()[row, column]))[:3]
            assert contrast(cell, to_rgb(text.get_color())) > 4

    def test_a_large_one_has_no_values(self):
        axes = DRAW["large matrix"]().figure.axes[0]
        assert len(axes.texts) == 0
        assert axes.get_xlabel() == "60 movies"

    def test_nothing_to_draw(self):
        with pytest.raises(ValueError, match="no cell to draw"):
            plots.matrix(pd.DataFrame())


def contrast(a, b):
    """WCAG 2.2, relative luminance."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


class TestFactorSpace:
    def test_says_each_dot_product(self):
        alt = plots.factor_space({"A": (2, 1), "B": (-1, 0.5)}, (-3, 2), axes=("space", "love")).alt
        assert alt == (
            "Films in the plane of space and love, with a user as an arrow to (-3, 2). Dot product with the user: "
            "A at (2, 1): −4.00; B at (-1, 0.5): 4.00. The highest is that of B."
        )

    def test_writes_the_dot_product_at_each_film(self):
        axes = plots.factor_space({"A": (2, 1), "B": (-1, 0.5)}, (-3, 2)).figure.axes[0]
        labels = {text.get_text(): tuple(text.xy) for text in axes.texts if text.get_text()}
        assert labels == {"A\n−4.00": (2, 1), "B\n4.00": (-1, 0.5)}

    def test_the_arrow_ends_at_the_user(self):
        axes = plots.factor_space({"A": (2, 1)}, (-3, 2)).figure.axes[0]
        arrow = next(text for text in axes.texts if not text.get_text())
        assert (tuple(arrow.xy), tuple(arrow.get_position())) == ((-3, 2), (0, 0))

    def test_a_dozen_films_do_not_cover_each_other(self):
        rng = np.random.default_rng(3)
        films = {f"Film number {n}": tuple(rng.normal(0, 1, 2)) for n in range(12)}
        picture = plots.factor_space(films, (1, 1))
        TestEveryPicture().test_no_text_is_cut_off_covered_or_tiny(picture)

    def test_no_film(self):
        with pytest.raises(ValueError, match="no film to draw"):
            plots.factor_space({}, (1, 1))


class TestTimesSeen:
    def test_says_the_shares(self):
        alt = plots.times_seen({"all": [1] * 8, "sampled": [0, 0, 1, 2, 3, 4, 5, 1]}).alt
        assert alt == (
            "How often each rating is seen in one epoch. all: 100 % once; "
            "sampled: 25 % never, 25 % once, 12 % twice, 12 % 3 times, 25 % 4 or more."
        )

    def test_draws_the_shares(self):
        axes = plots.times_seen({"all": [1] * 8, "sampled": [0, 0, 1, 2, 3, 4, 5, 1]}).figure.axes[0]
        heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
        assert heights == [[0, 1, 0, 0, 0], [0.25, 0.25, 0.125, 0.125, 0.25]]

    def test_never_rounds_to_all_or_none(self):
        alt = plots.times_seen({"nearly": np.array([0] + [1] * 999)}).alt
        assert "nearly: 0.1 % never, 99.9 % once." in alt

    @pytest.mark.parametrize("counts", [{}, {"empty": []}])
    def test_nothing_to_count(self, counts):
        with pytest.raises(ValueError, match="nothing to count"):
            plots.times_seen(counts)


class TestNeverShown:
    def test_says_what_was_counted_beside_what_chance_gives(self):
        assert plots.never_shown([36, 14], n=100).alt == (
            "Ratings never shown when 100 are drawn with replacement in each epoch. After 2 epochs 14 of them (14 %), "
            "expected by chance 13. Epoch by epoch: 36, 14."
        )

    def test_the_line_is_the_chance_of_missing_every_draw(self):
        expected, counted, *_ = plots.never_shown([5, 3], n=10).figure.axes[0].lines
        assert expected.get_ydata() == pytest.approx([10 * 0.9**10, 10 * 0.9**20])
        assert list(counted.get_ydata()) == [5, 3]

    def test_an_epoch_that_leaves_none_unseen_has_no_point(self):
        counted = plots.never_shown([5, 0], n=10).figure.axes[0].lines[1]
        assert list(counted.get_ydata()) == [5]

    @pytest.mark.parametrize(("unseen", "n"), [([], 10), ([0], 1)])
    def test_nothing_to_draw(self, unseen, n):
        with pytest.raises(ValueError, match="nothing to draw"):
            plots.never_shown(unseen, n)


class TestLearningCurves:
    def test_says_where_each_curve_goes(self):
        assert plots.learning_curves({"ours": HISTORY, "theirs": [0.9, 0.85]}, baseline=0.88).alt == (
            "Mean squared error after each epoch. ours: validation 1.250 to 0.950 in 3 epochs, best 0.800 in epoch 2, "
            "training 1.500 to 0.700; theirs: validation 0.900 to 0.850 in 2 epochs, best 0.850 in epoch 2. "
            "Baseline: 0.880."
        )

    def test_draws_the_losses_and_the_baseline(self):
        lines = plots.learning_curves({"ours": HISTORY}, baseline=0.88).figure.axes[0].lines
        train, valid, baseline = ([list(np.asarray(part)) for part in line.get_data()] for line in lines)
        assert train == [[1, 2, 3], [1.5, 0.9, 0.7]]
        assert valid == [[1, 2, 3], [1.25, 0.8, 0.95]]
        assert baseline[1] == [0.88, 0.88]

    def test_a_pair_is_training_and_validation(self):
        as_pair = plots.learning_curves({"ours": (HISTORY.train_losses, HISTORY.valid_losses)})
        assert as_pair.alt == plots.learning_curves({"ours": HISTORY}).alt

    def test_two_epochs_are_not_taken_for_a_pair(self):
        assert "validation 0.900 to 0.850 in 2 epochs" in plots.learning_curves({"ours": (0.9, 0.85)}).alt

    def test_a_model_that_diverged_is_drawn_all_the_same(self):
        assert "nan to nan" in plots.learning_curves({"ours": [float("nan")] * 2}).alt

    @pytest.mark.parametrize("curves", [{}, {"ours": []}])
    def test_no_curve(self, curves):
        with pytest.raises(ValueError, match=r"no curve|no validation loss"):
            plots.learning_curves(curves)


class TestAgreement:
    def test_says_how_well_each_pair_agrees(self):
        assert plots.agreement({"half": ([-1, 1, 3], [0, 1, 2]), "flat": ([0, 1], [2, 2])}, ("a", "b")).alt == (
            "b (up) against a (across). half: correlation 1.00 over 3 points; across mean 1.00 and spread 1.63, up "
            "mean 1.00 and spread 0.82; flat: no correlation over 2 points; across mean 0.50 and spread 0.50, up mean "
            "2.00 and spread 0.00."
        )

    def test_draws_the_points_of_which_both_numbers_are_known(self):
        _, points = plots.agreement({"x": ([0, 1, np.nan, 3], [1, np.nan, 2, 4])}).figure.axes[0].lines
        assert points.get_xydata().tolist() == [[0, 1], [3, 4]]

    @pytest.mark.parametrize("panels", [{}, {"x": ([1, np.nan], [1, 2])}])
    def test_nothing_to_compare(self, panels):
        with pytest.raises(ValueError, match="nothing to compare"):
            plots.agreement(panels)


class TestParts:
    def test_says_what_each_prediction_is(self):
        alt = plots.parts(["A", "B"], {"user": [0.5, 0.5], "taste": [-1, 0.25]}, truth=[3, 5], start=3.5).alt
        assert alt == (
            "What 2 predictions are made of, beginning at 3.50 stars. user 0.50 to 0.50, taste −1.00 to 0.25. "
            "Predictions: A 3.00 (given 3); B 4.25 (given 5)."
        )

    def test_each_part_begins_where_the_one_before_it_ended(self):
        axes = plots.parts(["A", "B"], {"user": [0.5, 0.5], "taste": [-1, 0.25]}, [3, 5], 3.5).figure.axes[0]
        bars = [[(bar.get_x(), bar.get_width()) for bar in bars] for bars in axes.containers]
        assert bars == [[(3.5, 0.5), (3.5, 0.5)], [(4.0, -1), (4.0, 0.25)]]
        dots = next(line for line in axes.lines if line.get_marker() == "o")
        assert list(dots.get_xdata()) == [3.0, 4.25]

    def test_nothing_to_add_up(self):
        with pytest.raises(ValueError, match="nothing to add up"):
            plots.parts([], {"user": []}, [])


class TestRangeCurves:
    def test_says_where_each_curve_reaches_the_top_rating(self):
        alt = plots.range_curves([-1, 0, 1], {"low": [0, 2, 4.9], "high": [0, 4, 6]}).alt
        assert alt == (
            "Predictions for scores from −1 to 1. low: 0.00 to 4.90 stars, nowhere 5; high: 0.00 to 6.00 stars, 5 at a "
            "score of 0.50."
        )

    def test_marks_only_the_curve_that_gets_there(self):
        axes = plots.range_curves([-1, 0, 1], {"low": [0, 2, 4.9], "high": [0, 4, 6]}).figure.axes[0]
        assert [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"] == [[[0.5, 5]]]

    @pytest.mark.parametrize(("scores", "curves"), [([0, 1], {}), ([0], {"x": [1]})])
    def test_no_curve(self, scores, curves):
        with pytest.raises(ValueError, match="no curve to draw"):
            plots.range_curves(scores, curves)


class TestScatter:
    def test_says_where_the_named_points_are(self):
        assert plots.scatter([1, 2, 4], [1, 2, 4], ("ratings", "bias"), {2: "Heat"}, title="Films").alt == (
            "Films: 3 points. ratings: 1 to 4; bias: 1 to 4; correlation 1.00. Heat at (4, 4)."
        )

    def test_of_many_names_says_the_outermost(self):
        (x, y), names = many_points(), many_names()
        alt = plots.scatter(x, y, ("first", "second"), names).alt
        leftmost = min(names, key=x.__getitem__)
        highest = max(names, key=y.__getitem__)
        assert f"furthest left: {names[leftmost]}, " in alt
        assert f"highest: {names[highest]}, " in alt

    def test_draws_every_point_and_marks_the_named(self):
        picture = plots.scatter([1, 2, 4], [3, 2, 7], ("x", "y"), {0: "A", 2: "B"})
        points, named = picture.figure.axes[0].lines
        assert (list(points.get_xdata()), list(points.get_ydata())) == ([1, 2, 4], [3, 2, 7])
        assert (list(named.get_xdata()), list(named.get_ydata())) == ([1, 4], [3, 7])

    def test_points_that_all_have_one_value(self):
        assert "no correlation." in plots.scatter([1, 1], [2, 3], ("x", "y")).alt

    @pytest.mark.parametrize(("x", "y"), [([], []), ([1], [1]), ([1, 2], [1, 2, 3])])
    def test_nothing_to_draw(self, x, y):
        with pytest.raises(ValueError, match="two or more"):
            plots.scatter(x, y, ("x", "y"))


class TestPanels:
    def test_says_where_each_line_goes(self):
        assert plots.panels([1, 2, 5], two_panels(), "round").alt == (
            "Lines over round. films that were never shown, the loop: 200.00 at 1 to 150.00 at 5; "
            "mean squared error, on what was watched: 0.50 at 1 to 0.30 at 5; "
            "mean squared error, on all the rest: 1.20 at 1 to 1.15 at 5."
        )

    def test_draws_each_line_in_its_panel(self):
        first, second = plots.panels([1, 2, 5], two_panels(), "round").figure.axes
        assert [list(line.get_ydata()) for line in first.lines] == [[200, 180, 150]]
        assert [list(line.get_ydata()) for line in second.lines] == [[0.5, 0.4, 0.3], [1.2, 1.1, 1.15]]
        assert list(second.lines[0].get_xdata()) == [1, 2, 5]

    def test_a_name_keeps_its_colour(self):
        curves = {"a": {"one": [1, 2], "two": [2, 3]}, "b": {"two": [3, 4]}}
        first, second = plots.panels([0, 1], curves, "x").figure.axes
        assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()

    @pytest.mark.parametrize(("x", "curves"), [([1], {"a": {"b": [1]}}), ([1, 2], {}), ([1, 2], {"a": {}})])
    def test_nothing_to_draw(self, x, curves):
        with pytest.raises(ValueError, match="no line to draw"):
            plots.panels(x, curves, "x")


class TestLadder:
    def test_says_every_rung_and_the_best(self):
        assert plots.ladder({"mean": 1.25, "net": 0.848, "bias": 0.9}).alt == (
            "Mean squared error of 3 models: mean: 1.250; net: 0.848; bias: 0.900. The best is net with 0.848."
        )

    def test_draws_rungs_in_order_from_the_top_and_marks_the_best(self):
        axes = plots.ladder(ERRORS).figure.axes[0]
        dots = [line for line in axes.lines if line.get_marker() in ("o", "*")]
        assert [line.get_xdata()[0] for line in dots] == list(ERRORS.values())
        assert [line.get_ydata()[0] for line in dots] == [0, 1, 2, 3]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        assert [line.get_marker() for line in dots] == ["o", "o", "*", "o"]
        assert [text.get_text() for text in axes.texts] == ["1.250", "0.880", "0.811 best", "0.848"]

    def test_what_has_no_number_is_never_the_best(self):
        alt = plots.ladder({"diverged": float("nan"), "mean": 1.25}).alt
        assert "diverged: nan" in alt
        assert alt.endswith("The best is mean with 1.250.")

    def test_no_rung(self):
        with pytest.raises(ValueError, match="no rung"):
            plots.ladder({})


def test_a_ratings_matrix_of_a_planted_world_is_drawn(recwarn):
    from collabkit.matrix import ratings_matrix

    assert "15 users by 15 movies" in plots.matrix(ratings_matrix(planted_world().ratings)).alt
    assert not recwarn.list


def test_step_losses_say_where_a_descent_ends():
    alt = plots.step_losses([4.0, 2.0, 1.0], title="learning rate 0.1").alt
    assert alt == "Mean squared error over 3 steps with learning rate 0.1. It starts at 4 and ends at 1, lowest 1."


def test_step_losses_mark_the_step_at_which_a_descent_leaves_the_numbers():
    alt = plots.step_losses([4.0, 900.0, float("inf"), float("nan")]).alt
    assert "too large for a number from step 3" in alt


def test_step_losses_need_a_step():
    with pytest.raises(ValueError, match="at least one step"):
        plots.step_losses([])


class TestFunctions:
    def test_says_how_far_each_goes_and_how_steeply(self):
        alt = plots.functions([0, 1, 2], {"flat": [1, 1, 1], "steep": [0, 10, 20]}, points=([0, 1], [1, 2])).alt
        assert alt == (
            "Functions of x from 0 to 2. flat: values 1.00 to 1.00, steepest slope 0; "
            "steep: values 0.00 to 20.00, steepest slope 10. 2 data points."
        )

    def test_draws_lines_and_points(self):
        lines = plots.functions([0, 1], {"a": [1, 2], "b": [3, 4]}, points=([0.5], [9])).figure.axes[0].lines
        assert [list(line.get_ydata()) for line in lines] == [[1, 2], [3, 4], [9]]

    @pytest.mark.parametrize(("x", "curves"), [([0, 1], {}), ([0], {"a": [1]})])
    def test_nothing_to_draw(self, x, curves):
        with pytest.raises(ValueError, match="no curve to draw"):
            plots.functions(x, curves)


class TestDecay:
    def test_says_losses_and_the_mean_length_by_number_of_ratings(self):
        alt = plots.decay(HISTORY, [9, 1, 2, 4], [0, 1, 2, 40], (OVERFITTED, [9, 3, 3, 5]), title="wd 0.1").alt
        assert "wd 0.1: validation 1.250 to 0.950 in 3 epochs" in alt
        assert "without decay: validation 1.200 to 0.900" in alt
        assert alt.endswith("1–2 ratings 1.50 (without decay 3.00), 30–99 ratings 4.00 (without decay 5.00).")

    def test_the_axes_go_by_the_training_without_decay(self):
        weak, strong = (plots.decay(HISTORY, [length], [5], (OVERFITTED, [2.0])).figure.axes for length in (1.9, 0.1))
        assert [panel.get_ylim() for panel in weak] == [panel.get_ylim() for panel in strong]


LOSSES = {0.0: [(0.3, 0.9), (0.3, 1.0)], 0.1: [(0.5, 0.8)]}


class TestSweep:
    def test_says_the_means_and_the_best(self):
        assert plots.sweep(LOSSES).alt == (
            "Mean squared error by weight decay, over 2 seeds. 0: training 0.300, validation 0.950; "
            "0.1: training 0.500, validation 0.800. The best validation loss is at 0.1."
        )

    def test_draws_means_as_lines_and_every_seed_as_a_dot(self):
        lines = plots.sweep(LOSSES).figure.axes[0].lines
        assert [list(line.get_ydata()) for line in lines if line.get_marker() == "None"] == [[0.3, 0.5], [0.95, 0.8]]
        assert [list(line.get_ydata()) for line in lines if line.get_marker() == "."][2:] == [[0.9, 1.0], [0.8]]

    @pytest.mark.parametrize("losses", [{}, {0.1: []}])
    def test_nothing_to_draw(self, losses):
        with pytest.raises(ValueError, match="nothing to draw"):
            plots.sweep(losses)


class TestYesNo:
    def test_says_for_each_row_what_is_true(self):
        assert plots.yes_no(ANSWERS.loc[:, ["moves"]].assign(seen=[True, False])).alt == (
            "2 rows by 2 questions. Yes: a: seen; b: none of these."
        )

    def test_writes_yes_and_no_in_the_cells(self):
        axes = plots.yes_no(ANSWERS).figure.axes[0]
        written = {(round(text.get_position()[0]), text.get_position()[1]): text.get_text() for text in axes.texts}
        expected = {(c, r): "yes" if value else "no" for (r, c), value in np.ndenumerate(ANSWERS.to_numpy())}
        assert written == expected

    def test_nothing_to_draw(self):
        with pytest.raises(ValueError, match="nothing to draw"):
            plots.yes_no(pd.DataFrame())
