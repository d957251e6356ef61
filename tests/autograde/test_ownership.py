"""Whose an answer is: what a cell binds, and what of an answer is a finished version."""

import functools
import statistics

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

import collabkit
from autograde.cells import source_checksum
from autograde.exercise import Exercise, Question
from autograde.exercises import find
from autograde.ownership import (
    MAX_PARSED,
    asked_expression,
    bindings,
    finished_version,
    names_in,
    not_ones_own,
    write_your_own,
)


class TestBindings:
    @pytest.mark.parametrize(
        ("source", "found"),
        [
            ("def f(): pass", {"f": "own"}),
            ("async def f(): pass", {"f": "own"}),
            ("class C:\n    x = 1\n    def g(self): y = 2", {"C": "own"}),
            ("a = b = 1; c, (d, *e) = 1, (2, 3)", dict.fromkeys("abcde", "own")),
            ("a: int = 1\nb += 1", {"a": "own", "b": "own"}),
            ("if (a := 1):\n    b = 2\nelse:\n    c = 3", dict.fromkeys("abc", "own")),
            ("for i in x:\n    with open(y) as f:\n        pass", {"i": "own", "f": "own"}),
            ("try:\n    pass\nexcept E as e:\n    z = 1", {"e": "own", "z": "own"}),
            ("match x:\n    case [a, *b]:\n        pass", {"a": "own", "b": "own"}),
            ("def f():\n    global g\n    g = 1", {"f": "own", "g": "own"}),
            ("import a.b, c as d", {"a": "a", "d": "c"}),
            ("from a.b import c, d as e", {"c": "a", "e": "a"}),
            ("from . import c", {"c": "another module"}),
            ("from a import f\ndef f(): pass", {"f": "own"}),
            ("def f(): pass\nfrom a import f", {"f": "own"}),
            ("%matplotlib inline\n!ls\nx = 1\nx?\n", {"x": "own"}),
            ("%%time\nx = 1", {"x": "own"}),
            ("files = !ls\ny = %who", {"files": "own", "y": "own"}),
            ("f.attribute = 1; g[0] = 2", {}),
            ("lambda q: (r := q)", {}),
            ("'def f(): pass'", {}),
            ("def f(:", {}),
            ("", {}),
        ],
    )
    def test_of_a_cell(self, source, found):
        assert bindings(source) == found

    @pytest.mark.parametrize(
        "source", ["-" * 100_000 + "1", "(" * 40_000, "a." * 20_000 + "a", "lambda:" * 7_000 + "0", "\0", "\ud800"]
    )
    def test_of_what_breaks_parsers(self, source):
        assert bindings(source) == {}

    def test_a_huge_cell_is_read_line_by_line(self):
        source = "def f(x):\n    y = 1\nclass C(object):\n    pass\nz = '" + "x" * MAX_PARSED + "'"
        assert bindings(source) == {"f": "own", "C": "own", "z": "own"}


def cell(source, **record):
    full = {"grade_id": "x", "solution": False, "locked": False, "grade": False, **record}
    return new_code_cell(source, metadata={"nbgrader": full} if record else {})


class TestNotOnesOwn:
    @pytest.mark.parametrize(
        "cells",
        [
            [cell("def f(): pass", solution=True)],
            [cell("f = 1")],
            [cell("from a import f", locked=True), cell("f = 1")],
            [cell("raise NotImplementedError", solution=True), cell("f = 1")],
        ],
    )
    def test_is_what_a_learner_s_cell_defines(self, cells):
        assert not_ones_own(cells, {"f"}) == ""

    @pytest.mark.parametrize(
        ("cells", "why"),
        [
            ([], "No cell of yours defines `f`: is the name spelled like this?"),
            ([cell("f = 1", locked=True)], "No cell of yours defines `f`"),
            ([cell("f = 1", grade=True)], "No cell of yours defines `f`"),
            ([new_markdown_cell("f = 1")], "No cell of yours defines `f`"),
            ([cell("from a import *")], "No cell of yours defines `f`"),
            ([cell("from collabkit.models import f")], "This is collabkit's own f: write your own."),
            ([cell("import numpy as f")], "This is numpy's own f: write your own."),
        ],
    )
    def test_is_what_others_define(self, cells, why):
        assert not_ones_own(cells, {"f"}).startswith(why)

    def test_an_unchanged_demonstration_is_the_lesson_s(self):
        demo = new_code_cell("f = 1", metadata={"autograde": {"demo": "d", "checksum": source_checksum("f = 1")}})
        assert not_ones_own([demo], {"f"})
        demo.source = "f = 2"
        assert not not_ones_own([demo], {"f"})

    def test_of_several_names_all_are_needed(self):
        assert not_ones_own([cell("f = 1")], {"f", "g"}).startswith("No cell of yours defines `g`")


class TestAskedExpression:
    @pytest.mark.parametrize(
        ("source", "found"),
        [
            ('check("f", f)', ("", "f")),
            ('check("f", make(f, 3).x)', ("", "make(f, 3).x")),
            ('a = 1\nb = 2\n\ncheck("f", f(a))\n', ("a = 1\nb = 2\n", "f(a)")),
        ],
    )
    def test_of_a_check_cell(self, source, found):
        assert asked_expression(source, "f") == found

    @pytest.mark.parametrize(
        "source", ["", "f", 'check("g", f)', 'check("f")', 'check("f", f, 3)', 'x = check("f", f)', "check(f, f)"]
    )
    def test_a_cell_that_is_none_is_the_author_s_slip(self, source):
        with pytest.raises(ValueError, match="a check cell ends in check"):
            asked_expression(source, "f")

    def test_names(self):
        assert names_in("make(f, n=[g.x, 3])(lambda: h)") == {"make", "f", "g", "h"}


# ---- in practice


DOT = find("DotProduct")[1]
DENSITY = find("density")[1]


class Lies(type):
    def mro(cls):
        return super().mro()

    def __subclasscheck__(cls, other):
        return False


class Sub(collabkit.DotProduct):
    pass


@functools.wraps(collabkit.density)
def wrapped(matrix):
    return collabkit.density(matrix)


class Methods:
    inner = staticmethod(collabkit.density)


class TestFinishedVersion:
    @pytest.mark.parametrize(
        ("exercise", "answer", "name"),
        [
            (DOT, collabkit.DotProduct, "collabkit.models.DotProduct"),
            (DOT, Sub, "collabkit.models.DotProduct"),
            (DOT, Lies("Sneaky", (collabkit.DotProduct,), {}), "collabkit.models.DotProduct"),
            (DOT, functools.partial(collabkit.DotProduct, 7), "collabkit.models.DotProduct"),
            (DENSITY, collabkit.density, "collabkit.matrix.density"),
            (DENSITY, wrapped, "collabkit.matrix.density"),
            (DENSITY, functools.partial(functools.partial(wrapped)), "collabkit.matrix.density"),
            (DENSITY, Methods.inner, "collabkit.matrix.density"),
        ],
    )
    def test_is_recognised(self, exercise, answer, name):
        assert finished_version(exercise, answer) == name

    @pytest.mark.parametrize("answer", [None, 3, "DotProduct", object(), collabkit, lambda m: m, type, Lies, len])
    def test_anything_else_is_the_learner_s_own(self, answer):
        assert finished_version(DOT, answer) == ""
        assert finished_version(DENSITY, answer) == ""

    def test_one_that_wraps_itself_comes_to_an_end(self):
        def loop():
            pass

        loop.__wrapped__ = loop
        assert finished_version(DENSITY, loop) == ""

    def test_elsewhere_counts_too_and_only_where_it_is_imported(self):
        exercise = Exercise(reference=len, name="mean", elsewhere=("statistics.mean", "nowhere.at.all"))
        assert finished_version(exercise, statistics.mean) == "statistics.mean"

    def test_of_a_question_there_is_none(self):
        assert Question("q", "?", {"a": "x", "b": "y"}, "a", {"b": "no"}).finished == ()

    def test_its_sentence(self):
        assert write_your_own("collabkit.models.DotProduct") == "This is collabkit's own DotProduct: write your own."
