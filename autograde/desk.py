"""Where submissions are graded: the judge, and a warm server whose children run what learners wrote. No Dask in here.

A process has one desk for all of its threads, and never runs a learner's code itself. A job carries everything that a
verdict depends on, and is refused where code or packages are other ones than the coordinator's.
"""

from __future__ import annotations

import gc
import json
import threading
from dataclasses import dataclass
from typing import Any

from autograde import digest
from autograde.cells import slug_of
from autograde.imports import nbformat_quickly
from autograde.kernel.imports import fastai_quickly
from autograde.kernel.limits import Limits
from autograde.kernel.syntax import parse_one_at_a_time
from autograde.kernel.walls import Walls
from autograde.kernel.warm import WarmServer

__all__ = ["CannotGrade", "Desk", "Done", "Job", "desk_of_this_process"]


class CannotGrade(Exception):
    """This process cannot do the job, whoever wrote the notebook; the message says what an instructor can do."""


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


class Desk:
    """A judge and its server, which both import for seconds, side by side: the server as soon as the desk is made.

    found: the walls of this machine, where somebody has tried them already.
    Raises CannotGrade where walls are needed and there are not enough.
    """

    def __init__(self, walls: bool, found: Walls | None = None):
        parse_one_at_a_time()
        digest.of_judging("")  # of all the code that is about to be imported, whatever becomes of the files later
        found = (found or Walls.found()) if walls else Walls.none()
        if walls and not found.enough:
            missing = "; ".join(f"{name}: {sentence}" for name, stands, sentence in found.lines() if not stands)
            raise CannotGrade(f"there are not enough walls here to run learners' code behind ({missing})")
        self._walls = found
        self._failure: BaseException | None = None
        self._imports = threading.Thread(target=self._import, name="judge", daemon=True)
        self._lock = threading.Lock()
        from autograde import exercises

        # first of all, since it imports longest; execute.judging_server would import torch before
        self._server = WarmServer(found, **exercises.needed_beside_learners())

    def call_the_judge(self) -> None:
        """Import the judge, in a thread of its own; the first job would. May be called several times."""
        with self._lock:
            if self._imports.ident is None:
                self._imports.start()

    def grade(self, job: Job) -> Done:
        """Grade one submission. CannotGrade for a job that this desk must not do, ServerFailed when nothing starts."""
        if job.judging != digest.of_judging(slug_of(job.lesson)):
            raise CannotGrade("this worker has another version of the exercises: restart it")
        if job.versions != digest.versions():
            raise CannotGrade(f"this worker has {digest.versions()} where the coordinator has {job.versions}")
        self.call_the_judge()
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
        """End the server and all its children."""
        self._server.close()

    def _import(self) -> None:
        gc.disable()  # collections find nothing while modules are imported, and take a quarter of the time
        try:
            nbformat_quickly()
            fastai_quickly(plots=False)
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
_desks: dict[bool, Desk] = {}  # with walls and without: they last as long as the process


def desk_of_this_process(walls: bool, found: Walls | None = None) -> Desk:
    """The desk of this process, made when it is first asked for. Arguments and errors are Desk's."""
    with _lock:  # of two threads that come at once, one makes it
        if walls not in _desks:
            _desks[walls] = Desk(walls, found)
        return _desks[walls]
