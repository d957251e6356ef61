"""`python -m collabkit fetch`: get MovieLens 100K into the cache before a lesson; nothing else."""

import argparse
import sys

from collabkit.cache import cache_file
from collabkit.errors import RatingsError
from collabkit.movielens import movielens_100k


def main(arguments: list[str] | None = None) -> int:
    """Run the command: exit code 0, or 2 and one sentence on stderr when the ratings cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m collabkit", description=__doc__.split(":", 1)[1].strip())
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="download MovieLens 100K, check it, and keep it in the cache")
    fetch.add_argument("--path", help="ml-100k.zip, a folder with its files, or the wheel recbole 1.2.1")
    fetch.add_argument("--cache", help="folder to keep it in (default: $COLLABKIT_CACHE, else your cache folder)")
    options = parser.parse_args(arguments)
    try:
        ratings = movielens_100k(options.path, cache=options.cache)
    except RatingsError as error:
        print(error, file=sys.stderr)
        return 2
    users, movies = ratings["user"].nunique(), ratings["movie"].nunique()
    print(f"{ratings.attrs['source']}: {len(ratings):,} ratings by {users:,} users of {movies:,} films.")
    file = cache_file(options.cache)
    if file.exists():
        print(f"Kept in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
