"""An exercise changes after a class was graded: who gains and who loses is told before it is written, by hand stays."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import autograde
import collabkit
from autograde import corrections, exercises
from autograde.corrections import Change, Corrections, changes
from autograde.gradebook import Grade, Standing
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.results import results_of

from .gradebooks import copy_of, course_at, rows_in
from .small_class import LESSON, cell_of, hand_in, solved_notebook
from .test_nbgrader_commands import nbgrader

LIMITS = Limits(cell_seconds=15)  # those of the graded class, so that nothing is graded again for another reason
BY_HAND = {("ada-solved", "DotProduct"): 3.75, ("gus-mistakes", "train"): 0.5, ("odd-ids", "gradient_step"): 2.0}
KILLED = """
import os, signal, sys
from autograde.cli import main
from autograde.gradebook import Gradebook
enter, left = Gradebook.enter, [3]
def enter_some(*arguments):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return enter(*arguments)
Gradebook.enter = enter_some
main()
"""


# ---- as an instructor does it: the file of the exercises is changed, and the command is run


@pytest.fixture(scope="module")
def corrected(graded, tmp_path_factory):
    """(course, what each command printed, whether anything was written by the dry run, expected points)."""
    root = tmp_path_factory.mktemp("repository")
    there = graded[0].root
    for name in ("solutions", "lessons"):
        shutil.copytree(there / name, root / name)
    shutil.copy(there / "nbgrader_config.py", root)
    for package in (autograde, collabkit):
        source = Path(package.__file__).parent
        shutil.copytree(source, root / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    course = course_at(root, copy_of(graded[0], root / "course").folder)
    give_by_hand(course)
    said = {"nothing": run(course, "--dry-run")}
    module = root / "autograde" / "exercises" / "dot_product.py"
    text = module.read_text(encoding="utf-8")
    for old, new in (
        ("@gradient_step.check(points=0.5)", "@gradient_step.check(points=1.25)"),
        ("built(cls, world)(world.batch[:1])", "built(cls, world)(world.batch[:2])"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    module.write_text(text, encoding="utf-8")
    before = snapshot(course)
    said["dry"] = run(course, "--dry-run")
    untouched = snapshot(course) == before
    said["killed"] = run(course, program=["-c", KILLED])
    said["real"] = run(course)
    said["again"] = run(course)
    return course, said, untouched, expected(graded[2])


def run(course, *options, program=("-m", "autograde")):
    done = subprocess.run(
        [sys.executable, *program, "grade", "--seconds", "15", *options],
        cwd=course.root,
        env={**os.environ, "PYTHONPATH": str(course.root), "AUTOGRADE_DB": course.gradebook},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done


def give_by_hand(course):
    with course.api.gradebook as gradebook:
        for (student, name), score in BY_HAND.items():
            found = gradebook.find_grade(name, LESSON, LESSON, student)
            found.manual_score, found.extra_credit = score, 0.25
            comment = gradebook.find_comment(f"{name}-answer", LESSON, LESSON, student)
            comment.manual_comment = f"Well said, {student}."
        gradebook.db.commit()


def by_hand(course):
    with course.api.gradebook as gradebook:
        found = {}
        for student, name in BY_HAND:
            grade_ = gradebook.find_grade(name, LESSON, LESSON, student)
            comment = gradebook.find_comment(f"{name}-answer", LESSON, LESSON, student)
            said = comment.comment
            found[student, name] = grade_.manual_score, grade_.extra_credit, grade_.needs_manual_grade, said
        return found


def snapshot(course):
    """What a dry run must leave as it is: files byte by byte, and the gradebook's rows."""
    places = [course.autograded, course.problems, course.report.parent, course.folder / "release", course.submitted]
    places += [course.database, course.folder / "grading.json"]
    files = [each for place in places for each in (place, *place.rglob("*")) if each.is_file()]
    tables = ("assignment", "base_cell", "grade_cells", "source_cell", "submitted_notebook", "grade", "comment")
    kept = {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in files if each.stat().st_size < 10**7}
    return kept, [sorted(map(repr, rows_in(course, f"SELECT * FROM {table}"))) for table in tables]


def expected(results):
    """student -> exercise -> (points before, points after), where they differ: by hand from the verdicts' lines."""
    found = {}
    for result in results:
        for name, verdict in result.verdicts.items():
            if (result.student, name) in BY_HAND:
                continue
            after = verdict.score
            if name == "gradient_step" and verdict.lines and verdict.lines[0].passed:
                after += 0.75
            if name == "DotProduct" and verdict.lines and verdict.lines[1].passed and not verdict.lines[2].passed:
                after += 0.5  # two rows are no batch of one
            if after != verdict.score:
                found.setdefault(result.student, {})[name] = (verdict.score, after)
    return found


def told(output):
    """student -> exercise -> (points before, points after), as the table has them."""
    found = {}
    for student, exercise, before, after in re.findall(
        rf"(?m)^│ (\S.*?) +│ {LESSON} +│ (\S+) +│ (\S+) of \S+ -> (\S+) of \S+ +│$", output
    ):
        found.setdefault(student, {})[exercise] = (float(before), float(after))
    return found


def test_nothing_is_told_where_nothing_has_changed(corrected):
    done = corrected[1]["nothing"]
    assert done.returncode == 0, done.stdout
    assert told(done.stdout) == {}
    assert re.search(r"(?m)^\d+ stay\.$", done.stdout)


def test_the_dry_run_names_just_the_students_touched(corrected):
    _, said, _, wanted = corrected
    assert said["dry"].returncode == 0, said["dry"].stdout
    assert 5 < len(wanted) < 15
    assert told(said["dry"].stdout) == wanted
    assert not any(student in wanted for student in ("ben-blank", "cleo-crash", "dov-loop", "eva-damaged"))
    assert f"\n{len(wanted)} gain, {stood(corrected) - len(wanted)} stay.\n" in said["dry"].stdout
    assert "Nothing was written" in said["dry"].stdout


def stood(corrected):
    return len(rows_in(corrected[0], "SELECT id FROM submitted_notebook"))


def test_the_dry_run_writes_nothing(corrected):
    assert corrected[2]


def test_a_mark_by_hand_above_the_new_points_is_kept_and_told(own):
    entry = dict.fromkeys(("DotProduct",), (0.0, 1.0))
    standing = Standing({"DotProduct": Grade(2.0, 1.5, None, 2.0)}, 0.0)
    found, notes = changes("ada", LESSON, standing, entry, lambda *_: 0.0)
    assert found == []
    assert notes == [
        f"ada {LESSON} DotProduct: the mark given by hand, 1.5, is kept, and is more than the 1 that there are now. "
        "Look at it in formgrader."
    ]


def test_killed_half_way_the_same_command_goes_on(corrected):
    _, said, _, wanted = corrected
    assert said["killed"].returncode == -9
    assert told(said["killed"].stdout) == wanted, "told before anything was written"
    assert said["real"].returncode == 0, said["real"].stdout
    left = told(said["real"].stdout)
    assert 0 < len(left) < len(wanted)
    assert all(wanted[student] == points for student, points in left.items())
    assert told(said["again"].stdout) == {}


def test_afterwards_everybody_has_what_was_told(corrected, graded):
    course, _, _, wanted = corrected
    marks = {}
    query = (
        "SELECT student_id, c.name, auto_score FROM grade JOIN base_cell AS c ON cell_id = c.id"
        " JOIN submitted_notebook AS n ON grade.notebook_id = n.id"
        " JOIN submitted_assignment AS s ON n.assignment_id = s.id"
    )
    for student, name, score in rows_in(course, query):
        marks.setdefault(student, {})[name] = score
    before = {result.student: {n: v.score for n, v in result.verdicts.items()} for result in graded[2]}
    for student, scores in before.items():
        for name, score in scores.items():
            if (student, name) not in BY_HAND:
                assert marks[student][name] == wanted.get(student, {}).get(name, (score, score))[1], (student, name)
    points = dict(rows_in(course, "SELECT name, max_score FROM base_cell JOIN grade_cells USING (id)"))
    assert points["gradient_step"] == 2.75
    results = {result.student: result for result in results_of(course, [LESSON])}
    assert results["ada-solved"].verdicts["gradient_step"].score == 2.75


def test_marks_and_comments_by_hand_survive(corrected):
    course = corrected[0]
    assert by_hand(course) == {
        (student, name): (score, 0.25, True, f"Well said, {student}.") for (student, name), score in BY_HAND.items()
    }


def test_marks_by_hand_survive_nbgrader_s_own_autograde_too(corrected, monkeypatch):
    course = corrected[0]
    monkeypatch.setenv("PYTHONPATH", str(course.root))
    before = by_hand(course)
    done = nbgrader(course, "autograde", LESSON, "--student", "ada-solved", "--force")
    assert done.returncode == 0, done.stderr
    assert by_hand(course) == before
    assert told(run(course, "--dry-run").stdout) == {}, "both doors give the same marks"


# ---- within a process


def changed_lesson(own, tmp_path, change):
    """The graded class in a repository whose lesson was changed."""
    root = tmp_path / "changed"
    shutil.copytree(own.root / "solutions", root / "solutions")
    script = root / "solutions" / f"{LESSON}.py"
    text = script.read_text(encoding="utf-8")
    script.write_text(change(text), encoding="utf-8")
    return course_at(root, own.folder)


def test_an_exercise_that_goes_takes_its_marks_along_and_comes_back_with_its_own(own, tmp_path):
    """nbgrader refuses to add or remove cells once there are submissions."""
    give_by_hand(own)
    kept = {place: marks for place, marks in by_hand(own).items() if place[1] != "train"}

    def without_train(text):
        cells = re.split(r"(?m)^(?=# %%)", text)
        return "".join(cell for cell in cells if not re.match(r'# %% .*(exercise|check)="train"', cell))

    course = changed_lesson(own, tmp_path, without_train)
    seen = []
    students = ["ada-solved", "gus-mistakes", "odd-ids", "ben-blank"]
    known = {name: each for name, each in exercises.of_lesson("dot_product").items() if name != "train"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercises, "of_lesson", lambda slug: known)
        results = grade(course, [LESSON], students, limits=LIMITS, before_correcting=seen.append, workers=1)
    assert all("train" not in result.verdicts for result in results)
    gone = [change for change in seen[0].changes if change.exercise == "train"]
    assert {change.student for change in gone} == set(students)
    assert all(change.after is None for change in gone)
    assert f"gus-mistakes {LESSON} train: a mark given by hand, 0.5, goes with the exercise." in seen[0].notes
    assert "train" not in [name for (name,) in rows_in(own, "SELECT name FROM base_cell")]
    remaining = {place: (found.manual_score, found.extra_credit) for place in kept for found in [grade_of(own, *place)]}
    assert remaining == {place: marks[:2] for place, marks in kept.items()}
    again = grade(own, [LESSON], students, limits=LIMITS, before_correcting=seen.append, workers=1)
    assert [change.before for change in seen[1].changes if change.exercise == "train"] == [None] * len(students)
    assert {r.student: r.score for r in again} == {
        r.student: r.score for r in results_of(own, [LESSON]) if r.student in students
    }
    assert grade_of(own, "gus-mistakes", "train").manual_score is None
    assert grade_of(own, "ada-solved", "train").auto_score == 1.0


def grade_of(course, student, name):
    with course.api.gradebook as gradebook:
        found = gradebook.find_grade(name, LESSON, LESSON, student)
        gradebook.db.expunge(found)
        return found


def test_who_hands_in_something_unreadable_is_told_before_the_marks_go(own):
    hand_in(own, "ada-solved", b"{")
    seen = []
    before = rows_in(own, "SELECT sum(auto_score) FROM grade")
    (result,) = grade(own, [LESSON], ["ada-solved"], limits=LIMITS, dry_run=True, before_correcting=seen.append)
    assert result.problem == "malformed"
    assert rows_in(own, "SELECT sum(auto_score) FROM grade") == before
    assert not (own.problems / "ada-solved" / f"{LESSON}.json").exists()
    grade(own, [LESSON], ["ada-solved"], limits=LIMITS, before_correcting=seen.append)
    assert [each.gains() for each in seen] == [{"ada-solved": -8.0}] * 2
    assert seen[0].summary() == "1 loses, 0 stay."
    assert (own.problems / "ada-solved" / f"{LESSON}.json").exists()
    assert rows_in(own, "SELECT sum(auto_score) FROM grade") == [(before[0][0] - 8.0,)]


def test_a_first_dry_run_makes_no_gradebook(small_root, tmp_path, graded):
    course = course_at(small_root, tmp_path / "new")
    notebook = nbformat.read(graded[0].root / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)
    hand_in(course, "zoe", notebook)
    seen = []
    (result,) = grade(course, [LESSON], ["zoe"], dry_run=True, before_correcting=seen.append, workers=1)
    assert result.statuses == ["not attempted"]
    assert seen[0].summary() == " First graded: 1 submission."
    assert {path.name for path in course.folder.iterdir()} <= {"submitted", "results", "secret.key"}


def test_a_notebook_handed_in_meanwhile_is_not_entered_with_another_s_marks(own):
    with own.api.gradebook as gradebook:
        gradebook.find_grade("train", LESSON, LESSON, "ada-solved").auto_score = 0.0
        gradebook.db.commit()

    def hand_in_anew(found):
        assert found.gains() == {"ada-solved": 1.0}
        notebook = solved_notebook(own)
        cell_of(notebook, "train-answer").source = "train = 3"
        hand_in(own, "ada-solved", notebook)

    (result,) = grade(own, [LESSON], ["ada-solved"], limits=LIMITS, before_correcting=hand_in_anew)
    assert result.problem == "ungraded"
    assert grade_of(own, "ada-solved", "train").auto_score == 0.0


# ---- counting


def test_counts_are_by_student_and_each_way():
    found = Corrections()
    assert found.summary() == ""
    full, none = Standing({"a": Grade(1.0, None, None, 1.0), "b": Grade(0.0, None, None, 1.0)}, 0.0), (lambda *_: 0.0)
    found.add("ada", LESSON, full, {"a": (0.5, 1.0), "b": (0.0, 1.0)}, none)
    found.add("bob", LESSON, full, {"a": (1.0, 1.0), "b": (1.0, 1.0)}, none)
    found.add("bob", "04_bias", full, {"a": (1.0, 1.0), "b": (0.5, 1.0)}, none)
    found.add("cy", LESSON, full, {"a": (0.0, 1.0), "b": (1.0, 1.0)}, none)
    found.add("di", LESSON, full, {"a": (1.0, 1.0), "b": (0.0, 1.0)}, none)
    found.add_unchanged("eva")
    found.first = 2
    assert found.gains() == {"ada": -0.5, "bob": 1.5, "cy": 0.0}
    assert found.summary() == "1 gains, 1 loses, 1 comes out even, 2 stay. First graded: 2 submissions."


def test_a_mark_by_hand_counts_in_the_check_s_place_and_extra_credit_on_top():
    standing = Standing({"a": Grade(1.0, 0.25, 0.5, 1.0), "b": Grade(1.0, None, 0.5, 2.0)}, 1.0)
    found, notes = changes("ada", LESSON, standing, {"a": (0.0, 1.0), "b": (2.0, 3.0)}, lambda *given: sum(given[2:]))
    assert found == [
        Change("ada", LESSON, "b", 1.5, 2.0, 2.5, 3.0),
        Change("ada", LESSON, corrections.LATE, -1.0, 0.0, -7.25, 0.0),
    ]
    assert [str(change) for change in found] == ["1.5 of 2 -> 2.5 of 3", "-1 -> -7.25 for lateness"]
    assert notes == []


def test_an_exercise_that_is_new_had_no_mark():
    standing = Standing({"a": Grade(1.0, None, None, 1.0)}, 0.0)
    (change,) = changes("ada", LESSON, standing, {"a": (1.0, 1.0), "new": (0.0, 1.0)}, lambda *_: 0.0)[0]
    assert (str(change), change.gain) == ("no mark -> 0 of 1", 0.0)
