"""`progress()` where nothing shows pictures, in a cell that keeps up, and as a panel."""

import pytest

from autograde import check, panel, progress
from autograde import session as sessions
from autograde.exercise import Outcome, Verdict
from autograde.exercises import find
from autograde.records import Event, Keeper
from autograde.session import Session


@pytest.fixture(autouse=True)
def session(monkeypatch, tmp_path):
    monkeypatch.setattr(sessions, "current", Session(keeper=Keeper(tmp_path / "progress.db")))
    monkeypatch.setattr(panel, "_shown", panel._Shown())
    return sessions.current


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed in a notebook: (what was done, the bundle or the panel)."""
    displayed = []
    monkeypatch.setattr(sessions, "in_kernel", lambda: True)
    monkeypatch.setattr(panel, "display", lambda *things, **_: displayed.append(("shown", *things)))
    monkeypatch.setattr(panel, "update_display", lambda *things, **_: displayed.append(("updated", *things)))
    return displayed


def test_in_a_terminal_it_is_text(capsys):
    check("model_call", find("model_call")[1].reference)
    capsys.readouterr()
    progress()
    said = capsys.readouterr().out
    assert "✓ model_call: passed, 0.5 of 0.5\n" in said
    assert "The course: 0.5 of 100 points" in said


def test_records_of_earlier_sessions_count(session, capsys):
    earlier = Keeper(session.keeper.path)
    earlier.keep(Event("dot_product", "train", "checked", "s", verdict=Verdict("train", Outcome.PASSED, 1.0, 1.0)))
    progress()
    assert "The course: 1 of 100 points" in capsys.readouterr().out


def test_the_lesson_is_the_one_that_was_last_worked_on_or_the_folders(session, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "lessons" / "05_sigmoid_range"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    progress()
    assert capsys.readouterr().out.startswith("Lesson 5, ")
    check("model_call", "a")
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.startswith("Lesson 3, ")


def test_what_a_cell_shows_keeps_up_with_checks(shown):
    check("model_call", "a")
    panel.refresh()
    assert shown == [], "nothing is shown, so there is nothing to bring up to date"
    progress()
    check("model_call", find("model_call")[1].reference)
    (first, before), (second, after) = shown
    assert (first, second) == ("shown", "updated")
    assert set(before) == set(after) == {"text/html", "text/markdown", "text/plain"}
    assert "failed, 0 of 0.5" in before["text/plain"]
    assert "passed, 0.5 of 0.5" in after["text/plain"]


def test_the_panel_keeps_up_with_checks(shown):
    progress(panel=True)
    ((_, widget),) = shown
    assert widget.brief.startswith("Lesson 1: 0 of 9 points")
    check("model_call", find("model_call")[1].reference)
    assert widget.brief.startswith("Lesson 3: 0.5 of 8 points · course: 0.5 of 100")
    assert "passed" in widget.details
    assert len(shown) == 1, "nothing else is displayed"
    widget.close()


def test_the_script_is_a_module_that_draws_and_cleans_up(shown):
    progress(panel=True)
    ((_, widget),) = shown
    assert "export default { render }" in widget._esm
    assert "return () => {" in widget._esm
    widget.close()


def test_a_file_that_cannot_be_read_is_told_and_progress_goes_on(session, capsys):
    check("model_call", "a")
    session.keeper.path.write_bytes(b"broken" * 999)
    capsys.readouterr()
    progress()
    said = capsys.readouterr().out
    assert said.startswith("Your progress in ")
    assert "✗ model_call" in said
