"""A class of lesson 03, graded once: each gets marks or a status, nobody stops anybody, and the gradebook agrees."""

import json
import os
import shutil
import time

import nbformat
import pytest

from autograde import digest, grading
from autograde.cells import to_bytes
from autograde.course import CourseError
from autograde.database import for_nbgrader
from autograde.exercise import Line, Outcome, Verdict
from autograde.grading import grade, register
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.report import write_report
from autograde.results import Result, how_graded, result_of, results_of
from autograde.secret import Secret
from autograde.submissions import Unreadable, read_submission

from .gradebooks import course_at, forget, rows_in
from .small_class import LESSON, QUOTED, cell_of, hand_in, solved_notebook

FULL = 8.0
LIMITS = Limits(cell_seconds=15)  # as in the fixture, or nothing that was graded counts
MENDED = ["odd-deleted", "odd-duplicated", "odd-ids", "odd-kernel", "odd-markdown", "odd-metadata", "odd-nbformat3"]
UNREADABLE = {
    "eva-damaged": "cannot be read",
    "odd-empty": "cannot be read",
    "odd-list": "cannot be read",
    "odd-nothing": "cannot be read",
    "odd-nested": "cannot be read",
    "odd-half": "cannot be read",
    "odd-binary": "is no text",
    "odd-huge": "21 MB",
    "odd-[bold]": "rename the folder",
}
MISSING = {
    "finn-missing": f"No {LESSON}.ipynb was handed in.",
    "odd-nofolder": f"No {LESSON}.ipynb was handed in.",
    "odd-folder": f"No {LESSON}.ipynb was handed in.",
    "odd-renamed": "there is 03_dot_product-Copy1.ipynb: rename it",
}


@pytest.fixture
def by_student(graded):
    return {result.student: result for result in graded[2]}


def outcomes(result):
    return {name: verdict.outcome for name, verdict in result.verdicts.items()}


def marks(course, student):
    """Scores in nbgrader's gradebook, by grade id; empty for who has no submission there."""
    with course.api.gradebook as gradebook:
        return {
            grade.name: grade.score
            for submission in gradebook.student_submissions(student)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


# ---- what becomes of whom


def test_everybody_has_a_result_in_order(graded):
    course, _, results, seen = graded
    assert [result.student for result in results] == course.students()
    assert ".ipynb_checkpoints" not in course.students()
    assert sorted(seen, key=lambda result: result.student) == results, "on_result was told of each once"


def test_solved_has_everything_and_no_status(by_student):
    assert by_student["ada-solved"].score == FULL
    assert set(outcomes(by_student["ada-solved"]).values()) == {Outcome.PASSED}
    assert by_student["ada-solved"].statuses == []


def test_blank_has_nothing_and_says_not_attempted(by_student):
    assert by_student["ben-blank"].score == 0
    assert set(outcomes(by_student["ben-blank"]).values()) == {Outcome.NOT_ATTEMPTED}
    assert by_student["ben-blank"].statuses == [Outcome.NOT_ATTEMPTED]


def test_each_planted_mistake_is_told_by_its_own_sentence(graded, by_student):
    course, planted, _, _ = graded
    exercises = course.exercises(LESSON)
    made = [(p.student, *mistake) for p in planted for mistake in p.mistakes.items()]
    assert len(made) == 2 * len(exercises)
    for student, name, mistake in made:
        verdict = by_student[student].verdicts[name]
        sentence = next(m.sentence for m in exercises[name].misconceptions if m.name == mistake)
        assert sentence in verdict.feedback
        assert verdict.score < verdict.points
        assert not any(m.sentence in verdict.feedback for m in exercises[name].misconceptions if m.name != mistake)


def test_a_crash_keeps_what_was_earned_before_it(by_student):
    result = by_student["cleo-crash"]
    assert list(outcomes(result).values()) == [Outcome.PASSED] * 2 + [Outcome.CRASHED] * 4
    assert result.statuses == [Outcome.CRASHED]
    assert result.score == 4
    assert "os._exit(1)" in result.verdicts["train"].feedback


def test_a_loop_costs_its_own_exercise_alone(by_student):
    result = by_student["dov-loop"]
    assert {name for name, outcome in outcomes(result).items() if outcome is Outcome.TIMED_OUT} == {"gradient_step"}
    assert result.statuses == [Outcome.TIMED_OUT]
    assert result.score == FULL - 2


@pytest.mark.parametrize("student", [*MENDED, QUOTED])
def test_what_stops_nbgrader_is_mended_and_gets_full_marks(by_student, student):
    assert (by_student[student].score, by_student[student].problem) == (FULL, None), by_student[student].note


@pytest.mark.parametrize("student", UNREADABLE)
def test_what_cannot_be_read_has_a_status_and_a_note_that_helps(by_student, student):
    result = by_student[student]
    assert result.statuses == [Outcome.MALFORMED]
    assert UNREADABLE[student] in result.note
    assert result.score == 0
    assert "\n" not in result.note


@pytest.mark.parametrize("student", MISSING)
def test_what_is_not_there_is_missing_and_what_is_there_instead_is_named(by_student, student):
    assert by_student[student].statuses == [Outcome.MISSING]
    assert MISSING[student] in by_student[student].note


def test_the_gradebook_holds_the_verdicts_scores(graded):
    course, _, results, _ = graded
    readable = [result for result in results if not result.problem]
    assert len(readable) == 6 + len(MENDED) + 1
    for result in readable:
        expected = {name: verdict.score for name, verdict in result.verdicts.items()}
        assert marks(course, result.student) == expected, result.student


def test_what_is_on_disk_says_the_same(graded):
    course, _, results, _ = graded
    assert results_of(course, [LESSON]) == results


def test_a_notebook_s_prose_stays_with_its_author(graded):
    course = graded[0]
    private = "the private notes of odd-kernel"
    holders = [
        student for student in course.students()
        if course.graded(student, LESSON).is_file() and private in course.graded(student, LESSON).read_text()
    ]  # fmt: skip
    assert holders == ["odd-kernel"]
    assert nbformat.read(course.graded("odd-kernel", LESSON), as_version=4).metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("student", ["odd-kernel", "odd-deleted", "odd-duplicated", "odd-markdown"])
def test_what_was_put_right_is_told(by_student, student):
    assert by_student[student].notes
    assert all(note.endswith(".") and "\n" not in note for note in by_student[student].notes)
    assert by_student["ada-solved"].notes == ()


def test_the_released_notebook_is_the_committed_one(graded, root):
    course = graded[0]
    released = course.folder / "release" / LESSON / f"{LESSON}.ipynb"
    assert released.read_bytes() == (course.root / "lessons" / LESSON / f"{LESSON}.ipynb").read_bytes()


def test_submissions_are_not_touched(graded, own):
    course = graded[0]
    files = [path for path in course.submitted.rglob("*") if path.is_file() and path.stat().st_size < 10_000_000]
    before = {path: path.read_bytes() for path in files}
    grade(course, [LESSON], ["odd-empty"])
    assert {path: path.read_bytes() for path in files} == before


# ---- grading again


@pytest.fixture
def nobody_grades(monkeypatch):
    """Fails as soon as anything is to be graded."""

    def refuse(_, jobs):
        assert [ready.student for ready, _ in jobs] == []
        yield from ()

    monkeypatch.setattr(grading.pool.Workers, "graded", refuse)


@pytest.mark.usefixtures("nobody_grades")
def test_what_is_unchanged_is_neither_graded_nor_entered_again(graded, own):
    before = {path: path.stat().st_mtime_ns for path in own.autograded.rglob("*.ipynb")}
    again = grade(own, [LESSON], own.students(), limits=LIMITS)
    assert again == graded[2]
    assert {path: path.stat().st_mtime_ns for path in own.autograded.rglob("*.ipynb")} == before


@pytest.mark.usefixtures("nobody_grades")
def test_results_outlive_gradebook_and_notebooks(graded, own):
    shutil.rmtree(own.autograded)
    forget(own)
    assert grade(own, [LESSON], graded[0].students(), limits=LIMITS) == graded[2]
    for student in ("ada-solved", "gus-mistakes"):
        assert marks(own, student) == marks(graded[0], student)
        assert own.graded(student, LESSON).read_bytes() == graded[0].graded(student, LESSON).read_bytes()


@pytest.mark.usefixtures("nobody_grades")
def test_prose_is_no_reason_to_grade_again(own, by_student):
    notebook = nbformat.read(own.submission("gus-mistakes", LESSON), as_version=4)
    notebook.cells[0].source = "I have thought about it."
    hand_in(own, "gus-mistakes", notebook)
    (result,) = grade(own, [LESSON], ["gus-mistakes"], limits=LIMITS)
    assert result == by_student["gus-mistakes"]
    assert "I have thought about it." in own.graded("gus-mistakes", LESSON).read_text()


def test_who_changed_is_graded_again_and_a_repaired_notebook_loses_its_problem(own, by_student):
    hand_in(own, "eva-damaged", solved_notebook(own))
    students = ["eva-damaged", "gus-mistakes", "odd-renamed"]
    again = {result.student: result for result in grade(own, [LESSON], students, limits=LIMITS)}
    assert again["gus-mistakes"] == by_student["gus-mistakes"]
    assert (again["eva-damaged"].problem, again["eva-damaged"].score) == (None, FULL)
    assert result_of(own, "eva-damaged", LESSON) == again["eva-damaged"]
    assert not (own.problems / "eva-damaged" / f"{LESSON}.json").exists()
    assert again["odd-renamed"] == by_student["odd-renamed"]
    assert result_of(own, "ben-blank", LESSON) == by_student["ben-blank"], "who was not named stays as before"


def test_the_same_secret_gives_the_same_bytes_and_another_the_same_marks(graded, own, by_student):
    students = ["ada-solved", "gus-mistakes"]
    kept = {path.name: path.read_bytes() for path in verdict_files(own) if told_student(path) in students}
    assert len(kept) == len(students)
    for path in verdict_files(own):
        path.unlink()
    again = grade(own, [LESSON], students, limits=LIMITS, workers=1)
    assert {path.name: path.read_bytes() for path in verdict_files(own)} == kept
    own.secret_file.unlink()
    other = grade(own, [LESSON], students, limits=LIMITS)
    assert how_graded(own)["secret"] != how_graded(graded[0])["secret"]
    assert len(verdict_files(own)) == 2 * len(students)
    for results in (again, other):
        for result in results:
            then = by_student[result.student].verdicts
            assert {name: (v.outcome, v.score) for name, v in result.verdicts.items()} == {
                name: (v.outcome, v.score) for name, v in then.items()
            }


def verdict_files(course):
    return [path for path in (course.folder / "results").glob("*/*.json") if ".outputs" not in path.name]


def told_student(path):
    return json.loads(path.read_bytes())["student"]


def test_how_a_class_was_graded_is_kept(graded):
    how = how_graded(graded[0])
    assert "bubblewrap" in [name for name, _, _ in how["walls"]]
    assert how["secret"] == Secret.of(graded[0].secret_file).fingerprint
    assert "torch" in how["versions"]


def test_what_has_become_unreadable_loses_its_marks_but_not_those_by_hand(own):
    hand_in(own, "ada-solved", b"{")
    with own.api.gradebook as gradebook:
        grade_of(gradebook, "ada-solved", "train").manual_score = 0.5
        gradebook.db.commit()
    (result,) = grade(own, [LESSON], ["ada-solved"], limits=LIMITS)
    assert result.problem is Outcome.MALFORMED
    assert result_of(own, "ada-solved", LESSON) == result
    assert {name: score for name, score in marks(own, "ada-solved").items() if score} == {"train": 0.5}


def grade_of(gradebook, student, name):
    return gradebook.find_grade(name, LESSON, LESSON, student)


def test_the_later_of_a_problem_and_a_graded_notebook_counts(own, by_student):
    problem = own.problems / "ada-solved" / f"{LESSON}.json"
    problem.parent.mkdir(parents=True, exist_ok=True)
    problem.write_text(json.dumps({"outcome": "missing", "note": "Nothing there."}))
    assert result_of(own, "ada-solved", LESSON) == Result("ada-solved", LESSON, {}, Outcome.MISSING, "Nothing there.")
    later = time.time() + 5
    os.utime(own.graded("ada-solved", LESSON), (later, later))  # as after plain `nbgrader autograde`
    assert result_of(own, "ada-solved", LESSON) == by_student["ada-solved"]


def test_a_graded_notebook_without_checks_is_malformed(own):
    path = own.graded("ada-solved", LESSON)
    path.chmod(0o644)
    path.write_bytes(to_bytes(nbformat.v4.new_notebook()))
    assert result_of(own, "ada-solved", LESSON).problem is Outcome.MALFORMED


def test_who_was_never_graded_has_no_result(own):
    assert result_of(own, "nobody", LESSON) is None


def test_a_corrected_lesson_grades_old_submissions(graded, own, tmp_path):
    """A set-up cell is corrected and prose changes after notebooks were handed in: they count as before."""
    root = tmp_path / "corrected"
    shutil.copytree(own.root / "solutions", root / "solutions")
    script = root / "solutions" / f"{LESSON}.py"
    text = script.read_text(encoding="utf-8")
    assert "import torch\n" in text
    script.write_text(text.replace("import torch\n", "import torch  # corrected\n", 1), encoding="utf-8")
    corrected = course_at(root, own.folder)
    register(corrected, [LESSON])
    sanitized = sanitized_submission(corrected, "ada-solved")
    assert "# corrected" in cell_of(sanitized, "setup-start-1").source


def test_a_lesson_that_gained_a_cell_is_registered_all_the_same(graded, own, tmp_path):
    """nbgrader alone refuses it as soon as anybody has handed in."""
    root = tmp_path / "changed"
    shutil.copytree(own.root / "solutions", root / "solutions")
    script = root / "solutions" / f"{LESSON}.py"
    with script.open("a", encoding="utf-8") as file:
        file.write("\n\n# %%\nimport math\n")
    changed = course_at(root, own.folder)
    reply = changed.api.generate_assignment(LESSON, force=True)
    assert not reply["success"]
    register(changed, [LESSON])
    cells = [name for (name,) in rows_in(own, "SELECT name FROM source_cell")]
    assert len(cells) == len(set(cells)) == 1 + len(rows_in(graded[0], "SELECT name FROM source_cell"))
    assert marks(own, "gus-mistakes") == marks(graded[0], "gus-mistakes")


def sanitized_submission(course, student):
    """A submission as the preprocessors that come before the run leave it."""
    notebook = read_submission(course, student, LESSON)
    place = {"student": student, "assignment": LESSON, "notebook": LESSON, "db_url": for_nbgrader(course.db_url)}
    resources = {"nbgrader": place, "metadata": {}}
    for preprocessor in course.config().Autograde.sanitize_preprocessors:
        notebook, resources = preprocessor(config=course.config())(notebook, resources)
    return notebook


# ---- what happens to the graders


def test_a_failure_of_ours_is_no_fault_of_the_student_s(own, monkeypatch):
    """The sentence says whose fault it is, and marks from before stay in the gradebook."""
    monkeypatch.setattr(digest, "of_judging", lambda slug: "of other exercises")
    before = marks(own, "hana-mistakes")
    (result,) = grade(own, [LESSON], ["hana-mistakes"], workers=1)
    assert result.problem is Outcome.UNGRADED
    assert result.note == (
        "Grading itself failed, which is no fault of the student's: CannotGrade: this worker has another version "
        "of the exercises: restart it. Grade this notebook again."
    )
    assert marks(own, "hana-mistakes") == before
    assert result_of(own, "hana-mistakes", LESSON) == result


def test_without_walls_it_refuses_unless_told(own, monkeypatch):
    monkeypatch.setattr(Walls, "found", lambda: Walls.none())
    with pytest.raises(CourseError, match=r"too few walls .* --no-walls"):
        grade(own, [LESSON], ["hana-mistakes"])


def test_without_walls_is_told_and_graded_anew_with_them(own, by_student):
    (bare,) = grade(own, [LESSON], ["hana-mistakes"], workers=1, walls=False, limits=LIMITS)
    assert (bare.walls, by_student["hana-mistakes"].walls) == (False, True)
    assert bare.score == by_student["hana-mistakes"].score
    assert result_of(own, "hana-mistakes", LESSON) == bare
    assert not any(stands for _, stands, _ in how_graded(own)["walls"])
    assert "Graded without walls" in write_report(own, [bare]).path.read_text(encoding="utf-8")


# ---- values


def test_unreadable_carries_outcome_and_note(own):
    with pytest.raises(Unreadable, match="handed in") as caught:
        read_submission(own, "nobody", LESSON)
    assert caught.value.outcome is Outcome.MISSING


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_file_that_may_not_be_opened_is_malformed(own):
    own.submission("ada-solved", LESSON).chmod(0)
    with pytest.raises(Unreadable, match="cannot be opened: Permission denied"):
        read_submission(own, "ada-solved", LESSON)


def verdict(outcome, score=0.0):
    return Verdict("x", outcome, score, 1.0, "", (Line("x", False, score, 1.0),))


@pytest.mark.parametrize(
    ("found", "statuses"),
    [
        ([Outcome.PASSED, Outcome.NOT_ATTEMPTED], []),
        ([Outcome.NOT_ATTEMPTED, Outcome.NOT_ATTEMPTED], [Outcome.NOT_ATTEMPTED]),
        ([Outcome.FAILED, Outcome.PARTIAL], []),
        ([Outcome.TIMED_OUT, Outcome.CRASHED, Outcome.TIMED_OUT], [Outcome.TIMED_OUT, Outcome.CRASHED]),
        ([Outcome.PASSED, Outcome.OUT_OF_MEMORY], [Outcome.OUT_OF_MEMORY]),
    ],
)
def test_statuses_say_each_accident_once(found, statuses):
    result = Result("s", "l", {str(i): verdict(outcome) for i, outcome in enumerate(found)})
    assert result.statuses == statuses


def test_score_is_the_sum():
    assert Result("s", "l", {"a": verdict(Outcome.PARTIAL, 0.25), "b": verdict(Outcome.PASSED, 1)}).score == 1.25
