"""A class of submissions -> nbgrader's gradebook. No notebook stops the class, or another notebook.

Submissions are graded by workers, here or elsewhere (pool.py, desk.py). What they return is kept by what it comes
from (store.py) and entered (gradebook.py) by this process. Whenever it is stopped, the same command goes on:
nothing that is kept is graded again, and nothing is entered twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograde import catalogue, digest, migration, pool
from autograde.build import build, released
from autograde.cells import own_code, slug_of
from autograde.corrections import Corrections
from autograde.course import Course, CourseError
from autograde.database import GradebookError, NoGradebook, ValueRefused, alone
from autograde.exercise import Outcome
from autograde.files import write_whole
from autograde.gradebook import Gradebook, as_entered
from autograde.imports import nbformat_quickly
from autograde.kernel.limits import Limits
from autograde.kernel.syntax import parse_one_at_a_time
from autograde.policy import Policy
from autograde.repair import repaired
from autograde.results import Result, how_graded, problem_file, read_notebook, reading, result_in
from autograde.secret import Secret, SecretError
from autograde.store import Store, Stored, key_of
from autograde.submissions import Unreadable, read_submission

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from autograde.desk import Done, Job

__all__ = ["grade", "register"]


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
    dry_run: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
    before_correcting: Callable[[Corrections], None] = lambda corrections: None,
) -> list[Result]:
    """Grade every student's every lesson and return the results, in the order of students and lessons.

    workers: submissions at one time, on this machine; scheduler: the address of a Dask scheduler that has workers
    instead. walls: learners' code runs behind walls, or CourseError when this machine has not enough of them.
    on_result is called as each is done. Other processes may grade at the same time, the same submissions too.

    First gradings, and those that change no mark, are entered as they come. What would change a mark that stands in
    the gradebook waits until before_correcting has been told of all of it. dry_run: nothing is entered; results are
    kept all the same, so that the run that enters them need not grade again.
    """
    parse_one_at_a_time()
    with pool.Workers(workers, scheduler, walls) as crew:
        with ThreadPoolExecutor(1) as thread:  # walls are tried by other processes
            tried = thread.submit(_missing_walls) if walls and not scheduler else None
            nbformat_quickly()
            policy = course.policy()
        if tried and (missing := tried.result()):
            raise CourseError(missing)
        later = [] if dry_run else _register_unmarked(course, lessons)
        if dry_run:
            build(course, lessons)
        class_ = _Class(course, lessons, policy, walls, limits or Limits(), dry_run, on_result)
        with class_.gradebook or contextlib.nullcontext(), reading(course, whole=False) as class_.remember:
            class_.set_due(later)
            places = ((student, lesson) for student in students for lesson in lessons)
            for ready, done in crew.graded(class_.jobs(places)):
                class_.take(ready, done)
            before_correcting(class_.corrections)
            if not dry_run:
                class_.correct()
    if not dry_run:
        _note_how(course, class_)
    return [class_.results[student, lesson] for student in students for lesson in lessons]


def register(course: Course, lessons: list[str]) -> None:
    """Build the lessons and make the gradebook know them, with its indexes. CourseError when nbgrader refuses."""
    for lesson in _register_unmarked(course, lessons):
        _register_anew(course, lesson)


def _register_unmarked(course: Course, lessons: list[str]) -> list[str]:
    """The same, except for lessons that have changed and in which marks stand already: these are returned."""
    marked = []
    with alone(course.db_url):
        build(course, lessons)
        for lesson in lessons:
            if _is_registered(course, lesson):
                continue
            if _is_marked(course, lesson):
                marked.append(lesson)
            else:
                _generate(course, lesson)
    migration.upgrade(course.db_url)
    return marked


def _register_anew(course: Course, lesson: str) -> None:
    """Make the gradebook know a lesson as it is now, with the marks that stand in what remains of it."""
    with alone(course.db_url), Gradebook(course.db_url, course.submitted, course.autograded) as gradebook:
        gradebook.make_room(lesson, read_notebook(released(course, lesson)))
        _generate(course, lesson)


def _generate(course: Course, lesson: str) -> None:
    reply = course.api.generate_assignment(lesson, force=True)
    if not reply["success"]:
        raise CourseError(f"nbgrader cannot register {lesson}: {_reason(reply)}")


def _is_marked(course: Course, lesson: str) -> bool:
    try:
        with Gradebook(course.db_url, course.submitted, course.autograded) as gradebook:
            return gradebook.has_submissions(lesson)
    except NoGradebook:
        return False


class _Class:
    """One run over a class: what it needs to know, and what it has found out so far."""

    def __init__(
        self,
        course: Course,
        lessons: list[str],
        policy: Policy,
        walls: bool,
        limits: Limits,
        dry_run: bool,
        on_result: Callable,
    ):
        self.course, self.walls, self.limits, self.on_result = course, walls, limits, on_result
        self.policy, self.dry_run = policy, dry_run
        self.gradebook: Gradebook | None = None
        with contextlib.suppress(*[NoGradebook] * dry_run):  # a first run, tried out
            self.gradebook = Gradebook(course.db_url, course.submitted, course.autograded, policy)
        self.corrections = Corrections()
        self.later: list[str] = []  # lessons that the gradebook knows as they were
        self.waiting: list[tuple[str, str, str | Result]] = []  # the key of what is to be entered, or a problem
        self.store = Store(course.folder / "results")
        try:
            self.secret = Secret.of(course.secret_file)
        except SecretError as error:
            raise CourseError(str(error)) from None
        self.released = {lesson: read_notebook(released(course, lesson)) for lesson in lessons}
        self.exercises = {lesson: list(catalogue.entries(course, lesson).values()) for lesson in lessons}
        self.results: dict[tuple[str, str], Result] = {}
        self.remember: Callable[[str, str], Result | None]
        self.wall_lines: list[tuple[str, bool, str]] = how_graded(course).get("walls", [])

    def jobs(self, places: Iterator[tuple[str, str]]) -> Iterator[tuple[_Ready, Job]]:
        """What is left to be graded; whatever has its result already, or can have none, is dealt with at once."""
        for student, lesson in places:
            try:
                ready = self._ready(student, lesson)
            except Unreadable as error:
                self._problem(Result(student, lesson, problem=error.outcome, note=error.note))
                continue
            if stored := self.store.get(ready.key):
                self._found(ready, stored)
            else:
                yield ready, self._job(ready)

    def take(self, ready: _Ready, done: Done | BaseException) -> None:
        """What a worker has made of a submission: keep it, and enter it."""
        if isinstance(done, BaseException):
            self._problem(self._failure(ready, done))
            return
        self.wall_lines = done.walls
        stored = Stored(done.verdicts, done.outputs)
        about = {"student": ready.student, "lesson": ready.lesson, "walls": self.walls}
        self.store.put(ready.key, about | {"secret": self.secret.fingerprint, "versions": digest.versions()}, stored)
        self._found(ready, stored)

    def set_due(self, later: list[str]) -> None:
        """Write due dates down. later: lessons that have changed since marks were given; their entries wait."""
        self.later = later
        if self.gradebook and not self.dry_run:
            for lesson in self.released:
                self.gradebook.set_due(lesson)

    def correct(self) -> None:
        """Enter what has waited."""
        assert self.gradebook
        for lesson in self.later:
            _register_anew(self.course, lesson)
            self.gradebook.forget(lesson)
        for student, lesson, waiting in self.waiting:
            if isinstance(waiting, Result):
                self._write_problem(waiting)
                continue
            try:
                ready = self._ready(student, lesson)
                stored = self.store.get(waiting) if ready.key == waiting else None
            except Unreadable:
                stored = None
            if stored:
                self._fill(ready, stored)
                self.results[student, lesson] = self._enter(ready, self.results[student, lesson])
            else:
                note = "Another notebook was handed in while this one was graded: grade again."
                self.results[student, lesson] = Result(student, lesson, problem=Outcome.UNGRADED, note=note)
                self._write_problem(self.results[student, lesson])

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
            judging=digest.of_judging(slug_of(lesson)),
            versions=digest.versions(),
            limits=dataclasses.asdict(self.limits),
            walls=self.walls,
        )
        return _Ready(student, lesson, notebook, tuple(notes), key)

    def _job(self, ready: _Ready) -> Job:
        from autograde.desk import Job

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
            judging=digest.of_judging(slug_of(ready.lesson)),
            versions=digest.versions(),
        )

    def _found(self, ready: _Ready, stored: Stored) -> None:
        """What grading has found out is told, and entered unless it has to wait."""
        self._fill(ready, stored)
        result = result_in(ready.student, ready.lesson, ready.notebook)
        if self._has_to_wait(result):
            self.waiting.append((ready.student, ready.lesson, ready.key))
        else:
            result = self._enter(ready, result)
        self._tell(result)

    def _has_to_wait(self, result: Result) -> bool:
        """Whether a result changes a mark that stands, which is noted, or can not be entered yet."""
        place, change, standing = (result.student, result.lesson), False, None
        with contextlib.suppress(ValueRefused):  # then the gradebook knows no such student
            if self.gradebook:
                standing = self.gradebook.standing(*place)
                dated = not self.policy.rule.percent_per_day or self.gradebook.lateness(*place) is not None
                if not dated and not result.problem:
                    self.corrections.undated.append(place)
        if self.gradebook and standing and result.problem is not Outcome.UNGRADED:
            entries = {entry.name: entry.points for entry in self.exercises[result.lesson]}
            scores = {name: (0.0, points) for name, points in entries.items()}
            scores |= {name: (as_entered(each.score), each.points) for name, each in result.verdicts.items()}
            change = self.corrections.add(*place, standing, scores, self.gradebook.penalty)
        elif standing:
            self.corrections.add_unchanged(result.student)
        elif not result.problem:
            self.corrections.first += 1
        return self.dry_run or change or result.lesson in self.later

    def _fill(self, ready: _Ready, stored: Stored) -> None:
        code = [cell for cell in ready.notebook["cells"] if cell["cell_type"] == "code"]
        for cell, put_out in zip(code, _notebook_nodes(stored.outputs), strict=True):
            cell["outputs"], cell["execution_count"] = put_out["outputs"], put_out["execution_count"]
        ready.notebook["metadata"]["autograde"] = {"notes": list(ready.notes), "walls": self.walls}

    def _enter(self, ready: _Ready, result: Result) -> Result:
        """Enter a result, and return it, or why the gradebook refuses it."""
        assert self.gradebook
        try:
            self.gradebook.enter(ready.student, ready.lesson, ready.notebook)
        except ValueRefused as error:
            result = self._failure(ready, error)
            self._write_problem(result)
            return result
        problem_file(self.course, ready.student, ready.lesson).unlink(missing_ok=True)
        self.remember(ready.student, ready.lesson)  # in the index, for reports and exports
        return result

    def _failure(self, ready: _Ready, error: BaseException) -> Result:
        """Our failure: it costs nobody a mark, and the notebook is graded by the next run."""
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".: ")[:300]
        note = f"Grading itself failed, which is no fault of the student's: {reason}. Grade this notebook again."
        return Result(ready.student, ready.lesson, problem=Outcome.UNGRADED, note=note)

    def _problem(self, result: Result) -> None:
        if self._has_to_wait(result):
            self.waiting.append((result.student, result.lesson, result))
        else:
            self._write_problem(result)
        self._tell(result)

    def _write_problem(self, result: Result) -> None:
        """Keep why there are no verdicts. Marks from before are taken back, unless the failure is ours."""
        assert self.gradebook
        student, lesson, outcome, note = result.student, result.lesson, result.problem, result.note
        path = problem_file(self.course, student, lesson)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps({"outcome": outcome, "note": note}, indent=1) + "\n").encode())
        if outcome is not Outcome.UNGRADED:
            with contextlib.suppress(ValueRefused):  # then the gradebook knows no such student
                self.gradebook.withdraw(student, lesson)
        self.remember(student, lesson)

    def _tell(self, result: Result) -> None:
        self.results[result.student, result.lesson] = result
        self.on_result(result)


def _missing_walls() -> str:
    """What is missing around learners' code on this machine, and what to do; "" when there are walls enough."""
    from autograde.kernel.walls import Walls

    found = Walls.found()
    if found.enough:
        return ""
    missing = " ".join(f"{name}: {sentence}" for name, stands, sentence in found.lines() if not stands)
    return (
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
        with Gradebook(course.db_url, course.submitted, course.autograded) as gradebook:
            return gradebook.knows(lesson, read_notebook(built))
    except GradebookError:
        return False


def _notebook_nodes(outputs: list[dict[str, Any]]) -> list[NotebookNode]:
    import nbformat

    return nbformat.from_dict(outputs)


def _reason(reply: dict) -> str:
    """The error behind a failure of nbgrader's: the last one in its log that is not its own "see above"."""
    text = f"{reply.get('error', '')}\n{reply.get('log', '')}"
    errors = re.findall(r"(?m)^ *(?:\w+\.)*[A-Z]\w*: (.+)$", text)
    told = [error.strip() for error in errors if "see the " not in error]
    return told[-1] if told else "it gave no reason"
