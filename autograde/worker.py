"""In a Dask worker: the judge, and a warm server whose children run what learners wrote. This process never does.

All of a worker's threads share one server. A job carries everything that a verdict depends on, and is refused by a
worker whose code or packages are other ones than the coordinator's.
"""

from __future__ import annotations

import gc
import json
import threading
from dataclasses import dataclass
from typing import Any

from distributed import Worker, WorkerPlugin

from autograde import digest
from autograde.cells import slug_of
from autograde.imports import nbformat_quickly
from autograde.kernel.imports import fastai_quickly
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warm import WarmServer

__all__ = ["CannotGrade", "Desk", "Done", "Job", "run", "walls_here"]


class CannotGrade(Exception):
    """This worker cannot do the job, whoever wrote the notebook; the message says what an instructor can do."""


@dataclass(frozen=True)
class Job:
    """One submission to one lesson, repaired, without outputs."""

    student: str
    lesson: str
    notebook: bytes
    seeds: dict[str, int]  # by exercise: what draws this student's inputs
    limits: Limits
    walls: bool  # whether they are needed
    judging: str  # digest of the code that judges this lesson
    versions: str


@dataclass(frozen=True)
class Done:
    """verdicts: by exercise, as JSON; outputs: of each code cell in order, with its execution count.

    walls: which of them stood around it, a line each: name, whether it stands, a sentence.
    """

    verdicts: dict[str, Any]
    outputs: list[dict[str, Any]]
    walls: list[tuple[str, bool, str]]


class Desk(WorkerPlugin):
    """Makes a worker ready as soon as it starts: the imports of judge and server take seconds, side by side."""

    name = "autograde-desk"

    def __init__(self, walls: bool, found: Walls | None = None):
        self.walls = walls
        self.found = found  # by who is on the same machine; else the worker tries them itself

    def setup(self, worker: Worker) -> None:
        _desk(self.walls, self.found)

    def teardown(self, worker: Worker) -> None:
        _desk(self.walls).close()


def run(job: Job) -> Done:
    """Grade one submission. CannotGrade when this worker is not the one to do it, ServerFailed when nothing starts."""
    if job.judging != digest.of_judging(slug_of(job.lesson)):
        raise CannotGrade("this worker has another version of the exercises: restart it")
    if job.versions != digest.versions():
        raise CannotGrade(f"this worker has {digest.versions()} where the coordinator has {job.versions}")
    return _desk(job.walls).grade(job)


def walls_here() -> dict[str, Any]:
    """Which walls stand where this worker runs: whether they are enough, and a line for each."""
    walls = Walls.found()
    return {"enough": walls.enough, "lines": walls.lines()}


class _Desk:
    """The judge, being imported in a thread of its own, and the server, which imports by itself meanwhile."""

    def __init__(self, walls: bool, found: Walls | None):
        digest.of_judging("")  # of all the code that is about to be imported, whatever becomes of the files later
        found = (found or Walls.found()) if walls else Walls.none()
        if walls and not found.enough:
            missing = "; ".join(f"{name}: {sentence}" for name, stands, sentence in found.lines() if not stands)
            raise CannotGrade(f"there are not enough walls here to run learners' code behind ({missing})")
        self._walls = found
        self._failure: BaseException | None = None
        self._imports = threading.Thread(target=self._import, name="judge", daemon=True)
        from autograde import exercises

        # first of all, since it imports longest; execute.judging_server would import torch before
        self._server = WarmServer(found, **exercises.needed_beside_learners())
        self._imports.start()

    def grade(self, job: Job) -> Done:
        self._imports.join()
        if self._failure:
            raise CannotGrade(f"the judge does not start here: {self._failure}")
        import nbformat

        from autograde.execute import executed
        from autograde.verdict import verdict_to_json, verdicts_in

        notebook = nbformat.from_dict(json.loads(job.notebook))
        done = executed(notebook, self._server, job.limits, job.seeds.__getitem__)
        verdicts = {name: verdict_to_json(verdict) for name, verdict in verdicts_in(done).items()}
        outputs = [
            {"outputs": cell.outputs, "execution_count": cell.execution_count}
            for cell in done.cells
            if cell.cell_type == "code"
        ]
        return Done(verdicts, json.loads(json.dumps(outputs)), self._walls.lines())

    def close(self) -> None:
        self._server.close()

    def _import(self) -> None:
        gc.disable()  # collections find nothing while modules are imported, and take a quarter of the time
        try:
            nbformat_quickly()
            fastai_quickly()
            import torch
            import torch.fx.experimental.symbolic_shapes  # a check on `meta` would, while a learner's child waits

            torch.set_num_threads(1)
            from autograde import execute, exercises  # noqa: F401

            for slug in exercises.slugs():  # what the first of them takes, all of them need: fastai
                exercises.of_lesson(slug)
        except BaseException as error:  # whatever it is, each job will tell
            self._failure = error
        finally:
            gc.freeze()
            gc.enable()


_lock = threading.Lock()


_desks: dict[bool, _Desk] = {}  # a worker's own, with walls and without: they last as long as its process


def _desk(walls: bool, found: Walls | None = None) -> _Desk:
    with _lock:  # of two threads that come at once, one makes it
        if walls not in _desks:
            _desks[walls] = _Desk(walls, found)
        return _desks[walls]
