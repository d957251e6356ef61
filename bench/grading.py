"""A class from hand-in to gradebook: `nbgrader autograde` as it comes, and `autograde grade`, on the same submissions.

Both write into a gradebook in which the lessons are registered already, and every mark must be the same.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autograde.build import build
from autograde.course import Course, find_root
from autograde.grading import register
from autograde.sample_class import ROLES, Planted, handed_in, plan

SUBMISSIONS = 24  # to lessons 01 to 03, by eight students
REPEATS = 3
CLASSES = (24, 100, 400)  # submissions
SCRIPTS = Path(sys.executable).parent
STOCK = """\
c = get_config()
c.CourseDirectory.source_directory = "build/source"
c.CourseDirectory.submitted_directory = "course/submitted"
c.CourseDirectory.autograded_directory = "course/autograded"
c.CourseDirectory.release_directory = "course/release"
c.CourseDirectory.feedback_directory = "course/feedback"
c.CourseDirectory.db_url = "sqlite:///course/gradebook.db"
"""


def measure_grading() -> list[dict[str, object]]:
    """Median seconds for the whole class, by grader. Raises ValueError when the marks are not all equal."""
    with _class(SUBMISSIONS) as course:
        graders: dict[str, Callable[[], None]] = {
            "nbgrader autograde": lambda: _stock(course),
            "autograde grade, one worker": lambda: _ours(course, 1),
            "autograde grade, two workers": lambda: _ours(course, 2),
        }
        times: dict[str, list[float]] = {name: [] for name in graders}
        marks: dict[str, dict] = {}
        for _ in range(REPEATS):
            for name, run in graders.items():
                times[name].append(_timed(course, run))
                marks[name] = _marks(course)
                _insist_on_equal(marks)
    seconds = {name: statistics.median(each) for name, each in times.items()}
    first = next(iter(seconds.values()))
    return [
        {
            "grader": name,
            "seconds": each,
            "times as fast": first / each,
            "runs, s": ", ".join(f"{run:.1f}" for run in times[name]),
        }
        for name, each in seconds.items()
    ]


def measure_growing_class() -> list[dict[str, object]]:
    """Seconds by the size of the class with two workers, and what each further submission costs."""
    rows: list[dict[str, object]] = []
    before, spent = 0, 0.0
    for size in CLASSES:
        with _class(size) as course:
            seconds = _timed(course, lambda course=course: _ours(course, 2))
        further = 1000 * (seconds - spent) / (size - before)
        rows.append({"submissions": size, "seconds": seconds, "ms for each further one": further if before else "-"})
        before, spent = size, seconds
    return rows


@contextmanager
def _class(size: int) -> Iterator[Course]:
    """A repository of its own with so many submissions: solved, and with every mistake that is known in turn."""
    here = find_root(Path(__file__).parent)
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as folder:
        root = Path(folder)
        (root / "solutions").mkdir()
        for script in sorted((here / "solutions").glob("0[123]_*.py")):
            shutil.copy(script, root / "solutions")
        shutil.copy(here / "nbgrader_config.py", root)
        course = Course(root, root / "course")
        lessons = course.lessons()
        build(course, lessons)
        register(course, lessons)
        n_students = -(-size // len(lessons))
        class_ = plan(course, n_students - 1 + len(ROLES), seed=0)
        students = [Planted("ada-solved", "solved", {}), *class_[len(ROLES) :]]
        places = [(student, lesson) for student in students for lesson in lessons][:size]
        for student, lesson in places:
            notebook = handed_in(course, student, lesson, accident=False)
            assert notebook
            path = course.submission(student.student, lesson)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(notebook)
        shutil.copytree(course.folder, root / "fresh")
        yield course


def _timed(course: Course, run: Callable[[], None]) -> float:
    """Seconds of a run that starts from a class in which nothing has been graded."""
    shutil.rmtree(course.folder)
    shutil.copytree(course.root / "fresh", course.folder)
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _stock(course: Course) -> None:
    """Its own Execute and DeduplicateIds, the python3 kernel, and no walls."""
    ours = course.root / "nbgrader_config.py"
    kept = ours.read_text(encoding="utf-8")
    ours.write_text(STOCK, encoding="utf-8")
    try:
        for lesson in course.lessons():
            run(course, "nbgrader", "autograde", lesson)
    finally:
        ours.write_text(kept, encoding="utf-8")


def _ours(course: Course, workers: int) -> None:
    run(course, "autograde", "grade", "--workers", str(workers))


def run(course: Course, command: str, *arguments: str) -> None:
    """Run a command in the course's repository. RuntimeError, with what it said, when it fails."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", os.defpath)]),
    }
    done = subprocess.run(
        [SCRIPTS / command, *arguments], cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:] or done.stdout[-2000:]}")


def _marks(course: Course) -> dict[tuple[str, str, str], float]:
    """What checks gave, by student, lesson and cell."""
    with sqlite3.connect(course.database) as db:
        found = db.execute(
            "SELECT student_id, assignment.name, base_cell.name, auto_score FROM grade"
            " JOIN base_cell ON cell_id = base_cell.id JOIN submitted_notebook AS n ON grade.notebook_id = n.id"
            " JOIN submitted_assignment AS s ON n.assignment_id = s.id"
            " JOIN assignment ON s.assignment_id = assignment.id"
        ).fetchall()
    db.close()
    return {(student, lesson, cell): score for student, lesson, cell, score in found}


def _insist_on_equal(marks: dict[str, dict[tuple[str, str, str], float]]) -> None:
    (first, wanted), *others = marks.items()
    if len({place[:2] for place in wanted}) != SUBMISSIONS:
        raise ValueError(f"{first} has graded {len({place[:2] for place in wanted})} of {SUBMISSIONS} submissions")
    for name, found in others:
        if different := [place for place in wanted.keys() | found.keys() if wanted.get(place) != found.get(place)]:
            place = min(different)
            raise ValueError(
                f"{len(different)} marks differ, {' '.join(place)} for one: "
                f"{wanted.get(place)} by {first}, {found.get(place)} by {name}"
            )
