"""Where ratings come from: MovieLens 100K, a CSV or DataFrame, a planted world; not how they are batched."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from collabkit.errors import RatingsError
from collabkit.movielens import movielens_100k
from collabkit.planted import PlantedWorld, planted_world

__all__ = [
    "PlantedWorld",
    "RatingsError",
    "excerpt",
    "load_ratings",
    "movielens_100k",
    "planted_world",
    "read_ratings",
]


def load_ratings(path=None, *, progress: bool = True) -> pd.DataFrame:
    """MovieLens 100K, or where no source answers a planted world of the same size, said aloud on stdout.

    `attrs["source"]` tells which. A `path` that does not hold MovieLens raises RatingsError: who names a file
    wants that one.
    """
    try:
        return movielens_100k(path, progress=progress)
    except RatingsError as reason:
        if path is not None:
            raise
        ratings = planted_world(n_users=943, n_movies=1682, n_ratings=100_000).ratings
        print(f"{reason} Until then these are {len(ratings):,} ratings of a planted world, its films invented.")
        return ratings


def read_ratings(
    source,
    *,
    user: str = "user",
    movie: str = "movie",
    rating: str = "rating",
    title: str | None = None,
    timestamp: str | None = None,
) -> pd.DataFrame:
    """Ratings from a CSV file or a DataFrame, as columns user, movie, rating, timestamp and title.

    The arguments name the columns of the source (a .tsv has tabs); title and timestamp may be absent, and are
    taken from columns of that name if not named. Ids that are no whole numbers are numbered from 1 in sorted
    order; a movie without a title gets its id as title. Raises RatingsError for a file or column that is not
    there, an empty table, a missing id, and ratings that are not finite numbers.
    """
    table = source if isinstance(source, pd.DataFrame) else _read_csv(Path(source).expanduser())
    title = title or ("title" if "title" in table else None)
    timestamp = timestamp or ("timestamp" if "timestamp" in table else None)
    wanted = [name for name in (user, movie, rating, title, timestamp) if name is not None]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise RatingsError(
            f"The ratings have no column {_listed(missing)}: name the right ones of {_listed(table.columns)}."
        )
    if table.empty:
        raise RatingsError("The ratings have no rows: give a table with at least one rating.")
    columns = {"user": _ids(table[user]), "movie": _ids(table[movie]), "rating": _stars(table[rating])}
    if timestamp is not None:
        columns["timestamp"] = _seconds(table[timestamp])
    titles = table[movie] if title is None else table[title].where(table[title].notna(), table[movie])
    columns["title"] = titles.astype(str)
    return pd.DataFrame(columns).reset_index(drop=True)


def excerpt() -> pd.DataFrame:
    """The 15 x 15 matrix that opens the course: users (index) by movies (columns), NaN for no rating."""
    matrix = pd.read_csv(files("collabkit") / "data" / "matrix_excerpt.csv", index_col="user")
    matrix.columns = matrix.columns.astype(int).rename("movie")
    return matrix


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except FileNotFoundError as error:
        raise RatingsError(f"There is no file {path}: check the path to the ratings.") from error
    except OSError as error:
        raise RatingsError(f"{path} cannot be read ({error.strerror}): give a CSV file.") from error
    except pd.errors.EmptyDataError as error:
        raise RatingsError(f"{path} is empty: give a CSV file with a header and a rating.") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise RatingsError(f"{path} is no CSV file in UTF-8: save the ratings as one.") from error


def _ids(column: pd.Series) -> pd.Series:
    if column.isna().any():
        raise RatingsError(
            f"Column {column.name!r} has no id in row {_first(column.isna())}: fill it in or drop the row."
        )
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers % 1 == 0).all():
        return numbers.astype("int64")
    codes, _ = pd.factorize(column.astype(str), sort=True)
    return pd.Series(codes + 1, index=column.index, dtype="int64")


def _stars(column: pd.Series) -> pd.Series:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
        stars = pd.to_numeric(column, errors="coerce").astype("float32")
    bad = ~np.isfinite(stars.to_numpy())
    if bad.any():
        raise RatingsError(
            f"Column {column.name!r} holds {column[bad].tolist()[0]!r} in row {_first(bad)}, and a rating "
            "must be a finite number: mend the value or leave the row out."
        )
    return stars


def _seconds(column: pd.Series) -> pd.Series:
    seconds = pd.to_numeric(column, errors="coerce")
    bad = ~np.isfinite(seconds.to_numpy(dtype=float))
    if bad.any():
        raise RatingsError(
            f"Column {column.name!r} holds {column[bad].tolist()[0]!r} in row {_first(bad)}, and a time "
            "must be in seconds since 1970: convert the column or leave it out."
        )
    return seconds.astype("int64")


def _first(bad) -> int:
    """Number of the first bad row, counted from 1 without the header."""
    return int(np.argmax(np.asarray(bad))) + 1


def _listed(names) -> str:
    return ", ".join(repr(name) for name in names)
