"""What becomes of each exercise when a submission is run: verdicts believed, refused or made, and read by nbgrader.

The kernels import nothing of the course: a stand-in for `check` in the set-up cell shows verdicts of any kind.
"""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import determine_grade

from autograde.execute import ExecuteAndJudge, code_key, executed, verdicts_in
from autograde.exercise import Line, Outcome, Verdict
from autograde.kernel.notebook import Limits
from autograde.verdict import VERDICT_MIME, verdict_to_json

QUICK = Limits(cell_seconds=2, interrupt_seconds=2)

CHECK = f"""
import json
from IPython.display import display

def check(name, answer):
    verdict = json.loads(answer) if isinstance(answer, str) else answer
    display({{"text/plain": "a card", "{VERDICT_MIME}": verdict}}, raw=True)
"""


def record(grade_id, **fields):
    return {"nbgrader": {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, **fields}}


def submission(**answers):
    """A notebook with a set-up cell and, for each exercise, the answer's cell and a check of 2 points."""
    cells = [new_code_cell(CHECK, metadata=record("setup-start-1", locked=True))]
    for name, source in answers.items():
        cells.append(new_code_cell(source, metadata=record(f"{name}-answer", solution=True)))
        cells.append(
            new_code_cell(f'check("{name}", {name})', metadata=record(name, grade=True, locked=True, points=2))
        )
    return new_notebook(cells=cells)


def answering(name, /, **changes):
    """An answer whose check shows this verdict."""
    fields = {
        "name": name,
        "outcome": "partial",
        "score": 0.75,
        "points": 2.0,
        "feedback": "Half of it.",
        "lines": [{"sentence": "adds", "passed": True, "score": 0.75, "points": 2.0, "feedback": ""}],
        "asides": ["a line"],
    }
    return f"{name} = {json.dumps({**fields, **changes})!r}"


def graded_cells(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")}


FORGED = {
    "not_json": '"text"',
    "a_list": "[1, 2]",
    "empty": "{}",
    "above": {"score": 3.0},
    "below": {"score": -1.0},
    "too_many_points": {"points": 100.0, "score": 100.0},
    "text_score": {"score": "2"},
    "bool_score": {"score": True},
    "no_score": {"score": None},
    "nan": {"score": float("nan")},
    "other_outcome": {"outcome": "brilliant"},
    "other_name": {"name": "above"},
    "number_name": {"name": 3},
    "text_lines": {"lines": "abc"},
    "lines_of_numbers": {"lines": [1]},
    "odd_line": {"lines": [{"sentence": 3, "passed": True, "score": 1, "points": 1, "feedback": ""}]},
    "half_a_line": {"lines": [{"sentence": "adds"}]},
    "odd_passed": {"lines": [{"sentence": "a", "passed": [], "score": 1, "points": 1, "feedback": ""}]},
    "odd_asides": {"asides": [{"a": 1}]},
    "no_asides": {"asides": 4},
    "odd_feedback": {"feedback": {"html": "<b>"}},
    "more": {"extra": 1},
}


@pytest.fixture(scope="module")
def ordinary():
    """One kernel in which everything happens that leaves the kernel alive."""
    forged = {
        name: answering(name, **what) if isinstance(what, dict) else f"{name} = {what!r}"
        for name, what in FORGED.items()
    }
    notebook = submission(
        told=answering("told"),
        noisy=f"import sys\nprint('warning', file=sys.stderr)\n{answering('noisy', score=2.0, outcome='passed')}",
        raising="raise ValueError('no <b>such</b> thing\\nand a second line')",
        misspelt="mispelt = 1",
        spelt_wrong="def f(:",
        **forged,
        looping="while True: pass",
        after=answering("after", score=1.0),
        hidden="del check",
        replaced="check = lambda name, answer: 2\nreplaced = 1",
    )
    graded_cells(notebook)["noisy"].source = (
        "import os\nos.write(2, b'noise')\n" + graded_cells(notebook)["noisy"].source
    )
    notebook.cells.insert(1, new_markdown_cell("prose"))
    demo = new_code_cell("1 / 0", metadata={"autograde": {"demo": "x", "checksum": "not of this source"}})
    notebook.cells.insert(2, demo)  # a demonstration that the learner has changed
    before = nbformat.from_dict(notebook)
    after = executed(notebook, QUICK)
    assert notebook == before, "what is handed in stays as it is"
    return after


def test_every_check_gets_a_verdict_in_order(ordinary):
    assert list(verdicts_in(ordinary)) == list(graded_cells(ordinary))


def test_a_verdict_is_taken_whole(ordinary):
    line = Line("adds", True, 0.75, 2.0)
    told = Verdict("told", Outcome.PARTIAL, 0.75, 2.0, "Half of it.", (line,), ("a line",))
    assert verdicts_in(ordinary)["told"] == told


def test_nbgrader_reads_every_verdict_s_score(ordinary):
    for name, verdict in verdicts_in(ordinary).items():
        assert determine_grade(graded_cells(ordinary)[name]) == (verdict.score, 2.0), name
    assert sum(verdict.score for verdict in verdicts_in(ordinary).values()) == 0.75 + 2 + 1


def test_what_a_check_writes_to_stderr_costs_nothing(ordinary):
    assert verdicts_in(ordinary)["noisy"].score == 2
    assert [output.output_type for output in graded_cells(ordinary)["noisy"].outputs] == [
        "display_data",
        "execute_result",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raising", "ValueError: no <b>such</b> thing."),
        ("misspelt", "NameError: name 'misspelt' is not defined."),
        ("spelt_wrong", "SyntaxError: invalid syntax"),
    ],
)
def test_the_learner_s_own_exception_is_named(ordinary, name, error):
    verdict = verdicts_in(ordinary)[name]
    assert verdict.outcome is Outcome.FAILED
    assert verdict.feedback.startswith(f"The cell of {name} stopped with {error}")
    assert "second line" not in verdict.feedback


@pytest.mark.parametrize("name", FORGED)
def test_a_verdict_that_is_none_earns_nothing_and_stops_nothing(ordinary, name):
    verdict = verdicts_in(ordinary)[name]
    assert (verdict.outcome, verdict.score, verdict.points) == (Outcome.FAILED, 0.0, 2.0)
    assert f"The check of {name} gave no verdict" in verdict.feedback


def test_a_loop_costs_only_its_own_exercise(ordinary):
    verdict = verdicts_in(ordinary)["looping"]
    assert verdict.outcome is Outcome.TIMED_OUT
    assert "starts with `while True: pass` did not come to an end in time" in verdict.feedback
    assert verdicts_in(ordinary)["after"].score == 1


def test_a_check_that_the_learner_took_away_or_replaced_says_so(ordinary):
    assert "NameError: name 'check' is not defined" in verdicts_in(ordinary)["hidden"].feedback
    assert "is the name `check` used for something else" in verdicts_in(ordinary)["replaced"].feedback
    assert verdicts_in(ordinary)["replaced"].score == 0


def test_a_changed_demonstration_runs_and_costs_nothing(ordinary):
    assert ordinary.cells[2].outputs[0].ename == "ZeroDivisionError"


def test_the_card_is_in_the_outputs_for_feedback(ordinary):
    shown = graded_cells(ordinary)["raising"].outputs[0].data
    assert "no &lt;b&gt;such&lt;/b&gt; thing" in shown["text/html"]
    assert "raising: failed, 0 of 2 point" in shown["text/plain"]
    nbformat.validate(ordinary)


def test_a_crash_keeps_what_was_earned_and_names_the_cell():
    crash = "# the first line is no code\nimport os; os._exit(3)"
    verdicts = verdicts_in(executed(submission(first=answering("first"), second=crash, third="third = 1"), QUICK))
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "first": Outcome.PARTIAL,
        "second": Outcome.CRASHED,
        "third": Outcome.CRASHED,
    }
    assert verdicts["second"].feedback == (
        "The kernel died in the cell that starts with `import os; os._exit(3)`, so second could not be checked."
    )
    assert "so third could not be checked" in verdicts["third"].feedback


def test_a_crash_within_the_check_is_a_crash():
    answer = "import os\ncheck = lambda *_: os._exit(1)\nonly = 1"
    verdict = verdicts_in(executed(submission(only=answer), QUICK))["only"]
    assert verdict.outcome is Outcome.CRASHED
    assert (
        verdict.feedback
        == 'The kernel died in the cell that starts with `check("only", only)`, so only could not be checked.'
    )


def test_a_loop_that_cannot_be_interrupted_is_told_to_all_after_it():
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    notebook = executed(submission(first=answering("first"), second=deaf, third=answering("third")), QUICK)
    verdicts = verdicts_in(notebook)
    assert verdicts["first"].score == 0.75
    assert {verdicts["second"].outcome, verdicts["third"].outcome} == {Outcome.TIMED_OUT}
    assert "`import signal;" in verdicts["third"].feedback
    assert determine_grade(graded_cells(notebook)["third"]) == (0, 2)


# ---- the preprocessor, without a kernel


@pytest.fixture
def ran(tmp_path):
    """A folder with a submission that has been run, as grading leaves it, and its verdict."""
    notebook = submission(told="told = 1")
    notebook.cells.append(new_markdown_cell("Ada's notes."))
    verdict = Verdict("told", Outcome.PARTIAL, 0.5, 2.0, "So so.")
    after = nbformat.from_dict(notebook)
    check = graded_cells(after)["told"]
    check.execution_count = 3
    check.outputs = [nbformat.v4.new_output("display_data", data={VERDICT_MIME: verdict_to_json(verdict)})]
    nbformat.write(after, tmp_path / f"{code_key(notebook)}.ipynb")
    return tmp_path, notebook, verdict


def test_what_has_been_run_is_not_run_again(ran, monkeypatch):
    folder, notebook, verdict = ran
    monkeypatch.setattr("autograde.execute.run_cells", None)
    after, _ = ExecuteAndJudge(executed_directory=str(folder)).preprocess(notebook, {})
    assert verdicts_in(after) == {"told": verdict}


def test_prose_stays_each_student_s_own(ran):
    folder, notebook, verdict = ran
    other = nbformat.from_dict(notebook)
    other.cells[-1].source = "Ben's notes."
    other.cells.insert(0, new_markdown_cell("More of Ben's."))
    after, _ = ExecuteAndJudge(executed_directory=str(folder)).preprocess(other, {})
    assert [cell.source for cell in after.cells if cell.cell_type == "markdown"] == ["More of Ben's.", "Ben's notes."]
    assert verdicts_in(after) == {"told": verdict}
    assert graded_cells(after)["told"].execution_count == 3


def test_other_code_is_run_with_the_seconds_configured(ran, monkeypatch):
    folder, notebook, _ = ran
    notebook.cells[1].source = "told = 2"
    seen = []
    monkeypatch.setattr("autograde.execute.executed", lambda notebook, limits: seen.append(limits) or notebook)
    ExecuteAndJudge(executed_directory=str(folder), cell_seconds=7).preprocess(notebook, {})
    ExecuteAndJudge(cell_seconds=8).preprocess(notebook, {})
    assert [limits.cell_seconds for limits in seen] == [7, 8]


def test_the_key_is_of_code_and_records_alone():
    notebook, other = submission(a="a = 1"), submission(a="a = 1")
    other.cells.append(new_markdown_cell("prose"))
    other.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="x")]
    other.cells[0].execution_count = 9
    assert code_key(other) == code_key(notebook)
    assert code_key(submission(a="a = 2")) != code_key(notebook)
    other.cells[2].metadata.nbgrader.points = 3
    assert code_key(other) != code_key(notebook)
