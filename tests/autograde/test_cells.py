"""A notebook as bytes: what nbformat writes, to the last of them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograde.cells import to_bytes

from .conftest import ROOT

OUTPUTS = [
    new_output("stream", name="stdout", text="two\nlines\n"),
    new_output("stream", name="stderr", text=""),
    new_output(
        "display_data", {"text/html": "<b>ü</b>\n", "image/png": "aGFsbG8=\n", "application/json": {"b": [1], "a": {}}}
    ),
    new_output("execute_result", {"text/plain": "1.0"}, execution_count=3, metadata={"isolated": True, "x": None}),
    new_output("error", ename="E", evalue='"quoted" \\ \x1b[0m', traceback=["a\nb", "", "☃\u2028"]),
]
ODD = new_notebook(
    metadata={
        "numbers": [1, -0.0, 1e-7, 1e22, True, None, [], {}, [[]], [{}]],
        "ä": {"z": 1, "a": "\t"},
        "signature": "x",
    },
    cells=[
        new_code_cell("x = 1\r\ny = 2\x0bz\n\n", execution_count=7, outputs=OUTPUTS, metadata={"trusted": True}),
        new_code_cell(""),
        new_markdown_cell("no end of line", attachments={"a.png": {"image/png": "aGFsbG8="}}),
        new_markdown_cell("\n"),
    ],
)


LESSONS = sorted((ROOT / "lessons").glob("*/*.ipynb"))


@pytest.mark.parametrize(
    "notebook", [ODD, *(nbformat.read(path, 4) for path in LESSONS)], ids=["odd", *(path.stem for path in LESSONS)]
)
def test_a_notebook_is_written_as_nbformat_writes_it(notebook):
    before = nbformat.v4.writes_json(notebook)
    assert to_bytes(notebook) == (before.rstrip("\n") + "\n").encode()
    assert nbformat.v4.writes_json(notebook) == before, "it was changed"


def test_half_a_character_is_refused():
    with pytest.raises(UnicodeEncodeError):
        to_bytes(new_notebook(cells=[new_code_cell("'\ud800'")]))
