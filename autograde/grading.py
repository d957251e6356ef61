"""A class of submissions -> nbgrader's gradebook. No notebook stops the class, or another notebook.

Submissions are graded by workers, here or elsewhere (pool.py, worker.py). What they return is kept by what it comes
from (store.py) and entered (gradebook.py) by this process alone. Whenever it is stopped, the same command goes on:
nothing that is kept is graded again, and nothing is entered twice.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograde import catalogue, digest, pool
from autograde.build import build, released
from autograde.cells import own_code, to_bytes
from autograde.course import Course, CourseError
from autograde.exercise import Outcome, Verdict, total
from autograde.gradebook import Gradebook, GradebookError
from autograde.imports import nbformat_quickly
from autograde.kernel.limits import Limits
from autograde.repair import repaired
from autograde.secret import Secret, SecretError
from autograde.store import Store, Stored, key_of
from autograde.verdict import verdicts_in

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from autograde.worker import Done, Job

__all__ = ["Result", "Unreadable", "grade", "how_graded", "read_submission", "register", "result_of", "results_of"]

HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # or one of two halves: JSON alone writes them like this
MAX_NOTEBOOK_BYTES = 20_000_000  # a solved lesson with its pictures has about one


@dataclass(frozen=True)
class Result:
    """What became of one student's lesson. Without verdicts, `problem` and `note` say why there are none.

    notes: what had to be put right in the notebook before it could be graded. walls: whether it ran behind them;
    None when that is not known.
    """

    student: str
    lesson: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    problem: Outcome | None = None
    note: str = ""
    notes: tuple[str, ...] = ()
    walls: bool | None = None

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


@dataclass(frozen=True)
class _Ready:
    """A submission that can be graded: the notebook, what was put right in it, and the key of its result."""

    student: str
    lesson: str
    notebook: NotebookNode
    notes: tuple[str, ...]
    key: str


def grade(
    course: Course,
    lessons: list[str],
    students: list[str],
    *,
    workers: int = 2,
    scheduler: str = "",
    walls: bool = True,
    limits: Limits | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Grade every student's every lesson and return the results, in the order of students and lessons.

    workers: submissions at one time, on this machine; scheduler: the address of a Dask scheduler that has workers
    instead. walls: learners' code runs behind walls, or CourseError when this machine has not enough of them.
    on_result is called as each is done. Store and gradebook are written by this process alone.
    """
    if walls and not scheduler:
        _insist_on_walls()
    nbformat_quickly()
    register(course, lessons)
    class_ = _Class(course, lessons, walls, limits or Limits(), on_result)
    with class_.gradebook:
        places = ((student, lesson) for student in students for lesson in lessons)
        for ready, done in pool.graded(class_.jobs(places), workers, scheduler, walls):
            class_.take(ready, done)
    _note_how(course, class_)
    return [class_.results[student, lesson] for student in students for lesson in lessons]


def register(course: Course, lessons: list[str]) -> None:
    """Build the lessons and make the gradebook know them. CourseError when nbgrader refuses."""
    build(course, lessons)
    for lesson in lessons:
        if not _is_registered(course, lesson):
            reply = course.api.generate_assignment(lesson, force=True)
            if not reply["success"]:
                raise CourseError(f"nbgrader cannot register {lesson}: {_reason(reply)}")


class _Class:
    """One run over a class: what it needs to know, and what it has found out so far."""

    def __init__(self, course: Course, lessons: list[str], walls: bool, limits: Limits, on_result: Callable):
        self.course, self.walls, self.limits, self.on_result = course, walls, limits, on_result
        self.gradebook = Gradebook(course.database, course.submitted, course.autograded)
        self.store = Store(course.folder / "results")
        try:
            self.secret = Secret.of(course.secret_file)
        except SecretError as error:
            raise CourseError(str(error)) from None
        self.released = {lesson: _read_json(released(course, lesson)) for lesson in lessons}
        self.exercises = {lesson: list(catalogue.entries(course, lesson).values()) for lesson in lessons}
        self.results: dict[tuple[str, str], Result] = {}
        self.wall_lines: list[tuple[str, bool, str]] = how_graded(course).get("walls", [])

    def jobs(self, places: Iterator[tuple[str, str]]) -> Iterator[tuple[_Ready, Job]]:
        """What is left to be graded; whatever has its result already, or can have none, is dealt with at once."""
        for student, lesson in places:
            try:
                ready = self._ready(student, lesson)
            except Unreadable as error:
                self._problem(student, lesson, error.outcome, error.note)
                continue
            if stored := self.store.get(ready.key):
                self._enter(ready, stored)
            else:
                yield ready, self._job(ready)

    def take(self, ready: _Ready, done: Done | BaseException) -> None:
        """What a worker has made of a submission: keep it, and enter it."""
        if isinstance(done, BaseException):
            self._fail(ready, done)
            return
        self.wall_lines = done.walls
        stored = Stored(done.verdicts, done.outputs)
        about = {"student": ready.student, "lesson": ready.lesson, "walls": self.walls}
        self.store.put(ready.key, about | {"secret": self.secret.fingerprint, "versions": digest.versions()}, stored)
        self._enter(ready, stored)

    def _ready(self, student: str, lesson: str) -> _Ready:
        notebook, notes = repaired(read_submission(self.course, student, lesson), self.released[lesson])
        code = [
            [cell["source"], cell["metadata"].get("nbgrader"), cell["metadata"].get("autograde")]
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
        ]
        key = key_of(
            code=code,
            student=student,  # whose seeds are their own
            lesson=lesson,
            secret=self.secret.fingerprint,
            judging=digest.of_judging(),
            versions=digest.versions(),
            limits=dataclasses.asdict(self.limits),
            walls=self.walls,
        )
        return _Ready(student, lesson, notebook, tuple(notes), key)

    def _job(self, ready: _Ready) -> Job:
        from autograde.worker import Job

        work = own_code(ready.notebook)
        return Job(
            student=ready.student,
            lesson=ready.lesson,
            notebook=json.dumps(ready.notebook).encode(),
            seeds={
                entry.name: self.secret.seed(None if entry.is_shared else ready.student, entry.name, work)
                for entry in self.exercises[ready.lesson]
            },
            limits=self.limits,
            walls=self.walls,
            judging=digest.of_judging(),
            versions=digest.versions(),
        )

    def _enter(self, ready: _Ready, stored: Stored) -> None:
        code = [cell for cell in ready.notebook["cells"] if cell["cell_type"] == "code"]
        for cell, put_out in zip(code, _notebook_nodes(stored.outputs), strict=True):
            cell["outputs"], cell["execution_count"] = put_out["outputs"], put_out["execution_count"]
        ready.notebook["metadata"]["autograde"] = {"notes": list(ready.notes), "walls": self.walls}
        self.gradebook.enter(ready.student, ready.lesson, ready.notebook)
        _problem_file(self.course, ready.student, ready.lesson).unlink(missing_ok=True)
        self._tell(_result_in(ready.student, ready.lesson, ready.notebook))

    def _fail(self, ready: _Ready, error: BaseException) -> None:
        """Our failure: it costs nobody a mark, and the notebook is graded by the next run."""
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".: ")[:300]
        note = f"Grading itself failed, which is no fault of the student's: {reason}. Grade this notebook again."
        self._problem(ready.student, ready.lesson, Outcome.UNGRADED, note)

    def _problem(self, student: str, lesson: str, outcome: Outcome, note: str) -> None:
        """Keep why there are no verdicts. Marks from before are taken back, unless the failure is ours."""
        path = _problem_file(self.course, student, lesson)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps({"outcome": outcome, "note": note}, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
        if outcome is not Outcome.UNGRADED:
            self.gradebook.withdraw(student, lesson)
        self._tell(Result(student, lesson, problem=outcome, note=note))

    def _tell(self, result: Result) -> None:
        self.results[result.student, result.lesson] = result
        self.on_result(result)


def read_submission(course: Course, student: str, lesson: str) -> NotebookNode:
    """The notebook that a student handed in. Unreadable, with a sentence, when there is none to grade."""
    path = course.submission(student, lesson)
    if glob.escape(student) != student:
        note = "nbgrader cannot grade a student with [, * or ? in the name: rename the folder, and grade again."
        raise Unreadable(Outcome.MALFORMED, note)
    if path.is_symlink():
        note = f"{path.name} is a link to another place, which may be anybody's work: ask for the notebook itself."
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
        notebook = _parsed(path.read_text(encoding="utf-8"))
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
    problem, path = _problem_file(course, student, lesson), course.graded(student, lesson)
    if problem.is_file() and not (path.is_file() and path.stat().st_mtime_ns > problem.stat().st_mtime_ns):
        record = json.loads(problem.read_text(encoding="utf-8"))
        return Result(student, lesson, problem=Outcome(record["outcome"]), note=record["note"])
    if not path.is_file():
        return None
    return _result_in(student, lesson, _read_json(path))


def results_of(course: Course, lessons: list[str], known: Sequence[Result] = ()) -> list[Result]:
    """All results on disk, by student and lesson. known: results of this moment, which are not read again."""
    by_place = {(result.student, result.lesson): result for result in known}
    found = [
        by_place.get((student, lesson)) or result_of(course, student, lesson)
        for student in course.students()
        for lesson in lessons
    ]
    return [result for result in found if result]


def how_graded(course: Course) -> dict[str, Any]:
    """How the last run graded: `walls` as lines, `secret` as its fingerprint, `versions`; empty before the first."""
    try:
        return json.loads((course.folder / "grading.json").read_bytes())
    except (OSError, ValueError):
        return {}


def _insist_on_walls() -> None:
    from autograde.kernel.walls import Walls

    found = Walls.found()
    if not found.enough:
        missing = " ".join(f"{name}: {sentence}" for name, stands, sentence in found.lines() if not stands)
        raise CourseError(
            f"Learners' code would run with too few walls around it. {missing} "
            "Put them up (autograde doctor says how it stands), or grade all the same with --no-walls."
        )


def _note_how(course: Course, class_: _Class) -> None:
    record = {"walls": class_.wall_lines, "secret": class_.secret.fingerprint, "versions": digest.versions()}
    (course.folder / "grading.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _is_registered(course: Course, lesson: str) -> bool:
    built, copy = released(course, lesson), course.folder / "release" / lesson / f"{lesson}.ipynb"
    if not copy.is_file() or copy.read_bytes() != built.read_bytes():
        return False
    try:
        with Gradebook(course.database, course.submitted, course.autograded) as gradebook:
            return gradebook.knows(lesson, _read_json(built))
    except GradebookError:
        return False


def _parsed(text: str) -> NotebookNode:
    """A valid notebook of format 4 with the same cell ids whenever it is read; nbformat alone would draw some."""
    import nbformat

    data = json.loads(text)  # nbformat does not say where JSON breaks off
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing and repeated cell ids
        if isinstance(data, dict) and data.get("nbformat") == 4:
            notebook = nbformat.v4.reads_json(text)
        else:
            notebook = nbformat.reads(text, as_version=4)
            for cell in notebook.cells:
                cell.pop("id", None)
        seen = set()
        for index, cell in enumerate(notebook.cells):
            name = cell.get("id")
            if not isinstance(name, str) or name in seen:
                cell["id"] = name = f"cell-{index}"
            seen.add(name)
        notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
        nbformat.validate(notebook)
    if HALF_A_CHARACTER.search(text):
        to_bytes(notebook)  # JSON can hold one, and no file can
    return notebook


def _read_json(path: Path) -> NotebookNode:
    """A notebook that one of ours has written."""
    import nbformat

    return nbformat.v4.reads_json(path.read_text(encoding="utf-8"))


def _notebook_nodes(outputs: list[dict[str, Any]]) -> list[NotebookNode]:
    import nbformat

    return nbformat.from_dict(outputs)


def _result_in(student: str, lesson: str, notebook: NotebookNode) -> Result:
    verdicts = verdicts_in(notebook)
    if not verdicts:
        note = "The notebook has none of the lesson's checks."
        return Result(student, lesson, problem=Outcome.MALFORMED, note=note)
    about = notebook["metadata"].get("autograde", {})
    return Result(student, lesson, verdicts, notes=tuple(about.get("notes", ())), walls=about.get("walls"))


def _problem_file(course: Course, student: str, lesson: str) -> Path:
    return course.problems / student / f"{lesson}.json"


def _reason(reply: dict) -> str:
    """The error behind a failure of nbgrader's: the last one in its log that is not its own "see above"."""
    text = f"{reply.get('error', '')}\n{reply.get('log', '')}"
    errors = re.findall(r"(?m)^ *(?:\w+\.)*[A-Z]\w*: (.+)$", text)
    told = [error.strip() for error in errors if "see the " not in error]
    return told[-1] if told else "it gave no reason"
