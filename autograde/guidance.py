"""Hints in steps, and a solution for whoever has passed or gives up. Practice alone: grading knows nothing of it."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

from autograde import exercises, session
from autograde.examples import worked_example
from autograde.exercise import Exercise, Question
from autograde.records import GAVE_UP, HINT, SOLUTION, Record, desk_of
from autograde.session import found, say

__all__ = ["give_up", "hint", "solution", "solution_of"]

EXAMPLE = "A worked example, on other numbers"


def hint(name: str) -> None:
    """Show the next hint for an exercise; each call goes a step further, and the last brings a worked example."""
    if not (exercise := found(name)):
        return
    steps, taken = len(exercise.hints), session.current.hints_taken.get(name, 0)
    if not steps:
        say(f"`{name}` has no hints: read the text above it once more.")
        return
    step = min(taken + 1, steps)
    session.current.hints_taken[name] = step
    if taken < steps:
        title = f"Hint {step} of {steps} for `{name}`"
        session.current.note(name, HINT, step)
    else:
        title = f"There are no more hints for `{name}`. Once more, the last one"
    text = f"{title}: {exercise.hints[step - 1]}"
    example = worked_example(exercise) if step == steps else ()
    if not example:
        say(text)
        return
    shown = "\n".join(example)
    say(f"{text}\n\n{EXAMPLE}:\n\n{textwrap.indent(shown, '  ')}", f"{text}\n\n{EXAMPLE}:\n\n```text\n{shown}\n```")


def give_up(name: str) -> None:
    """Open the solution of an exercise that has not passed. It costs no marks, and cannot be taken back."""
    if not found(name):
        return
    if _has_passed(name):
        say(f'`{name}` has passed: there is nothing to give up. `solution("{name}")` shows how we did it.')
        return
    if not _has_given_up(name):
        session.current.note(name, GAVE_UP)
    say(
        f'You have given up `{name}`, so `solution("{name}")` now shows its solution. This is written down in your '
        "progress and touches no marks: read the solution, close it, and write your own. The check gives the points "
        "as before."
    )


def solution(name: str) -> None:
    """Show our solution of an exercise, once its check has passed or it was given up."""
    if not (exercise := found(name)):
        return
    if not (_has_passed(name) or _has_given_up(name)):
        say(
            f"The solution of `{name}` is shown once its check has passed. Try "
            + (f'`hint("{name}")` first. ' if exercise.hints else "")
            + f'Whoever is stuck for good calls `give_up("{name}")`: that costs no marks, and opens it.'
        )
        return
    session.current.note(name, SOLUTION)
    title, code = solution_of(exercise, exercises.find(name)[0])
    say(f"{title}\n\n{textwrap.indent(code, '    ')}" if code else title, _as_markdown(title, code, exercise))


def solution_of(exercise: Exercise, slug: str, root: Path | None = None) -> tuple[str, str]:
    """(a sentence that says what it is, the text) of an exercise's solution; the text is "" where none can be had.

    The lesson's own, from `solutions/` at `root` or beside this package. A folder that a course hands out has no
    solutions: then it is the reference that checks ask, as its code stands.
    """
    name = exercise.name
    if isinstance(exercise, Question):
        letter = exercise.reference
        return f"The right answer to `{name}` is “{letter}”", exercise.choices[letter]
    for folder in filter(None, (root, desk_of(Path.cwd()), Path(__file__).resolve().parent.parent)):
        for script in sorted((folder / "solutions").glob(f"[0-9][0-9]_{slug}.py")):
            if code := _cell_of(script.read_text(encoding="utf-8"), name):
                return f"Our solution of `{name}`", code
    try:
        code = textwrap.dedent(inspect.getsource(exercise.reference)).strip()
    except (OSError, TypeError):
        return f"The solution of `{name}` is not on this machine: ask for it where you got this course.", ""
    return f"The lesson's own solution is not on this machine. This is what the check of `{name}` compares with", code


def _cell_of(script: str, name: str) -> str:
    """What an exercise's cell holds in a lesson's script, without the marks around the solution."""
    start = re.search(rf'(?m)^# %% exercise="{re.escape(name)}"\n', script)
    if not start:
        return ""
    cell = re.split(r"(?m)^# %%", script[start.end() :], maxsplit=1)[0]
    cell = re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n", "", cell)
    return re.sub(r"(?m) *### SOLUTION\b.*$", "", cell).strip()


def _as_markdown(title: str, code: str, exercise: Exercise) -> str:
    if not code:
        return title
    return f"{title}: {code}" if isinstance(exercise, Question) else f"{title}:\n\n```python\n{code}\n```"


def _has_passed(name: str) -> bool:
    verdict, record = session.current.verdicts.get(name), _record(name)
    return bool((verdict and verdict.passed) or (record and record.passed_at is not None))


def _has_given_up(name: str) -> bool:
    record = _record(name)
    return record is not None and record.gave_up_at is not None


def _record(name: str) -> Record | None:
    known, problem = session.current.keeper.records()
    if problem:
        say(problem)
    return next((record for record in known if record.exercise == name), None)
