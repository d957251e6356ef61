"""What stands under a cross: what was asked, what came and what was expected. In practice, and there alone."""

import dataclasses
import json

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch

from autograde import card, evidence, exercises
from autograde.compare import compare
from autograde.evidence import CAME, EXPECTED, panels
from autograde.exercise import Exercise, Withheld
from autograde.exercises import dot_product, find
from autograde.judge import ask_here, examined, judge, silence
from autograde.observe import Raised, record
from autograde.verdict import verdict_bundle, verdict_to_json

from .test_card import Page

SEED = 3


def shown(exercise, answer, seed=SEED):
    with silence():
        verdict, seen = examined(exercise, ask_here(answer, seed), seed)
    return verdict, evidence.beside(exercise, verdict, seen, seed)


def mistake(name, wrong):
    exercise = find(name)[1]
    return exercise, next(each.answer for each in exercise.misconceptions if each.name == wrong)


def panel(expected, came):
    (found,) = panels(record(expected), record(came))
    return found


class TestPanels:
    def test_two_matrices_are_grids_with_the_places_that_differ(self):
        found = panel(torch.eye(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]]))
        came, expected = found.grids
        assert came.cells.tolist() == [[1.0, 0.5], [0.0, 1.0]]
        assert came.differs.tolist() == expected.differs.tolist() == [[False, True], [False, False]]
        assert came.about == "tensor of shape (2, 2), float32"

    def test_what_differs_is_what_compare_says_differs(self):
        expected, came = torch.tensor([1.0, 1.0, 1.0]), torch.tensor([1.00001, 1.1, float("nan")])
        assert panel(expected, came).grids[0].differs.tolist() == [[False, True, True]]
        assert compare(record(expected), record(came)) is not None

    def test_other_shapes_stand_beside_each_other_unmarked(self):
        came, expected = panel(torch.zeros(3), torch.zeros(3, 3)).grids
        assert (came.cells.shape, expected.cells.shape) == ((3, 3), (1, 3))
        assert not came.differs.any()
        assert expected.is_row
        assert not came.is_row

    def test_of_a_large_matrix_a_part_around_the_first_difference_is_drawn(self):
        expected = np.zeros((500, 400))
        came = expected.copy()
        came[250, 300] = 1
        grid = panel(expected, came).grids[0]
        assert grid.cells.size < 400
        assert grid.differs.sum() == 1
        assert grid.cells[grid.differs] == [1]
        assert "of 500" in grid.part
        assert grid.rows[int(np.argwhere(grid.differs)[0][0])] == "250"

    def test_of_three_dimensions_the_two_last_are_drawn(self):
        came = torch.zeros(3, 4, 2)
        came[1, 2, 0] = 5
        grid = panel(torch.zeros(3, 4, 2), came).grids[0]
        assert grid.part == "drawn is [1]"
        assert grid.cells.shape == (4, 2)

    def test_a_table_keeps_its_labels(self):
        expected = pd.DataFrame({"Alien": [1.0, np.nan]}, index=["Ada", "Bob"])
        grid = panel(expected, expected.fillna(0)).grids[0]
        assert (grid.rows, grid.columns) == (("Ada", "Bob"), ("Alien",))
        assert grid.differs.tolist() == [[False], [True]]

    @pytest.mark.parametrize("came", [[1, 2, 4], [1.0, 2.0, 4.0], [[1, 2], [3, 4]]])
    def test_lists_of_numbers_are_grids(self, came):
        assert panel([1, 2, 3], came).grids

    @pytest.mark.parametrize(
        ("expected", "came", "row"),
        [
            (1.5, 2.5, ("", "2.5", "1.5", True)),
            ("yes", "no", ("", "'no'", "'yes'", True)),
            (
                torch.zeros(5),
                Raised("ValueError", "oh"),
                ("", "ValueError: oh", "a tensor of shape (5,) and type float32", True),
            ),
            (torch.Size([3]), torch.Size([4]), ("", "shape (4,)", "shape (3,)", True)),
            (torch.tensor([1.0]), torch.tensor([2.0]), ("", "tensor([2])", "tensor([1])", True)),
            (torch.zeros(5), None, ("", "None", "a tensor of shape (5,) and type float32", True)),
        ],
    )
    def test_what_is_no_matrix_is_text(self, expected, came, row):
        assert panel(expected, came).rows == (row,)

    def test_parts_by_name_those_that_are_missing_too(self):
        found = panel({"a": 1, "b": 2}, {"b": 3, "c": 4})
        assert found.rows == (
            ("a", "nothing", "1", True),
            ("b", "3", "2", True),
            ("c", "4", "nothing", True),
        )

    def test_lists_of_text_by_position_around_what_differs(self):
        names = [f"film {number}" for number in range(50)]
        found = panel(names, [*names[:40], "other", *names[41:]])
        assert len(found.rows) == evidence.ROWS
        assert [row[0] for row in found.rows if row[3]] == ["position 40"]
        assert found.note == f"{evidence.ROWS} of 50 items are shown."

    def test_of_many_matrices_those_that_differ_are_drawn(self):
        expected = {name: torch.zeros(3, 3) for name in "abcde"}
        came = {name: value + (name in "bcd") for name, value in expected.items()}
        found = panels(record(expected), record(came))
        assert [each.title for each in found] == ["b", "c"]
        assert found[-1].note == "1 more of the 5 parts differ."


class TestOnTheCard:
    def test_asked_came_expected(self):
        verdict, beside = shown(*mistake("DotProduct", "SumsOverRows"))
        text = card.as_text(verdict, beside)
        assert "model = DotProduct(n_users=7, n_movies=11, n_factors=5)" in text
        assert f"{CAME}: tensor of shape (5,), float32" in text
        assert f"{EXPECTED}: tensor of shape (13,), float32" in text

    def test_of_what_one_sentence_explains_one_picture_is_open(self):
        verdict, beside = shown(*mistake("DotProduct", "SumsOverRows"))
        assert [each and each.is_open for each in beside] == [False, True, False, None, False]
        html = card.as_html(verdict, beside)
        assert (html.count("<details"), html.count("<details open")) == (4, 1)

    def test_all_forms_carry_it(self):
        verdict, beside = shown(*mistake("gradient_step", "climbs"))
        bundle = verdict_bundle(verdict, beside)
        for kind in ("text/html", "text/markdown", "text/plain"):
            text = Page(bundle[kind]).text if kind == "text/html" else bundle[kind]
            assert "gradient_step(model=a model, x, y, lr=" in text
            assert "0.weight" in text
            assert EXPECTED in text

    def test_what_a_learner_gives_is_text(self):
        exercise = Exercise(reference=lambda given: ["a", "b"], name="texts")
        exercise.check(points=1, sentence="Gives texts")(lambda answer, given: answer(given))
        verdict, beside = shown(exercise, lambda given: ["<script>alert(1)</script>", "``` **b**"])
        html = card.as_html(verdict, beside)
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert card.as_markdown(verdict, beside).count("````") == 2

    @pytest.mark.parametrize(
        "answer",
        [
            dot_product.DotProduct.reference,
            3,
            lambda *_: None,
            type("Blank", (), {}),
        ],
    )
    def test_nothing_where_all_is_right_or_nothing_could_be_asked(self, answer):
        verdict, beside = shown(find("DotProduct")[1], answer)
        assert set(beside) <= {None} or not verdict.passed

    def test_a_concept_question_shows_no_right_letter(self):
        question = find("model_call")[1]
        for wrong in question.misconceptions:
            _, beside = shown(question, wrong.answer)
            assert set(beside) == {None}

    def test_withheld_values_are_on_no_card(self):
        @dataclasses.dataclass
        class Given:
            stars: Withheld

        exercise = Exercise(reference=lambda stars: 1, name="seen", draw=lambda rng: Given(Withheld(4711)))
        exercise.check(points=1, sentence="Looks")(lambda answer, given: answer(given.stars))
        verdict, beside = shown(exercise, lambda stars: 2)
        assert "what only the judge knows" in card.as_text(verdict, beside)
        assert "4711" not in card.as_html(verdict, beside)

    def test_who_trains_for_long_is_not_asked_once_more(self, monkeypatch):
        exercise = dataclasses.replace(find("gradient_step")[1], patience=10)
        monkeypatch.setattr(evidence, "calls", None)
        _, beside = shown(exercise, lambda model, x, y, lr: 0.0)
        assert beside[0].text.startswith("what came")


class TestInGrading:
    """The inputs are secret there: nothing of them, and no expected value, may be in what a verdict carries."""

    def test_a_verdict_is_the_same_whoever_looks(self):
        exercise, answer = mistake("DotProduct", "SumsOverRows")
        verdict, beside = shown(exercise, answer)
        assert any(beside)
        assert judge(exercise, ask_here(answer, SEED), SEED) == verdict
        assert set(verdict_to_json(verdict)) == {
            *("name", "outcome", "score", "points", "feedback", "lines", "asides", "measured"),
        }
        assert set(verdict_to_json(verdict)["lines"][0]) == {"sentence", "passed", "score", "points", "feedback"}

    def test_a_bundle_without_evidence_is_the_bundle_as_ever(self):
        verdict, beside = shown(*mistake("DotProduct", "SumsOverRows"))
        plain = verdict_bundle(verdict)
        assert plain["text/html"] == card.as_html(verdict)
        practice = verdict_bundle(verdict, beside)
        (mime,) = set(plain) - {"text/html", "text/markdown", "text/plain"}
        assert plain[mime] == practice[mime], "the verdict itself carries nothing of it"
        assert EXPECTED not in json.dumps(plain)

    def test_a_graded_notebook_carries_none(self, graded):
        course = graded[0]
        notebooks = list(course.autograded.rglob("*.ipynb"))
        assert notebooks
        outputs = [
            json.dumps(output)
            for path in notebooks
            for cell in nbformat.read(path, as_version=4).cells
            for output in cell.get("outputs", [])
        ]
        assert any("failed" in text for text in outputs), "there are crosses among them"
        for text in (CAME, EXPECTED, "what was asked", card.SEEN):
            assert not [output for output in outputs if text in output and "vnd.autograde" in output]


@pytest.mark.parametrize("name", [name for slug in exercises.slugs() for name in exercises.of_lesson(slug)])
def test_every_known_mistake_can_be_shown(name):
    """Small enough for a notebook, with text for whoever sees no pictures."""
    exercise = find(name)[1]
    if exercise.patience > 1:
        return
    for each in exercise.misconceptions:
        verdict, beside = shown(exercise, each.answer)
        html = card.as_html(verdict, beside)
        page = Page(html)  # every element is closed
        assert len(html) < 250_000, each.name
        pictures = html.count("<svg")
        assert pictures == sum(value == "img" for key, value in page.attributes if key == "role")
        assert not [key for key, _ in page.attributes if key.startswith("on")]
        assert not {"script", "style", "link", "img"} & set(page.elements)
        assert len(card.as_text(verdict, beside).splitlines()) < 150, each.name
        assert "object at 0x" not in html
