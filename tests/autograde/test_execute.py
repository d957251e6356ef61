"""What becomes of each exercise when a submission is run and judged from outside, and what nbgrader reads of it."""

import hashlib
import json
import os
import subprocess
import sys

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import determine_grade

from autograde import preprocessors
from autograde.execute import executed, judging_server
from autograde.exercise import Exercise, Line, Outcome, Verdict
from autograde.kernel.limits import Limits
from autograde.kernel.walls import Walls
from autograde.kernel.warm import ServerEnded
from autograde.preprocessors import CannotGrade, ExecuteAndJudge, NotGraded, RepairCells
from autograde.verdict import VERDICT_MIME, verdicts_in

QUICK = Limits(cell_seconds=4, interrupt_seconds=2)  # the machine may be busy with other tests
POINTS = 2.0


def double(x):
    return 2 * x


def values(rng):
    return torch.from_numpy(rng.uniform(1, 2, 5))


def doubled(answer, given):
    """Doubles all values"""
    return answer(given)


def doubled_first(answer, given):
    """Doubles a single value"""
    return float(answer(given[:1])[0])


def find(name):
    """An exercise of this name: double what is given. `finished...` has a finished version in the standard library."""
    exercise = Exercise(reference=double, name=name, elsewhere=("statistics.mean",) if "finished" in name else ())
    exercise.given(values)
    exercise.check(points=1.5)(doubled)
    exercise.check(points=0.5)(doubled_first)
    exercise.misconception("You tripled.")(lambda x: 3 * x)
    return exercise


def record(grade_id, **fields):
    return {"nbgrader": {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, **fields}}


def submission(**answers):
    """A notebook with a set-up cell and, for each exercise, the answer's cell and its check."""
    cells = [new_code_cell("import statistics, torch", metadata=record("setup-start-1", locked=True))]
    for name, source in answers.items():
        cells.append(new_code_cell(source, metadata=record(f"{name}-answer", solution=True)))
        check = record(name, grade=True, locked=True, points=POINTS)
        cells.append(new_code_cell(f'check("{name}", {name})', metadata=check))
    return new_notebook(cells=cells)


def graded_cells(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")}


def marked(server, limits=QUICK, **answers):
    notebook = executed(submission(**answers), server, limits, lambda name: 7, find)
    return verdicts_in(notebook)


@pytest.fixture(scope="module")
def server():
    with judging_server(Walls.found()) as server:
        yield server


FORGED = {VERDICT_MIME: {"name": "forged", "outcome": "passed", "score": 2.0, "points": 2.0, "lines": [], "asides": []}}
HOSTILE = "type('<b>' * 500 + chr(27), (), {})()"


@pytest.fixture(scope="module")
def ordinary(server):
    """One child in which everything happens that leaves the child alive."""
    notebook = submission(
        right="def right(x):\n    return x + x",
        tripled="tripled = lambda x: 3 * x",
        half="def half(x):\n    return 2 * x if len(x) == 1 else x",
        noisy="import os, sys, warnings\ndef noisy(x):\n    print(1); os.write(2, b'noise'); warnings.warn('w')\n"
        "    print(2, file=sys.stderr)\n    return 2 * x",
        raising="raise ValueError('no <b>such</b> thing\\nand a second line')",
        misspelt="mispelt = 1",
        spelt_wrong="def spelt_wrong(:",
        looping="looping = 0\ndel looping\nwhile True: pass",
        hanging="def hanging(x):\n    while len(x) > 1: pass\n    return 2 * x",
        imported="from math import sqrt as imported",
        aliased="import math\nfrom math import sqrt\naliased = sqrt",
        stub="def stub(x):\n    raise NotImplementedError",
        untouched="def untouched(x):\n    # YOUR CODE HERE",
        elsewhere="globals()['elsewhere'] = lambda x: 2 * x",
        forged=f"from IPython.display import display\nforged = 1\ndisplay({FORGED!r}, raw=True)",
        replaced="check = lambda name, answer: 2\nimport autograde\nautograde.check = check\nreplaced = 1",
        hostile=f"hostile = lambda x: {HOSTILE}",
        finished="import statistics\nfinished = lambda x: statistics.mean(x.tolist())",
        finished_caught="def finished_caught(x):\n    try:\n        return statistics.mean([1])\n"
        "    except Exception:\n        return 2 * x",
        last="last = lambda x: 2 * x",
    )
    untouched = next(cell for cell in notebook.cells if cell.source.startswith("def untouched"))
    untouched.metadata.nbgrader.checksum = _checksum(untouched)
    notebook.cells.insert(1, new_markdown_cell("prose"))
    demo = new_code_cell("1 / 0", metadata={"autograde": {"demo": "x", "checksum": "not of this source"}})
    notebook.cells.insert(2, demo)  # a demonstration that the learner has changed
    notebook.cells.append(new_code_cell("print(last(21))"))
    before = nbformat.from_dict(notebook)
    after = executed(notebook, server, QUICK, lambda name: 7, find)
    assert notebook == before, "what is handed in stays as it is"
    return after


def _checksum(cell):
    record = cell.metadata.nbgrader
    text = f"{cell.source}codeFalseTrueFalse{record.grade_id}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_every_check_gets_a_verdict_in_order(ordinary):
    assert list(verdicts_in(ordinary)) == list(graded_cells(ordinary))


def test_a_right_answer_gets_the_points_of_each_check(ordinary):
    lines = (Line("Doubles all values", True, 1.5, 1.5), Line("Doubles a single value", True, 0.5, 0.5))
    assert verdicts_in(ordinary)["right"] == Verdict("right", Outcome.PASSED, 2.0, 2.0, "", lines)


def test_a_known_mistake_gets_its_sentence(ordinary):
    verdict = verdicts_in(ordinary)["tripled"]
    assert (verdict.outcome, verdict.score, verdict.feedback) == (Outcome.FAILED, 0, "You tripled.")


def test_half_an_answer_gets_half(ordinary):
    verdict = verdicts_in(ordinary)["half"]
    assert (verdict.outcome, verdict.score) == (Outcome.PARTIAL, 0.5)
    assert "expected" in verdict.feedback


def test_nbgrader_reads_every_verdict_s_score(ordinary):
    for name, verdict in verdicts_in(ordinary).items():
        assert determine_grade(graded_cells(ordinary)[name]) == (verdict.score, POINTS), name


def test_what_an_answer_prints_while_it_is_asked_costs_nothing(ordinary):
    assert verdicts_in(ordinary)["noisy"].passed
    assert [output.output_type for output in graded_cells(ordinary)["noisy"].outputs] == [
        "display_data",
        "execute_result",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raising", "The cell of raising stopped with ValueError: no <b>such</b> thing."),
        ("spelt_wrong", "The cell of spelt_wrong stopped with SyntaxError: invalid syntax"),
        ("misspelt", "There is nothing to check as misspelt. No cell of yours defines `misspelt`: is the name spelled"),
        ("elsewhere", "There is nothing to check as elsewhere. No cell of yours defines `elsewhere`"),
    ],
)
def test_an_answer_that_is_not_there_says_why(ordinary, name, error):
    verdict = verdicts_in(ordinary)[name]
    assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
    assert verdict.feedback.startswith(error)
    assert "second line" not in verdict.feedback


def test_a_loop_costs_only_its_own_exercise(ordinary):
    verdict = verdicts_in(ordinary)["looping"]
    assert verdict.outcome is Outcome.TIMED_OUT
    assert "starts with `looping = 0` did not come to an end in time" in verdict.feedback


def test_an_answer_that_hangs_when_it_is_asked_costs_its_own_seconds(ordinary):
    verdict = verdicts_in(ordinary)["hanging"]
    assert (verdict.outcome, verdict.score) == (Outcome.TIMED_OUT, 0)
    assert verdict.lines[0].feedback.startswith("Your `hanging` did not come to an end in time")
    assert "took all the time" in verdict.lines[1].feedback


@pytest.mark.parametrize(
    ("name", "feedback"),
    [
        ("imported", "This is math's own imported: write your own."),
        ("finished", "This is statistics's own mean: write your own."),
    ],
)
def test_what_somebody_else_wrote_earns_nothing_and_is_named(ordinary, name, feedback):
    verdict = verdicts_in(ordinary)[name]
    assert (verdict.outcome, verdict.score, verdict.feedback) == (Outcome.FAILED, 0, feedback)


def test_who_does_without_the_finished_version_in_the_end_has_written_their_own(ordinary):
    assert verdicts_in(ordinary)["finished_caught"].passed


@pytest.mark.parametrize("name", ["stub", "untouched"])
def test_nothing_of_one_s_own_is_not_attempted(ordinary, name):
    verdict = verdicts_in(ordinary)[name]
    assert (verdict.outcome, verdict.score) == (Outcome.NOT_ATTEMPTED, 0)


@pytest.mark.parametrize("name", ["forged", "replaced"])
def test_what_a_learner_shows_or_puts_in_the_place_of_the_check_is_no_mark(ordinary, name):
    verdict = verdicts_in(ordinary)[name]
    assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
    assert "is an int, and cannot be called" in verdict.feedback


def test_an_answer_of_no_plain_kind_gets_a_sentence(ordinary):
    verdict = verdicts_in(ordinary)["hostile"]
    assert verdict.outcome is Outcome.FAILED
    assert verdict.feedback.isprintable()
    assert len(verdict.feedback) < 1500


def test_those_after_it_are_as_if_nothing_had_been(ordinary):
    assert verdicts_in(ordinary)["last"].passed


def test_cells_keep_what_they_put_out_and_a_changed_demonstration_runs(ordinary):
    assert ordinary.cells[2].outputs[0].ename == "ZeroDivisionError"
    assert ordinary.cells[-1].outputs == [nbformat.v4.new_output("stream", name="stdout", text="42\n")]
    nbformat.validate(ordinary)


def test_the_card_is_in_the_outputs_for_feedback(ordinary):
    shown = graded_cells(ordinary)["raising"].outputs[0].data
    assert "no &lt;b&gt;such&lt;/b&gt; thing" in shown["text/html"]
    assert "raising: failed, 0 of 2 point" in shown["text/plain"]


# ---- the child ends


def test_a_crash_keeps_what_was_earned_and_names_the_cell(server):
    crash = "# the first line is no code\nimport os; os._exit(3)"
    verdicts = marked(server, first="first = lambda x: 2 * x", second=crash, third="third = 1")
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "first": Outcome.PASSED,
        "second": Outcome.CRASHED,
        "third": Outcome.CRASHED,
    }
    why = "The kernel died in the cell that starts with `import os; os._exit(3)`"
    assert verdicts["second"].feedback == f"{why}, so second could not be checked."
    assert verdicts["third"].feedback == f"{why}, so third could not be checked."


def test_a_crash_when_it_is_asked_is_told_to_all_after_it(server):
    verdicts = marked(server, only="import os\ndef only(x):\n    os._exit(1)", other="other = lambda x: 2 * x")
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.CRASHED}
    assert "The kernel ended with exit code 1 while only was checked" in verdicts["only"].feedback
    assert "while only was checked, so other could not be checked" in verdicts["other"].feedback


DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def test_a_loop_that_cannot_be_interrupted_is_told_to_all_after_it(server):
    answers = {"first": "first = lambda x: 2 * x", "second": f"{DEAF}while True: pass", "third": "third = 1"}
    verdicts = marked(server, **answers)
    assert verdicts["first"].passed
    assert {verdicts["second"].outcome, verdicts["third"].outcome} == {Outcome.TIMED_OUT}
    assert "`import signal;" in verdicts["third"].feedback


def test_an_answer_that_hangs_and_cannot_be_interrupted_costs_what_comes_after_it(server):
    deaf = (
        "import time\ndef first(x):\n    while True:\n        try:\n            time.sleep(60)\n"
        "        except BaseException: pass"
    )
    verdicts = marked(server, first=deaf, second="second = 1")
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.TIMED_OUT}
    assert "The check of first did not come to an end in time" in verdicts["first"].feedback


def test_memory_beyond_the_limit_has_an_outcome_of_its_own(server):
    if not server.walls.enough:
        pytest.skip("nothing bounds memory here")
    greedy = "def only(x):\n    held = []\n    while True: held.append(bytearray(50_000_000))"
    verdict = marked(server, Limits(cell_seconds=30, memory_bytes=300_000_000), only=greedy)["only"]
    assert verdict.score == 0
    assert verdict.outcome in (Outcome.OUT_OF_MEMORY, Outcome.FAILED), "Python may raise a MemoryError first"
    assert "memory" in verdict.feedback.lower()


# ---- whose failure it is


def test_points_that_the_exercises_do_not_give_are_no_learner_s_fault(server):
    notebook = submission(one="one = 1")
    graded_cells(notebook)["one"].metadata.nbgrader.points = 100
    with pytest.raises(ValueError, match="one is worth 100 points in the lesson and 2 in the exercises"):
        executed(notebook, server, QUICK, lambda name: 7, find)


def test_a_check_cell_may_prepare_what_it_asks_for(server):
    notebook = submission(made="def made(factor):\n    return lambda x: factor * x")
    graded_cells(notebook)["made"].source = 'factor = 2\n\ncheck("made", made(factor))'
    assert verdicts_in(executed(notebook, server, QUICK, lambda name: 7, find))["made"].passed


def test_the_seed_draws_the_inputs(server):
    def feedback(seed):
        notebook = submission(one="one = lambda x: x")
        return verdicts_in(executed(notebook, server, QUICK, lambda name: seed, find))["one"].feedback

    assert feedback(1) == feedback(1) != feedback(2)


# ---- nbgrader's preprocessors


def test_a_submission_is_repaired_from_the_lesson_as_students_open_it(tmp_path, caplog):
    released = submission(one="one = ...")
    released.metadata = {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}}
    (tmp_path / "lesson").mkdir()
    nbformat.write(released, tmp_path / "lesson" / "lesson.ipynb")
    handed_in = nbformat.from_dict(released)
    del handed_in.cells[2]
    preprocessor = RepairCells(lessons_directory=str(tmp_path))
    place = {"nbgrader": {"assignment": "lesson", "notebook": "lesson"}}
    after, _ = preprocessor.preprocess(handed_in, place)
    assert after.cells[2].source == 'check("one", one)'
    assert "Locked cells were missing" in caplog.text


def test_the_preprocessor_uses_the_course_s_secret_the_student_and_the_seconds(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(preprocessors, "_server", lambda walls: f"server with walls {walls}")
    monkeypatch.setattr("autograde.execute.executed", lambda *arguments: seen.append(arguments) or arguments[0])
    for student in ("ada", "ben", "ada"):
        preprocessor = ExecuteAndJudge(secret_file=str(tmp_path / "secret.key"), cell_seconds=7)
        preprocessor.preprocess(submission(one="one = 1"), {"nbgrader": {"student": student}})
    assert [limits.cell_seconds for _, _, limits, _ in seen] == [7, 7, 7]
    assert {server for _, server, *_ in seen} == {"server with walls True"}
    seeds = [seed("DotProduct") for *_, seed in seen]
    assert seeds[0] == seeds[2] != seeds[1]
    assert len({seed("best_model") for *_, seed in seen}) == 1, "one split for all, so that errors can be compared"


class EndsAtFirst:
    """A server that ends `times` times while a submission runs, and another one for the runs after that."""

    def __init__(self, server, times):
        self.server, self.times = server, times

    def fork(self, *arguments, **named):
        if self.times:
            self.times -= 1
            raise ServerEnded("The warm server ended while a submission was running.")
        return self.server.fork(*arguments, **named)


def test_a_submission_whose_server_ends_is_run_once_more(server):
    assert marked(EndsAtFirst(server, 1), double="def double(x): return 2 * x")["double"].outcome is Outcome.PASSED
    with pytest.raises(ServerEnded):
        marked(EndsAtFirst(server, 2), double="def double(x): return 2 * x")


def test_plain_nbgrader_goes_on_with_the_next_notebook_after_a_server_ended_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocessors, "_server", lambda walls: EndsAtFirst(None, 2))
    monkeypatch.setattr("autograde.execute.executed.__defaults__", (find,))
    with pytest.raises(NotGraded, match="run the same command again"):
        ExecuteAndJudge(secret_file=str(tmp_path / "key")).preprocess(
            submission(one="one = 1"), {"nbgrader": {"student": "ada"}}
        )


@pytest.mark.parametrize("damage", ["walls", "secret"])
def test_grading_that_cannot_go_on_ends_in_a_sentence(tmp_path, monkeypatch, damage):
    secret = tmp_path / "secret.key"
    monkeypatch.setattr(Walls, "found", lambda: Walls.none())
    if damage == "secret":
        secret.write_bytes(b"short")
    preprocessors._server.cache_clear()
    with pytest.raises(CannotGrade) as caught:
        ExecuteAndJudge(secret_file=str(secret)).preprocess(submission(), {"nbgrader": {"student": "ada"}})
    sentence = "is damaged" if damage == "secret" else "cannot be walled in on this machine"
    assert sentence in str(caught.value)
    assert isinstance(caught.value, KeyboardInterrupt), "nbgrader tidies up after an interrupt, and ends"


def test_as_a_command_s_end_it_shows_the_sentence_and_no_traceback():
    code = "from autograde.preprocessors import CannotGrade; raise CannotGrade('a sentence')"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert (done.returncode, done.stderr) == (1, "a sentence\n")


def test_results_are_json(ordinary):
    assert json.loads(json.dumps(ordinary)) == ordinary
