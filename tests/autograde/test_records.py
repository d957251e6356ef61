"""A learner's records: whole and once, with two notebooks, after a crash, on a bad file."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from autograde.exercise import Line, Outcome, Verdict
from autograde.records import Event, Keeper, ProgressError, desk_of, place, records, summed

SCORES = {Outcome.PASSED: 2.0, Outcome.PARTIAL: 1.0, Outcome.FAILED: 0.0}


def verdict(outcome, feedback=""):
    line = Line("One", outcome is Outcome.PASSED, SCORES[outcome], 2.0, feedback)
    return Verdict("rmse", outcome, SCORES[outcome], 2.0, feedback, (line,), ("printed",))


def checked(outcome, at=1.0, **options):
    return Event("latent_factors", "rmse", "checked", "a session", verdict=verdict(outcome), at=at, **options)


def event(kind, at, step=0):
    return Event("latent_factors", "rmse", kind, "a session", step, at=at)


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".autograde" / "progress.db"


class TestSummed:
    def test_the_best_is_kept_whatever_came_later(self):
        (record,) = summed([checked(Outcome.PARTIAL, 1), checked(Outcome.PASSED, 2), checked(Outcome.FAILED, 3)])
        assert (record.best.outcome, record.last.outcome) == (Outcome.PASSED, Outcome.FAILED)
        assert (record.checks, record.first_at, record.passed_at, record.last_at) == (3, 1, 2, 3)

    def test_hints_solutions_and_what_was_given_up(self):
        events = [
            event("hint", 2, 1),
            event("hint", 4, 2),
            event("hint", 6, 1),
            event("gave up", 7),
            event("solution", 8),
        ]
        (record,) = summed(reversed(events))
        assert (record.hints, record.gave_up_at, record.solution_at) == (2, 7, 8)
        assert (record.best, record.last, record.checks, record.passed_at) == (None, None, 0, None)

    def test_one_event_counts_once_however_often_it_comes(self):
        once = checked(Outcome.FAILED)
        (record,) = summed([once, once])
        assert record.checks == 1

    def test_exercises_come_in_the_order_in_which_they_were_begun(self):
        later, first = Event("b", "y", "hint", "s", at=2.0), Event("a", "x", "hint", "s", at=1.0)
        assert [record.exercise for record in summed([later, first])] == ["x", "y"]


class TestKeeper:
    def test_what_is_kept_is_read_in_another_process_without_what_was_printed(self, path):
        keeper = Keeper(path)
        assert keeper.keep(checked(Outcome.PARTIAL, at=5.0)) == ""
        (record,) = records(path)
        assert record.best == Verdict("rmse", Outcome.PARTIAL, 1.0, 2.0, "", verdict(Outcome.PARTIAL).lines)
        assert keeper.records() == ([record], "")

    def test_a_file_that_is_not_there_is_no_problem(self, path):
        assert records(path) == []
        assert Keeper(path).records() == ([], "")

    def test_two_sessions_see_each_other(self, path):
        one, other = Keeper(path), Keeper(path)
        one.keep(checked(Outcome.FAILED, 1))
        other.keep(checked(Outcome.PASSED, 2))
        for keeper in (one, other):
            assert [record.checks for record in keeper.records()[0]] == [2]

    def test_what_cannot_be_written_is_told_once_remembered_and_written_later(self, path):
        path.parent.write_text("in the way")
        keeper = Keeper(path)
        said = keeper.keep(checked(Outcome.FAILED, 1))
        assert said.startswith(f"Your progress cannot be kept in `{path}` (")
        assert keeper.keep(checked(Outcome.PASSED, 2)) == ""
        assert [record.checks for record in keeper.records()[0]] == [2]
        path.parent.unlink()
        assert keeper.keep(event("hint", 3, 1)) == ""
        (record,) = records(path)
        assert (record.checks, record.hints) == (2, 1)

    def test_a_read_only_file_is_left_as_it_is(self, path, monkeypatch):
        keeper = Keeper(path)
        keeper.keep(checked(Outcome.FAILED))
        before = path.read_bytes()

        def opened(path, read_only=False):  # root may write anywhere, so a connection that may not stands for the rest
            return contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True))

        monkeypatch.setattr("autograde.records._opened", opened)
        assert "attempt to write a readonly database" in keeper.keep(event("hint", 2, 1))
        assert [(record.checks, record.hints) for record in keeper.records()[0]] == [(1, 1)]
        assert path.read_bytes() == before

    @pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(range(256)) * 16])
    def test_a_damaged_file_is_put_aside_and_a_new_one_begun(self, path, content):
        keeper = Keeper(path)
        keeper.keep(checked(Outcome.FAILED, 1))
        path.write_bytes(content)
        assert keeper.records()[0], "what this kernel did it knows"
        said = keeper.keep(checked(Outcome.PASSED, 2))
        (aside,) = path.parent.glob("*damaged*")
        assert aside.read_bytes() == content
        assert "The file with your progress was damaged" in said
        assert str(aside) in said
        assert [record.checks for record in records(path)] == [2]

    def test_what_can_be_read_of_a_damaged_file_is_carried_over(self, path):
        keeper = Keeper(path)
        for number in range(300):
            keeper.keep(checked(Outcome.FAILED, float(number)))
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size - size // 4)
            file.write(b"\xff" * (size // 4))
        fresh = Keeper(path)
        while not (said := fresh.keep(checked(Outcome.PASSED, 999.0))):  # until a damaged page is touched
            assert sum(record.checks for record in fresh.records()[0]) < 1000
        assert "damaged" in said
        (record,) = records(path)
        assert record.checks > 10
        assert record.best.passed

    def test_a_file_of_a_newer_version_is_not_touched(self, path):
        path.parent.mkdir()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        assert "a newer version of autograde" in Keeper(path).keep(checked(Outcome.FAILED))
        assert path.read_bytes() == before
        with pytest.raises(ProgressError, match="a newer version"):
            records(path)

    def test_rows_that_make_no_sense_are_passed_over(self, path):
        keeper = Keeper(path)
        keeper.keep(checked(Outcome.FAILED))
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO events VALUES ('x', 'soon', 's', 'l', 'e', 'hint', 1, NULL)")
            connection.execute("INSERT INTO events VALUES ('y', 1.5, 's', 'l', 'e', 'checked', 0, '{\"name\": 3}')")
        connection.close()
        known = {record.exercise: record for record in records(path)}
        assert set(known) == {"rmse", "e"}
        assert known["e"].best is None


WRITER = """
import sys; sys.path[:0] = sys.argv[3:]
from pathlib import Path
from autograde import records
from autograde.records import Event, Keeper
records.PATIENCE = 60.0  # nobody writes as fast as these do, and a busy machine fails no test
keeper = Keeper(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
number = 0
while number < int(sys.argv[2]):
    said = keeper.keep(Event("latent_factors", f"exercise {number}", "hint", sys.argv[1], 1))
    print(said or number, flush=True)
    number += 1
"""


@contextlib.contextmanager
def writers(path, count, events):
    """Processes that write, all at once; none is left behind."""
    made = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(events), *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for each in made:
        assert each.stdout.readline() == "ready\n"
    for each in made:
        each.stdin.write("go\n")
        each.stdin.flush()
    try:
        yield made
    finally:
        for each in made:
            each.kill()
            each.communicate(timeout=60)


def test_several_processes_at_once_lose_nothing(path):
    with writers(path, count=4, events=40) as made:
        said = [each.communicate(timeout=300)[0].split() for each in made]
    assert said == [[str(number) for number in range(40)]] * 4
    with sqlite3.connect(path) as connection:
        (found,) = connection.execute("SELECT count(*) FROM events").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert found == 4 * 40


def test_a_kill_in_the_middle_loses_nothing_that_was_told_as_written(path):
    with writers(path, count=3, events=100_000) as made:
        told = [int(made[0].stdout.readline()) for _ in range(30)]
        for each in made:
            each.send_signal(signal.SIGKILL)
        for each in made:
            told += map(int, each.communicate(timeout=60)[0].split())
    keeper = Keeper(path)
    assert keeper.keep(checked(Outcome.PASSED)) == "", "the next notebook finds nothing amiss"
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (found,) = connection.execute("SELECT count(*) FROM events WHERE kind = 'hint'").fetchone()
    connection.close()
    assert len(told) <= found <= len(told) + 3, "each told event is there, and at most one untold of each process"


def test_a_locked_file_costs_patience_and_no_event(path, monkeypatch):
    monkeypatch.setattr("autograde.records.PATIENCE", 0.05)
    keeper = Keeper(path)
    keeper.keep(checked(Outcome.FAILED, 1))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in keeper.keep(checked(Outcome.PASSED, 2))
        other.execute("ROLLBACK")
    other.close()
    assert keeper.keep(event("hint", time.time(), 1)) == ""
    assert [record.checks for record in records(path)] == [2]


class TestPlace:
    @pytest.fixture(autouse=True)
    def _unnamed(self, monkeypatch):
        monkeypatch.delenv("AUTOGRADE_PROGRESS")

    def test_beside_the_lessons_from_whatever_folder_below(self, tmp_path, monkeypatch):
        inner = tmp_path / "lessons" / "03_dot_product"
        inner.mkdir(parents=True)
        for folder in (tmp_path, inner.parent, inner):
            monkeypatch.chdir(folder)
            assert desk_of(folder) == tmp_path
            assert place() == tmp_path / ".autograde" / "progress.db"

    def test_without_a_desk_in_the_folder_for_a_users_data(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "data" / name)
        (tmp_path / "lessons").mkdir()
        monkeypatch.chdir(tmp_path)
        assert place() == tmp_path / "data" / "autograde" / "progress.db"

    def test_as_named(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AUTOGRADE_PROGRESS", str(tmp_path / "mine.db"))
        assert place() == tmp_path / "mine.db"
