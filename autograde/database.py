"""A connection to a gradebook by its URL: SQLite or PostgreSQL, the same SQL for both. No tables are known here.

SQL is written with `?` for values, and in what both understand: ON CONFLICT, IS DISTINCT FROM.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "Database",
    "GradebookError",
    "NoGradebook",
    "ValueRefused",
    "alone",
    "connect",
    "for_nbgrader",
    "is_postgresql",
    "shown",
]

T = TypeVar("T")
Row = tuple[Any, ...]

WAIT_SECONDS = 60  # for formgrader or a second command that holds the gradebook
SETTING_UP_SECONDS = 300  # for a second command that registers a course's lessons, which takes seconds for each
CONNECT_SECONDS = 10  # for a server that does not answer
ATTEMPTS = 5  # at a transaction that PostgreSQL asks to try again, or whose connection was lost
SETTING_UP = 0x6175746F  # the advisory lock of whoever makes tables or registers lessons: any number, always the same
FORMS = "postgresql://USER@HOST:PORT/NAME, or sqlite:///PATH"


class GradebookError(Exception):
    """The gradebook cannot be reached, or cannot take something in; the message says why."""


class NoGradebook(GradebookError):
    """There is no file, or there are no tables yet."""


class ValueRefused(GradebookError):
    """The gradebook is well, and cannot hold one of the values: a name that is too long, half a character."""


class Database(ABC):
    """An open connection; a context manager. Errors of the driver are raised as GradebookError, in one sentence."""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def read(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a query finds. NoGradebook when a table is not there."""

    @abstractmethod
    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        """The number of rows that a statement has changed."""

    @abstractmethod
    def write_each(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """The same statement for each of the rows of values."""

    @abstractmethod
    def transaction(self, work: Callable[[], T]) -> T:
        """What `work` returns, whose reads and writes count all or not at all. It may be called more than once."""

    @abstractmethod
    def lock(self, name: str) -> None:
        """Within a transaction: nobody else passes here with the same name until it has ended."""

    @abstractmethod
    def duration(self, length: timedelta | None) -> Any:
        """A length of time as a column of SQLAlchemy's type Interval holds it."""

    @abstractmethod
    def close(self) -> None: ...


def connect(url: str | Path, *, read_only: bool = False) -> Database:
    """Open a gradebook: `postgresql://...`, `sqlite:///PATH`, or the path alone.

    Raises NoGradebook for a file that is not there, GradebookError for anything else that is in the way.
    """
    return _PostgreSQL(str(url)) if is_postgresql(url) else _SQLite(sqlite_file(url), read_only)


def is_postgresql(url: str | Path) -> bool:
    return isinstance(url, str) and re.match(r"postgres(ql)?(\+\w+)?:", url) is not None


def sqlite_file(url: str | Path) -> Path:
    """The file of an SQLite gradebook. GradebookError for a URL that is none of ours."""
    if isinstance(url, Path):
        return url
    if url.startswith("sqlite:///") and url != "sqlite:///":
        return Path(url.removeprefix("sqlite:///"))
    raise GradebookError(f"{shown(url)!r} is no place for a gradebook: write {FORMS}.")


def for_nbgrader(url: str) -> str:
    """The URL as nbgrader's SQLAlchemy wants it: with the driver that is installed."""
    return "postgresql+psycopg:" + url.partition(":")[2] if is_postgresql(url) else url


def shown(url: str | Path) -> str:
    """The URL as it may be printed: without a password."""
    text = str(url)
    if isinstance(url, Path) or text.startswith("sqlite:"):
        return text.removeprefix("sqlite:///")
    try:
        parts = urlsplit(text)
        if not parts.netloc and not parts.path.startswith("/"):
            return text
        user, at, host = parts.netloc.rpartition("@")
        hidden = [(name, "***" if "pass" in name else value) for name, value in parse_qsl(parts.query)]
        netloc = f"{user.partition(':')[0]}{':***' if ':' in user else ''}{at}{host}"
        return f"{parts.scheme}://{netloc}{parts.path}{'?' if hidden else ''}{urlencode(hidden, safe='*/')}"
    except ValueError:
        return f"{text.partition(':')[0]}:..."


@contextlib.contextmanager
def alone(url: str | Path) -> Iterator[None]:
    """Make tables, register lessons or add indexes while no other command does. Grading does not wait for it."""
    busy = GradebookError(f"Another command is setting {shown(url)} up, and does not end: wait for it, or stop it.")
    if not is_postgresql(url):
        path = sqlite_file(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        # an empty database, whose lock is one on every system, and open again when its holder has died
        lock = sqlite3.connect(f"{path}.lock", timeout=SETTING_UP_SECONDS, isolation_level=None)
        with contextlib.closing(lock):
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise busy from None
            yield
        return
    with connect(url) as db:
        until = time.monotonic() + SETTING_UP_SECONDS
        # asked again and again: CREATE INDEX CONCURRENTLY would wait for whoever waits here
        while db.read("SELECT pg_try_advisory_lock(?)", (SETTING_UP,)) != [(True,)]:
            if time.monotonic() > until:
                raise busy
            time.sleep(0.2)
        yield  # closing the connection opens the lock


class _SQLite(Database):
    def __init__(self, path: Path, read_only: bool):
        if not path.is_file():
            raise NoGradebook(f"There is no gradebook {path} yet.")
        self._path = path
        mode = "ro" if read_only else "rw"
        self._db = self._told(
            sqlite3.connect,
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
        )

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._told(self._db.execute, _for_sqlite(query), values).fetchall()

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._told(self._db.execute, _for_sqlite(statement), values).rowcount

    def write_each(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        return self._told(self._db.executemany, _for_sqlite(statement), rows).rowcount

    def transaction(self, work: Callable[[], T]) -> T:
        self._told(self._db.execute, "BEGIN IMMEDIATE")  # waits here, so that nothing that was read is out of date
        try:
            done = work()
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._told(self._db.execute, "COMMIT")
        return done

    def lock(self, name: str) -> None:
        """Nothing is left to be locked: within a transaction of its own this connection is alone."""

    def duration(self, length: timedelta | None) -> Any:
        return None if length is None else f"{datetime(1970, 1, 1) + length:%Y-%m-%d %H:%M:%S.%f}"

    def close(self) -> None:
        self._db.close()

    def _told(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        try:
            return call(*arguments, **options)
        except UnicodeEncodeError as error:
            raise ValueRefused(f"The gradebook cannot hold {error.object[:80]!r}.") from None
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error):
                raise NoGradebook(f"{self._path} holds no gradebook yet.") from None
            advice = {
                "locked": "another program has held it for a minute: close formgrader, or wait for the other command",
                "not a database": "put it back from a copy, or move it away and grade again",
                "malformed": "put it back from a copy, or move it away and grade again",
            }
            said = str(error)
            told = next((f"{said}; {words}" for sign, words in advice.items() if sign in said), said)
            raise GradebookError(f"The gradebook {self._path}: {told}.") from None


class _PostgreSQL(Database):
    def __init__(self, url: str):
        self._url, self._is_within = url, False  # a transaction
        self._db = _connected(url)

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        if not self._is_within:
            return self.transaction(lambda: self.read(query, values))
        with self._told():
            return self._db.execute(_for_postgresql(query), values).fetchall()

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        with self._told():
            return self._db.execute(_for_postgresql(statement), values).rowcount

    def write_each(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        with self._told(), self._db.cursor() as cursor:
            cursor.executemany(_for_postgresql(statement), rows)
            return max(cursor.rowcount, 0)  # -1 without rows

    def transaction(self, work: Callable[[], T]) -> T:
        import psycopg

        for attempt in range(1, ATTEMPTS + 1):
            self._is_within = True
            try:
                with self._db.transaction():
                    return work()
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
                lost = error
            except psycopg.OperationalError as error:
                lost = error
                if self._db.closed:
                    self._db = _connected(self._url)
            finally:
                self._is_within = False
            if attempt < ATTEMPTS:
                time.sleep(0.05 * 2**attempt)
        raise GradebookError(f"The gradebook {shown(self._url)}: {_first_line(lost)}.")

    def lock(self, name: str) -> None:
        self.read("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (name,))

    def duration(self, length: timedelta | None) -> Any:
        return length

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except UnicodeEncodeError as error:
            raise ValueRefused(f"The gradebook cannot hold {error.object[:80]!r}.") from None
        except psycopg.DataError as error:
            raise ValueRefused(f"The gradebook refuses a value: {_first_line(error)}.") from None
        except psycopg.errors.UndefinedTable:
            raise NoGradebook(f"{shown(self._url)} holds no gradebook yet.") from None
        except psycopg.OperationalError as error:
            if self._is_within:
                raise  # to `transaction`, which may try again
            raise GradebookError(f"The gradebook {shown(self._url)}: {_first_line(error)}.") from None
        except psycopg.Error as error:
            raise GradebookError(f"The gradebook {shown(self._url)}: {_first_line(error)}.") from None


def _connected(url: str) -> psycopg.Connection:
    try:
        import psycopg
    except ImportError:
        raise GradebookError(
            "A gradebook on PostgreSQL needs a driver that is not installed: pip install 'psycopg[binary]'"
        ) from None
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": "autograde"}
    try:
        given = psycopg.conninfo.conninfo_to_dict("postgresql:" + url.partition(":")[2])
        return psycopg.connect(autocommit=True, **(options | given))
    except psycopg.OperationalError as error:
        raise GradebookError(f"{_why(str(error))} The gradebook was looked for at {shown(url)}.") from None
    except psycopg.Error:  # its message may repeat the URL with the password
        raise GradebookError(f"{shown(url)} cannot be read: write {FORMS}; in a password, write @ as %40.") from None


def _why(said: str) -> str:
    """What is in the way of a connection, and what to do; the driver's words where they are not known."""
    signs = {
        "does not exist": "PostgreSQL has no such database or user: createdb NAME, createuser NAME.",
        "authentication failed": "PostgreSQL refuses this user and password: set PGPASSWORD, or write them in the URL.",
        "no password supplied": "PostgreSQL wants a password: set PGPASSWORD, or write a line in ~/.pgpass.",
        "no pg_hba.conf entry": "PostgreSQL lets nobody in from here: add a line to its pg_hba.conf.",
        "refused": "No PostgreSQL server answers there: start it, or mend host and port.",
        "resolve host": "There is no such host: mend its name.",
        "No such file": "No PostgreSQL server answers on this machine: start it, or name a host.",
        "timeout": "The PostgreSQL server does not answer: mend host and port, or let this machine through.",
    }
    known = next((sentence for sign, sentence in signs.items() if sign in said), "")
    return known or f"PostgreSQL cannot be reached: {_first_line(said)}."


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


@functools.cache
def _for_sqlite(text: str) -> str:
    """SQLite has IS DISTINCT FROM since 3.39 alone, and has always had IS NOT for it."""
    return text.replace(" IS DISTINCT FROM ", " IS NOT ")


@functools.cache
def _for_postgresql(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")
