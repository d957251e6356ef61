"""Cards: escaped, readable without colour, and the same in HTML, Markdown and text."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from autograde import card
from autograde.exercise import Line, Measured, Outcome, Verdict

SHARED = "You summed over the rows. Sum over the factors: `dim=1`."
PARTIAL = Verdict(
    "DotProduct",
    Outcome.PARTIAL,
    0.5,
    3.5,
    f"{SHARED} Your `DotProduct` gave None.",
    (
        Line("Gives one prediction for each row", True, 0.5, 0.5),
        Line("Multiplies the factors", False, 0.0, 1.0, SHARED),
        Line("Lets `gradients` flow", False, 0.0, 1.0, "Your `DotProduct` gave None."),
        Line("Takes a batch of one", False, 0.0, 1.0, SHARED),
    ),
    ("epoch 1", "UserWarning: careful"),
)
EVIL = "<script>alert(1)</script> & `<b>x</b>` *bold* _x_ $y$ [z](javascript:1) | # \\ \"quoted\" 'it' ``` <img src=x>"
MEASURED = dataclasses.replace(PARTIAL, measured=Measured("RMSE on others", 0.9, {"the mean": 1.125, "our best": 0.89}))
EVERY = [Verdict("x_y", outcome, 1.0, 2.0, "Because of `that`.") for outcome in Outcome]
FORMS = [card.as_html, card.as_markdown, card.as_text]
every_form = pytest.mark.parametrize("form", FORMS)


class Page(HTMLParser):
    """What a reader gets from HTML: the text, the code in it, and the elements."""

    VOID = ("br", "hr", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.codes, self.parts, self.attributes = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.parts.append(data)
        if "code" in self.open:
            self.codes[-1] += data

    @property
    def text(self):
        return " ".join("".join(self.parts).split())


def words(form, verdict):
    """The words that a reader of this form sees, in order."""
    text = form(verdict)
    if form is card.as_html:
        text = Page(text).text
    if form is card.as_markdown:
        text = Page(MarkdownIt().render(text)).text
    return re.findall(r"[\w.]+", text.replace("`", ""))


class TestHtml:
    def test_what_a_learner_wrote_is_text(self):
        verdict = Verdict("x", Outcome.PARTIAL, 0, 1, EVIL, (Line(EVIL, False, 0, 1, EVIL),), (EVIL,))
        for each in (verdict, dataclasses.replace(verdict, lines=()), dataclasses.replace(verdict, name=EVIL)):
            page = Page(card.as_html(each))
            assert not {"script", "b", "img", "a"} & set(page.elements)
            assert "<script>alert(1)</script> &" in page.text
            assert not [name for name, _ in page.attributes if name.startswith("on")]

    def test_code_in_backticks_is_code(self):
        page = Page(card.as_html(PARTIAL))
        assert page.codes == ["DotProduct", "dim=1", "gradients", "DotProduct"]
        assert "`" not in page.text
        intro = Page(card.as_html(EVERY[0]))
        assert intro.codes == ["x_y", "that"]

    def test_code_marked_escapes_inside_and_outside(self):
        assert card.code_marked("a < `b < c` & `d`") == "a &lt; <code>b &lt; c</code> &amp; <code>d</code>"
        assert card.code_marked("one ` alone") == "one ` alone"

    def test_what_stands_between_asterisks_is_emphasised_outside_of_code(self):
        assert card.code_marked("the *first row* < `a * b * c`") == "the <em>first row</em> &lt; <code>a * b * c</code>"
        for as_it_is in ("2 * 3 * 4", "**kwargs and **more", "a*b*c", "one * alone"):
            assert card.code_marked(as_it_is) == as_it_is

    def test_says_what_it_is_to_a_screen_reader(self):
        attributes = dict(Page(card.as_html(PARTIAL)).attributes)
        assert attributes["role"] == "status"
        assert attributes["aria-label"] == "DotProduct: partial, 0.5 of 3.5 points"

    def test_follows_the_theme_and_stands_without_one(self):
        styles = [value for name, value in Page(card.as_html(PARTIAL)).attributes if name == "style"]
        used = re.findall(r"var\((--jp-[\w-]+)(,)?", " ".join(styles))
        assert {name for name, _ in used} >= {"--jp-layout-color1", "--jp-ui-font-color1", "--jp-border-color1"}
        assert all(comma for _, comma in used), "each variable has a value for where JupyterLab is not"

    def test_a_long_word_does_not_break_the_card(self):
        assert "overflow-wrap:anywhere" in card.as_html(PARTIAL)

    def test_asides_keep_their_lines(self):
        assert "epoch 1\nUserWarning: careful</pre>" in card.as_html(PARTIAL)


class TestMarkdown:
    def render(self, verdict):
        return Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(card.as_markdown(verdict)))

    def test_what_a_learner_wrote_is_text(self):
        verdict = Verdict("x", Outcome.PARTIAL, 0, 1, EVIL, (Line(EVIL, False, 0, 1, EVIL),), (EVIL,))
        for each in (verdict, dataclasses.replace(verdict, lines=()), dataclasses.replace(verdict, name=EVIL)):
            page = self.render(each)
            assert not {"script", "b", "em", "img", "a", "h1", "table"} & set(page.elements)
            assert "<script>alert(1)</script> &" in page.text
            assert "*bold* _x_" in page.text
            assert "\\$y\\$" in card.as_markdown(each), "JupyterLab would set it as a formula"

    def test_no_angle_bracket_is_left_outside_of_code(self):
        lines = (Line(EVIL, False, 0, 1, EVIL),)
        text = card.as_markdown(Verdict(EVIL, Outcome.PARTIAL, 0, 1, EVIL, lines))
        assert "<script" not in text
        assert "script>" not in text

    def test_is_a_title_a_list_and_a_block(self):
        page = self.render(PARTIAL)
        assert page.elements.count("li") == 4
        assert page.elements.count("blockquote") == 2
        assert page.elements.count("pre") == 1
        assert page.codes == ["dim=1", "gradients", "DotProduct", "epoch 1\nUserWarning: careful\n"]

    def test_asides_end_where_they_end(self):
        verdict = dataclasses.replace(PARTIAL, asides=("```", "# no title", "````"))
        page = self.render(verdict)
        assert page.codes[-1] == "```\n# no title\n````\n"
        assert "h1" not in page.elements


class TestAllForms:
    @pytest.mark.parametrize(
        "verdict", [PARTIAL, MEASURED, *EVERY, Verdict("x", Outcome.FAILED, 0, 0, "No such exercise.")]
    )
    def test_say_the_same(self, verdict):
        html, markdown, text = (sorted(words(form, verdict)) for form in FORMS)
        assert markdown == text
        assert html == text

    @every_form
    def test_what_was_measured_stands_among_what_is_known(self, form):
        assert "RMSE on others: yours 0.9000; the mean 1.1250, our best 0.8900" in Page(form(MEASURED)).text

    @every_form
    @pytest.mark.parametrize("verdict", EVERY)
    def test_every_outcome_has_a_mark_and_a_word(self, form, verdict):
        text = Page(form(verdict)).text
        mark, _ = card.LOOK[verdict.outcome]
        assert mark in text
        assert str(verdict.outcome) in text
        assert "1 of 2 points" in text
        assert "that" in text

    @every_form
    def test_every_line_has_a_mark_and_a_word(self, form):
        found = words(form, dataclasses.replace(PARTIAL, feedback="", asides=()))
        assert (found.count("passed"), found.count("failed")) == (1, 3)
        text = form(PARTIAL)
        assert (text.count("✓"), text.count("✗")) == (1, 3)

    @every_form
    def test_shared_feedback_is_said_once(self, form):
        text = form(PARTIAL)
        assert text.count("Sum over the factors") == 1
        assert text.count("gave None") == 1
        assert text.count("failed, as above") == 1

    @every_form
    def test_what_passed_is_never_called_failed_where_its_note_was_said_before(self, form):
        note = "Its points come later."
        lines = [Line(what, True, 0.0, 0.5, note) for what in ("Gives a shape", "Gives a device")]
        found = words(form, dataclasses.replace(PARTIAL, lines=(*lines, PARTIAL.lines[1]), feedback="", asides=()))
        assert (found.count("passed"), found.count("failed"), found.count("above")) == (2, 1, 1)

    @every_form
    def test_order_is_that_of_the_checks(self, form):
        text = form(PARTIAL)
        places = [
            text.index(word) for word in ("one prediction", "Multiplies", "Sum over", "gave None", "batch of one")
        ]
        assert places == sorted(places)
        assert text.index("batch of one") < text.index("epoch 1")

    @every_form
    def test_what_is_not_attempted_shows_no_list_of_failures(self, form):
        verdict = dataclasses.replace(PARTIAL, outcome=Outcome.NOT_ATTEMPTED, feedback="Write it.", asides=())
        text = form(verdict)
        assert "Write it." in text
        assert "✗" not in text
        assert "Multiplies" not in text

    @every_form
    def test_an_unknown_exercise_has_no_points(self, form):
        assert "points" not in form(Verdict("x", Outcome.FAILED, 0, 0, "No such exercise."))

    @every_form
    def test_silence_has_no_heading(self, form):
        assert card.ASIDES in form(PARTIAL)
        assert card.ASIDES not in form(dataclasses.replace(PARTIAL, asides=()))

    @pytest.mark.parametrize(
        ("points", "words_"), [(1, "1 of 1 point"), (2, "2 of 2 points"), (0.5, "0.5 of 0.5 points")]
    )
    def test_one_point_is_one_point(self, points, words_):
        assert card.as_text(Verdict("x", Outcome.PASSED, points, points)).endswith(words_)


class TestLook:
    def test_every_outcome_has_a_mark_of_its_own(self):
        assert set(card.LOOK) == set(Outcome)
        marks = [mark for mark, _ in card.LOOK.values()]
        assert len(set(marks)) == len(marks)

    @pytest.mark.parametrize("outcome", Outcome)
    def test_marks_are_readable_on_their_badge(self, outcome):
        """A large, bold mark needs a contrast of 3 (WCAG 2.2, 1.4.11)."""
        _, colour = card.LOOK[outcome]
        html = card.as_html(Verdict("x", outcome, 0, 1))
        style = re.search(r"border-radius:50%;background:(#\w+);color:(#\w+)", html)
        assert style[1] == colour
        assert contrast(style[1], style[2]) >= 3


def contrast(one, other):
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
