"""What students wrote is read by one process or by several, and says the same."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from autograde.build import built_files, source
from autograde.cells import answer_grade_id, exercise_grade_id
from autograde.course import Course
from autograde.effort import Effort, as_metadata
from autograde.exercise import Line, Outcome, Verdict
from autograde.peculiar import ANSWERS
from autograde.report import work
from autograde.report.summary import summaries
from autograde.results import Result
from autograde.sample_class import disguised

from .processes import is_there, until
from .small_class import hand_in

LESSONS = {"02_ratings_to_batches": "one_epoch", "03_dot_product": "gradient_step"}


def notebook(name, code):
    told = as_metadata(Effort(checks=3, hints=1, seconds=60.0, first_at=1_790_000_000.0, last_at=1_790_000_060.0))
    return {
        "cells": [
            {"cell_type": "code", "source": code, "metadata": {"nbgrader": {"grade_id": answer_grade_id(name)}}},
            {
                "cell_type": "code",
                "source": "",
                "metadata": {"nbgrader": {"grade_id": exercise_grade_id(name)}},
                "outputs": [{"output_type": "display_data", "data": {}, "metadata": told}],
            },
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def class_of_two_lessons(root, tmp_path):
    """(course, results): in each lesson two who share a solution, and one who makes a known mistake."""
    (tmp_path / "solutions").mkdir()
    for lesson in LESSONS:
        shutil.copy(root / "solutions" / f"{lesson}.py", tmp_path / "solutions")
    course = Course(tmp_path, tmp_path / "course")
    results = []
    for lesson, name in LESSONS.items():
        path = source(course, lesson)
        path.parent.mkdir(parents=True)
        path.write_bytes(built_files(course, lesson)[path])
        exercise = course.exercises(lesson)[name]
        sentence = exercise.misconceptions[0].sentence
        for student, code in {"one": ANSWERS[name], "other": disguised(ANSWERS[name]), "wrong": "wrong = 1"}.items():
            hand_in(course, student, notebook(name, code), name=f"{lesson}.ipynb", lesson=lesson)
            said = sentence if student == "wrong" else ""
            line = Line("does it", not said, 0.0 if said else exercise.points, exercise.points, said)
            outcome = Outcome.FAILED if said else Outcome.PASSED
            verdict = Verdict(name, outcome, line.score, exercise.points, said, (line,))
            results.append(Result(student, lesson, {name: verdict}))
    return course, results


def work_of(course, results):
    return dataclasses.asdict(work.work_of(course, results, summaries(course, results)))


def test_several_processes_find_what_one_finds(class_of_two_lessons, monkeypatch):
    alone = work_of(*class_of_two_lessons)
    assert {(pair["exercise"], pair["one"], pair["other"]) for pair in alone["pairs"]} == {
        (name, "one", "other") for name in LESSONS.values()
    }
    assert alone["n_pairs"] == len(alone["pairs"]) == 2
    assert set(alone["texts"]) == {(who, name) for who in ("one", "other") for name in LESSONS.values()}
    assert set(alone["examples"].values()) == {"wrong = 1"}
    assert {(name, who) for name, each in alone["efforts"].items() for who in each} == {
        (name, who) for name in LESSONS.values() for who in ("one", "other", "wrong")
    }

    here = []
    monkeypatch.setattr(work, "handed_in", lambda *place: here.append(place))
    monkeypatch.setattr(work, "MANY", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert work_of(*class_of_two_lessons) == alone
    assert not here


class Deadly(work._Said):
    """Kills every process that asks, but for this one."""

    def __init__(self, course):
        super().__init__(course)
        self.here = os.getpid()

    def names(self, lesson):
        if os.getpid() != self.here:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().names(lesson)


def test_where_one_of_them_is_killed_the_work_is_done_here(class_of_two_lessons, monkeypatch):
    alone = work_of(*class_of_two_lessons)
    monkeypatch.setattr(work, "MANY", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(work, "_Said", Deadly)
    assert work_of(*class_of_two_lessons) == alone


PARENT = """
import os
import sys
import time
from pathlib import Path

from autograde.report import work


def wait(path):  # until all are at work; then the first is done, and its process has nothing to do
    Path(path).touch()
    while not all(map(os.path.exists, sys.argv[1:])):
        time.sleep(0.01)
    if path != sys.argv[1]:
        time.sleep(100)


if __name__ == "__main__":
    work._of_lesson = wait
    try:
        work._done(sys.argv[1:], 2)
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells a process that its parent was killed")
@pytest.mark.parametrize("way", ["ctrl-c", "kill -9"])
def test_they_end_with_the_report_and_ctrl_c_leaves_no_traceback(tmp_path, way):
    script, at_work = tmp_path / "parent.py", [tmp_path / "one", tmp_path / "other"]
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script, *at_work],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's background has none
    )
    until(lambda: all(path.exists() for path in at_work))
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    if way == "kill -9":
        parent.kill()
    else:
        os.killpg(parent.pid, signal.SIGINT)
    told = parent.communicate(timeout=30)
    assert way == "kill -9" or told == (b"interrupted\n", b"")
    until(lambda: not any(is_there(child.pid) for child in children))
