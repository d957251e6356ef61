"""What a Dask worker does for a class: it sets its process's desk up as soon as it starts, and grades there."""

from __future__ import annotations

from typing import Any

from distributed import Worker, WorkerPlugin

from autograde.desk import Done, Job, desk_of_this_process
from autograde.kernel.walls import Walls

__all__ = ["DeskPlugin", "run", "walls_here"]


class DeskPlugin(WorkerPlugin):
    """Makes a worker ready before its first job: the imports of judge and server take seconds, side by side."""

    name = "autograde-desk"

    def __init__(self, walls: bool):
        self.walls = walls

    def setup(self, worker: Worker) -> None:
        desk_of_this_process(self.walls).call_the_judge()

    def teardown(self, worker: Worker) -> None:
        desk_of_this_process(self.walls).close()


def run(job: Job) -> Done:
    """Grade one submission, with the errors of `Desk.grade`."""
    return desk_of_this_process(job.walls).grade(job)


def walls_here() -> dict[str, Any]:
    """Which walls stand where this worker runs: whether they are enough, and a line for each."""
    walls = Walls.found()
    return {"enough": walls.enough, "lines": walls.lines()}
