"""axe-core on the pages that people read: the report, the cards, and a student's feedback, light and dark."""

from __future__ import annotations

import shutil
from importlib.resources import files

import pytest

from .conftest import LESSON, SHOTS
from .servers import ROOT, command

GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def pages(classroom, tmp_path_factory):
    """Name -> file of each kind of page, of a sample class in which every role hands in."""
    folder = tmp_path_factory.mktemp("pages")
    people = {**classroom.instructors, "AUTOGRADE_COURSE": str(folder / "course")}
    root = folder / "root"
    root.mkdir()
    (folder / "course").mkdir()
    shutil.copytree(classroom.instructor.root / "solutions", root / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", root)

    def run(*words):
        command(*words, folder=root, environment=people)

    run("autograde", "sample-class", "--students", "10", "--course", str(folder / "course"))
    run("autograde", "grade", "--course", str(folder / "course"))
    run("nbgrader", "generate_feedback", LESSON)
    run("python", "-m", "autograde.card_gallery", str(folder / "cards.html"))
    feedback = sorted((folder / "course" / "feedback").glob(f"*mistakes/{LESSON}/*.html"))
    (report,) = (folder / "course" / "report").glob("*.html")
    return {"report": report, "cards": folder / "cards.html", "feedback": feedback[0]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "cards", "feedback"])
def test_axe_finds_nothing_grave(chromium, pages, name, theme):
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: make test-browser")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme)
    try:
        page = context.new_page()
        page.goto(pages[name].as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(axe)
        found = page.evaluate("axe.run()")["violations"]
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{theme}.png")
    finally:
        context.close()
    grave = [each for each in found if each["impact"] in GRAVE]
    assert not grave, [(each["id"], each["help"], each["nodes"][0]["html"][:200]) for each in grave]
