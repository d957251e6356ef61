"""nbgrader's gradebook and its autograded folder, written as `nbgrader autograde` leaves them, in milliseconds.

nbgrader converts, validates and asks its database cell by cell: 160 ms a notebook, after two seconds of imports. What
it leaves in the end is one notebook, the files handed in beside it, and some rows. A test compares both, row by row.
The tables are those of nbgrader 0.9, which the project pins.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autograde.cells import grade_id_of, is_grade, is_locked, is_solution, is_unwritten, to_bytes
from autograde.database import Database, GradebookError, NoGradebook, connect
from autograde.late import penalty, seconds_late
from autograde.policy import Policy
from autograde.verdict import reported

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "Grade",
    "Gradebook",
    "GradebookError",
    "Standing",
    "as_entered",
    "given_by_hand",
    "late_penalties",
    "people_in",
    "students_in",
]

IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.ipynb")  # not copied beside a graded notebook
MAX_LINES = 1000  # of printed text in one cell, as nbgrader's LimitOutput
MAX_TRACEBACK = 100  # entries of one traceback, likewise
MOMENT = "%Y-%m-%d %H:%M:%S.%f"
EPOCH = datetime(1970, 1, 1)  # from which SQLAlchemy counts a length of time where a database has none
OF_STUDENTS = (  # what each student has for each lesson
    "submitted_assignment AS s JOIN assignment AS a ON s.assignment_id = a.id"
    " JOIN submitted_notebook AS n ON n.assignment_id = s.id"
)
OF_NOTEBOOK = "SELECT id FROM submitted_notebook WHERE notebook_id = ?"
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{1,6})?(?: UTC)?")


@dataclass(frozen=True)
class _Lesson:
    """A lesson's ids in the gradebook: cells by grade id."""

    assignment: str
    notebook: str
    grade_cells: dict[str, str]
    solution_cells: dict[str, str]


class Grade(NamedTuple):
    """What one check is worth to a student now. None: not graded yet, nothing given by hand."""

    auto: float | None
    manual: float | None
    extra: float | None
    points: float

    @property
    def score(self) -> float | None:
        """As nbgrader counts it: a mark given by hand in the check's place, extra credit on top."""
        mark = self.auto if self.manual is None else self.manual
        return mark if mark is None or not self.extra else mark + self.extra


class Standing(NamedTuple):
    """What a student has for a lesson in the gradebook: grades by grade id, and points taken off for lateness."""

    grades: dict[str, Grade]
    penalty: float


def as_entered(score: float) -> float:
    """A score as the gradebook has it: by way of the text that nbgrader reads."""
    return float(f"{score:.10g}")


class Gradebook:
    """A connection to one course's gradebook; a context manager. url: as `database.connect` takes it.

    policy: what late work costs; nothing without one.

    Every entry is one transaction, so several processes may write: the last to enter a submission counts, whole.
    Raises NoGradebook where there is none yet, GradebookError for a lesson that was never registered.
    """

    def __init__(self, url: str | Path, submitted: Path, autograded: Path, policy: Policy | None = None):
        self._submitted, self._autograded = submitted, autograded
        self._policy = policy or Policy()
        self._db: Database = connect(url)
        try:
            self._db.read("SELECT id FROM assignment LIMIT 1")  # a new database has no tables
        except GradebookError:
            self._db.close()
            raise
        self._lessons: dict[str, _Lesson] = {}

    def __enter__(self) -> Gradebook:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def knows(self, lesson: str, released: NotebookNode) -> bool:
        """Whether the lesson is registered, cell by cell as the released notebook has it."""
        try:
            ids = self._ids(lesson)
        except GradebookError:
            return False
        columns = "name, cell_type, locked, source, checksum"
        known = self._db.read(f"SELECT {columns} FROM source_cell WHERE notebook_id = ?", (ids.notebook,))
        points = self._db.read(
            "SELECT name, max_score FROM base_cell JOIN grade_cells USING (id) WHERE notebook_id = ?", (ids.notebook,)
        )
        records = _records(released)
        return (
            set(known)
            == {
                (name, cell["cell_type"], is_locked(cell), cell["source"], cell["metadata"]["nbgrader"]["checksum"])
                for name, cell in records.items()
            }
            and dict(points)
            == {name: float(c["metadata"]["nbgrader"]["points"]) for name, c in records.items() if is_grade(c)}
            and set(ids.solution_cells) == {name for name, cell in records.items() if is_solution(cell)}
        )

    def has_submissions(self, lesson: str) -> bool:
        """Whether anybody stands in the gradebook with this lesson."""
        query = (
            "SELECT 1 FROM submitted_notebook AS n JOIN notebook ON n.notebook_id = notebook.id"
            " JOIN assignment ON notebook.assignment_id = assignment.id WHERE assignment.name = ? LIMIT 1"
        )
        return bool(self._db.read(query, (lesson,)))

    def make_room(self, lesson: str, released: NotebookNode) -> None:
        """Give a lesson that is registered the cells of a released notebook, with the marks of those that remain.

        nbgrader refuses to add or remove cells once there are submissions, and registers what is in them if they are
        the same ones. Marks and comments of cells that are gone go with them.
        """
        ids = self._ids(lesson)
        key = (ids.notebook,)
        kinds = (
            ("GradeCell", "grade_cells", is_grade, ids.grade_cells),
            ("SolutionCell", "solution_cells", is_solution, ids.solution_cells),
        )
        records = _records(released)

        def write() -> None:
            submitted = [row for (row,) in self._db.read(OF_NOTEBOOK, key)]
            for kind, table, is_kind, known in kinds:
                wanted = {name for name, cell in records.items() if is_kind(cell)}
                gone = [(known[name],) for name in known if name not in wanted]
                for rows, column in (("grade", "cell_id"), ("comment", "cell_id"), (table, "id"), ("base_cell", "id")):
                    self._db.write_each(f"DELETE FROM {rows} WHERE {column} = ?", gone)
                for name in wanted - set(known):
                    self._add_cell(ids.notebook, name, records[name], kind, submitted)
            known = {name for (name,) in self._db.read("SELECT name FROM source_cell WHERE notebook_id = ?", key)}
            self._db.write_each(
                "DELETE FROM source_cell WHERE name = ? AND notebook_id = ?",
                [(name, *key) for name in known - set(records)],
            )
            self._db.write_each(
                "INSERT INTO source_cell (id, name, cell_type, locked, notebook_id) VALUES (?, ?, ?, ?, ?)",
                [
                    (_new_id(), name, cell["cell_type"], is_locked(cell), *key)
                    for name, cell in records.items()
                    if name not in known
                ],
            )

        self._db.transaction(write)
        self.forget(lesson)

    def forget(self, lesson: str) -> None:
        """Another connection has registered the lesson anew."""
        self._lessons.pop(lesson, None)

    def set_due(self, lesson: str) -> None:
        """Write the policy's due date of a lesson down, where formgrader shows it. Without one, what is there stays."""
        if moment := self._policy.due.get(lesson):
            text = _utc(moment)
            self._db.write(
                "UPDATE assignment SET duedate = ? WHERE name = ? AND duedate IS DISTINCT FROM ?", (text, lesson, text)
            )

    def standing(self, student: str, lesson: str) -> Standing | None:
        """What a student has for a lesson; None before anything was graded."""
        found = self._db.read(
            "SELECT c.name, auto_score, manual_score, extra_credit, max_score, late_submission_penalty"
            f" FROM {OF_STUDENTS} JOIN grade ON grade.notebook_id = n.id"
            " JOIN base_cell AS c ON grade.cell_id = c.id JOIN grade_cells ON grade_cells.id = c.id"
            " WHERE s.student_id = ? AND a.name = ?",
            (student, lesson),
        )
        grades = {name: Grade(*grade) for name, *grade, _ in found}
        if all(grade.score is None for grade in grades.values()):
            return None
        return Standing(grades, float(found[0][-1] or 0.0))

    def lateness(self, student: str, lesson: str) -> float | None:
        """Seconds after the due date; None when there is a due date, and nobody knows when the work was handed in."""
        found = self._db.read(
            "SELECT duedate, extension, timestamp FROM assignment AS a LEFT JOIN submitted_assignment AS s"
            " ON s.assignment_id = a.id AND student_id = ? WHERE a.name = ?",
            (student, lesson),
        )
        due, extension, handed_in = found[0] if found else (None, None, None)
        if moment := self._policy.due.get(lesson):
            due, extension = _utc(moment), self._policy.extension(student, lesson)
        if due is None:
            return 0.0
        handed_in = _timestamp(self._submitted / student / lesson / "timestamp.txt") or handed_in
        if handed_in is None:
            return None
        length = _moment(extension) - EPOCH if isinstance(extension, str) else extension
        return seconds_late(_moment(handed_in), _moment(due), length)

    def penalty(self, student: str, lesson: str, earned: float, possible: float) -> float:
        """The points that come off for lateness, of so many that were earned."""
        if not self._policy.rule.percent_per_day:
            return 0.0
        return penalty(self._policy.rule, self.lateness(student, lesson) or 0.0, earned, possible)

    def enter(self, student: str, lesson: str, notebook: NotebookNode) -> bool:
        """Enter a graded notebook, whose grade cells hold their verdicts; whether anything has changed by it.

        Marks given by hand stay, and are flagged for another look, as nbgrader does.
        """
        ids = self._ids(lesson)
        limited = _limited(notebook)
        said = {grade_id_of(cell): reported(cell) for cell in notebook["cells"] if is_grade(cell)}
        scores = {name: as_entered(verdict.score) for name, verdict in said.items() if verdict}
        comments = {
            grade_id_of(cell): "No response." if is_unwritten(cell) else None
            for cell in notebook["cells"]
            if is_solution(cell)
        }
        folders = self._submitted / student / lesson, self._autograded / student / lesson
        written = {f"{lesson}.ipynb": to_bytes(limited)}
        changes: list[int] = []

        def write() -> None:
            self._db.lock(f"{student}/{lesson}")  # the notebook and its rows are of one grader, whoever else grades
            changes.append(_mirrored(*folders, written))
            row, made = self._submission(student, lesson, ids, _timestamp(folders[0] / "timestamp.txt"))
            changes.extend((made, self._grade(row, ids, scores), self._comment(row, ids, comments)))
            changes.append(self._penalise(row, student, lesson))

        self._db.transaction(write)
        return any(changes)

    def withdraw(self, student: str, lesson: str) -> None:
        """Take back the marks that checks gave, if there are any; marks given by hand stay."""

        def write() -> None:
            self._db.lock(f"{student}/{lesson}")
            for (row,) in self._db.read(
                f"SELECT n.id FROM {OF_STUDENTS} WHERE s.student_id = ? AND a.name = ?", (student, lesson)
            ):
                self._db.write("UPDATE grade SET auto_score = 0.0 WHERE notebook_id = ?", (row,))
                self._penalise(row, student, lesson)

        self._db.transaction(write)

    def _ids(self, lesson: str) -> _Lesson:
        if lesson in self._lessons:
            return self._lessons[lesson]
        found = self._db.read(
            "SELECT assignment.id, notebook.id FROM assignment JOIN notebook ON assignment_id = assignment.id"
            " WHERE assignment.name = ? AND notebook.name = ?",
            (lesson, lesson),
        )
        if not found:
            raise GradebookError(f"The gradebook does not know {lesson}.")
        (row,) = found
        cells: dict[str, dict[str, str]] = {"GradeCell": {}, "SolutionCell": {}, "TaskCell": {}}
        for cell_id, name, kind in self._db.read(
            "SELECT id, name, type FROM base_cell WHERE notebook_id = ?", (row[1],)
        ):
            cells[kind][name] = cell_id
        self._lessons[lesson] = _Lesson(*row, cells["GradeCell"], cells["SolutionCell"])
        return self._lessons[lesson]

    def _submission(self, student: str, lesson: str, ids: _Lesson, timestamp: str | None) -> tuple[str, int]:
        """The id of the submitted notebook, made if it is not there, and how many rows have changed.

        A new timestamp takes the place of an old one.
        """
        changed = self._db.write("INSERT INTO student (id) VALUES (?) ON CONFLICT DO NOTHING", (student,))
        key: tuple[Any, ...] = (ids.assignment, student)
        changed += self._db.write(
            "INSERT INTO submitted_assignment (id, assignment_id, student_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (_new_id(), *key),
        )
        where = "assignment_id = ? AND student_id = ?"
        if timestamp:
            changed += self._db.write(
                f"UPDATE submitted_assignment SET timestamp = ? WHERE {where} AND timestamp IS DISTINCT FROM ?",
                (timestamp, *key, timestamp),
            )
        if lesson in self._policy.due:
            longer = self._db.duration(self._policy.extension(student, lesson))
            changed += self._db.write(
                f"UPDATE submitted_assignment SET extension = ? WHERE {where} AND extension IS DISTINCT FROM ?",
                (longer, *key, longer),
            )
        ((assignment,),) = self._db.read(f"SELECT id FROM submitted_assignment WHERE {where}", key)
        changed += self._db.write(
            "INSERT INTO submitted_notebook (id, assignment_id, notebook_id, flagged) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (_new_id(), assignment, ids.notebook, False),
        )
        where = "assignment_id = ? AND notebook_id = ?"
        ((row,),) = self._db.read(f"SELECT id FROM submitted_notebook WHERE {where}", (assignment, ids.notebook))
        return row, changed

    def _penalise(self, row: str, student: str, lesson: str) -> int:
        """Write the points down that come off for lateness, of what is entered now: nothing, where none do."""
        points = None
        if self._policy.rule.percent_per_day:
            ((earned, possible),) = self._db.read(
                "SELECT sum(coalesce(manual_score, auto_score, 0.0) + coalesce(extra_credit, 0.0)), sum(max_score)"
                " FROM grade JOIN grade_cells ON grade.cell_id = grade_cells.id WHERE notebook_id = ?",
                (row,),
            )
            points = self.penalty(student, lesson, earned or 0.0, possible or 0.0) or None
        return self._db.write(
            "UPDATE submitted_notebook SET late_submission_penalty = ?"
            " WHERE id = ? AND late_submission_penalty IS DISTINCT FROM ?",
            (points, row, points),
        )

    def _add_cell(self, notebook: str, name: str, cell: NotebookNode, kind: str, rows: list[str]) -> None:
        """A cell that a lesson did not have, and a place for its grade or comment in what was submitted before."""
        cell_id = _new_id()
        self._db.write(
            "INSERT INTO base_cell (id, name, notebook_id, type) VALUES (?, ?, ?, ?)", (cell_id, name, notebook, kind)
        )
        if kind == "GradeCell":
            points = float(cell["metadata"]["nbgrader"]["points"])
            self._db.write(
                "INSERT INTO grade_cells (id, max_score, cell_type) VALUES (?, ?, ?)",
                (cell_id, points, cell["cell_type"]),
            )
            self._db.write_each(
                "INSERT INTO grade (id, notebook_id, cell_id, needs_manual_grade) VALUES (?, ?, ?, ?)",
                [(_new_id(), row, cell_id, False) for row in rows],
            )
        else:
            self._db.write("INSERT INTO solution_cells (id) VALUES (?)", (cell_id,))
            self._db.write_each(
                "INSERT INTO comment (id, notebook_id, cell_id) VALUES (?, ?, ?)",
                [(_new_id(), row, cell_id) for row in rows],
            )

    def _grade(self, row: str, ids: _Lesson, scores: dict[str, float]) -> int:
        return self._db.write_each(
            "INSERT INTO grade (id, notebook_id, cell_id, auto_score, needs_manual_grade) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (cell_id, notebook_id) DO UPDATE"
            " SET auto_score = excluded.auto_score, needs_manual_grade = grade.manual_score IS NOT NULL"
            " WHERE grade.auto_score IS DISTINCT FROM excluded.auto_score"
            " OR grade.needs_manual_grade IS DISTINCT FROM (grade.manual_score IS NOT NULL)",
            [(_new_id(), row, cell, scores.get(name, 0.0), False) for name, cell in ids.grade_cells.items()],
        )

    def _comment(self, row: str, ids: _Lesson, comments: dict[str, str | None]) -> int:
        return self._db.write_each(
            "INSERT INTO comment (id, notebook_id, cell_id, auto_comment) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (cell_id, notebook_id) DO UPDATE SET auto_comment = excluded.auto_comment"
            " WHERE comment.auto_comment IS DISTINCT FROM excluded.auto_comment",
            [(_new_id(), row, cell, comments.get(name)) for name, cell in ids.solution_cells.items()],
        )


def students_in(url: str | Path) -> set[str]:
    """Who stands in the gradebook; nobody when there is none."""
    return {name for (name,) in _read(url, "SELECT id FROM student")}


def given_by_hand(url: str | Path) -> dict[tuple[str, str], dict[str, tuple[float | None, float]]]:
    """What people gave in formgrader: (student, lesson) -> grade id -> (score in the check's place or None, extra)."""
    found: dict[tuple[str, str], dict[str, tuple[float | None, float]]] = {}
    for student, lesson, name, manual, extra in _read(
        url,
        f"SELECT s.student_id, a.name, base_cell.name, manual_score, coalesce(extra_credit, 0.0) FROM {OF_STUDENTS}"
        " JOIN grade ON grade.notebook_id = n.id JOIN base_cell ON grade.cell_id = base_cell.id"
        " WHERE manual_score IS NOT NULL OR extra_credit IS NOT NULL",
    ):
        found.setdefault((student, lesson), {})[name] = (manual, extra)
    return found


def people_in(url: str | Path) -> dict[str, tuple[str, str, str, str]]:
    """Who they are: student -> (first name, last name, email, id in a learning management system), "" for unknown."""
    rows = _read(url, "SELECT id, first_name, last_name, email, lms_user_id FROM student")
    return {student: tuple(part or "" for part in parts) for student, *parts in rows}


def late_penalties(url: str | Path) -> dict[tuple[str, str], float]:
    """Points taken off for lateness: (student, lesson) -> points, where there are any."""
    rows = _read(
        url,
        f"SELECT s.student_id, a.name, sum(late_submission_penalty) FROM {OF_STUDENTS}"
        " WHERE late_submission_penalty > 0 GROUP BY s.student_id, a.name",
    )
    return {(student, lesson): float(points) for student, lesson, points in rows}


def _read(url: str | Path, query: str) -> list[tuple]:
    """What a query finds; nothing where there is no gradebook yet."""
    try:
        with connect(url, read_only=True) as db:
            return db.read(query)
    except NoGradebook:
        return []


def _records(released: NotebookNode) -> dict[str, NotebookNode]:
    """The cells of a released notebook that the gradebook keeps, by grade id."""
    return {
        grade_id_of(cell): cell for cell in released["cells"] if is_grade(cell) or is_solution(cell) or is_locked(cell)
    }


def _utc(moment: datetime) -> str:
    """A moment as the gradebook's columns hold it."""
    return moment.astimezone(UTC).strftime(MOMENT)


def _moment(value: datetime | str) -> datetime:
    """A moment as a column gives it: SQLite's are texts."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _new_id() -> str:
    return uuid.uuid4().hex


def _limited(notebook: NotebookNode) -> NotebookNode:
    """The notebook with no more printed lines and traceback than nbgrader keeps."""
    import nbformat

    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines, kept = 0, []
            for output in cell.outputs:
                if output.output_type == "stream":
                    if lines == MAX_LINES:
                        continue
                    text = output.text.split("\n")
                    if lines + len(text) > MAX_LINES:
                        text = [*text[: MAX_LINES - lines - 1], "... Output truncated ..."]
                    lines += len(text)
                    output.text = "\n".join(text)
                elif output.output_type == "error" and len(output.traceback) > MAX_TRACEBACK:
                    first = MAX_TRACEBACK // 2
                    last = MAX_TRACEBACK - first - 1
                    output.traceback = [
                        *output.traceback[:first],
                        "... Traceback truncated ...",
                        *output.traceback[-last:],
                    ]
                kept.append(output)
            cell.outputs = kept
    return notebook


def _timestamp(path: Path) -> str | None:
    """When a submission was handed in, as the gradebook writes it, in UTC; None without a file that says so."""
    try:
        text = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return None
    if not text:
        return None
    if match := TIMESTAMP.fullmatch(text):
        moment = datetime.fromisoformat(match[1]).replace(microsecond=int((match[2] or ".0")[1:].ljust(6, "0")))
    else:
        from nbgrader.utils import parse_utc  # knows all zones, and takes a second to import

        try:
            moment = parse_utc(text)
        except (ValueError, OverflowError):
            return None
    return moment.strftime(MOMENT)


def _mirrored(submitted: Path, autograded: Path, written: dict[str, bytes]) -> bool:
    """Make a folder hold what was handed in beside the notebook, and what grading wrote; whether it did not before.

    Links are not followed: one could show the gradebook to whoever reads the feedback.
    """
    wanted: dict[str, Path | bytes] = {**_side_files(submitted), **written}
    present = {str(path.relative_to(autograded)) for path in autograded.rglob("*") if not path.is_dir()}
    changed = False
    for name in sorted(present - set(wanted)):
        (autograded / name).unlink()
        changed = True
    for name, content in wanted.items():
        target = autograded / name
        if name in present and not target.is_symlink() and _same(target, content):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        if isinstance(content, bytes):
            draft.write_bytes(content)
        else:
            shutil.copyfile(content, draft, follow_symlinks=False)
        draft.chmod(0o444)
        draft.replace(target)
        changed = True
    return changed


def _side_files(folder: Path) -> dict[str, Path]:
    found = {}
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        for name in names:
            path = Path(where, name)
            if not _is_ignored(name) and path.is_file() and not path.is_symlink():
                found[str(path.relative_to(folder))] = path
    return found


def _is_ignored(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in IGNORED)


def _same(path: Path, content: Path | bytes) -> bool:
    if isinstance(content, bytes):
        return path.stat().st_size == len(content) and path.read_bytes() == content
    there, here = path.stat(), content.stat()
    return there.st_size == here.st_size and there.st_mtime_ns >= here.st_mtime_ns
