"""`progress()`: how far a learner has come, in a cell that keeps itself up to date, and in a panel that stays in view.

The panel is an anywidget: a few lines of script beside this file, which the front end loads from the kernel. So it
needs no server beyond Jupyter and nothing to build. An output cannot stay in view, since it scrolls with its cell; the
script puts the panel at the foot of the notebook instead, and takes it away with its cell.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from IPython.display import display, update_display

from autograde import exercises, session, standing
from autograde.records import desk_of

__all__ = ["progress", "refresh"]

DISPLAY = "autograde-progress"


class _Shown:
    """What of the progress is shown in this kernel."""

    cell = False
    panel: Any = None


_shown = _Shown()  # of this kernel, as its session is


def progress(panel: bool = False) -> None:
    """Show how far you have come: lessons, exercises, the best that came of each, points so far, what to do next.

    What is shown keeps up with later checks in this notebook. panel: show it at the foot of the notebook instead, where
    it stays in view. Earlier sessions and other notebooks count: all is kept in one file beside the lessons.
    """
    found = _standing()
    if not session.in_kernel():
        print(standing.as_text(found))
    elif panel:
        _shown.panel = _panel_class()(**_traits(found))
        display(_shown.panel)
    else:
        display(_bundle(found), raw=True, display_id=DISPLAY)
        _shown.cell = True


def refresh() -> None:
    """Bring up to date whatever shows the progress."""
    if not (_shown.cell or _shown.panel):
        return
    found = _standing()
    if _shown.cell:
        update_display(_bundle(found), raw=True, display_id=DISPLAY)
    if _shown.panel:
        for name, value in _traits(found).items():
            setattr(_shown.panel, name, value)


def _standing() -> standing.Standing:
    known, problem = session.current.keeper.records()
    if problem:
        session.say(problem)
    return standing.standing(known, session.current.lesson or _lesson_here(), desk_of(Path.cwd()))


def _lesson_here() -> str:
    """The slug of the lesson in whose folder this kernel runs, "" in any other."""
    slug = Path.cwd().name.partition("_")[2]
    return slug if slug in exercises.slugs() else ""


def _bundle(found: standing.Standing) -> dict[str, str]:
    return {
        "text/html": standing.as_html(found),
        "text/markdown": standing.as_markdown(found),
        "text/plain": standing.as_text(found),
    }


def _traits(found: standing.Standing) -> dict[str, str]:
    return {"brief": standing.in_brief(found).replace("`", ""), "details": standing.as_html(found)}


@functools.cache
def _panel_class() -> type:
    import anywidget  # which a kernel without a panel can do without
    import traitlets

    class Panel(anywidget.AnyWidget):
        _esm = (Path(__file__).parent / "panel.js").read_text(encoding="utf-8")
        brief = traitlets.Unicode().tag(sync=True)
        details = traitlets.Unicode().tag(sync=True)

        def __repr__(self) -> str:
            return self.brief  # what stands where no widget can be drawn

    return Panel
