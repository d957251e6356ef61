"""A class to try grading on: who solved everything, who left it blank, who makes which mistake, and accidents.

What is planted is computed from the lessons: the solutions, and the misconceptions of each exercise.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import itertools
import random
import shutil
import textwrap
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry

from autograde import manifest, peculiar
from autograde.build import build
from autograde.cells import exercise_grade_id, to_bytes
from autograde.course import Course, CourseError
from autograde.exercise import Exercise, Misconception, Question
from autograde.manifest import Planted

__all__ = ["ROLES", "Planted", "handed_in", "make_sample_class", "mistaken_source", "plan"]

NAMES = (
    *("ada", "ben", "cleo", "dov", "eva", "finn", "gus", "hana", "ivo", "jun", "kira", "leo", "mona"),
    *("nils", "ona", "pia", "quin", "rosa", "sven", "tara", "udo", "vera", "wim", "xenia", "yara", "zeno"),
)
ROLES = ("solved", "blank", "crash", "loop", "damaged", "missing")
PAIR = ("original", "copy")  # the last two of a class that is large enough: one solves some exercises in a way of their
SMALLEST_WITH_A_PAIR = 10  # own, and the other hands the same in with other names


def make_sample_class(course: Course, n_students: int = 12, seed: int = 0) -> list[Planted]:
    """Write a class's submissions for all lessons, and the manifest of what was planted.

    The first six are one of each role; everybody after them makes mistakes, but for two who share a solution at the
    end of a class of ten or more. CourseError when somebody is there who is of no sample class: nothing of a real class
    is ever overwritten.
    """
    if n_students < len(ROLES):
        raise CourseError(
            f"A sample class has at least {len(ROLES)} students, one for each role: --students {len(ROLES)}."
        )
    lessons = course.lessons()
    _clear_former(course)
    build(course, lessons)
    planted = with_a_pair(course, plan(course, n_students, seed))
    with course.api.gradebook as gradebook:
        for student in planted:  # also who hands nothing in is on the roll
            gradebook.update_or_create_student(student.student)
    for student in planted:
        for lesson in lessons:
            notebook = handed_in(course, student, lesson, accident=lesson == lessons[-1])
            if notebook is not None:
                path = course.submission(student.student, lesson)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(notebook)
    manifest.write(course.folder, planted)
    return planted


def plan(course: Course, n_students: int, seed: int) -> list[Planted]:
    """Who plants what: mistakes are dealt out in turn, so that each is made before any is made twice."""
    rng = random.Random(seed)
    planted = [Planted(f"{NAMES[i]}-{role}", role, {}) for i, role in enumerate(ROLES)]
    decks = {}
    for lesson in course.lessons():
        source = nbformat.read(course.source / lesson / f"{lesson}.ipynb", as_version=4)
        for name, exercise in course.exercises(lesson).items():
            deck = [m.name for m in exercise.misconceptions if mistaken_source(source, exercise, m)]
            rng.shuffle(deck)
            decks[name] = deck
    for i in range(len(ROLES), n_students):
        turn = i - len(ROLES)
        student = NAMES[i] if i < len(NAMES) else f"{NAMES[i % len(NAMES)]}{i // len(NAMES) + 1}"
        mistakes = {name: deck[turn % len(deck)] for name, deck in decks.items() if deck}
        planted.append(Planted(f"{student}-mistakes", "mistakes", mistakes))
    return planted


def with_a_pair(course: Course, planted: list[Planted]) -> list[Planted]:
    """The same class, in which the last two share solutions; as it was when it is too small for that."""
    copied = tuple(name for lesson in course.lessons() for name in course.exercises(lesson) if name in peculiar.ANSWERS)
    if len(planted) < SMALLEST_WITH_A_PAIR or not copied:
        return planted
    pair = [
        Planted(f"{student.student.rpartition('-')[0]}-{role}", role, {}, copied)
        for student, role in zip(planted[-2:], PAIR, strict=True)
    ]
    return planted[:-2] + pair


def mistaken_source(source: NotebookNode, exercise: Exercise, mistake: Misconception) -> str | None:
    """A learner's cell that makes the mistake, or None when the mistake cannot stand in a notebook by itself.

    A class that only overrides methods of the reference lends them to the solution's class, so that the
    cell looks as a learner would have written it.
    """
    solution = _cell(source, f"{exercise_grade_id(exercise.name)}-answer").source
    if isinstance(exercise, Question):
        return f'{exercise.name} = "{mistake.answer}"'
    wrong = ast.parse(textwrap.dedent(inspect.getsource(mistake.answer))).body[0]
    wrong.decorator_list = []
    if isinstance(wrong, ast.ClassDef) and any("collabkit" in ast.unparse(base) for base in wrong.bases):
        wrong = _lent(wrong, next(node for node in ast.parse(solution).body if isinstance(node, ast.ClassDef)))
    wrong.name = exercise.name.split(".")[0]
    setup = "\n".join(
        cell.source
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("setup-")
    )
    known = _bound(ast.parse(setup)) | set(dir(builtins)) | {wrong.name}
    return ast.unparse(wrong) if _free(wrong) <= known else None


def _lent(wrong: ast.ClassDef, right: ast.ClassDef) -> ast.ClassDef:
    overridden = {node.name: node for node in wrong.body if isinstance(node, ast.FunctionDef)}
    right.body = [overridden.pop(getattr(node, "name", ""), node) for node in right.body] + list(overridden.values())
    return right


def _bound(tree: ast.AST) -> set[str]:
    """Every name that is bound somewhere in the tree: imported, assigned, defined or a parameter."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def _free(tree: ast.AST) -> set[str]:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - _bound(tree)


def handed_in(course: Course, planted: Planted, lesson: str, accident: bool) -> bytes | None:
    """The bytes that a student hands in for a lesson, None when nothing; accidents befall the last lesson."""
    solved = nbformat.read(course.source / lesson / f"{lesson}.ipynb", as_version=4)
    if planted.role == "blank":
        return (course.root / "lessons" / lesson / f"{lesson}.ipynb").read_bytes()
    exercises = course.exercises(lesson)
    for name, exercise in exercises.items():
        if name in planted.mistakes:
            mistake = next(m for m in exercise.misconceptions if m.name == planted.mistakes[name])
            _cell(solved, f"{exercise_grade_id(name)}-answer").source = mistaken_source(solved, exercise, mistake)
        elif name in planted.copied:
            answer = peculiar.ANSWERS[name]
            written = disguised(answer) if planted.role == "copy" else answer
            _cell(solved, f"{exercise_grade_id(name)}-answer").source = written
    if not accident or planted.role in ("solved", "mistakes", *PAIR):
        return to_bytes(solved)
    if planted.role == "missing":
        return None
    if planted.role == "damaged":
        whole = to_bytes(solved)
        return whole[: len(whole) // 2]
    # the second exercise, so that the first shows that what was earned before an accident stays earned
    unlucky = _cell(solved, f"{exercise_grade_id(list(exercises)[1])}-answer")
    accident_line = {
        "crash": "import os; os._exit(1)  # what a crash inside a library looks like from outside",
        "loop": "while True: pass",
    }[planted.role]
    unlucky.source = f"{accident_line}\n\n{unlucky.source}"
    return to_bytes(solved)


def disguised(source: str) -> str:
    """The same code as somebody hands it in who does not want it to be recognised: without comments, in another format,
    and with other names for all that a caller does not see."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    seen = {function.name for function in functions} | {each.arg for f in functions for each in f.args.args}
    chosen = sorted(_bound(tree) - seen)
    names = dict(zip(chosen, (f"v{i}" for i in itertools.count() if f"v{i}" not in seen), strict=False))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
    return f"# my own way\n{ast.unparse(tree)}"


def _cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def _clear_former(course: Course) -> None:
    """Take the former sample class off the disk and the roll. CourseError when a real class is there as well."""
    former = {planted.student for planted in manifest.read(course.folder)}
    present = set(course.students())
    if strangers := sorted(present - former):
        some = ", ".join(strangers[:3]) + (", ..." if len(strangers) > 3 else "")
        raise CourseError(
            f"{course.folder} holds a real class ({some}): "
            "choose another folder for the sample class with --course DIR."
        )
    for student in former:
        for folder in (course.submitted, course.autograded, course.problems, course.folder / "feedback"):
            shutil.rmtree(Path(folder) / student, ignore_errors=True)
    with course.api.gradebook as gradebook:
        for student in sorted(present):
            with contextlib.suppress(MissingEntry):
                gradebook.remove_student(student)
