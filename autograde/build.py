"""solutions/ -> lessons/ and build/ on disk, and whether what lies there is fresh."""

from __future__ import annotations

from pathlib import Path

from autograde import catalogue
from autograde.cells import LessonError, to_bytes
from autograde.course import Course, CourseError
from autograde.files import write_whole

__all__ = ["build", "built_files", "released", "source", "stale"]


def source(course: Course, lesson: str) -> Path:
    """Where the notebook with its solutions lies: nbgrader's source."""
    return course.source / lesson / f"{lesson}.ipynb"


def released(course: Course, lesson: str) -> Path:
    """Where the student's notebook lies."""
    return course.root / "lessons" / lesson / f"{lesson}.ipynb"


def built_files(course: Course, lesson: str) -> dict[Path, bytes]:
    """What a lesson's script derives: path -> bytes, for the student's notebook and nbgrader's source."""
    from autograde.lesson import source_notebook, student_notebook

    script = course.solutions / f"{lesson}.py"
    try:
        notebook = source_notebook(script.read_text(encoding="utf-8"), course.exercises(lesson), lesson)
    except (LessonError, LookupError) as error:
        raise CourseError(str(error)) from error
    return {
        source(course, lesson): to_bytes(notebook),
        released(course, lesson): to_bytes(student_notebook(notebook)),
    }


def build(course: Course, lessons: list[str]) -> list[Path]:
    """Write the derived files that are not fresh, each in one move; returns those that were written.

    A lesson whose files are as the same code left them is not made again: that alone would import torch.
    """
    written = []
    for lesson in lessons:
        if catalogue.is_fresh(course, lesson, [source(course, lesson), released(course, lesson)]):
            continue
        made = built_files(course, lesson)
        for path, content in made.items():
            if path.exists() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
            written.append(path)
        catalogue.keep(course, lesson, list(made))
    return written


def stale(course: Course, lessons: list[str]) -> list[Path]:
    """The derived files that differ from what the scripts say now, and notebooks in lessons/ without a script.

    build/source/ is not committed: where it is absent altogether, nothing there is stale.
    """
    found = []
    for lesson in lessons:
        for path, content in built_files(course, lesson).items():
            if not path.is_relative_to(course.source) or course.source.exists():
                found += [path] if not path.exists() or path.read_bytes() != content else []
    known = set(course.lessons())
    orphans = [path for path in (course.root / "lessons").glob("*/*.ipynb") if path.parent.name not in known]
    return found + sorted(orphans)
