"""Things to play with in a notebook: widgets that compute in the browser or ask the kernel, and need nothing else.

Each is an anywidget: a script beside its Python file, which the front end gets from the kernel. Where no front end
draws widgets, a picture or a table stands in. A module is imported when the first of its names is asked for.
"""

import importlib
from typing import Any

_HOME = {
    "DecaySlider": "decay_slider",
    "FactorSpace": "factor_space",
    "YourRatings": "your_ratings",
    "lists_by": "your_ratings",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
