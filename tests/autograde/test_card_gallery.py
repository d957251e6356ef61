"""The page of all cards."""

from autograde import card_gallery
from autograde.exercise import Outcome
from autograde.exercises import find

from .test_card import Page


def test_shows_every_outcome_and_the_known_mistakes(tmp_path):
    file = tmp_path / "cards.html"
    card_gallery.main([str(file), "DotProduct"])
    main = file.read_text(encoding="utf-8").split("<main>")[1].split("</main>")[0]
    text = Page(main).text
    for outcome in Outcome:
        assert f"an_exercise: {outcome}" in text
    for mistake in find("DotProduct")[1].misconceptions:
        assert f"DotProduct: {mistake.name}" in text
    assert "The course: 0 of 100 points" in text


def test_without_names_one_of_each_exercise():
    titles = [title for title, _ in card_gallery.cards()]
    assert len(set(titles)) == len(titles)
    assert sum(title.startswith("DotProduct: ") for title in titles) == 1
