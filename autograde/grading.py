"""A class of submissions -> nbgrader's gradebook. No notebook stops the class, or another notebook.

Submissions are run by several workers. What they return is entered by one writer, through nbgrader's own
autograding, so that gradebook, formgrader and feedback stay as nbgrader knows them.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import glob
import json
import multiprocessing
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning
from nbgrader.api import MissingEntry
from traitlets.config import Config

from autograde.build import build
from autograde.cells import to_bytes
from autograde.course import Course, CourseError
from autograde.execute import code_key, executed, verdicts_in
from autograde.exercise import Outcome, Verdict, total
from autograde.kernel.notebook import Limits

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
        return total(verdict.score for verdict in self.verdicts.values())

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
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="autograde-executed-") as folder:
        for student, lesson, failure in _run_all(course, ready, Path(folder), workers, limits):
            if failure:
                note = (
                    f"Grading itself failed, which is no fault of the student's: {failure}. Grade this notebook again."
                )
                result = _problem(course, student, lesson, Outcome.CRASHED, note)
            else:
                result = _enter(course, student, lesson, folder, limits)
            results[student, lesson] = result
            on_result(result)
    return [results[student, lesson] for student in students for lesson in lessons]


def register(course: Course, lessons: list[str]) -> None:
    """Build the lessons and make the gradebook know them. CourseError when nbgrader refuses."""
    build(course, lessons)
    for lesson in lessons:
        reply = course.api.generate_assignment(lesson, force=True)
        if not reply["success"]:
            raise CourseError(f"nbgrader cannot register {lesson}: {_reason(reply)}")


def read_submission(course: Course, student: str, lesson: str) -> NotebookNode:
    """The notebook that a student handed in. Unreadable, with a sentence, when there is none to grade."""
    path = course.submission(student, lesson)
    if glob.escape(student) != student:
        note = "nbgrader cannot grade a student with [, * or ? in the name: rename the folder, and grade again."
        raise Unreadable(Outcome.MALFORMED, note)
    if not path.is_file():
        others = sorted(each.name for each in path.parent.glob("*.ipynb") if each.is_file())
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing and repeated cell ids, which nbformat mends as it reads
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
        to_bytes(notebook)  # JSON can hold half a character, which no file can
    except OSError as error:
        raise Unreadable(Outcome.MALFORMED, f"The file cannot be opened: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Unreadable(Outcome.MALFORMED, "The file is no text, so no notebook: ask for a new copy.") from None
    except Exception as error:  # whatever nbformat meets in a damaged file, it must not stop the class
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise Unreadable(
            Outcome.MALFORMED, f"The notebook cannot be read ({reason}): it is damaged, ask for a new copy."
        ) from None
    return notebook


def result_of(course: Course, student: str, lesson: str) -> Result | None:
    """The result on disk: a problem that grading met, else what the autograded notebook says; None before grading.

    The later of the two counts: plain `nbgrader autograde` may have graded since.
    """
    problem, graded = _problem_file(course, student, lesson), course.graded(student, lesson)
    if problem.is_file() and not (graded.is_file() and graded.stat().st_mtime_ns > problem.stat().st_mtime_ns):
        record = json.loads(problem.read_text(encoding="utf-8"))
        return Result(student, lesson, problem=Outcome(record["outcome"]), note=record["note"])
    if not graded.is_file():
        return None
    verdicts = verdicts_in(nbformat.read(graded, as_version=4))
    if not verdicts:
        return Result(student, lesson, problem=Outcome.MALFORMED, note="The notebook has none of the lesson's checks.")
    return Result(student, lesson, verdicts)


def results_of(course: Course, lessons: list[str]) -> list[Result]:
    """All results on disk, by student and lesson."""
    found = [result_of(course, student, lesson) for student in course.students() for lesson in lessons]
    return [result for result in found if result]


def _run_all(
    course: Course, ready: dict[tuple[str, str], NotebookNode], folder: Path, workers: int, limits: Limits
) -> Iterator[tuple[str, str, str]]:
    """Run the submissions; yields (student, lesson, "" or what failed) as each ends.

    A worker that dies takes its pool with it: whoever was in the pool is run once more, in a pool of its own.
    """
    jobs = {place: (course, *place, to_bytes(notebook), folder, limits) for place, notebook in ready.items()}
    again = []
    for place, error in _run_in_pool(jobs, workers):
        if isinstance(error, BrokenProcessPool):
            again.append(place)
        else:
            yield *place, _described(error)
    for place in again:
        for _, error in _run_in_pool({place: jobs[place]}, 1):
            yield *place, _described(error)


def _run_in_pool(
    jobs: dict[tuple[str, str], tuple], workers: int
) -> Iterator[tuple[tuple[str, str], BaseException | None]]:
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch in it may hang
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            pending = {pool.submit(_run, *arguments): place for place, arguments in jobs.items()}
        except BrokenProcessPool as error:  # a worker died while jobs were still being handed out
            yield from ((place, error) for place in jobs)
            return
        for future in concurrent.futures.as_completed(pending):
            yield pending[future], future.exception()


def _described(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".") if error else ""


def _run(course: Course, student: str, lesson: str, content: bytes, folder: Path, limits: Limits) -> None:
    """In a worker: sanitize as nbgrader does, run, and leave the result where ExecuteAndJudge looks for it."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    resources = {
        "nbgrader": {"student": student, "assignment": lesson, "notebook": lesson, "db_url": course.db_url},
        "metadata": {},
    }
    config = course.config()
    for preprocessor in config.Autograde.sanitize_preprocessors:
        notebook, resources = preprocessor(config=config)(notebook, resources)
    target = folder / f"{code_key(notebook)}.ipynb"
    if target.exists():  # the same code, of a blank notebook for one, has been run already
        return
    draft = target.with_suffix(f".{os.getpid()}")
    draft.write_bytes(to_bytes(executed(notebook, limits)))
    draft.replace(target)


def _enter(course: Course, student: str, lesson: str, folder: str, limits: Limits) -> Result:
    """Have nbgrader autograde a submission that has been run, and return its result."""
    api = course.api
    settings = {"executed_directory": folder, "cell_seconds": limits.cell_seconds}
    api.config.merge(Config({"ExecuteAndJudge": settings}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateCellId)  # nbformat mends them as it reads
        warnings.simplefilter("ignore", MissingIDFieldWarning)
        reply = api.autograde(lesson, student, force=True)
    if not reply["success"]:
        note = f"nbgrader could not grade the notebook: {_reason(reply)}"
        return _problem(course, student, lesson, Outcome.MALFORMED, note)
    _problem_file(course, student, lesson).unlink(missing_ok=True)
    result = result_of(course, student, lesson)
    if result is None:
        return _problem(course, student, lesson, Outcome.MALFORMED, "nbgrader wrote no graded notebook.")
    return result


def _problem(course: Course, student: str, lesson: str, outcome: Outcome, note: str) -> Result:
    """Keep why there are no verdicts."""
    path = _problem_file(course, student, lesson)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"outcome": outcome, "note": note}, indent=1) + "\n", encoding="utf-8")
    if outcome is not Outcome.CRASHED:  # a crash out here is ours, and costs nobody a mark
        _take_back_marks(course, student, lesson)
    return Result(student, lesson, problem=outcome, note=note)


def _take_back_marks(course: Course, student: str, lesson: str) -> None:
    """What an earlier, readable notebook earned is not what this one earns; marks given by hand stay."""
    with course.api.gradebook as gradebook, contextlib.suppress(MissingEntry):
        for notebook in gradebook.find_submission(lesson, student).notebooks:
            for grade in notebook.grades:
                grade.auto_score = 0.0
        gradebook.db.commit()


def _problem_file(course: Course, student: str, lesson: str) -> Path:
    return course.problems / student / f"{lesson}.json"


def _reason(reply: dict) -> str:
    """The error behind a failure of nbgrader's: the last one in its log that is not its own "see above"."""
    text = f"{reply.get('error', '')}\n{reply.get('log', '')}"
    errors = re.findall(r"(?m)^ *(?:\w+\.)*[A-Z]\w*: (.+)$", text)
    told = [error.strip() for error in errors if "see the " not in error]
    return told[-1] if told else "it gave no reason"
