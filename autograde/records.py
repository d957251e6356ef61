"""What a learner has done, kept in one file beside the lessons: checks, hints, solutions given up. `records` reads it.

The file is SQLite's, `.autograde/progress.db` at the root of the learner's desk. It is the learner's own, and no mark
may rest on what it says: marks come from grading, which neither reads nor writes it.

Two notebooks may write at once, and a kernel may die at any moment: each event is one transaction with a name of its
own, so it is there whole and once, or not at all. The file keeps a rollback journal, not a write-ahead log, since home
folders often lie on a network, where that log does not work. A file that cannot be written costs nobody a check: the
event waits in this process and is tried again with the next one. A damaged file is put aside, and what can be read of
it goes into a new one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from autograde.effort import Effort, Moment, effort_of
from autograde.exercise import Verdict
from autograde.verdict import verdict_from_json, verdict_to_json

__all__ = ["Event", "Keeper", "ProgressError", "Record", "desk_of", "place", "records", "summed"]

CHECKED, HINT, SOLUTION, GAVE_UP = "checked", "hint", "solution", "gave up"
PATIENCE = 2.0  # seconds that a file may be locked by another notebook
VERSION = 1  # of the table
TABLE = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, at REAL NOT NULL, session TEXT NOT NULL, lesson TEXT NOT NULL, exercise TEXT NOT NULL,
    kind TEXT NOT NULL, step INTEGER NOT NULL, verdict TEXT
) WITHOUT ROWID
"""


class ProgressError(Exception):
    """The file of a learner's progress cannot be read; the message says which, why, and what becomes of it."""


@dataclass(frozen=True)
class Event:
    """One thing that a learner did.

    lesson: its slug; kind: "checked", "hint", "solution" or "gave up"; step: which hint; at: seconds since 1970
    """

    lesson: str
    exercise: str
    kind: str
    session: str  # the kernel that it happened in
    step: int = 0
    verdict: Verdict | None = None  # of a check, without what the learner's code printed
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Record:
    """What is known of one exercise. Times are seconds since 1970, None for what has not happened."""

    lesson: str
    exercise: str
    best: Verdict | None  # the best of all checks, of equally good ones the first
    last: Verdict | None
    checks: int
    hints: int  # the step of the furthest hint
    first_at: float
    last_at: float
    passed_at: float | None
    gave_up_at: float | None
    solution_at: float | None


def records(path: Path | None = None) -> list[Record]:
    """A learner's records, one for each exercise in the order in which they were begun; none where nothing was kept.

    path: the file of a learner, this desk's own without one. Raises ProgressError for a file that cannot be read.
    """
    path = path or place()
    if not path.exists():
        return []
    try:
        with _opened(path, read_only=True) as connection:
            return summed(_events(connection))
    except sqlite3.Error as error:
        raise ProgressError(f"The progress in {path} cannot be read: {error}.") from None


def summed(events: Iterable[Event]) -> list[Record]:
    """Events, in whatever order, as records."""
    by_exercise: dict[tuple[str, str], list[Event]] = {}
    for event in sorted({event.id: event for event in events}.values(), key=lambda event: (event.at, event.id)):
        by_exercise.setdefault((event.lesson, event.exercise), []).append(event)
    return [_record(*key, found) for key, found in by_exercise.items()]


def _record(lesson: str, exercise: str, events: list[Event]) -> Record:
    verdicts = [event.verdict for event in events if event.verdict]
    return Record(
        lesson,
        exercise,
        best=max(verdicts, key=lambda verdict: verdict.score, default=None),
        last=verdicts[-1] if verdicts else None,
        checks=sum(event.kind == CHECKED for event in events),
        hints=max((event.step for event in events if event.kind == HINT), default=0),
        first_at=events[0].at,
        last_at=events[-1].at,
        passed_at=next((event.at for event in events if event.verdict and event.verdict.passed), None),
        gave_up_at=next((event.at for event in events if event.kind == GAVE_UP), None),
        solution_at=next((event.at for event in events if event.kind == SOLUTION), None),
    )


class Keeper:
    """Keeps one kernel's events. Nothing that it meets raises: what has to be said is returned, and said once."""

    def __init__(self, path: Path | None = None):
        self._path = path
        self._own: dict[str, Event] = {}  # of this kernel
        self._waiting: dict[str, Event] = {}  # of these, what no file holds yet
        self._said: set[str] = set()

    @property
    def path(self) -> Path:
        """Where the file lies. Found out when it is first needed, and then it stays: code may change the folder."""
        self._path = self._path or place()
        return self._path

    def keep(self, event: Event) -> str:
        """Write an event down, and those that still wait. Returns a sentence for the learner, "" when all is well."""
        if event.verdict:
            event = dataclasses.replace(event, verdict=dataclasses.replace(event.verdict, asides=()))
        self._own[event.id] = self._waiting[event.id] = event
        return self._once(self._written())

    def records(self) -> tuple[list[Record], str]:
        """All that is known, this kernel's events and the file's, and a sentence where the file could not be read."""
        try:
            with _opened(self.path, read_only=True) as connection:
                return summed([*_events(connection), *self._own.values()]), ""
        except (OSError, sqlite3.Error) as error:
            problem = "" if not self._exists() else self._unreadable(error)
            return summed(self._own.values()), self._once(problem)

    def effort(self, lesson: str, exercise: str) -> Effort | None:
        """What an exercise took so far, None where nothing is known of it; from this kernel's events alone where the
        file cannot be read."""
        events = {event.id: event for event in self._own.values() if event.lesson == lesson}
        with contextlib.suppress(OSError, sqlite3.Error), _opened(self.path, read_only=True) as connection:
            events |= {event.id: event for event in _events(connection, lesson, exercise)}
        return effort_of(map(_moment, events.values()), exercise)

    def _exists(self) -> bool:
        try:
            return self.path.exists()
        except OSError:
            return True

    def _written(self) -> str:
        try:
            return self._write()
        except (OSError, sqlite3.OperationalError) as error:
            return self._unwritable(error)
        except sqlite3.DatabaseError as error:
            return self._begun_anew(error)

    def _write(self) -> str:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(self.path) as connection:
            _insert(connection, self._waiting.values())
        self._waiting.clear()
        return ""

    def _begun_anew(self, reason: Exception) -> str:
        """Put a damaged file aside, and begin a new one with what can still be read."""
        try:
            if not _is_damaged(self.path):  # another notebook has put it aside just now
                return self._write()
            aside = _put_aside(self.path)
            self._waiting = {**{event.id: event for event in _salvaged(aside)}, **self._own}
            self._write()
        except (OSError, sqlite3.Error) as error:
            return self._unwritable(error)
        return (
            f"The file with your progress was damaged ({_reason(reason)}). It is kept as `{aside}`; what could be read "
            "of it stands in a new one. Your checks go on as always."
        )

    def _unwritable(self, reason: Exception) -> str:
        return (
            f"Your progress cannot be kept in `{self.path}` ({_reason(reason)}). Your checks go on as always. What you "
            "earn now is remembered until this kernel ends, and written down as soon as that can be done."
        )

    def _unreadable(self, reason: Exception) -> str:
        return f"Your progress in `{self.path}` cannot be read ({_reason(reason)}): shown is what this kernel knows."

    def _once(self, sentence: str) -> str:
        if sentence in self._said:
            return ""
        self._said.add(sentence)
        return sentence


# ---- where the file lies


def place() -> Path:
    """The file of whoever works in the current folder.

    `.autograde/progress.db` at the root of the desk, without one in the user's data folder. The environment variable
    AUTOGRADE_PROGRESS names another file.
    """
    if named := os.environ.get("AUTOGRADE_PROGRESS"):
        return Path(named)
    try:
        desk = desk_of(Path.cwd())
    except OSError:  # the folder is gone
        desk = None
    if desk:
        return desk / ".autograde" / "progress.db"
    return platformdirs.user_data_path("autograde") / "progress.db"


def desk_of(folder: Path) -> Path | None:
    """The root of a learner's desk: the nearest folder above that holds lessons/. None where there is none."""
    for each in (folder, *folder.parents):
        if any((each / "lessons").glob("[0-9][0-9]_*")):
            return each
    return None


# ---- SQLite


@contextlib.contextmanager
def _opened(path: Path, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each transaction: a kernel that forks, sleeps or dies holds nothing open."""
    mode = "ro" if read_only else "rwc"
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE, isolation_level=None)
    ) as connection:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE)}")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise sqlite3.OperationalError(f"a newer version of autograde, {found}, wrote it")
        yield connection


def _insert(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(TABLE)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.executemany(
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(e.id, e.at, e.session, e.lesson, e.exercise, e.kind, e.step, _as_text(e.verdict)) for e in events],
    )
    connection.execute("COMMIT")


def _events(connection: sqlite3.Connection, of_lesson: str = "", judged: str = "") -> Iterator[Event]:
    """All events, or a lesson's, of which only those of the exercise `judged` then have their verdicts."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone():
        return
    columns = "lesson, exercise, kind, session, step, verdict, at, id"
    if of_lesson:
        columns = columns.replace("verdict", "CASE WHEN exercise = :judged THEN verdict END")
    found = connection.execute(
        f"SELECT {columns} FROM events" + (" WHERE lesson = :lesson" if of_lesson else ""),
        {"lesson": of_lesson, "judged": judged},
    )
    for lesson, exercise, kind, session, step, verdict, at, name in found:
        texts = (lesson, exercise, kind, session, name)
        if all(isinstance(text, str) for text in texts) and isinstance(step, int) and isinstance(at, float):
            yield Event(lesson, exercise, kind, session, step, _from_text(verdict), at, name)


def _moment(event: Event) -> Moment:
    return Moment(
        event.at,
        event.session,
        event.exercise,
        is_check=event.kind == CHECKED,
        passed=event.verdict is not None and event.verdict.passed,
        hint=event.step if event.kind == HINT else 0,
        gave_up=event.kind == GAVE_UP,
    )


def _as_text(verdict: Verdict | None) -> str | None:
    return None if verdict is None else json.dumps(verdict_to_json(verdict))


def _from_text(text: str | None) -> Verdict | None:
    try:
        return None if text is None else verdict_from_json(json.loads(text))
    except (KeyError, TypeError, ValueError):  # written by hand, or by another version
        return None


def _is_damaged(path: Path) -> bool:
    try:
        with _opened(path, read_only=True) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}{path.suffix}")
    path.rename(aside)
    with contextlib.suppress(OSError):  # of a transaction that was under way
        path.with_name(f"{path.name}-journal").rename(aside.with_name(f"{aside.name}-journal"))
    return aside


def _salvaged(path: Path) -> list[Event]:
    """What can be read of a damaged file."""
    found = []
    with contextlib.suppress(sqlite3.Error, OSError), _opened(path, read_only=True) as connection:
        for event in _events(connection):  # one by one: the next may not be readable
            found.append(event)
    return found


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
