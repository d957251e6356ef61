"""A class at a real hub: lessons go out, work comes in, marks and feedback go back, and nobody sees another's work.

ada solves lesson 03, ben makes a known mistake, carl tries what the exchange lets him try, and dora has a browser.
"""

from __future__ import annotations

import re
import shlex
from types import SimpleNamespace

import nbformat
import pytest

from autograde import exercises
from autograde.course import COURSE_ID
from autograde.sample_class import mistaken_source

from ..browser.keyboard import WAIT
from .conftest import INSTRUCTOR, LESSON, PASSWORDS, SHOTS, STUDENTS
from .machine import SCRIPTS
from .person import Person

PATH = f"{LESSON}/{LESSON}.ipynb"
ASSIGNMENT = {"course_id": COURSE_ID, "assignment_id": LESSON}
EXERCISES = exercises.of_lesson("dot_product")
MISTAKEN = EXERCISES["DotProduct"]


@pytest.fixture(scope="module")
def people(hub):
    people = {name: Person(hub.address, name, PASSWORDS[name]) for name in (*STUDENTS[:2], INSTRUCTOR)}
    for person in people.values():
        person.start()
    return SimpleNamespace(**people)


@pytest.fixture(scope="module")
def released(people):
    for step in ("assign", "release"):
        people.ines.done(f"formgrader/api/assignment/{LESSON}/{step}")
    return people


@pytest.fixture(scope="module")
def mistake(hub, released):
    source = nbformat.read(hub.course.source / LESSON / f"{LESSON}.ipynb", as_version=4)
    found = (each for each in MISTAKEN.misconceptions if mistaken_source(source, MISTAKEN, each))
    mistake = next(found)
    return SimpleNamespace(sentence=mistake.sentence, cell=mistaken_source(source, MISTAKEN, mistake), solution=source)


@pytest.fixture(scope="module")
def submitted(released, mistake):
    """Both fetched, wrote and handed in, each through a server of their own."""
    answers = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in mistake.solution.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").endswith("-answer")
    }
    for person, others in ((released.ada, {}), (released.ben, {"DotProduct-answer": mistake.cell})):
        listed = person.tell("assignments/fetch", **ASSIGNMENT)
        assert [each["status"] for each in listed["value"]] == ["fetched"]
        notebook = person.open(PATH)
        for cell in notebook["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            cell["source"] = {**answers, **others}.get(grade_id, cell["source"])
        person.save(PATH, notebook)
        told = person.done("assignments/submit", **ASSIGNMENT)
        assert "submitted" in [each["status"] for each in told["value"]]
    return released


@pytest.fixture(scope="module")
def mischief(hub, submitted):
    """carl hands in under ada's name, later than ada, a link to the solution, and a name that no program can read."""
    inbound = f"/srv/exchange/{COURSE_ID}/inbound"
    folder = shlex.quote(f"{inbound}/ada+{LESSON}+2999-01-01 00:00:00 UTC+carl")
    solution = hub.clone + f"/build/source/{PATH}"
    hub.machine.done(
        *("carl", "sh", "-c"),
        f"mkdir {folder} {inbound}/junk+{LESSON}+whenever+ && cd {folder} && ln -s {solution} {LESSON}.ipynb"
        f" && ln -s {hub.clone} all && echo 2999-01-01 00:00:00 UTC > timestamp.txt && chmod -R a+rX .",
    )
    assert hub.machine.run("carl", "cat", solution).returncode != 0


@pytest.fixture(scope="module")
def graded(submitted, mischief):
    submitted.ines.done(f"formgrader/api/assignment/{LESSON}/collect")
    for student in STUDENTS[:2]:
        submitted.ines.done(f"formgrader/api/submission/{LESSON}/{student}/autograde")
    return submitted


@pytest.fixture(scope="module")
def feedback(graded):
    for step in ("generate_feedback", "release_feedback"):
        graded.ines.done(f"formgrader/api/assignment/{LESSON}/{step}")
    return graded


def marks(hub, student):
    with hub.course.api.gradebook as gradebook:
        (notebook,) = gradebook.find_submission(LESSON, student).notebooks
        return {grade.name: grade.auto_score for grade in notebook.grades}


def test_only_the_class_and_its_instructor_come_in(hub):
    with pytest.raises(AssertionError, match="403"):
        Person(hub.address, "olga", PASSWORDS["olga"])
    with pytest.raises(AssertionError, match="403"):
        Person(hub.address, "ada", PASSWORDS["ben"])


def test_formgrader_is_the_instructor_s_alone(people):
    assert people.ines.status("formgrader/manage_assignments") == 200
    assert people.ada.status("formgrader/manage_assignments") == 404
    assert people.ada.status("formgrader/manage_assignments", whose=INSTRUCTOR) in (302, 403)


def test_one_s_token_opens_nobody_else_s_server(people):
    assert people.ben.status("api/contents") == 200
    assert people.ben.status("api/contents", whose="ada") in (302, 403)
    assert people.ines.status("api/contents", whose="ada") in (302, 403)


def test_a_student_s_processes_have_limits(hub, people):
    def limit(name, what):
        uid = hub.home(name).stat().st_uid
        servers = [
            path.parent
            for path in (hub.machine.root / "proc").glob("[0-9]*/cmdline")
            if b"jupyterhub.singleuser" in path.read_bytes() and path.stat().st_uid == uid
        ]
        assert len(servers) == 1
        return re.search(rf"{what} +(\S+)", (servers[0] / "limits").read_text())[1]

    assert limit("ada", "Max data size") == str(4 * 2**30)
    assert limit("ada", "Max processes") == "300"
    assert limit(INSTRUCTOR, "Max data size") == "unlimited"


def test_validate_shows_the_card_of_the_mistake(submitted, mistake):
    assert submitted.ada.tell("assignments/validate", path=PATH) == {"success": True, "value": {}}
    told = submitted.ben.done("assignments/validate", path=PATH)
    assert words(mistake.sentence) in words(str(told["value"]))


def words(text):
    return " ".join(re.sub(r"<[^>]+>|[`*]|\\n", " ", text).split())


@pytest.mark.parametrize(
    "path",
    [
        "/home/ada",
        f"/home/ada/{PATH}",
        "/home/ada/.local/share/jupyter/nbgrader_cache",
        f"/srv/exchange/{COURSE_ID}/inbound",
        f"/srv/exchange/{COURSE_ID}/feedback",
        f"/home/{INSTRUCTOR}/collaborative-filtering/course/gradebook.db",
        f"/home/{INSTRUCTOR}/collaborative-filtering/course/secret.key",
        f"/home/{INSTRUCTOR}/collaborative-filtering/solutions/{LESSON}.py",
        "/srv/hub/jupyterhub.sqlite",
        "/srv/hub/cookie_secret",
    ],
)
def test_a_student_reads_nothing_of_others(hub, feedback, path):
    assert hub.machine.run("root", "ls", path).returncode == 0, "it is there"
    read = hub.machine.run("ben", "sh", "-c", f"ls {shlex.quote(path)}/ || cat {shlex.quote(path)}")
    assert read.returncode != 0
    assert "Permission denied" in read.stderr


def test_a_student_cannot_put_the_course_aside(hub, released):
    moved = hub.machine.run("ben", "mv", f"/srv/exchange/{COURSE_ID}", "/srv/exchange/mine")
    assert moved.returncode != 0
    written = hub.machine.run("ben", "touch", f"/srv/exchange/{COURSE_ID}/outbound/{LESSON}/{LESSON}.ipynb")
    assert written.returncode != 0


def test_ada_s_work_is_collected_as_she_handed_it_in(hub, graded):
    collected = hub.course.submission("ada", LESSON)
    assert collected.read_bytes() == hub.home("ada").joinpath(PATH).read_bytes()


def test_carl_gets_neither_ada_s_name_nor_the_solution(hub, graded):
    assert [path.name for path in (hub.course.submitted / "carl" / LESSON).iterdir()] == ["timestamp.txt"]
    assert not (hub.course.submitted / "junk").exists()


def test_the_marks_are_right_and_the_walls_stood(hub, graded):
    assert marks(hub, "ada") == {name: each.points for name, each in EXERCISES.items()}
    of_ben = marks(hub, "ben")
    assert of_ben.pop("DotProduct") < MISTAKEN.points
    assert of_ben == {name: each.points for name, each in EXERCISES.items() if name != "DotProduct"}
    for student in STUDENTS[:2]:
        notebook = nbformat.read(hub.course.graded(student, LESSON), as_version=4)
        assert notebook.metadata.autograde.walls is True


def test_formgrader_shows_a_submission_to_mark_by_hand(graded):
    submissions = graded.ines.ask(f"formgrader/api/submitted_notebooks/{LESSON}/{LESSON}")
    (of_ben,) = [each["id"] for each in submissions if each["student"] == "ben"]
    page = graded.ines.page(f"formgrader/submissions/{of_ben}/")
    assert 'class="score' in page
    assert "comment" in page


def test_feedback_reaches_each_student_and_holds_the_card(hub, feedback, mistake):
    pages = {}
    for name in STUDENTS[:2]:
        getattr(feedback, name).tell("assignments/fetch_feedback", **ASSIGNMENT)
        (page,) = hub.home(name).joinpath(LESSON, "feedback").glob(f"*/{LESSON}.html")
        path = page.relative_to(hub.home(name))
        pages[name] = hub.machine.done(name, "cat", f"/home/{name}/{path}")
    assert f"DotProduct: passed, {MISTAKEN.points:g} of {MISTAKEN.points:g} point" in pages["ada"]
    assert words(mistake.sentence) in words(pages["ben"])
    assert words(mistake.sentence) not in words(pages["ada"])


def test_the_instructor_s_commands_work_in_a_terminal(hub, feedback):
    """With what a terminal of that server has, `autograde export` gives what formgrader graded."""
    environment = {"AUTOGRADE_EXCHANGE": "/srv/exchange", "PYTHONPATH": hub.environment["PYTHONPATH"]}
    said = hub.machine.done(
        *(INSTRUCTOR, "env", "-C", hub.clone, *(f"{name}={value}" for name, value in environment.items())),
        *(SCRIPTS / "autograde", "export", "--format", "csv"),
    )
    assert f"ada,{LESSON},DotProduct,passed,{MISTAKEN.points:g},{MISTAKEN.points:g}" in said


@pytest.fixture
def browse(hub, chromium):
    """Log somebody in with a browser of their own; returns the page."""
    contexts = {}

    def browse(name, where):
        contexts[name] = chromium.new_context(viewport={"width": 1280, "height": 800})
        page = contexts[name].new_page()
        page.set_default_timeout(WAIT)
        page.goto(f"{hub.address}/hub/login?next=/hub/user-redirect/{where}")
        page.locator("#username_input").fill(name)
        page.locator("#password_input").fill(PASSWORDS[name])
        page.locator("#login_submit").click()
        return page

    SHOTS.mkdir(parents=True, exist_ok=True)
    yield browse
    for name, context in contexts.items():
        context.pages[0].screenshot(path=SHOTS / f"last-of-{name}.png")  # where a failed journey ended
        context.close()


def test_a_student_fetches_in_a_browser(hub, released, browse):
    page = browse("dora", "lab")
    page.locator(".lm-MenuBar-itemLabel").get_by_text("Nbgrader").click()
    menu = page.locator(".lm-Menu-itemLabel")
    menu.get_by_text("Assignment List").wait_for()
    assert not menu.get_by_text("Formgrader").count()
    menu.get_by_text("Assignment List").click()
    assignments = page.locator("#nbgrader-assignment-list")
    assignments.get_by_role("button", name="Fetch", exact=True).click()
    assignments.get_by_role("button", name="Submit").wait_for()
    page.screenshot(path=SHOTS / "assignment-list.png")
    assert hub.home("dora").joinpath(PATH).is_file()


def test_an_instructor_collects_in_a_browser(hub, feedback, browse):
    page = browse(INSTRUCTOR, "formgrader/manage_assignments")
    page.locator(".collect a").first.click()
    page.get_by_text("Successfully collected").wait_for()
    page.locator(".modal.in").wait_for()
    page.wait_for_timeout(500)  # until it has faded in
    page.screenshot(path=SHOTS / "formgrader.png")
