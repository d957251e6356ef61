"""The verdict on one answer: put every question to it and to the reference, and compare what is observed.

The judge does not care where the learner's answer lives: `ask_learner` may call it in this very kernel, or
send the question to a process behind walls. Reference and misconceptions are asked here.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from autograde.compare import compare, equal
from autograde.exercise import Check, Exercise, Line, Misconception, Outcome, Verdict, as_sentence, total
from autograde.observe import Other, Raised, ask, to_device

__all__ = ["accelerators", "ask_here", "judge", "judgements", "not_attempted", "silence"]

AskLearner = Callable[[Callable[[Any, Any], Any], Any], Any]  # (question, given) -> observation


def judge(exercise: Exercise, ask_learner: AskLearner, seed: int) -> Verdict:
    """Judge an answer on inputs that the seed draws.

    Every implementation gets inputs of its own, drawn from the same seed, so none can spoil another's.
    A check passes when the learner's observation equals the reference's on the CPU and on each accelerator.
    Raises ValueError when the exercise itself is broken: no checks, or a question that its reference cannot answer.
    """
    if not exercise.checks:
        raise ValueError(f"{exercise.name} has no checks, so every answer would pass")
    observed = [ask_learner(check.question, _drawn(exercise, seed)) for check in exercise.checks]
    expected = [_observe(exercise, check, exercise.reference, seed) for check in exercise.checks]
    _insist_on_answers(exercise, expected)
    differences = [compare(wanted, came) for wanted, came in zip(expected, observed, strict=True)]
    if all(differences) and any(_is_unwritten(came) for came in observed):
        return not_attempted(exercise)
    recognised = _recognise(exercise, observed, expected, differences, seed)
    lines = []
    for check, difference, mistake in zip(exercise.checks, differences, recognised, strict=True):
        feedback = mistake.sentence if mistake else difference and f"your `{exercise.name}` {difference}"
        if not difference:
            feedback = _elsewhere(exercise, check, ask_learner, seed)
        score = 0.0 if feedback else check.points
        lines.append(Line(check.sentence, not feedback, score, check.points, as_sentence(feedback or "")))
    return _verdict(exercise, tuple(lines))


def ask_here(answer: Any, seed: int = 0) -> AskLearner:
    """Ask an answer that lives in this process."""
    return lambda question, given: ask(question, answer, given, seed)


def accelerators() -> list[str]:
    """The devices beside the CPU that checks run on."""
    found = ["cuda"] if torch.cuda.is_available() else []
    return found + (["mps"] if torch.backends.mps.is_available() else [])


def not_attempted(exercise: Exercise) -> Verdict:
    """The verdict on an answer that still is the stub."""
    lines = tuple(Line(check.sentence, False, 0.0, check.points) for check in exercise.checks)
    feedback = f"Not attempted yet: replace the stub of `{exercise.name}` by your own code and run its cell."
    return Verdict(exercise.name, Outcome.NOT_ATTEMPTED, 0.0, exercise.points, feedback, lines)


def _verdict(exercise: Exercise, lines: tuple[Line, ...]) -> Verdict:
    score = total(line.score for line in lines)
    passed = all(line.passed for line in lines)
    outcome = Outcome.PASSED if passed else Outcome.PARTIAL if score else Outcome.FAILED
    feedback = " ".join(dict.fromkeys(line.feedback for line in lines if line.feedback))
    return Verdict(exercise.name, outcome, score, exercise.points, feedback, lines)


def _drawn(exercise: Exercise, seed: int) -> Any:
    with silence():
        return exercise.draw(np.random.default_rng(seed))


def _observe(exercise: Exercise, check: Check, answer: Any, seed: int, device: str = "cpu") -> Any:
    """Ask one of our own answers, in silence: what it prints or warns of is none of the learner's."""
    given = _drawn(exercise, seed)
    with silence():
        return ask(check.question, answer, given if device == "cpu" else to_device(given, device), seed)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drop what is printed, on stdout or stderr, what is logged, and every warning."""
    nowhere, disabled = io.StringIO(), logging.root.manager.disable
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


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


def _recognise(
    exercise: Exercise, observed: list, expected: list, differences: list, seed: int
) -> list[Misconception | None]:
    """For each check that failed, the known mistake that gives the learner's observation, if there is one.

    Where several give it, the one that agrees with the learner in most of the checks is meant.
    """
    failed = [i for i, difference in enumerate(differences) if difference]
    agreeing: list[tuple[int, Misconception, set[int]]] = []
    for mistake in exercise.misconceptions if failed else ():
        own = [_observe(exercise, check, mistake.answer, seed) for check in exercise.checks]
        agrees = {i for i, came in enumerate(observed) if _same(own[i], came)}
        explains = {i for i in agrees if i in failed and not equal(expected[i], own[i])}
        if explains:
            agreeing.append((len(agrees), mistake, explains))
    agreeing.sort(key=lambda entry: -entry[0])
    return [
        next((mistake for _, mistake, explains in agreeing if i in explains), None) for i in range(len(exercise.checks))
    ]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Raised) and isinstance(other, Raised):
        return (one.type, _without_names(one.message)) == (other.type, _without_names(other.message))
    return equal(one, other)


def _without_names(message: str) -> str:
    return re.sub(r"`[^`]*`|'[^']*'", "", message)


def _elsewhere(exercise: Exercise, check: Check, ask_learner: AskLearner, seed: int) -> str:
    """What goes wrong on an accelerator of this machine with an answer that is right on the CPU."""
    for device in accelerators():
        came = ask_learner(check.question, to_device(_drawn(exercise, seed), device))
        wanted = _observe(exercise, check, exercise.reference, seed, device)
        if difference := compare(wanted, came):
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
