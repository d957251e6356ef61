"""How far a learner has come: sums, what to do next, and the same in every form."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from autograde import exercises
from autograde.course import Course, find_root
from autograde.exercise import Outcome, Verdict
from autograde.records import Event, summed
from autograde.standing import as_html, as_markdown, as_text, in_brief, standing

from .test_card import Page

ROOT = find_root(Path(__file__).parent)


def checked(slug, name, outcome=Outcome.PASSED, score=None):
    points = exercises.of_lesson(slug)[name].points
    score = points if score is None else score
    return Event(slug, name, "checked", "s", verdict=Verdict(name, outcome, score, points))


def lesson(slug, **options):
    return [checked(slug, name, **options) for name in exercises.of_lesson(slug)]


def found(events=(), current=""):
    return standing(summed(events), current, ROOT)


class TestStanding:
    def test_knows_all_lessons_in_order_by_their_titles(self):
        course = Course(ROOT, ROOT / "course")
        lessons = found().lessons
        assert [f"{each.number:02d}_{each.slug}" for each in lessons] == course.lessons()
        assert lessons[2].title == "Multiply the factors"
        assert (found().score, found().points) == (0, 100)

    def test_exercises_come_in_the_order_of_the_notebook(self):
        names = [item.name for item in found(current="dot_product").current.items]
        assert names.index("model_call") < names.index("DotProduct") < names.index("why_mse")

    def test_without_a_desk_the_exercises_tell(self):
        bare = standing([], "dot_product")
        assert (bare.current.number, bare.current.title) == (3, "dot product")
        assert {item.name for item in bare.current.items} == set(exercises.of_lesson("dot_product"))

    @pytest.mark.parametrize("content", ["no json", "[]", '{"cells": []}', '{"cells": [{"source": 3}]}'])
    def test_a_notebook_that_cannot_be_read_is_done_without(self, content, tmp_path):
        path = tmp_path / "lessons" / "03_dot_product" / "03_dot_product.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(content)
        assert standing([], "dot_product", tmp_path).current.title == "dot product"

    def test_sums_the_best(self):
        events = [checked("dot_product", "DotProduct", Outcome.PARTIAL, 1.5), *lesson("latent_factors")]
        assert found(events).score == 9 + 1.5

    def test_no_record_brings_more_than_there_is(self):
        assert found([checked("dot_product", "train", score=99.0)]).score == 1

    def test_the_lesson_at_hand_is_the_one_named_or_the_first_that_is_open(self):
        assert found().current.slug == "latent_factors"
        assert found(lesson("latent_factors")).current.slug == "ratings_to_batches"
        assert found(current="bias").current.slug == "bias"
        assert found(current="no such lesson").current.slug == "latent_factors"


class TestNext:
    def test_what_has_not_been_tried(self):
        assert found(current="dot_product").next == "Next: answer `model_call`, for 0.5 points."
        tried = [checked("dot_product", "model_call")]
        assert found(tried, "dot_product").next == "Next: write `DotProduct`, for 3.5 points."

    def test_what_is_not_complete(self):
        events = [checked("dot_product", "model_call"), checked("dot_product", "DotProduct", Outcome.PARTIAL, 1.5)]
        assert found(events, "dot_product").next == (
            'Next: `DotProduct` has 1.5 of 3.5 points; its card says what is missing. Stuck? `hint("DotProduct")`.'
        )

    def test_what_was_given_up_comes_last(self):
        events = [Event("dot_product", "model_call", "gave up", "s")]
        assert "DotProduct" in found(events, "dot_product").next

    def test_the_next_lesson(self):
        assert found(lesson("latent_factors"), "latent_factors").next == (
            "Next: lesson 2, From ratings to batches. This one is complete."
        )

    def test_an_earlier_lesson_when_the_last_is_complete(self):
        assert found(lesson("capstone"), "capstone").next.startswith("Next: lesson 1, ")

    def test_nothing(self):
        events = [event for slug in exercises.slugs() for event in lesson(slug)]
        all_done = found(events)
        assert all_done.score == all_done.points
        assert all_done.next == "Next: nothing is left. You have all points of the course."


SOME = [
    checked("dot_product", "DotProduct", Outcome.PARTIAL, 1.5),
    Event("dot_product", "DotProduct", "hint", "s", 2),
    Event("dot_product", "train", "gave up", "s"),
]


class TestForms:
    def test_each_says_the_same(self):
        here = found(SOME, "dot_product")
        text, html = as_text(here), Page(as_html(here)).text
        markdown = Page(MarkdownIt().enable("table").render(as_markdown(here))).text
        for form in (text, html, markdown):
            for part in (
                "Lesson 3, Multiply the factors: 1.5 of 8 points",
                "The course: 1.5 of 100 points",
                "partial, 2 hints",
                "not attempted, given up",
                "03 Multiply the factors",
                "12 The best you can",
            ):
                assert part in form, part
            assert "Next: " in form

    def test_html_is_two_tables_with_headers(self):
        page = Page(as_html(found(SOME, "dot_product")))
        assert page.elements.count("table") == page.elements.count("caption") == 2
        assert [value for name, value in page.attributes if name == "scope"] == ["row"] * (6 + 12)

    def test_one_line_for_the_panel(self):
        line = in_brief(found(SOME, "dot_product"))
        assert line.startswith("Lesson 3: 1.5 of 8 points · course: 1.5 of 100 · Next: ")
