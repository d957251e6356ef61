"""Where the ratings are kept on this machine. Nothing is read or fetched in here."""

import os
from pathlib import Path

__all__ = ["CACHE_NAME", "cache_file"]

CACHE_NAME = "movielens-100k.csv"


def cache_file(cache=None) -> Path:
    """Where the table is kept: in `cache`, else in $COLLABKIT_CACHE, else in the user's cache folder."""
    folder = cache or os.environ.get("COLLABKIT_CACHE")
    if not folder:
        import pooch

        folder = pooch.os_cache("collabkit")
    return Path(folder).expanduser() / CACHE_NAME
