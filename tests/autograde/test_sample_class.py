"""A class to try with: the same for a seed, all on the roll, nobody real overwritten, and each mistake found again."""

import json
import warnings
from pathlib import Path

import pytest

from autograde.course import Course, CourseError, find_root
from autograde.exercise import Exercise, Outcome
from autograde.judge import ask_here, judge
from autograde.lesson import source_notebook
from autograde.sample_class import ROLES, make_sample_class, mistaken_source, plan

from .gradebooks import course_at
from .small_class import LESSON, cell_of, hand_in, solved_notebook

REPOSITORY = Course(find_root(Path(__file__).parent), None)


@pytest.fixture
def course(fresh):
    return fresh


def files(course):
    return {str(path.relative_to(course.submitted)): path.read_bytes() for path in course.submitted.rglob("*.ipynb")}


# ---- who is in it


def test_a_seed_decides_everything(course, tmp_path):
    planted = make_sample_class(course, 9, seed=3)
    other = course_at(course.root, tmp_path / "another")
    assert make_sample_class(other, 9, seed=3) == planted
    assert files(other) == files(course)
    assert plan(course, 9, seed=4) != planted


def test_one_of_each_role_and_then_mistakes(course):
    planted = make_sample_class(course, 8)
    assert tuple(p.role for p in planted) == (*ROLES, "mistakes", "mistakes")
    assert all(p.student.endswith(f"-{p.role}") for p in planted)
    assert all(bool(p.mistakes) == (p.role == "mistakes") for p in planted)
    manifest = json.loads((course.folder / "sample_class.json").read_text())
    assert manifest == [{"student": p.student, "role": p.role, "mistakes": p.mistakes, "copied": []} for p in planted]


def test_everybody_is_on_the_roll_also_who_hands_nothing_in(course):
    planted = make_sample_class(course, 8)
    with course.api.gradebook as gradebook:
        assert sorted(student.id for student in gradebook.students) == sorted(p.student for p in planted)
    assert not (course.submitted / "finn-missing" / LESSON).exists()


def test_a_large_class_has_no_two_of_a_name(course):
    make_sample_class(course, 6)
    names = [p.student for p in plan(course, 100, seed=0)]
    assert len(set(names)) == 100


def test_each_mistake_is_made_before_any_is_made_twice(course):
    make_sample_class(course, 6)
    dealt = [p.mistakes for p in plan(course, 40, seed=1) if p.mistakes]
    for name, exercise in course.exercises(LESSON).items():
        deck = [m.name for m in exercise.misconceptions if mistaken_source(solved_notebook(course), exercise, m)]
        made = [mistakes[name] for mistakes in dealt]
        assert sorted(made[: len(deck)]) == sorted(deck), name
        assert made[len(deck) : 2 * len(deck)] == made[: min(len(deck), len(made) - len(deck))], name


def test_accidents_befall_the_second_exercise_after_the_first_is_earned(course):
    make_sample_class(course, 6)
    submitted = files(course)
    names = list(course.exercises(LESSON))
    for student, line in (("cleo-crash", "os._exit(1)"), ("dov-loop", "while True: pass")):
        notebook = json.loads(submitted[f"{student}/{LESSON}/{LESSON}.ipynb"])
        hit = [
            cell["metadata"]["nbgrader"]["grade_id"] for cell in notebook["cells"] if line in "".join(cell["source"])
        ]
        assert hit == [f"{names[1]}-answer"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(submitted[f"eva-damaged/{LESSON}/{LESSON}.ipynb"])


def test_too_few_students_are_refused_in_a_sentence(course):
    with pytest.raises(CourseError, match="at least 6 students, one for each role: --students 6"):
        make_sample_class(course, 5)
    assert not course.submitted.exists()


# ---- whom it leaves alone


def test_a_new_sample_class_takes_the_place_of_the_former(course):
    make_sample_class(course, 9, seed=0)
    problem = course.problems / "ada-solved" / f"{LESSON}.json"
    problem.parent.mkdir(parents=True)
    problem.write_text("{}")
    planted = make_sample_class(course, 6, seed=1)
    assert course.students() == sorted(p.student for p in planted), "the former three are off the disk and the roll"
    assert not problem.exists()


def test_a_real_submission_is_never_overwritten(course):
    hand_in(course, "ada-solved", b"hers")  # a name of the sample class's, but nobody said so
    with pytest.raises(CourseError, match=r"holds a real class \(ada-solved\): choose another folder"):
        make_sample_class(course, 6)
    assert list(files(course).values()) == [b"hers"]
    assert not (course.folder / "sample_class.json").exists()


def test_a_real_class_that_joined_a_sample_class_is_not_overwritten(course):
    make_sample_class(course, 6)
    before = files(course)
    for name in ("zoe", "yan", "xu", "wil"):
        hand_in(course, name, b"theirs")
    with pytest.raises(CourseError, match=r"real class \(wil, xu, yan, \.\.\.\)"):
        make_sample_class(course, 6, seed=1)
    assert {path: content for path, content in files(course).items() if content != b"theirs"} == before


def test_a_real_class_on_the_roll_alone_is_left_alone(course):
    with course.api.gradebook as gradebook:
        gradebook.update_or_create_student("mia")
    with pytest.raises(CourseError, match=r"real class \(mia\)"):
        make_sample_class(course, 6)
    assert course.students() == ["mia"]


# ---- what they hand in


def planted_mistakes():
    """(lesson, exercise, mistake) for every mistake of the course that can stand in a notebook."""
    found = []
    for lesson in REPOSITORY.lessons():
        text = (REPOSITORY.solutions / f"{lesson}.py").read_text(encoding="utf-8")
        source = source_notebook(text, REPOSITORY.exercises(lesson), lesson)
        for name, exercise in REPOSITORY.exercises(lesson).items():
            found += [(lesson, name, m.name) for m in exercise.misconceptions if mistaken_source(source, exercise, m)]
    return found


@pytest.fixture(scope="module")
def set_up():
    """A lesson's source notebook, and the names that its set-up cells define; each lesson's once."""
    ready = {}

    def of(lesson):
        if lesson not in ready:
            text = (REPOSITORY.solutions / f"{lesson}.py").read_text(encoding="utf-8")
            source = source_notebook(text, REPOSITORY.exercises(lesson), lesson)
            names = {"__name__": "__main__", "display": lambda *_: None}
            for cell in source.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("setup-start-"):
                    exec(compile(cell.source, lesson, "exec"), names)
            ready[lesson] = source, names
        return ready[lesson]

    return of


@pytest.mark.parametrize(("lesson", "name", "mistake"), planted_mistakes())
def test_a_planted_mistake_is_found_again_by_its_sentence(set_up, lesson, name, mistake):
    source, prepared = set_up(lesson)
    exercise = REPOSITORY.exercises(lesson)[name]
    planted = next(m for m in exercise.misconceptions if m.name == mistake)
    cell = mistaken_source(source, exercise, planted)
    names = dict(prepared)
    exec(compile(cell, name, "exec"), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a broadcast, for one; `check` keeps them to itself as well
        verdict = judge(exercise, ask_here(names[name.split(".")[0]], seed=5), seed=5)
    assert verdict.outcome in (Outcome.PARTIAL, Outcome.FAILED)
    assert planted.sentence in verdict.feedback
    assert "collabkit.DotProduct" not in cell, "a learner writes no subclass of the reference"


def test_most_mistakes_can_be_planted():
    plantable = planted_mistakes()
    for lesson in REPOSITORY.lessons():
        for name, exercise in REPOSITORY.exercises(lesson).items():
            share = sum(each[:2] == (lesson, name) for each in plantable) / len(exercise.misconceptions)
            assert share >= 0.5, (lesson, name)


def test_a_mistake_that_needs_a_name_of_its_own_is_not_planted(course):
    make_sample_class(course, 6)
    source = solved_notebook(course)
    exercise = Exercise(reference=max, name="gradient_step")
    exercise.misconception("No.")(needs_a_name_from_here)
    assert mistaken_source(source, exercise, exercise.misconceptions[0]) is None
    assert cell_of(source, "gradient_step-answer").source.startswith("def gradient_step(")


def needs_a_name_from_here(model):
    return LESSON
