"""Exercises, the questions they put, and the verdicts they end in: values, and no registry.

An exercise holds a reference, a way to draw inputs, checks (questions with points) and misconceptions
(known wrong answers with the sentence that helps). It judges nothing itself: see judge.py.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Check", "Exercise", "Line", "Misconception", "Outcome", "Question", "Verdict"]


class Outcome(enum.StrEnum):
    """How an exercise ended for one learner. A status is never hidden behind a mark."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    MALFORMED = "malformed"
    MISSING = "missing"


@dataclass(frozen=True)
class Line:
    """One check as the learner reads it."""

    sentence: str  # after "your DotProduct ..."
    passed: bool
    score: float
    points: float
    feedback: str = ""  # what helps, when it did not pass


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise: `score` of `points`, how it ended, and the sentences that help."""

    name: str
    outcome: Outcome
    score: float
    points: float
    feedback: str = ""
    lines: tuple[Line, ...] = ()
    asides: tuple[str, ...] = ()  # what the learner's code printed or warned of while it was asked

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # nbgrader reads the text as partial credit; the card itself has been shown by `check`.
        text = f"{self.score:g}"
        note = f"nbgrader reads {text} of {self.points:g} points from this cell"
        return {"text/plain": text, "text/html": f'<small style="opacity:.7">{note}</small>'}


@dataclass(frozen=True)
class Check:
    """One question with its points. `sentence` is the question's docstring: what the learner reads."""

    question: Callable[[Any, Any], Any]
    sentence: str
    points: float


@dataclass(frozen=True)
class Misconception:
    """A known wrong answer and the sentence that helps whoever gives it."""

    answer: Any
    sentence: str
    name: str


@dataclass
class Exercise:
    """What a learner is to define, how it is asked about, and which mistakes are known.

    reference: the right answer, usually from collabkit
    name: what the learner defines; the reference's own name unless a later lesson adds a word to it
    hints: two or three, of rising directness
    """

    reference: Any
    name: str = ""
    hints: tuple[str, ...] = ()
    checks: list[Check] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)
    draw: Callable[[np.random.Generator], Any] = lambda rng: None

    def __post_init__(self) -> None:
        self.name = self.name or self.reference.__name__
        for hint in self.hints:
            if not hint.strip():
                raise ValueError(f"{self.name}: a hint is empty")

    @property
    def points(self) -> float:
        """The exercise's points: the sum over its checks."""
        return sum(check.points for check in self.checks)

    def given(self, draw: Callable[[np.random.Generator], Any]) -> Callable:
        """Decorator: how the inputs of every question are drawn, anew in every run."""
        self.draw = draw
        return draw

    def check(self, points: float) -> Callable[[Callable], Callable]:
        """Decorator: `question(answer, given)` returns what it observes; its docstring is the learner's sentence."""

        def add(question: Callable[[Any, Any], Any]) -> Callable:
            sentence = inspect.cleandoc(question.__doc__ or "").replace("\n", " ")
            if not sentence:
                raise ValueError(f"{self.name}: the check {question.__name__} needs a docstring, which learners read")
            if points <= 0:
                raise ValueError(f"{self.name}: the check {question.__name__} needs points above 0, not {points}")
            self.checks.append(Check(question, sentence, points))
            return question

        return add

    def misconception(self, sentence: str) -> Callable[[Any], Any]:
        """Decorator for a wrong implementation; `sentence` is what helps the learner who wrote it."""

        def add(answer: Any) -> Any:
            if not sentence.strip():
                raise ValueError(f"{self.name}: the misconception {answer.__name__} needs a sentence")
            self.misconceptions.append(Misconception(answer, sentence, answer.__name__))
            return answer

        return add


class Question(Exercise):
    """A concept question: the answer is a letter, and each wrong letter is a misconception with its reason.

    choices: what the learner reads, keyed by letter
    why_not: for each wrong letter the reason; together with the right letter these are all the choices
    """

    def __init__(
        self,
        name: str,
        prompt: str,
        choices: Mapping[str, str],
        right: str,
        why_not: Mapping[str, str],
        hints: tuple[str, ...] = (),
        points: float = 0.5,
    ):
        super().__init__(reference=right, name=name, hints=hints)
        if set(why_not) | {right} != set(choices) or right in why_not:
            raise ValueError(f"{name}: every wrong choice, and no other, needs a reason in why_not")
        self.prompt, self.choices = prompt, dict(choices)
        self.draw = lambda rng: tuple(choices)
        self.checks.append(Check(_chosen, "names the right choice", points))
        for letter, reason in why_not.items():
            self.misconceptions.append(Misconception(letter, f"“{letter}” is not it. {reason}", letter))


def _chosen(answer: Any, letters: tuple[str, ...]) -> Any:
    from autograde.observe import CannotAsk

    letter = answer.strip().strip("().").lower() if isinstance(answer, str) else answer
    if letter not in letters:
        listed = ", ".join(f'"{each}"' for each in letters)
        raise CannotAsk(f"is {answer!r}: answer with one of the letters {listed}, in quotes")
    return letter
