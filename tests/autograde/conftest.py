"""A small repository with lesson 03 alone, and one class of it that is graded once for all tests."""

import contextlib
import os
import pickle
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from autograde.course import find_root
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.sample_class import make_sample_class

from .gradebooks import ON_POSTGRESQL, SERVER, copy_of, course_at, forget, postgresql_server
from .small_class import LESSON, hand_in_oddities

ROOT = find_root(Path(__file__).parent)


def pytest_configure(config):
    """One server for the whole run, which the workers of pytest-xdist share."""
    if ON_POSTGRESQL and not hasattr(config, "workerinput"):
        running = contextlib.ExitStack()
        os.environ[SERVER] = running.enter_context(postgresql_server())
        config.add_cleanup(running.close)


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a PostgreSQL server; skips where PostgreSQL is not installed."""
    if SERVER in os.environ:
        yield os.environ[SERVER]
    else:
        with postgresql_server() as url:
            yield url


@pytest.fixture(scope="session")
def root():
    """The repository that these tests belong to. Nothing may be written there."""
    return ROOT


@pytest.fixture(scope="session")
def small_root(shared):
    """A repository with one lesson."""
    folder = shared / "small"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            (folder / "solutions").mkdir(parents=True)
            shutil.copy(ROOT / "solutions" / f"{LESSON}.py", folder / "solutions")
            shutil.copy(ROOT / "nbgrader_config.py", folder)
    return folder


@pytest.fixture(scope="session")
def graded(small_root, shared):
    """(course, planted, results, seen): a class that has been graded; for reading only.

    The sample class, and whoever handed in something that stops other graders. seen: what on_result was told.
    """
    course = course_at(small_root, small_root / "course")
    record = shared / "graded.pickle"
    with FileLock(f"{record}.lock"):
        if not record.exists():
            planted = make_sample_class(course, n_students=8, seed=0)
            hand_in_oddities(course)
            seen = []
            results = grade(course, [LESSON], course.students(), limits=Limits(cell_seconds=15), on_result=seen.append)
            record.write_bytes(pickle.dumps((planted, results, seen)))
    return course, *pickle.loads(record.read_bytes())


@pytest.fixture
def own(graded, tmp_path):
    """A copy of the graded class, to write in."""
    course = copy_of(graded[0], tmp_path / "class")
    yield course
    if ON_POSTGRESQL:
        forget(course)


@pytest.fixture(scope="session")
def empty_gradebook(small_root, shared):
    """A course to copy, with nothing but a gradebook: making one starts alembic, which takes a second."""
    course = course_at(small_root, shared / "empty")
    with FileLock(f"{course.folder}.lock"), course.api.gradebook as gradebook:
        assert gradebook.students == []
    return course


@pytest.fixture
def fresh(empty_gradebook, tmp_path):
    """A course in which nothing has happened yet."""
    course = copy_of(empty_gradebook, tmp_path / "class")
    yield course
    if ON_POSTGRESQL:
        forget(course)
