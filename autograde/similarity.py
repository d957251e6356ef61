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
import functools
import itertools
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograde.kernel.syntax import parsed

__all__ = ["Pair", "fragments", "known_names", "similar", "without_docstrings"]

GRAM = 5  # tokens in a fragment
LEAST_SCORE = 0.6  # of the smaller cell's weight
LEAST_WEIGHT = 12.0  # of what both share: about as many tokens that nobody else has in this order
COMMONPLACE = 10  # students; what more of them have weighs nothing (MOSS's default, too)
MAX_SOURCE = 20_000  # characters of a cell that are looked at
MAX_NODES = 20_000  # of its tree
LONG = 10**9
SILENT = frozenset({ast.Expr, ast.arguments})  # nodes without a token of their own
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BINDING = frozenset({ast.Name, ast.Attribute, ast.arg, ast.Import, ast.ImportFrom, *DEFINITIONS})
UNSEEN = frozenset({"annotation", "returns", "ctx", "type_comment", "type_params"})  # parts of nodes that do not count
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
    lesson: str, exercise: str, cells: Mapping[str, str], names: frozenset[str], known: Callable[[], frozenset[int]]
) -> list[Pair]:
    """The pairs of students whose cells for one exercise are alike, the most alike first.

    cells: student -> code; names: see `fragments`; known() gives the fragments that count for nothing, and is asked
    only when there is something to look at. Linear in the class: a pair is looked at when it shares a rare fragment.
    """
    seen: dict[tuple[str, int, int], frozenset[int]] = {}  # definitions that many have written alike
    of_source = {source: fragments(source[:MAX_SOURCE], names, seen) for source in set(cells.values())}
    found = {student: of_source[source] for student, source in cells.items()}
    if not _shared(found)[0]:
        return []
    nobodys = known()
    shared, whole = _shared({student: own - nobodys for student, own in found.items()})
    pairs = [
        Pair(lesson, exercise, *pair, score=weight / min(whole[pair[0]], whole[pair[1]]), weight=weight)
        for pair, weight in shared.items()
    ]
    alike = [pair for pair in pairs if pair.score >= LEAST_SCORE]
    return sorted(alike, key=lambda pair: (-round(pair.score, 6), -pair.weight, pair.one, pair.other))


def _shared(found: Mapping[str, frozenset[int]]) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """(the weight that two students share, where it is enough to speak of; the weight of all that a student has)."""
    having: dict[int, list[str]] = collections.defaultdict(list)
    for student, own in found.items():
        for fragment in own:
            having[fragment].append(student)
    shared: dict[tuple[str, str], float] = collections.defaultdict(float)
    whole: dict[str, float] = collections.defaultdict(float)
    for students in having.values():
        if len(students) > COMMONPLACE:
            continue
        weight = 1 / max(1, len(students) - 1)
        for student in students:
            whole[student] += weight
        for pair in itertools.combinations(students, 2):
            shared[pair] += weight
    return {pair: weight for pair, weight in shared.items() if weight >= LEAST_WEIGHT}, whole


def known_names(sources: Iterable[str]) -> frozenset[str]:
    """Names that nobody chose: Python's own, and every one that the lessons' own cells use."""
    found = set(dir(builtins))
    for source in sources:
        found.update(WORD.findall(source))
    return frozenset(found)


def fragments(
    source: str, names: frozenset[str], seen: dict[tuple[str, int, int], frozenset[int]] | None = None
) -> frozenset[int]:
    """The fragments of some code as hashes, the same in every process.

    names: those that nobody chose, which stay what they are; others are all one. Code that cannot be parsed is taken
    word by word, and then resembles only other code that cannot. seen: the fragments of definitions that have been
    looked at with the same names before, by their text and the columns where they begin and end.
    """
    tree = _parsed(source)
    if tree is None:
        return _hashed(_words(source, names))
    seen = {} if seen is None else seen
    lines, found = _lines(source), set()
    for top in tree.body:  # names are bound within one definition, so that a cell's parts compare with the lesson's
        first = min([top.lineno, *(each.lineno for each in getattr(top, "decorator_list", ()))])
        place = "\n".join(lines[first - 1 : top.end_lineno]), top.col_offset, top.end_col_offset or 0
        if place not in seen:
            seen[place] = _hashed(_tree_statements(top, names))
        found |= seen[place]
    return frozenset(found)


def _hashed(statements: Iterable[list[str]]) -> frozenset[int]:
    return frozenset(zlib.crc32(gram.encode(errors="replace")) for tokens in statements for gram in _grams(tokens))


def without_docstrings(source: str) -> str:
    """The code, in which the lines of its docstrings are left out; as it is, where it cannot be parsed."""
    tree = _parsed(source)
    lines: list[str | None] = [*_lines(source)]
    for node in ast.walk(tree) if tree else ():
        is_documented = isinstance(node, DEFINITIONS)
        if is_documented and len(node.body) > 1 and _is_said_only(node.body[0]):
            said = node.body[0]
            if not node.lineno < said.lineno <= said.end_lineno < node.body[1].lineno:
                continue  # other code stands in the same lines
            lines[said.lineno - 1 : said.end_lineno] = [None] * (said.end_lineno - said.lineno + 1)
    return "\n".join(line for line in lines if line is not None)


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            return parsed(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _grams(tokens: list[str]) -> Iterator[str]:
    if 0 < len(tokens) <= GRAM:
        yield " ".join(tokens)
        return
    for start in range(len(tokens) - GRAM + 1):
        yield " ".join(tokens[start : start + GRAM])


def _tree_statements(top: ast.stmt, names: frozenset[str]) -> Iterator[list[str]]:
    """The tokens of each statement; of a compound one, those of its header, without its body."""
    statements, bound, aliases = _walked(top)
    for nodes in statements:
        yield [token for node in nodes for token in _tokens(node, bound, aliases, names)]


def _walked(top: ast.stmt) -> tuple[list[list[ast.AST]], set[str], dict[str, str]]:
    """(the nodes of each statement, what is given a name, import aliases) of a definition, in one walk.

    What is given a name: variables, arguments, functions, and ".attribute".
    """
    statements: list[list[ast.AST]] = []
    bound: set[str] = set()
    aliases: dict[str, str] = {}
    waiting, n_nodes = [top], 0
    while waiting and n_nodes < MAX_NODES:
        statement = waiting.pop()
        if _is_said_only(statement):
            continue
        nodes: list[ast.AST] = []
        stack: list[ast.AST] = [statement]
        while stack and n_nodes < MAX_NODES:
            node = stack.pop()
            kind = type(node)
            n_nodes += 1
            if kind not in SILENT:
                nodes.append(node)
            if kind in BINDING:
                _bind(node, bound, aliases)
            parts = _children(node)
            waiting += [each for each in parts if isinstance(each, ast.stmt)]
            stack += [each for each in reversed(parts) if not isinstance(each, ast.stmt)]
        statements.append(nodes)
    return statements, bound, aliases


def _children(node: ast.AST) -> list[ast.AST]:
    found = []
    for field in _fields(type(node)):
        value = getattr(node, field, None)
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


@functools.cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The parts of such a node that count and may be nodes."""
    return tuple(field for field in kind._fields if field not in UNSEEN)


def _is_said_only(statement: ast.stmt) -> bool:
    """Whether the statement is a docstring, or nothing at all."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def _tokens(node: ast.AST, bound: set[str], aliases: Mapping[str, str], names: frozenset[str]) -> tuple[str, ...]:
    kind = type(node)
    if kind is ast.Name:
        name = node.id
        return (aliases.get(name, name if name in names and name not in bound else "_"),)
    if kind is ast.Attribute:
        is_own = (isinstance(node.value, ast.Name) and node.value.id == "self") or f".{node.attr}" in bound
        return ("._" if is_own else f".{node.attr}",)
    if kind is ast.Constant:
        if isinstance(node.value, str | bytes):
            return ("text",)
        is_long = isinstance(node.value, int) and abs(node.value) >= LONG  # Python refuses to write out the longest
        return ("number" if is_long else repr(node.value),)
    if kind is ast.keyword:
        return (f"{node.arg}=",)
    if kind in DEFINITIONS:
        return (kind.__name__, node.name if re.fullmatch(r"__\w+__", node.name) else "_")
    return ("Assign" if kind is ast.AnnAssign else kind.__name__,)


def _bind(node: ast.AST, bound: set[str], aliases: dict[str, str]) -> None:
    """Add what this node gives a name to."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            bound.add(name)
        case ast.Attribute(attr=name, ctx=ast.Store()):
            bound.add(f".{name}")
        case ast.arg(arg=name):
            bound.add(name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            bound |= {name, f".{name}"}
        case ast.Import(names=imported) | ast.ImportFrom(names=imported):
            aliases |= {each.asname: each.name.rsplit(".", 1)[-1] for each in imported if each.asname}


def _lines(source: str) -> list[str]:
    """The lines as Python counts them."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _without_magics(source: str) -> str:
    return re.sub(r"(?m)^[ \t]*[%!?].*$", "", source)


def _words(source: str, names: frozenset[str]) -> Iterator[list[str]]:
    """Line by line, where there is no tree."""
    for line in source.splitlines():
        words = WORD.findall(line.partition("#")[0])
        if words:
            yield [word if word in names or not word.isidentifier() else "_" for word in words]
