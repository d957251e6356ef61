"""A class of one: an instructor with a course, a student with a desk, and the exchange between them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograde.course import Course
from autograde.kernel.walls import Walls

from .servers import CHROMIUM, ROOT, SWITCHES, command, environment

LESSON = "03_dot_product"
SHOTS = ROOT / "build" / "browser"


@dataclass(frozen=True)
class Classroom:
    """Two folders, and what the people in them run with."""

    instructor: Course
    instructors: dict[str, str]
    desk: Path
    students: dict[str, str]


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test-browser")
    if not CHROMIUM:
        pytest.skip("there is no Chromium here: install Debian's chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def classroom(tmp_path_factory) -> Classroom:
    """Lesson 03 is built, registered and released; nobody has fetched it."""
    if not Walls.found().enough:
        pytest.skip(f"walls are missing here, and formgrader grades behind them: {Walls.found().lines()}")
    folder = tmp_path_factory.mktemp("classroom")
    instructor, desk, exchange = folder / "instructor", folder / "amelie", folder / "exchange"
    for each in (instructor / "solutions", instructor / "course", desk, exchange):
        each.mkdir(parents=True)
    exchange.chmod(0o777)
    shutil.copy(ROOT / "solutions" / f"{LESSON}.py", instructor / "solutions")
    for each in (instructor, desk):
        shutil.copy(ROOT / "nbgrader_config.py", each)
    instructors = environment("instructor", folder / "home-of-instructor", exchange)
    command("autograde", "build", folder=instructor, environment=instructors)
    command("nbgrader", "generate_assignment", LESSON, "--create", folder=instructor, environment=instructors)
    command("nbgrader", "release_assignment", LESSON, folder=instructor, environment=instructors)
    students = environment("amelie", folder / "home-of-amelie", exchange)
    return Classroom(Course(instructor, instructor / "course"), instructors, desk, students)
