"""Files that are there whole or not at all, whenever the process that writes them is stopped."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file in one move. Several processes may write the same one: the last to come counts.

    durable: it is on the disk before it has its name, so that a machine which loses power does not keep the name alone.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
