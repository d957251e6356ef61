"""A verdict on paper: as JSON, as what a cell shows, and as it is read back from a notebook's outputs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograde import card
from autograde.cells import checked_name, is_grade
from autograde.exercise import Line, Measured, Outcome, Verdict

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["VERDICT_MIME", "reported", "verdict_bundle", "verdict_from_json", "verdict_to_json", "verdicts_in"]

VERDICT_MIME = "application/vnd.autograde.verdict+json"


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, for a notebook's output or a result file."""
    return json.loads(json.dumps(dataclasses.asdict(verdict)))


def verdict_bundle(verdict: Verdict, beside: Sequence[card.Beside | None] = ()) -> dict[str, Any]:
    """What a cell shows of a verdict: the card in each form that a front end may take, and the verdict itself.

    beside: what practice adds to the card's lines. It is no part of the verdict, and grading has none.
    """
    return {
        "text/html": card.as_html(verdict, beside),
        "text/markdown": card.as_markdown(verdict, beside),
        "text/plain": card.as_text(verdict, beside),
        VERDICT_MIME: verdict_to_json(verdict),
    }


def verdict_from_json(data: Any) -> Verdict:
    """The verdict that `verdict_to_json` wrote. KeyError, TypeError or ValueError when it is none.

    A notebook's outputs are a learner's to write, so every field is looked at.
    """
    lines = tuple(Line(**line) for line in _listed(data["lines"]))
    asides = tuple(_listed(data["asides"]))
    found = Measured(**data["measured"]) if data.get("measured") is not None else None
    parts = {"outcome": Outcome(data["outcome"]), "lines": lines, "asides": asides, "measured": found}
    verdict = Verdict(**{**data, **parts})
    texts = [verdict.name, verdict.feedback, *asides]
    for line in lines:
        texts += [line.sentence, line.feedback]
        if not isinstance(line.passed, bool):
            raise TypeError("a line has passed or not")
    numbers = [part for each in (verdict, *lines) for part in (each.score, each.points)]
    if found:
        if not isinstance(found.rungs, dict):
            raise TypeError("rungs are numbers by name")
        texts += [found.what, *found.rungs]
        numbers += [found.value, *found.rungs.values()]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("names, sentences and asides are text")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise TypeError("scores, points and what was measured are numbers")
    return verdict


def verdicts_in(notebook: NotebookNode) -> dict[str, Verdict]:
    """The verdicts that an executed notebook carries, by exercise, in the order of its cells."""
    found = [verdict for cell in notebook["cells"] if is_grade(cell) and (verdict := reported(cell))]
    return {verdict.name: verdict for verdict in found}


def reported(cell: NotebookNode) -> Verdict | None:
    """The last verdict among the cell's outputs, if it is one, and of this cell's exercise."""
    reports = [
        output["data"][VERDICT_MIME] for output in cell.get("outputs", []) if VERDICT_MIME in output.get("data", {})
    ]
    try:
        verdict = verdict_from_json(reports[-1])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return verdict if 0 <= verdict.score <= verdict.points and verdict.name == checked_name(cell) else None


def _listed(value: Any) -> list:
    if not isinstance(value, list):
        raise TypeError(f"a list is needed, not {type(value).__name__}")
    return value
