"""A step of `nbgrader generate_feedback`: until the policy's date, a feedback page holds no hidden input.

A learner's function may print the inputs that it is asked with, return them, raise them, or keep them for a later cell
to show. So nothing that learners' code said once the first question was put comes through: of an output the marks stay,
and of a sentence what the exercises themselves hold. The instructor's view of the same notebook keeps everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

from autograde.cells import is_grade, slug_of
from autograde.exercise import Exercise, Line, Verdict, as_sentence
from autograde.policy import Policy, PolicyError, read_policy
from autograde.verdict import reported, verdict_bundle

__all__ = ["CannotWrite", "FeedbackExporter", "WithholdInputs", "withheld"]

# What a sentence with values says without them, by how it goes on after "your DotProduct"; the first that fits counts.
WITHOUT_VALUES = (
    ("gave None", "gave None: is a `return` missing?"),
    ("gave shape", "gave another shape than expected"),
    ("gave values of type", "gave values of another type than expected"),
    ("gave NaN", "gave NaN where a number belongs"),
    ("stopped with", "stopped with an error"),
    ("should stop with", "should have stopped with an error"),
    ("still holds a", "still holds a `raise NotImplementedError`: write that part too"),
    ("did not come to an end", "did not come to an end in time: look for a loop that never ends"),
    ("", "gave something else than expected"),
)
# Sentences about the run, of which the part in backticks is the learner's own source.
OF_THE_RUN = re.compile(
    r"(?:The kernel died in t|T)he cell that starts with `([^`]+)`[\w ,]*\.(?: Look for a loop that never ends\.)?"
    r"|There is nothing to check as [\w.]+\. No cell of yours defines `(\w+)`: is the name spelled like this\?"
)


class FeedbackExporter(HTMLExporter):
    """HTMLExporter by another name, so that its template can be set without setting it for all of nbgrader.

    formgrader shows submissions through HTMLExporter too, and forces a template upon it before it makes feedback.
    """


class CannotWrite(SystemExit, KeyboardInterrupt):
    """No page can be written: the message says what an instructor can do. See preprocessors.CannotGrade."""


class WithholdInputs(NbGraderPreprocessor):
    """Takes out of a graded notebook, on its way to a feedback page, what may hold a hidden input."""

    policy_file = Unicode("", help="The course's policy.toml.").tag(config=True)
    lessons = List(Unicode(), help="All lessons of the course, by name.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        from autograde import exercises

        try:
            policy = read_policy(Path(self.policy_file), self.lessons)
        except PolicyError as error:
            raise CannotWrite(str(error)) from None
        if policy.shows_inputs(datetime.now(UTC)):
            return notebook, resources
        known = exercises.of_lesson(slug_of(resources["nbgrader"]["assignment"]))
        return withheld(notebook, known.get, _until(policy)), resources


def withheld(notebook: NotebookNode, find: Callable[[str], Exercise | None], until: str) -> NotebookNode:
    """The notebook with nothing in its outputs that may hold a hidden input.

    find: the exercise by its name; until: what is said where something was left out.
    """
    own = [cell for cell in notebook.cells if cell.cell_type == "code"]
    source = "\n".join(cell.source for cell in own)
    asked = False
    for cell in own:
        if is_grade(cell):
            cell.outputs, asked = _card(reported(cell), find, source, until), True
        else:
            # a picture may be drawn over later, by whoever has seen the inputs
            kept = [each for each in cell.outputs if not asked and each.output_type in ("stream", "error")]
            cell.outputs = kept + [_said(until)] * (len(kept) < len(cell.outputs))
    return notebook


def _card(
    verdict: Verdict | None, find: Callable[[str], Exercise | None], source: str, until: str
) -> list[NotebookNode]:
    if verdict is None:
        return [_said(until)]
    shown = _without_values(verdict, find(verdict.name), source)
    outputs = [new_output("display_data", data=verdict_bundle(shown))]
    outputs += [_said(until)] if shown != verdict else []
    return [*outputs, new_output("execute_result", data=verdict._repr_mimebundle_())]


def _without_values(verdict: Verdict, exercise: Exercise | None, source: str) -> Verdict:
    """The verdict with sentences alone that say the same to everybody who made the mistake."""
    from autograde.judge import FORM_ALONE, not_attempted
    from autograde.ownership import write_your_own

    known = {"", as_sentence(FORM_ALONE)}
    if exercise:
        known |= {as_sentence(mistake.sentence) for mistake in exercise.misconceptions}
        known |= {write_your_own(name) for name in exercise.finished} | {not_attempted(exercise).feedback}

    def line(each: Line) -> Line:
        return each if each.feedback in known else replace(each, feedback=_told(verdict.name, each.feedback))

    lines = tuple(map(line, verdict.lines))
    feedback = verdict.feedback
    if feedback not in known:
        said = OF_THE_RUN.fullmatch(feedback)
        if any(each.feedback for each in lines):
            feedback = " ".join(dict.fromkeys(each.feedback for each in lines if each.feedback and not each.passed))
        elif not said or not any(part and part in source for part in said.groups()):
            feedback = f"{verdict.name} could not be checked."
            if verdict.feedback.startswith(f"The cell of {verdict.name} stopped with "):
                feedback = f"The cell of {verdict.name} stopped with an error."
    return replace(verdict, feedback=feedback, lines=lines, asides=())


def _told(name: str, feedback: str) -> str:
    rest = feedback.removeprefix(f"Your `{name}` ")
    return as_sentence(f"your `{name}` {next(words for start, words in WITHOUT_VALUES if rest.startswith(start))}")


def _said(until: str) -> NotebookNode:
    return new_output("display_data", data={"text/html": f"<p><em>{until}</em></p>", "text/plain": until})


def _until(policy: Policy) -> str:
    sentence = "What your code put out here is left out: it may hold inputs that are hidden."
    if policy.inputs_from is None:
        return sentence
    return f"{sentence} Pages that are made from {policy.told(policy.inputs_from)} on show it."
