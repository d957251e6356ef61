"""docs/gradebook.md: every command in it is run, on a server that the test starts; every sentence in it is said."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograde.course import Course
from autograde.gradebook import students_in
from autograde.migration import present

from .gradebooks import tool, with_name

THEIR_URL = "postgresql://grader@db.example.org/course"
STUDENTS = {"ada-solved", "hana-mistakes"}


@pytest.fixture
def page(root):
    return (root / "docs" / "gradebook.md").read_text(encoding="utf-8")


def commands(page):
    """The lines after a dollar sign in the page's console blocks."""
    blocks = re.findall(r"(?ms)^```console\n(.*?)^```$", page)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def repository(graded, tmp_path):
    """A repository whose class has two students, ungraded and on no roll."""
    course = graded[0]
    there = Course(tmp_path / "repository", tmp_path / "repository" / "course")
    for name in ("solutions", "lessons", "build"):
        shutil.copytree(course.root / name, there.root / name)
    shutil.copy(course.root / "nbgrader_config.py", there.root)
    for student in STUDENTS:
        shutil.copytree(course.submitted / student, there.submitted / student)
    return there


def test_every_command_of_the_page(page, repository, postgresql):
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS page WITH (FORCE)")
        server.execute("CREATE DATABASE page")
    url = with_name(postgresql, "page")
    scripts = [Path(sys.executable).parent, Path(tool("pg_dump")).parent]
    path = os.pathsep.join([*map(str, scripts), os.environ["PATH"]])
    source = str(Path(__file__).parents[2])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": source, "OMP_NUM_THREADS": "1", "AUTOGRADE_DB": ""}
    ran = []
    for line in commands(page):
        assert "\\\n" not in line
        if line.startswith("pip install"):
            continue
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value.replace(THEIR_URL, url)
            continue
        if "course/gradebook.db" in line:  # of those who have no server
            subprocess.run(
                ["autograde", "sample-class", "--students", "6", "--course", "elsewhere"],
                cwd=repository.root, env={**environment, "AUTOGRADE_DB": ""}, check=True, capture_output=True,
            )  # fmt: skip
            shutil.copy(repository.root / "elsewhere" / "gradebook.db", repository.folder)
        done = subprocess.run(
            line.replace(THEIR_URL, url), shell=True, cwd=repository.root, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stdout[-2000:], done.stderr[-2000:])
        assert url not in done.stdout
        ran.append(line.split()[0])
    assert set(ran) == {"autograde", "nbgrader", "python", "pg_dump"}
    assert students_in(url) == STUDENTS
    assert not any(present(url).values()), "the last of the three was the way down"
    assert (repository.root / "sums.csv").read_text().count("\n") == 1 + len(STUDENTS)
    assert students_in(repository.root / "gradebook-copy.db") != set()
    assert (repository.root / "gradebook.dump").stat().st_size > 1000


def test_what_the_page_quotes_is_said(page, root):
    """The first column of its last table, in which dots stand for what varies."""
    table = page[page.index("## When something is in the way") :]
    quoted = re.findall(r"(?m)^\| (?!it says|---)(.+?) \|", table)
    own = (root / "autograde" / "database.py").read_text(encoding="utf-8")
    sqlite = ["file is not a database", "database disk image is malformed", "is locked"]
    for cell in quoted:
        for part in re.split(r"\.\.\. ?|; ", cell):
            assert part.strip() in own or part.strip() in sqlite, part
    assert len(quoted) == 7
