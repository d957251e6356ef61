"""The exercises of the course as a whole: found by name, each name once, near names suggested."""

import collections
import importlib

import pytest

import autograde.exercises as package
from autograde.exercise import Exercise
from autograde.exercises import UnknownExercise, by_name, find, of_lesson, slugs

NAMES = [(slug, name) for slug in slugs() for name in of_lesson(slug)]


def one(x):
    return x


class TestTheCourse:
    def test_names_are_unique_over_all_lessons(self):
        counts = collections.Counter(name for _, name in NAMES)
        assert [name for name, count in counts.items() if count > 1] == []

    @pytest.mark.parametrize(("slug", "name"), NAMES)
    def test_every_name_is_found_where_it_was_written(self, slug, name):
        assert find(name) == (slug, of_lesson(slug)[name])
        assert of_lesson(slug)[name].name == name

    @pytest.mark.parametrize("slug", slugs())
    def test_every_exercise_can_be_judged(self, slug):
        for exercise in of_lesson(slug).values():
            assert exercise.checks, exercise.name
            assert exercise.misconceptions, exercise.name
            assert exercise.points > 0, exercise.name

    @pytest.mark.parametrize("slug", slugs())
    def test_exercises_come_in_the_order_of_their_module(self, slug):
        module = importlib.import_module(f"autograde.exercises.{slug}")
        written = [id(value) for value in vars(module).values() if isinstance(value, Exercise)]
        assert [id(exercise) for exercise in of_lesson(slug).values()] == written

    def test_slugs_are_sorted_and_known(self):
        assert slugs() == sorted(slugs())
        assert {"latent_factors", "ratings_to_batches", "dot_product"} <= set(slugs())


class TestFind:
    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("DotProdukt", "DotProduct"),
            ("dotproduct", "DotProduct"),
            ("gradient_stp", "gradient_step"),
            ("Encode", "encode"),
        ],
    )
    def test_suggests_the_near_name(self, name, near):
        with pytest.raises(UnknownExercise) as error:
            find(name)
        assert str(error.value) == f"There is no exercise called {name!r}. Did you mean {near!r}?"

    @pytest.mark.parametrize("name", ["", "zzzzzz", "1234567890" * 100])
    def test_lists_all_names_where_none_is_near(self, name):
        with pytest.raises(UnknownExercise) as error:
            find(name)
        assert str(error.value).endswith(f"The exercises are: {', '.join(name for _, name in NAMES)}.")
        assert str(error.value).startswith("There is no exercise called '")
        assert name == "" or name not in str(error.value) or len(name) < 20, "a long name is cut"

    @pytest.mark.parametrize("name", [None, 3, ["DotProduct"], one, {}])
    def test_what_is_no_name_is_told_how_check_is_called(self, name):
        with pytest.raises(UnknownExercise, match='The exercise\'s name comes first, in quotes: check\\("DotProduct"'):
            find(name)


class TestOfLesson:
    @pytest.mark.parametrize("slug", ["dot_produkt", "", "03_dot_product", "os", "__init__"])
    def test_an_unknown_slug_is_told_the_lessons(self, slug):
        with pytest.raises(UnknownExercise) as error:
            of_lesson(slug)
        assert str(error.value) == (
            f"There is no lesson {slug!r} in autograde/exercises: the lessons are {', '.join(slugs())}."
        )

    def test_two_exercises_with_one_name_are_refused(self):
        with pytest.raises(ValueError, match="some_lesson: two exercises are called 'one'"):
            by_name([Exercise(reference=one), 3, Exercise(reference=one)], "some_lesson")

    def test_a_second_variable_is_no_second_exercise(self):
        exercise = Exercise(reference=one)
        assert by_name([exercise, exercise], "some_lesson") == {"one": exercise}

    def test_private_modules_are_no_lessons(self, tmp_path, monkeypatch):
        for name in ("_worlds.py", "extra_lesson.py"):
            (tmp_path / name).write_text("")
        monkeypatch.setattr(package, "__path__", [str(tmp_path)])
        assert slugs() == ["extra_lesson"]
