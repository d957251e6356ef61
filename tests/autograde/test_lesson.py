"""Scripts to notebooks: stable bytes, stable ids, and a sentence with file and cell for whatever is no lesson."""

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from autograde.cells import (
    LessonError,
    exercise_grade_id,
    is_demo,
    is_unchanged_demo,
    skip_demonstrations,
    slug_of,
    source_checksum,
    title_of,
    to_bytes,
)
from autograde.exercise import Exercise, Question
from autograde.lesson import source_notebook, student_notebook

LESSON = "07_numbers"
SCRIPT = '''\
# %% [markdown]
# # 7. Numbers
#
# Prose.

# %%
from autograde import check

# %% exercise="double.whole"
def double(value):
    """Twice."""
    ### BEGIN SOLUTION
    return 2 * value
    ### END SOLUTION


# %% check="double.whole"
check("double.whole", double)

# %% exercise="limit"
limit = 10  ### SOLUTION
step = 2  ### SOLUTION  # half of four

# %% check="limit"
check("limit", limit)

# %% [markdown] question="why"
# Think first.

# %%
import math

# %% demo="a look at it"
double(21)
'''


def double(value):
    return 2 * value


@pytest.fixture
def exercises():
    whole = Exercise(reference=double, name="double.whole")
    whole.check(points=1.5)(described("doubles"))
    limit = Exercise(reference=10, name="limit")
    limit.check(points=2)(described("is the limit"))
    why = Question("why", "Why?", choices={"a": "So.", "b": "Not so."}, right="a", why_not={"b": "It is so."})
    return {each.name: each for each in (whole, limit, why)}


def described(sentence):
    def question(answer, given):
        return answer

    question.__doc__ = sentence
    return question


def source(exercises, script=SCRIPT):
    return source_notebook(script, exercises, LESSON)


def records(notebook):
    return {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }


def cells_by_id(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


# ---- the source notebook


def test_the_same_script_gives_the_same_bytes(exercises):
    once, again = to_bytes(source(exercises)), to_bytes(source(exercises))
    assert once == again
    assert once.endswith(b"}\n")
    assert nbformat.reads(once.decode(), as_version=4) == source(exercises)


def test_the_student_notebook_has_stable_bytes_and_leaves_its_source_alone(exercises):
    notebook = source(exercises)
    before = to_bytes(notebook)
    assert to_bytes(student_notebook(notebook)) == to_bytes(student_notebook(notebook))
    assert to_bytes(notebook) == before


def test_notebooks_are_valid(exercises):
    nbformat.validate(source(exercises))
    nbformat.validate(student_notebook(source(exercises)))


def test_cells_say_to_nbgrader_what_they_are(exercises):
    found = {
        grade_id: (record["grade"], record["solution"], record["locked"], record.get("points"))
        for grade_id, record in records(source(exercises)).items()
    }
    assert found == {
        "setup-start-1": (False, False, True, None),
        "double-whole-answer": (False, True, False, None),
        "double-whole": (True, False, True, 1.5),
        "limit-answer": (False, True, False, None),
        "limit": (True, False, True, 2),
        "why-prompt": (False, False, True, None),
        "why-answer": (False, True, False, None),
        "why": (True, False, True, 0.5),
        "setup-why-1": (False, False, True, None),
    }


def test_whole_points_stay_whole_numbers(exercises):
    assert b'"points": 2,' in to_bytes(source(exercises)).replace(b"\r", b"")
    assert b'"points": 2.0' not in to_bytes(source(exercises))


def test_a_cell_inserted_before_leaves_all_other_ids_alone(exercises):
    longer = SCRIPT.replace("# %%\nimport math", "# %% [markdown]\n# New.\n\n# %%\nimport math")
    longer = longer.replace("# %%\nfrom autograde", '# %% demo="new"\nprint(1)\n\n# %%\nfrom autograde')
    before, after = source(exercises), source(exercises, longer)
    ids = [cell.id for cell in after.cells if "New." not in cell.source and cell.source != "print(1)"]
    assert ids == [cell.id for cell in before.cells]
    assert len({cell.id for cell in after.cells}) == len(after.cells)
    assert list(records(after)) == list(records(before))


def test_a_corrected_set_up_cell_keeps_its_grade_id_so_that_old_submissions_still_count(exercises):
    corrected = SCRIPT.replace("import math", "import math, cmath")
    assert list(records(source(exercises, corrected))) == list(records(source(exercises)))


def test_cells_of_the_same_text_have_ids_of_their_own(exercises):
    twice = SCRIPT + "\n# %%\nimport math\n\n# %% [markdown]\n# Same.\n\n# %% [markdown]\n# Same.\n"
    cells = source(exercises, twice).cells
    assert len({cell.id for cell in cells}) == len(cells)
    assert "setup-why-2" in records(source(exercises, twice))


def test_ids_differ_between_lessons(exercises):
    here, there = source(exercises), source_notebook(SCRIPT, exercises, "08_numbers")
    assert {cell.id for cell in here.cells}.isdisjoint(cell.id for cell in there.cells)


def test_nothing_of_jupytext_is_left(exercises):
    assert b"lines_to_next_cell" not in to_bytes(source(exercises))
    assert b"jupytext" not in to_bytes(source(exercises))


def test_a_question_becomes_prompt_answer_and_check(exercises):
    cells = cells_by_id(source(exercises))
    assert cells["why-prompt"].cell_type == "markdown"
    assert cells["why-prompt"].source == "Think first.\n\n**Question.** Why?\n\n- **a.** So.\n- **b.** Not so."
    assert cells["why-answer"].source == 'why = "a"  ### SOLUTION  # one of "a", "b"'
    assert cells["why"].source == 'check("why", why)'


# ---- the student's notebook


def test_solutions_become_stubs(exercises):
    cells = cells_by_id(student_notebook(source(exercises)))
    assert cells["double-whole-answer"].source == (
        'def double(value):\n    """Twice."""\n    # YOUR CODE HERE\n    raise NotImplementedError'
    )
    assert cells["limit-answer"].source == "limit = ...\nstep = ...  # half of four"
    assert cells["why-answer"].source == 'why = ...  # one of "a", "b"'
    assert b"2 * value" not in to_bytes(student_notebook(source(exercises)))


def test_an_assignment_may_stand_beside_a_region(exercises):
    both = SCRIPT.replace(
        "limit = 10  ### SOLUTION\n", "limit = 10  ### SOLUTION\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n"
    )
    assert cells_by_id(student_notebook(source(exercises, both)))["limit-answer"].source == (
        "limit = ...\n# YOUR CODE HERE\nraise NotImplementedError\nstep = ...  # half of four"
    )


def test_checks_and_set_up_are_locked_and_answers_are_not(exercises):
    cells = cells_by_id(student_notebook(source(exercises)))
    for grade_id, cell in cells.items():
        assert cell.metadata.deletable is False
        assert cell.metadata.get("editable", True) is grade_id.endswith("-answer"), grade_id


def test_checksums_are_those_of_the_released_cells(exercises):
    for cell in cells_by_id(student_notebook(source(exercises))).values():
        assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_a_demonstration_is_unchanged_until_it_is_changed(exercises):
    notebook = student_notebook(source(exercises))
    demos = [cell for cell in notebook.cells if is_demo(cell)]
    assert [cell.source for cell in demos] == ["double(21)"]
    assert is_unchanged_demo(demos[0])
    demos[0].source += "\n"  # what an editor adds is no change
    assert is_unchanged_demo(demos[0])
    demos[0].source = "double(22)"
    assert is_demo(demos[0])
    assert not is_unchanged_demo(demos[0])


def test_no_other_cell_is_a_demonstration(exercises):
    others = [cell for cell in source(exercises).cells if cell.source != "double(21)"]
    assert not any(is_demo(cell) or is_unchanged_demo(cell) for cell in others)


# ---- what is no lesson


def marked(line, instead):
    assert line in SCRIPT
    return SCRIPT.replace(line, instead)


WRONG = {
    "unknown marker": (
        marked('demo="a look at it"', 'dmeo="a look at it"'),
        "cell 9",
        "'dmeo' is none of exercise, check",
    ),
    "two markers": (marked('check="limit"', 'check="limit" demo="x"'), "cell 6", "a cell has one marker"),
    "empty marker": (marked('demo="a look at it"', 'demo=""'), "cell 9", 'write demo="..."'),
    "unknown exercise": (
        marked('exercise="limit"', 'exercise="limes"'),
        "cell 5",
        "no exercise 'limes'; the lesson has",
    ),
    "unknown check": (marked('check="limit"', 'check="limes"'), "cell 6", "no exercise 'limes'"),
    "unknown question": (
        marked('question="why"', 'question="limit"'),
        "cell 7",
        "no question 'limit'; the lesson has why",
    ),
    "code question": (marked('[markdown] question="why"', 'question="why"'), "cell 7", "is [markdown], not code"),
    "prose exercise": (marked('exercise="limit"', '[markdown] exercise="limit"'), "cell 5", "is code, not markdown"),
    "raw cell": (SCRIPT + "\n# %% [raw]\n# raw\n", "cell 10", "code or [markdown], not [raw]"),
    "no solution": (
        marked("    ### BEGIN SOLUTION\n    return 2 * value\n    ### END SOLUTION", "    return 2 * value"),
        "cell 3",
        "no ### BEGIN SOLUTION",
    ),
    "no end": (marked("    ### END SOLUTION\n", ""), "cell 3", "needs its ### END SOLUTION"),
    "no begin": (marked("    ### BEGIN SOLUTION\n", ""), "cell 3", "needs its ### END SOLUTION"),
    "leak in an answer": (marked("step = 2  ###", "print(2)  ###"), "cell 5", "stands behind `name = value`"),
    "leak in a demo": (marked("double(21)\n", "x = 2  ### SOLUTION\n"), "cell 9", "would reach the students"),
    "check of another": (marked('check("limit", limit)', 'check("why", limit)'), "cell 6", 'must call check("limit"'),
    "no check": (
        marked('# %% check="limit"\ncheck("limit", limit)\n', ""),
        "0 cells",
        'check="limit", it must have one',
    ),
    "no question": (marked('# %% [markdown] question="why"\n# Think first.\n', ""), "0 cells", 'question="why"'),
    "two checks": (SCRIPT + '\n# %% check="limit"\ncheck("limit", limit)\n', "2 cells", 'check="limit" (cells 6, 10)'),
    "two exercises": (SCRIPT + '\n# %% exercise="limit"\nlimit = 3  ### SOLUTION\n', "2 cells", "(cells 5, 10)"),
}


@pytest.mark.parametrize(("script", "where", "what"), WRONG.values(), ids=WRONG)
def test_what_is_no_lesson_is_refused_with_its_place(exercises, script, where, what):
    with pytest.raises(LessonError) as caught:
        source(exercises, script)
    assert f"solutions/{LESSON}.py" in str(caught.value)
    assert where in str(caught.value)
    assert what in str(caught.value)


def test_an_exercise_that_the_script_leaves_out_is_missed(exercises):
    exercises["more"] = Exercise(reference=3, name="more")
    with pytest.raises(LessonError, match='0 cells with exercise="more"'):
        source(exercises)


def test_a_question_must_be_a_python_name(exercises):
    why = Question("why-so", "Why?", choices={"a": "So.", "b": "No."}, right="a", why_not={"b": "It is."})
    with pytest.raises(LessonError, match="cell 7: the question's name 'why-so' must be a Python name"):
        source({**exercises, "why-so": why}, SCRIPT.replace('question="why"', 'question="why-so"'))


# ---- names


def test_slug_and_grade_id():
    assert slug_of("03_dot_product") == "dot_product"
    assert slug_of("solutions/03_dot_product.py") == "dot_product"
    assert exercise_grade_id("DotProductBias.range") == "DotProductBias-range"


@pytest.mark.parametrize("heading", ["# # 7. Numbers", "# # Numbers", "# # 12.  Numbers "])
def test_title_is_the_first_heading_without_its_number(heading):
    assert title_of(f"# %% [markdown]\n{heading}\n# ## No title\n") == "Numbers"


def test_a_script_without_a_title_is_refused():
    with pytest.raises(LessonError, match="starts with a Markdown cell"):
        title_of("# %% [markdown]\n# ## Only a section\n")


def test_unchanged_demonstrations_are_tagged_to_be_left_out_and_changed_ones_are_not():
    def demo(source, now):
        checksum = source_checksum(source)
        return nbformat.v4.new_code_cell(
            now, metadata={"autograde": {"demo": "x", "checksum": checksum}, "tags": ["a"]}
        )

    cells = [demo("show()", "show()"), demo("show()", "shown = show()"), nbformat.v4.new_code_cell("show()")]
    skip_demonstrations(nbformat.v4.new_notebook(cells=cells))
    assert [cell.metadata.get("tags") for cell in cells] == [["a", "skip-execution"], ["a"], None]
