"""A class of submissions -> nbgrader's gradebook. No notebook stops the class, or another notebook.

Submissions are run by several workers. What they return is entered by one writer, through nbgrader's own
autograding, so that gradebook, formgrader and feedback stay as nbgrader knows them.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import Autograde
from traitlets.config import Config

from autograde.build import build
from autograde.course import Course, CourseError
from autograde.execute import code_key, executed, verdicts_in
from autograde.exercise import Outcome, Verdict
from autograde.kernel.notebook import Limits
from autograde.lesson import to_bytes

__all__ = ["Result", "Unreadable", "grade", "read_submission", "register", "result_of", "results_of"]

MAX_NOTEBOOK_BYTES = 20_000_000  # a solved lesson with its pictures has about one


@dataclass(frozen=True)
class Result:
    """What became of one student's lesson. Without verdicts, `problem` says why there are none."""

    student: str
    lesson: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    problem: Outcome | None = None
    note: str = ""

    @property
    def score(self) -> float:
        return sum(verdict.score for verdict in self.verdicts.values())

    @property
    def statuses(self) -> list[Outcome]:
        """What an instructor has to know beside the mark, each once; empty when there is nothing to know."""
        if self.problem:
            return [self.problem]
        outcomes = [verdict.outcome for verdict in self.verdicts.values()]
        if all(outcome is Outcome.NOT_ATTEMPTED for outcome in outcomes):
            return [Outcome.NOT_ATTEMPTED]
        ordinary = (Outcome.PASSED, Outcome.PARTIAL, Outcome.FAILED, Outcome.NOT_ATTEMPTED)
        return list(dict.fromkeys(outcome for outcome in outcomes if outcome not in ordinary))


class Unreadable(Exception):
    """A submission that cannot be graded: its outcome, and a sentence for the instructor."""

    def __init__(self, outcome: Outcome, note: str):
        super().__init__(note)
        self.outcome, self.note = outcome, note


def grade(
    course: Course,
    lessons: list[str],
    students: list[str],
    *,
    workers: int = 2,
    limits: Limits | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Grade every student's every lesson and return the results, in the order of students and lessons.

    on_result is called as each is done. The gradebook is written by this process alone.
    """
    register(course, lessons)
    ready: dict[tuple[str, str], NotebookNode] = {}
    results: dict[tuple[str, str], Result] = {}
    for student in students:
        for lesson in lessons:
            try:
                ready[student, lesson] = read_submission(course, student, lesson)
            except Unreadable as error:
                results[student, lesson] = _problem(course, student, lesson, error.outcome, error.note)
                on_result(results[student, lesson])
    with tempfile.TemporaryDirectory(prefix="autograde-executed-") as folder:
        for student, lesson, failure in _run_all(course, ready, Path(folder), workers, limits or Limits()):
            results[student, lesson] = _enter(course, student, lesson, folder, failure)
            on_result(results[student, lesson])
    return [results[student, lesson] for student in students for lesson in lessons]


def register(course: Course, lessons: list[str]) -> None:
    """Build the lessons and make the gradebook know them. CourseError when nbgrader refuses."""
    build(course, lessons)
    for lesson in lessons:
        reply = course.api.generate_assignment(lesson, force=True)
        if not reply["success"]:
            raise CourseError(f"nbgrader cannot register {lesson}: {_last_line(reply)}")


def read_submission(course: Course, student: str, lesson: str) -> NotebookNode:
    """The notebook that a student handed in. Unreadable, with a sentence, when there is none to grade."""
    path = course.submission(student, lesson)
    if not path.is_file():
        others = sorted(each.name for each in path.parent.glob("*.ipynb"))
        note = f"No {path.name} was handed in."
        if others:
            note = (
                f"{path.name} is missing, but there is {', '.join(others)}: "
                "rename it, if it is this lesson, and grade again."
            )
        raise Unreadable(Outcome.MISSING, note)
    if path.stat().st_size > MAX_NOTEBOOK_BYTES:
        size = path.stat().st_size / 1e6
        raise Unreadable(
            Outcome.MALFORMED, f"The notebook has {size:.0f} MB: ask for it with its outputs cleared, and grade again."
        )
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)  # nbformat does not say where JSON breaks off
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except UnicodeDecodeError:
        raise Unreadable(Outcome.MALFORMED, "The file is no text, so no notebook: ask for a new copy.") from None
    except (ValueError, nbformat.ValidationError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise Unreadable(
            Outcome.MALFORMED, f"The notebook cannot be read ({reason}): it is damaged, ask for a new copy."
        ) from None
    return notebook


def result_of(course: Course, student: str, lesson: str) -> Result | None:
    """The result on disk: a problem that grading met, else what the autograded notebook says; None before grading."""
    problem = _problem_file(course, student, lesson)
    if problem.is_file():
        record = json.loads(problem.read_text(encoding="utf-8"))
        return Result(student, lesson, problem=Outcome(record["outcome"]), note=record["note"])
    graded = course.graded(student, lesson)
    if not graded.is_file():
        return None
    return Result(student, lesson, verdicts_in(nbformat.read(graded, as_version=4)))


def results_of(course: Course, lessons: list[str]) -> list[Result]:
    """All results on disk, by student and lesson."""
    found = [result_of(course, student, lesson) for student in course.students() for lesson in lessons]
    return [result for result in found if result]


def _run_all(
    course: Course, ready: dict[tuple[str, str], NotebookNode], folder: Path, workers: int, limits: Limits
) -> Iterator[tuple[str, str, str]]:
    """Run the submissions; yields (student, lesson, "" or what failed) as each ends."""
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch in it may hang
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        pending = {
            pool.submit(_run, course, student, lesson, to_bytes(notebook), folder, limits): (student, lesson)
            for (student, lesson), notebook in ready.items()
        }
        for future in concurrent.futures.as_completed(pending):
            student, lesson = pending[future]
            error = future.exception()
            yield student, lesson, f"{type(error).__name__}: {error}" if error else ""


def _run(course: Course, student: str, lesson: str, content: bytes, folder: Path, limits: Limits) -> None:
    """In a worker: sanitize as nbgrader does, run, and leave the result where ExecuteAndJudge looks for it."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    resources = {
        "nbgrader": {"student": student, "assignment": lesson, "notebook": lesson, "db_url": course.db_url},
        "metadata": {},
    }
    config = course.config()
    for preprocessor in Autograde.sanitize_preprocessors.default():
        notebook, resources = preprocessor(config=config)(notebook, resources)
    target = folder / f"{code_key(notebook)}.ipynb"
    draft = target.with_suffix(f".{student}")
    draft.write_bytes(to_bytes(executed(notebook, limits)))
    draft.replace(target)


def _enter(course: Course, student: str, lesson: str, folder: str, failure: str) -> Result:
    if failure:
        note = f"Grading itself failed, which is no fault of the student's: {failure}. Grade this notebook again."
        return _problem(course, student, lesson, Outcome.CRASHED, note)
    api = course.api
    api.config.merge(Config({"ExecuteAndJudge": {"executed_directory": folder}}))
    reply = api.autograde(lesson, student, force=True)
    if not reply["success"]:
        note = f"nbgrader could not grade the notebook: {_last_line(reply)}"
        return _problem(course, student, lesson, Outcome.MALFORMED, note)
    _problem_file(course, student, lesson).unlink(missing_ok=True)
    result = result_of(course, student, lesson)
    if not result or not result.verdicts:
        return _problem(course, student, lesson, Outcome.MALFORMED, "The notebook has none of the lesson's checks.")
    return result


def _problem(course: Course, student: str, lesson: str, outcome: Outcome, note: str) -> Result:
    path = _problem_file(course, student, lesson)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"outcome": outcome, "note": note}, indent=1) + "\n", encoding="utf-8")
    return Result(student, lesson, problem=outcome, note=note)


def _problem_file(course: Course, student: str, lesson: str) -> Path:
    return course.problems / student / f"{lesson}.json"


def _last_line(reply: dict) -> str:
    lines = [line for line in (reply.get("error") or reply.get("log") or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no reason"
