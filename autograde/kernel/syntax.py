"""Syntax trees, in a process with several threads."""

from __future__ import annotations

import ast
import threading

__all__ = ["parsed"]

_parsing = threading.Lock()


def parsed(source: str, mode: str = "exec") -> ast.AST:
    """The syntax tree, by one thread at a time: Python 3.11 counts the depth of all trees under way in one place.

    Raises what `ast.parse` does.
    """
    with _parsing:
        return ast.parse(source, mode=mode)
