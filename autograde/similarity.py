"""Solutions that are alike beyond what the lesson, a known mistake or chance would explain: a reason to look, no proof.

A cell becomes the token streams of its statements, taken from the syntax tree: names that the learner chose, comments,
docstrings, annotations and the spelling of literals are gone, so that renaming and formatting change nothing. Runs of
GRAM tokens within a statement are its fragments, whatever the order of the statements (k-grams, as in Schleimer,
Wilkerson and Aiken, "Winnowing", SIGMOD 2003, the method of MOSS; nothing is thinned out, since cells are short).

What the lesson's own text, its solution, earlier lessons or a known mistake hold counts for nothing. Of the rest, a
fragment weighs 1 / (n - 1) where n students have it: what a pair alone shares weighs most, and what many found is
commonplace. The score of two cells is the weight that they share, as a part of the smaller one's.
"""

from __future__ import annotations

import ast
import builtins
import collections
import itertools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograde.kernel.syntax import parsed

__all__ = ["Pair", "fragments", "known_names", "similar"]

GRAM = 5  # tokens in a fragment
LEAST_SCORE = 0.6  # of the smaller cell's weight
LEAST_WEIGHT = 12.0  # of what both share: about as many tokens that nobody else has in this order
COMMONPLACE = 10  # students; what more of them have weighs nothing (MOSS's default, too)
MAX_SOURCE = 20_000  # characters of a cell that are looked at
MAX_NODES = 20_000  # of its tree
WORD = re.compile(r"[^\W\d]\w*|\d[\w.]*|\S")


@dataclass(frozen=True)
class Pair:
    """Two students' cells that are alike. score: from 0 to 1; weight: how much of what both share is rare."""

    lesson: str
    exercise: str
    one: str
    other: str
    score: float
    weight: float


def similar(
    lesson: str, exercise: str, cells: Mapping[str, str], known: frozenset[int], names: frozenset[str]
) -> list[Pair]:
    """The pairs of students whose cells for one exercise are alike, the most alike first.

    cells: student -> code; known: the fragments that count for nothing; names: see `fragments`.
    Linear in the class: a pair is looked at when it shares a fragment that few have.
    """
    of_source = {source: frozenset(fragments(source, names)) - known for source in set(cells.values())}
    rare = {student: of_source[source] for student, source in cells.items()}
    having: dict[int, list[str]] = collections.defaultdict(list)
    for student, found in rare.items():
        for fragment in found:
            having[fragment].append(student)
    weights = {
        fragment: 1 / max(1, len(students) - 1) if len(students) <= COMMONPLACE else 0.0
        for fragment, students in having.items()
    }
    whole = {student: sum(weights[fragment] for fragment in found) for student, found in rare.items()}
    shared: dict[tuple[str, str], float] = collections.defaultdict(float)
    for fragment, students in having.items():
        if weights[fragment]:
            for pair in itertools.combinations(students, 2):
                shared[pair] += weights[fragment]
    pairs = [
        Pair(lesson, exercise, *pair, score=weight / min(whole[pair[0]], whole[pair[1]]), weight=weight)
        for pair, weight in shared.items()
        if weight >= LEAST_WEIGHT
    ]
    found = [pair for pair in pairs if pair.score >= LEAST_SCORE]
    return sorted(found, key=lambda pair: (-round(pair.score, 6), -pair.weight, pair.one, pair.other))


def known_names(sources: Iterable[str]) -> frozenset[str]:
    """Names that nobody chose: Python's own, and every one that the lessons' own cells use."""
    found = set(dir(builtins))
    for source in sources:
        found.update(WORD.findall(source))
    return frozenset(found)


def fragments(source: str, names: frozenset[str]) -> set[int]:
    """The fragments of some code as hashes, which hold for this process alone.

    names: those that nobody chose, which stay what they are; others are all one. Code that cannot be parsed is taken
    word by word, and then resembles only other code that cannot.
    """
    return {
        hash(tuple(gram)) for tokens in _statements(source[:MAX_SOURCE], names) for gram in _grams(tokens) if gram
    }


def _grams(tokens: list[str]) -> Iterator[list[str]]:
    if len(tokens) <= GRAM:
        yield tokens
    for start in range(len(tokens) - GRAM + 1):
        yield tokens[start : start + GRAM]


def _statements(source: str, names: frozenset[str]) -> Iterator[list[str]]:
    """The tokens of each statement; of a compound one, those of its header, without its body."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            tree = parsed(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield from _words(source, names)
        return
    for top in tree.body:  # names are bound within one definition, so that a cell's parts compare with the lesson's
        yield from _tree_statements(top, names)


def _tree_statements(top: ast.stmt, names: frozenset[str]) -> Iterator[list[str]]:
    bound, aliases = _bound(top)
    waiting, n_nodes = [top], 0
    while waiting and n_nodes < MAX_NODES:
        statement = waiting.pop()
        tokens: list[str] = []
        stack: list[ast.AST | str] = [statement]
        while stack and n_nodes < MAX_NODES:
            node = stack.pop()
            if isinstance(node, str):
                tokens.append(node)
                continue
            if isinstance(node, ast.stmt) and node is not statement:
                waiting.append(node)
                continue
            n_nodes += 1
            tokens += _tokens(node, bound, aliases, names)
            stack += reversed(list(_children(node)))
        if not _is_said_only(statement):
            yield tokens


def _is_said_only(statement: ast.stmt) -> bool:
    """Whether the statement is a docstring, or nothing at all."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "ctx", "type_comment", "type_params"):
            continue
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, ast.AST):
                yield each


def _tokens(
    node: ast.AST, bound: frozenset[str], aliases: Mapping[str, str], names: frozenset[str]
) -> tuple[str, ...]:
    def name(text: str) -> str:
        if text in aliases:
            return aliases[text]
        return text if text in names and text not in bound else "_"

    match node:
        case ast.Name():
            return (name(node.id),)
        case ast.Attribute(value=ast.Name(id="self")):
            return ("._",)
        case ast.Attribute():
            return (f".{node.attr if f'.{node.attr}' not in bound else '_'}",)
        case ast.Constant(value=str() | bytes()):
            return ("text",)
        case ast.Constant():
            return (repr(node.value),) if not isinstance(node.value, int) or abs(node.value) < 10**9 else ("number",)
        case ast.keyword():
            return (f"{node.arg}=",)
        case ast.arg():
            return ("arg",)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (type(node).__name__, node.name if re.fullmatch(r"__\w+__", node.name) else "_")
        case ast.Import() | ast.ImportFrom() | ast.alias():
            return (type(node).__name__,)
        case ast.AnnAssign():
            return ("Assign",)
        case ast.Expr() | ast.arguments():
            return ()
        case _:
            return (type(node).__name__,)


def _bound(top: ast.AST) -> tuple[frozenset[str], dict[str, str]]:
    """What is given a name in a definition: variables, arguments, functions, and ".attribute"; and import aliases."""
    bound: set[str] = set()
    aliases: dict[str, str] = {}
    for node in itertools.islice(ast.walk(top), MAX_NODES):
        match node:
            case ast.Name(ctx=ast.Store()):
                bound.add(node.id)
            case ast.Attribute(ctx=ast.Store()):
                bound.add(f".{node.attr}")
            case ast.arg():
                bound.add(node.arg)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound |= {node.name, f".{node.name}"}
            case ast.Import() | ast.ImportFrom():
                aliases |= {each.asname: each.name.rsplit(".", 1)[-1] for each in node.names if each.asname}
    return frozenset(bound), aliases


def _without_magics(source: str) -> str:
    return re.sub(r"(?m)^\s*[%!?].*$", "", source) if "%" in source or "!" in source or "?" in source else source


def _words(source: str, names: frozenset[str]) -> Iterator[list[str]]:
    """Line by line, where there is no tree."""
    for line in source.splitlines():
        words = WORD.findall(line.partition("#")[0])
        if words:
            yield [word if word in names or not word.isidentifier() else "_" for word in words]
