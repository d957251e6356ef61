"""An import that is slow for nothing, made quick. For our own processes; a learner's kernel is not touched."""

from __future__ import annotations

import sys

__all__ = ["nbformat_quickly"]


def nbformat_quickly() -> None:
    """Import nbformat in 0.2 s instead of 1.0.

    It imports jsonschema, which imports the parser of international web addresses if that is installed, and this
    one compiles a grammar as it is imported. No notebook's schema has a web address in it.
    """
    parser = "rfc3987_syntax"
    if parser in sys.modules or "jsonschema" in sys.modules:
        return
    sys.modules[parser] = None  # type: ignore[assignment]  which Python takes for "cannot be imported"
    try:
        import nbformat  # noqa: F401
    finally:
        del sys.modules[parser]
