"""Who is who: an instructor's own list, and what is wrong with it."""

import pytest

from autograde.course import CourseError
from autograde.export.people import in_words, people, read_users


@pytest.fixture
def users(tmp_path):
    def written(text):
        path = tmp_path / "users.csv"
        path.write_bytes(text.encode())
        return path

    return written


@pytest.mark.parametrize("text", ["student,userId\r\nada,17\r\n", "\ufeffUser_ID;name;Student\n17;Ada;ada\n;;\n"])
def test_a_list_is_read_whatever_else_stands_in_it(users, text):
    assert read_users(users(text)) == {"ada": "17"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "users.csv is empty"),
        ("ada,17\n", "needs a first line student,userId and has: ada, 17"),
        ("student,userId\nada,17\nada,18\n", "has ada twice, as 17 and as 18"),
        ("student,userId\nada,17\nbob,17\n", "has ada and bob as the same user 17"),
    ],
)
def test_a_wrong_list_is_one_sentence(users, text, sentence):
    with pytest.raises(CourseError, match=sentence):
        read_users(users(text))


def test_the_gradebook_tells_names_and_ids(own):
    with own.api.gradebook as gradebook:
        gradebook.update_or_create_student(
            "ada-solved", first_name="Ada", last_name="Lovelace", email="a@b.c", lms_user_id="u-1"
        )
    ada, ghost = people(own, ["ada-solved", "ghost"], {"ghost": "17"})
    assert (ada.name, ada.email, ada.lms_id, ada.user) == ("Ada Lovelace", "a@b.c", "u-1", "")
    assert (ghost.id, ghost.name, ghost.user) == ("ghost", "", "17")


def test_names_in_words():
    assert in_words(["a", "b"]) == "a, b"
    assert in_words(["b, a", "c"]) == "b, a; c"
    assert in_words(["a", "b", "c"], 2) == "a, b and 1 more"
