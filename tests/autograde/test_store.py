"""Results are found by what they come from, whole or not at all."""

import json

import pytest

from autograde.store import Store, Stored, key_of

STORED = Stored({"train": {"score": 1.5}}, [{"outputs": [{"text": "ä \ud800"}], "execution_count": 1}])
KEY = key_of(code=["x = 1"], student="ada")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def test_what_was_put_is_got(store):
    assert store.get(KEY) is None
    path = store.put(KEY, {"student": "ada"}, STORED)
    assert store.get(KEY) == STORED
    assert store.get(key_of(code=["x = 2"], student="ada")) is None
    assert json.loads(path.read_bytes())["student"] == "ada"
    assert path.parent.name == KEY[:2]


def test_a_key_depends_on_every_part_and_not_on_their_order():
    assert key_of(student="ada", code=["x = 1"]) == KEY
    assert len({KEY, key_of(code=["x = 1"], student="ben"), key_of(code=["x = 2"], student="ada"), key_of()}) == 4


def test_the_same_result_is_the_same_bytes_whatever_the_cells_put_out(tmp_path):
    outputs = [{"outputs": [{"text": "it is noon"}], "execution_count": 1}]
    one = Store(tmp_path / "one").put(KEY, {"student": "ada"}, STORED)
    other = Store(tmp_path / "other").put(KEY, {"student": "ada"}, Stored(STORED.verdicts, outputs))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "list", "later"])
@pytest.mark.parametrize("suffix", [".json", ".outputs.json"])
def test_what_is_damaged_is_as_good_as_none(store, damage, suffix):
    path = store.put(KEY, {}, STORED).with_suffix(suffix)
    text = path.read_text()
    match damage:
        case "cut":
            path.write_text(text[: len(text) // 2])
        case "empty":
            path.write_text("")
        case "gone":
            path.unlink()
        case "list" if suffix == ".json":
            path.write_text("[]")
        case "later" if suffix == ".json":
            path.write_text(text.replace('"format": 1', '"format": 2'))
        case _:
            return
    assert store.get(KEY) is None
    store.put(KEY, {}, STORED)
    assert store.get(KEY) == STORED


def test_nothing_is_left_lying_about(store, tmp_path):
    path = store.put(KEY, {}, STORED)
    assert sorted(each.name for each in path.parent.iterdir()) == [f"{KEY}.json", f"{KEY}.outputs.json"]
