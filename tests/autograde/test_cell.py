"""The learner's side of a check: quiet, in a terminal, in a subprocess and in a real Jupyter kernel."""

import contextlib
import dataclasses
import functools
import html
import json
import logging
import os
import subprocess
import sys
import time
import warnings

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

import autograde
import collabkit
from autograde import card, cell, check, exercises, passed
from autograde import session as sessions
from autograde.effort import effort_from
from autograde.exercise import Exercise, Line, Outcome, Verdict
from autograde.exercises import find
from autograde.kernel import stand_in
from autograde.kernel.limits import Ended
from autograde.records import Keeper, records
from autograde.session import Session
from autograde.verdict import VERDICT_MIME, verdict_from_json, verdict_to_json

from ..practice import run_in_jupyter

NAME = "predict_rating"
POINTS = find(NAME)[1].points


def RIGHT(user_factors, movie_factors):
    return sum(u * m for u, m in zip(user_factors, movie_factors, strict=True))


def wrong(user_factors, movie_factors):
    return 1.0


def blank(user_factors, movie_factors):
    raise NotImplementedError


@pytest.fixture(autouse=True)
def session(monkeypatch, tmp_path):
    """A session of its own for each test."""
    monkeypatch.setattr(sessions, "current", Session(keeper=Keeper(tmp_path / "progress.db")))
    return sessions.current


class TestCheck:
    @pytest.mark.parametrize(
        ("answer", "outcome", "score"),
        [(RIGHT, Outcome.PASSED, POINTS), (wrong, Outcome.FAILED, 0), (blank, Outcome.NOT_ATTEMPTED, 0)],
    )
    def test_returns_the_verdict_and_prints_the_card_where_there_is_no_kernel(self, answer, outcome, score, capsys):
        verdict = check(NAME, answer)
        assert (verdict.name, verdict.outcome, verdict.score, verdict.points) == (NAME, outcome, score, POINTS)
        assert bool(verdict.feedback) is (outcome is not Outcome.PASSED)
        captured = capsys.readouterr()
        shown = captured.out.splitlines()
        assert shown[0] == card.as_text(verdict).splitlines()[0]
        assert [line for line in card.as_text(verdict).splitlines() if line not in shown] == []
        assert ("what was expected: " in captured.out) is (answer is wrong)
        assert captured.err == ""

    @pytest.mark.parametrize(
        ("name", "answer", "own"),
        [
            ("DotProduct", collabkit.DotProduct, "DotProduct"),
            ("DotProduct", type("Mine", (collabkit.DotProduct,), {}), "DotProduct"),
            (NAME, functools.partial(find(NAME)[1].reference), NAME),
        ],
    )
    def test_a_finished_version_is_named_and_earns_nothing(self, name, answer, own):
        verdict = check(name, answer)
        assert (verdict.outcome, verdict.score) == (Outcome.FAILED, 0)
        assert verdict.feedback == f"This is collabkit's own {own}: write your own."
        assert not passed(name)

    def test_the_placeholder_of_a_lesson_is_not_attempted(self):
        assert check(NAME, ...).outcome is Outcome.NOT_ATTEMPTED
        assert check("model_call", ...).outcome is Outcome.NOT_ATTEMPTED

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("predict_ratng", "There is no exercise called 'predict_ratng'. Did you mean 'predict_rating'?"),
            ("Predict_Rating", "Did you mean 'predict_rating'?"),
            (RIGHT, 'The exercise\'s name comes first, in quotes: check("DotProduct", DotProduct).'),
            (["a"], "The exercise's name comes first"),
            (None, "The exercise's name comes first"),
        ],
    )
    def test_an_unknown_name_gets_a_sentence_and_no_traceback(self, name, sentence, session, capsys):
        verdict = check(name, RIGHT)
        assert (verdict.outcome, verdict.score, verdict.points) == (Outcome.FAILED, 0, 0)
        assert sentence in verdict.feedback
        assert sentence in capsys.readouterr().out
        assert session.verdicts == {}

    def test_inputs_are_drawn_anew(self, monkeypatch):
        seeds = []
        monkeypatch.setattr(cell, "examined", lambda exercise, ask, seed: (seeds.append(seed) or _passed(), ()))
        for _ in range(5):
            check(NAME, RIGHT)
        assert len(set(seeds)) == 5

    def test_an_interrupt_ends_the_check_and_leaves_nothing_behind(self, session, capsys):
        check(NAME, RIGHT)
        before = logging.root.manager.disable, warnings.showwarning, os.fstat(2), sys.stdout, sys.stderr

        def stopped(user_factors, movie_factors):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            check(NAME, stopped)
        assert (logging.root.manager.disable, warnings.showwarning, os.fstat(2), sys.stdout, sys.stderr) == before
        assert session.verdicts == {}, "what passed before says nothing of this answer"
        assert check(NAME, RIGHT).passed

    @pytest.mark.parametrize("leave", [sys.exit, exit])
    def test_leaving_the_program_ends_nothing(self, leave):
        verdict = check(NAME, lambda user_factors, movie_factors: leave())
        assert verdict.outcome is Outcome.FAILED
        assert "leave a function with `return`" in verdict.feedback


class TestBesides:
    def test_evidence_that_cannot_be_drawn_costs_nothing(self, monkeypatch, capsys):
        def breaks(*_):
            raise RuntimeError("no picture today")

        monkeypatch.setattr(cell.evidence, "beside", breaks)
        verdict = check(NAME, wrong)
        assert verdict.outcome is Outcome.FAILED
        assert capsys.readouterr().out == card.as_text(verdict) + "\n"

    def test_a_finished_version_is_told_on_the_card(self, capsys):
        verdict = check("DotProduct", collabkit.DotProduct)
        assert verdict.feedback in capsys.readouterr().out

    def test_what_was_tried_is_kept_and_what_was_not_is_not(self, session, capsys):
        for answer in (..., wrong, RIGHT, wrong):
            check(NAME, answer)
        check("nonsense", 1)
        (record,) = records(session.keeper.path)
        assert (record.exercise, record.checks) == (NAME, 3)
        assert record.best.passed
        assert not record.last.passed

    def test_what_it_took_so_far_goes_along_with_the_card_and_not_in_the_verdict(self, session, monkeypatch):
        shown = []
        monkeypatch.setattr(cell, "in_kernel", lambda: True)
        monkeypatch.setattr(cell, "_stopped_before", lambda: False)
        monkeypatch.setattr(cell, "display", lambda bundle, raw, metadata: shown.append((bundle, metadata)))
        for answer in (wrong, RIGHT, ...):
            check(NAME, answer)
        told = [effort_from(metadata, time.time()) for _, metadata in shown]
        assert [each.checks for each in told] == [1, 2, 2]
        assert [each.passed_at is not None for each in told] == [False, True, True]
        assert told[1].last_at == told[1].passed_at
        assert set(shown[0][0][VERDICT_MIME]) == {field.name for field in dataclasses.fields(Verdict)}
        check("nonsense", 1)
        assert shown[3][1] == {}

    def test_a_file_that_cannot_be_written_is_told_once_and_costs_no_check(self, monkeypatch, tmp_path, capsys):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setattr(sessions, "current", Session(keeper=Keeper(tmp_path / "file" / "progress.db")))
        assert check(NAME, RIGHT).passed
        said = capsys.readouterr()
        assert said.out.count("Your progress cannot be kept in") == 1
        assert said.err == ""
        assert check(NAME, RIGHT).passed
        assert "Your progress" not in capsys.readouterr().out
        assert [record.checks for record in sessions.current.keeper.records()[0]] == [2]


def _passed():
    return Verdict(NAME, Outcome.PASSED, 1.0, 1.0)


class TestAsides:
    @pytest.fixture(autouse=True)
    def _warnings_as_in_a_notebook(self):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            yield

    def heard(self, say, capfd):
        def says(user_factors, movie_factors):
            say()
            return RIGHT(user_factors, movie_factors)

        capfd.readouterr()
        verdict = check(NAME, says)
        captured = capfd.readouterr()
        assert verdict.passed
        assert captured.err == ""
        assert captured.out == card.as_text(verdict) + "\n"
        return verdict.asides

    @pytest.mark.parametrize(
        ("say", "lines"),
        [
            (lambda: print("one\n\ntwo"), ("one", "two")),
            (lambda: (print("out"), print("err", file=sys.stderr), print("more")), ("out", "err", "more")),
            (lambda: warnings.warn("careful", stacklevel=1), ("UserWarning: careful",)),
            (lambda: logging.StreamHandler().emit(logging.makeLogRecord({"msg": "logged"})), ("logged",)),
            (lambda: os.write(2, b"past everything\n"), ()),
            (lambda: os.write(1, b"past everything\n"), ()),
            (lambda: print("past sys", file=sys.__stderr__), ()),
            (lambda: print("\r 10%\r 50%\r100% done"), ("100% done",)),
            (lambda: print("\x1b[31mred\x1b[0m\tx\x00\ud800"), ("red x",)),
            (lambda: print("<b>bold</b>"), ("<b>bold</b>",)),
            (lambda: sys.stdout.close(), ()),
            (lambda: None, ()),
        ],
    )
    def test_what_code_says_stays_off_the_streams_and_is_kept(self, say, lines, capfd):
        assert self.heard(say, capfd) == lines

    def test_what_every_question_repeats_is_kept_once(self, capfd):
        assert self.heard(lambda: print("again\nagain"), capfd) == ("again",)

    def test_at_most_twenty_lines(self, capfd):
        assert self.heard(lambda: print(*range(20), sep="\n"), capfd) == tuple(map(str, range(20)))
        many = self.heard(lambda: print(*range(100), sep="\n"), capfd)
        assert len(many) == 20
        assert many[-2:] == ("18", "and 81 more lines")

    def test_long_lines_and_floods_are_cut(self, capfd):
        (line,) = self.heard(lambda: print("x" * 1000), capfd)
        assert line == "x" * 199 + "…"
        flood = self.heard(lambda: [print("x" * 1000, i) for i in range(1000)], capfd)
        assert len(flood) == 1
        heard = cell._Heard()
        for _ in range(1000):
            assert heard.write("x" * 1000) == 1000
        assert len(heard.getvalue()) <= cell.ASIDES_KEPT + 1000

    def test_streams_that_code_took_hold_of_earlier_are_heard_too(self, capfd, monkeypatch):
        class Stream(list):
            def write(self, text):
                self.append(text)

            def flush(self):
                pass

        early = Stream()
        monkeypatch.setattr(sys, "stderr", early)
        assert self.heard(lambda: print("early", file=early), capfd) == ("early",)
        assert early == []
        print("later", file=early)
        assert early == ["later", "\n"], "afterwards the stream is itself again"

    def test_a_stream_that_cannot_be_rerouted_is_redirected(self, capfd, monkeypatch):
        class Stream:
            __slots__ = ("lines",)

            def write(self, text):
                self.lines.append(text)

            def flush(self):
                pass

        fixed = Stream()
        fixed.lines = []
        monkeypatch.setattr(sys, "stderr", fixed)
        assert self.heard(lambda: print("err", file=sys.stderr), capfd) == ("err",)
        assert fixed.lines == []

    def test_a_stream_that_was_tampered_with_is_given_back_as_it_was(self, capfd, monkeypatch):
        class Stream:
            def flush(self):
                pass

        tampered, lines = Stream(), []
        tampered.write = lines.append
        monkeypatch.setattr(sys, "stdout", tampered)
        check(NAME, RIGHT)
        assert tampered.write == lines.append
        assert "".join(lines).startswith("✓ predict_rating: passed")

    def test_filters_of_the_notebook_hold(self, capfd):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert self.heard(lambda: warnings.warn("old", DeprecationWarning, stacklevel=1), capfd) == ()

    def test_our_own_answers_are_not_heard(self, monkeypatch, capfd):
        def loud(x):
            print("reference")
            warnings.warn("reference", stacklevel=1)
            logging.getLogger("loud").error("reference")
            return x

        exercise = Exercise(reference=loud, draw=lambda rng: 1)
        exercise.check(points=1)(_answer)
        exercise.misconception("No.")(lambda x: loud(x) + 1)
        monkeypatch.setattr(exercises, "find", lambda name: ("lesson", exercise))
        verdict = check("loud", lambda x: x + 2)
        assert verdict.outcome is Outcome.FAILED
        assert verdict.asides == ()

    def test_a_closed_descriptor_is_no_reason_to_fail(self):
        with cell._quiet_descriptor(9999, None):
            print("nobody listens on 9999")
        code = (
            "import os, sys; from autograde import check, exercises\n"
            "answer = lambda user_factors, movie_factors: sum(u * m for u, m in zip(user_factors, movie_factors))\n"
            "os.close(2)\n"
            f"print(check({NAME!r}, answer).outcome)"
        )
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.endswith("\npassed\n")


def _answer(answer, given):
    """Answers"""
    return answer(given)


LOUD = """
import logging, os, subprocess, sys, warnings
from sys import stderr as early

from torch import nn
from autograde import check, hint, passed, progress

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)


class Own(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.movie_factors = nn.Embedding(n_movies, n_factors)

    def forward(self, x):
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)


class DotProduct(Own):
    def forward(self, x):
        warnings.warn("I warn")
        logging.debug("I log")
        logging.getLogger("x").critical("I log loudly")
        logging.log(60, "I log beyond all levels")
        print("I print")
        print("I complain", file=sys.stderr)
        print("I complain early", file=early)
        print("I complain past sys", file=sys.__stderr__)
        os.write(1, b"I write to 1\\n")
        os.write(2, b"I write to 2\\n")
        subprocess.run(["sh", "-c", "echo I am a child; echo I am a child >&2"])
        return super().forward(x)
"""


def test_a_subprocess_writes_nothing_to_descriptor_2():
    code = LOUD + 'check("DotProduct", DotProduct)\nos.write(2, b"and then\\n")'
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "and then\n"
    assert done.stdout.startswith("✓ DotProduct: passed, 3.5 of 3.5 points\n")
    assert "| I complain early\n" in done.stdout
    assert "child" not in done.stdout


# ---- a real kernel

# a descriptor is read by a thread of the kernel's own: what it hears late would stand under the next cell
OUTSIDE = """
import time
os.write(2, b"heard 2\\n"); print("heard early", file=early); print("heard", file=sys.stderr)
time.sleep(3)
"""
CELLS = {
    "loud": LOUD,
    "heard outside": OUTSIDE,
    "passes": 'check("DotProduct", DotProduct)',
    "heard again": OUTSIDE,
    "shows": """
from IPython.display import clear_output, display
class Shows(Own):
    def forward(self, x):
        clear_output(); display("a picture")
        return super().forward(x)[:5]
""",
    "fails": 'check("DotProduct", Shows)',
    "points at": """
class Stops(Own):
    def forward(self, x):
        return self.users(x[:, 0])  # <script>
""",
    "stops": 'check("DotProduct", Stops)',
    "blank": 'check("predict_rating", ...)',
    "unknown": 'check("DotProdukt", DotProduct)',
    "leaves": 'check("predict_rating", lambda u, m: exit())',
    "quits": 'check("predict_rating", lambda u, m: quit(keep_kernel=True))',
    "alive": "right = lambda u, m: sum(a * b for a, b in zip(u, m))\ncheck('predict_rating', right)",
    "interrupts": """
def stop(u, m): raise KeyboardInterrupt
check("predict_rating", stop)
""",
    "alive still": 'check("predict_rating", right)',
    "hint": 'hint("DotProduct")',
    "not passed": 'passed("gradient_step")',
    "progress": "progress()",
    "not there": 'check("rmse", rmse)',
    "slip": "def predict_rating(u, m): return u m",
    "after a slip": 'check("predict_rating", lambda u, m: 1.0)',
    "slip of another kind": "nobody",
    "passes after a slip": 'check("predict_rating", right)',
    "back in lesson 3": 'check("DotProduct", DotProduct)',  # which the progress above follows
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Each of CELLS after its run in one kernel: name -> (how it ended, its outputs)."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()])
    with not_under_pytest():
        endings = run_in_jupyter(notebook, tmp_path_factory.mktemp("kernel"))
    return {name: (end, c.outputs) for name, end, c in zip(CELLS, endings, notebook.cells, strict=True)}


@contextlib.contextmanager
def not_under_pytest():
    """ipykernel leaves file descriptors 1 and 2 alone under pytest: a learner's kernel watches them."""
    current = os.environ.pop("PYTEST_CURRENT_TEST")
    try:
        yield
    finally:
        os.environ["PYTEST_CURRENT_TEST"] = current


class TestKernel:
    @pytest.mark.parametrize("name", ["heard outside", "heard again"])
    def test_the_kernel_itself_hears_all_that_code_says(self, kernel, name):
        """Without this the next test would prove nothing; and after a check everything is as it was."""
        said = "".join(output.text for output in kernel[name][1] if output.get("name") == "stderr")
        # what comes through the descriptor is read by a thread of its own: in which order, and where lines end, is open
        assert [said.count(part) for part in ("heard", "heard 2", "heard early")] == [3, 1, 1]

    @pytest.mark.parametrize(
        ("name", "mark"),
        [
            ("passes", "3.5"),
            ("fails", "0.5"),
            ("stops", "0"),
            ("blank", "0"),
            ("unknown", "0"),
            ("leaves", "0"),
            ("quits", "0"),
            ("alive", f"{POINTS:g}"),
            ("alive still", f"{POINTS:g}"),
        ],
    )
    def test_a_check_shows_a_card_and_a_mark_and_nothing_else(self, kernel, name, mark):
        ended, outputs = kernel[name]
        assert ended is Ended.OK
        assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
        assert outputs[-1].data["text/plain"] == mark, "what nbgrader reads"

    def test_the_card_comes_in_every_form(self, kernel):
        data = kernel["passes"][1][0].data
        verdict = verdict_from_json(data[VERDICT_MIME])
        assert (verdict.name, verdict.outcome, verdict.score) == ("DotProduct", Outcome.PASSED, 3.5)
        assert data["text/html"] == card.as_html(verdict)
        assert data["text/markdown"] == card.as_markdown(verdict)
        assert data["text/plain"] == card.as_text(verdict)

    def test_what_the_learners_code_said_is_in_the_card(self, kernel):
        asides = kernel["passes"][1][0].data[VERDICT_MIME]["asides"]
        assert asides == [
            "DEBUG:root:I log",
            "CRITICAL:x:I log loudly",
            "Level 60:root:I log beyond all levels",
            "I print",
            "I complain",
            "I complain early",
            "UserWarning: I warn",
        ]

    def test_the_learners_line_is_named(self, kernel):
        feedback = kernel["stops"][1][0].data[VERDICT_MIME]["feedback"]
        assert "at `return self.users(x[:, 0])  # <script>`" in feedback
        assert "<script>" not in kernel["stops"][1][0].data["text/html"]

    def test_an_unknown_name_gets_a_suggestion(self, kernel):
        assert "Did you mean 'DotProduct'?" in html.unescape(kernel["unknown"][1][0].data["text/html"])

    @pytest.mark.parametrize("name", ["leaves", "quits"])
    def test_leaving_ends_neither_the_check_nor_the_kernel(self, kernel, name):
        assert "leave a function with `return`" in kernel[name][1][0].data[VERDICT_MIME]["feedback"]

    def test_an_interrupt_ends_its_cell_alone(self, kernel):
        ended, outputs = kernel["interrupts"]
        assert ended is Ended.ERROR
        assert [output.get("ename") for output in outputs] == ["KeyboardInterrupt"]

    def test_an_answer_that_is_not_there_is_told_without_a_traceback(self, kernel):
        ended, (error,) = kernel["not there"]
        assert ended is Ended.ERROR, "or stock nbgrader would give full marks"
        told = "\n".join(error.traceback)
        assert "There is no rmse yet" in told
        assert "Run the cell that defines it" in told
        assert "Traceback" not in told
        assert "Traceback" in "\n".join(kernel["slip of another kind"][1][0].traceback), "which is Python's own"

    def test_after_a_cell_that_stopped_a_check_says_that_it_looks_at_an_older_answer(self, kernel):
        ended, outputs = kernel["after a slip"]
        assert ended is Ended.OK
        assert "stopped with an error. If it defines `predict_rating`, mend it" in outputs[1].data["text/markdown"]
        assert outputs[-1].data["text/plain"] == "0"
        assert len(kernel["passes after a slip"][1]) == 2, "nothing to say where all is right"

    def test_the_rest_is_shown_as_markdown(self, kernel):
        (shown,) = kernel["hint"][1]
        assert shown.data["text/markdown"].startswith("Hint 1 of 3 for `DotProduct`: ")
        said, value = kernel["not passed"][1]
        assert said.data["text/markdown"].startswith("This cell goes on with your `gradient_step`")
        assert value.data["text/plain"] == "False"
        (shown,) = kernel["progress"][1]
        assert "| ✓ `DotProduct` | passed, 1 hint | 3.5 of 3.5 |" in shown.data["text/markdown"]
        assert "of 100 points" in shown.data["text/html"]


def test_what_stands_in_while_a_lesson_is_graded_knows_every_name(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRADE_PROGRESS", str(tmp_path / "progress.db"))
    assert stand_in.__all__ == autograde.__all__
    for name in stand_in.__all__:
        getattr(stand_in, name)("DotProduct", panel=True)
    assert "while this is graded" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_in_an_ipython_terminal_the_card_is_text(monkeypatch, capsys):
    shell = InteractiveShell()
    monkeypatch.setattr(cell, "get_ipython", lambda: shell)
    verdict = check(NAME, lambda u, m: shell.ask_exit())
    assert "leave a function with `return`" in verdict.feedback
    assert capsys.readouterr().out.splitlines()[0] == card.as_text(verdict).splitlines()[0]
    assert "ask_exit" not in vars(shell)


# ---- the rest of a learner's words


class TestPassed:
    def test_follows_the_last_check(self, capsys):
        assert passed(NAME) is False
        assert "This cell goes on with your `predict_rating`." in capsys.readouterr().out
        check(NAME, RIGHT)
        capsys.readouterr()
        assert passed(NAME) is True
        assert capsys.readouterr().out == ""
        check(NAME, wrong)
        assert passed(NAME) is False

    def test_an_unknown_name_is_told(self, capsys):
        assert passed("predict_ratng") is False
        assert capsys.readouterr().out == (
            "There is no exercise called 'predict_ratng'. Did you mean 'predict_rating'?\n"
        )
        assert passed(["x"]) is False


# ---- verdicts as data

FULL = Verdict(
    "x",
    Outcome.PARTIAL,
    0.5,
    1.0,
    "because",
    (Line("One", True, 0.5, 0.5), Line("Two", False, 0.0, 0.5, "because")),
    ("printed",),
)


class TestJson:
    @pytest.mark.parametrize(
        "verdict",
        [FULL, *(Verdict("x", outcome, 0, 1) for outcome in Outcome), dataclasses.replace(FULL, name="ü <b> \n`")],
    )
    def test_round_trip(self, verdict):
        text = json.dumps(verdict_to_json(verdict))
        assert verdict_from_json(json.loads(text)) == verdict

    def test_round_trip_of_a_real_one(self):
        verdict = check("DotProduct", collabkit.DotProductBias)
        assert verdict_from_json(json.loads(json.dumps(verdict_to_json(verdict)))) == verdict

    @pytest.mark.parametrize(
        "change",
        [
            {"score": "1"},
            {"score": None},
            {"score": True},
            {"score": float("nan")},
            {"points": float("inf")},
            {"points": [1]},
            {"name": 3},
            {"name": None},
            {"feedback": ["x"]},
            {"outcome": "perfect"},
            {"outcome": 1},
            {"outcome": []},
            {"lines": "abc"},
            {"lines": [{}]},
            {"lines": [1]},
            {"lines": None},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "passed": "yes"}]},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "score": "1"}]},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "points": float("nan")}]},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "sentence": 1}]},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "feedback": None}]},
            {"lines": [{**dataclasses.asdict(FULL.lines[0]), "more": 1}]},
            {"asides": "abc"},
            {"asides": [1]},
            {"asides": None},
            {"measured": 3},
            {"measured": {"what": "x", "value": 1.0}},
            {"measured": {"what": 1, "value": 1.0, "rungs": {}}},
            {"measured": {"what": "x", "value": float("nan"), "rungs": {}}},
            {"measured": {"what": "x", "value": True, "rungs": {}}},
            {"measured": {"what": "x", "value": 1.0, "rungs": {"y": "z"}}},
            {"measured": {"what": "x", "value": 1.0, "rungs": ["y"]}},
            {"more": 1},
        ],
    )
    def test_refuses_a_forgery(self, change):
        with pytest.raises((KeyError, TypeError, ValueError)):
            verdict_from_json({**verdict_to_json(FULL), **change})

    @pytest.mark.parametrize("field", verdict_to_json(FULL))
    def test_refuses_a_missing_field(self, field):
        data = verdict_to_json(FULL)
        del data[field]
        if field in ("feedback", "measured"):  # have a default
            assert not getattr(verdict_from_json(data), field)
        else:
            with pytest.raises((KeyError, TypeError)):
                verdict_from_json(data)

    @pytest.mark.parametrize("data", [None, 1, "x", [], [1], {}])
    def test_refuses_what_is_no_verdict(self, data):
        with pytest.raises((KeyError, TypeError, ValueError)):
            verdict_from_json(data)


class TestValidating:
    """nbgrader's Validate shows an error's traceback and nothing else."""

    @pytest.fixture(autouse=True)
    def _validating(self, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")

    def test_less_than_full_marks_is_an_error_whose_traceback_is_the_card(self, capsys):
        with pytest.raises(cell.NotFullMarks) as stopped:
            check(NAME, lambda u, m: 1.0)
        told = stopped.value._render_traceback_()
        assert told[0].startswith(f"✗ {NAME}: failed")
        assert len(told) > 2
        assert capsys.readouterr().out == ""

    def test_full_marks_are_returned(self):
        assert check(NAME, lambda u, m: sum(a * b for a, b in zip(u, m, strict=True))).passed
