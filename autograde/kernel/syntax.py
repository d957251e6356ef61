"""Syntax trees, in a process with several threads."""

from __future__ import annotations

import ast
import functools
import threading
from typing import Any

__all__ = ["parse_one_at_a_time", "parsed"]

_parsing = threading.RLock()  # a finalizer may parse while its own thread does
_parse = ast.parse


def parsed(source: str, mode: str = "exec") -> ast.AST:
    """The syntax tree, by one thread at a time: Python 3.11 counts the depth of all trees under way in one place.

    Raises what `ast.parse` does.
    """
    with _parsing:
        return _parse(source, mode=mode)


def parse_one_at_a_time() -> None:
    """Have everybody in this process parse so: inspect, traceback and pandas do as well, and one disturbs another."""
    ast.parse = _one_at_a_time


@functools.wraps(_parse)
def _one_at_a_time(*args: Any, **kwargs: Any) -> ast.AST:
    with _parsing:
        return _parse(*args, **kwargs)
