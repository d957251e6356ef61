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


@pytest.fixture(scope="module")
def axe():
    """Says what axe-core finds grave on a page, in that theme; keeps a screenshot."""
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: make test-browser")
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    def look(chromium, path, name, theme, width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        try:
            page = context.new_page()
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            page.evaluate(script)
            found = page.evaluate("axe.run()")["violations"]
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}-{theme}.png")
        finally:
            context.close()
        grave = [each for each in found if each["impact"] in GRAVE]
        return [(each["id"], each["help"], each["nodes"][0]["html"][:200]) for each in grave], wider

    return look


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "cards", "feedback"])
def test_axe_finds_nothing_grave(chromium, axe, pages, name, theme):
    grave, _ = axe(chromium, pages[name], name, theme)
    assert not grave


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 400)])
@pytest.mark.parametrize("name", ["index", "learn", "teach", "honest", "lessons/03_dot_product", "api-collabkit"])
def test_the_documentation_can_be_read_by_everybody(chromium, axe, site, name, theme, width):
    """Also on a telephone: no page is wider than its window."""
    grave, wider = axe(chromium, site / f"{name}.html", f"site-{name.replace('/', '-')}-{width}", theme, width)
    assert not grave
    assert wider <= 0
