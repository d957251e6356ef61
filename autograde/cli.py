"""The `autograde` command: a thin skin. It reads arguments, calls the modules, and prints."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from autograde import catalogue
from autograde.card import LOOK
from autograde.corrections import Corrections
from autograde.course import Course, CourseError, find_root
from autograde.database import GradebookError
from autograde.exercise import Outcome
from autograde.kernel.limits import Limits
from autograde.results import Result

__all__ = ["main"]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build the lessons, grade a class, read and export its marks."""


def in_course(command: Callable) -> Callable:
    """Give a command the option --course, and a Course instead of it; our errors become one sentence."""

    @click.option("--course", "folder", default="course", show_default=True, help="The folder of the class.")
    @functools.wraps(command)
    def run(folder: str, gradebook: str = "", **arguments):
        try:
            root = find_root(Path.cwd())
            return command(course=Course(root, (root / folder).resolve(), gradebook), **arguments)
        except (CourseError, GradebookError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error.filename or folder}: {error.strerror or error}.") from error

    return run


with_gradebook = click.option(  # above in_course, which takes it
    "--db",
    "gradebook",
    default="",
    envvar="AUTOGRADE_DB",
    metavar="URL",
    help="The gradebook: postgresql://USER@HOST/NAME. Without it, gradebook.db in the folder of the class.",
)


@main.command("build")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail when a file is stale.")
@in_course
def build_command(course: Course, only_check: bool) -> None:
    """Make lessons/ and build/source/ from solutions/."""
    from autograde.build import build, stale

    if not only_check:
        for path in build(course, course.lessons()):
            click.echo(f"wrote {path.relative_to(course.root)}")
        return
    if found := [str(path.relative_to(course.root)) for path in stale(course, course.lessons())]:
        raise click.ClickException("\n".join(f"{path} is stale: run make lessons" for path in found))


@main.command()
@click.argument("slug")
@in_course
def new(course: Course, slug: str) -> None:
    """Begin a lesson: write its two files, to be filled in."""
    from autograde.scaffold import scaffold

    for path in scaffold(course, slug):
        click.echo(f"wrote {path.relative_to(course.root)}")
    click.echo("Fill both in, then: make lessons")


@main.command("sample-class")
@click.option("--students", default=12, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--seed", default=0, show_default=True, help="Deals the mistakes out.")
@with_gradebook
@in_course
def sample_class(course: Course, students: int, seed: int) -> None:
    """Make a class to try grading on: solved, blank, mistakes, and accidents."""
    from autograde.sample_class import make_sample_class

    planted = make_sample_class(course, students, seed)
    click.echo(f"{len(planted)} students handed in {len(course.lessons())} lessons: {course.submitted}")


@main.command()
@click.argument("lessons", nargs=-1)
@click.option("--student", "students", multiple=True, help="Only this student; may be given several times.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Notebooks run at once.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="Use the workers of this Dask scheduler: tcp://...")
@click.option("--dry-run", is_flag=True, help="Say who gains and who loses, and change no mark.")
@click.option("--no-walls", is_flag=True, help="Run learners' code with nothing around it: only for those you trust.")
@click.option(
    "--seconds", default=Limits.cell_seconds, show_default=True, type=click.IntRange(min=1), help="Limit for one cell."
)
@with_gradebook
@in_course
def grade(
    course: Course,
    lessons: tuple[str, ...],
    students: tuple[str, ...],
    workers: int,
    scheduler: str,
    dry_run: bool,
    no_walls: bool,
    seconds: int,
) -> None:
    """Grade the class, or only some LESSONS of it (by name, slug or number).

    What has been graded before and is unchanged is not graded again. Stopped at any moment, the same command goes on.
    Before a mark changes that stands in the gradebook, it is told whose, and how.
    """
    from autograde.grading import grade as grade_class

    chosen, everybody = course.chosen(lessons), course.students()
    if not everybody:
        raise CourseError(
            f"Nobody has handed anything in: {course.submitted} is empty. "
            "Collect there with nbgrader, or make a class to try with: autograde sample-class"
        )
    if strangers := sorted(set(students) - set(everybody)):
        raise CourseError(f"There is no student {strangers[0]!r} in {course.submitted}: {', '.join(everybody)}.")
    wanted = list(dict.fromkeys(students)) or everybody
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("grading", total=len(chosen) * len(wanted))

        def on_result(result: Result) -> None:
            bar.update(task, advance=1)
            done = int(bar.tasks[0].completed)
            if not console.is_terminal:
                console.print(
                    f"{done}/{len(chosen) * len(wanted)} {result.student} {result.lesson}",
                    highlight=False,
                    markup=False,
                )

        results = grade_class(
            course,
            chosen,
            wanted,
            workers=workers,
            scheduler=scheduler,
            walls=not no_walls,
            limits=Limits(cell_seconds=seconds),
            dry_run=dry_run,
            on_result=on_result,
            before_correcting=functools.partial(_print_corrections, console, dry_run),
        )
    if dry_run:
        click.echo("Nothing was written: the same command without --dry-run enters it.")
        return
    _print_table(console, course, chosen, results)
    _write_whole_report(course, results)
    if ungraded := [result for result in results if result.problem is Outcome.UNGRADED]:
        raise CourseError(
            f"{len(ungraded)} of {len(results)} could not be graded, by no fault of the students'. {ungraded[0].note}"
        )


@main.command()
@with_gradebook
@in_course
def report(course: Course) -> None:
    """Write the report again from what has been graded."""
    _write_whole_report(course, [])


@main.command()
@with_gradebook
@in_course
def doctor(course: Course) -> None:
    """Say whether this machine can grade: which walls stand, and what is missing."""
    from autograde.doctor import examine

    findings = examine(course)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        click.echo(f"{'✓' if finding.is_well else '✗'} {finding.name:<{width}}  {finding.sentence}")
    if any(finding.needed and not finding.is_well for finding in findings):
        raise SystemExit(1)


@main.command()
@click.argument("lessons", nargs=-1)
@click.option(
    "--format",
    "format_",
    default="csv",
    show_default=True,
    type=click.Choice(["csv", "canvas", "moodle", "gradescope", "lti"]),
)
@click.option("--sheet", type=FILE, help="What you downloaded from Canvas or Moodle; it stays as it is.")
@click.option("--out", type=click.Path(path_type=Path), help="Write there: a file, for gradescope a new folder.")
@click.option("--student", "students", multiple=True, help="Only this student; may be given several times.")
@click.option("--users", type=FILE, help="A CSV file with student,userId: who is who there.")
@click.option("--column", "columns", multiple=True, metavar="WHAT=HEADER", help="Which column is which, if need be.")
@click.option("--encoding", default="", help="How your files are written, if not as UTF-8: cp1252 for example.")
@click.option("--missing-as-zero", is_flag=True, help="Write 0 where nothing was handed in.")
@click.option("--comments", is_flag=True, help="Say in a comment why points were lost (moodle, lti).")
@click.option("--visibility", default="after_published", show_default=True, help="When gradescope shows results.")
@with_gradebook
@in_course
def export(
    course: Course,
    lessons: tuple[str, ...],
    format_: str,
    out: Path | None,
    columns: tuple[str, ...],
    **chosen,
) -> None:
    """Print the marks, of all LESSONS or some, as another system reads them.

    A status is never written as a zero. What you have to know, such as who is not on the sheet, is said on stderr.
    """
    from autograde.export.exported import Settings
    from autograde.export.formats import export as exported_as
    from autograde.export.formats import write

    if strangers := [each for each in columns if "=" not in each]:
        raise CourseError(f"--column {strangers[0]} names no header: write --column {strangers[0]}=HEADER.")
    named = dict(each.split("=", 1) for each in columns)
    settings = Settings(tuple(course.chosen(lessons)), columns=named, **chosen)
    exported = exported_as(course, format_, settings)
    write(exported, out, settings)
    for note in exported.notes:
        click.echo(note, err=True)


@main.group()
def db() -> None:
    """Look after the gradebook's indexes, which nbgrader's tables lack."""


@db.command()
@with_gradebook
@in_course
def status(course: Course) -> None:
    """Say which indexes are there."""
    from autograde.migration import INDEXES, present

    for name, is_there in present(course.db_url).items():
        table, column = INDEXES[name]
        click.echo(f"{'✓' if is_there else '✗'} {name}  on {table} ({column})")


@db.command()
@with_gradebook
@in_course
def upgrade(course: Course) -> None:
    """Add the indexes that are missing, as grading does by itself. Others may read and write meanwhile."""
    from autograde.migration import upgrade as add

    _print_names("added", add(course.db_url), "Nothing to do: all indexes are there.")


@db.command()
@with_gradebook
@in_course
def downgrade(course: Course) -> None:
    """Take the indexes away, and leave nbgrader's tables as they came."""
    from autograde.migration import downgrade as take_away

    _print_names("removed", take_away(course.db_url), "Nothing to do: none of the indexes is there.")


def _print_names(done: str, names: list[str], nothing: str) -> None:
    click.echo("\n".join(f"{done} {name}" for name in names) or nothing)


def _write_whole_report(course: Course, fresh: list[Result]) -> None:
    """The report of the whole class. fresh: results that need not be read from disk again."""
    from autograde.report import write_report
    from autograde.results import results_of

    results = results_of(course, course.lessons(), fresh)
    if not results:
        raise CourseError("Nothing has been graded yet, so there is nothing to report: autograde grade")
    written = write_report(course, results)
    if written.found_again:
        click.echo(f"sample class: {written.found_again}")
    click.echo(f"report: {written.path}")


def _print_corrections(console: Console, dry_run: bool, corrections: Corrections) -> None:
    """Who gains and who loses, before it is written."""
    gains = corrections.gains()
    table = Table(title="Marks that would change" if dry_run else "Marks that change")
    for column in ("student", "lesson", "exercise", "points"):
        table.add_column(column, no_wrap=True)
    for change in sorted(corrections.changes, key=lambda change: (change.student, change.lesson)):
        table.add_row(*map(Text, (change.student, change.lesson, change.exercise, str(change))))
    if gains:
        width = max(len(str(part)) for change in corrections.changes for part in (change.student, change.exercise))
        if not console.is_terminal:
            console.width = max(100, 60 + 2 * width)
        console.print(table)
    if undated := [f"{student} {lesson}" for student, lesson in corrections.undated]:
        from autograde.export.people import in_words

        click.echo(f"No timestamp.txt, so nobody knows whether it came late: {in_words(undated, 3)}.")
    for note in corrections.notes:
        click.echo(note)
    if summary := corrections.summary():
        click.echo(summary)


def _print_table(console: Console, course: Course, lessons: list[str], results: list[Result]) -> None:
    table = Table(title="Points and statuses")
    table.add_column("student", no_wrap=True)
    for lesson in lessons:
        table.add_column(f"{lesson}\nof {catalogue.points(course, lesson):g}", justify="right")
    by_place = {(result.student, result.lesson): result for result in results}
    for student in dict.fromkeys(result.student for result in results):
        marks = (_cell_text(by_place[student, lesson]) for lesson in lessons)
        table.add_row(*map(Text, (student, *marks)))  # plain text: a name may look like rich's markup
    if not console.is_terminal:  # a file has no width, and rich would cut the table to 80 columns
        console.width = max(100, 24 + 28 * len(lessons))
    console.print(table)


def _cell_text(result: Result) -> str:
    marks = [f"{LOOK[status][0]} {status}" for status in result.statuses]
    score = [] if result.problem else [f"{result.score:g}"]
    return "  ".join([*marks, *score])
