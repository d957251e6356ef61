"""Collecting from an exchange that students may write in: by owner, without links, and nobody stops the others."""

import os
import pwd

import pytest
from nbgrader.coursedir import CourseDirectory

from autograde.course import COURSE_ID
from autograde.exchange import MAX_FILES, CollectByOwner, copy_owned

from .small_class import LESSON

ME = pwd.getpwuid(os.geteuid()).pw_name
AT = "2026-11-25 12:00:00 UTC"


@pytest.fixture
def submission(tmp_path):
    folder = tmp_path / "handed in"
    (folder / "pictures").mkdir(parents=True)
    (folder / "work.ipynb").write_text("{}")
    (folder / "pictures" / "one.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
def inbound(fresh, tmp_path):
    inbound = tmp_path / "exchange" / COURSE_ID / "inbound"
    inbound.mkdir(parents=True)
    return inbound


@pytest.fixture
def collect(fresh, tmp_path):
    """Collect lesson 03; returns what lies in submitted/ afterwards."""

    def collect():
        config = fresh.config()
        config.Exchange.root = str(tmp_path / "exchange")
        config.CourseDirectory.assignment_id = LESSON
        (tmp_path / "exchange").chmod(0o777)
        CollectByOwner(coursedir=CourseDirectory(config=config), config=config).start()
        return {
            str(path.relative_to(fresh.submitted)): path.read_text()
            for path in fresh.submitted.rglob("*")
            if path.is_file()
        }

    return collect


def hand_in(inbound, name, text, at=AT):
    folder = inbound / f"{name}+{LESSON}+{at}+random"
    folder.mkdir()
    (folder / f"{LESSON}.ipynb").write_text(text)
    (folder / "timestamp.txt").write_text(at)
    return folder


def test_plain_files_are_copied_at_any_depth(submission, tmp_path):
    assert list(copy_owned(submission, tmp_path / "copy", n_bytes=100)) == []
    assert (tmp_path / "copy" / "work.ipynb").read_text() == "{}"
    assert (tmp_path / "copy" / "pictures" / "one.png").read_bytes() == b"\x89PNG"


def test_links_and_pipes_are_left_out_and_named(submission, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    (submission / "file").symlink_to(tmp_path / "secret" / "key")
    (submission / "pictures" / "folder").symlink_to(tmp_path / "secret")
    (submission / "nowhere").symlink_to("nowhere at all")
    os.mkfifo(submission / "pipe")
    left = list(copy_owned(submission, tmp_path / "copy", n_bytes=100))
    assert sorted(left) == ["file", "nowhere", "pictures/folder", "pipe"]
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"work.ipynb", "pictures", "pictures/one.png"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_another_s_file_in_the_folder_is_left_out(submission, tmp_path):
    os.chown(submission / "work.ipynb", 65534, 65534)
    assert list(copy_owned(submission, tmp_path / "copy", n_bytes=100)) == ["work.ipynb"]


def test_what_is_too_much_is_left_out(submission, tmp_path):
    (submission / "large").write_bytes(bytes(101))
    assert list(copy_owned(submission, tmp_path / "copy", n_bytes=100)) == ["large"]
    for number in range(MAX_FILES):
        (submission / f"{number:04}").touch()
    left = list(copy_owned(submission, tmp_path / "another", n_bytes=1000))
    assert len(left) == 3  # of MAX_FILES + 3: the first ones of whatever order the file system has


def test_a_link_in_the_place_of_a_folder_is_refused(submission, tmp_path):
    (tmp_path / "link").symlink_to(submission)
    with pytest.raises(OSError, match="link"):
        list(copy_owned(tmp_path / "link", tmp_path / "copy", n_bytes=100))


def test_work_counts_for_its_owner_whatever_its_name_says(inbound, collect):
    hand_in(inbound, "somebody-else", "mine, under another name")
    assert collect() == {
        f"{ME}/{LESSON}/{LESSON}.ipynb": "mine, under another name",
        f"{ME}/{LESSON}/timestamp.txt": AT,
    }


def test_the_latest_of_an_owner_s_is_taken(inbound, collect):
    hand_in(inbound, ME, "first")
    hand_in(inbound, ME, "second", at="2026-11-25 12:00:01 UTC")
    assert collect()[f"{ME}/{LESSON}/{LESSON}.ipynb"] == "second"


def test_what_is_no_submission_stops_nobody(inbound, collect, tmp_path):
    (inbound / f"x+{LESSON}+whenever+").mkdir()
    (inbound / f"y+{LESSON}+{AT}").write_text("a file")
    (inbound / f"z+{LESSON}+{AT}+z").symlink_to(tmp_path)
    hand_in(inbound, ME, "work")
    assert set(collect()) == {f"{ME}/{LESSON}/{LESSON}.ipynb", f"{ME}/{LESSON}/timestamp.txt"}
