"""What grading has found out, as it is read back from the course's folder. Nothing is graded here."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograde.course import Course
from autograde.exercise import Outcome, Verdict, total
from autograde.results_index import ResultsIndex
from autograde.verdict import verdicts_in

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Result", "how_graded", "problem_file", "read_notebook", "reading", "result_in", "result_of", "results_of"]


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


def result_of(course: Course, student: str, lesson: str) -> Result | None:
    """The result on disk: a problem that grading met, else what the autograded notebook says; None before grading.

    The later of the two counts: plain `nbgrader autograde` may have graded since. For many: `reading`.
    """
    problem, path = problem_file(course, student, lesson), course.graded(student, lesson)
    if problem.is_file() and not (path.is_file() and path.stat().st_mtime_ns > problem.stat().st_mtime_ns):
        record = json.loads(problem.read_text(encoding="utf-8"))
        return Result(student, lesson, problem=Outcome(record["outcome"]), note=record["note"])
    if not path.is_file():
        return None
    return result_in(student, lesson, _read_plainly(path))


@contextlib.contextmanager
def reading(
    course: Course, *, whole: bool = True, brief: bool = False
) -> Iterator[Callable[[str, str], Result | None]]:
    """A function that gives what `result_of` gives, from an index where it can: (student, lesson) -> Result or None.

    What the index does not know is read from the notebook and kept. whole: most of the class will be asked for. brief:
    nobody asks for more of a verdict than its outcome, its score and its points.
    """
    places = f"{course.autograded}/%s/%s/%s.ipynb", f"{course.problems}/%s/%s.json"
    with ResultsIndex(course.folder / "results" / "index.db", whole=whole, brief=brief) as index:

        def read(student: str, lesson: str) -> Result | None:
            files = places[0] % (student, lesson, lesson), places[1] % (student, lesson)
            stamps = _stamp(files[0]), _stamp(files[1])
            if stamps == ("", ""):
                return None
            stamp = " ".join(stamps)
            if known := index.get(student, lesson, stamp):
                about, verdicts = known
                problem = Outcome(about["problem"]) if about["problem"] else None
                return Result(student, lesson, verdicts, problem, about["note"], tuple(about["notes"]), about["walls"])
            found = result_of(course, student, lesson)
            if found and stamps == (_stamp(files[0]), _stamp(files[1])):  # nobody has graded meanwhile
                about = {"problem": found.problem, "note": found.note, "notes": found.notes, "walls": found.walls}
                index.put(student, lesson, stamp, about, found.verdicts.values())
            return found

        yield read


def results_of(course: Course, lessons: list[str], known: Sequence[Result] = ()) -> list[Result]:
    """All results on disk, by student and lesson. known: results of this moment, which are not read again."""
    by_place = {(result.student, result.lesson): result for result in known}
    with reading(course) as read:
        found = [
            by_place.get((student, lesson)) or read(student, lesson)
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


def read_notebook(path: Path) -> NotebookNode:
    """A notebook that one of ours has written."""
    import nbformat

    return nbformat.v4.reads_json(path.read_text(encoding="utf-8"))


def _read_plainly(path: Path) -> dict[str, Any]:
    """The same as plain data with what verdicts are read from, in a fifth of the time."""
    notebook = json.loads(path.read_bytes())
    for cell in notebook["cells"]:
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])
    return notebook


def _stamp(path: str) -> str:
    """What changes when a file is written; "" for one that is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def result_in(student: str, lesson: str, notebook: NotebookNode | dict[str, Any]) -> Result:
    """What a graded notebook says: the verdicts in its outputs, and what was put right before."""
    verdicts = verdicts_in(notebook)
    if not verdicts:
        note = "The notebook has none of the lesson's checks."
        return Result(student, lesson, problem=Outcome.MALFORMED, note=note)
    about = notebook["metadata"].get("autograde", {})
    return Result(student, lesson, verdicts, notes=tuple(about.get("notes", ())), walls=about.get("walls"))


def problem_file(course: Course, student: str, lesson: str) -> Path:
    """Where it is kept why a submission has no verdicts."""
    return course.problems / student / f"{lesson}.json"
