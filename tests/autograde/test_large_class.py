"""A class of 300, a third of it hostile or damaged, whose grading is killed twice: everybody is graded, once."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograde.build import build, released
from autograde.cells import to_bytes
from autograde.exercise import Outcome
from autograde.kernel.walls import Walls
from autograde.results import results_of

from .attacks.corpus import attacks, cell_of, notebook_of
from .attacks.watch import below, name_of
from .gradebooks import copy_of, course_at
from .processes import PATIENCE, is_there, until
from .small_class import LESSON, hand_in, hand_in_oddities, solved_notebook

pytestmark = pytest.mark.skipif(not Walls.found().enough, reason=f"walls are missing here: {Walls.found().lines()}")

STUDENTS, HOSTILE = 300, 100
# the others take their whole time before they are stopped, and test_attacks.py grades them
SLOW = ("bomb", "endless", "flood", "exhausted", "memory", "_left", "kept", "stop", "wasted", "deep", "filled")


@pytest.fixture(scope="module")
def class_of_300(small_root, tmp_path_factory):
    """A course in which 300 have handed in lesson 03, and nothing has been graded."""
    course = course_at(small_root, tmp_path_factory.mktemp("large") / "class")
    build(course, [LESSON])
    blank = nbformat.read(released(course, LESSON), as_version=4)
    hand_in_oddities(course)
    quick = [each for each in attacks() if each.lesson == LESSON and not any(word in each.name for word in SLOW)]
    for attack in [*quick, *(each for each in attacks() if each.name in ("endless_answer", "fork_bomb"))]:
        hand_in(course, f"attack-{attack.name}", json.dumps(notebook_of(attack, blank)).encode())
    whole = to_bytes(solved_notebook(course))
    for number in range(HOSTILE - len(course.students())):
        hand_in(course, f"cut-{number:02}", whole[: 1000 + 300 * number])
    answers = solved_notebook(course)
    for number in range(STUDENTS - len(course.students())):
        notebook = nbformat.from_dict(blank)
        for grade_id in ("model_call", "DotProduct", "mse_broadcast", "gradient_step", "why_mse")[: number % 6]:
            cell_of(notebook, f"{grade_id}-answer").source = cell_of(answers, f"{grade_id}-answer").source
        hand_in(course, f"honest-{number:03}", notebook)
    return course


def test_300_are_graded_once_each_though_coordinator_and_worker_are_killed(class_of_300, tmp_path):
    undisturbed = copied(class_of_300, tmp_path / "undisturbed")
    assert started(undisturbed).wait(PATIENCE) == 0
    expected = outcomes(undisturbed)
    assert len(expected) == STUDENTS
    assert not any(outcome is Outcome.UNGRADED for outcome, _ in expected.values())
    kept = files(undisturbed)

    course = copied(class_of_300, tmp_path / "disturbed")
    shutil.copy(undisturbed.secret_file, course.secret_file)
    coordinator = started(course)
    until(lambda: len(files(course)) > len(kept) / 3 or coordinator.poll() is not None)
    everything = below(coordinator.pid)
    coordinator.kill()
    assert coordinator.wait() == -signal.SIGKILL, "the class was graded before it could be disturbed"
    until(lambda: not any(map(is_there, everything)))
    before = {path: path.stat().st_mtime_ns for path in files(course)}

    coordinator = started(course)
    until(lambda: len(files(course)) > len(kept) * 2 / 3 or coordinator.poll() is not None)
    worker = next(pid for pid in below(coordinator.pid) if "local_workers" in name_of(pid))
    os.kill(worker, signal.SIGKILL)
    assert coordinator.wait(PATIENCE) == 0

    assert outcomes(course) == expected
    assert {path.relative_to(course.folder) for path in files(course)} == {
        path.relative_to(undisturbed.folder) for path in kept
    }
    for path in kept:
        assert (course.folder / path.relative_to(undisturbed.folder)).read_bytes() == path.read_bytes()
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was kept was graded again"


def copied(course, folder):
    return copy_of(course, folder, symlinks=True)


def started(course):
    command = [
        Path(sys.executable).with_name("autograde"),
        "grade",
        LESSON,
        "--course",
        course.folder,
        "--seconds",
        "5",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    environment["AUTOGRADE_DB"] = course.gradebook
    with (course.folder / "said").open("a") as said:
        return subprocess.Popen(
            list(map(str, command)), cwd=course.root, env=environment, stdout=said, stderr=subprocess.STDOUT
        )


def files(course):
    """The files of results that are whole."""
    return sorted(
        path for path in (course.folder / "results").glob("*/*.json") if not path.name.endswith(".outputs.json")
    )


def outcomes(course):
    """Student -> (the problem, the mark), for everybody."""
    return {each.student: (each.problem, each.score) for each in results_of(course, [LESSON])}
