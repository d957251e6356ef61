"""Indexes that nbgrader's tables lack: added and taken away again, while others read and write.

nbgrader follows a submission to its notebooks, their grades and comments by columns without an index, so whatever
it does with a large class takes the square of its size. Nothing but the indexes changes: to nbgrader, and to its own
migrations, the gradebook is the same as before.
"""

from __future__ import annotations

from pathlib import Path

from autograde.database import WAIT_SECONDS, Database, alone, connect, is_postgresql

__all__ = ["INDEXES", "downgrade", "present", "upgrade"]

# name -> table and column. Other columns that refer to a table stand first in a unique constraint, which serves them.
INDEXES = {
    "autograde_submitted_assignment_student": ("submitted_assignment", "student_id"),
    "autograde_submitted_notebook_assignment": ("submitted_notebook", "assignment_id"),
    "autograde_grade_notebook": ("grade", "notebook_id"),
    "autograde_comment_notebook": ("comment", "notebook_id"),
    "autograde_base_cell_notebook": ("base_cell", "notebook_id"),
    "autograde_source_cell_notebook": ("source_cell", "notebook_id"),
    "autograde_notebook_assignment": ("notebook", "assignment_id"),
}


def present(url: str | Path) -> dict[str, bool]:
    """Each index by name, and whether it is there and whole. NoGradebook where there is none."""
    with connect(url, read_only=True) as db:
        return _present(db, url)


def upgrade(url: str | Path) -> list[str]:
    """Add the indexes that are not there, and return their names. What is stopped half-way is made good next time."""
    if all(present(url).values()):
        return []
    with alone(url), connect(url) as db:
        missing = [name for name, is_there in _present(db, url).items() if not is_there]
        if not is_postgresql(url):
            db.transaction(lambda: [db.write(_statement(name)) for name in missing])
            return missing
        _wait_no_longer_than_others(db)
        for name in missing:  # one by one, outside a transaction: nobody who reads or writes has to wait
            db.write(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # a rest of one that was stopped is of no use
            db.write(_statement(name, "CONCURRENTLY"))
        return missing


def downgrade(url: str | Path) -> list[str]:
    """Take the indexes away, and return the names of those that were there: nbgrader's schema as it came."""
    present(url)  # NoGradebook before a lock is made beside it
    with alone(url), connect(url) as db:
        found = [name for name, is_there in _present(db, url).items() if is_there]
        if not is_postgresql(url):
            db.transaction(lambda: [db.write(f"DROP INDEX IF EXISTS {name}") for name in found])
            return found
        _wait_no_longer_than_others(db)
        for name in INDEXES:
            db.write(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        return found


def _present(db: Database, url: str | Path) -> dict[str, bool]:
    db.read("SELECT id FROM grade LIMIT 1")  # NoGradebook without tables
    if is_postgresql(url):
        query = (
            "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
            " WHERE indisvalid AND pg_table_is_visible(pg_class.oid)"
        )
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'index'"
    found = {name for (name,) in db.read(query)}
    return {name: name in found for name in INDEXES}


def _statement(name: str, how: str = "") -> str:
    table, column = INDEXES[name]
    return f"CREATE INDEX {how} IF NOT EXISTS {name} ON {table} ({column})"


def _wait_no_longer_than_others(db: Database) -> None:
    """Give up on an index rather than wait for a transaction that somebody has left open for good."""
    db.read(f"SELECT set_config('lock_timeout', '{WAIT_SECONDS}s', false)")
