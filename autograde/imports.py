"""An import that is slow for nothing, made quick. For our own processes; a learner's kernel is not touched."""

from __future__ import annotations

import sys

__all__ = ["nbformat_quickly"]


# What jsonschema checks addresses, durations, colours and pointers with, where it is installed.
FORMATS = ("rfc3987_syntax", "isoduration", "rfc3986_validator", "webcolors", "jsonpointer", "uri_template", "fqdn")


def nbformat_quickly() -> None:
    """Import nbformat in a fifth of the time.

    It imports jsonschema, which imports whatever checks a format if it is installed: a parser of web addresses that
    compiles a grammar as it is imported, a library of dates for durations. No notebook's schema has any of them in it.
    """
    if "jsonschema" in sys.modules:
        return
    left_out = [name for name in FORMATS if name not in sys.modules]
    for name in left_out:
        sys.modules[name] = None  # type: ignore[assignment]  which Python takes for "cannot be imported"
    try:
        import nbformat  # noqa: F401
    finally:
        for name in left_out:
            del sys.modules[name]
