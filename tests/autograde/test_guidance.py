"""Hints step by step, and solutions for who passed or gave up."""

import ast
from pathlib import Path

import pytest

from autograde import check, exercises, give_up, hint, passed, solution
from autograde import session as sessions
from autograde.cells import slug_of
from autograde.course import Course, find_root
from autograde.examples import worked_example
from autograde.exercise import Exercise, Question
from autograde.exercises import find
from autograde.guidance import EXAMPLE, solution_of
from autograde.records import Keeper, records
from autograde.session import Session

NAME = "predict_rating"


def right(user_factors, movie_factors):
    return sum(u * m for u, m in zip(user_factors, movie_factors, strict=True))


@pytest.fixture(autouse=True)
def session(monkeypatch, tmp_path):
    """A session of its own for each test."""
    monkeypatch.setattr(sessions, "current", Session(keeper=Keeper(tmp_path / "progress.db")))
    return sessions.current


def known(session):
    (record,) = records(session.keeper.path)
    return record


class TestHint:
    def test_goes_step_by_step_and_the_last_brings_an_example(self, capsys):
        hints = find("DotProduct")[1].hints
        example = "".join(f"\n  {line}" for line in worked_example(find("DotProduct")[1]))
        for i, text in enumerate(hints, start=1):
            assert hint("DotProduct") is None
            last = f"\n\n{EXAMPLE}:\n{example}" if i == len(hints) else ""
            assert capsys.readouterr().out == f"Hint {i} of {len(hints)} for `DotProduct`: {text}{last}\n"
        for _ in range(2):
            hint("DotProduct")
            said = capsys.readouterr().out
            assert said.startswith(f"There are no more hints for `DotProduct`. Once more, the last one: {hints[-1]}\n")
            assert EXAMPLE in said

    def test_what_was_taken_is_recorded(self, session):
        for _ in range(5):
            hint("DotProduct")
        assert (known(session).hints, known(session).checks) == (3, 0)

    def test_each_exercise_has_its_own_steps(self, capsys):
        hint("DotProduct")
        hint(NAME)
        assert "Hint 1 of" in capsys.readouterr().out.splitlines()[1]

    def test_an_exercise_without_hints(self, monkeypatch, capsys):
        monkeypatch.setattr(exercises, "find", lambda name: ("lesson", Exercise(reference=right)))
        hint("right")
        assert capsys.readouterr().out == "`right` has no hints: read the text above it once more.\n"

    def test_a_concept_question_has_no_example(self, capsys):
        question = next(
            each
            for slug in exercises.slugs()
            for each in exercises.of_lesson(slug).values()
            if isinstance(each, Question) and each.hints
        )
        for _ in range(len(question.hints) + 1):
            hint(question.name)
        assert EXAMPLE not in capsys.readouterr().out

    @pytest.mark.parametrize("call", [hint, give_up, solution])
    @pytest.mark.parametrize("name", ["DotProdukt", None, ["x"]])
    def test_an_unknown_name(self, call, name, capsys):
        call(name)
        assert capsys.readouterr().out.startswith(("There is no exercise called", "The exercise's name comes first"))


class TestSolution:
    def test_is_not_shown_before_its_time(self, session, capsys):
        solution(NAME)
        said = capsys.readouterr().out
        assert f'`hint("{NAME}")`' in said
        assert f'`give_up("{NAME}")`' in said
        assert "def " not in said
        assert records(session.keeper.path) == []

    def test_is_shown_once_the_check_has_passed(self, session, capsys):
        check(NAME, right)
        capsys.readouterr()
        solution(NAME)
        assert "    def predict_rating(user_factors, movie_factors):" in capsys.readouterr().out
        assert known(session).solution_at is not None

    def test_counts_what_passed_in_an_earlier_session(self, session, monkeypatch, capsys):
        check(NAME, right)
        monkeypatch.setattr(sessions, "current", Session(keeper=Keeper(session.keeper.path)))
        assert not passed(NAME), "cells that go on need the name in this kernel"
        capsys.readouterr()
        solution(NAME)
        assert "def predict_rating" in capsys.readouterr().out

    def test_is_shown_to_who_gives_up_whose_marks_are_not_touched(self, session, capsys):
        give_up(NAME)
        said = capsys.readouterr().out
        assert "touches no marks" in said
        assert f'`solution("{NAME}")`' in said
        solution(NAME)
        assert "def predict_rating" in capsys.readouterr().out
        assert not passed(NAME)
        verdict = check(NAME, right)
        assert verdict.score == verdict.points == find(NAME)[1].points

    def test_giving_up_is_recorded_once_and_not_when_there_is_nothing_to_give_up(self, session, capsys):
        give_up(NAME)
        first = known(session)
        give_up(NAME)
        assert known(session).gave_up_at == first.gave_up_at == known(session).last_at
        check("model_call", find("model_call")[1].reference)
        capsys.readouterr()
        give_up("model_call")
        assert "there is nothing to give up" in capsys.readouterr().out
        assert [record.gave_up_at is None for record in records(session.keeper.path)] == [False, True]

    def test_of_a_concept_question_is_the_right_choice(self, capsys):
        give_up("model_call")
        capsys.readouterr()
        solution("model_call")
        question = find("model_call")[1]
        assert f"“{question.reference}”" in capsys.readouterr().out


COURSE = Course(find_root(Path(__file__).parent), None)
BUILT = [
    (slug_of(lesson), name)
    for lesson in COURSE.lessons()
    for name, exercise in exercises.of_lesson(slug_of(lesson)).items()
    if not isinstance(exercise, Question)
]


@pytest.mark.parametrize(("slug", "name"), BUILT)
class TestSolutionOf:
    def test_is_the_lessons_own_without_its_marks(self, slug, name):
        title, code = solution_of(exercises.of_lesson(slug)[name], slug, COURSE.root)
        assert title == f"Our solution of `{name}`"
        assert "SOLUTION" not in code
        assert name.split(".")[0] in ast.unparse(ast.parse(code))

    def test_without_the_lessons_own_it_is_the_reference_and_says_so(self, slug, name, tmp_path, monkeypatch):
        monkeypatch.setattr("autograde.guidance.__file__", str(tmp_path / "autograde" / "guidance.py"))
        monkeypatch.chdir(tmp_path)
        title, code = solution_of(exercises.of_lesson(slug)[name], slug)
        assert title.startswith("The lesson's own solution is not on this machine.")
        ast.parse(code)


def test_where_nothing_can_be_shown_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("autograde.guidance.__file__", str(tmp_path / "autograde" / "guidance.py"))
    monkeypatch.chdir(tmp_path)
    assert solution_of(Exercise(reference=max, name="largest"), "nowhere") == (
        "The solution of `largest` is not on this machine: ask for it where you got this course.",
        "",
    )
