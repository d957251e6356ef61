"""Workers here and elsewhere: the same marks, work goes on when one dies, and what cannot go on says so."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from autograde import pool
from autograde.course import CourseError
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.pool import Workers, shape
from autograde.results import how_graded

from .small_class import LESSON

LIMITS = Limits(cell_seconds=15)  # as in the fixture


def test_workers_are_few_processes_of_nearly_one_size():
    assert [shape(workers) for workers in (1, 2, 4, 5, 8, 9)] == [[1], [2], [4], [3, 2], [4, 4], [3, 3, 3]]


def test_without_a_job_no_judge_is_called_and_workers_leave_at_once(monkeypatch):
    monkeypatch.setattr(pool.Workers, "_client", None)
    monkeypatch.setattr("autograde.local_workers.LocalWorkers.prepare", None)
    with Workers(2, "", True) as crew:
        started = [each.pid for each in psutil.Process().children() if "autograde.local_workers" in each.cmdline()]
        assert list(crew.graded(iter(()))) == []
    assert len(started) == 1
    for _ in range(300):
        if not any(map(psutil.pid_exists, started)):
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"{started} did not leave")


@pytest.fixture
def jobs_run(monkeypatch, tmp_path):
    """Has workers run the function `run(number)` of this source in the place of a job; returns number -> what came."""

    def through(source, numbers, workers=2):
        (tmp_path / "stand_in_for_a_job.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        monkeypatch.delitem(sys.modules, "stand_in_for_a_job", raising=False)
        monkeypatch.setattr("autograde.worker.run", __import__("stand_in_for_a_job").run)
        with Workers(workers, "", False) as crew:
            return dict(crew.graded((number, number) for number in numbers))

    return through


def test_a_worker_that_dies_costs_nobody_else_a_result(jobs_run):
    found = jobs_run(
        "import os\ndef run(number):\n    if number == 3: os._exit(9)\n    if number == 5: raise KeyError('five')\n"
        "    return 2 * number\n",
        range(7),
    )
    assert {number: found[number] for number in (0, 1, 2, 4, 6)} == {0: 0, 1: 2, 2: 4, 4: 8, 6: 12}
    assert type(found[3]).__name__ == "KilledWorker"
    assert repr(found[5]) == "KeyError('five')"


def test_where_no_worker_starts_it_says_why(jobs_run, monkeypatch):
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(CourseError, match=r"No worker starts on this machine\."):
        jobs_run("def run(number):\n    return number\n", range(3))


def test_nothing_of_a_worker_is_left(jobs_run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    found = jobs_run("import os\ndef run(number):\n    return os.getpid()\n", range(4))
    for _ in range(600):
        if not any(map(psutil.pid_exists, found.values())) and not list(tmp_path.glob("autograde-*")):
            break
        time.sleep(0.1)
    else:
        raise AssertionError((list(found.values()), list(tmp_path.iterdir())))


def test_two_workers_work_at_once_and_jobs_are_drawn_as_they_get_free(jobs_run, tmp_path):
    found = jobs_run(
        "import pathlib, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "def run(number):\n"
        "    (here / f'job-{number}').touch()\n"
        "    for _ in range(600):\n"
        "        if len(list(here.glob('job-*'))) >= 2: return 'together'\n"
        "        time.sleep(.1)\n"
        "    return 'alone'\n",
        range(60),
    )
    assert found == dict.fromkeys(range(60), "together")


def test_they_listen_on_loopback_alone(jobs_run):
    source = "import psutil\ndef run(number):\n    return psutil.Process().ppid()\n"
    listening = []

    def looked(jobs):
        yield from jobs
        own = psutil.Process()
        for process in (own, *own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                listening.extend(c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN)

    found = jobs_run(source, looked(range(40)))
    assert len(found) == 40
    assert set(listening) == {"127.0.0.1"}


@contextlib.contextmanager
def dask(*arguments, **options):
    """One of Dask's own processes; ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments, "--no-dashboard"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_two_workers_of_a_scheduler_elsewhere_give_the_same_marks(own, graded, tmp_path):
    file, students = tmp_path / "scheduler.json", ["ada-solved", "gus-mistakes", "hana-mistakes", "cleo-crash"]
    for path in (own.folder / "results").glob("*/*.json"):
        path.unlink()
    place = ("--scheduler-file", str(file))
    worker = ("distributed.cli.dask_worker", *place, "--host", "127.0.0.1", "--nthreads", "1", "--memory-limit", "0")
    folders = ("--local-directory", str(tmp_path))
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask("distributed.cli.dask_scheduler", *place, "--host", "127.0.0.1", "--port", "0"))
        for _ in range(2):
            stack.enter_context(dask(*worker, *folders))
        for _ in range(600):
            if file.is_file() and file.stat().st_size:
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        results = grade(own, [LESSON], students, scheduler=address, limits=LIMITS)
    then = {result.student: result for result in graded[2]}
    assert results == [then[student] for student in students]
    assert any(stands for _, stands, _ in how_graded(own)["walls"])


def test_a_scheduler_that_is_not_there_is_a_sentence(own, monkeypatch):
    monkeypatch.setattr(pool, "JOIN_SECONDS", 1)
    for path in (own.folder / "results").glob("*/*.json"):
        path.unlink()
    with pytest.raises(CourseError, match=r"The scheduler tcp://127\.0\.0\.1:9 gives no workers"):
        grade(own, [LESSON], ["ada-solved"], scheduler="tcp://127.0.0.1:9", limits=LIMITS)
