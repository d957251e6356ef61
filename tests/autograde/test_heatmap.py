"""Heat maps: readable on every colour and without colour, in HTML and in text."""

import itertools
import re

import numpy as np
import pytest

from autograde.heatmap import AROUND_ZERO, FROM_LOW_TO_HIGH, Grid, as_html, as_text, colours, ink_on

from .test_card import Page, contrast

PLACES = np.linspace(0, 1, 41)


def grid(values, differs=None, rows=None, columns=None, **options):
    cells = np.asarray(values)
    marks = np.zeros(cells.shape, bool) if differs is None else np.asarray(differs, bool)
    names = [tuple(map(str, range(size))) for size in cells.shape]
    return Grid(cells, marks, rows or names[0], columns or names[1], "tensor of shape (2, 2), float32", **options)


SMALL = grid([[1.5, -2.0], [np.nan, 4.0]], [[False, True], [False, False]])


@pytest.mark.parametrize("stops", [FROM_LOW_TO_HIGH, AROUND_ZERO])
class TestColours:
    def test_the_ink_can_be_read_on_every_colour(self, stops):
        assert min(contrast(colours(stops, place), ink_on(colours(stops, place))) for place in PLACES) >= 4.5

    def test_the_scale_goes_one_way_for_whoever_sees_no_colours(self, stops):
        """Brightness alone tells larger from smaller, on each side of zero."""
        sides = [np.linspace(0, 0.5, 21), np.linspace(0.5, 1, 21)] if stops is AROUND_ZERO else [PLACES]
        for side in sides:
            bright = [contrast(colours(stops, place), "#000000") for place in side]
            steps = [after - before for before, after in itertools.pairwise(bright)]
            assert all(step >= 0 for step in steps) or all(step <= 0 for step in steps)

    def test_its_ends_are_its_ends(self, stops):
        assert (colours(stops, 0.0), colours(stops, 1.0)) == (stops[0], stops[-1])


class TestHtml:
    def test_numbers_stand_in_the_cells_and_what_differs_has_a_frame(self):
        html = as_html([("what came", SMALL)])
        page = Page(html)
        assert [part for part in ("1.50", "−2", "NaN", "4") if part not in page.text] == []
        assert html.count("box-shadow:inset") == 1
        assert ("aria-label", "−2 differs") in page.attributes
        assert "Framed cells differ." in page.text
        assert "Hatched cells are gaps (NaN)." in page.text
        assert html.count("repeating-linear-gradient") == 1

    def test_tables_have_captions_and_headers(self):
        page = Page(as_html([("what came", SMALL), ("what was expected", SMALL)]))
        assert page.elements.count("caption") == page.elements.count("table") == 2
        assert "what came: tensor of shape (2, 2), float32" in page.text
        assert [value for name, value in page.attributes if name == "scope"].count("col") == 4

    def test_vectors_of_one_length_share_a_table_so_that_columns_meet(self):
        one, other = (grid([[1.0, value]], is_row=True) for value in (2.0, 3.0))
        page = Page(as_html([("what came", one), ("what was expected", other)]))
        assert page.elements.count("table") == 1
        assert page.elements.count("tr") == 3
        longer = grid([[1.0, 2.0, 3.0]], is_row=True)
        assert Page(as_html([("a", one), ("b", longer)])).elements.count("table") == 2

    def test_one_scale_for_both(self):
        low, high = grid([[0.0, 1.0]]), grid([[0.0, 10.0]])
        cells = re.findall(r"background:(#\w+)", as_html([("a", low), ("b", high)]))
        assert cells[0] == cells[2] == FROM_LOW_TO_HIGH[0]
        assert cells[3] == FROM_LOW_TO_HIGH[-1]
        assert cells[1] == colours(FROM_LOW_TO_HIGH, 0.1)

    def test_zero_is_the_middle_where_signs_differ(self):
        cells = re.findall(r"background:(#\w+)", as_html([("a", grid([[-1.0, 0.0, 4.0]]))]))
        assert cells[1] == AROUND_ZERO[3]

    def test_where_all_differ_a_frame_tells_nothing(self):
        html = as_html([("a", grid([[1.0, 2.0]], [[True, True]]))])
        assert "box-shadow" not in html
        assert "Every cell differs." in html

    def test_many_cells_are_a_picture_with_a_text(self):
        values = np.arange(600.0).reshape(30, 20)
        values[3, 3] = np.nan
        marks = np.zeros(values.shape, bool)
        marks[2, 2] = True
        page = Page(as_html([("what came", grid(values, marks))]))
        attributes = dict(page.attributes)
        assert attributes["role"] == "img"
        assert "from 0 to 599, 1 gaps (NaN), 1 of the 600 shown differ" in attributes["aria-label"]
        assert page.elements.count("path") == 600 + 2
        assert "table" not in page.elements

    def test_labels_and_texts_are_text(self):
        evil = grid(np.array([["<b>x</b>"]], dtype=object), rows=("<i>",), columns=('"&',))
        page = Page(as_html([("<u>", evil)]))
        assert not {"b", "i", "u"} & set(page.elements)
        assert "<b>x</b>" in page.text

    @pytest.mark.parametrize("columns", [4, 12])
    def test_what_may_scroll_can_be_reached_by_keyboard(self, columns):
        attributes = dict(Page(as_html([("came", grid(np.ones((2, columns))))])).attributes)
        assert ("tabindex" in attributes) is (columns > 6)

    @pytest.mark.parametrize(
        "values", [[[np.nan, np.nan]], [[np.inf, -np.inf]], [[0.0, 0.0]], [[True, False]], [[2**62, 0]]]
    )
    def test_odd_numbers_have_a_place(self, values):
        assert Page(as_html([("a", grid(values))])).elements.count("td") == 1 + 2


class TestNumbers:
    def test_as_many_digits_as_it_takes_to_see_the_difference(self):
        one, other = (grid([[1.0, value]], [[False, True]]) for value in (2.00012, 2.00034))
        text = "\n".join(as_text([("a", one), ("b", other)]))
        assert "*2.0001*" in text
        assert "*2.0003*" in text

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.0, "0"), (-0.004, "0.00"), (-1.5, "−1.50"), (3e9, "3.00e+09"), (2e-7, "2.00e−07"), (5.0, "5")],
    )
    def test_numbers_are_short(self, value, text):
        shown = as_text([("a", grid([[value, 2.25]]))])[2].split()
        assert shown[1] == text


def test_text_is_a_table_in_which_what_differs_stands_between_asterisks():
    assert as_text([("came", SMALL)]) == [
        "came: tensor of shape (2, 2), float32",
        "       0    1",
        "  0 1.50 *−2*",
        "  1  NaN    4",
        "Cells in *asterisks* differ.",
    ]
