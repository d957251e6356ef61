"""Indexes come and go while others read and write; nbgrader finds its gradebook as it left it."""

import threading

import pytest
from sqlalchemy import inspect

from autograde import migration
from autograde.database import GradebookError, NoGradebook, connect
from autograde.migration import INDEXES, downgrade, present, upgrade

from .gradebooks import ON_POSTGRESQL, in_threads, rows_in
from .test_cli import run as run_command  # noqa: F401  a fixture
from .test_nbgrader_commands import nbgrader


def schema(course):
    """Names of everything that the database holds, tables and indexes."""
    if ON_POSTGRESQL:
        return rows_in(
            course, "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        )
    return rows_in(course, "SELECT name, type, sql FROM sqlite_master ORDER BY 1")


def test_up_and_down_again_is_where_it_began(fresh):
    before = schema(fresh)
    assert not any(present(fresh.db_url).values())
    assert upgrade(fresh.db_url) == list(INDEXES)
    assert upgrade(fresh.db_url) == []
    assert all(present(fresh.db_url).values())
    assert len(schema(fresh)) == len(before) + len(INDEXES)
    assert downgrade(fresh.db_url) == list(INDEXES)
    assert downgrade(fresh.db_url) == []
    assert schema(fresh) == before


def test_one_that_is_missing_is_made_again(fresh):
    upgrade(fresh.db_url)
    name = list(INDEXES)[2]
    with connect(fresh.db_url) as db:
        db.write(f"DROP INDEX {name}")
    assert [each for each, is_there in present(fresh.db_url).items() if not is_there] == [name]
    assert upgrade(fresh.db_url) == [name]


def test_grading_adds_them_by_itself(graded):
    assert all(present(graded[0].db_url).values())


def test_no_index_leads_where_another_leads_already(own):
    """A column that stands first in one of nbgrader's constraints needs no index, and all others have one."""
    with own.api.gradebook as gradebook:
        found = inspect(gradebook.engine)
        missing = set()
        for table in found.get_table_names():
            keys = {tuple(key["constrained_columns"]) for key in found.get_foreign_keys(table)}
            lead = {each["column_names"][0] for each in found.get_unique_constraints(table)}
            lead |= set(found.get_pk_constraint(table)["constrained_columns"][:1])
            missing |= {(table, key[0]) for key in keys if key[0] not in lead}
    assert missing - {("assignment", "course_id")} == set(INDEXES.values())  # of which there is one


def test_nbgrader_upgrades_its_own_schema_beside_them(fresh):
    upgrade(fresh.db_url)
    said = nbgrader(fresh, "db", "upgrade")
    assert said.returncode == 0, said.stderr
    assert all(present(fresh.db_url).values())


def test_nothing_is_lost_while_others_write(own):
    """Marks go on being entered while the indexes are taken away and added, several times."""
    downgrade(own.db_url)
    ended, entered, raised = threading.Event(), [], []

    def write():
        with connect(own.db_url) as db:
            while not ended.is_set():
                try:
                    name = f"student-{len(entered)}"
                    db.transaction(lambda name=name: db.write("INSERT INTO student (id) VALUES (?)", (name,)))
                    entered.append(name)
                except Exception as error:
                    raised.append(error)
                    return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3):
            upgrade(own.db_url)
            downgrade(own.db_url)
    finally:
        ended.set()
        thread.join()
    assert raised == []
    assert len(entered) > 0
    found = {name for (name,) in rows_in(own, "SELECT id FROM student")}
    assert set(entered) <= found


def test_several_at_once(fresh):
    in_threads(*[lambda: upgrade(fresh.db_url)] * 3)
    assert all(present(fresh.db_url).values())


def test_without_a_gradebook(tmp_path):
    for step in (present, upgrade, downgrade):
        with pytest.raises(NoGradebook):
            step(f"sqlite:///{tmp_path}/gradebook.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not ON_POSTGRESQL, reason="on PostgreSQL alone an index can be there in part")
def test_what_was_stopped_half_way_is_made_good(fresh, monkeypatch):
    """Somebody has written and not ended: the index waits, gives up with a sentence, and is whole the next time."""
    monkeypatch.setattr(migration, "WAIT_SECONDS", 1)
    with connect(fresh.db_url) as holder:

        def hold():
            holder.write("UPDATE grade SET auto_score = 0")
            with pytest.raises(GradebookError, match="lock timeout"):
                upgrade(fresh.db_url)

        holder.transaction(hold)
    assert not all(present(fresh.db_url).values())
    upgrade(fresh.db_url)
    assert all(present(fresh.db_url).values())


def test_the_command_says_what_it_does(run_command, fresh):  # noqa: F811
    place = ("--course", fresh.folder)
    said = run_command("db", "status", *place)
    assert (said.exit_code, said.output.count("✗"), said.output.count("✓")) == (0, len(INDEXES), 0)
    assert run_command("db", "upgrade", *place).output == "".join(f"added {name}\n" for name in INDEXES)
    assert run_command("db", "upgrade", *place).output == "Nothing to do: all indexes are there.\n"
    assert run_command("db", "status", *place).output.count("✓") == len(INDEXES)
    assert run_command("db", "downgrade", *place).output == "".join(f"removed {name}\n" for name in INDEXES)
    assert run_command("db", "downgrade", *place).output == "Nothing to do: none of the indexes is there.\n"


def test_the_command_without_a_gradebook(run_command, tmp_path):  # noqa: F811
    said = run_command("db", "status", "--course", tmp_path / "nothing")
    assert said.exit_code == 1
    assert said.output.startswith("Error: ")
    assert "no gradebook" in said.output
