"""The learner's side of a check, inside the notebook's kernel: it asks, shows a card, and stays quiet.

A line on stderr costs a learner the mark in nbgrader, so nothing that a check does may reach it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import os
import secrets
import warnings
from collections.abc import Iterator
from typing import Any

from IPython import get_ipython
from IPython.display import display
from IPython.utils.capture import capture_output

from autograde import card, exercises
from autograde.exercise import Outcome, Verdict
from autograde.judge import ask_here, judge, not_attempted

__all__ = [
    "VERDICT_MIME",
    "Session",
    "check",
    "hint",
    "passed",
    "progress",
    "verdict_from_json",
    "verdict_to_json",
]

VERDICT_MIME = "application/vnd.autograde.verdict+json"
ASIDES_SHOWN = 20  # lines


@dataclasses.dataclass
class Session:
    """What has happened in this kernel: the last verdict on each exercise, and the hints taken."""

    verdicts: dict[str, Verdict] = dataclasses.field(default_factory=dict)
    hints_taken: dict[str, int] = dataclasses.field(default_factory=dict)


_session = Session()  # a kernel is one learner's desk: this is its memory, and ends with it


def check(name: str, answer: Any) -> Verdict:
    """Judge `answer` as the exercise `name`, show the card, and return the verdict.

    The verdict is the mark: as a cell's last value nbgrader reads it as partial credit.
    """
    try:
        _, exercise = exercises.find(name)
    except exercises.UnknownExercise as error:
        return _show(Verdict(str(name), Outcome.FAILED, 0.0, 0.0, str(error)))
    if answer is ...:
        verdict = not_attempted(exercise)
    else:
        seed = secrets.randbits(32)
        with _quiet() as heard:
            verdict = judge(exercise, ask_here(answer, seed), seed)
        verdict = dataclasses.replace(verdict, asides=tuple(heard))
    _session.verdicts[name] = verdict
    return _show(verdict)


def hint(name: str) -> None:
    """Show the next hint for an exercise; each call goes a step further."""
    try:
        _, exercise = exercises.find(name)
    except exercises.UnknownExercise as error:
        return _say(str(error))
    taken = _session.hints_taken.get(name, 0)
    if not exercise.hints:
        return _say(f"{name} has no hints: read the text above it once more.")
    if taken >= len(exercise.hints):
        return _say(f"That were all {taken} hints for {name}. Again, the last one: {exercise.hints[-1]}")
    _session.hints_taken[name] = taken + 1
    return _say(f"Hint {taken + 1} of {len(exercise.hints)} for {name}: {exercise.hints[taken]}")


def passed(name: str) -> bool:
    """Whether the exercise has passed its check in this session; says what to do when it has not.

    Cells that go on with a learner's own work start with it, so that a blank notebook runs to its end.
    """
    verdict = _session.verdicts.get(name)
    if verdict and verdict.passed:
        return True
    _say(f"This cell goes on with your {name}. Write it, run its check until it passes, then run this cell again.")
    return False


def progress() -> None:
    """Show what this session has earned: each exercise checked so far, its outcome and its points."""
    if not _session.verdicts:
        return _say("Nothing has been checked in this session yet: run a cell that calls check(...).")
    rows = [f"{v.name}: {v.outcome}, {v.score:g} of {v.points:g} points" for v in _session.verdicts.values()]
    score = sum(v.score for v in _session.verdicts.values())
    points = sum(v.points for v in _session.verdicts.values())
    return _say("\n".join([*rows, f"So far: {score:g} of {points:g} points"]))


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, for a notebook's output or a result file."""
    return json.loads(json.dumps(dataclasses.asdict(verdict)))


def verdict_from_json(data: dict[str, Any]) -> Verdict:
    """The verdict that `verdict_to_json` wrote. KeyError, TypeError or ValueError when it is none."""
    from autograde.exercise import Line

    lines = tuple(Line(**line) for line in data["lines"])
    return Verdict(**{**data, "outcome": Outcome(data["outcome"]), "lines": lines, "asides": tuple(data["asides"])})


def _show(verdict: Verdict) -> Verdict:
    if not _in_kernel():
        print(card.as_text(verdict))
        return verdict
    bundle = {
        "text/html": card.as_html(verdict),
        "text/markdown": card.as_markdown(verdict),
        "text/plain": card.as_text(verdict),
        VERDICT_MIME: verdict_to_json(verdict),
    }
    display(bundle, raw=True)
    return verdict


def _say(text: str) -> None:
    if not _in_kernel():
        print(text)
        return
    display({"text/markdown": text.replace("\n", "  \n"), "text/plain": text}, raw=True)


def _in_kernel() -> bool:
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


@contextlib.contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep stdout, stderr, warnings and logging away from the cell; yields the lines that were heard."""
    heard: list[str] = []
    out, err = io.StringIO(), io.StringIO()
    disabled = logging.root.manager.disable
    redirected = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    # display=True keeps pictures and progress bars out of the cell as well
    with redirected[0], redirected[1], _quiet_descriptor(2), capture_output(False, False, display=True):
        logging.disable(logging.CRITICAL)
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("default")
                yield heard
        finally:
            logging.disable(disabled)
    lines = out.getvalue().splitlines() + err.getvalue().splitlines()
    lines += [f"{w.category.__name__}: {w.message}" for w in warned]
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in lines]  # of a progress bar only its last state
    unique = [line for line in dict.fromkeys(lines) if line]
    heard += unique[:ASIDES_SHOWN]
    if len(unique) > ASIDES_SHOWN:
        heard.append(f"and {len(unique) - ASIDES_SHOWN} more lines")


@contextlib.contextmanager
def _quiet_descriptor(descriptor: int) -> Iterator[None]:
    """Send a file descriptor to nowhere: libraries in C write there, past sys.stderr."""
    saved, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(nowhere)
