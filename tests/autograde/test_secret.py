"""The course's secret: made once, kept to its owner, the same seeds for the same work."""

import stat
import threading

import pytest

from autograde.secret import Secret, SecretError

KEY = bytes(range(32))


def test_is_made_on_first_use_and_kept_to_its_owner(tmp_path):
    path = tmp_path / "course" / "secret.key"
    first = Secret.of(path)
    assert Secret.of(path) == first
    assert len(path.read_bytes()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"], "no draft is left"


def test_those_who_come_at_once_get_the_same(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(Secret.of(tmp_path / "secret.key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_two_courses_have_two_secrets(tmp_path):
    assert Secret.of(tmp_path / "a").key != Secret.of(tmp_path / "b").key


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_one_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(SecretError, match=r"is damaged: a course's secret has 32 bytes, not \d+"):
        Secret.of(tmp_path / "secret.key")
    assert (tmp_path / "secret.key").read_bytes() == content


def test_one_that_cannot_be_read_is_told_in_a_sentence(tmp_path):
    with pytest.raises(SecretError, match="cannot be read or made: Is a directory"):
        Secret.of(tmp_path)


def test_seeds_repeat_and_differ_by_student_exercise_work_and_secret():
    secret = Secret(KEY)
    assert secret.seed("ada", "DotProduct") == Secret(KEY).seed("ada", "DotProduct") == 3047282104902322684
    seeds = [
        secret.seed("ada", "DotProduct"),
        secret.seed("ben", "DotProduct"),
        secret.seed("ada", "train"),
        secret.seed("ada", "DotProduct", "x = 1"),
        Secret(KEY[::-1]).seed("ada", "DotProduct"),
        secret.seed("adaD", "otProduct"),
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 1 << 62 for seed in seeds)


def test_names_of_any_kind_have_a_seed():
    assert Secret(KEY).seed('o\'müller, "ö" <b>', "") != Secret(KEY).seed("", 'o\'müller, "ö" <b>')


def test_a_fingerprint_tells_secrets_apart_and_the_key_is_never_shown():
    one, other = Secret(KEY), Secret(KEY[::-1])
    assert one.fingerprint != other.fingerprint
    assert len(one.fingerprint) == 12
    assert KEY.hex()[:8] not in one.fingerprint
    assert "x00" not in repr(one)


def test_what_is_to_be_compared_has_one_seed_for_all():
    secret = Secret(KEY)
    assert secret.seed(None, "best_model", "x = 1") == secret.seed(None, "best_model", "y = 2")
    others = [secret.seed(None, "train"), secret.seed("", "best_model"), Secret(KEY[::-1]).seed(None, "best_model")]
    assert secret.seed(None, "best_model") not in others
