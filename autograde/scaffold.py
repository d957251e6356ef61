"""A new lesson to fill in: two files, and nothing elsewhere to edit."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from autograde import exercises
from autograde.cells import slug_of
from autograde.course import Course, CourseError

__all__ = ["scaffold"]

EXERCISES = '''\
"""Lesson {number}: say here what the lesson has learners build."""

from __future__ import annotations

from autograde.exercise import Exercise, Question


def {slug}_double(value):
    """The reference: replace it by the right answer from collabkit."""
    return 2 * value


double = Exercise(
    reference={slug}_double,
    name="{slug}_double",
    hints=("What is twice a number?", "Multiply it by 2: `return 2 * value`."),
)


@double.given
def a_number(rng):
    return float(rng.uniform(1, 9))


@double.check(points=1)
def same_value(answer, given):
    """gives twice the number"""
    return float(answer(given))


@double.misconception("You squared the number. Twice a number is the number plus itself.")
def squares(value):
    return value**2


{slug}_why = Question(
    "{slug}_why",
    prompt="What is twice 3?",
    choices={{"a": "6", "b": "9"}},
    right="a",
    why_not={{"b": "That is 3 times 3. Twice 3 is 3 + 3."}},
)
'''

LESSON = """\
# %% [markdown]
# # {n}. {title}
#
# Say here what learners will be able to do, how long it takes, and where the last lesson stopped.

# %%
from autograde import check, give_up, hint, passed, progress, solution

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# Tell the story up to the first exercise. `hint("{slug}_double")` gives a hint.

# %% exercise="{slug}_double"
def {slug}_double(value):
    \"\"\"Return twice the value.\"\"\"
    ### BEGIN SOLUTION
    return 2 * value
    ### END SOLUTION


# %% check="{slug}_double"
check("{slug}_double", {slug}_double)

# %% [markdown] question="{slug}_why"

# %% demo="something to look at, with the learner's own work"
if passed("{slug}_double"):
    print({slug}_double(21))

# %% [markdown]
# Say what to take along, and what comes next.

# %% demo="what you have earned so far"
progress()
"""


def scaffold(course: Course, slug: str) -> list[Path]:
    """Write the two files of a new lesson, behind the last one. CourseError for a bad or a taken slug."""
    if not re.fullmatch("[a-z][a-z0-9_]*", slug) or keyword.iskeyword(slug):
        raise CourseError(f"{slug!r} is no slug: use lower-case words joined by underscores, like weight_decay.")
    module = course.root / "autograde" / "exercises" / f"{slug}.py"
    if slug in exercises.slugs() or slug in map(slug_of, course.lessons()) or module.exists():
        raise CourseError(f"There is a lesson {slug} already: choose another slug, or edit solutions/ by hand.")
    if hasattr(exercises, slug):  # a module of this name would take the place of what the package has under it
        raise CourseError(f"{slug!r} means something else in autograde.exercises: choose another slug.")
    n = max((int(each[:2]) for each in course.lessons()), default=0) + 1
    words = {"slug": slug, "n": n, "number": f"{n:02d}", "title": slug.replace("_", " ").capitalize()}
    files = {
        module: EXERCISES.format(**words),
        course.solutions / f"{n:02d}_{slug}.py": LESSON.format(**words),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)
