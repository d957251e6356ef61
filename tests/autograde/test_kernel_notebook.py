"""Cells in real kernels, each kernel with a notebook that imports nothing heavy: how they end, and what they leave."""

import asyncio
import os
import queue
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograde.kernel.notebook import Ended, Limits, _in_slices, _interrupted, run_cells

QUICK = Limits(cell_seconds=1, interrupt_seconds=2)
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def ran(*sources, limits=QUICK, **how):
    """(endings, cells) of a notebook with these code cells."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    endings = run_cells(notebook, limits=limits, **how)
    return endings, notebook.cells


def texts(cell):
    """What a cell shows, in order: (kind, text)."""
    return [
        (each.get("name") or each.output_type, each.get("text") or each.get("evalue") or each.data["text/plain"])
        for each in cell.outputs
    ]


def is_gone(pid):
    """Whether a process that a test has started is no more, given a moment to go."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def ordinary():
    """One kernel for all that goes well or fails in the ordinary way."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("prose"),
            new_code_cell("import os, sys\nprint(os.getpid())"),
            new_code_cell("print(os.getcwd()); open('left.txt', 'w').write('x'); os.listdir()"),
            new_code_cell("print('one'); print('two', file=sys.stderr); display('three'); print('four'); 'five'"),
            new_code_cell("1 / 0"),
            new_code_cell("def f(:\n    pass"),
            new_code_cell("skipped = True"),
            new_code_cell("  \n"),
            new_code_cell("'skipped' in globals()"),
            new_code_cell("_oh.__class__, os.environ['OMP_NUM_THREADS']"),
            new_code_cell("print('x' * 3_000_000)"),
            new_code_cell("for i in range(3_000): display(i)"),
            new_code_cell("input('your name? ')"),
        ]
    )
    endings = run_cells(notebook, limits=Limits(cell_seconds=20), skip=lambda cell: cell.source == "skipped = True")
    return endings, notebook.cells


def test_each_cell_says_how_it_ended(ordinary):
    assert ordinary[0] == [
        Ended.SKIPPED,
        *[Ended.OK] * 3,
        Ended.ERROR,
        Ended.ERROR,
        Ended.SKIPPED,
        Ended.SKIPPED,
        *[Ended.OK] * 4,
        Ended.ERROR,
    ]


def test_outputs_come_in_order(ordinary):
    shown = texts(ordinary[1][3])
    assert [entry for entry in shown if entry[0] != "stderr"] == [
        ("stdout", "one\n"),
        ("display_data", "'three'"),
        ("stdout", "four\n"),
        ("execute_result", "'five'"),
    ]
    assert ("stderr", "two\n") in shown


def test_errors_name_the_exception(ordinary):
    assert ordinary[1][4].outputs[0].ename == "ZeroDivisionError"
    assert ordinary[1][5].outputs[0].ename == "SyntaxError"


def test_a_skipped_cell_neither_runs_nor_changes(ordinary):
    assert ordinary[1][6].outputs == []
    assert ordinary[1][6].execution_count is None
    assert texts(ordinary[1][8]) == [("execute_result", "False")]


def test_one_thread_each(ordinary):
    assert "'1'" in texts(ordinary[1][9])[0][1]


def test_the_scratch_folder_is_the_kernel_s_own_and_gone_afterwards(ordinary):
    folder = Path(texts(ordinary[1][2])[0][1].strip())
    assert folder.resolve() != Path.cwd().resolve()
    assert "'left.txt'" in texts(ordinary[1][2])[1][1]
    assert not folder.exists()


def test_the_kernel_is_gone_afterwards(ordinary):
    assert is_gone(int(texts(ordinary[1][1])[0][1]))


def test_of_a_flood_the_beginning_is_kept(ordinary):
    assert len(ordinary[1][10].outputs[0].text) == Limits.output_characters
    assert len(ordinary[1][11].outputs) == Limits.outputs
    assert texts(ordinary[1][11])[0] == ("display_data", "0")


def test_nobody_is_there_to_answer_input(ordinary):
    assert ordinary[1][12].outputs[-1].ename == "StdinNotImplementedError"


@pytest.fixture(scope="module")
def slow():
    """One kernel that is interrupted again and again."""
    return ran(
        "while True: pass",
        "'after the loop'",
        "while True: print('x' * 1000)",
        "'after the flood'",
        "import time; time.sleep(60)",
        "'after the sleep'",
    )


def test_a_loop_is_interrupted_and_the_next_cell_runs(slow):
    endings, cells = slow
    assert endings == [Ended.TIMED_OUT, Ended.OK] * 3
    assert cells[0].outputs[-1].ename == "KeyboardInterrupt"


@pytest.mark.parametrize(("place", "text"), [(1, "after the loop"), (3, "after the flood"), (5, "after the sleep")])
def test_what_comes_after_an_interrupt_is_shown_in_its_own_cell(slow, place, text):
    assert texts(slow[1][place]) == [("execute_result", f"'{text}'")]


def test_a_cell_that_is_slow_to_give_up_takes_no_output_of_the_next_cells():
    slow = f"{DEAF}import time; time.sleep(3.4)"
    endings, cells = ran(slow, *(f"print({i}); {i}" for i in range(6)))
    assert endings == [Ended.TIMED_OUT, *[Ended.OK] * 6]
    assert [texts(cell) for cell in cells[1:]] == [[("stdout", f"{i}\n"), ("execute_result", f"{i}")] for i in range(6)]


def test_a_cell_that_cannot_be_interrupted_ends_the_notebook_and_its_kernel():
    endings, cells = ran("import os; os.getpid()", f"{DEAF}while True: pass", "'never'", "")
    assert endings == [Ended.OK, Ended.TIMED_OUT, Ended.NOT_REACHED, Ended.SKIPPED]
    assert cells[2].outputs == []
    assert is_gone(int(texts(cells[0])[0][1]))


def test_a_loop_that_catches_whatever_comes_does_not_hold_the_class_up():
    started = time.monotonic()
    endings, _ = ran("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "1")
    assert endings[0] is Ended.TIMED_OUT
    assert endings[1] in (Ended.OK, Ended.NOT_REACHED)
    assert time.monotonic() - started < 90  # a busy machine; without an end it would be for ever


def test_a_kernel_that_dies_takes_its_children_along():
    spawn = f"{DEAF}import os, subprocess\nchild = subprocess.Popen(['sleep', '600'])\nprint(os.getpid(), child.pid)"
    endings, cells = ran(spawn, "os._exit(1)", "'never'")
    assert endings == [Ended.OK, Ended.DIED, Ended.NOT_REACHED]
    assert all(is_gone(int(pid)) for pid in texts(cells[0])[0][1].split())


def test_a_kernel_that_ends_well_takes_its_children_along():
    endings, cells = ran("import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)")
    assert endings == [Ended.OK]
    assert is_gone(int(texts(cells[0])[0][1]))


def test_start_up_files_of_the_machine_are_not_run(monkeypatch, tmp_path):
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("mine = 1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    assert texts(ran("'mine' in globals()")[1][0]) == [("execute_result", "False")]


def test_trusted_cells_have_a_limit_of_their_own():
    limits = Limits(cell_seconds=1, import_seconds=20, interrupt_seconds=2)
    source = "import time; time.sleep(1.6); 'awake'"
    endings, cells = ran(source, source + " ", limits=limits, is_trusted=lambda cell: cell.source == source)
    assert endings == [Ended.OK, Ended.TIMED_OUT]
    assert texts(cells[0]) == [("execute_result", "'awake'")]


def test_within_an_event_loop_as_in_formgrader():
    async def within():
        return ran("6 * 7")

    endings, cells = asyncio.run(within())
    assert endings == [Ended.OK]
    assert texts(cells[0]) == [("execute_result", "42")]


def test_a_kernel_that_does_not_start_is_an_error_of_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no Python starts from an empty home
    with pytest.raises(RuntimeError, match="died"):
        ran("1")


def test_a_folder_that_cannot_be_tidied_is_no_error():
    source = "import os; os.mkdir('locked'); open('locked/x', 'w').close(); os.chmod('locked', 0); os.getcwd()"
    endings, cells = ran(source)
    folder = Path(texts(cells[0])[0][1].strip("'"))
    assert endings == [Ended.OK]
    assert not folder.exists() or os.getuid() != 0


def test_a_notebook_keeps_no_widget_state():
    notebook = new_notebook(cells=[new_code_cell("1")])
    run_cells(notebook, limits=QUICK, skip=lambda cell: True)
    assert "widgets" not in notebook.metadata


def test_a_cell_that_was_given_up_has_no_reader_left():
    """Without a kernel: whether a reader that is left takes the next cell's outputs is a matter of luck."""

    async def answer(**_):
        return None

    async def given_up():
        reader = asyncio.ensure_future(asyncio.sleep(600))
        client = SimpleNamespace(
            reader=reader,
            km=SimpleNamespace(interrupt_kernel=answer),
            kc=SimpleNamespace(wait_for_ready=answer),
        )
        assert await _interrupted(client, Limits(interrupt_seconds=0.1))
        await asyncio.sleep(0)
        return reader.cancelled()

    assert asyncio.run(given_up())


class TestWaitingInSlices:
    """A message whose arrival woke nobody is found at the next look, and the time-out stays what it was."""

    def test_a_missed_message_is_found_at_the_next_look(self):
        looks = []

        async def get_msg(timeout):
            looks.append(timeout)
            if len(looks) < 3:
                raise queue.Empty
            return "reply"

        assert asyncio.run(_in_slices(get_msg, 0.01)(timeout=60)) == "reply"
        assert looks == [0.01] * 3

    def test_the_time_out_is_kept(self):
        async def get_msg(timeout):
            await asyncio.sleep(timeout)
            raise queue.Empty

        started = time.monotonic()
        with pytest.raises(queue.Empty):
            asyncio.run(_in_slices(get_msg, 0.02)(timeout=0.05))
        assert time.monotonic() - started >= 0.05
