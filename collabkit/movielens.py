"""MovieLens 100K: fetched, checked, cached; never part of this repository: only GroupLens may hand it on."""

import csv
import functools
import hashlib
import importlib.util
import io
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from collabkit.cache import CACHE_NAME, cache_file
from collabkit.errors import RatingsError

__all__ = ["CHECKSUM", "SOURCE", "checksum", "movielens_100k", "remember"]

SOURCE = "MovieLens 100K"
COLUMNS = {"user": "int64", "movie": "int64", "rating": "float32", "timestamp": "int64", "title": "str"}
CHECKSUM = "68e37a22450c0a09b9688c6ff0dbddd008a9a6978bf1769e4bb4e16d0b83f3fe"
CACHE_CHECKSUM = "e6d712a96ba6c8459e2e6d8b4ca2f96572c3b342a717ce7ae91ff3cf5bbe692e"  # of the file that `_keep` writes
WHEEL = "recbole==1.2.1"  # its examples hold the same 100,000 rows; PyPI is often in reach where GroupLens is not
CONNECT_SECONDS = 10
PIP_SECONDS = 120


def movielens_100k(path=None, *, cache=None, progress: bool = True) -> pd.DataFrame:
    """The 100,000 ratings: user, movie, rating (1 to 5), timestamp (seconds), title; in GroupLens's order.

    Sources: `path` alone where one is given (ml-100k.zip, a folder with u.data and u.item, the recbole
    wheel, a folder with its ml-100k files, a cached table); else the cache (in `cache`, $COLLABKIT_CACHE or
    the user's cache folder), GroupLens, and the wheel recbole 1.2.1 from PyPI. Whichever it is, a checksum
    sees to it that the table is the same; it is then kept in the cache. With `progress`, a download shows a
    bar on stdout.
    Raises RatingsError when no source has it. Data: Harper & Konstan 2015, The MovieLens Datasets.
    """
    cached = cache_file(cache)
    if path is not None:
        ratings = _verified(_read(Path(path).expanduser()), path)
        _keep(ratings, cached)
        return ratings
    ratings = _from_cache(cached)
    if ratings is not None:
        return ratings
    reasons = []
    for fetch in (_from_grouplens, _from_wheel):
        try:
            ratings = fetch(progress)
        except RatingsError as reason:
            reasons.append(str(reason).rstrip("."))
            continue
        _keep(ratings, cached)
        return ratings
    raise RatingsError(
        f"{SOURCE} could not be fetched ({'; '.join(reasons)}): go online and try again, or get ml-100k.zip "
        "from GroupLens by other means and run `python -m collabkit fetch --path ml-100k.zip`."
    )


def remember() -> bool:
    """Read the cached table into this process, whose next `movielens_100k()`, and its forks', only copies it.

    Returns whether there is one.
    """
    return _from_cache(cache_file(None)) is not None


def checksum(ratings: pd.DataFrame) -> str:
    """SHA-256 of the table as text: fixed columns, rows sorted: a file's order does not count."""
    columns = (ratings[name].tolist() for name in COLUMNS)
    rows = sorted(f"{u}\t{m}\t{r:g}\t{t}\t{title}\n" for u, m, r, t, title in zip(*columns, strict=True))
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _verified(ratings: pd.DataFrame, where) -> pd.DataFrame:
    found = checksum(ratings)
    if found != CHECKSUM:
        raise RatingsError(
            f"{where} does not hold {SOURCE} as published ({len(ratings):,} ratings, checksum {found[:12]}, "
            f"expected {CHECKSUM[:12]}): give GroupLens's own file, or use read_ratings for ratings of yours."
        )
    ratings.attrs["source"] = SOURCE
    return ratings


# The cache


def _from_cache(file: Path) -> pd.DataFrame | None:
    if not file.exists():
        return None
    try:
        about = file.stat()
        return _read_cache(file, about.st_mtime_ns, about.st_size).copy()
    except RatingsError:
        print(f"The cached ratings in {file} are damaged, so they are fetched again.")
    except OSError as error:
        print(f"The cached ratings in {file} cannot be read ({error.strerror}), so they are fetched again.")
    return None


@functools.lru_cache(maxsize=1)
def _read_cache(file: Path, changed_ns: int, size: int) -> pd.DataFrame:
    """The table in the cache, as it was when it was last changed."""
    content = file.read_bytes()
    ratings = _parse({CACHE_NAME: content}, file)
    if hashlib.sha256(content).hexdigest() == CACHE_CHECKSUM:  # 80 ms quicker than a look at every row
        ratings.attrs["source"] = SOURCE
        return ratings
    return _verified(ratings, file)


def _keep(ratings: pd.DataFrame, file: Path) -> None:
    """Write to a name of our own, then rename: who reads meanwhile sees the old table or the new, whole."""
    part = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            ratings.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        print(
            f"The ratings could not be kept in {file.parent} ({error.strerror}) and are fetched anew next "
            "time: set COLLABKIT_CACHE to a folder that can be written."
        )


# The sources


def _from_grouplens(progress: bool) -> pd.DataFrame:
    import pooch
    import requests
    from fastai.data.external import URLs

    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "ml-100k.zip"
        bar = _bar("ml-100k.zip") if progress else False
        try:
            pooch.HTTPDownloader(progressbar=bar, timeout=CONNECT_SECONDS, chunk_size=2**15)(
                URLs.ML_100k, str(archive), pooch=None
            )
        except requests.HTTPError as error:
            raise RatingsError(f"GroupLens answered with status {error.response.status_code}.") from error
        except requests.Timeout as error:
            raise RatingsError(f"GroupLens did not answer within {CONNECT_SECONDS} seconds.") from error
        except (requests.RequestException, OSError) as error:
            raise RatingsError("GroupLens could not be reached, or the download broke off.") from error
        finally:
            if bar:
                bar.close()
        return _verified(_read(archive), "What GroupLens sent")


def _bar(what: str):
    from tqdm import tqdm

    class Bar(tqdm):
        """A bar on stdout, since a line on stderr costs a grade cell its points."""

        monitor_interval = 0  # no watching thread, which tqdm never ends: who forks later must have one thread only

        def __bool__(self):  # pooch asks for it, and tqdm refuses as long as the size is not known
            return True

        def reset(self, total=None):  # pooch starts over to fill the bar; the clock need not
            self.n = 0

    # It appears after a moment, so that no network shows no bar.
    return Bar(desc=what, file=sys.stdout, unit="B", unit_scale=True, ncols=79, delay=0.2)


def _from_wheel(progress: bool) -> pd.DataFrame:
    if importlib.util.find_spec("pip") is None:
        raise RatingsError(f"pip is not installed beside this Python, so {WHEEL} could not be downloaded.")
    if progress:
        print(f"Fetching {SOURCE} from the Python package {WHEEL} ...")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += [
            "--disable-pip-version-check",
            "--no-input",
            "--retries=1",
            f"--timeout={CONNECT_SECONDS}",
        ]
        try:
            done = subprocess.run(
                [*command, "--dest", folder, WHEEL],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PIP_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RatingsError(f"pip did not download {WHEEL} within {PIP_SECONDS} seconds.") from error
        except OSError as error:
            raise RatingsError(f"pip could not be started to download {WHEEL} ({error.strerror}).") from error
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise RatingsError(f"pip could not download {WHEEL} ({_last_error(done.stderr)}).")
        return _verified(_read(wheels[0]), f"The package {WHEEL}")


def _last_error(stderr: str) -> str:
    lines = [line.removeprefix("ERROR:").strip() for line in stderr.splitlines() if line.startswith("ERROR:")]
    return lines[-1].rstrip(".") if lines else "it gave no reason"


# The formats


def _read(path: Path) -> pd.DataFrame:
    """The table in a folder, an archive or a file."""
    if not path.exists():
        raise RatingsError(f"There is nothing at {path}: give a folder, zip or wheel that holds {SOURCE}.")
    try:
        files = _files(path)
    except _BROKEN_ZIP as error:
        raise RatingsError(f"{path} is no whole zip file, maybe a download that broke off: fetch it again.") from error
    except OSError as error:
        raise RatingsError(f"{path} cannot be read ({error.strerror or error}): give a file that can.") from error
    return _parse(files, path)


def _files(path: Path) -> dict[str, bytes]:
    """The files that count, by bare name: in a folder or its ml-100k, in a zip, or beside the one named."""
    wanted = {name for names in _FORMATS for name in names}
    if path.is_dir():
        found = [folder / name for folder in (path, path / "ml-100k") for name in wanted]
        return {file.name: file.read_bytes() for file in reversed(found) if file.is_file()}
    if path.suffix in {".zip", ".whl"}:
        with zipfile.ZipFile(path) as archive:
            inside = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
            return {bare: archive.read(inside[bare]) for bare in wanted & inside.keys()}
    if path.suffix == ".csv":
        return {CACHE_NAME: path.read_bytes()}
    for names in _FORMATS:
        if path.name in names:
            return {name: (path.parent / name).read_bytes() for name in names}
    return {}


def _parse(files: dict[str, bytes], where) -> pd.DataFrame:
    for names, parse in _FORMATS.items():
        if all(name in files for name in names):
            try:
                return parse(*(files[name] for name in names)).astype(COLUMNS)[list(COLUMNS)]
            except (
                ValueError,
                KeyError,
            ) as error:  # what pandas raises for a table that is not as it should be
                raise RatingsError(
                    f"{where} is damaged ({' and '.join(names)} cannot be read as {SOURCE}): fetch it again."
                ) from error
    raise RatingsError(
        f"{where} does not hold {SOURCE}: give ml-100k.zip, the folder it unpacks to or the wheel {WHEEL}."
    )


def _from_u_data(data: bytes, item: bytes) -> pd.DataFrame:
    """GroupLens's own files: ratings with tabs, films in latin-1 with their title in the second field."""
    ratings = pd.read_csv(io.BytesIO(data), sep="\t", names=["user", "movie", "rating", "timestamp"])
    films = pd.read_csv(
        io.BytesIO(item),
        sep="|",
        encoding="latin-1",
        header=None,
        usecols=[0, 1],
        names=["movie", "title"],
        **_PLAIN,
    )
    return ratings.assign(title=_titles(ratings, films["movie"], films["title"]))


def _from_inter(inter: bytes, item: bytes) -> pd.DataFrame:
    """RecBole's files: a title is cut at its last bracket, "Toy Story" and "1995", and joined again here.

    Two of its years are glitches: film 1412 is "Land ... Giving (1995)" of the year "V", which together is
    right, "Land ... Giving (1995) (V)", and film 267 has "unkonwn" twice, where GroupLens says "unknown".
    """
    ratings = pd.read_csv(io.BytesIO(inter), sep="\t").rename(
        columns={
            "user_id:token": "user",
            "item_id:token": "movie",
            "rating:float": "rating",
            "timestamp:float": "timestamp",
        }
    )
    films = pd.read_csv(io.BytesIO(item), sep="\t", dtype=str, **_PLAIN)
    titles = films["movie_title:token_seq"] + " (" + films["release_year:token"] + ")"
    titles = titles.replace("unkonwn (unkonwn)", "unknown")
    return ratings.assign(title=_titles(ratings, films["item_id:token"].astype("int64"), titles))


def _from_csv(table: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(table), keep_default_na=False)


def _titles(ratings: pd.DataFrame, movies: pd.Series, titles: pd.Series) -> pd.Series:
    """The title at each rating, blanks tidied: film 1201 of u.item ends with one, but not in RecBole."""
    by_movie = dict(zip(movies, (" ".join(title.split()) for title in titles), strict=True))
    missing = set(ratings["movie"]) - by_movie.keys()
    if missing:
        raise ValueError(f"{len(missing)} films have no title")
    return ratings["movie"].map(by_movie)


_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # what zipfile raises for damaged bytes
_PLAIN = {"quoting": csv.QUOTE_NONE, "keep_default_na": False}  # a quote or "NA" in a title is just text
_FORMATS: dict[tuple[str, ...], Callable[..., pd.DataFrame]] = {
    (CACHE_NAME,): _from_csv,
    ("u.data", "u.item"): _from_u_data,
    ("ml-100k.inter", "ml-100k.item"): _from_inter,
}
