"""What is written into the gradebook directly is what `nbgrader autograde` leaves, row by row and byte by byte."""

import warnings

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from autograde.cells import answer_grade_id, checked_name, grade_id_of, is_grade, is_solution, to_bytes
from autograde.database import GradebookError, NoGradebook
from autograde.exercise import Outcome, Verdict
from autograde.gradebook import Gradebook, students_in
from autograde.grading import register
from autograde.verdict import verdict_bundle

from .gradebooks import copy_of, rows_in
from .small_class import LESSON, cell_of, hand_in, solved_notebook

STUDENT = "ada o'neil"


class Ready(NbGraderPreprocessor):
    """Stands in the place of the run: the outputs are those of a notebook that a test has made."""

    notebook = None

    def preprocess(self, notebook, resources):
        for cell, ready in zip(notebook.cells, type(self).notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = ready.outputs, ready.execution_count
        return notebook, resources


@pytest.fixture
def course(fresh):
    register(fresh, [LESSON])
    return fresh


@pytest.fixture
def twin(course, tmp_path):
    """The same course once more, for nbgrader to write in."""
    return copy_of(course, tmp_path / "twin")


def submission(course, *unwritten):
    """A notebook as it was handed in, without outputs: solved but for these exercises."""
    notebook = nbformat.read(course.root / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)
    solved = solved_notebook(course)
    for cell in notebook.cells:
        if is_solution(cell) and grade_id_of(cell) not in map(answer_grade_id, unwritten):
            cell.source = cell_of(solved, grade_id_of(cell)).source
    return notebook


def executed(notebook, share=1.0):
    """The notebook after its run: every exercise has this share of its points; cells have talked more than is kept."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata["autograde"] = {"notes": []}
    floods = iter([1, 700, 5_000])
    for count, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = count
        if is_grade(cell):
            points = float(cell.metadata.nbgrader.points)
            verdict = Verdict(checked_name(cell), Outcome.PARTIAL, share * points, points, "Nearly.")
            cell.outputs = [
                new_output("display_data", data=verdict_bundle(verdict)),
                new_output("execute_result", data=verdict._repr_mimebundle_(), execution_count=count),
            ]
        elif lines := next(floods, None):
            cell.outputs = [
                new_output("stream", text="ä line\n" * lines),
                new_output("stream", name="stderr", text="more\n" * lines),
                new_output("display_data", data={"text/plain": "kept"}),
                new_output("error", ename="E", evalue="e", traceback=[f"frame {i}" for i in range(lines)]),
            ]
    return notebook


def by_nbgrader(course, notebook, student=STUDENT):
    Ready.notebook = notebook
    config = course.config()
    config.Autograde.autograde_preprocessors[0] = Ready
    api = course.api
    before = api.config.Autograde.autograde_preprocessors
    api.config.Autograde.autograde_preprocessors = config.Autograde.autograde_preprocessors
    try:
        reply = api.autograde(LESSON, student, force=True)
    finally:
        api.config.Autograde.autograde_preprocessors = before
    assert reply["success"], reply


def gradebook_of(course):
    return Gradebook(course.db_url, course.submitted, course.autograded)


def rows(course):
    """Everything in the gradebook, without the ids that are drawn at random."""
    return {
        "students": rows_in(course, "SELECT * FROM student ORDER BY id"),
        "submissions": rows_in(
            course,
            "SELECT student_id, name, timestamp, extension, late_submission_penalty, flagged"
            " FROM submitted_assignment AS s JOIN assignment AS a ON s.assignment_id = a.id"
            " JOIN submitted_notebook AS n ON n.assignment_id = s.id ORDER BY 1, 2",
        ),
        "grades": rows_in(
            course,
            "SELECT student_id, c.name, auto_score, manual_score, extra_credit, needs_manual_grade FROM grade"
            " JOIN base_cell AS c ON cell_id = c.id JOIN submitted_notebook AS n ON grade.notebook_id = n.id"
            " JOIN submitted_assignment AS s ON n.assignment_id = s.id ORDER BY 1, 2",
        ),
        "comments": rows_in(
            course,
            "SELECT student_id, c.name, auto_comment, manual_comment FROM comment"
            " JOIN base_cell AS c ON cell_id = c.id JOIN submitted_notebook AS n ON comment.notebook_id = n.id"
            " JOIN submitted_assignment AS s ON n.assignment_id = s.id ORDER BY 1, 2",
        ),
    }


def files(course):
    """path -> (content, mode) of everything beside and below the graded notebooks."""
    found = course.autograded.rglob("*")
    return {
        str(path.relative_to(course.autograded)): (path.read_bytes(), path.stat().st_mode)
        for path in found if path.is_file()
    }  # fmt: skip


@pytest.mark.parametrize("timestamp", ["2026-01-02 03:04:05.678 UTC", "2026-01-02 03:04:05 Europe/Berlin", "", None])
def test_the_same_as_by_nbgrader(course, twin, timestamp):
    notebook = submission(course, "train")
    for each in (course, twin):
        folder = hand_in(each, STUDENT, notebook).parent
        for name in ("data/ratings.csv", "data/.hidden", "data/__pycache__/x.pyc", ".ipynb_checkpoints/y", "z.pyc"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        if timestamp is not None:
            (folder / "timestamp.txt").write_text(timestamp)
    done = executed(notebook, share=1 / 3)
    by_nbgrader(twin, done)
    with gradebook_of(course) as gradebook:
        assert gradebook.enter(STUDENT, LESSON, done)
    assert rows(course) == rows(twin)
    assert files(course) == files(twin)
    assert any(comment == "No response." for _, _, comment, _ in rows(course)["comments"])


def test_grading_once_more_is_the_same_too_and_marks_by_hand_stay(course, twin):
    notebook = submission(course)
    for each in (course, twin):
        hand_in(each, STUDENT, notebook)
        by_nbgrader(each, executed(notebook))
        with each.api.gradebook as gradebook:
            grade = gradebook.find_grade("train", LESSON, LESSON, STUDENT)
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 0.5, 0.25, False
            gradebook.find_comment("train-answer", LESSON, LESSON, STUDENT).manual_comment = "Well done."
            gradebook.db.commit()
    done = executed(notebook, share=0.5)
    by_nbgrader(twin, done)
    with gradebook_of(course) as gradebook:
        assert gradebook.enter(STUDENT, LESSON, done)
        assert not gradebook.enter(STUDENT, LESSON, done), "nothing has changed"
    assert rows(course) == rows(twin)
    assert files(course) == files(twin)
    assert (STUDENT, "train", 0.5, 0.5, 0.25, 1) in rows(course)["grades"]


def test_nbgrader_reads_what_was_entered(course):
    notebook = submission(course)
    hand_in(course, STUDENT, notebook)
    with gradebook_of(course) as gradebook:
        gradebook.enter(STUDENT, LESSON, executed(notebook, share=0.5))
    (told,) = course.api.get_submissions(LESSON)
    assert (told["id"] is not None, told["score"], told["max_score"], told["autograded"]) == (True, 4.0, 8.0, True)
    with course.api.gradebook as gradebook:
        assert gradebook.find_submission(LESSON, STUDENT).score == 4.0


def test_marks_are_taken_back_but_for_those_by_hand(course):
    notebook = submission(course)
    hand_in(course, STUDENT, notebook)
    hand_in(course, "ben", notebook)
    with gradebook_of(course) as gradebook:
        gradebook.withdraw("nobody", LESSON)
        for student in (STUDENT, "ben"):
            gradebook.enter(student, LESSON, executed(notebook))
        with course.api.gradebook as theirs:
            theirs.find_grade("train", LESSON, LESSON, STUDENT).manual_score = 0.5
            theirs.db.commit()
        gradebook.withdraw(STUDENT, LESSON)
    marks = {(who, cell): (auto, by_hand) for who, cell, auto, by_hand, *_ in rows(course)["grades"]}
    assert {auto for (who, _), (auto, _) in marks.items() if who == STUDENT} == {0.0}
    assert all(auto > 0 for (who, _), (auto, _) in marks.items() if who == "ben")
    assert marks[STUDENT, "train"] == (0.0, 0.5)


def test_a_lesson_is_known_as_it_was_registered_and_not_when_it_has_changed(course):
    released = nbformat.read(course.root / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)
    with gradebook_of(course) as gradebook:
        assert gradebook.knows(LESSON, released)
        assert not gradebook.knows("04_another", released)
        changed = nbformat.from_dict(released)
        cell_of(changed, "DotProduct").metadata.nbgrader.points += 1
        assert not gradebook.knows(LESSON, changed)
        changed = nbformat.from_dict(released)
        cell_of(changed, "setup-start-1").source += "\nimport math"
        assert not gradebook.knows(LESSON, changed)


def test_a_lesson_that_was_never_registered_is_refused(course):
    with gradebook_of(course) as gradebook, pytest.raises(GradebookError, match="does not know 04_another"):
        gradebook.enter(STUDENT, "04_another", submission(course))


def test_without_a_gradebook_nobody_is_on_the_roll_and_nothing_can_be_entered(tmp_path):
    assert students_in(tmp_path / "gradebook.db") == set()
    with pytest.raises(GradebookError, match="There is no gradebook"):
        Gradebook(tmp_path / "gradebook.db", tmp_path, tmp_path)
    (tmp_path / "gradebook.db").touch()
    assert students_in(tmp_path / "gradebook.db") == set()
    with pytest.raises(NoGradebook, match="holds no gradebook yet"):
        Gradebook(tmp_path / "gradebook.db", tmp_path, tmp_path)


def test_what_is_no_longer_handed_in_goes_and_links_are_not_followed(course, tmp_path):
    notebook = submission(course)
    folder = hand_in(course, STUDENT, notebook).parent
    (tmp_path / "secret").write_text("the instructor's")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "notes.txt").write_text("mine")
    done = executed(notebook)
    with gradebook_of(course) as gradebook:
        gradebook.enter(STUDENT, LESSON, done)
        assert set(files(course)) == {f"{STUDENT}/{LESSON}/{name}" for name in (f"{LESSON}.ipynb", "notes.txt")}
        (folder / "notes.txt").unlink()
        assert gradebook.enter(STUDENT, LESSON, done)
    assert set(files(course)) == {f"{STUDENT}/{LESSON}/{LESSON}.ipynb"}


@pytest.mark.parametrize("text", ["yesterday", "\x00", "9999999-01-01 00:00:00 UTC"])
def test_a_timestamp_that_is_none_stops_nobody(course, text):
    notebook = submission(course)
    (hand_in(course, STUDENT, notebook).parent / "timestamp.txt").write_text(text)
    with gradebook_of(course) as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dateutil's, of zones that it does not know
        gradebook.enter(STUDENT, LESSON, executed(notebook))
    ((_, _, timestamp, *_),) = rows(course)["submissions"]
    assert timestamp is None


def test_the_notebook_argument_stays_as_it_is(course):
    notebook = submission(course)
    hand_in(course, STUDENT, notebook)
    done = executed(notebook)
    before = to_bytes(done)
    with gradebook_of(course) as gradebook:
        gradebook.enter(STUDENT, LESSON, done)
    assert to_bytes(done) == before
