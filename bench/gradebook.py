"""Ten thousand students by fifty exercises: how long an export and a report take, beside nbgrader's own export.

The class is not graded but made: rows as nbgrader has them, and notebooks that hold the lesson's check and answer
cells with verdicts as grading leaves them. A fifth of the verdicts are of one student alone, as sentences are that
tell what somebody's code gave; half of the students have written code of their own, and the others one of the texts
that many come to.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from autograde import catalogue, migration
from autograde.build import source
from autograde.cells import checked_name, grade_id_of, is_grade, is_solution
from autograde.course import Course, find_root
from autograde.exercise import Line, Outcome, Verdict
from autograde.grading import register
from autograde.results import read_notebook
from autograde.verdict import verdict_bundle
from bench.grading import run

STUDENTS = 10_000
EXERCISES = 50
SOME = 100  # students that nbgrader exports from a gradebook without indexes: with all of them it takes hours


def measure_gradebook() -> list[dict[str, object]]:
    """Seconds of each command on the same class, and milliseconds for each submission that it tells of."""
    with _class() as course:
        n_lessons = len(course.lessons())
        n_exercises = sum(len(catalogue.entries(course, lesson)) for lesson in course.lessons())
        rows: list[dict[str, object]] = []

        def measured(what: str, indexes: str, students: int, *command: str) -> None:
            started = time.perf_counter()
            run(course, *command)
            seconds = time.perf_counter() - started
            submissions = students * n_lessons
            rows.append(
                {
                    "command": what,
                    "indexes": indexes,
                    "students asked for": students,
                    "exercises": n_exercises,
                    "seconds": seconds,
                    "ms a submission": 1000 * seconds / submissions,
                }
            )

        stock = ("nbgrader", "export", "--to", str(course.folder / "stock.csv"))
        some = [f"--CsvExportPlugin.student=student-{number:05}" for number in range(SOME)]
        migration.downgrade(course.db_url)
        measured("nbgrader export", "as nbgrader makes them", SOME, *stock, *some)
        migration.upgrade(course.db_url)
        measured("nbgrader export", "with ours", SOME, *stock, *some)
        measured("nbgrader export", "with ours", STUDENTS, *stock)
        export = ("autograde", "export", "--out", str(course.folder / "marks.csv"))
        measured("autograde export, and no result is in the index", "with ours", STUDENTS, *export)
        measured("autograde export", "with ours", STUDENTS, *export)
        measured("autograde report", "with ours", STUDENTS, "autograde", "report")
        return rows


@contextmanager
def _class() -> Iterator[Course]:
    """A repository of its own with lessons that have EXERCISES exercises together, and everybody's results."""
    here = find_root(Path(__file__).parent)
    with tempfile.TemporaryDirectory(prefix="bench-gradebook-") as folder:
        root = Path(folder)
        (root / "solutions").mkdir()
        for lesson in _lessons(Course(here, root)):
            shutil.copy(here / "solutions" / f"{lesson}.py", root / "solutions")
        shutil.copy(here / "nbgrader_config.py", root)
        course = Course(root, root / "course")
        register(course, course.lessons())
        _fill(course)
        yield course


def _lessons(course: Course) -> list[str]:
    """The lessons from the first on, each that still fits, until there are EXERCISES exercises."""
    chosen, left = [], EXERCISES
    for lesson in course.lessons():
        n_exercises = len(catalogue.entries(course, lesson))
        if n_exercises <= left:
            chosen.append(lesson)
            left -= n_exercises
    return chosen


def _fill(course: Course) -> None:
    """Rows of the gradebook and a notebook for each student and lesson."""
    rng = random.Random(0)
    students = [f"student-{number:05}" for number in range(STUDENTS)]
    with closing(sqlite3.connect(course.database, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO student (id, first_name, last_name) VALUES (?, ?, ?)",
            [(student, "Student", student) for student in students],
        )
        for lesson in course.lessons():
            ids = db.execute(
                "SELECT a.id, n.id FROM assignment AS a JOIN notebook AS n ON n.assignment_id = a.id WHERE a.name = ?",
                (lesson,),
            ).fetchone()
            cells = db.execute("SELECT id, name, type FROM base_cell WHERE notebook_id = ?", (ids[1],)).fetchall()
            made = _Notebook(course, lesson)
            for student in students:
                _enter(db, student, ids, cells, made.write(student, rng))
        db.execute("COMMIT")


def _enter(
    db: sqlite3.Connection, student: str, ids: tuple[str, str], cells: list[tuple], scores: dict[str, float]
) -> None:
    assignment, notebook = uuid.uuid4().hex, uuid.uuid4().hex
    db.execute(
        "INSERT INTO submitted_assignment (id, assignment_id, student_id, timestamp) VALUES (?, ?, ?, ?)",
        (assignment, ids[0], student, "2026-01-02 03:04:05.000000"),
    )
    db.execute(
        "INSERT INTO submitted_notebook (id, assignment_id, notebook_id, flagged) VALUES (?, ?, ?, 0)",
        (notebook, assignment, ids[1]),
    )
    db.executemany(
        "INSERT INTO grade (id, notebook_id, cell_id, auto_score, needs_manual_grade) VALUES (?, ?, ?, ?, 0)",
        [(uuid.uuid4().hex, notebook, cell, scores[name]) for cell, name, kind in cells if kind == "GradeCell"],
    )
    db.executemany(
        "INSERT INTO comment (id, notebook_id, cell_id) VALUES (?, ?, ?)",
        [(uuid.uuid4().hex, notebook, cell) for cell, _, kind in cells if kind == "SolutionCell"],
    )


class _Notebook:
    """Makes graded notebooks of one lesson, quickly: the parts that many share are written out once."""

    def __init__(self, course: Course, lesson: str):
        self._course, self._lesson = course, lesson
        notebook = read_notebook(source(course, lesson))
        cells = [cell for cell in notebook["cells"] if is_grade(cell) or is_solution(cell)]
        self._cells = [(cell, json.dumps(cell, indent=1)) for cell in cells]
        self._entries = catalogue.entries(course, lesson)
        self._frame = json.dumps({**notebook, "cells": [], "metadata": {"autograde": {"notes": [], "walls": True}}})
        self._shared: dict[tuple[str, str], tuple[Verdict, str]] = {}

    def write(self, student: str, rng: random.Random) -> dict[str, float]:
        """Write a student's notebook, as handed in and as graded, and return the scores by grade id."""
        scores: dict[str, float] = {}
        came, graded = [], []
        has_own_code = rng.random() < 0.5
        for cell, text in self._cells:
            if is_grade(cell):
                came.append(text)
                verdict, text = self._graded(cell, rng)
                scores[grade_id_of(cell)] = verdict.score
            else:
                if has_own_code:
                    number = rng.randrange(10**6)
                    own = f"def tried_{number}(a, b):\n    return a[{number}] * b.sum(dim={number % 3})"
                    text = json.dumps({**cell, "source": f"{cell['source']}\n\n\n{own}"}, indent=1)
                came.append(text)
            graded.append(text)
        for path, texts in (
            (self._course.submission(student, self._lesson), came),
            (self._course.graded(student, self._lesson), graded),
        ):
            path.parent.mkdir(parents=True)
            path.write_text(self._frame.replace('"cells": []', f'"cells": [{",".join(texts)}]'), encoding="utf-8")
        return scores

    def _graded(self, cell: dict[str, Any], rng: random.Random) -> tuple[Verdict, str]:
        entry = self._entries[checked_name(cell)]
        luck = rng.random()
        if luck < 0.2:
            found = f"gave {rng.gauss(0, 1):.6g}, expected {rng.gauss(0, 1):.6g}: look at the first row again."
            return self._made(cell, entry, Outcome.PARTIAL, 0.5 * entry.points, found)
        kind, found = ("passed", "") if luck < 0.6 or not entry.sentences else ("failed", rng.choice(entry.sentences))
        if (entry.name, found) not in self._shared:
            score = entry.points if kind == "passed" else 0.0
            self._shared[entry.name, found] = self._made(cell, entry, Outcome(kind), score, found)
        return self._shared[entry.name, found]

    def _made(
        self, cell: dict[str, Any], entry: catalogue.Entry, outcome: Outcome, score: float, feedback: str
    ) -> tuple[Verdict, str]:
        share, worth = score / 3, entry.points / 3
        lines = tuple(
            Line(f"does what it is for, {number}", not feedback, share, worth, feedback) for number in range(3)
        )
        verdict = Verdict(entry.name, outcome, score, entry.points, feedback, lines)
        output = {"output_type": "display_data", "metadata": {}, "data": verdict_bundle(verdict)}
        return verdict, json.dumps({**cell, "outputs": [output]}, indent=1)
