"""Whose an answer is: a mark counts only for what a learner's own cells define, and for nobody's finished version.

A cell is read here, never run: what its code does in the end only the process that runs it can tell, and finished
versions are locked away there (`Child`'s `locked`). In practice the answer itself is looked at.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autograde.cells import is_locked, is_unchanged_demo, is_unwritten
from autograde.kernel.syntax import parsed

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from autograde.exercise import Exercise

__all__ = ["asked_expression", "bindings", "finished_version", "names_in", "not_ones_own", "write_your_own"]


MAX_PARSED = 50_000  # characters: the syntax tree of a huge cell would fill the grader's memory
DEFINITION = re.compile(r"(?m)^(?:(?:async +)?def +|class +)?([A-Za-z_]\w*)(?= *[=(:])")


def asked_expression(source: str, name: str) -> tuple[str, str]:
    """(code before the check, the expression that it asks for) of a check cell: `check("DotProduct", DotProduct)`.

    Raises ValueError, for the lesson's author, when the cell does not end in that call.
    """
    tree = parsed(source)
    match tree.body[-1:]:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(said), asked], [])) as last] if said == name:
            lines = source.splitlines()
            return "\n".join(lines[: last.lineno - 1]), ast.unparse(asked)
    raise ValueError(f'a check cell ends in check("{name}", ...), and this one does not: {source[-80:]!r}')


def names_in(expression: str) -> set[str]:
    """The names that an expression looks up."""
    return {node.id for node in ast.walk(parsed(expression, "eval")) if isinstance(node, ast.Name)}


def not_ones_own(cells: Sequence[NotebookNode], names: set[str]) -> str:
    """Why these names are not what the learner's cells define, as a sentence; "" when they are.

    cells: those that come before the check. Locked cells, unchanged demonstrations and untouched stubs are not theirs.
    """
    own = [cell for cell in cells if _is_own(cell)]
    for name in sorted(names):
        found = [how for cell in own if name in cell["source"] and (how := bindings(cell["source"]).get(name))]
        if "own" not in found:
            return (
                write_your_own(f"{found[-1]}.{name}")
                if found
                else f"No cell of yours defines `{name}`: is the name spelled like this?"
            )
    return ""


@functools.lru_cache(maxsize=256)  # for each of its checks all of a notebook's cells are looked at
def bindings(source: str) -> dict[str, str]:
    """The names that a cell binds, each with how: "own" for `def`, `class`, `=`, else the package it is imported from.

    Magics and shell lines count as nothing; of a cell magic the rest counts as code. {} for what is no Python.
    """
    if len(source) > MAX_PARSED:
        return {match[1]: "own" for match in DEFINITION.finditer(source)}
    try:
        tree = parsed(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, str] = {}
    for name, kind in _bound(tree):
        if found.get(name) != "own":
            found[name] = kind
    return found


def finished_version(exercise: Exercise, answer: Any) -> str:
    """The dotted name of the finished version that an answer is, inherits from or wraps; "" when it is the learner's.

    For practice, where nothing is locked. What no module has imported so far cannot be the answer.
    """
    finished = {name: _imported(name) for name in exercise.finished}
    for part in _parts(answer):
        for name, version in finished.items():
            if version is not None and (part is version or _inherits(part, version)):
                return name
    return ""


def write_your_own(dotted: str) -> str:
    """What a learner reads whose answer is a finished version: "This is collabkit's own DotProduct: ..." """
    return f"This is {dotted.split('.')[0]}'s own {dotted.rsplit('.', 1)[-1]}: write your own."


def _is_own(cell: NotebookNode) -> bool:
    if cell["cell_type"] != "code" or is_locked(cell) or is_unchanged_demo(cell):
        return False
    return not is_unwritten(cell)


def _without_magics(source: str) -> str:
    lines = source.splitlines()
    for number, line in enumerate(lines):
        code = line.lstrip()
        if code.startswith(("%", "!", "?")) or re.fullmatch(r"[\w.]+\?{1,2}", code.rstrip()):
            lines[number] = line[: len(line) - len(code)] + "pass"
        elif match := re.match(r"([A-Za-z_]\w*\s*=\s*)[%!]", code):
            lines[number] = line[: len(line) - len(code)] + match[1] + "None"
    return "\n".join(lines)


def _bound(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(name, how) for each binding in the cell's own scope, also within `if`, `for`, `with` and `try`."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, "own"
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Global):
                        yield from ((name, "own") for name in inner.names)
                continue
            case ast.Lambda():
                continue
            case ast.Import():
                yield from (
                    ((alias.asname or alias.name).split(".")[0], alias.name.split(".")[0]) for alias in node.names
                )
            case ast.ImportFrom():
                package = (node.module or "another module").split(".")[0]
                yield from ((alias.asname or alias.name, package) for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                yield node.id, "own"
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.name, "own"
        left.extend(ast.iter_child_nodes(node))


def _imported(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(sys.modules.get(module), name, None)


def _parts(answer: Any) -> Iterator[Any]:
    """The answer and what it wraps, by `functools.partial`, `functools.wraps` or as a bound method."""
    for _ in range(20):
        yield answer
        if isinstance(answer, functools.partial):
            answer = answer.func
        elif inspect.ismethod(answer):
            answer = answer.__func__
        else:
            try:
                answer = inspect.getattr_static(answer, "__wrapped__")
            except AttributeError:
                return


def _inherits(part: Any, version: Any) -> bool:
    # by the real bases: a learner's metaclass may answer issubclass as it likes
    return isinstance(part, type) and isinstance(version, type) and version in type.mro(part)
