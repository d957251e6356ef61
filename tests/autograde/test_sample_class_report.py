"""A sample class of 40 is graded, and its report finds again what was planted, counted alike, and nothing else."""

import collections
import dataclasses
import json
import re

import pytest
from click.testing import CliRunner

from autograde import manifest
from autograde.cli import main
from autograde.course import Course
from autograde.exercise import Outcome
from autograde.exercises import find
from autograde.grading import grade
from autograde.judge import ask_here, judge
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.peculiar import ANSWERS
from autograde.report.planted import found_again
from autograde.report.summary import summaries
from autograde.report.work import work_of
from autograde.sample_class import PAIR, disguised, make_sample_class

from .small_class import LESSON

walled = pytest.mark.skipif(not Walls.found().enough, reason=f"walls are missing here: {Walls.found().lines()}")


@pytest.fixture(scope="module")
def class_of_40(small_root, tmp_path_factory):
    """(course, planted, results) of a graded sample class."""
    course = Course(small_root, tmp_path_factory.mktemp("sample") / "class")
    planted = make_sample_class(course, 40)
    results = grade(course, [LESSON], course.students(), limits=Limits(cell_seconds=15))
    return course, planted, results


@walled
def test_each_planted_mistake_is_counted_as_often_as_it_was_planted(class_of_40):
    course, planted, results = class_of_40
    found = {
        (summary.name, mistake.name): set(mistake.students)
        for summary in summaries(course, results)
        for mistake in summary.mistakes
    }
    expected = collections.defaultdict(set)
    for student in planted:
        for name, mistake in student.mistakes.items():
            expected[name, mistake].add(student.student)
    assert found == expected
    assert not any(summary.unknown for summary in summaries(course, results))
    every = {(name, m.name) for name, e in course.exercises(LESSON).items() for m in e.misconceptions}
    assert len(found) > 0.8 * len(every), "a class of 40 makes nearly every mistake"


@walled
def test_the_two_who_share_a_solution_are_the_only_ones_alike(class_of_40):
    course, planted, results = class_of_40
    assert [student.role for student in planted[-2:]] == [*PAIR]
    work = work_of(course, results, summaries(course, results))
    assert [(pair.exercise, pair.score) for pair in work.pairs] == [(name, 1.0) for name in planted[-1].copied]
    assert {pair.one for pair in work.pairs} | {pair.other for pair in work.pairs} == {
        student.student for student in planted[-2:]
    }
    assert set(work.texts) == {(student.student, "gradient_step") for student in planted[-2:]}
    by_place = {result.student: result for result in results}
    assert all(by_place[student.student].score == 8 for student in planted[-2:])


@walled
def test_report_and_terminal_say_that_all_was_found_again(class_of_40, monkeypatch):
    course, planted, _ = class_of_40
    monkeypatch.chdir(course.root)
    done = CliRunner().invoke(main, ["report", "--course", str(course.folder)])
    assert done.exit_code == 0, done.output
    n_planted = sum(len(student.mistakes) for student in planted)
    told = f"{n_planted} mistakes were planted, "
    assert f"sample class: {told}" in done.output
    assert f"and {n_planted} were found again by their own sentences" in done.output
    assert "Nothing is missing, and nothing else was found." in done.output
    html = course.report.read_text(encoding="utf-8")
    assert told in html
    assert "mistake not known" not in html
    counts = re.findall(r"<summary>(\d+) × ", html)
    assert sum(map(int, counts)) == n_planted


@walled
def test_what_is_not_as_planted_is_named(class_of_40):
    course, planted, results = class_of_40
    summarised = summaries(course, results)
    pairs = work_of(course, results, summarised).pairs
    whole = found_again(course, results, summarised, pairs)
    assert (whole.n_planted, whole.n_copied, whole.differences) == (whole.n_found, 1, ())

    first, *rest = summarised
    (mistake, *mistakes), who = first.mistakes, first.mistakes[0].students[0]
    less = dataclasses.replace(mistake, students=mistake.students[1:])
    other = dataclasses.replace(mistake, name="never", students=(planted[0].student,))
    altered = dataclasses.replace(first, mistakes=(less, other, *mistakes), unknown=("ben-blank", "a stranger"))
    again = found_again(course, results, [altered, *rest], [])
    assert again.n_found == whole.n_planted - 1
    assert again.differences == (
        f"{who} made {mistake.name} in {first.name}, not found.",
        f"{planted[0].student} has never in {first.name}, not planted.",
        f"{planted[-1].student} and {planted[-2].student} share gradient_step, not found."
        if planted[-1].student < planted[-2].student
        else f"{planted[-2].student} and {planted[-1].student} share gradient_step, not found.",
        f"ben-blank makes a mistake in {first.name} that is not known.",
    )
    assert "Not as planted:" in str(again)


def test_a_real_class_has_nothing_planted(small_root, tmp_path):
    assert found_again(Course(small_root, tmp_path), [], [], []) is None


def test_a_manifest_of_before_is_read(tmp_path):
    entry = {"student": "a", "role": "mistakes", "mistakes": {"train": "X"}}
    (tmp_path / "sample_class.json").write_text(json.dumps([entry]))
    (planted,) = manifest.read(tmp_path)
    assert dataclasses.asdict(planted) == {**entry, "copied": ()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ANSWERS)
def test_a_peculiar_answer_and_its_copy_are_right(name, seed):
    for source in (ANSWERS[name], disguised(ANSWERS[name])):
        names = {}
        exec(compile("import math, torch\n" + source, name, "exec"), names)
        verdict = judge(find(name)[1], ask_here(names[name], seed), seed)
        assert verdict.outcome is Outcome.PASSED, verdict.feedback
