"""A small repository with lesson 03 alone, and one class of it that is graded once for all tests."""

import os
import pickle
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from autograde.course import Course, find_root
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.sample_class import make_sample_class

from .small_class import LESSON, hand_in_oddities

ROOT = find_root(Path(__file__).parent)


@pytest.fixture(scope="session")
def root():
    """The repository that these tests belong to. Nothing may be written there."""
    return ROOT


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder that the workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


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
    course = Course(small_root, small_root / "course")
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
    course = Course(graded[0].root, tmp_path / "class")
    shutil.copytree(graded[0].folder, course.folder)
    return course


@pytest.fixture(scope="session")
def empty_gradebook(small_root, shared):
    """A gradebook to copy: making one starts alembic, which takes a second."""
    course = Course(small_root, shared / "empty")
    with FileLock(f"{course.folder}.lock"), course.api.gradebook as gradebook:
        assert gradebook.students == []
    return course.folder / "gradebook.db"


@pytest.fixture
def fresh(small_root, empty_gradebook, tmp_path):
    """A course in which nothing has happened yet."""
    course = Course(small_root, tmp_path / "class")
    course.folder.mkdir()
    shutil.copy(empty_gradebook, course.folder)
    return course
