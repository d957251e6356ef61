"""The command: help for everything, a sentence and an exit code for whatever is wrong, tables and files otherwise."""

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from autograde import cli
from autograde.cli import main
from autograde.exercise import Outcome
from autograde.kernel.walls import Walls
from autograde.results import Result

from .gradebooks import run_command
from .small_class import LESSON, hand_in

COMMANDS = ["build", "db", "doctor", "export", "grade", "new", "report", "sample-class"]
DB_COMMANDS = [["db", name] for name in ("downgrade", "status", "upgrade")]


@pytest.fixture
def run(monkeypatch, small_root):
    """Run the command in the small repository; returns click's result, and fails on a traceback."""
    monkeypatch.chdir(small_root)

    def invoke(*arguments):
        words = list(map(str, arguments))
        folder = words[words.index("--course") + 1] if "--course" in words else small_root / "course"
        return run_command(words, folder)

    return invoke


def refused(result, sentence):
    """Whether a command ended with this sentence alone and an exit code that says so."""
    assert result.exit_code == 1
    assert re.fullmatch(f"Error: {sentence}\n", result.output), result.output
    return True


# ---- help


def test_help_is_quick_and_lists_every_command():
    script = Path(sys.executable).with_name("autograde")
    ran = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    listed = re.findall(r"(?m)^  ([a-z-]+)  +\S", ran.stdout[ran.stdout.index("Commands:") :])
    assert listed == sorted(main.commands) == COMMANDS
    assert ran.stderr == ""


@pytest.mark.parametrize("command", [*([name] for name in COMMANDS if name != "db"), *DB_COMMANDS])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help_and_takes_a_course(run, command, flag):
    result = run(*command, flag)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert "--course TEXT" in result.output
    assert "[default: course]" in result.output


# ---- sentences


@pytest.mark.parametrize(
    "command", [["build", "--check"], ["grade"], ["report"], ["export"], ["sample-class"], ["new", "x"]]
)
def test_outside_the_repository_one_sentence(run, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    assert refused(run(*command), rf"{tmp_path} does not lie in the course's repository: change to .*\.")
    assert list(tmp_path.iterdir()) == []


def test_nobody_handed_in(run, fresh):
    result = run("grade", "--course", fresh.folder)
    assert refused(result, "Nobody has handed anything in: .*submitted is empty. .* autograde sample-class")


@pytest.mark.parametrize("command", ["grade", "export"])
def test_an_unknown_lesson(run, own, command):
    result = run(command, "4", "--course", own.folder)
    assert refused(result, f"There is no lesson '4'. The lessons are: {LESSON}.")


def test_an_unknown_student(run, own):
    result = run("grade", "--student", "nobody", "--student", "odd-empty", "--course", own.folder)
    assert refused(result, "There is no student 'nobody' in .*submitted: ada-solved, .*")


def test_nothing_to_report(run, fresh):
    assert refused(run("report", "--course", fresh.folder), "Nothing has been graded yet, .*: autograde grade")


def test_a_real_class_is_no_place_for_a_sample(run, fresh):
    hand_in(fresh, "mia", b"hers")
    result = run("sample-class", "--course", fresh.folder)
    assert refused(result, r".* holds a real class \(mia\): choose another folder .*")


def test_a_course_that_is_a_file(run, tmp_path):
    (tmp_path / "file").touch()
    assert refused(run("grade", "--course", tmp_path / "file"), f"{tmp_path}/file: File exists.")
    assert refused(run("export", "--course", tmp_path / "file" / "deeper"), f"{tmp_path}/file/deeper: Not a directory.")


@pytest.mark.parametrize("option", [["--workers", "0"], ["--seconds", "0"], ["--workers", "many"]])
def test_numbers_have_a_range(run, own, option):
    result = run("grade", *option, "--course", own.folder)
    assert result.exit_code == 2
    assert "Invalid value" in result.output


# ---- what it does


def test_grade_prints_progress_a_table_and_the_report(run, own):
    students = ["--student", "odd-renamed", "--student", "odd-empty", "--student", "odd-renamed"]
    result = run("grade", "03", "dot_product", *students, "--workers", "1", "--course", own.folder)
    assert result.exit_code == 0, result.output
    assert re.findall(r"(?m)^(\d/\d \S+ \S+)$", result.output) == [
        f"1/2 odd-renamed {LESSON}",
        f"2/2 odd-empty {LESSON}",
    ]
    table = result.output[result.output.index("Points and statuses") :]
    assert "of 8" in table
    assert re.search(r"odd-renamed\W+missing", table)
    assert re.search(r"odd-empty\W+malformed", table)
    assert result.output.endswith(f"report: {own.report}\n")
    page = own.report.read_text(encoding="utf-8")
    assert "ada-solved" in page, "the report is of the whole class, not only of who was graded now"


def test_what_could_not_be_graded_ends_in_a_sentence_and_an_exit_code(run, own, monkeypatch):
    def grade_class(course, lessons, students, **options):
        assert options["walls"] is False
        assert options["scheduler"] == "tcp://elsewhere:1"
        return [
            Result(student, LESSON, problem=Outcome.UNGRADED, note="Grading itself failed.") for student in students
        ]

    monkeypatch.setattr("autograde.grading.grade", grade_class)
    arguments = ["--no-walls", "--scheduler", "tcp://elsewhere:1", "--student", "ada-solved"]
    result = run("grade", *arguments, "--course", own.folder)
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert last == "Error: 1 of 1 could not be graded, by no fault of the students'. Grading itself failed."


def test_doctor_says_what_stands_and_fails_without_enough_walls(run, own, monkeypatch):
    result = run("doctor", "--course", own.folder)
    assert result.exit_code == 0
    assert re.search(r"(?m)^✓ walls +enough of them stand", result.output)
    assert re.search(rf"(?m)^✓ secret +[0-9a-f]{{12}} in {own.secret_file}", result.output)
    own.secret_file.write_bytes(b"short")
    monkeypatch.setattr(Walls, "found", lambda: Walls.none())
    result = run("doctor", "--course", own.folder)
    assert result.exit_code == 1
    assert re.search(r"(?m)^✗ bubblewrap +missing: ", result.output)
    assert re.search(r"(?m)^✗ walls +too few stand: install bubblewrap", result.output)
    assert re.search(r"(?m)^✗ secret +.* is damaged", result.output)


def test_doctor_in_a_course_where_nothing_has_happened(run, fresh):
    result = run("doctor", "--course", fresh.folder)
    assert result.exit_code == 0
    assert "none yet: the first grading makes one." in result.output
    assert not fresh.secret_file.exists()


def test_doctor_looks_at_the_policy(run, own):
    assert "✓ policy      none: " in run("doctor", "--course", own.folder).output
    own.policy_file.write_text("[due]\n03 = 2026-11-20\n[extensions]\nada-solved = '2 days'\n")
    assert "with a date for 1 of 1 lessons." in run("doctor", "--course", own.folder).output
    own.policy_file.write_text("[extensions]\nada-solvd = '2 days'\n")
    result = run("doctor", "--course", own.folder)
    assert "gives extensions to ada-solvd, who handed nothing in" in result.output
    assert result.exit_code == 0
    own.policy_file.write_text("[late]\npercent_per_day = 'ten'\n")
    result = run("doctor", "--course", own.folder)
    assert "✗ policy " in result.output
    assert "late.percent_per_day is 'ten'" in result.output
    assert result.exit_code == 1


def test_doctor_looks_at_the_gradebook(run, own, tmp_path):
    assert re.search(r"(?m)^✓ gradebook +.*, with all indexes\.$", run("doctor", "--course", own.folder).output)
    run("db", "downgrade", "--course", own.folder)
    said = run("doctor", "--course", own.folder)
    assert re.search(r"(?m)^✗ gradebook +.* indexes, .*: autograde db upgrade$", said.output)
    assert said.exit_code == 0, "grading adds them"
    said = run("doctor", "--course", own.folder, "--db", "postgresql://ada:secret@127.0.0.1:9/x")
    assert re.search(r"(?m)^✗ gradebook +No PostgreSQL server answers there.*/ada:\*\*\*@127", said.output)
    assert said.exit_code == 1


@pytest.mark.parametrize("command", [["grade"], ["report"], ["export"], ["sample-class"], ["db", "status"]])
def test_a_gradebook_that_cannot_be_reached_is_one_sentence(run, own, command):
    said = run(*command, "--course", own.folder, "--db", "postgresql://ada:secret@127.0.0.1:9/x")
    assert said.exit_code == 1
    assert re.fullmatch(r"Error: No PostgreSQL server answers there: .*ada:\*\*\*@127\.0\.0\.1:9/x\.\n", said.output)


def test_a_place_that_is_none_is_one_sentence(run, own):
    said = run("grade", "--course", own.folder, "--db", "mysql://ada:secret@127.0.0.1/x")
    assert refused(said, "'mysql://ada:.*@127.* is no place for a gradebook: write postgresql://.*")
    assert "secret" not in said.output


def test_a_name_is_printed_as_it_is(own, capsys):
    results = [Result("a[bold]b[/bold]", LESSON, problem=Outcome.MISSING, note="")]
    cli._print_table(Console(), own, [LESSON], results)
    assert "a[bold]b[/bold]" in capsys.readouterr().out


def test_export_prints_csv_and_nothing_else(run, graded):
    course, _, results, _ = graded
    result = run("export", "--course", course.folder)
    read = list(csv.DictReader(io.StringIO(result.output)))
    assert result.exit_code == 0
    assert len(read) == len(results) * len(course.exercises(LESSON))
    assert sum(float(row["score"] or 0) for row in read) == sum(result.score for result in results)
    assert run("export", "3", "--format", "csv", "--course", course.folder).output == result.output


def test_report_writes_what_has_been_graded(run, own):
    result = run("report", "--course", own.folder)
    assert result.exit_code == 0
    assert re.match(r"sample class: (\d+) mistakes were planted, .* and \1 were found again", result.output)
    assert result.output.endswith(f"\nreport: {own.report}\n")
    assert own.report.is_file()
    (own.folder / "sample_class.json").unlink()
    result = run("report", "--course", own.folder)
    assert (result.exit_code, result.output) == (0, f"report: {own.report}\n"), (
        "a real class, in which nothing is planted"
    )


def test_sample_class_says_where_it_is(run, fresh):
    result = run("sample-class", "--students", "7", "--seed", "2", "--course", fresh.folder)
    assert (result.exit_code, result.output) == (0, f"7 students handed in 1 lessons: {fresh.submitted}\n")
    assert len(fresh.students()) == 7
    assert refused(run("sample-class", "--students", "3", "--course", fresh.folder), "A sample class has at least 6 .*")


def test_build_says_what_it_wrote(monkeypatch, small_root, tmp_path):
    shutil.copytree(small_root / "solutions", tmp_path / "solutions")
    shutil.copy(small_root / "nbgrader_config.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["build"])
    assert result.output.splitlines() == [
        f"wrote build/source/{LESSON}/{LESSON}.ipynb",
        f"wrote lessons/{LESSON}/{LESSON}.ipynb",
    ]
    assert CliRunner().invoke(main, ["build"]).output == ""
