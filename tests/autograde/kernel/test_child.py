"""Cells and questions in children, of a server behind walls and of one without: the same for both."""

import contextlib
import dataclasses
import os

import numpy as np
import pytest

from autograde.kernel.limits import Ended
from autograde.kernel.warm import ChildDied, ChildTimedOut

from .children import SMALL, is_gone, shown, value_of

STUBBORN = "while True:\n        try: time.sleep(60)\n        except BaseException: pass"


def square(value, factor=1):
    """A question that tests put; it goes over by value."""
    return {"squared": value**2}, [np.arange(3) * factor]


square.__module__ = "__main__"  # so that cloudpickle takes it by value: children know no tests


# ---- cells


def test_cells_share_a_namespace_and_are_counted(child):
    assert value_of(child, "a = 6; a * 7") == "42"
    assert value_of(child, "a, _, In[1], Out[1], _1, __name__") == "(6, 42, 'a = 6; a * 7', 42, 42, '__main__')"
    ran = child.run("3", 10)
    assert (ran.execution_count, ran.outputs[0]["execution_count"]) == (3, 3)


def test_outputs_come_in_order_whichever_way_they_go(child):
    ran = child.run(
        "import os, subprocess, sys\n"
        "print('one'); os.write(1, b'two\\n'); print('three'); print('four', file=sys.stderr); display('five')\n"
        "os.system('echo six'); subprocess.run(['echo', 'seven']); os.write(2, b'eight\\n'); 'nine';\n"
        "'ten'",
        10,
    )
    assert shown(ran) == [
        ("stdout", "one\ntwo\nthree\n"),
        ("stderr", "four\n"),
        ("display_data", "'five'"),
        ("stdout", "six\nseven\n"),
        ("stderr", "eight\n"),
        ("execute_result", "'ten'"),
    ]


def test_errors_are_outputs(child):
    for source, name in (
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:\n  pass", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
    ):
        ran = child.run(source, 10)
        assert ran.ended is Ended.ERROR
        (error,) = [output for output in ran.outputs if output["output_type"] == "error"]
        assert error["ename"] == name
        assert any(name in line for line in error["traceback"])
    assert value_of(child, "1") == "1"


def test_an_exception_that_cannot_describe_itself(child):
    ran = child.run("class Odd(Exception):\n    def __str__(self): raise Odd\nraise Odd", 10)
    assert ran.ended is Ended.ERROR
    assert value_of(child, "1") == "1"


def test_magics_shell_commands_and_await(child):
    assert value_of(child, "%env SOME=thing\nimport os; os.environ['SOME']") == "'thing'"
    assert "hello" in value_of(child, "!echo hello")
    child.run("%%capture caught\nprint('kept')\n", 10)
    assert value_of(child, "caught.stdout") == "'kept\\n'"
    assert value_of(child, "import asyncio\nawait asyncio.sleep(0.01)\n'awake'") == "'awake'"
    assert value_of(child, "files = !echo a b\nfiles[0]") == "'a b'"
    assert child.run("len?", 10).ended is Ended.OK


def test_figures_are_shown_inline(child):
    ran = child.run("import matplotlib.pyplot as plt\nplt.plot([1, 2, 4]);", 20)
    assert [sorted(output["data"]) for output in ran.outputs] == [["image/png", "text/plain"]]
    assert ran.outputs[0]["data"]["image/png"].startswith("iVBOR")
    assert value_of(child, "%matplotlib inline\nlen(plt.get_fignums())") == "0"


def test_displays_are_updated_and_cleared(child):
    first = child.run("handle = display('before', display_id=True)", 10)
    ran = child.run("from IPython.display import clear_output\nprint('x'); clear_output(); handle.update('after')", 10)
    assert shown(first) == [("display_data", "'after'")]
    assert ran.outputs == []
    assert shown(child.run("print('x'); clear_output(wait=True); print('y')", 10)) == [("stdout", "y\n")]


def test_rich_values(child):
    ran = child.run("import pandas as pd\npd.DataFrame({'a': [1]})", 10)
    assert sorted(ran.outputs[0]["data"]) == ["text/html", "text/plain"]
    ran = child.run("from IPython.display import JSON, Image\ndisplay({'application/json': {1, 2}}, raw=True)", 10)
    assert ran.outputs[0]["data"]["application/json"] == "{1, 2}"


def test_libraries_know_a_notebook(child):
    assert value_of(
        child, "from fastcore.imports import IN_NOTEBOOK\nimport tqdm.auto\nIN_NOTEBOOK, tqdm.auto.tqdm.__module__"
    ) == ("(True, 'tqdm.auto')")


def test_half_a_surrogate_is_no_accident(child):
    assert shown(child.run("print('\\ud800!'); '\\ud800'", 10)) == [("stdout", "?!\n"), ("execute_result", "'\\ud800'")]
    assert child.run("raise ValueError('\\ud800')", 10).outputs[0]["evalue"] == "?"


def test_of_a_flood_the_beginning_is_kept(child):
    ran = child.run("for i in range(3000): print('x' * 1000)", 20)
    assert ran.ended is Ended.OK
    assert len(ran.outputs[0]["text"]) == SMALL.output_characters
    ran = child.run("import os\nfor i in range(3000): _ = os.write(1, b'y' * 1000)", 20)
    assert len(ran.outputs[0]["text"]) == SMALL.output_characters
    ran = child.run("for i in range(3000): display(i)", 20)
    assert len(ran.outputs) == SMALL.outputs
    assert shown(child.run("print('after')", 10)) == [("stdout", "after\n")]


def test_nobody_is_there_to_answer_input(child):
    assert child.run("input('your name? ')", 10).outputs[-1]["ename"] == "StdinNotImplementedError"


def test_closed_and_replaced_streams_are_back_in_the_next_cell(child):
    child.run("import os, sys\nos.close(1); os.close(2); sys.stdout.close(); sys.stderr.close()", 10)
    assert shown(child.run("print('x'); os.system('echo y')\n0", 10)) == [("stdout", "x\ny\n"), ("execute_result", "0")]


def test_seeds_make_two_children_alike(server):
    source = "import random, numpy, torch\n(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('a'))"
    values = []
    for seed in (1, 1, 2):
        with server.fork(SMALL, seed=seed) as child:
            values.append(value_of(child, source))
    assert values[0] == values[1] != values[2]


def test_children_know_nothing_of_each_other(server):
    with server.fork(SMALL, seed=1) as one, server.fork(SMALL, seed=1) as other:
        one.run("import builtins, torch\nbuiltins.left = torch.left = 1\nopen('left', 'w').close()", 10)
        assert value_of(
            other, "import os, builtins, torch\n(hasattr(builtins, 'left'), hasattr(torch, 'left'), os.listdir())"
        ) == ("(False, False, [])")


def test_the_environment_is_bare(child, monkeypatch):
    monkeypatch.setenv("A_SECRET", "1")
    assert value_of(
        child, "import os\n'A_SECRET' in os.environ, os.environ['OMP_NUM_THREADS'], os.getcwd() == os.environ['HOME']"
    ) == ("(False, '1', True)")


def test_answers_are_not_to_be_imported(child):
    assert (
        value_of(child, "import autograde, autograde.observe\nautograde.passed('x'), hasattr(autograde, 'judge')")
        == "(True, False)"
    )
    assert child.run("import autograde.exercises", 10).outputs[-1]["ename"] == "ModuleNotFoundError"
    assert shown(child.run("from autograde import check\ncheck(1)", 10)) == [
        ("stdout", "This is graded from outside.\n")
    ]
    prefixes = ("autograde.exercises", "autograde.judge", "collabkit")
    assert value_of(child, f"import sys\n[name for name in sys.modules if name.startswith({prefixes})]") == "[]"


def test_a_fork_that_comes_to_the_cell_s_end_too_is_no_second_child(child):
    source = (
        "import os, sys\npid = os.fork()\nif pid: os.waitpid(pid, 0)\n"
        "print('parent' if pid else 'child'); display('shown')\n'end'"
    )
    ran = child.run(source, 20)
    assert ran.ended is Ended.OK
    assert shown(ran) == [("stdout", "child\nparent\n"), ("display_data", "'shown'"), ("execute_result", "'end'")]
    assert child.ask("os.fork() and 3", square, seconds=10)[0] == {"squared": 9}
    assert value_of(child, "len(sys.argv)") == "1"


def test_a_thread_that_prints_keeps_no_interrupt_away(child):
    child.run(
        "import threading, time\ndef chat():\n    while True: print('x', end=''); time.sleep(0.0001)\n"
        "threading.Thread(target=chat, daemon=True).start()",
        10,
    )
    for _ in range(5):
        assert child.run("while True: pass", 0.2).ended is Ended.TIMED_OUT
        assert child.is_alive
    assert child.run("1", 10).ended is Ended.OK


def test_what_one_cell_writes_another_imports(child):
    child.run("%%writefile helper.py\nvalue = 3\n", 10)
    child.run("%%writefile random.py\nvalue = 3\n", 10)
    assert value_of(child, "import helper, random\nhelper.value, hasattr(random, 'value')") == "(3, False)"


def test_readable_packages_can_be_imported(child):
    assert value_of(child, "from finished_work.models import double\ndouble(2)") == "4"


# ---- time


def test_a_loop_is_interrupted_and_the_next_cell_runs(child):
    for source in (
        "while True: pass",
        "while True: print('x' * 1000)",
        "import time; time.sleep(60)",
        "while True: display('x')",
    ):
        ran = child.run(source, 0.3)
        assert ran.ended is Ended.TIMED_OUT
        assert ran.outputs[-1].get("ename") == "KeyboardInterrupt" or len(ran.outputs) == SMALL.outputs
        assert shown(child.run("print(1); 'after'", 10)) == [("stdout", "1\n"), ("execute_result", "'after'")]


def test_a_loop_that_swallows_interrupts_ends_the_child(hasty):
    ran = hasty.run(f"import time\n{STUBBORN}", 0.3)
    assert ran.ended is Ended.TIMED_OUT
    assert not hasty.is_alive
    assert hasty.run("1", 10).ended is Ended.NOT_REACHED


def test_a_cell_that_turns_interrupts_off_turns_them_off_for_itself(child):
    child.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)", 10)
    assert child.run("while True: pass", 0.3).ended is Ended.TIMED_OUT
    assert value_of(child, "2") == "2"


def test_a_flood_of_updates_is_interrupted_too(child):
    source = "h = display('x', display_id=True)\nwhile True: h.update('y')"
    ran = child.run(source, 0.3)
    assert ran.ended is Ended.TIMED_OUT
    assert shown(ran)[0] == ("display_data", "'y'")
    assert value_of(child, "3") == "3"


def test_a_submission_has_an_end_as_a_whole(server):
    with server.fork(dataclasses.replace(SMALL, submission_seconds=3), seed=1) as child:
        assert child.run("1", 60).ended is Ended.OK
        assert child.run("while True: pass", 600).ended is Ended.TIMED_OUT
        assert child.run("2", 60).ended is Ended.TIMED_OUT
        assert child.run("3", 60).ended is Ended.NOT_REACHED
        assert not child.is_alive


# ---- questions


def test_questions_are_put_to_what_cells_define(child):
    child.run("answer = 7", 10)
    jsonable, arrays = child.ask("answer", square, 10, seconds=10)
    assert jsonable == {"squared": 49}
    assert arrays[0].tolist() == [0, 10, 20]
    assert child.ask("_", lambda value: (value, []), seconds=10)[0] == ""


def test_an_expression_that_raises_says_so(child):
    assert child.ask("nothing", square, seconds=10) == ({"raised": ["NameError", "name 'nothing' is not defined"]}, [])
    assert child.ask("'a'", square, seconds=10)[0]["raised"][0] == "TypeError"
    assert child.ask("1 +", square, seconds=10)[0]["raised"][0] == "SyntaxError"
    child.run("class Odd(BaseException):\n    def __str__(self): raise Odd\ndef odd(): raise Odd\n", 10)
    assert child.ask("odd()", square, seconds=10) == ({"raised": ["Odd", ""]}, [])
    assert child.ask("exit()", square, seconds=10)[0]["raised"][0] == "TypeError"


def test_what_is_no_json_or_too_large_is_an_exception_of_the_learner_s(child):
    assert child.ask("{1}", lambda value: (value, []), seconds=10)[0]["raised"][0] == "TypeError"
    assert child.ask("1", lambda value: (value, [np.array([object()])]), seconds=10)[0]["raised"][0] == "ValueError"
    assert child.ask("1", lambda value: ("x" * (40 << 20), []), seconds=20)[0]["raised"][0] == "ValueError"
    assert child.ask("1", lambda value: value, seconds=10)[0]["raised"][0] == "TypeError"


def test_what_is_printed_meanwhile_is_dropped(child):
    child.run(
        "import os, sys\ndef loud():\n    print('x'); os.write(1, b'y'); os.write(2, b'z'); display('w')\n    return 1",
        10,
    )
    assert child.ask("loud()", square, seconds=10)[0] == {"squared": 1}
    assert child.run("1;", 10).outputs == []


def test_a_question_that_takes_too_long_costs_only_its_time(child):
    child.run("def slow():\n    while True: pass", 10)
    with pytest.raises(ChildTimedOut) as late:
        child.ask("slow()", square, seconds=0.3)
    assert late.value.alive
    assert child.ask("3", square, seconds=10)[0] == {"squared": 9}


def test_a_question_that_swallows_interrupts_ends_the_child(hasty):
    hasty.run(
        f"import time\ndef slow():\n    {STUBBORN}",
        10,
    )
    with pytest.raises(ChildTimedOut) as late:
        hasty.ask("slow()", square, seconds=0.3)
    assert not late.value.alive
    with pytest.raises(ChildDied):
        hasty.ask("3", square, seconds=10)


# ---- ends


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os.closerange(3, 500)\nprint(1)", "exit code"),
    ],
)
def test_a_child_that_dies_says_how(child, source, how):
    ran = child.run(f"print('before', flush=True)\n{source}", 10)
    assert ran.ended is Ended.DIED
    assert how in ran.how
    assert shown(ran)[0] == ("stdout", "before\n")
    assert child.run("1", 10).ended is Ended.NOT_REACHED
    with pytest.raises(ChildDied, match=how):
        child.ask("1", square, seconds=10)


def test_a_child_that_dies_of_a_question(child):
    child.run("import os\ndef die(): os._exit(4)", 10)
    with pytest.raises(ChildDied, match="exit code 4"):
        child.ask("die()", square, seconds=10)


def test_what_a_submission_started_ends_with_it(open_air):
    source = (
        "import os, subprocess, sys, threading, time\n"
        "plain = subprocess.Popen(['sleep', '600']).pid\n"
        "own_session = subprocess.Popen(['sleep', '600'], start_new_session=True).pid\n"
        "reading, writing = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.write(writing, str(os.getpid()).encode()); time.sleep(600)\n"
        "    os._exit(0)\n"
        "daemon = int(os.read(reading, 20))\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "[os.getpid(), plain, own_session, daemon]"
    )
    with open_air.fork(SMALL, seed=1) as child:
        pids = eval(value_of(child, source))
        scratch = eval(value_of(child, "os.getcwd()"))
        open_ones = [pid for pid in pids if not is_gone_now(pid)]
        assert open_ones == pids
    assert all(is_gone(pid) for pid in pids)
    assert not os.path.exists(scratch)


def is_gone_now(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_hostile_messages_end_the_child_and_nothing_else(server):
    find = "wire = get_ipython().outlet.wire\nraw = wire.socket\nraw.setblocking(True)\n"
    for message in ("b'\\xff' * 100", "b'\\0\\0\\0\\2\\0\\0\\0\\0[]'"):
        with server.fork(SMALL, seed=1) as child:
            ran = child.run(f"{find}raw.sendall({message})\nwhile True: pass", 10)
            assert ran.ended is Ended.DIED
            assert "no message" in ran.how
    with server.fork(SMALL, seed=1) as child:
        ran = child.run(f"{find}wire.send({{'id': 1, 'done': True, 'execution_count': -5, 'more': 'x'}})\n1/0", 10)
        assert ran.execution_count is None
        assert value_of(child, "6 * 7") == "42"


def test_forged_answers_are_no_more_than_answers(child):
    child.run(
        "wire = get_ipython().outlet.wire\n"
        "def forged(): wire.send({'id': 2, 'done': True, 'answer': 'forged'}, [b'no array'])",
        10,
    )
    with pytest.raises(Exception, match="answer that is none"):
        child.ask("forged()", square, seconds=10)
    assert child.ask("3", square, seconds=10)[0] == {"squared": 9}
