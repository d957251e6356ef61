"""The verdict on one answer: put every question to it and to the reference, and compare what is observed.

The judge does not care where the learner's answer lives: `ask_learner` may call it in this very kernel, or
send the question to a process behind walls. Reference and misconceptions are asked here.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import logging
import math
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from autograde.compare import compare, equal
from autograde.exercise import (
    Check,
    Exercise,
    Line,
    Measured,
    Misconception,
    Outcome,
    Question,
    Verdict,
    as_sentence,
    total,
)
from autograde.observe import CannotAsk, Other, Raised, ask, record, to_device

__all__ = [
    "Seen",
    "accelerators",
    "ask_here",
    "asking_seed",
    "examined",
    "judge",
    "judgements",
    "nobodys_own",
    "not_attempted",
    "silence",
]

# (question, given) -> observation. One with a true `copies` leaves given as it is, and is asked with the same again.
AskLearner = Callable[[Callable[[Any, Any], Any], Any], Any]
FORM_ALONE = "Right. Its points come as soon as a check of the results themselves passes too."


@dataclass(frozen=True)
class Seen:
    """What came of one check beside what was expected. It shows what a right answer is: for practice alone."""

    check: Check
    expected: Any
    came: Any


def judge(
    exercise: Exercise, ask_learner: AskLearner, seed: int, devices: Callable[[], Sequence[str]] | None = None
) -> Verdict:
    """Judge an answer on inputs that the seed draws.

    Every implementation gets inputs of its own, drawn from the same seed, so none can spoil another's.
    A question that several checks share is asked once.
    A check passes when the learner's observation equals the reference's on the CPU and on each device, which are the
    accelerators of this machine unless `devices` gives others.
    Raises ValueError when the exercise itself is broken: no checks, or a question that its reference cannot answer.
    """
    return examined(exercise, ask_learner, seed, devices)[0]


def examined(
    exercise: Exercise, ask_learner: AskLearner, seed: int, devices: Callable[[], Sequence[str]] | None = None
) -> tuple[Verdict, tuple[Seen, ...]]:
    """The same verdict, and what each check saw; nothing where the verdict has not come from the checks."""
    if not exercise.checks:
        raise ValueError(f"{exercise.name} has no checks, so every answer would pass")
    ours = _ours(exercise, seed)
    observed: list[Any] = []
    came: dict[Callable, Any] = {}  # by question
    given = None
    for check in exercise.checks:
        if check.question not in came:
            if given is None or not getattr(ask_learner, "copies", False):
                given = _drawn(exercise, seed)
            came[check.question] = ask_learner(check.question, given)
        observed.append(_looked_at(exercise, check, came[check.question], seed))
        if isinstance(observed[-1], Raised) and observed[-1].type == "FinishedVersion":
            return nobodys_own(exercise, as_sentence(f"{observed[-1].message}: write your own")), ()
    expected = [ours.expected(check) for check in exercise.checks]
    _insist_on_answers(exercise, expected)
    differences = [compare(wanted, came) for wanted, came in zip(expected, observed, strict=True)]
    if all(differences) and any(_is_unwritten(came) for came in observed):
        return not_attempted(exercise), ()
    recognised = _recognise(ours, observed, expected, differences)
    lines = []
    for check, difference, mistake in zip(exercise.checks, differences, recognised, strict=True):
        feedback = mistake.sentence if mistake else difference and f"your `{exercise.name}` {difference}"
        if not difference:
            feedback = _elsewhere(ours, check, ask_learner, (devices or accelerators)())
        score = 0.0 if feedback else check.points
        lines.append(Line(check.sentence, not feedback, score, check.points, as_sentence(feedback or "")))
    verdict = _verdict(exercise, _without_empty_form(exercise, lines))
    seen = tuple(map(Seen, exercise.checks, expected, observed))
    return replace(verdict, measured=_measured(exercise, came, seed)), seen


def ask_here(answer: Any, seed: int = 0) -> AskLearner:
    """Ask an answer that lives in this process."""
    return lambda question, given: ask(question, answer, given, asking_seed(seed))


def asking_seed(seed: int) -> int:
    """What global generators are seeded with while somebody is asked.

    It goes to where learners' code runs, so it tells nothing of the seed that draws the inputs: whoever had that one
    could draw them too, with all that was withheld.
    """
    return int.from_bytes(hashlib.sha256(f"asking {seed}".encode()).digest()[:8]) >> 2


def accelerators() -> list[str]:
    """The devices beside the CPU that checks run on."""
    found = ["cuda"] if torch.cuda.is_available() else []
    return found + (["mps"] if torch.backends.mps.is_available() else [])


def not_attempted(exercise: Exercise) -> Verdict:
    """The verdict on an answer that still is the stub."""
    lines = tuple(Line(check.sentence, False, 0.0, check.points) for check in exercise.checks)
    if isinstance(exercise, Question):
        letters = ", ".join(f'"{letter}"' for letter in exercise.choices)
        feedback = f"Not answered yet: put one of {letters} in the place of the three dots, and run both cells."
    else:
        feedback = f"Not attempted yet: replace the stub of `{exercise.name}` by your own code and run its cell."
    return Verdict(exercise.name, Outcome.NOT_ATTEMPTED, 0.0, exercise.points, feedback, lines)


def nobodys_own(exercise: Exercise, feedback: str) -> Verdict:
    """The verdict on a finished version that somebody else wrote: no points for the whole exercise."""
    lines = tuple(Line(check.sentence, False, 0.0, check.points) for check in exercise.checks)
    return Verdict(exercise.name, Outcome.FAILED, 0.0, exercise.points, feedback, lines)


def _without_empty_form(exercise: Exercise, lines: list[Line]) -> tuple[Line, ...]:
    """The lines; where form alone is right they earn nothing: anybody can give a shape without an answer."""
    if any(line.passed and not check.is_form for line, check in zip(lines, exercise.checks, strict=True)):
        return tuple(lines)
    return tuple(replace(line, score=0.0, feedback=FORM_ALONE) if line.passed else line for line in lines)


def _verdict(exercise: Exercise, lines: tuple[Line, ...]) -> Verdict:
    score = total(line.score for line in lines)
    passed = all(line.passed for line in lines)
    outcome = Outcome.PASSED if passed else Outcome.PARTIAL if score else Outcome.FAILED
    feedback = " ".join(dict.fromkeys(line.feedback for line in lines if line.feedback and not line.passed))
    return Verdict(exercise.name, outcome, score, exercise.points, feedback, lines)


# Asking seeds the global generators and drops what is printed, in the whole process: one thread at a time.
_alone = threading.RLock()


def _drawn(exercise: Exercise, seed: int) -> Any:
    with _alone, silence():
        return exercise.draw(np.random.default_rng(seed))


_drawn_to_look_at = functools.lru_cache(maxsize=64)(_drawn)  # looking changes nothing


def _looked_at(exercise: Exercise, check: Check, came: Any, seed: int) -> Any:
    """What the judge's own eyes see in an observation. One that they make no sense of stays as it came."""
    if check.look is None or isinstance(came, Raised):
        return came
    try:
        with _alone, silence():
            return record(check.look(came, _drawn_to_look_at(exercise, seed)))
    except CannotAsk as error:
        return Raised("CannotAsk", str(error))
    except Exception:
        return came


def _measured(exercise: Exercise, came: dict[Callable, Any], seed: int) -> Measured | None:
    """The number that this exercise measures, None where there is none to be had from what came."""
    if exercise.measure is None:
        return None
    question, look = exercise.measure
    if question not in came or isinstance(came[question], Raised):
        return None
    try:
        with _alone, silence():
            measured = look(came[question], _drawn_to_look_at(exercise, seed))
    except Exception:  # what came makes no sense to it
        return None
    return measured if math.isfinite(measured.value) else None


class _Ours:
    """What our own answers observe for one seed, each found out once, when it is first needed."""

    def __init__(self, exercise: Exercise, seed: int):
        self.exercise, self.seed = exercise, seed
        self._found: dict[tuple[int, int, str], tuple[Any, Check, Any]] = {}
        self._came: dict[tuple[int, Callable, str], Any] = {}  # a question that checks share is asked once

    def expected(self, check: Check, device: str = "cpu") -> Any:
        return self._observed(check, self.exercise.reference, device)

    def mistaken(self, check: Check, mistake: Misconception) -> Any:
        return self._observed(check, mistake.answer, "cpu")

    def _observed(self, check: Check, answer: Any, device: str) -> Any:
        key = id(answer), id(check), device
        if key not in self._found:
            came = _looked_at(self.exercise, check, self._asked(check.question, answer, device), self.seed)
            self._found[key] = came, check, answer  # which are kept, so that their ids stay theirs
        return self._found[key][0]

    def _asked(self, question: Callable, answer: Any, device: str) -> Any:
        key = id(answer), question, device
        if key not in self._came:
            # in silence: what our own answers print or warn of is none of the learner's
            given = _drawn(self.exercise, self.seed)
            with _alone, silence():
                given = given if device == "cpu" else to_device(given, device)
                self._came[key] = ask(question, answer, given, asking_seed(self.seed))
        return self._came[key]


@functools.lru_cache(maxsize=64)
def _ours(exercise: Exercise, seed: int) -> _Ours:
    return _Ours(exercise, seed)


class _Nowhere(io.StringIO):
    """Where nothing is kept."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drop what is printed, on stdout or stderr, what is logged, and every warning."""
    if isinstance(sys.stdout, _Nowhere):  # it is silent already, and to be so twice costs more than many a question
        yield
        return
    nowhere, call_handlers = _Nowhere(), logging.Logger.callHandlers
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.Logger.callHandlers = lambda logger, record: None  # logging.disable goes through all loggers there are
        try:
            yield
        finally:
            logging.Logger.callHandlers = call_handlers


def _insist_on_answers(exercise: Exercise, expected: list) -> None:
    """Everybody would pass a question that the reference cannot answer, or answers with an object without values."""
    for check, wanted in zip(exercise.checks, expected, strict=True):
        if isinstance(wanted, Raised) and wanted.type == "CannotAsk":
            raise ValueError(f"{exercise.name}, {check.sentence!r}: the reference {wanted.message}")
        if kind := _opaque(wanted):
            raise ValueError(f"{exercise.name}, {check.sentence!r}: observe plain data, not an object of type {kind}")


def _opaque(observation: Any) -> str:
    """The type of something in an observation of which only the type is known, "" when all is plain."""
    match observation:
        case Other(kind):
            return kind
        case list():
            return next(filter(None, map(_opaque, observation)), "")
        case {}:
            return next(filter(None, map(_opaque, observation.values())), "")
        case _:
            return ""


def _recognise(ours: _Ours, observed: list, expected: list, differences: list) -> list[Misconception | None]:
    """For each check that failed, the known mistake that gives the learner's observation, if there is one.

    Where several give it, the one that agrees with the learner in most of the checks is meant.
    """
    checks = ours.exercise.checks
    failed = [i for i, difference in enumerate(differences) if difference]
    others = [i for i in range(len(checks)) if i not in failed]
    agreeing: list[tuple[int, Misconception, set[int]]] = []

    def explains(mistake: Misconception, i: int) -> bool:
        own = ours.mistaken(checks[i], mistake)
        return _same(own, observed[i]) and not equal(expected[i], own)

    def agrees(mistake: Misconception, i: int) -> bool:
        return _same(ours.mistaken(checks[i], mistake), observed[i])

    if failed:
        with _alone, silence():  # once around all of them: to be silent costs more than many a question
            for mistake in ours.exercise.misconceptions:  # most fall at their first question
                if all(explains(mistake, i) for i in failed) and all(agrees(mistake, i) for i in others):
                    return [mistake if i in failed else None for i in range(len(checks))]
            for mistake in ours.exercise.misconceptions:
                if explained := {i for i in failed if explains(mistake, i)}:
                    agreed = sum(agrees(mistake, i) for i in range(len(checks)))
                    agreeing.append((agreed, mistake, explained))
    agreeing.sort(key=lambda entry: -entry[0])
    return [next((mistake for _, mistake, explained in agreeing if i in explained), None) for i in range(len(checks))]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Raised) and isinstance(other, Raised):
        return (one.type, _without_names(one.message)) == (other.type, _without_names(other.message))
    return equal(one, other)


def _without_names(message: str) -> str:
    return re.sub(r"`[^`]*`|'[^']*'|[\w.<>]+\(\)", "", message)  # also f() of "f() missing 1 required ..."


def _elsewhere(ours: _Ours, check: Check, ask_learner: AskLearner, devices: Sequence[str]) -> str:
    """What goes wrong on another device with an answer that is right on the CPU."""
    exercise, seed = ours.exercise, ours.seed
    for device in devices:
        came = ask_learner(check.question, to_device(_drawn(exercise, seed), device))
        if difference := compare(ours.expected(check, device), _looked_at(exercise, check, came, seed)):
            return f"on {device} your `{exercise.name}` {difference}"
    return ""


def _is_unwritten(observation: Any) -> bool:
    # a stub says nothing; where PyTorch raises the same error, it has a message
    return isinstance(observation, Raised) and (observation.type, observation.message) == ("NotImplementedError", "")


def judgements(exercise: Exercise, seed: int) -> Iterator[tuple[Misconception, Verdict]]:
    """Each known mistake with the verdict it gets: the tests of the tests."""
    for mistake in exercise.misconceptions:
        with silence():
            verdict = judge(exercise, ask_here(mistake.answer, seed), seed)
        yield mistake, verdict
