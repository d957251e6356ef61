"""Marks that nobody had to be graded for, and the sheets beside them. No tests in here."""

from pathlib import Path

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
