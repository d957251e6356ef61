"""Marks that nobody had to be graded for, and the sheets beside them. No tests in here."""

import csv
import io
from pathlib import Path

import pytest

from autograde.course import CourseError
from autograde.export.exported import Settings
from autograde.export.people import Person
from autograde.export.sheet import Sheet
from autograde.marks import lesson_mark

SHEETS = Path(__file__).parent / "sheets"
LESSON = "03_dot_product"
OTHER = "05_sigmoid_range"
TITLES = {LESSON: "Multiply the factors", OTHER: "Bend the scale"}
QUOTED = 'o\'neill, "zoë" <b>&amp;'  # as a folder may be called


def mark(student, score, outcome="partial", lesson=LESSON, penalty=None, by_hand=None):
    """A mark of `score` of 8 points; without a score the outcome stands for none."""
    points = {"A": 3.0, "B": 5.0}
    if score is None:
        return lesson_mark(student, lesson, points, {}, outcome, by_hand or {}, penalty)
    scores = {"A": (outcome, min(score, 3.0)), "B": (outcome, score - min(score, 3.0))}
    return lesson_mark(student, lesson, points, scores, "", by_hand or {}, penalty)


def persons(marks, users=None, **names):
    return [Person(each, names.get(each, ""), user=(users or {}).get(each, "")) for each in students(marks)]


def students(marks):
    return list(dict.fromkeys(each.student for each in marks))


def sheet(name):
    return Sheet.read(SHEETS / name)


def settings(*lessons, **chosen):
    return Settings(lessons or (LESSON,), **chosen)


def grid(data):
    """The cells of a CSV file, as Python reads it."""
    text = data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in text.splitlines()[0] else ","))


def refused(call, sentence):
    """Whether it ends with one sentence, which is like this one."""
    with pytest.raises(CourseError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
    return True
