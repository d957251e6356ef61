"""The corpus of attacks, graded through both doors: none earns more than the same cell without its trick.

Beside the attacks sit honest people, who get full marks, and nothing of an attack is left afterwards.
"""

import os
import pickle
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from autograde.build import build, released, source
from autograde.course import Course
from autograde.exercise import Outcome
from autograde.kernel.walls import Walls
from autograde.results import results_of
from collabkit.movielens import cache_file

from .attacks.corpus import LEFT, MARKER, accomplice, attacks, cell_of, loot_in, notebook_of
from .attacks.watch import watched
from .gradebooks import ON_POSTGRESQL, course_at, rows_in

pytestmark = pytest.mark.skipif(not Walls.found().enough, reason=f"walls are missing here: {Walls.found().lines()}")

CORPUS = {attack.name: attack for attack in attacks()}
LESSONS = sorted({attack.lesson for attack in CORPUS.values()})
PLAIN = [attack.name for attack in CORPUS.values() if "plain" in attack.parts]
HONEST = [f"{letter}-solved-{lesson[:2]}" for letter in "amz" for lesson in LESSONS]  # first, in the midst, last
DOORS = ("autograde_grade", "nbgrader_autograde")
CELL_SECONDS = 5
EVERYBODYS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"))


@dataclass(frozen=True)
class Graded:
    """A class with the whole corpus in it, after it was graded through one door."""

    course: Course
    codes: tuple[int | None, ...]  # of the commands; None where one did not end
    said: str
    left_processes: tuple[str, ...]
    left_files: tuple[Path, ...]

    def __post_init__(self):
        results = results_of(self.course, LESSONS)
        object.__setattr__(self, "results", {(each.student, each.lesson): each for each in results})
        rows = rows_in(
            self.course,
            "SELECT submitted_assignment.student_id, assignment.name, "
            "SUM(COALESCE(grade.manual_score, grade.auto_score, 0) + COALESCE(grade.extra_credit, 0)) "
            "FROM grade JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id "
            "JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id "
            "JOIN assignment ON submitted_assignment.assignment_id = assignment.id "
            "GROUP BY submitted_assignment.student_id, assignment.name",
        )
        object.__setattr__(self, "marks", {(student, lesson): round(mark, 6) for student, lesson, mark in rows})

    def result(self, student, lesson):
        return self.results[student, lesson]

    def mark(self, student, lesson):
        """What nbgrader's gradebook says, which is what is exported; a problem's mark is 0."""
        return self.marks.get((student, lesson), 0)

    def notebook(self, student, lesson):
        return nbformat.read(self.course.graded(student, lesson), as_version=4)


@pytest.fixture(scope="session")
def through(root, shared):
    """Door -> the class graded through it, once for all workers of pytest-xdist."""

    def graded(door):
        folder = shared / f"attacks-{door}"
        with FileLock(f"{folder}.lock"):
            record = folder.with_suffix(".pickle")
            if not record.exists():
                record.write_bytes(pickle.dumps(_graded(door, root, folder)))
        return pickle.loads(record.read_bytes())

    return graded


@pytest.fixture(scope="session", params=DOORS, ids="by_{}".format)
def graded_by(request, through):
    return through(request.param)


def _graded(door, root, folder):
    (folder / "solutions").mkdir(parents=True)
    for lesson in LESSONS:
        shutil.copy(root / "solutions" / f"{lesson}.py", folder / "solutions")
    shutil.copy(root / "nbgrader_config.py", folder)
    course = course_at(folder, folder / "course")
    build(course, LESSONS)
    home, temporary = folder / "home", folder / "tmp"
    for each in (home, temporary, course.folder):
        each.mkdir()
    (course.folder / ".attack-course").touch()  # attacks write to no other gradebook
    environment = {
        **os.environ,
        MARKER: "1",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "AUTOGRADE_COURSE": str(course.folder),
        "AUTOGRADE_DB": course.gradebook,
        "COLLABKIT_CACHE": str(cache_file().parent),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(root),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    before = set(_leftovers(home, temporary, course.folder))
    ran = []
    with accomplice(_solution(course)) as port:
        _hand_in_everything(course, port)
        for command in _commands(door, course):
            ran.append(watched(command, seconds=1200, cwd=folder, environment=environment))
    return Graded(
        course,
        tuple(each.code for each in ran),
        "\n".join(each.output for each in ran),
        tuple(name for each in ran for name in each.left),
        tuple(path for path in _leftovers(home, temporary, course.folder) if path not in before),
    )


def _commands(door, course):
    scripts = Path(sys.executable).parent
    if door == DOORS[0]:
        yield [scripts / "autograde", "grade", "--course", course.folder, "--seconds", str(CELL_SECONDS)]
        return
    for lesson in LESSONS:
        yield [scripts / "nbgrader", "generate_assignment", lesson, "--create"]
    for lesson in LESSONS:
        yield [scripts / "nbgrader", "autograde", lesson, f"--ExecuteAndJudge.cell_seconds={CELL_SECONDS}"]


def _solution(course):
    solved = nbformat.read(source(course, "03_dot_product"), as_version=4)
    return cell_of(solved, "DotProduct-answer").source


def _hand_in_everything(course, port):
    blank = {lesson: nbformat.read(released(course, lesson), as_version=4) for lesson in LESSONS}
    for attack in CORPUS.values():
        notebook = notebook_of(attack, blank[attack.lesson], port=port)
        _hand_in(course, f"attack-{attack.name}", attack.lesson, nbformat.v4.writes_json(notebook).encode())
        if attack.name in PLAIN:
            notebook = notebook_of(attack, blank[attack.lesson], plain=True)
            _hand_in(course, f"plain-{attack.name}", attack.lesson, nbformat.v4.writes_json(notebook).encode())
    for lesson in LESSONS:
        _hand_in(course, f"blank-{lesson[:2]}", lesson, released(course, lesson).read_bytes())
        for student in HONEST:
            if student.endswith(lesson[:2]):
                _hand_in(course, student, lesson, source(course, lesson).read_bytes())


def _hand_in(course, student, lesson, content):
    path = course.submission(student, lesson)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def _leftovers(*places):
    found = [path for place in EVERYBODYS for path in place.glob(f"{LEFT}*")]
    return found + [path for place in places for path in place.rglob(f"{LEFT}*")]


def _plain_mark(graded, name):
    """The mark of the same cell without its trick: a blank one where there is nothing else in it."""
    attack = CORPUS[name]
    student = f"plain-{name}" if name in PLAIN else f"blank-{attack.lesson[:2]}"
    return graded.mark(student, attack.lesson)


@pytest.mark.parametrize("name", CORPUS)
def test_an_attack_earns_no_more_than_the_same_cell_without_its_trick(name, graded_by):
    attack = CORPUS[name]
    mark = graded_by.mark(f"attack-{name}", attack.lesson)
    assert mark <= _plain_mark(graded_by, name), graded_by.result(f"attack-{name}", attack.lesson)


@pytest.mark.parametrize("name", CORPUS)
def test_an_attack_gets_to_see_nothing(name, graded_by):
    attack = CORPUS[name]
    if graded_by.result(f"attack-{name}", attack.lesson).problem is None:
        assert loot_in(graded_by.notebook(f"attack-{name}", attack.lesson)) == []


def test_a_blank_notebook_earns_nothing(graded_by):
    for lesson in LESSONS:
        assert graded_by.mark(f"blank-{lesson[:2]}", lesson) == 0
        assert graded_by.result(f"blank-{lesson[:2]}", lesson).statuses == [Outcome.NOT_ATTEMPTED]


def test_the_honest_get_full_marks(graded_by):
    for lesson in LESSONS:
        points = sum(exercise.points for exercise in graded_by.course.exercises(lesson).values())
        for student in HONEST:
            if student.endswith(lesson[:2]):
                assert graded_by.mark(student, lesson) == points, graded_by.result(student, lesson)


def test_the_class_is_graded_to_its_end(graded_by):
    assert set(graded_by.codes) == {0}, graded_by.said[-3000:]
    outcomes = {each.problem for each in graded_by.results.values() if each.problem is not Outcome.MISSING}
    assert outcomes <= {None, Outcome.MALFORMED}, outcomes
    for name, attack in CORPUS.items():
        assert (f"attack-{name}", attack.lesson) in graded_by.results


def test_nothing_of_an_attack_is_left(graded_by):
    assert graded_by.left_processes == ()
    assert graded_by.left_files == ()
    scratch = [
        path for path in (graded_by.course.root / "tmp").rglob("*") if "scratch-space" not in str(path)
    ]  # Dask's
    assert [path for path in scratch if "autograde" in path.name] == []


def test_the_gradebook_holds_what_the_judge_gave_and_nothing_else(graded_by):
    triggers = "pg_trigger WHERE NOT tgisinternal" if ON_POSTGRESQL else "sqlite_master WHERE type = 'trigger'"
    assert rows_in(graded_by.course, f"SELECT count(*) FROM {triggers}") == [(0,)]
    by_hand = "SELECT count(*) FROM grade WHERE manual_score IS NOT NULL OR COALESCE(extra_credit, 0) != 0"
    assert rows_in(graded_by.course, by_hand) == [(0,)]
    for (student, lesson), result in graded_by.results.items():
        assert graded_by.mark(student, lesson) == result.score, student


def test_no_script_of_an_attack_s_reaches_a_page(graded_by):
    notebook = graded_by.notebook("attack-script_in_feedback", "03_dot_product")
    verdicts = [
        output["data"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
        for output in cell.outputs
    ]
    pages = [data.get("text/html", "") for data in verdicts]
    assert pages
    report = graded_by.course.report
    pages += [report.read_text()] if report.exists() else []
    for page in pages:
        assert "<script>window" not in page
        assert "<img src=x" not in page
    assert "\x1b]0;attacked" not in graded_by.said


def test_both_doors_give_the_same_marks(through):
    first, second = map(through, DOORS)
    for (student, lesson), result in first.results.items():
        if result.problem is not Outcome.MISSING:
            assert first.mark(student, lesson) == second.mark(student, lesson), student
