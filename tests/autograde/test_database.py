"""A gradebook by its URL: the same statements on both systems, one sentence for whatever is in the way, no password."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress

import pytest

from autograde import database
from autograde.database import (
    GradebookError,
    NoGradebook,
    ValueRefused,
    alone,
    connect,
    for_nbgrader,
    is_postgresql,
    shown,
)

from .gradebooks import in_threads, with_name

PASSWORD = "s3cret/word"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty gradebook's URL."""
    if request.param == "sqlite":
        (tmp_path / "gradebook.db").touch()
        yield f"sqlite:///{tmp_path}/gradebook.db"
        return
    import psycopg

    server = request.getfixturevalue("postgresql")
    with psycopg.connect(server, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS empty_one WITH (FORCE)")
        db.execute("CREATE DATABASE empty_one")
    yield with_name(server, "empty_one")


@pytest.fixture
def table(url):
    """A connection to a table of names and numbers."""
    with connect(url) as db:
        db.write("CREATE TABLE t (name VARCHAR(5) PRIMARY KEY, number FLOAT)")
        yield db


PUT = (
    "INSERT INTO t (name, number) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = excluded.number"
    " WHERE t.number IS DISTINCT FROM excluded.number"
)


# ---- the same on both


def test_only_what_changes_is_counted(table):
    assert table.write(PUT, ("a", 1.0)) == 1
    assert table.write(PUT, ("a", 1.0)) == 0
    assert table.write(PUT, ("a", None)) == 1
    assert table.write_each(PUT, [("a", None), ("b", 2.0), ("c%?", 3.0)]) == 2
    assert table.write_each(PUT, []) == 0
    assert table.read("SELECT name FROM t WHERE number IS DISTINCT FROM ? ORDER BY name", (2.0,)) == [("a",), ("c%?",)]


def test_a_transaction_counts_all_or_not_at_all(table):
    def half():
        table.write(PUT, ("a", 1.0))
        raise KeyError("a")

    with pytest.raises(KeyError):
        table.transaction(half)
    assert table.read("SELECT name FROM t") == []
    assert table.transaction(lambda: table.write(PUT, ("a", 1.0))) == 1
    assert table.read("SELECT name FROM t") == [("a",)]


def test_a_failed_statement_ends_its_transaction_and_nothing_else(table):
    with pytest.raises(GradebookError):
        table.transaction(lambda: table.write("INSERT INTO t (name, other) VALUES (?, ?)", ("a", 1)))
    assert table.transaction(lambda: table.write(PUT, ("a", 1.0))) == 1


def test_of_two_that_count_up_at_once_nothing_is_lost(url, table):
    table.write(PUT, ("n", 0))

    def count_up():
        with connect(url) as db:
            for _ in range(50):

                def one_more():
                    db.lock("n")
                    ((number,),) = db.read("SELECT number FROM t")
                    db.write("UPDATE t SET number = ?", (number + 1,))

                db.transaction(one_more)

    in_threads(count_up, count_up)
    assert table.read("SELECT number FROM t") == [(100,)]


def test_a_table_that_is_not_there(url):
    with connect(url) as db, pytest.raises(NoGradebook, match=r"holds no gradebook yet\.$"):
        db.read("SELECT * FROM student")


def test_half_a_character_is_refused(table):
    with pytest.raises(ValueRefused, match="cannot hold"):
        table.write(PUT, ("\ud800", 1.0))


def test_only_one_sets_up_at_a_time(url, monkeypatch):
    monkeypatch.setattr(database, "SETTING_UP_SECONDS", 0.3)
    with alone(url), pytest.raises(GradebookError, match="Another command is setting"), alone(url):
        pytest.fail("both were let in")
    with alone(url):
        pass


def test_who_sets_up_may_fail_and_the_next_one_is_let_in(url):
    with suppress(KeyError), alone(url):
        raise KeyError
    with alone(url):
        pass


# ---- PostgreSQL


@pytest.fixture
def two(postgresql):
    """Two connections to a table with two rows."""
    with connect(postgresql) as one, connect(postgresql) as other:
        one.write("CREATE TABLE pair (name TEXT PRIMARY KEY, number FLOAT)")
        one.write("INSERT INTO pair VALUES ('a', 0), ('b', 0)")
        yield one, other
        other.write("DROP TABLE pair")


def test_what_the_server_takes_back_is_done_again(two):
    """Each locks a row and then wants the other's: the server ends one of them, which begins anew."""
    both = threading.Barrier(2)

    def adds(db, names):
        rounds = []

        def work():
            for name in names:
                db.write("UPDATE pair SET number = number + 1 WHERE name = ?", (name,))
                if not rounds:
                    rounds.append(both.wait(30))

        return lambda: db.transaction(work)

    in_threads(adds(two[0], "ab"), adds(two[1], "ba"))
    assert two[0].read("SELECT number FROM pair") == [(2,), (2,)]


def test_a_lost_connection_is_opened_again(two):
    ended = []

    def work():
        if not ended:
            ((own,),) = two[0].read("SELECT pg_backend_pid()")
            ended.append(two[1].read("SELECT pg_terminate_backend(?)", (own,)))
        two[0].write("UPDATE pair SET number = number + 1")

    two[0].transaction(work)
    assert two[1].read("SELECT number FROM pair") == [(1,), (1,)]


def test_what_was_lost_between_two_questions_is_opened_again(two):
    ((own,),) = two[0].read("SELECT pg_backend_pid()")
    two[1].read("SELECT pg_terminate_backend(?)", (own,))
    assert two[0].read("SELECT count(*) FROM pair") == [(2,)]


def test_a_server_that_has_gone_is_a_sentence(two, monkeypatch):
    monkeypatch.setattr(database, "ATTEMPTS", 2)
    ((own,),) = two[0].read("SELECT pg_backend_pid()")
    two[1].read("SELECT pg_terminate_backend(?)", (own,))
    with pytest.raises(GradebookError, match="terminating connection"):
        two[0].write("UPDATE pair SET number = 1")
    monkeypatch.setattr(two[0], "_url", "postgresql://127.0.0.1:9/x")
    with pytest.raises(GradebookError, match="No PostgreSQL server answers there"):
        two[0].read("SELECT 1")


def test_a_value_that_does_not_fit_is_refused(postgresql):
    with connect(postgresql) as db:
        db.write("CREATE TEMPORARY TABLE short (name VARCHAR(3))")
        with pytest.raises(ValueRefused, match="too long"):
            db.write("INSERT INTO short VALUES (?)", ("four",))


def test_with_the_wrong_password_one_sentence_without_it(postgresql):
    wrong = postgresql.replace(postgresql.split(":")[2].split("@")[0], PASSWORD.replace("/", "%2F"))
    with pytest.raises(GradebookError, match="refuses this user and password: set PGPASSWORD") as caught:
        connect(wrong)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_password(postgresql, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    user, _, host = postgresql.rpartition("@")
    with pytest.raises(GradebookError, match="wants a password"):
        connect(f"{user.rpartition(':')[0]}@{host}")


def test_a_database_that_is_not_there(postgresql):
    with pytest.raises(GradebookError, match="no such database"):
        connect(with_name(postgresql, "nowhere"))


def test_no_server():
    with pytest.raises(GradebookError, match=r"No PostgreSQL server answers there: start it.*127\.0\.0\.1:9/x\.$"):
        connect("postgresql://ada@127.0.0.1:9/x")


def test_no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(GradebookError, match=r"pip install 'psycopg\[binary\]'"):
        connect("postgresql://127.0.0.1/x")


@pytest.mark.parametrize("rest", ["h/x?strange=1", "h/%zz", "[h/x"])
def test_a_url_that_cannot_be_read_is_told_without_its_password(rest):
    with pytest.raises(GradebookError, match="cannot be read: write postgresql://USER@HOST") as caught:
        connect(f"postgresql://ada:{PASSWORD.replace('/', '%2F')}@{rest}")
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- SQLite


def test_no_file(tmp_path):
    with pytest.raises(NoGradebook, match="There is no gradebook"):
        connect(tmp_path / "gradebook.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "gradebook.db"
    path.write_bytes(b"no database, and longer than a header would be" * 20)
    with connect(path) as db, pytest.raises(GradebookError, match="not a database; put it back from a copy") as caught:
        db.read("SELECT 1 FROM student")
    assert not isinstance(caught.value, NoGradebook)


def test_one_that_others_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
    path = tmp_path / "gradebook.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE t (a)")
        holder.execute("BEGIN EXCLUSIVE")
        with connect(path) as db, pytest.raises(GradebookError, match="close formgrader, or wait"):
            db.transaction(lambda: None)


def test_a_name_with_what_urls_are_made_of(tmp_path):
    path = tmp_path / "50 % of all? #1" / "gradebook.db"
    path.parent.mkdir()
    path.touch()
    with connect(f"sqlite:///{path}") as db:
        db.write("CREATE TABLE t (a INTEGER)")
    with connect(path, read_only=True) as db:
        assert db.read("SELECT * FROM t") == []
        with pytest.raises(GradebookError, match="readonly"):
            db.write("INSERT INTO t VALUES (1)")


# ---- URLs


@pytest.mark.parametrize(
    "url", ["", "gradebook.db", "mysql://ada@h/x", "sqlite:///", "sqlite://gradebook.db", "http://h"]
)
def test_no_place_for_a_gradebook(url):
    with pytest.raises(GradebookError, match="is no place for a gradebook: write postgresql://"):
        connect(url)


@pytest.mark.parametrize(
    ("url", "theirs"),
    [
        ("postgresql://ada@h/x?sslmode=require", "postgresql+psycopg://ada@h/x?sslmode=require"),
        ("postgres://ada@h/x", "postgresql+psycopg://ada@h/x"),
        ("postgresql+psycopg2://h/x", "postgresql+psycopg://h/x"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_nbgrader_s_url_names_the_driver(url, theirs):
    assert for_nbgrader(url) == theirs
    assert for_nbgrader(theirs) == theirs
    assert is_postgresql(url) is not url.startswith("sqlite")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:pw@h:1/x", "postgresql://ada:***@h:1/x"),
        (
            "postgresql://ada:p%40w@h/x?sslmode=require&password=pw",
            "postgresql://ada:***@h/x?sslmode=require&password=***",
        ),
        ("postgresql://ada:a@b:c@h/x", "postgresql://ada:***@h/x"),
        ("postgresql://[h/pw", "postgresql:..."),
        ("postgresql:///x", "postgresql:///x"),
        ("sqlite:////a/b.db", "/a/b.db"),
    ],
)
def test_a_password_is_never_shown(url, said):
    assert shown(url) == said


def test_a_gradebook_in_a_file_needs_no_other_package():
    """Commands start in a fraction of the second that SQLAlchemy takes."""
    code = (
        "import sys; from autograde import gradebook, grading, marks, migration, results; "
        "print({'psycopg', 'sqlalchemy', 'nbgrader', 'torch'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "set()\n"), ran.stderr
