"""Exercises, the questions they put, and the verdicts they end in: values, and no registry.

An exercise holds a reference, a way to draw inputs, checks (questions with points) and misconceptions
(known wrong answers with the sentence that helps). It judges nothing itself: see judge.py.
"""

from __future__ import annotations

import enum
import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "EXAMPLE_SEED",
    "Check",
    "Exercise",
    "Line",
    "Measured",
    "Misconception",
    "Outcome",
    "Question",
    "Verdict",
    "Withheld",
    "as_sentence",
    "total",
]


EXAMPLE_SEED = 1 << 64  # what worked examples draw from: checks have seeds below this, in practice and in grading


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
    UNGRADED = "ungraded"  # grading itself failed: no fault of the learner's, and no mark


@dataclass(frozen=True)
class Line:
    """One check as the learner reads it."""

    sentence: str  # after "your DotProduct ..."
    passed: bool
    score: float
    points: float
    feedback: str = ""  # what helps, when it did not pass


@dataclass(frozen=True)
class Measured:
    """A number that was measured of an answer, where more than right and wrong is of interest; less is better."""

    what: str  # "RMSE on ratings that only the judge holds"
    value: float
    rungs: dict[str, float]  # what known answers have on the same inputs, the simplest first


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
    measured: Measured | None = field(default=None, compare=False)  # other inputs, another number, and the same mark

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # nbgrader reads the text as partial credit; the card itself has been shown by `check`.
        text = f"{self.score:.10g}"  # six digits would round 12.34567 up, to more than there are points
        note = f"nbgrader reads {text} of {self.points:.10g} points from this cell"
        return {"text/plain": text, "text/html": f'<small style="opacity:.7">{note}</small>'}


class Withheld:
    """A part of the inputs that only the judge may know: pickled, for another process, it is None."""

    def __init__(self, value: Any):
        self.value = value

    def __repr__(self) -> str:
        return "Withheld(...)"

    def __reduce__(self) -> tuple:
        return type(None), ()


@dataclass(frozen=True)
class Check:
    """One question with its points. `sentence` is what the learner reads, the question's docstring if not said else."""

    question: Callable[[Any, Any], Any]
    sentence: str
    points: float
    look: Callable[[Any, Any], Any] | None = None  # what is to be seen in the observation, in the judge's own eyes
    is_form: bool = False  # a matter of form alone (a shape, a device): counts once something of substance is right


@dataclass(frozen=True)
class Misconception:
    """A known wrong answer and the sentence that helps whoever gives it."""

    answer: Any
    sentence: str
    name: str


@dataclass(eq=False)
class Exercise:
    """What a learner is to define, how it is asked about, and which mistakes are known.

    reference: the right answer, usually from collabkit
    name: what the learner defines; the reference's own name unless a later lesson adds a word to it
    hints: two or three, of rising directness
    elsewhere: dotted names of finished versions outside collabkit, "fastai.layers.sigmoid_range" for one
    is_shared: all learners of a course get the same inputs in grading, so that what is measured can be compared
    patience: how many times the usual seconds its questions may take, where they train
    example: the steps of a worked example, see `worked_example`; without one it is made from a question

    Slips of an author (an empty hint, a check without docstring or points, a decorator without its brackets)
    raise ValueError where they are written.
    """

    reference: Any
    name: str = ""
    hints: tuple[str, ...] = ()
    checks: list[Check] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)
    draw: Callable[[np.random.Generator], Any] = lambda rng: None
    elsewhere: tuple[str, ...] = ()
    is_shared: bool = False
    patience: float = 1
    measure: tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Measured]] | None = None
    example: Callable[[], Iterator[tuple]] | None = None

    def __post_init__(self) -> None:
        self.name = self.name or getattr(self.reference, "__name__", "")
        if not self.name:
            raise ValueError(f"the reference {reprlib.repr(self.reference)} has no name of its own: give name=...")
        if isinstance(self.hints, str):
            raise ValueError(f"{self.name}: hints are a tuple of sentences, not one string (is a comma missing?)")
        for hint in self.hints:
            if not hint.strip():
                raise ValueError(f"{self.name}: a hint is empty")

    @property
    def points(self) -> float:
        """The exercise's points: the sum over its checks."""
        return total(check.points for check in self.checks)

    @property
    def finished(self) -> tuple[str, ...]:
        """The finished versions that earn nobody a mark, by dotted name: collabkit's, and those given as elsewhere."""
        module = getattr(self.reference, "__module__", None) or ""
        ours = (f"{module}.{self.reference.__qualname__}",) if module.split(".")[0] == "collabkit" else ()
        return ours + self.elsewhere

    def given(self, draw: Callable[[np.random.Generator], Any]) -> Callable:
        """Decorator: how the inputs of every question are drawn, anew in every run."""
        self.draw = draw
        return draw

    def check(
        self,
        points: float,
        *,
        look: Callable[[Any, Any], Any] | None = None,
        form: bool = False,
        sentence: str = "",
    ) -> Callable[[Callable], Callable]:
        """Decorator: `question(answer, given)` returns what it observes; its docstring is the learner's sentence.

        In grading a question runs in the learner's process, where a trick may bend what it concludes. So let it bring
        back what the answer gives, and draw conclusions in `look(observation, given)`, which the judge runs: it gets
        the observation as `observe.record` leaves it, and what it returns is what is compared. A CannotAsk raised in
        it is a sentence for the learner. form: this check is about form alone, so that anybody could give the
        expected observation without an answer: it earns its points once another check has passed. A question that
        several checks share, each with its look and its sentence, is asked once.
        """
        worth = _worth(self.name, points)

        def add(question: Callable[[Any, Any], Any]) -> Callable:
            told = " ".join((sentence or question.__doc__ or "").split())
            if not told:
                raise ValueError(f"{self.name}: the check {question.__name__} needs a docstring, which learners read")
            self.checks.append(Check(question, told, worth, look, form))
            return question

        return add

    def measured_by(self, question: Callable[[Any, Any], Any]) -> Callable[[Callable], Callable]:
        """Decorator for `look(observation, given)` that makes a Measured of what a check's question brings back."""

        def add(look: Callable[[Any, Any], Measured]) -> Callable[[Any, Any], Measured]:
            self.measure = question, look
            return look

        return add

    def worked_example(self, steps: Callable[[], Iterator[tuple]]) -> Callable[[], Iterator[tuple]]:
        """Decorator: what the last hint shows, on numbers of its own.

        `steps()` yields (words, value) for each step, or (words,) alone; values are computed, and shown as text.
        """
        self.example = steps
        return steps

    def misconception(self, sentence: str) -> Callable[[Any], Any]:
        """Decorator for a wrong implementation; `sentence` is what helps the learner who wrote it."""
        if not isinstance(sentence, str) or not sentence.strip():
            raise ValueError(f"{self.name}: a misconception needs a sentence: @{self.name}.misconception('...')")

        def add(answer: Any) -> Any:
            self.misconceptions.append(Misconception(answer, sentence, getattr(answer, "__name__", repr(answer))))
            return answer

        return add


class Question(Exercise):
    """A concept question: the answer is a letter, and each wrong letter is a misconception with its reason.

    choices: what the learner reads, keyed by letter; lower case, since learners may answer in either
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
        for letter in choices:
            if letter != _plain(letter):
                raise ValueError(f"{name}: the choice {letter!r} can never be given: call it {_plain(letter)!r}")
        for text in (prompt, *choices.values(), *why_not.values()):
            if not text.strip():
                raise ValueError(f"{name}: the prompt, a choice or a reason is empty")
        self.prompt, self.choices = prompt, dict(choices)
        self.draw = lambda rng: tuple(choices)
        self.checks.append(Check(_chosen, "Names the right choice", _worth(name, points)))
        for letter, reason in why_not.items():
            self.misconceptions.append(Misconception(letter, f"“{letter}” is not it. {reason}", letter))


def total(points: Iterable[float]) -> float:
    """A sum of points. Rounded, so that full marks are the same number in whatever order they are added up."""
    return round(sum(points), 6)


def as_sentence(text: str) -> str:
    """Feedback as a learner reads it: it begins in upper case, ends with a stop, and all of it can be printed."""
    text = text[:1].upper() + text[1:]
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return text if not text or text[-1] in ".!?…" else text + "."


def _worth(name: str, points: Any) -> float:
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < math.inf:
        raise ValueError(f"{name}: a check needs points above 0, not {points!r}")
    return points


def _chosen(answer: Any, letters: tuple[str, ...]) -> Any:
    from autograde.observe import CannotAsk

    letter = _plain(answer) if isinstance(answer, str) else None
    if letter not in letters:
        listed = ", ".join(f'"{each}"' for each in letters)
        is_short = answer is None or isinstance(answer, str | int | float)
        came = reprlib.repr(answer) if is_short else f"of type {type(answer).__name__}"
        raise CannotAsk(f"is {came}: answer with one of the letters {listed}, in quotes")
    return letter


def _plain(letter: str) -> str:
    """A choice as it is compared: (B). counts as b."""
    return letter.strip().strip("().").lower()
