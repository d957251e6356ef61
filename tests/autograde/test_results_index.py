"""Results from the index are those from the notebooks, whatever happens to index and notebooks."""

import dataclasses
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from autograde import digest, results
from autograde.cells import to_bytes
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.marks import lesson_marks
from autograde.results import reading, result_of, results_of
from autograde.results_index import ResultsIndex
from autograde.verdict import verdict_to_json

from .gradebooks import copy_of, in_threads
from .small_class import LESSON


def whole(found):
    """Results with what their equality leaves out."""
    return [dataclasses.asdict(result) for result in found]


def index_of(course):
    return course.folder / "results" / "index.db"


def from_notebooks(course):
    found = [result_of(course, student, LESSON) for student in course.students()]
    return whole(result for result in found if result)


@pytest.fixture
def course(graded, tmp_path):
    """A copy of the graded class, with an index that fits it."""
    course = copy_of(graded[0], tmp_path / "class")
    results_of(course, [LESSON])
    return course


def no_notebooks(monkeypatch):
    """From now on, reading a notebook is an error."""
    monkeypatch.setattr(results, "result_of", lambda *_: pytest.fail("a notebook was read"))


def rewritten(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.chmod(0o644)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_same_with_and_without(course, monkeypatch):
    expected = from_notebooks(course)
    no_notebooks(monkeypatch)
    found = results_of(course, [LESSON])
    assert whole(found) == expected
    assert [type(each) for each in found] == [results.Result] * len(found)
    with reading(course, whole=False) as read:
        assert whole(filter(None, (read(student, LESSON) for student in course.students()))) == expected


def test_grading_has_filled_it_already(graded, monkeypatch):
    no_notebooks(monkeypatch)
    assert len(results_of(graded[0], [LESSON])) == len(graded[2])


def test_exports_read_it(course, monkeypatch):
    no_notebooks(monkeypatch)
    assert len(lesson_marks(course, [LESSON])) == len(course.students())


def test_a_notebook_that_was_written_since_is_read_again(course):
    before = from_notebooks(course)
    rewritten(course.graded("ada-solved", LESSON), '"outcome": "passed"', '"outcome": "failed"')
    assert whole(results_of(course, [LESSON])) == from_notebooks(course) != before


def test_a_problem_that_came_or_went_is_seen(course):
    problem = course.problems / "hana-mistakes" / f"{LESSON}.json"
    problem.parent.mkdir(parents=True, exist_ok=True)
    problem.write_text(json.dumps({"outcome": "missing", "note": "Nothing there."}))
    later = time.time() + 5
    os.utime(problem, (later, later))
    assert whole(results_of(course, [LESSON])) == from_notebooks(course)
    problem.unlink()
    assert whole(results_of(course, [LESSON])) == from_notebooks(course)
    course.graded("hana-mistakes", LESSON).unlink()
    assert "hana-mistakes" not in {result.student for result in results_of(course, [LESSON])}


def test_one_that_grading_has_just_entered_counts(own):
    for path in (own.folder / "results").glob("*/*.json"):
        path.unlink()
    (again,) = grade(own, [LESSON], ["hana-mistakes"], workers=1, limits=Limits(cell_seconds=14))
    assert result_of(own, "hana-mistakes", LESSON) in results_of(own, [LESSON])
    assert again in results_of(own, [LESSON])


@pytest.mark.parametrize("damage", ["removed", "nothing", "another file", "cut", "its middle", "no table", "a folder"])
def test_whatever_happens_to_the_file(course, damage):
    path = index_of(course)
    content = path.read_bytes()
    path.unlink()
    if damage == "nothing":
        path.touch()
    elif damage == "another file":
        path.write_bytes(b"something else " * 1000)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 3])
    elif damage == "its middle":
        path.write_bytes(content[:8192] + b"\xff" * 8192 + content[16384:])
    elif damage == "no table":
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as db:
            db.execute("DROP TABLE verdict")
            db.commit()
    elif damage == "a folder":
        path.mkdir()
    expected = from_notebooks(course)
    assert whole(results_of(course, [LESSON])) == expected
    assert whole(results_of(course, [LESSON])) == expected


@pytest.mark.parametrize("damage", ["removed", "another file"])
def test_a_damaged_one_is_made_anew(course, damage, monkeypatch):
    index_of(course).unlink()
    if damage == "another file":
        index_of(course).write_bytes(b"something else " * 1000)
    expected = results_of(course, [LESSON])
    no_notebooks(monkeypatch)
    assert results_of(course, [LESSON]) == expected


def test_other_code_begins_a_new_one(course, monkeypatch):
    of_files = digest.of_files
    monkeypatch.setattr(digest, "of_files", lambda *paths: of_files(*paths)[::-1])
    read = []
    monkeypatch.setattr(results, "result_of", lambda *place: read.append(place) or result_of(*place))
    assert whole(results_of(course, [LESSON])) == from_notebooks(course)
    assert len(read) == len(results_of(course, [LESSON]))


def test_one_that_another_command_holds_is_done_without(course, monkeypatch):
    monkeypatch.setattr("autograde.results_index.WAIT_SECONDS", 0.1)
    expected = from_notebooks(course)
    with closing(sqlite3.connect(index_of(course), isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert whole(results_of(course, [LESSON])) == expected
    assert index_of(course).is_file()


def test_two_may_write(course):
    index_of(course).unlink()
    expected, found = from_notebooks(course), []
    in_threads(*[lambda: found.append(whole(results_of(course, [LESSON])))] * 3)
    assert found == [expected] * 3
    with closing(sqlite3.connect(index_of(course))) as db:
        assert db.execute("SELECT count(*) FROM result").fetchone() == (len(expected),)


def test_what_many_share_is_kept_once(course):
    with closing(sqlite3.connect(index_of(course))) as db:
        ((kept,),) = db.execute("SELECT count(*) FROM verdict")
    assert kept < sum(len(result.verdicts) for result in results_of(course, [LESSON]))


def test_a_verdict_is_kept_as_it_is_written_everywhere(course):
    with closing(sqlite3.connect(index_of(course))) as db:
        kept = {text for (text,) in db.execute("SELECT text FROM verdict")}
    found = [verdict for result in results_of(course, [LESSON]) for verdict in result.verdicts.values()]
    assert kept == {json.dumps(verdict_to_json(verdict), separators=(",", ":")) for verdict in found}


def test_a_name_that_it_cannot_hold_is_read_from_its_notebook(course):
    name = b"half \xff".decode("utf-8", "surrogateescape")
    shutil.copytree(course.autograded / "ada-solved", course.autograded / name)
    with reading(course) as read:
        assert read(name, LESSON) == result_of(course, name, LESSON)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with ResultsIndex(tmp_path / "file" / "index.db") as index:
        assert index.get("ada", LESSON, "1") is None
        index.put("ada", LESSON, "1", {}, [])
    assert (tmp_path / "file").read_bytes() == b""


def test_plain_reading_says_what_nbformat_says(graded):
    for student in graded[0].students():
        path = graded[0].graded(student, LESSON)
        if path.is_file():
            told = [
                results.result_in(student, LESSON, read(path))
                for read in (results.read_notebook, results._read_plainly)
            ]
            assert whole(told[:1]) == whole(told[1:])
            assert to_bytes(results.read_notebook(path)) == path.read_bytes()
