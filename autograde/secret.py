"""The secret of a course: from it come the inputs that grading draws, the same in each run and known to no learner."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Secret", "SecretError"]

SIZE = 32  # bytes


class SecretError(ValueError):
    """The secret cannot be read or made; the message says what to do."""


@dataclass(frozen=True)
class Secret:
    """A key of 32 bytes. Whoever holds it can work out every student's inputs, so it stays with the instructor."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != SIZE:
            raise ValueError(f"a secret has {SIZE} bytes, not {len(self.key)}")

    @classmethod
    def of(cls, path: Path) -> Secret:
        """The secret in a file, which is made on first use, readable by its owner alone.

        Raises SecretError where it cannot be read or made, or is damaged.
        """
        try:
            if not path.exists():
                _make(path)
            key = path.read_bytes()
        except OSError as error:
            raise SecretError(f"The course's secret {path} cannot be read or made: {error.strerror}.") from None
        if len(key) != SIZE:
            raise SecretError(
                f"{path} is damaged: a course's secret has {SIZE} bytes, not {len(key)}. Put the file back from a "
                "copy, or remove it and grade again: then everybody gets other inputs."
            )
        return cls(key)

    def seed(self, student: str | None, exercise: str, work: str = "") -> int:
        """What draws the inputs of an exercise for a student: a whole number below 2 ** 62.

        work: what was handed in, as `cells.own_code` has it. The same work gets the same inputs whenever it is graded;
        other work gets others, so that the numbers in one grading's feedback are no answer in the next.
        Without a student it is one seed for all: for what is to be compared.
        """
        parts = ("seed for all", exercise) if student is None else ("seed", student, exercise, work)
        return int.from_bytes(self._mac(*parts)[:8]) >> 2

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that tell one secret from another and give nothing of it away."""
        return self._mac("fingerprint").hex()[:12]

    def _mac(self, *parts: str) -> bytes:
        text = "".join(f"{len(part.encode())}:{part}" for part in parts)  # no two lists of parts give one text
        return hmac.digest(self.key, text.encode(), hashlib.sha256)


def _make(path: Path) -> None:
    """Write a new key, whole or not at all: of two processes that come at once, the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
