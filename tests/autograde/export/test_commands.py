"""The exports as an instructor runs them: by autograde and by nbgrader, on a class that was graded."""

import csv
import io
import json
import re
from dataclasses import fields

import pytest

from autograde.cli import main
from autograde.export.exported import Settings
from autograde.export.formats import FORMATS, OPTIONS
from autograde.marks import lesson_marks

from ..gradebooks import run_command
from ..small_class import LESSON, QUOTED
from ..test_nbgrader_commands import nbgrader
from . import readers

HEADER = "Student,ID,SIS User ID,SIS Login ID,Section,03 Multiply the factors (77),Current Score\n"
HEADER += "    Points Possible,,,,,8.00,(read only)\n"


@pytest.fixture(scope="module")
def marks(graded):
    return {mark.student: mark for mark in lesson_marks(graded[0], [LESSON])}


@pytest.fixture(scope="module")
def sheets(graded, tmp_path_factory):
    """A folder with a sheet of each kind on which everybody is."""
    folder = tmp_path_factory.mktemp("sheets")
    students = graded[0].students()
    canvas, moodle, users = io.StringIO(HEADER), io.StringIO(), io.StringIO()
    canvas.seek(0, io.SEEK_END)
    writer = csv.writer(canvas, lineterminator="\r\n")
    for number, student in enumerate(students):
        writer.writerow([f"Name {number}", 100 + number, "", student, "A", "", ""])
    writer = csv.writer(moodle)
    writer.writerow(["Identifier", "Full name", "Username", "Status", "Grade", "Maximum grade", "Grade can be changed",
                     "Last modified (grade)", "Feedback comments"])  # fmt: skip
    for number, student in enumerate(students):
        writer.writerow([f"Participant {number}", f"Name {number}", student, "", "", "80.00", "Yes", "-", ""])
    writer = csv.writer(users)
    writer.writerows([("student", "userId"), *((student, f"u-{number}") for number, student in enumerate(students))])
    for name, text in {"canvas": canvas, "moodle": moodle, "users": users}.items():
        (folder / f"{name}.csv").write_bytes(text.getvalue().encode())
    return folder


@pytest.fixture
def run(monkeypatch, small_root, graded):
    """`autograde export` on the graded class."""
    monkeypatch.chdir(small_root)

    def invoke(*arguments, course=None):
        folder = (course or graded[0]).folder
        return run_command(["export", *arguments, "--course", folder], folder)

    return invoke


def refused(result, sentence):
    assert result.exit_code == 1
    assert re.fullmatch(f"Error: {sentence}\n", result.stderr), result.stderr
    assert result.stdout == ""
    return True


def final(marks):
    return {student: mark.final for student, mark in marks.items()}


def exported(course, exporter, *arguments):
    """`nbgrader export` with one of our plugins."""
    return nbgrader(course, "export", f"--exporter=autograde.export.plugins.{exporter}", *arguments)


def test_the_class_has_marks_and_statuses(marks):
    assert {mark.statuses for mark in marks.values() if mark.final is None} >= {("missing",), ("malformed",)}
    assert 0 in final(marks).values(), "a blank submission has earned 0"


def test_canvas(run, marks, sheets):
    result = run(3, "--format", "canvas", "--sheet", sheets / "canvas.csv")
    assert result.exit_code == 0, result.output
    _, cells = readers.canvas(result.stdout_bytes)
    got = {row[3]: cells[row[1]]["03 Multiply the factors (77)"] for row in csv.reader(io.StringIO(result.stdout))
           if row[1:2] and row[1] in cells}  # fmt: skip
    assert got == {student: "" if mark is None else mark for student, mark in final(marks).items()}
    for student, mark in marks.items():
        assert (mark.final is None) == (student in result.stderr), student


def test_moodle_with_comments(run, graded, marks, sheets):
    result = run(3, "--format", "moodle", "--sheet", sheets / "moodle.csv", "--comments")
    assert result.exit_code == 0, result.output
    headers = {"identifier": "Identifier",
               "grade": "Grade", "maximum": "Maximum grade", "comments": "Feedback comments",
               "locked": "Grade can be changed", "modified": "Last modified (grade)"}  # fmt: skip
    read = readers.moodle(result.stdout_bytes, headers, "Participant ")
    for number, student in enumerate(graded[0].students()):
        grade, comment = read[number]
        mark = marks[student]
        assert grade == (None if mark.final is None else mark.final * 10)
        lost = [row.exercise for row in mark.rows if row.score is None or row.score < row.points]
        assert re.findall(r"(\w+), (?:[\d.]+ of [\d.]+|crashed|timed out): ", comment) == (
            [] if mark.final is None else lost
        )


def test_gradescope(run, marks, tmp_path):
    out = tmp_path / "new" / "results"
    result = run(3, "--format", "gradescope", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    found = {path.parts[-3]: readers.gradescope(json.loads(path.read_bytes())) for path in out.glob("*/*/results.json")}
    assert found == {student: mark for student, mark in final(marks).items() if mark is not None}
    assert found[QUOTED] == 8
    assert refused(
        run(3, "--format", "gradescope", "--out", out), f"{out} is there and not empty: name a new folder, .*"
    )


def test_lti(run, graded, marks, sheets):
    result = run(3, "--format", "lti", "--users", sheets / "users.csv")
    assert result.exit_code == 0, result.output
    read = {score["userId"]: readers.lti(score) for score in map(json.loads, result.stdout.splitlines())}
    for number, student in enumerate(graded[0].students()):
        mark = marks[student].final
        assert read[f"u-{number}"] == (None if mark is None else mark / 8)


@pytest.mark.parametrize(
    ("exporter", "format_", "options"),
    [
        ("RowsExport", "csv", []),
        ("CanvasExport", "canvas", ["sheet=canvas.csv"]),
        ("MoodleExport", "moodle", ["sheet=moodle.csv", "comments=True"]),
        ("GradescopeExport", "gradescope", ["visibility=visible"]),
        ("LtiExport", "lti", ["users=users.csv"]),
    ],
)
def test_nbgrader_exports_the_same(run, graded, sheets, tmp_path, exporter, format_, options):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    named = [option.replace("=", f"={sheets}/") if ".csv" in option else option for option in options]
    result = exported(
        graded[0], exporter, f"--to={theirs}", f"--assignment={LESSON}", *(f"--{exporter}.{each}" for each in named)
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "not recognized" not in result.stderr
    flags = [f"--{each.replace('=True', '')}" for each in named]
    mine = run(LESSON, "--format", format_, "--out", ours, *flags)
    assert mine.exit_code == 0, mine.output
    for note in mine.stderr.splitlines():
        assert note in result.stderr
    if format_ == "gradescope":
        names = {path.relative_to(ours) for path in ours.rglob("*.json")}
        assert names == {path.relative_to(theirs) for path in theirs.rglob("*.json")} != set()
        assert all((ours / name).read_bytes() == (theirs / name).read_bytes() for name in names)
    else:
        hide = (rb'"timestamp": "[^"]*"', b"")
        assert re.sub(*hide, ours.read_bytes()) == re.sub(*hide, theirs.read_bytes())


def test_nbgrader_exports_some_students_and_says_what_is_wrong(graded, sheets, tmp_path):
    out = tmp_path / "out.csv"
    result = exported(graded[0], "RowsExport", f"--to={out}", "--student=['ada-solved']")
    assert result.returncode == 0, result.stderr
    assert {row["student"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8")))} == {"ada-solved"}
    result = exported(graded[0], "CanvasExport", f"--to={out}", f"--CanvasExport.sheet={sheets / 'moodle.csv'}")
    assert result.returncode == 1
    assert "no gradebook of Canvas" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_command_knows_every_format_and_each_format_its_options():
    (choice,) = [each.type for each in main.commands["export"].params if each.name == "format_"]
    assert list(choice.choices) == list(FORMATS) == list(OPTIONS)
    assert set().union(*OPTIONS.values()) == {field.name for field in fields(Settings)} - {"lessons", "students"}


# ---- sentences


def test_what_was_downloaded_is_never_written_to(run, sheets, tmp_path):
    before = (sheets / "canvas.csv").read_bytes()
    (tmp_path / "link.csv").symlink_to(sheets / "canvas.csv")
    for out in (sheets / "canvas.csv", tmp_path / "link.csv"):
        result = run(3, "--format", "canvas", "--sheet", sheets / "canvas.csv", "--out", out)
        assert refused(result, f"{out} is what was downloaded, and stays as it is: name another file with --out.")
    assert (sheets / "canvas.csv").read_bytes() == before


def test_an_older_export_is_replaced(run, sheets, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("older")
    result = run(3, "--format", "canvas", "--sheet", sheets / "canvas.csv", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_bytes().startswith(b"Student,")
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sheet", "nbgrader_config.py"], "--sheet does not go with --format csv."),
        (["--column", "3=x"], "--column does not go with --format csv."),
        (["--column", "3"], "--column 3 names no header: write --column 3=HEADER."),
        (["--format", "lti", "--visibility", "hidden"], "--visibility does not go with --format lti."),
        (["--format", "gradescope", "--visibility", "now"], "There is no visibility 'now': after_published, .*"),
        (["--format", "gradescope"], "This export is a folder of files: name a new one with --out DIR."),
        (["--format", "canvas"], "--format canvas fills the sheet that you download from there: .* --sheet FILE."),
        (["--student", "nobody"], "There is no student 'nobody' in .*"),
        (
            ["--format", "moodle", "--sheet", "nbgrader_config.py", "--column", "points=x"],
            "There is no column 'points' to choose: the columns are identifier, .*",
        ),
        (["--format", "canvas", "--sheet", "nbgrader_config.py"], "nbgrader_config.py is no gradebook of Canvas, .*"),
        (
            ["--format", "canvas", "--sheet", "nbgrader_config.py", "--encoding", "klingon"],
            "There is no encoding 'klingon': try .*",
        ),
        (["--out", "nowhere/x.csv"], r"nowhere/\.x\.csv\.draft: No such file or directory\."),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, arguments, sentence):
    assert refused(run(*arguments), sentence)


def test_one_lesson_where_one_is_needed(run, monkeypatch):
    monkeypatch.setattr("autograde.course.Course.lessons", lambda course: [LESSON, "04_bias"])
    assert refused(run("--format", "lti"), "--format lti is for one assignment: .* autograde export 3 --format lti.")


def test_nobody_to_export(run, fresh):
    assert refused(run("--format", "lti", course=fresh), ".* has nobody to export: collect the class, .*")
    assert run(course=fresh).stdout == "student,lesson,exercise,outcome,score,points\n"


def test_names_like_formulas_are_kept_and_said(run, own):
    (own.submitted / "=1+1").mkdir()
    result = run(course=own)
    assert f"=1+1,{LESSON},DotProduct,missing,,3.5\n" in result.stdout
    assert result.stderr == "A spreadsheet may take these names for formulas, so import them as text: =1+1.\n"
