"""Outputs rebuilt from what a child sends."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograde.kernel.limits import Limits
from autograde.kernel.outputs import Outputs

LIMITS = Limits(output_characters=20, outputs=4, rich_bytes=100)


@pytest.fixture
def outputs():
    return Outputs(LIMITS, {})


def printed(text, name="stdout"):
    return {"output": {"output_type": "stream", "name": name, "text": text}}


def displayed(text, display_id=None):
    return {"output": {"output_type": "display_data", "data": {"text/plain": text}}, "display_id": display_id}


def updated(text, display_id):
    return {"update": {"data": {"text/plain": text}, "metadata": {}}, "display_id": display_id}


def test_printed_text_joins(outputs):
    for message in (printed("a"), printed("b"), printed("c", "stderr"), printed("d")):
        outputs.take(message)
    assert [(each["name"], each["text"]) for each in outputs.list] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_of_a_flood_the_beginning_is_kept(outputs):
    for _ in range(10):
        outputs.take(printed("12345678"))
        outputs.take(displayed("x"))
    assert "".join(each["text"] for each in outputs.list if "text" in each) == "1234567812345678"
    assert len(outputs.list) == LIMITS.outputs


def test_rich_outputs_have_a_limit_of_their_own(outputs):
    outputs.take(displayed("x" * 90))
    outputs.take(displayed("y" * 20))
    outputs.take(displayed("z"))
    assert [each["data"]["text/plain"][0] for each in outputs.list] == ["x", "z"]


def test_an_update_changes_what_is_shown_in_earlier_cells_too():
    displays = {}
    first, second = Outputs(LIMITS, displays), Outputs(LIMITS, displays)
    first.take(displayed("before", "id"))
    second.take(updated("after", "id"))
    second.take(updated("nothing", "unknown"))
    assert first.list[0]["data"] == {"text/plain": "after"}
    assert second.list == []


def test_updates_do_not_add_up(outputs):
    outputs.take(displayed("x", "id"))
    for _ in range(10):
        outputs.take(updated("y" * 60, "id"))
    outputs.take(updated("z" * 200, "id"))
    assert outputs.list[0]["data"]["text/plain"] == "y" * 60


def test_clearing_waits_for_the_next_output_if_asked_to(outputs):
    outputs.take(printed("a"))
    outputs.take({"clear": True})
    assert len(outputs.list) == 1
    outputs.take(printed("b"))
    assert [each["text"] for each in outputs.list] == ["b"]
    outputs.take({"clear": False})
    assert outputs.list == []


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"output": None},
        {"output": "text"},
        {"output": {"output_type": "stream"}},
        {"output": {"output_type": "stream", "name": "stdin", "text": "x"}},
        {"output": {"output_type": "stream", "name": [], "text": "x"}},
        {"output": {"output_type": "stream", "name": "stdout", "text": ["x"]}},
        {"output": {"output_type": ["stream"]}},
        {"output": {"output_type": "display_data", "data": []}},
        {"output": {"output_type": "display_data", "data": {"text/plain": 1, "no mime": "x", "x" * 300 + "/": "x"}}},
        {"output": {"output_type": "pyout", "data": {}}},
        {"update": [], "display_id": {}},
        {"update": {"data": 1}, "display_id": 1},
    ],
    ids=repr,
)
def test_what_is_no_output_is_dropped(outputs, hostile):
    outputs.take(hostile)
    assert outputs.list == []


def test_whatever_is_kept_is_valid(outputs):
    for message in (
        printed("x"),
        {"output": {"output_type": "error", "ename": 1, "evalue": None, "traceback": [1, "line", None]}},
        {
            "output": {
                "output_type": "execute_result",
                "data": {"application/a+json": [1], "a/json": "x", "application/json": 1},
                "metadata": 1,
                "execution_count": "1",
            }
        },
        {"output": {"output_type": "execute_result", "data": {"a/b": "c"}, "execution_count": -1, "other": 1}},
    ):
        outputs.take(message)
    assert len(outputs.list) == 4
    nbformat.validate(nbformat.from_dict(new_notebook(cells=[new_code_cell("", outputs=outputs.list)])))
