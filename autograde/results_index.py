"""What graded notebooks say, kept in one file, so that a large class is read in seconds. It may be removed at any time.

A result counts as long as its files are as they were when it was read. Verdicts that many students share are kept,
and made, once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograde import digest
from autograde.exercise import Outcome, Verdict
from autograde.verdict import verdict_from_json

__all__ = ["ResultsIndex"]

MEANING = ("exercise.py", "results.py", "results_index.py", "verdict.py")  # what reads a notebook and writes a row
KEY_BYTES = 12  # of a verdict's digest: two of a million are the same once in 10 ** 17 classes
BATCH = 500  # results that are written in one go
WAIT_SECONDS = 5  # for another command that writes; then this one goes on without
TABLES = """
CREATE TABLE IF NOT EXISTS verdict (key BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result (student TEXT, lesson TEXT, stamp TEXT NOT NULL, about TEXT NOT NULL,
 marks TEXT NOT NULL, verdicts BLOB NOT NULL, PRIMARY KEY (student, lesson)) WITHOUT ROWID;
"""
Parts = tuple[dict[str, Any], dict[str, Verdict]]  # what a result is made of: about itself, and its verdicts by name


class ResultsIndex:
    """The index of a course in its file; a context manager. Whatever is wrong with the file, nothing is raised.

    whole: all of it is wanted, not the results of a few students. brief: verdicts come without sentences and lines,
    with name, outcome, score and points alone.
    """

    def __init__(self, path: Path, *, whole: bool = False, brief: bool = False):
        self._path, self._whole, self._brief = path, whole, brief
        self._columns = f"stamp, about, {'marks' if brief else 'verdicts'}"
        self._waiting: list[tuple[str, str, str, str, str, dict[bytes, str]]] = []
        self._abouts: dict[str, dict[str, Any]] = {}
        self._made: dict[bytes, Verdict] = {}
        self._made_briefly: dict[str, dict[str, Verdict]] = {}  # most of a class has one of a few rows of marks
        self._rows: dict[tuple[str, str], tuple[str, str, Any]] | None = None
        self._verdicts: dict[bytes, str] | None = None
        self._db = self._open() or self._open_anew()

    def __enter__(self) -> ResultsIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        if self._db:
            self._db.close()

    def get(self, student: str, lesson: str, stamp: str) -> Parts | None:
        """What was put there with the same stamp; None when there is nothing of the kind."""
        try:
            row = self._row(student, lesson)
            if not row or row[0] != stamp:
                return None
            _, about, kept = row
            if about not in self._abouts:
                self._abouts[about] = json.loads(about)
            return self._abouts[about], self._marks(kept) if self._brief else self._all_of(kept)
        except (sqlite3.Error, ValueError, KeyError, TypeError, StopIteration):  # damaged: it is read again
            return None

    def put(self, student: str, lesson: str, stamp: str, about: dict[str, Any], verdicts: Iterable[Verdict]) -> None:
        """Keep a result. It is written with others, at the latest when the index is closed."""
        verdicts = list(verdicts)
        # the fields of each dataclass: what verdict_to_json gives, whose copies would take most of the time here
        texts = [_json(each, default=vars) for each in verdicts]
        kept = {hashlib.sha256(text.encode()).digest()[:KEY_BYTES]: text for text in texts}
        marks = _json([[each.name, each.outcome, each.score, each.points] for each in verdicts])
        self._waiting.append((student, lesson, stamp, _json(about), marks, kept))
        if len(self._waiting) >= BATCH:
            self._write()

    def _row(self, student: str, lesson: str) -> tuple[str, str, Any] | None:
        if not self._db:
            return None
        if self._whole:
            if self._rows is None:
                found = self._db.execute(f"SELECT student, lesson, {self._columns} FROM result")
                self._rows = {(row[0], row[1]): row[2:] for row in found}
            return self._rows.get((student, lesson))
        return self._db.execute(
            f"SELECT {self._columns} FROM result WHERE student = ? AND lesson = ?", (student, lesson)
        ).fetchone()

    def _marks(self, text: str) -> dict[str, Verdict]:
        if text not in self._made_briefly:
            made = [Verdict(name, Outcome(outcome), *marks) for name, outcome, *marks in json.loads(text)]
            self._made_briefly[text] = {verdict.name: verdict for verdict in made}
        return dict(self._made_briefly[text])

    def _all_of(self, keys: bytes) -> dict[str, Verdict]:
        verdicts = [self._verdict(keys[at : at + KEY_BYTES]) for at in range(0, len(keys), KEY_BYTES)]
        return {verdict.name: verdict for verdict in verdicts}

    def _verdict(self, key: bytes) -> Verdict:
        if key not in self._made:
            self._made[key] = verdict_from_json(json.loads(self._verdict_text(key)))
        return self._made[key]

    def _verdict_text(self, key: bytes) -> str:
        assert self._db
        if self._whole:
            if self._verdicts is None:
                self._verdicts = dict(self._db.execute("SELECT key, text FROM verdict"))
            if key in self._verdicts:
                return self._verdicts[key]  # one that was put there since is read by itself
        return next(self._db.execute("SELECT text FROM verdict WHERE key = ?", (key,)))[0]

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not self._db or not waiting:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR IGNORE INTO verdict VALUES (?, ?)",
                [item for *_, kept in waiting for item in kept.items()],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?)",
                [(*row, b"".join(kept)) for *row, kept in waiting],
            )
            self._db.execute("COMMIT")
        except (sqlite3.Error, UnicodeEncodeError):  # the notebooks still say it
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection | None:
        """The file with its tables, emptied if other code has written it; None when that cannot be."""
        db = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None)
            code = int(digest.of_files(Path(__file__).with_name(name) for name in MEANING)[:7], 16)
            if db.execute("PRAGMA user_version").fetchone() != (code,):
                db.execute("BEGIN IMMEDIATE")
                for name in ("result", "verdict"):
                    db.execute(f"DROP TABLE IF EXISTS {name}")
                for statement in filter(str.strip, TABLES.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {code}")
                db.execute("COMMIT")
        except (OSError, sqlite3.Error):
            if db:
                db.close()
            return None
        return db

    def _open_anew(self) -> sqlite3.Connection | None:
        """The same after a damaged file was removed. One that is only held by others stays."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as db:
                db.execute("PRAGMA schema_version")
            return None
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:  # no database at all
            with contextlib.suppress(OSError):
                self._path.unlink()
            return self._open()


def _json(value: Any, **options: Any) -> str:
    return json.dumps(value, separators=(",", ":"), **options)
