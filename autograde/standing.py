"""How far a learner has come: lessons, exercises, points of all points, what to do next. Values, and how they look."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograde import exercises
from autograde.card import LOOK
from autograde.cells import checked_name, is_grade
from autograde.exercise import Outcome, Question, total
from autograde.records import Record

__all__ = ["Item", "Lesson", "Standing", "as_html", "as_markdown", "as_text", "in_brief", "standing"]


@dataclass(frozen=True)
class Item:
    """One exercise: the best that came of it so far."""

    name: str
    is_question: bool
    outcome: Outcome
    score: float
    points: float
    hints: int = 0
    gave_up: bool = False

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED


@dataclass(frozen=True)
class Lesson:
    """A lesson with its exercises, in the order of its notebook."""

    number: int
    slug: str
    title: str
    items: tuple[Item, ...]

    @property
    def score(self) -> float:
        return total(item.score for item in self.items)

    @property
    def points(self) -> float:
        return total(item.points for item in self.items)

    @property
    def passed(self) -> bool:
        return all(item.passed for item in self.items)

    @property
    def name(self) -> str:
        return f"{self.number:02d} {self.title}"


@dataclass(frozen=True)
class Standing:
    """All lessons, which of them is being worked on, and what to do next, as a sentence."""

    lessons: tuple[Lesson, ...]
    current: Lesson
    next: str

    @property
    def score(self) -> float:
        return total(lesson.score for lesson in self.lessons)

    @property
    def points(self) -> float:
        return total(lesson.points for lesson in self.lessons)


def standing(records: Iterable[Record], current: str = "", desk: Path | None = None) -> Standing:
    """What the records come to.

    current: the slug of the lesson at hand, without one the first that is not complete
    desk: where lessons/ lies; their notebooks tell titles and the order of exercises. Without it the exercises do.
    """
    known = {record.exercise: record for record in records}
    lessons = tuple(
        Lesson(number, slug, title, tuple(_item(slug, name, known.get(name)) for name in names))
        for number, slug, title, names in _outline(desk)
    )
    here = next((each for each in lessons if each.slug == current), None)
    here = here or next((each for each in lessons if not each.passed), lessons[-1])
    return Standing(lessons, here, _next(lessons, here))


def _item(slug: str, name: str, record: Record | None) -> Item:
    exercise = exercises.of_lesson(slug)[name]
    best = record.best if record else None
    return Item(
        name,
        isinstance(exercise, Question),
        best.outcome if best else Outcome.NOT_ATTEMPTED,
        min(best.score, exercise.points) if best else 0.0,
        exercise.points,
        record.hints if record else 0,
        record is not None and record.gave_up_at is not None,
    )


def _next(lessons: Sequence[Lesson], here: Lesson) -> str:
    if left := [item for item in here.items if not item.passed]:
        return _next_item(min(left, key=lambda item: item.gave_up))  # what was given up comes last
    later = [each for each in (*lessons[lessons.index(here) + 1 :], *lessons) if not each.passed]
    if not later:
        return "Next: nothing is left. You have all points of the course."
    lesson = later[0]
    return f"Next: lesson {lesson.number}, {lesson.title}. This one is complete."


def _next_item(item: Item) -> str:
    if item.outcome is Outcome.NOT_ATTEMPTED:
        return f"Next: {'answer' if item.is_question else 'write'} `{item.name}`, for {_points(item.points)}."
    stuck = "" if item.is_question else f' Stuck? `hint("{item.name}")`.'
    return f"Next: `{item.name}` has {item.score:g} of {_points(item.points)}; its card says what is missing.{stuck}"


@functools.cache
def _outline(desk: Path | None) -> list[tuple[int, str, str, list[str]]]:
    """(number, slug, title, names of the exercises in order) of each lesson."""
    found = []
    for slug in exercises.slugs():
        number, names = exercises.number_of(slug), list(exercises.of_lesson(slug))
        title, order = _told_by_notebook(desk, number, slug)
        names.sort(key=lambda name: order.index(name) if name in order else len(order))
        found.append((number, slug, title or slug.replace("_", " "), names))
    return sorted(found)


def _told_by_notebook(desk: Path | None, number: int, slug: str) -> tuple[str, list[str]]:
    """(title, names of the exercises) as a lesson's notebook has them; nothing where it cannot be read."""
    if desk is None:
        return "", []
    lesson = f"{number:02d}_{slug}"
    try:
        notebook = json.loads((desk / "lessons" / lesson / f"{lesson}.ipynb").read_bytes())
        cells = [{**cell, "source": "".join(cell["source"])} for cell in notebook["cells"]]
        title = re.match(r"# (?:\d+\.\s*)?(.+)", cells[0]["source"])
        return title[1].strip() if title else "", [checked_name(cell) for cell in cells if is_grade(cell)]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):  # a learner may write what they like
        return "", []


# ---- as text


def in_brief(found: Standing) -> str:
    """One line: this lesson, the course, what to do next."""
    here = found.current
    return (
        f"Lesson {here.number}: {here.score:g} of {_points(here.points)} · "
        f"course: {found.score:g} of {found.points:g} · {found.next}"
    )


def as_text(found: Standing) -> str:
    """The lesson at hand, exercise by exercise, then all lessons."""
    here = found.current
    rows = [f"Lesson {here.number}, {here.title}: {here.score:g} of {_points(here.points)}"]
    rows += [f"  {LOOK[item.outcome][0]} {item.name}: {_told(item)}" for item in here.items]
    rows += [f"The course: {found.score:g} of {_points(found.points)}"]
    rows += [f"  {_mark(each)} {each.name}: {each.score:g} of {each.points:g}" for each in found.lessons]
    return "\n".join([*rows, found.next])


def as_markdown(found: Standing) -> str:
    """The same as two tables."""
    here = found.current
    rows = [
        f"**Lesson {here.number}, {here.title}: {here.score:g} of {_points(here.points)}**",
        "",
        "| Exercise | So far | Points |",
        "|:--|:--|--:|",
    ]
    rows += [
        f"| {LOOK[item.outcome][0]} `{item.name}` | {_state(item)} | {item.score:g} of {item.points:g} |"
        for item in here.items
    ]
    rows += ["", f"**The course: {found.score:g} of {_points(found.points)}**", "", "| Lesson | Points |", "|:--|--:|"]
    rows += [f"| {_mark(each)} {each.name} | {each.score:g} of {each.points:g} |" for each in found.lessons]
    return "\n".join([*rows, "", found.next])


def as_html(found: Standing) -> str:
    """The same as one self-contained HTML element, the lessons' points as bars too."""
    here = found.current
    items = "".join(
        f'<tr style="{_ROW}"><th scope="row" style="{_CELL}">{_sign(item.outcome)} <code style="{_CODE}">'
        f'{_safe(item.name)}</code></th><td style="{_CELL}">{_safe(_state(item))}</td>'
        f'<td style="{_CELL};text-align:right">{item.score:g} of {item.points:g}</td></tr>'
        for item in here.items
    )
    lessons = "".join(
        f'<tr style="{_ROW}"><th scope="row" style="{_CELL}{";font-weight:bold" if each is here else ""}">'
        f'{_mark(each)} {_safe(each.name)}</th><td style="{_CELL}">{_bar(each)}</td>'
        f'<td style="{_CELL};text-align:right">{each.score:g} of {each.points:g}</td></tr>'
        for each in found.lessons
    )
    return (
        f'<div style="color:var(--jp-ui-font-color1,#1f1f1f);font-family:var(--jp-ui-font-family,system-ui,sans-serif);'
        f'font-size:13px;line-height:1.5"><p style="margin:.2em 0 .6em">{_coded(found.next)}</p>'
        '<div style="display:flex;flex-wrap:wrap;gap:.4em 2.5em;align-items:flex-start">'
        f"{_table(f'Lesson {here.number}, {here.title}: {here.score:g} of {_points(here.points)}', items)}"
        f"{_table(f'The course: {found.score:g} of {_points(found.points)}', lessons)}</div></div>"
    )


_CELL = (
    "padding:.1em .8em .1em 0;border:none;background:none;text-align:left;font-weight:normal;vertical-align:baseline;"
    "font-size:13px"
)
_ROW = "background:none;border:none"
_CODE = "font-family:var(--jp-code-font-family,monospace);font-size:inherit;background:none;color:inherit;padding:0"
_CAPTION = (
    "caption-side:top;text-align:left;font-weight:bold;padding:0 0 .2em;white-space:nowrap;font-size:13px;"
    "color:var(--jp-ui-font-color1,#1f1f1f)"
)
BAR = 6  # em


def _table(caption: str, rows: str) -> str:
    style = "border-collapse:collapse;border:none;margin:0;width:auto;table-layout:auto"
    return f'<table style="{style}"><caption style="{_CAPTION}">{_safe(caption)}</caption><tbody>{rows}</tbody></table>'


def _bar(lesson: Lesson) -> str:
    """Drawn for the eye alone: the numbers stand beside it."""
    width = BAR * lesson.score / lesson.points
    return (
        f'<span aria-hidden="true" style="display:inline-block;width:{BAR}em;height:.6em;border-radius:.3em;'
        'border:1px solid var(--jp-ui-font-color2,#5f5f5f)">'
        f'<span style="display:block;width:{width:.2f}em;height:100%;border-radius:.3em;background:#009e73"></span>'
        "</span>"
    )


def _sign(outcome: Outcome) -> str:
    return f'<span aria-hidden="true">{LOOK[outcome][0]}</span>'


def _mark(lesson: Lesson) -> str:
    outcome = Outcome.PASSED if lesson.passed else Outcome.PARTIAL if lesson.score else Outcome.NOT_ATTEMPTED
    return LOOK[outcome][0]


def _told(item: Item) -> str:
    return f"{_state(item)}, {item.score:g} of {item.points:g}"


def _state(item: Item) -> str:
    parts = [str(item.outcome)]
    if item.hints:
        parts.append("1 hint" if item.hints == 1 else f"{item.hints} hints")
    if item.gave_up:
        parts.append("given up")
    return ", ".join(parts)


def _points(points: float) -> str:
    return "1 point" if points == 1 else f"{points:g} points"


def _coded(text: str) -> str:
    return re.sub(r"`([^`]+)`", rf'<code style="{_CODE}">\1</code>', _safe(text))


def _safe(text: Any) -> str:
    return html.escape(str(text))
