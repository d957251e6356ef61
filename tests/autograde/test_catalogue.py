"""What exercises are called and worth is known without importing them, as long as it is fresh."""

import shutil
import subprocess
import sys

import pytest

from autograde import catalogue
from autograde.build import build, released, source
from autograde.course import Course
from autograde.exercise import Question

from .small_class import LESSON


@pytest.fixture
def course(small_root, tmp_path):
    shutil.copytree(small_root / "solutions", tmp_path / "solutions")
    shutil.copy(small_root / "nbgrader_config.py", tmp_path)
    return Course(tmp_path, tmp_path / "course")


def files(course):
    return [source(course, LESSON), released(course, LESSON)]


def test_it_says_what_the_exercises_say_before_and_after_a_build(course):
    before = catalogue.entries(course, LESSON)
    build(course, [LESSON])
    assert catalogue.entries(course, LESSON) == before
    for name, exercise in course.exercises(LESSON).items():
        entry = before[name]
        assert (entry.name, entry.points) == (name, exercise.points)
        assert entry.is_question == isinstance(exercise, Question)
        assert entry.is_shared == exercise.is_shared
        assert entry.mistakes == tuple(mistake.name for mistake in exercise.misconceptions)
        assert entry.hints == exercise.hints
        assert entry.sentences == tuple(mistake.sentence for mistake in exercise.misconceptions)
    assert catalogue.points(course, LESSON) == 8


def test_a_fresh_one_is_read_without_torch_and_a_build_does_nothing(course):
    build(course, [LESSON])
    code = (
        "import sys; from pathlib import Path; from autograde import catalogue; from autograde.build import build\n"
        "from autograde.course import Course\n"
        f"course = Course(Path({str(course.root)!r}), Path({str(course.folder)!r}))\n"
        f"print(build(course, [{LESSON!r}]), catalogue.points(course, {LESSON!r}), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] 8.0 False\n"


@pytest.mark.parametrize("changed", ["script", "source", "released", "gone", "code", "damaged"])
def test_it_is_stale_as_soon_as_anything_has_changed(course, changed, monkeypatch):
    build(course, [LESSON])
    assert catalogue.is_fresh(course, LESSON, files(course))
    match changed:
        case "script":
            with (course.solutions / f"{LESSON}.py").open("a") as file:
                file.write("\n# more\n")
        case "source" | "released":
            path = {"source": source, "released": released}[changed](course, LESSON)
            path.write_bytes(path.read_bytes() + b" ")
        case "gone":
            released(course, LESSON).unlink()
        case "code":
            monkeypatch.setattr(catalogue.digest, "of_lesson_making", lambda slug: "another")
        case "damaged":
            (course.source.parent / "catalogue" / f"{LESSON}.json").write_text("{")
    assert not catalogue.is_fresh(course, LESSON, files(course))
    assert catalogue.points(course, LESSON) == 8
    build(course, [LESSON])
    assert catalogue.is_fresh(course, LESSON, files(course))


def test_what_a_lesson_says_in_code_is_kept_as_it_is_computed(course):
    computed = catalogue.said(course, LESSON)
    assert {"user_factors", "torch", "SumsOverRows"} <= computed.names
    build(course, [LESSON])
    kept = course.source.parent / "catalogue" / f"{LESSON}.said.json"
    assert catalogue.said(course, LESSON) == computed
    kept.write_text(kept.read_text().replace('"fragments": [', '"fragments": [1, '))
    assert catalogue.said(course, LESSON).fragments == computed.fragments | {1}
    for damaged in ("{", '{"of": "another"}', "[]"):
        kept.write_text(damaged)
        assert catalogue.said(course, LESSON) == computed
