"""What all widgets share: their look, a few lines of script, and what stands in where no widget can be drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget

__all__ = ["PlayWidget", "script"]

HERE = Path(__file__).parent


def script(name: str) -> str:
    """The module of one widget: the shared functions, and its own file behind them."""
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in ("shared.js", name))


class PlayWidget(anywidget.AnyWidget):
    """An anywidget that says what it shows to whoever cannot draw it.

    Each widget has `as_text()`, in plain words, and `as_html()`, a picture with its alternative text or a table.
    """

    _css = (HERE / "widgets.css").read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What Jupyter asks for: the widget, and for a page without a kernel what it showed at first."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self.as_html(), "text/plain": self.as_text()}, metadata
