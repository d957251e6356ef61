"""Our steps of `nbgrader autograde`: cells repaired in the place of its DeduplicateIds, and Execute replaced.

What lateness costs is what the course's policy.toml says.

nbgrader's own SaveAutoGrades then reads the marks where it always does, in the outputs of the grade cells. Students'
Jupyter servers import this with the configuration, so what judges, and PyTorch with it, is imported when it is needed.
"""

from __future__ import annotations

import atexit
import functools
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor
from traitlets import Bool, Integer, List, Type, Unicode

from autograde.cells import own_code
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warm import ServerEnded, ServerFailed, WarmServer
from autograde.late import penalty
from autograde.policy import Policy, PolicyError, read_policy
from autograde.repair import repaired
from autograde.secret import Secret, SecretError

__all__ = ["CannotGrade", "ExecuteAndJudge", "LateByPolicy", "NotGraded", "PenaliseByPolicy", "RepairCells"]


class CannotGrade(SystemExit, KeyboardInterrupt):
    """Grading itself cannot go on, for no notebook: the message says what an instructor can do.

    nbgrader shows every exception with its traceback and goes on with the next notebook, except for an interrupt: then
    it removes what it has begun and ends. As a SystemExit it ends with the message alone.
    """


class NotGraded(Exception):
    """Grading itself failed for one notebook: it gets no mark, and the others go on."""


class RepairCells(NbGraderPreprocessor):
    """nbgrader's DeduplicateIds, replaced: a submission's cells become what the lesson says they are."""

    lessons_directory = Unicode("", help="The folder with the lessons as students open them.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        place = resources["nbgrader"]
        path = Path(self.lessons_directory, place["assignment"], f"{place['notebook']}.ipynb")
        notebook, notes = repaired(notebook, nbformat.read(path, as_version=4))
        for note in notes:
            self.log.warning(note)
        notebook.metadata["autograde"] = {"notes": notes}  # for the report
        return notebook, resources


class ExecuteAndJudge(NbGraderPreprocessor):
    """nbgrader's Execute, replaced: run the cells behind walls, and put a verdict into every grade cell."""

    cell_seconds = Integer(
        Limits.cell_seconds, help="Seconds that a cell of the learner's may run before it is interrupted."
    ).tag(config=True)
    walls = Bool(True, help="Refuse to run learners' code where this machine cannot wall it in.").tag(config=True)
    secret_file = Unicode("", help="The file of the course's secret; made on first use.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        from autograde import exercises
        from autograde.execute import executed

        limits = Limits(cell_seconds=self.cell_seconds)
        try:
            secret = Secret.of(Path(self.secret_file))
            student, work = resources["nbgrader"]["student"], own_code(notebook)

            def seed(name: str) -> int:
                return secret.seed(None if exercises.find(name)[1].is_shared else student, name, work)

            notebook = executed(notebook, _server(self.walls), limits, seed)
        except ServerEnded as error:  # twice: nbgrader names the submission, and goes on with the next
            raise NotGraded(f"{error} It was not graded: run the same command again.") from None
        except (ServerFailed, SecretError) as error:
            raise CannotGrade(str(error)) from None
        notebook.metadata["autograde"] = {**notebook.metadata.get("autograde", {}), "walls": self.walls}
        return notebook, resources


class LateByPolicy(BasePlugin):
    """nbgrader's plugin for late submissions: the points that come off by the rule of the course."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        step = self.parent
        submitted = step.gradebook.find_submission_notebook(step.notebook_id, step.assignment_id, student_id)
        return penalty(step.policy.rule, total_seconds_late, score, submitted.max_score) or None


class PenaliseByPolicy(AssignLatePenalties):
    """nbgrader's AssignLatePenalties, which before goes by the due dates and extensions of policy.toml."""

    plugin_class = Type(LateByPolicy, klass=BasePlugin, help="What assigns a penalty to a late notebook.").tag(
        config=True
    )
    policy_file = Unicode("", help="The course's policy.toml.").tag(config=True)
    lessons = List(Unicode(), help="All lessons of the course, by name.").tag(config=True)
    policy = Policy()

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        try:
            self.policy = read_policy(Path(self.policy_file), self.lessons)
        except PolicyError as error:
            raise CannotGrade(str(error)) from None
        place = resources["nbgrader"]
        lesson, student = place["assignment"], place["student"]
        if due := self.policy.due.get(lesson):
            with Gradebook(place["db_url"]) as gradebook:
                submission = gradebook.find_submission(lesson, student)
                submission.assignment.duedate = due.replace(tzinfo=None)  # which is UTC, as all of nbgrader's
                submission.extension = self.policy.extension(student, lesson)
                gradebook.db.commit()
        return super().preprocess(notebook, resources)


@functools.cache
def _server(with_walls: bool) -> WarmServer:
    """One warm server for this process, which formgrader or nbgrader may keep for hours."""
    walls = Walls.found() if with_walls else Walls.none()
    if with_walls and not walls.enough:
        missing = "\n".join(f"  {name}: {why}" for name, stands, why in walls.lines() if not stands)
        raise CannotGrade(
            f"Learners' code cannot be walled in on this machine, so nothing was graded:\n{missing}\n"
            "To grade without walls, put this into nbgrader_config.py: c.ExecuteAndJudge.walls = False"
        )
    from autograde.execute import judging_server

    server = judging_server(walls)
    atexit.register(server.close)
    return server
