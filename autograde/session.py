"""What one kernel remembers of its learner, and how it speaks to them. A kernel is one learner's desk."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from IPython import get_ipython
from IPython.display import display

from autograde import exercises
from autograde.effort import Effort
from autograde.exercise import Exercise, Verdict
from autograde.judge import silence
from autograde.records import Event, Keeper

__all__ = ["Session", "current", "find", "found", "in_kernel", "say"]


@dataclasses.dataclass
class Session:
    """What has happened in this kernel, and who keeps it beyond the kernel's end."""

    verdicts: dict[str, Verdict] = dataclasses.field(default_factory=dict)  # the last one on each exercise
    hints_taken: dict[str, int] = dataclasses.field(default_factory=dict)
    lesson: str = ""  # the slug of the exercise that was last worked on
    keeper: Keeper = dataclasses.field(default_factory=Keeper)
    name: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)

    def note(self, exercise: str, kind: str, step: int = 0, verdict: Verdict | None = None) -> None:
        """Keep what a learner did; says what there is to say when it cannot be kept."""
        if problem := self.kept(exercise, kind, step, verdict):
            say(problem)

    def kept(self, exercise: str, kind: str, step: int = 0, verdict: Verdict | None = None) -> str:
        """Keep what a learner did. Returns what there is to say when it cannot be kept, "" when it was."""
        self.lesson = exercises.find(exercise)[0]
        return self.keeper.keep(Event(self.lesson, exercise, kind, self.name, step, verdict))

    def effort(self, exercise: str) -> Effort | None:
        """What an exercise took so far; None before anything was done."""
        return self.keeper.effort(exercises.find(exercise)[0], exercise)


current = Session()


def find(name: Any) -> Exercise:
    """The exercise of this name. Raises UnknownExercise, which says what may have been meant."""
    with silence():  # the first to ask imports the exercises, fastai and matplotlib, and these may talk
        return exercises.find(name)[1]


def found(name: Any) -> Exercise | None:
    """The exercise of this name; without one, says which name may have been meant."""
    try:
        return find(name)
    except exercises.UnknownExercise as error:
        say(str(error))
        return None


def say(text: str, markdown: str | None = None) -> None:
    """Show a text to the learner, as Markdown where that is understood."""
    if not in_kernel():
        print(text)
        return
    display({"text/markdown": markdown or text, "text/plain": text}, raw=True)


def in_kernel() -> bool:
    """Whether a notebook shows what is displayed."""
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
