"""Fetching MovieLens 100K: its sources, checksum, cache and command; on small fakes, a loopback server and real pip."""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from collabkit import movielens as module
from collabkit.__main__ import main
from collabkit.ratings import RatingsError, movielens_100k

FILMS = {  # as u.item has them, among them those that need care
    1: "Toy Story (1995)",
    267: "unknown",
    543: "Misérables, Les (1995)",
    1201: "Marlene Dietrich: Shadow and Light (1996) ",
    1412: "Land Before Time III: The Time of the Great Giving (1995) (V)",
    246: "Chasing Amy (1997)",
    268: "Chasing Amy (1997)",
}
IN_RECBOLE = {267: ("unkonwn", "unkonwn")}  # the others are cut at their last bracket
RATINGS = [(9, movie, 1 + place % 5, 881_250_949 + place) for place, movie in enumerate(FILMS)]
RATINGS += [(3, 1, 4, 880_000_000)]
EXPECTED = pd.DataFrame(
    [(user, movie, stars, seconds, FILMS[movie].strip()) for user, movie, stars, seconds in RATINGS],
    columns=["user", "movie", "rating", "timestamp", "title"],
).astype({"rating": "float32"})


def grouplens_files(ratings=RATINGS, films=FILMS):
    item = "".join(f"{movie}|{title}|01-Jan-1995||http://example.org|0|1\n" for movie, title in films.items())
    data = "".join("\t".join(map(str, row)) + "\n" for row in ratings)
    return {"u.data": data.encode(), "u.item": item.encode("latin-1"), "README": b"Neither the University"}


def recbole_files(ratings=RATINGS, films=FILMS):
    item = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    for movie, whole in films.items():
        title, year = IN_RECBOLE.get(movie) or whole.strip().removesuffix(")").rsplit(" (", 1)
        item += f"{movie}\t{title}\t{year}\tDrama\n"
    inter = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    inter += "".join("\t".join(map(str, row)) + "\n" for row in ratings)
    return {"ml-100k.inter": inter.encode(), "ml-100k.item": item.encode()}


def write_folder(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_zip(file, files, inside):
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{inside}/{name}", content)
    return file


def write_wheel(file, files):
    """A wheel that pip accepts."""
    write_zip(file, files, "recbole/dataset_example/ml-100k")
    with zipfile.ZipFile(file, "a") as archive:
        info = "recbole-1.2.1.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: recbole\nVersion: 1.2.1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return file


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch):
    """The small table stands for the real one: its checksum is the one to meet."""
    monkeypatch.setattr(module, "CHECKSUM", module.checksum(EXPECTED))


@pytest.fixture
def grouplens(monkeypatch):
    """A server on the loopback address in GroupLens's place: set what it answers, read how often it was asked."""

    class Handler(BaseHTTPRequestHandler):
        status, body, announced, seconds, asked = 200, b"", None, 0.0, 0

        def do_GET(self):
            Handler.asked += 1
            self.send_response(Handler.status)
            self.send_header("Content-Length", str(Handler.announced or len(Handler.body)))
            self.end_headers()
            self.wfile.write(Handler.body[:100])
            self.wfile.flush()
            time.sleep(Handler.seconds)
            self.wfile.write(Handler.body[100:])

        def log_message(self, *_):
            """Silent: these tests watch stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    point_to(monkeypatch, server.server_port)
    yield Handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def no_grouplens(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    point_to(monkeypatch, port=9)  # the discard port: nobody listens


def point_to(monkeypatch, port):
    monkeypatch.setattr("fastai.data.external.URLs.ML_100k", f"http://127.0.0.1:{port}/ml-100k.zip")


@pytest.fixture
def pip_finds(monkeypatch, tmp_path):
    """The folder in which pip looks for wheels instead of on PyPI; empty at first."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


WHEEL_NAME = "recbole-1.2.1-py3-none-any.whl"


@pytest.mark.usefixtures("small")
class TestPaths:
    @pytest.mark.parametrize(
        "write",
        [
            lambda at: write_zip(at / "ml-100k.zip", grouplens_files(), "ml-100k"),
            lambda at: write_zip(at / "flat.zip", grouplens_files(), ""),
            lambda at: write_folder(at / "ml-100k", grouplens_files()),
            lambda at: write_folder(at / "ml-100k", grouplens_files()).parent,
            lambda at: write_folder(at, grouplens_files()) / "u.data",
            lambda at: write_wheel(at / WHEEL_NAME, recbole_files()),
            lambda at: write_folder(at / "examples", recbole_files()),
            lambda at: write_folder(at, recbole_files()) / "ml-100k.inter",
        ],
        ids=["zip", "flat zip", "folder", "parent", "u.data", "wheel", "recbole folder", "inter"],
    )
    def test_every_form_gives_the_same_table(self, tmp_path, cache, write):
        ratings = movielens_100k(write(tmp_path / "given"), cache=cache)
        pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        assert ratings.attrs["source"] == "MovieLens 100K"

    def test_a_given_path_fills_the_cache_and_the_cache_can_be_given(self, tmp_path, cache):
        movielens_100k(write_folder(tmp_path, grouplens_files()), cache=cache)
        copy = tmp_path / "copy.csv"
        (cache / "movielens-100k.csv").rename(copy)
        pd.testing.assert_frame_equal(movielens_100k(copy, cache=cache), EXPECTED, check_column_type=False)

    def test_the_order_of_rows_in_a_file_does_not_count(self, tmp_path, cache):
        folder = write_folder(tmp_path, grouplens_files(ratings=RATINGS[::-1]))
        assert len(movielens_100k(folder, cache=cache)) == len(RATINGS)

    @pytest.mark.parametrize(
        ("write", "words"),
        [
            (lambda at: at / "nowhere", "There is nothing at"),
            (lambda at: write_folder(at / "empty", {}), "does not hold MovieLens 100K: give"),
            (lambda at: write_folder(at, {"notes.txt": b"hello"}) / "notes.txt", "does not hold"),
            (lambda at: write_folder(at, {"u.data": b""}) / "u.data", "cannot be read"),
            (lambda at: write_folder(at, {"ml-100k.zip": b"PK\x03\x04 cut"}) / "ml-100k.zip", "no whole zip"),
            (lambda at: write_zip(at / "other.zip", {"a.txt": b""}, "x"), "does not hold"),
            (lambda at: write_folder(at, grouplens_files(ratings=[])), r"published \(0 ratings"),
            (lambda at: write_folder(at, grouplens_files(ratings=[(1, 1, "good", 5)])), "is damaged"),
            (lambda at: write_folder(at, grouplens_files(ratings=[(1, 1)])), "is damaged"),
            (lambda at: write_folder(at, grouplens_files(films={1: "Toy Story (1995)"})), "is damaged"),
            (lambda at: write_folder(at, grouplens_files(ratings=RATINGS[1:])), r"as published \(7 ratings"),
            (lambda at: write_folder(at, grouplens_files(ratings=[*RATINGS[1:], (9, 1, "nan", 5)])), "published"),
            (
                lambda at: write_folder(at, {**recbole_files(), "ml-100k.inter": b"user\tfilm\n1\t2\n"}),
                "is damaged",
            ),
        ],
    )
    def test_what_is_not_movielens_is_refused_and_not_kept(self, tmp_path, cache, write, words):
        with pytest.raises(RatingsError, match=words) as caught:
            movielens_100k(write(tmp_path / "given"), cache=cache)
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
        assert not cache.exists()

    def test_a_zip_cut_anywhere_is_refused(self, tmp_path, cache):
        whole = write_zip(tmp_path / "whole.zip", grouplens_files(), "ml-100k").read_bytes()
        cut = tmp_path / "cut.zip"
        for size in range(0, len(whole), 37):
            cut.write_bytes(whole[:size])
            with pytest.raises(RatingsError):
                movielens_100k(cut, cache=cache)

    def test_a_zip_with_a_flipped_byte_is_refused_or_unharmed(self, tmp_path, cache):
        whole = write_zip(tmp_path / "whole.zip", grouplens_files(), "ml-100k").read_bytes()
        flipped = tmp_path / "flipped.zip"
        refused = 0
        for place in range(0, len(whole), 3):
            flipped.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                ratings = movielens_100k(flipped, cache=cache)
            except RatingsError:
                refused += 1
            else:
                pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        assert refused > 0


@pytest.mark.usefixtures("small")
class TestGroupLens:
    def test_is_asked_once_and_the_cache_from_then_on(self, tmp_path, cache, grouplens):
        grouplens.body = write_zip(tmp_path / "z.zip", grouplens_files(), "ml-100k").read_bytes()
        for _ in range(2):
            ratings = movielens_100k(cache=cache, progress=False)
            pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        assert grouplens.asked == 1
        assert [file.name for file in cache.iterdir()] == ["movielens-100k.csv"]

    def test_shows_a_bar_on_stdout_alone(self, tmp_path, cache, grouplens, capfd):
        grouplens.body = write_zip(tmp_path / "z.zip", grouplens_files(), "ml-100k").read_bytes()
        grouplens.seconds = 0.4
        movielens_100k(cache=cache)
        said = capfd.readouterr()
        assert "ml-100k.zip: 100%" in said.out
        assert said.err == ""

    def test_is_silent_when_asked_to_be(self, tmp_path, cache, grouplens, capfd):
        grouplens.body = write_zip(tmp_path / "z.zip", grouplens_files(), "ml-100k").read_bytes()
        movielens_100k(cache=cache, progress=False)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("announced", [None, 4_924_029], ids=["whole", "broken off"])
    def test_the_bar_ends_its_line_and_its_thread(self, tmp_path, cache, grouplens, pip_finds, announced, capfd):
        """Who forks after loading ratings must have one thread; tqdm starts a watching one and never ends it."""
        write_wheel(pip_finds / WHEEL_NAME, recbole_files())
        grouplens.body = write_zip(tmp_path / "z.zip", grouplens_files(), "ml-100k").read_bytes()
        if announced:
            grouplens.body += bytes(100_000)  # more than a chunk, so that the bar is seen before the end
        grouplens.announced, grouplens.seconds = announced, 0.4
        movielens_100k(cache=cache)
        assert "TMonitor" not in {type(thread).__name__ for thread in threading.enumerate()}
        assert re.search(r"ml-100k\.zip: [^\n]*\n", capfd.readouterr().out)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ({"status": 404, "body": b"gone"}, "GroupLens answered with status 404"),
            ({"body": b"PK\x03\x04 the beginning", "announced": 4_924_029}, "the download broke off"),
            ({"body": b"<html>log in to the hotel's network</html>"}, "no whole zip file"),
            ({"body": b"other"}, "What GroupLens sent does not hold MovieLens 100K as published"),
        ],
    )
    def test_a_bad_answer_is_named_and_nothing_kept(self, tmp_path, cache, grouplens, pip_finds, answer, words):
        if answer["body"] == b"other":
            other = grouplens_files(ratings=RATINGS[2:])
            answer = {"body": write_zip(tmp_path / "z.zip", other, "ml-100k").read_bytes()}
        for name, value in answer.items():
            setattr(grouplens, name, value)
        with pytest.raises(RatingsError, match=words):
            movielens_100k(cache=cache, progress=False)
        assert not cache.exists()

    def test_a_slow_answer_is_not_waited_for(self, cache, grouplens, pip_finds, monkeypatch):
        monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
        grouplens.body, grouplens.seconds = b"x" * 200, 1.0
        with pytest.raises(RatingsError, match=r"GroupLens (did not answer|could not be reached)"):
            movielens_100k(cache=cache, progress=False)


@pytest.mark.usefixtures("small", "no_grouplens")
class TestWheel:
    def test_is_downloaded_by_pip_where_grouplens_is_out_of_reach(self, cache, pip_finds, capfd):
        write_wheel(pip_finds / WHEEL_NAME, recbole_files())
        ratings = movielens_100k(cache=cache)
        pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        said = capfd.readouterr()
        assert said.err == ""
        assert said.out == "Fetching MovieLens 100K from the Python package recbole==1.2.1 ...\n"

    def test_without_any_source_the_sentence_names_each_reason(self, cache, pip_finds):
        with pytest.raises(RatingsError) as caught:
            movielens_100k(cache=cache, progress=False)
        text = str(caught.value)
        assert "GroupLens could not be reached" in text
        assert "No matching distribution found for recbole==1.2.1" in text
        assert "python -m collabkit fetch --path ml-100k.zip" in text
        assert not cache.exists()

    def test_a_wheel_with_other_ratings_is_refused(self, cache, pip_finds):
        write_wheel(pip_finds / WHEEL_NAME, recbole_files(ratings=RATINGS[1:]))
        with pytest.raises(RatingsError, match=r"The package recbole==1\.2\.1 does not hold"):
            movielens_100k(cache=cache, progress=False)

    def test_no_pip(self, cache, monkeypatch):
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
        with pytest.raises(RatingsError, match="pip is not installed beside this Python"):
            movielens_100k(cache=cache, progress=False)

    def test_a_pip_that_takes_too_long_is_stopped(self, cache, pip_finds, monkeypatch):
        monkeypatch.setattr(module, "PIP_SECONDS", 0.01)
        with pytest.raises(RatingsError, match=r"pip did not download recbole==1\.2\.1 within 0\.01 seconds"):
            movielens_100k(cache=cache, progress=False)


@pytest.mark.usefixtures("small", "no_grouplens")
class TestCache:
    @pytest.fixture
    def wheel(self, pip_finds):
        return write_wheel(pip_finds / WHEEL_NAME, recbole_files())

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text[: len(text) // 2],
            lambda text: text.replace(b"Toy Story", b"Toy Stork"),
            lambda text: b"",
            lambda text: b"\xff\xfe\x00",
        ],
        ids=["cut", "changed", "empty", "no text"],
    )
    @pytest.mark.usefixtures("wheel")
    def test_a_damaged_table_is_said_and_fetched_again(self, cache, damage, capfd):
        movielens_100k(cache=cache, progress=False)
        file = cache / "movielens-100k.csv"
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        ratings = movielens_100k(cache=cache, progress=False)
        pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        assert capfd.readouterr() == (
            f"The cached ratings in {file} are damaged, so they are fetched again.\n",
            "",
        )
        assert file.read_bytes() == whole

    def test_a_cache_that_cannot_be_written_costs_only_a_sentence(self, tmp_path, capfd):
        given = write_folder(tmp_path, grouplens_files())
        occupied = tmp_path / "README"
        ratings = movielens_100k(given, cache=occupied)
        pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        said = capfd.readouterr()
        assert said.out.startswith(f"The ratings could not be kept in {occupied}")
        assert said.err == ""

    @pytest.mark.usefixtures("wheel")
    def test_a_cache_that_cannot_be_read_costs_sentences(self, cache, capfd):
        (cache / "movielens-100k.csv").mkdir(parents=True)
        ratings = movielens_100k(cache=cache, progress=False)
        pd.testing.assert_frame_equal(ratings, EXPECTED, check_column_type=False)
        said = capfd.readouterr()
        assert "cannot be read" in said.out
        assert said.err == ""
        assert [file.name for file in cache.iterdir()] == ["movielens-100k.csv"]

    def test_a_full_disk_leaves_the_old_table_and_no_litter(self, tmp_path, cache, monkeypatch, capfd):
        given = write_folder(tmp_path / "given", grouplens_files())
        movielens_100k(given, cache=cache)
        before = (cache / "movielens-100k.csv").read_bytes()

        def half(table, file, **_):
            file.write_text("user,mov")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pd.DataFrame, "to_csv", half)
        movielens_100k(given, cache=cache)
        assert "No space left on device" in capfd.readouterr().out
        assert {file.name: file.read_bytes() for file in cache.iterdir()} == {"movielens-100k.csv": before}

    def test_processes_at_once_never_see_half_a_table(self, tmp_path, cache):
        """Two writers over and over, while this process reads: every read is whole, and no part file stays."""
        given = write_folder(tmp_path / "given", grouplens_files(ratings=RATINGS))
        code = (
            "import sys; from collabkit import movielens as m; m.CHECKSUM = sys.argv[3]\n"
            "for _ in range(60): m.movielens_100k(sys.argv[1], cache=sys.argv[2])"
        )
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(given), str(cache), module.CHECKSUM],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        reads = 0
        while any(writer.poll() is None for writer in writers):
            file = cache / "movielens-100k.csv"
            if file.exists():
                assert module.checksum(module._read(file)) == module.CHECKSUM
                reads += 1
            time.sleep(0.005)  # the writers need the cores too
        outputs = [writer.communicate()[0] for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0]
        assert outputs == ["", ""]
        assert reads > 0
        assert [file.name for file in cache.iterdir()] == ["movielens-100k.csv"]

    def test_others_may_read_the_table(self, tmp_path, cache):
        """A class may share a cache, so the file has the permissions of any new file, not of a temporary one."""
        movielens_100k(write_folder(tmp_path / "given", grouplens_files()), cache=cache)
        plain = tmp_path / "plain"
        plain.touch()
        assert (cache / "movielens-100k.csv").stat().st_mode == plain.stat().st_mode

    def test_its_place_is_the_argument_or_the_variable_or_the_users_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("COLLABKIT_CACHE", str(tmp_path / "variable"))
        assert module.cache_file(tmp_path / "argument") == tmp_path / "argument" / "movielens-100k.csv"
        assert module.cache_file() == tmp_path / "variable" / "movielens-100k.csv"
        monkeypatch.delenv("COLLABKIT_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert module.cache_file().parent.name == "collabkit"


@pytest.mark.usefixtures("small")
class TestCommand:
    def test_says_what_there_is_and_where(self, tmp_path, cache, capsys):
        given = write_zip(tmp_path / "ml-100k.zip", grouplens_files(), "ml-100k")
        assert main(["fetch", "--path", str(given), "--cache", str(cache)]) == 0
        assert capsys.readouterr() == (
            f"MovieLens 100K: 8 ratings by 2 users of 7 films.\nKept in {cache / 'movielens-100k.csv'}.\n",
            "",
        )

    @pytest.mark.parametrize("content", [None, b"PK\x03\x04 cut", b""])
    def test_a_bad_path_is_exit_code_2_and_a_sentence(self, tmp_path, cache, content, capsys):
        given = tmp_path / "ml-100k.zip"
        if content is not None:
            given.write_bytes(content)
        assert main(["fetch", "--path", str(given), "--cache", str(cache)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert str(given) in said.err
        assert not cache.exists()

    @pytest.mark.usefixtures("no_grouplens", "pip_finds")
    def test_no_network_is_exit_code_2_and_a_sentence(self, cache, capsys):
        assert main(["fetch", "--cache", str(cache)]) == 2
        assert capsys.readouterr().err.count("\n") == 1

    def test_is_run_with_python_m(self, tmp_path, cache):
        """As a user does, on the fake ratings that the real checksum refuses: no traceback."""
        given = write_folder(tmp_path / "given", grouplens_files())
        done = subprocess.run(
            [sys.executable, "-m", "collabkit", "fetch", "--path", given, "--cache", cache],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "as published (8 ratings" in done.stderr
        assert not cache.exists()


def test_the_checksum_is_what_sha256sum_says(tmp_path):
    """The text that is hashed, written out here by hand and hashed by another program."""
    table = pd.DataFrame(
        {"user": [2, 1], "movie": [5, 6], "rating": [4.0, 2.5], "timestamp": [7, 8], "title": ["Élan (1990)", "B"]}
    )
    file = tmp_path / "table"
    file.write_text("1\t6\t2.5\t8\tB\n2\t5\t4\t7\tÉlan (1990)\n", encoding="utf-8", newline="\n")
    program = "import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256').hexdigest())"
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    assert module.checksum(table) == done.stdout.strip()


@pytest.mark.usefixtures("no_grouplens", "pip_finds")
def test_a_notebook_without_network_sees_nothing_on_stderr(tmp_path):
    """A line on stderr would cost a student the mark of the cell, so a fresh process is watched, not this one."""
    code = (
        "from fastai.data.external import URLs; URLs.ML_100k = 'http://127.0.0.1:9/ml-100k.zip'\n"
        "from collabkit.ratings import load_ratings; print(load_ratings().attrs['source'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "COLLABKIT_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.endswith("planted world\n")


class TestTheRealTable:
    def test_is_the_one_that_the_field_quotes(self, movielens):
        assert len(movielens) == 100_000
        assert movielens["user"].nunique() == 943
        assert movielens["movie"].nunique() == 1682
        assert movielens["title"].nunique() == 1664
        assert not movielens.duplicated(["user", "movie"]).any()
        assert movielens["rating"].value_counts().to_dict() == {4: 34174, 3: 27145, 5: 21201, 2: 11370, 1: 6110}
        assert movielens["user"].value_counts().min() == 20
        assert (movielens["title"].value_counts() == 1).sum() == 134

    def test_has_the_columns_of_the_library(self, movielens):
        kinds = {name: str(kind) for name, kind in movielens.dtypes.items()}
        assert list(kinds) == ["user", "movie", "rating", "timestamp", "title"]
        assert kinds["rating"] == "float32"
        assert {kinds[name] for name in ("user", "movie", "timestamp")} == {"int64"}

    def test_is_in_the_order_of_u_data(self, movielens):
        """Splits by seed depend on it. First and last rows are quoted wherever u.data is shown."""
        ends = movielens.iloc[[0, 1, -1], :4].astype(int).to_numpy().tolist()
        assert ends == [[196, 242, 3, 881250949], [186, 302, 3, 891717742], [12, 203, 3, 879959583]]

    def test_has_the_original_titles(self, movielens):
        titles = movielens.drop_duplicates("movie").set_index("movie")["title"]
        assert titles[1] == "Toy Story (1995)"
        assert titles[267] == "unknown"
        assert titles[543] == "Misérables, Les (1995)"
        assert titles[1201] == "Marlene Dietrich: Shadow and Light (1996)"
        assert titles[1412] == "Land Before Time III: The Time of the Great Giving (1995) (V)"
        assert titles[246] == titles[268] == "Chasing Amy (1997)"
        odd = titles[~titles.str.fullmatch(r".+ \((19\d\d)\)")]
        assert sorted(odd.index) == [267, 1412]


def test_the_cached_file_of_the_real_table_is_known_by_its_bytes(movielens, tmp_path):
    """Then no row needs to be looked at, which is most of the time that reading the cache took."""
    path = tmp_path / "movielens-100k.csv"
    module._keep(movielens, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == module.CACHE_CHECKSUM


@pytest.mark.usefixtures("small", "no_grouplens")
class TestRemembering:
    @pytest.fixture(autouse=True)
    def _forget(self):
        module._read_cache.cache_clear()
        yield
        module._read_cache.cache_clear()

    def test_the_table_is_parsed_once_and_everybody_has_a_copy(self, cache, pip_finds, monkeypatch):
        write_wheel(pip_finds / WHEEL_NAME, recbole_files())
        movielens_100k(cache=cache, progress=False)
        monkeypatch.setenv("COLLABKIT_CACHE", str(cache))
        assert module.remember()
        monkeypatch.setattr(module, "_parse", None)  # nothing is parsed from here on
        mine = movielens_100k(progress=False)
        mine.loc[:, "rating"] = 0.0
        again = movielens_100k(progress=False)
        pd.testing.assert_frame_equal(again, EXPECTED, check_column_type=False)
        assert again.attrs == {"source": module.SOURCE}

    def test_without_a_cache_there_is_nothing_to_remember(self, tmp_path, monkeypatch):
        monkeypatch.setenv("COLLABKIT_CACHE", str(tmp_path / "nowhere"))
        assert not module.remember()
