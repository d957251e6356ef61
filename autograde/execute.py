"""A submission is run and judged from outside: a verdict for each exercise, written where nbgrader reads marks.

Both doors use it, plain `nbgrader autograde` (preprocessors.py) and `autograde grade` (desk.py), so that both give
the same marks. The learner's cells run in a child behind walls. The checks do not run there: the judge, in this
process, puts its questions to the child, and its verdict replaces whatever the cell holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import nbformat
from nbformat import NotebookNode

from autograde import exercises
from autograde.cells import (
    answer_grade_id,
    checked_name,
    grade_id_of,
    imported_by_setup,
    is_grade,
    is_locked,
    is_solution,
    is_unchanged_demo,
    is_unwritten,
)
from autograde.exercise import Exercise, Outcome, Verdict
from autograde.judge import asking_seed, judge, nobodys_own, not_attempted
from autograde.kernel.limits import Ended, Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warm import Child, ChildDied, ChildTimedOut, Ran, ServerFailed, WarmServer
from autograde.outside import AskChild, NotThere
from autograde.ownership import asked_expression, names_in, not_ones_own
from autograde.verdict import verdict_bundle

__all__ = ["executed", "judging_server"]


def judging_server(walls: Walls) -> WarmServer:
    """A warm server whose children have what a lesson's cells import and load: collabkit and the cached ratings."""
    return WarmServer(walls, **exercises.needed_beside_learners())


def executed(
    notebook: NotebookNode,
    server: WarmServer,
    limits: Limits,
    secret_seed: Callable[[str], int],
    find: Callable[[str], Exercise] = lambda name: exercises.find(name)[1],
) -> NotebookNode:
    """A repaired submission after its run: outputs in place, and one verdict in each grade cell.

    secret_seed: the seed of an exercise's inputs by its name; find: the exercise by its name.
    A server that ends meanwhile is no fault of the learner's: then the run is made once more, by another.
    Raises ServerFailed or ValueError when grading itself fails, and nothing for whatever a learner wrote.
    """
    try:
        return _executed(nbformat.from_dict(notebook), server, limits, secret_seed, find)
    except (ServerFailed, SystemError):  # the second is Python's own: two threads that compile at once
        return _executed(nbformat.from_dict(notebook), server, limits, secret_seed, find)


def _executed(
    notebook: NotebookNode,
    server: WarmServer,
    limits: Limits,
    secret_seed: Callable[[str], int],
    find: Callable[[str], Exercise],
) -> NotebookNode:
    checks = [cell for cell in notebook.cells if is_grade(cell) and cell.cell_type == "code"]
    locked = {name for cell in checks for name in find(checked_name(cell)).finished}
    imports = imported_by_setup(notebook.cells)
    with server.fork(limits, seed=0, locked=sorted(locked), imports=imports) as child:
        run = _Run(notebook, child, limits, secret_seed, find)
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            if is_grade(cell):
                _write_verdict(cell, run.verdict(index))
            elif cell.source.strip() and not is_unchanged_demo(cell):
                run.cell(index)
    run.show()
    return notebook


class _Run:
    """One submission in its child: how its cells ended, and what the judge found out."""

    def __init__(
        self,
        notebook: NotebookNode,
        child: Child,
        limits: Limits,
        secret_seed: Callable[[str], int],
        find: Callable[[str], Exercise],
    ):
        self.notebook, self.child, self.limits = notebook, child, limits
        self.secret_seed, self.find = secret_seed, find
        self.ran: dict[int, Ran] = {}
        self.over: tuple[Outcome, str] | None = None  # why nothing can be run or asked any more

    def cell(self, index: int) -> None:
        cell = self.notebook.cells[index]
        is_setup = is_locked(cell) and not is_solution(cell)
        ran = self.child.run(cell.source, self.limits.import_seconds if is_setup else self.limits.cell_seconds)
        self.ran[index] = ran
        if self.over or self.child.is_alive:
            return
        where = f"the cell that starts with `{_first_code_line(cell)}`"
        if ran.ended is Ended.TIMED_OUT:
            self.over = (Outcome.TIMED_OUT, f"{_upper(where)} did not come to an end in time and could not be stopped")
        elif ran.out_of_memory:
            self.over = (Outcome.OUT_OF_MEMORY, f"{_upper(where)} needed more memory than a submission may use")
        else:
            self.over = (Outcome.CRASHED, f"The kernel died in {where}")

    def show(self) -> None:
        """Put the outputs into the notebook: at the end, since a later cell may update what an earlier one shows."""
        for index, ran in self.ran.items():
            cell = self.notebook.cells[index]
            cell.outputs = [nbformat.from_dict(output) for output in ran.outputs]
            cell.execution_count = ran.execution_count

    def verdict(self, index: int) -> Verdict:
        cell = self.notebook.cells[index]
        name = checked_name(cell)
        exercise = self.find(name)
        points = float(cell.metadata["nbgrader"]["points"])
        if points != exercise.points:
            raise ValueError(
                f"{name} is worth {points:g} points in the lesson and {exercise.points:g} in the exercises"
            )
        before, expression = asked_expression(cell.source, name)
        names = names_in(expression)
        own_name = name.split(".")[0]
        if self.over:
            outcome, why = self.over
            return Verdict(name, outcome, 0.0, points, f"{why}, so {name} could not be checked.")
        if not_own := not_ones_own(self.notebook.cells[:index], {own_name} & names or names):
            return self._not_own(exercise, not_own)
        if before:
            self.child.run(before, self.limits.import_seconds)
        return self._judged(exercise, expression)

    def _judged(self, exercise: Exercise, expression: str) -> Verdict:
        name, seed = exercise.name, self.secret_seed(exercise.name)
        ask = AskChild(self.child, expression, asking_seed(seed), self.limits.cell_seconds * exercise.patience)
        try:
            verdict = judge(exercise, ask, seed, devices=())
        except NotThere as error:
            return self._unasked(exercise, f"{error}.")
        except ChildDied as error:
            outcome = Outcome.OUT_OF_MEMORY if error.out_of_memory else Outcome.CRASHED
            self.over = (outcome, f"The kernel {error} while {name} was checked")
        except ChildTimedOut:
            why = f"The check of {name} did not come to an end in time and could not be stopped"
            self.over = (Outcome.TIMED_OUT, why)
        else:
            timed_out = ask.timed_out and not verdict.passed
            return replace(verdict, outcome=Outcome.TIMED_OUT) if timed_out else verdict
        outcome, why = self.over
        return Verdict(name, outcome, 0.0, exercise.points, f"{why}. Look for what your `{name}` does there.")

    def _not_own(self, exercise: Exercise, why: str) -> Verdict:
        """The verdict where no cell of the learner's defines what is asked for."""
        answer = self._answer(exercise)
        if why.endswith("write your own."):
            return nobodys_own(exercise, why)
        if answer is None or is_unwritten(self.notebook.cells[answer]):
            return not_attempted(exercise)
        return self._unasked(exercise, why)

    def _unasked(self, exercise: Exercise, why: str) -> Verdict:
        """The verdict where there is nothing to ask: what became of the cell that should have defined it."""
        name, answer = exercise.name, self._answer(exercise)
        ended = self.ran[answer].ended if answer in self.ran else Ended.OK
        outcome, feedback = Outcome.FAILED, f"There is nothing to check as {name}. {why}"
        if ended is Ended.TIMED_OUT:
            line = _first_code_line(self.notebook.cells[answer])
            outcome = Outcome.TIMED_OUT
            feedback = (
                f"The cell that starts with `{line}` did not come to an end in time, so {name} could not be checked. "
                "Look for a loop that never ends."
            )
        elif ended is Ended.ERROR:
            feedback = f"The cell of {name} stopped with {_error_of(self.ran[answer])}."
        return Verdict(name, outcome, 0.0, exercise.points, feedback)

    def _answer(self, exercise: Exercise) -> int | None:
        """Where the cell is in which a learner writes the exercise."""
        wanted = answer_grade_id(exercise.name)
        return next((i for i, cell in enumerate(self.notebook.cells) if grade_id_of(cell) == wanted), None)


def _write_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    cell.execution_count = None
    shown = {"output_type": "display_data", "data": verdict_bundle(verdict), "metadata": {}}
    mark = {"output_type": "execute_result", "data": verdict._repr_mimebundle_(), "metadata": {}}
    cell.outputs = [nbformat.from_dict(each) for each in (shown, {**mark, "execution_count": None})]


def _first_code_line(cell: NotebookNode) -> str:
    lines = [line.strip() for line in cell.source.splitlines()]
    line = next((line for line in lines if line and not line.startswith("#")), "")
    return "".join(character if character.isprintable() else " " for character in line[:60])


def _error_of(ran: Ran) -> str:
    error = next(output for output in ran.outputs if output["output_type"] == "error")
    return f"{error['ename']}: {error['evalue']}".split("\n")[0][:200]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
