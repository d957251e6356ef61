"""Which code and which versions a result comes from: two short texts that any machine computes from its own files."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterable
from pathlib import Path

__all__ = ["of_files", "of_judging", "of_lesson_making", "versions"]

# what a verdict depends on, as patterns under autograde/; the reference library counts whole
JUDGING = (
    *("cells.py", "compare.py", "execute.py", "exercise.py", "judge.py", "observe.py", "outside.py", "ownership.py"),
    *("repair.py", "secret.py", "verdict.py", "worker.py", "card.py", "exercises/*.py", "kernel/*.py"),
)
LESSON_MAKING = (
    *("build.py", "catalogue.py", "cells.py", "exercise.py", "exercises/*.py", "lesson.py", "similarity.py"),
)
VERSIONS_OF = ("torch", "numpy", "pandas", "fastai")  # a random number or a message may differ between two of these


@functools.cache
def of_judging() -> str:
    """The code that a verdict depends on, as it was when this process first asked."""
    return of_files([*_own(JUDGING), *_package("collabkit").rglob("*.py")])


@functools.cache
def of_lesson_making() -> str:
    """The code that turns scripts into notebooks, and the versions of the packages that it uses."""
    used = [f"{name} {importlib.metadata.version(name)}" for name in ("jupytext", "nbformat", "nbgrader")]
    return of_files(_own(LESSON_MAKING), *used)


@functools.cache
def versions() -> str:
    """Python and the packages on which a verdict may depend."""
    return ", ".join(
        [
            f"Python {platform.python_version()}",
            *(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS_OF),
        ]
    )


def of_files(paths: Iterable[Path], *texts: str) -> str:
    """SHA-256 over the names and contents of files, and over texts; the same wherever the files lie."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode() + content)
    for text in texts:
        digest.update(f"{len(text)} {text}\n".encode())
    return digest.hexdigest()


def _own(patterns: Iterable[str]) -> list[Path]:
    here = Path(__file__).parent
    return [path for pattern in patterns for path in here.glob(pattern)]


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)  # finds without importing
    assert found
    assert found.origin
    return Path(found.origin).parent
