"""Notebooks of tests run as learners run them, and nothing waits for its time to be up."""

import time

from nbformat.v4 import new_code_cell, new_notebook

from autograde.kernel.limits import Ended

from .practice import run_in_jupyter

SPEAKS_TO_THE_CLIENT = """
from ipywidgets import Output

shown = Output()
display(shown)
with shown:
    for number in range(30):
        print(number, flush=True)
"""


def test_no_reply_is_missed_while_a_widget_speaks(tmp_path):
    """Without the cure one or another of these cells waits for all its seconds."""
    seconds, notebook = 120, new_notebook(cells=[new_code_cell(SPEAKS_TO_THE_CLIENT) for _ in range(30)])
    started = time.monotonic()
    assert set(run_in_jupyter(notebook, tmp_path, seconds)) == {Ended.OK}
    assert time.monotonic() - started < seconds, "a reply was found when the cell's time was up"
