"""Finished versions locked away: whichever way a learner's code reaches one, calling it says whose it is.

In memory `lock` replaces the code inside of each function, so that every alias, copy, subclass and wrapper meets it. On
disk `cut_files` gives the same modules without that code, for a room to show in their place.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from autograde.kernel.syntax import parsed

__all__ = ["FinishedVersion", "cut", "cut_files", "lock", "resolved"]


class FinishedVersion(Exception):
    """Code of ours was called where the learner's own is asked for."""


def lock(name: str) -> None:
    """Have the class or function of this dotted name raise FinishedVersion wherever it is called from, in this process.

    It can still be imported, looked at, and asked for its docstring. Raises ValueError when there is no such thing, or
    no Python code in it.
    """
    thing = resolved(name)
    functions = list(dict.fromkeys(_functions(thing)))
    if not functions:
        raise ValueError(f"{name} holds no Python code that could be locked")
    sentence = _sentence(thing)
    for function in functions:
        function.__code__ = _raising(function.__code__, sentence)
    linecache.clearcache()


def _sentence(thing: Any) -> str:
    return f"this is {thing.__module__.partition('.')[0]}'s own {thing.__qualname__}"


def resolved(name: str) -> Any:
    """What a dotted name stands for, which is imported: a module, or something in one. Else ValueError."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            thing = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not (error.name and f"{module}.".startswith(f"{error.name}.")):
                raise
            continue
        try:
            return functools.reduce(getattr, parts[length:], thing)
        except AttributeError:
            break
    raise ValueError(f"there is no {name} to be locked")


def _functions(thing: Any) -> Iterator[FunctionType]:
    """The functions that a class, or what a decorator has made of a function, consists of."""
    match thing:
        case FunctionType():
            yield thing
            yield from _functions(getattr(thing, "__wrapped__", None))
        case staticmethod() | classmethod():
            yield from _functions(thing.__func__)
        case property():
            for part in (thing.fget, thing.fset, thing.fdel):
                yield from _functions(part)
        case functools.cached_property():
            yield from _functions(thing.func)
        case type():
            for part in vars(thing).values():
                if not isinstance(part, type) or part.__qualname__.startswith(f"{thing.__qualname__}."):
                    yield from _functions(part)


def _raising(code: CodeType, sentence: str) -> CodeType:
    """Code that fits where `code` is, the variables around it included, and raises."""

    def refuse() -> None:
        raise FinishedVersion(sentence)

    template = _template(code.co_freevars)
    return template.replace(
        co_consts=tuple(refuse if each == CALLED_HERE else each for each in template.co_consts),
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )


CALLED_HERE = "what stands here is called"


@functools.cache
def _template(names: tuple[str, ...]) -> CodeType:
    """A body that uses variables of these names around it: Python reads them whenever it shows the frame."""
    text = f"""
def around():
    {"".join(f"{name} = " for name in names)}refuse = None
    def body(*_, **__):
        refuse = {CALLED_HERE!r}
        return refuse(), {", ".join(names)}
"""
    space: dict[str, Any] = {}
    exec(text, space)
    (template,) = [each for each in space["around"].__code__.co_consts if isinstance(each, CodeType)]
    return template


# ---- the same on disk


@functools.lru_cache
def cut_files(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(path, text without the code of these dotted names) for each module that holds one of them."""
    files: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        thing = inspect.unwrap(resolved(name))
        path = getattr(sys.modules[thing.__module__], "__file__", None)
        if path and path.endswith(".py"):
            files.setdefault(path, []).append((thing.__qualname__, _sentence(thing)))
    return tuple((path, cut(Path(path).read_text(encoding="utf-8"), things)) for path, things in files.items())


def cut(source: str, things: list[tuple[str, str]]) -> str:
    """A module's source without the code in (qualified name, sentence to raise instead); no line changes its number.

    Raises ValueError for a name that is not defined by `def` or `class`.
    """
    tree = parsed(source)
    lines = source.encode().splitlines(keepends=True)
    for name, sentence in things:
        functions = list(_definitions(_found(tree, name.split("."))))
        if not functions:
            raise ValueError(f"{name} holds no function that could be cut out")
        for function in functions:
            _cut_one(lines, function, sentence)
    return b"".join(lines).decode()


def _found(tree: ast.AST, parts: list[str]) -> ast.AST:
    for part in parts:
        inner = [node for node in _statements(tree) if getattr(node, "name", None) == part]
        if not inner:
            raise ValueError(f"{'.'.join(parts)} is not defined by def or class")
        tree = inner[-1]
    return tree


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Statements below a module or class, those within `if` and `try` too, but none of a function's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler):
            yield child
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _statements(child)


def _definitions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
    elif isinstance(node, ast.ClassDef):
        for child in _statements(node):
            yield from _definitions(child)


def _cut_one(lines: list[bytes], function: ast.FunctionDef | ast.AsyncFunctionDef, sentence: str) -> None:
    module, error = FinishedVersion.__module__, FinishedVersion.__name__
    instead = f"raise __import__({module!r}, fromlist=[{error!r}]).{error}({sentence!r})".encode()
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        end = function.body[-1]
        row, column = end.end_lineno - 1, end.end_col_offset
        lines[row] = lines[row][:column] + b"; " + instead + lines[row][column:]
        return
    first, last = body[0].lineno - 1, function.end_lineno - 1
    if decorators := getattr(body[0], "decorator_list", []):
        first = decorators[0].lineno - 1
    column = body[0].col_offset
    begin = function.body[0].end_lineno if body is not function.body else function.lineno
    for row in range(begin, first):  # what a comment above the code says
        if lines[row].lstrip().startswith(b"#"):
            lines[row] = _end_of(lines[row])
    lines[first : last + 1] = [lines[first][:column] + instead + _end_of(lines[first])] + [
        _end_of(line) for line in lines[first + 1 : last + 1]
    ]


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]
