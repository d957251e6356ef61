"""What was planted in a sample class, in the file that says so: the report holds what it finds against it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Planted", "read", "write"]

MANIFEST = "sample_class.json"


@dataclass(frozen=True)
class Planted:
    """One student of the class, and what was planted: exercise -> name of the mistake; exercises that were copied."""

    student: str
    role: str
    mistakes: dict[str, str]
    copied: tuple[str, ...] = ()


def read(folder: Path) -> list[Planted]:
    """What was planted in the class of this course's folder; nothing in a real class."""
    path = folder / MANIFEST
    if not path.is_file():
        return []
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [Planted(**{**entry, "copied": tuple(entry.get("copied", ()))}) for entry in entries]


def write(folder: Path, planted: Iterable[Planted]) -> None:
    """Write down what was planted."""
    entries = [dataclasses.asdict(each) for each in planted]
    (folder / MANIFEST).write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
