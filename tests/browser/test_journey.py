"""A student and an instructor go their whole way, in a real JupyterLab in a real browser.

The student does it by keyboard alone. Each step leaves a screenshot in build/browser/.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import statistics
from pathlib import Path

import nbformat
import pytest

from autograde import exercises
from autograde.sample_class import mistaken_source

from .conftest import LESSON, SHOTS
from .keyboard import WAIT, Keyboard, Notebook
from .servers import ROOT, jupyter_lab


@pytest.fixture(scope="module")
def source(classroom):
    return nbformat.read(classroom.instructor.source / LESSON / f"{LESSON}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def lab(classroom):
    with jupyter_lab(classroom.desk, classroom.students) as address:
        yield address


@pytest.fixture(scope="module")
def page(chromium, shot_of):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    shot_of(page, "last")  # where a failed journey ended
    context.close()


@pytest.fixture(scope="module")
def shot_of():
    """Keep what a page shows, as build/browser/<name>.png."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture
def shot(page, shot_of):
    return lambda name: shot_of(page, name)


def answer_of(source, name: str) -> str:
    return next(
        cell.source for cell in source.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{name}-answer"
    )


def test_a_student_s_way_by_keyboard_alone(page, lab, classroom, source, shot):
    # the assignment is fetched from the list
    keyboard = Keyboard(page)
    keyboard.visit(f"{lab}/lab")
    keyboard.command("Assignment List")
    assignments = page.locator("#nbgrader-assignment-list")
    fetch = assignments.get_by_role("button", name="Fetch", exact=True)
    fetch.wait_for()
    keyboard.tab_to(fetch)
    keyboard.press("Enter")
    assignments.get_by_role("button", name="Submit").wait_for()
    shot("1-fetched")
    path = classroom.desk / LESSON / f"{LESSON}.ipynb"
    assert path.is_file()

    # run as it is handed out: every card says so
    notebook = Notebook(page)
    notebook.open(f"{lab}/lab/tree/{LESSON}/{LESSON}.ipynb")
    notebook.run_all()
    card, _ = notebook.check("DotProduct")
    assert "not attempted" in card.get_attribute("aria-label")
    shot("2-blank")

    # a known mistake is told by its sentence, then mended
    exercise = exercises.of_lesson("dot_product")["DotProduct"]
    mistake = next(each for each in exercise.misconceptions if mistaken_source(source, exercise, each))
    notebook.write("class DotProduct", mistaken_source(source, exercise, mistake))
    card, _ = notebook.check("DotProduct")
    words = re.sub(r"[`*]", "", mistake.sentence)
    assert words in " ".join(card.inner_text().split())
    shot("3-mistake")
    notebook.save()
    assert words in re.sub(r"[`*]", "", " ".join(notebook.validated().split())), "the card is in the dialog"
    shot("3-mistake-validated")
    notebook.close_dialog()
    notebook.write("class DotProduct", answer_of(source, "DotProduct"))
    card, _ = notebook.check("DotProduct")
    assert "passed" in card.get_attribute("aria-label")
    shot("4-mended")
    panel = page.locator(".autograde-panel").first
    assert f"{exercise.points:g}" in panel.inner_text()

    # the other exercises
    for name in exercises.of_lesson("dot_product"):
        if name != "DotProduct":
            notebook.write(answer_of_stub(path, name), answer_of(source, name))
            card, _ = notebook.check(name)
            assert "passed" in card.get_attribute("aria-label"), (name, card.inner_text())
    shot("5-all-passed")

    # validated, and handed in
    notebook.save()
    assert "Success" in notebook.validated()
    shot("6-validated")
    notebook.close_dialog()
    keyboard.visit(f"{lab}/lab")
    keyboard.command("Assignment List")
    submit = assignments.get_by_role("button", name="Submit")
    submit.wait_for()
    keyboard.tab_to(submit)
    keyboard.press("Enter")
    assignments.locator("#submitted_assignments_list").get_by_text(LESSON).first.wait_for()
    shot("7-submitted")


def answer_of_stub(path: Path, name: str) -> str:
    """What stands in the first lines of a stub, to find its cell by."""
    notebook = json.loads(path.read_text())
    cell = next(
        cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"{name}-answer"
    )
    return "".join(cell["source"]).splitlines()[0]


def test_how_long_a_card_takes(page, lab, classroom, capsys):
    """Over all exercises of the course, each with a mistake, since a wrong answer takes longer than a right one."""
    names = [name for slug in exercises.slugs() for name in exercises.of_lesson(slug)]
    setup = (
        "from autograde import check, exercises\n\n"
        "def mistake(name):\n    return exercises.find(name)[1].misconceptions[0].answer"
    )
    sources = [setup, *(f'check("{name}", mistake("{name}"))' for name in names)]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}  # or it would be asked for
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), classroom.desk / "every-exercise.ipynb")
    notebook = Notebook(page)
    notebook.open(f"{lab}/lab/tree/every-exercise.ipynb")
    notebook.run_all()  # once, as a learner's kernel has warmed up by then
    seconds = {name: notebook.check(name)[1] for name in names}
    slowest = max(seconds, key=seconds.get)
    with capsys.disabled():
        print(
            f"\na check's card appears after {statistics.median(seconds.values()):.3f} s "
            f"(median of {len(seconds)} exercises; the slowest, {slowest}, {seconds[slowest]:.1f} s)"
        )


@pytest.fixture
def opened(page, lab, classroom):
    """Opens a lesson as it is handed out, runs it, and walks to the cell that shows a widget."""

    def opened(lesson: str, widget: str):
        shutil.copytree(ROOT / "lessons" / lesson, classroom.desk / lesson)
        notebook = Notebook(page)
        notebook.open(f"{lab}/lab/tree/{lesson}/{lesson}.ipynb")
        notebook.run_all()
        shown = page.locator(widget).first
        notebook.go_to_output(shown)
        return notebook, shown

    return opened


def test_the_decay_slider_retrains(page, opened, shot, capsys):
    notebook, widget = opened("06_weight_decay", ".collabkit-decay")
    page.wait_for_function("() => document.querySelector('.collabkit-decay')?.dataset.state === 'ready'")
    notebook.tab_to(widget.get_by_role("slider"))
    milliseconds, curves = [], set()
    for step in range(10):
        before = widget.get_attribute("data-trained")
        notebook.press("ArrowRight" if step < 5 else "ArrowLeft")
        page.wait_for_function(
            "before => { const { state, trained } = document.querySelector('.collabkit-decay').dataset;"
            " return state === 'ready' && trained !== before; }",
            arg=before,
        )
        milliseconds.append(int(widget.get_attribute("data-milliseconds")))
        curves.add("".join(widget.locator("svg").evaluate_all("all => all.map(each => each.innerHTML)")))
    shot("10-slider")
    assert len(curves) >= 6, "each place of the slider has curves of its own"
    with capsys.disabled():
        median = statistics.median(milliseconds) / 1000
        print(f"\nfrom a changed slider to a redrawn curve {median:.3f} s (median of {len(milliseconds)} changes)")


def test_the_prediction_follows_a_film_through_the_factor_space(page, opened, shot):
    notebook, widget = opened("01_latent_factors", ".collabkit-factor-space")
    point = widget.locator(".collabkit-point").first
    notebook.tab_to(point)
    before, moves = widget.locator("td[data-user]").all_inner_texts(), int(widget.get_attribute("data-moves"))
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        notebook.press(key)
    page.wait_for_function(
        "moves => Number(document.querySelector('.collabkit-factor-space').dataset.moves) > moves", arg=moves
    )
    shot("11-factor-space")
    assert widget.locator("td[data-user]").all_inner_texts() != before


def test_ten_ratings_give_a_list_that_follows_them(page, opened, shot):
    notebook, widget = opened("11_new_users", ".collabkit-ratings")
    page.wait_for_function("() => document.querySelector('.collabkit-ratings')?.dataset.state === 'ready'")
    for number in range(3):
        film, lists = widget.locator("fieldset[data-title]").nth(number), widget.get_attribute("data-lists")
        stars = film.get_attribute("data-stars")
        notebook.tab_to(film)
        notebook.press("ArrowRight")
        page.wait_for_function(
            "before => { const { state, lists } = document.querySelector('.collabkit-ratings').dataset;"
            " return state === 'ready' && lists !== before; }",
            arg=lists,
        )
        assert film.get_attribute("data-stars") != stars
    shot("12-ten-ratings")


def test_an_instructor_s_way(chromium, classroom, shot_of):
    with jupyter_lab(classroom.instructor.root, classroom.instructors) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(WAIT)
        try:
            page.goto(f"{address}/formgrader/manage_assignments")
            page.locator(".collect a").first.click()
            page.get_by_text("Successfully collected").wait_for()
            shot_of(page, "8-collected")
            page.get_by_role("button", name="Close").last.click()
            page.goto(f"{address}/formgrader/manage_submissions/{LESSON}")
            page.locator(".autograde a").first.click()
            page.get_by_text("Successfully autograded").wait_for()
            page.get_by_role("button", name="Close").last.click()
            page.goto(f"{address}/formgrader/gradebook/{LESSON}/{LESSON}")
            row = page.locator("tbody tr", has=page.locator("a")).first  # before it comes, one says that it is loaded
            row.wait_for()
            shot_of(page, "9-graded")
            points = sum(each.points for each in exercises.of_lesson("dot_product").values())
            assert f"{points:g}" in row.inner_text()
        finally:
            shot_of(page, "last")
            context.close()
    with sqlite3.connect(classroom.instructor.database) as gradebook:
        (marks,) = gradebook.execute("SELECT SUM(auto_score) FROM grade").fetchone()
    assert marks == points
