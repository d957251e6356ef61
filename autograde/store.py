"""Results by what they come from: the same notebook, code, versions and secret find what has been graded before.

Two files for each result. `<key>.json` holds the verdicts and is the same, byte for byte, whenever the same work is
graded with the same secret. `<key>.outputs.json` holds what the cells put out, which may tell the time of day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograde.files import write_whole

__all__ = ["Store", "Stored", "key_of"]

FORMAT = 1


@dataclass(frozen=True)
class Stored:
    """What grading found out. verdicts: by exercise, as JSON; outputs: of each code cell, with its execution count."""

    verdicts: dict[str, Any]
    outputs: list[dict[str, Any]]


class Store:
    """A folder of results; several processes may write. It may be removed at any time: then work is graded again."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(self, key: str) -> Stored | None:
        """The result of this key; None when there is none, or what is there is damaged."""
        path = self._path(key)
        try:
            record = json.loads(path.read_bytes())
            outputs = json.loads(path.with_suffix(".outputs.json").read_bytes())
            return Stored(record["verdicts"], outputs) if record["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, about: Mapping[str, Any], stored: Stored) -> Path:
        """Keep a result, and return its path. about: what a reader of the file wants to know; it must not change.

        The file of the verdicts is written last, in one move: where it is, all of the result is.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path.with_suffix(".outputs.json"), json.dumps(stored.outputs, sort_keys=True).encode())
        record = {"format": FORMAT, **about, "verdicts": stored.verdicts}
        write_whole(path, (json.dumps(record, indent=1) + "\n").encode(), durable=True)
        return path

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def key_of(**parts: Any) -> str:
    """SHA-256 over everything that a result depends on, as JSON; the order of the parts does not count."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
