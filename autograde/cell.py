"""The learner's side of a check, inside the notebook's kernel: it asks, shows a card, and stays quiet.

A line on stderr costs a learner the mark in nbgrader, so nothing that a check does may reach it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import secrets
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from IPython import get_ipython
from IPython.display import display
from IPython.utils.capture import capture_output

from autograde import card, evidence, panel, session
from autograde.effort import as_metadata
from autograde.exercise import Exercise, Outcome, Verdict
from autograde.exercises import UnknownExercise
from autograde.judge import Seen, ask_here, examined, nobodys_own, not_attempted
from autograde.ownership import finished_version, write_your_own
from autograde.records import CHECKED
from autograde.session import find, found, in_kernel, say
from autograde.verdict import verdict_bundle

__all__ = ["check", "passed"]

ASIDES_SHOWN = 20  # lines
ASIDES_KEPT = 200_000  # characters: a print in an endless loop must not fill the memory


def check(name: str, answer: Any) -> Verdict:
    """Judge `answer` as the exercise `name`, show the card, and return the verdict.

    The verdict is the mark: as a cell's last value nbgrader reads it as partial credit. Whatever the answer's
    code raises is part of the verdict; only an interrupt (the stop button) ends the check without one.
    """
    try:
        exercise = find(name)
    except UnknownExercise as error:
        return _show(Verdict(name if isinstance(name, str) else "check", Outcome.FAILED, 0.0, 0.0, str(error)))
    session.current.verdicts.pop(name, None)  # should this check be stopped, the last one says nothing of this answer
    beside: Sequence[card.Beside | None] = ()
    if answer is ...:
        verdict = not_attempted(exercise)
    elif finished := finished_version(exercise, answer):
        verdict = nobodys_own(exercise, write_your_own(finished))
    else:
        seed = secrets.randbits(32)
        with _quiet() as heard:
            verdict, seen = examined(exercise, ask_here(answer, seed), seed)
            beside = _beside(exercise, verdict, seen, seed)
        verdict = dataclasses.replace(verdict, asides=tuple(heard))
    session.current.verdicts[name] = verdict
    problem = ""
    if verdict.outcome is not Outcome.NOT_ATTEMPTED:
        problem = session.current.kept(name, CHECKED, verdict=verdict)
    if not _is_validating():
        _show(verdict, beside)
    if problem:
        say(problem)
    if verdict.outcome is not Outcome.NOT_ATTEMPTED:
        panel.refresh()
    if _is_validating() and not verdict.passed:
        raise NotFullMarks(card.as_text(verdict, beside))
    if not verdict.passed and _stopped_before():
        say(
            f"The cell that you ran before this one stopped with an error. If it defines `{name.split('.')[0]}`, mend "
            "it and run it again: until then, this check looks at what you had before."
        )
    return verdict


class NotFullMarks(Exception):
    """Raised while nbgrader validates: of a cell its dialog shows an error's traceback, which is the card then."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


def _is_validating() -> bool:
    return os.environ.get("NBGRADER_EXECUTION") == "validate"


def passed(name: str) -> bool:
    """Whether the exercise has passed its check in this session; says what to do when it has not.

    Cells that go on with a learner's own work start with it, so that a blank notebook runs to its end. What passed
    in an earlier session does not count: such a cell needs the learner's own name defined, and right, in this kernel.
    """
    if not found(name):
        return False
    verdict = session.current.verdicts.get(name)
    if verdict and verdict.passed:
        return True
    say(f"This cell goes on with your `{name}`. Write it, run its check until it passes, then run this cell again.")
    return False


def _beside(exercise: Exercise, verdict: Verdict, seen: Sequence[Seen], seed: int) -> Sequence[card.Beside | None]:
    """What the card adds to the verdict. A picture that cannot be drawn costs nobody a check."""
    try:
        return evidence.beside(exercise, verdict, seen, seed)
    except Exception:
        return ()


def _show(verdict: Verdict, beside: Sequence[card.Beside | None] = ()) -> Verdict:
    """Show the card. What the exercise took so far goes along beside the verdict, for the report, in the metadata."""
    if not in_kernel():
        print(card.as_text(verdict, beside))
        return verdict
    told = session.current.effort(verdict.name) if verdict.lines else None
    display(verdict_bundle(verdict, beside), raw=True, metadata=as_metadata(told))
    return verdict


def _stopped_before() -> bool:
    """Whether the last cell of this kernel stopped with an error: then a check may look at an older answer."""
    return in_kernel() and not get_ipython().last_execution_succeeded


def _explain_what_is_missing(
    shell: Any, kind: type, error: NameError, trace: Any, tb_offset: int | None = None
) -> None:
    """Show a NameError. Where it is a check's own cell that stopped, so before any check, say what to do instead."""
    line = traceback.extract_tb(trace)[-1].line or ""
    if error.name and re.match(rf"check\(.*\b{re.escape(error.name)}\b", line):
        told = (
            f"There is no {error.name} yet, so there is nothing to check.\n"
            f"- Run the cell that defines it, and then this one. If that cell stops with an error, mend this first.\n"
            f"- It must have this very name, {error.name}: that is what the check asks for.\n"
            "- You have just opened or restarted the notebook? Run > Run All Above Selected Cell brings all back."
        )
        error._render_traceback_ = told.splitlines  # which IPython shows in the place of a traceback
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


if in_kernel() and not get_ipython().custom_exceptions:  # the answer's name is looked up before `check` is called
    get_ipython().set_custom_exc((NameError,), _explain_what_is_missing)


class _Heard(io.StringIO):
    """Keeps the beginning of what is written, whatever its length."""

    def write(self, text: str) -> int:
        if self.tell() < ASIDES_KEPT:
            super().write(text)
        return len(text)

    def close(self) -> None:
        """What was heard is read when the code has ended, even if it closed its stream."""


@contextlib.contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep all that code may say away from the cell; yields a list that holds the lines that were heard, afterwards."""
    heard: list[str] = []
    said = _Heard()
    out, err = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        for descriptor, stream in ((1, sys.__stdout__), (2, sys.__stderr__)):
            stack.enter_context(_quiet_descriptor(descriptor, stream))
        # whoever took hold of a stream before (`from sys import stderr`, a logging handler) writes past a redirection
        for stream in (out, err):
            stack.enter_context(_rerouted(stream, said))
        stack.enter_context(contextlib.redirect_stdout(said))
        stack.enter_context(contextlib.redirect_stderr(said))
        stack.enter_context(capture_output(False, False, display=True))  # pictures, progress bars
        stack.enter_context(_exit_raises())
        warned = stack.enter_context(warnings.catch_warnings(record=True))
        yield heard
    lines = [*said.getvalue().split("\n"), *(f"{w.category.__name__}: {w.message}" for w in warned)]
    heard += _asides(lines)


def _asides(lines: list[str]) -> list[str]:
    """At most ASIDES_SHOWN printable lines, each once: every question makes the same code say the same."""
    unique = [line for line in dict.fromkeys(map(_printable, lines)) if line]
    if len(unique) <= ASIDES_SHOWN:
        return unique
    return [*unique[: ASIDES_SHOWN - 1], f"and {len(unique) - ASIDES_SHOWN + 1} more lines"]


def _printable(line: str) -> str:
    """A line as a terminal would leave it: of a progress bar its last state, without colours."""
    line = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", line).rstrip().rsplit("\r", 1)[-1]
    line = "".join(character if character.isprintable() else " " for character in line.expandtabs(4)).rstrip()
    return line if len(line) <= 200 else line[:199] + "…"


@contextlib.contextmanager
def _quiet_descriptor(descriptor: int, stream: TextIO | None) -> Iterator[None]:
    """Send a file descriptor to nowhere: libraries in C write there, past sys.stderr.

    stream: Python's own on that descriptor, emptied before and after, so that nothing waits in its buffer.
    """
    try:
        saved = os.dup(descriptor)
    except OSError:  # closed, so nothing can be written there
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        _flush(stream)
        os.dup2(nowhere, descriptor)
        yield
    finally:
        _flush(stream)
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(nowhere)


def _flush(stream: TextIO | None) -> None:
    with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it
        if stream is not None:
            stream.flush()


@contextlib.contextmanager
def _rerouted(stream: TextIO, target: TextIO) -> Iterator[None]:
    """What is written to `stream` goes to `target`. Streams of C refuse that, but they end at a descriptor."""
    before = vars(stream).get("write") if hasattr(stream, "__dict__") else None
    try:
        stream.write = target.write
    except AttributeError:
        yield
        return
    try:
        yield
    finally:
        if before is None:
            del stream.write
        else:
            stream.write = before


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """IPython's `exit()` asks the shell to end after the cell; within a check it raises SystemExit as Python's does."""

    def ask_exit() -> None:
        raise SystemExit

    shell = get_ipython()
    if shell is None:
        yield
        return
    shell.ask_exit = ask_exit
    try:
        yield
    finally:
        del shell.ask_exit
