"""Many threads that parse at once, some of them within Python's own library: each time in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
import ast, gc, inspect, sys, threading
from autograde.kernel.syntax import parse_one_at_a_time, parsed

if sys.argv[1:]:
    parse_one_at_a_time()
class Switches:  # in the middle of a tree, whenever garbage is collected
    def __init__(self): self.self = self
    def __del__(self): threading.Event().wait(1e-5)

gc.set_threshold(50)
sys.setswitchinterval(1e-6)
source, failed = "x = [" + "f(1, a)," * 200 + "]", []

def work(parse):
    try:
        for _ in range(60):
            Switches()
            parse()
    except SystemError as error:
        failed.append(str(error))

ways = [lambda: parsed(source), lambda: ast.parse(source), lambda: inspect.signature(sorted)]
threads = [threading.Thread(target=work, args=(way,)) for way in ways * 2]
for each in threads: each.start()
for each in threads: each.join()
print(len(failed))
"""


def failures(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the depth of all trees is counted in one place in 3.11")
def test_threads_that_parse_at_once_disturb_each_other():
    assert failures()


def test_one_at_a_time_they_do_not():
    assert failures("one at a time") == 0
