"""Judging from outside: questions go by value to a child behind walls, and observations come back as plain data.

A child holds no answers, so neither may a question: the pickler refuses whatever leads to collabkit, to another
exercise's reference or to a misconception. What comes back is checked as hostile data.
"""

from __future__ import annotations

import functools
import io
import sys
import time
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

from autograde.exercise import Check, Exercise, Misconception
from autograde.kernel.warm import Child, ChildTimedOut, Unusable
from autograde.observe import Raised, answered, from_plain

__all__ = ["AskChild", "HoldsAnswers", "NotThere", "pickled"]

LOOPS = "did not come to an end in time: look for a loop that never ends"
UNREADABLE = "gave something that no check can read: return plain tensors, arrays, tables, numbers or text"
PLAIN = frozenset((str, bytes, int, float, bool, type(None), tuple, list, dict))
NOT_ASKED = "could not be asked any more: the questions before this one took all the time"


class HoldsAnswers(Exception):
    """A question or its inputs lead to an answer, so they must not be sent to a learner's process."""


class NotThere(Exception):
    """The expression that a check asks for gives nothing, a name that is not defined for one; the message says why."""


class AskChild:
    """Put questions to what an expression stands for in a child: an `AskLearner` for `judge`.

    All questions together have `seconds`. One that takes too long is given up, and costs the learner that check.
    Raises NotThere when there is nothing to ask, ChildDied when the child is gone, ChildTimedOut when it had to be
    ended, HoldsAnswers for a question that must not be sent. timed_out: whether a question was given up.
    """

    copies = True  # what it is given goes to the child as bytes, and stays as it is

    def __init__(self, child: Child, expression: str, seed: int, seconds: float):
        self._child, self._expression, self._seed = child, expression, seed
        self._left = seconds
        self.timed_out = False
        self._given: tuple[Any, bytes] = (self, b"")  # the last one, and its bytes

    def __call__(self, question: Callable[[Any, Any], Any], given: Any) -> Any:
        if self._left <= 0:
            return Raised("CannotAsk", NOT_ASKED)
        if given is not self._given[0]:
            self._given = given, pickled(given, question)
        arguments = _pickled_question(question), self._given[1], self._seed
        started = time.monotonic()
        try:
            plain, arrays = self._child.ask(self._expression, answered, *arguments, seconds=self._left)
            match plain:
                case {"raised": [str(kind), str(message)]}:
                    raise NotThere(_printable(f"{kind}: {message}"))
            return from_plain(plain, arrays)
        except ChildTimedOut as error:
            self.timed_out = True
            if not error.alive:
                raise
            return Raised("CannotAsk", LOOPS)
        except (Unusable, ValueError):
            return Raised("CannotAsk", UNREADABLE)
        finally:
            self._left -= time.monotonic() - started


def pickled(value: Any, question: Callable) -> bytes:
    """A question, or inputs for it, pickled so that a process without our exercises can load it.

    HoldsAnswers where it leads to something that may hold an answer.
    """
    module = sys.modules[question.__module__]
    by_value = (module, sys.modules[Exercise.__module__])
    for each in by_value:
        _by_value(each)
    file = io.BytesIO()
    _Pickler(file, {each.__name__ for each in by_value}, _answers_in(module)).dump(value)
    # what goes by value still says where it was defined: a name of the same length that leads nowhere
    return file.getvalue().replace(b"autograde.exercise", b"autograde.question").replace(b"/exercises/", b"/questions/")


@functools.lru_cache(maxsize=1024)
def _pickled_question(question: Callable) -> bytes:
    return pickled(question, question)


@functools.cache
def _by_value(module: ModuleType) -> None:
    cloudpickle.register_pickle_by_value(module)


@functools.cache
def _answers_in(module: ModuleType) -> tuple[Any, ...]:
    """The functions and classes among the references and misconceptions of a module's exercises."""
    exercises = [value for value in vars(module).values() if isinstance(value, Exercise)]
    answers = [answer for each in exercises for answer in (each.reference, *(m.answer for m in each.misconceptions))]
    return tuple(answer for answer in answers if isinstance(answer, FunctionType | type))


class _Pickler(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO, by_value: set[str], answers: tuple[Any, ...]):
        super().__init__(file)
        self._by_value = by_value
        self._answers = frozenset(map(id, answers))

    def persistent_id(self, value: Any) -> None:
        """Called for every object on the way: a place to look at it."""
        if type(value) in PLAIN:  # most are, and what is in them comes by itself
            return
        if isinstance(value, ModuleType):
            self._refuse_unless(_may_be_named(value.__name__), f"the module {value.__name__}")
        elif isinstance(value, FunctionType | type):
            module, whole = str(value.__module__), f"{value.__module__}.{value.__qualname__}"
            self._refuse_unless(module in self._by_value or _may_be_named(module), whole)
            self._refuse_unless(id(value) not in self._answers, whole)
        self._refuse_unless(not isinstance(value, Exercise | Misconception | Check), "an exercise")

    def _refuse_unless(self, is_fine: bool, what: str) -> None:
        if not is_fine:
            raise HoldsAnswers(f"a question or its inputs lead to {what}, which may hold an answer")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text[:300]).strip()


def _may_be_named(module: str) -> bool:
    root = module.split(".")[0]
    return root != "collabkit" and (root != "autograde" or module == "autograde.observe")
