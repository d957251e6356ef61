"""Which code and which versions a result comes from: two short texts that any machine computes from its own files."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import platform
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["of_files", "of_judging", "of_lesson_making", "versions"]

# What a verdict depends on, as patterns under autograde/. The reference library counts whole: learners' processes and
# the judge import all of it. Of the exercises a lesson's own count, and what they import of the others.
JUDGING = (
    *("cells.py", "compare.py", "execute.py", "exercise.py", "judge.py", "observe.py", "outside.py", "ownership.py"),
    *("repair.py", "secret.py", "verdict.py", "desk.py", "card.py", "exercises/__init__.py", "kernel/*.py"),
)
LESSON_MAKING = (
    *("build.py", "catalogue.py", "cells.py", "exercise.py", "exercises/__init__.py", "lesson.py", "similarity.py"),
)
VERSIONS_OF = ("torch", "numpy", "pandas", "fastai")  # a random number or a message may differ between two of these


def of_judging(slug: str) -> str:
    """The code that a verdict on a lesson's exercises depends on, as it was when this process first asked for any."""
    return of_files([], _judging_all(), _exercises().get(slug, ""))


def of_lesson_making(slug: str) -> str:
    """The code that turns a lesson's script into notebooks, and the versions of the packages that it uses."""
    return of_files([], _making_all(), _exercises().get(slug, ""))


@functools.cache
def _judging_all() -> str:
    return of_files([*_own(JUDGING), *_package("collabkit").rglob("*.py")])


@functools.cache
def _making_all() -> str:
    used = [f"{name} {importlib.metadata.version(name)}" for name in ("jupytext", "nbformat", "nbgrader")]
    return of_files(_own(LESSON_MAKING), *used)


@functools.cache
def _exercises() -> dict[str, str]:
    """Each lesson's exercises by slug: their module, and what it imports of other modules beside it."""
    return of_modules(Path(__file__).parent / "exercises")


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


def of_modules(package: Path) -> dict[str, str]:
    """For each module of a package, by name: SHA-256 over it and over the modules of the package that it needs."""
    files = {path.stem: path for path in package.glob("*.py") if path.stem != "__init__"}
    needed = {name: _imported(path, set(files)) for name, path in files.items()}
    found = {}
    for name in files:
        reached, left = {name}, [name]
        while left:
            fresh = needed[left.pop()] - reached
            reached |= fresh
            left += fresh
        found[name] = of_files(files[each] for each in reached)
    return found


def _imported(path: Path, beside: set[str]) -> set[str]:
    """Which of the modules beside it a file imports; all of them where that cannot be read off."""
    text, package = path.read_text(encoding="utf-8"), path.parent.name
    if re.search(r"import_module|__import__", text):
        return beside
    if not re.search(rf"^\s*from\s*\.|^\s*(from|import)\s.*\b{package}\b", text, re.MULTILINE):
        return set()  # nearly always, and to parse all exercises takes longer than to grade a notebook
    named: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"{package}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            named |= {f"{base}.{alias.name}" for alias in node.names}
    inner = [name.split(".")[name.split(".").index(package) + 1 :] for name in named if package in name.split(".")]
    found = {parts[0] if parts else "" for parts in inner}
    return found if found and found <= beside else beside


def _own(patterns: Iterable[str]) -> list[Path]:
    here = Path(__file__).parent
    return [path for pattern in patterns for path in here.glob(pattern)]


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)  # finds without importing
    assert found
    assert found.origin
    return Path(found.origin).parent
