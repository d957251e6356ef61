"""Messages on a stream socket: one JSON object and some byte blobs each. The other end may be hostile.

A message is, in network byte order: the length of its header and the number of its blobs (4 bytes each), the length
of each blob (8 bytes each), the header, the blobs. Nothing is unpickled here, and nothing is believed: lengths are
checked before a byte is read for them, and every wait has a deadline.
"""

from __future__ import annotations

import array
import json
import math
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["WITH_HANDLES", "Bounds", "Message", "Wire", "WireClosed", "WireError", "WireTimeout", "wait_for"]


class WireError(Exception):
    """The other end sent something that is no message, or more than is allowed. The connection is of no more use."""


class WireClosed(WireError):
    """The other end is gone."""


class WireTimeout(WireError):
    """The deadline passed. What has arrived so far is kept: receiving may go on."""


@dataclass(frozen=True)
class Bounds:
    """How large one message may be."""

    header_bytes: int = 32 << 20
    header_items: int = 4_000_000  # commas and brackets: an empty list takes two bytes here, and 64 in memory
    blobs: int = 1_000
    blob_bytes: int = 256 << 20  # all blobs of a message together
    handles: int = 0  # file descriptors at one time: from who may not send any, they would fill this process's table


WITH_HANDLES = Bounds(handles=16)  # among our own processes


@dataclass(frozen=True)
class Message:
    """A header, which is a JSON object, and the blobs that came with it."""

    header: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


class Wire:
    """One end of a connection. A deadline is a reading of `time.monotonic()`; None waits for ever."""

    def __init__(self, connection: socket.socket, bounds: Bounds = Bounds()):
        connection.setblocking(False)
        self.socket = connection
        self.bounds = bounds
        self._arrived = bytearray()
        self._handles: list[int] = []

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()
        self.handles()  # nobody asked for them

    def send(
        self,
        header: dict[str, Any],
        blobs: Sequence[bytes] = (),
        *,
        handles: Sequence[int] = (),
        deadline: float | None = None,
    ) -> None:
        """Send a message; `handles` are file descriptors that the other end gets copies of.

        Raises WireClosed, WireTimeout (then the connection is of no more use), and ValueError for a header that is
        no JSON or too large.
        """
        text = json.dumps(header, separators=(",", ":")).encode()
        size = sum(map(len, blobs))
        if len(text) > self.bounds.header_bytes or len(blobs) > self.bounds.blobs or size > self.bounds.blob_bytes:
            raise ValueError(f"{len(text):,} bytes and {len(blobs):,} blobs of {size:,} are too much for a message")
        lengths = struct.pack(f"!II{len(blobs)}Q", len(text), len(blobs), *map(len, blobs))
        view = memoryview(b"".join((lengths, text, *blobs)))
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles))] if handles else []
        try:
            while view:
                try:
                    sent = self.socket.sendmsg([view[: 1 << 20]], ancillary)
                except BlockingIOError:
                    if not wait_for([], [self.socket], deadline)[1]:
                        raise WireTimeout("nobody read a message before its deadline") from None
                else:
                    view, ancillary = view[sent:], []
        except OSError as error:
            raise WireClosed(f"the other end is gone: {error}") from None

    def receive(self, deadline: float | None = None) -> Message:
        """The next message. Raises WireTimeout, WireClosed, or WireError when it is none or too large."""
        while (message := self._take()) is None:
            if not wait_for([self.socket], [], deadline)[0]:
                raise WireTimeout("no message came before its deadline")
            self._read()
        return message

    def poll(self) -> Message | None:
        """A message that has arrived already, if there is one. Raises as `receive` does."""
        while (message := self._take()) is None and self._read():
            pass
        return message

    def handles(self, count: int | None = None) -> list[int]:
        """The first `count` file descriptors that have come, all without it; they are the caller's from now on.

        Those of the messages behind it may have come with a message: each takes its own.
        """
        count = len(self._handles) if count is None else count
        taken, self._handles = self._handles[:count], self._handles[count:]
        return taken

    def _read(self) -> bool:
        try:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(self.bounds.handles * 4))
        except BlockingIOError:
            return False
        except OSError as error:
            raise WireClosed(f"the other end is gone: {error}") from None
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                arrived = array.array("i")
                arrived.frombytes(content[: len(content) - len(content) % arrived.itemsize])
                self._handles += arrived
        if not data:
            raise WireClosed("the other end is gone")
        self._arrived += data
        return True

    def _take(self) -> Message | None:
        """Take one whole message off what has arrived."""
        arrived, bounds = self._arrived, self.bounds
        if len(arrived) < 8:
            return None
        header_size, count = struct.unpack_from("!II", arrived)
        if header_size > bounds.header_bytes or count > bounds.blobs:
            raise WireError(f"a header of {header_size:,} bytes and {count:,} blobs is too large")
        start = 8 + 8 * count
        if len(arrived) < start:
            return None
        sizes = struct.unpack_from(f"!{count}Q", arrived, 8)
        if sum(sizes) > bounds.blob_bytes:
            raise WireError(f"blobs of {sum(sizes):,} bytes are too large")
        if len(arrived) < start + header_size + sum(sizes):
            return None
        header = _parsed(bytes(arrived[start : start + header_size]), bounds.header_items)
        position, blobs = start + header_size, []
        for size in sizes:
            blobs.append(bytes(memoryview(arrived)[position : position + size]))
            position += size
        self._arrived = arrived[position:]
        return Message(header, tuple(blobs))


def _parsed(text: bytes, items: int) -> dict[str, Any]:
    if (count := sum(map(text.count, (b",", b"[", b"{")))) > items:
        raise WireError(f"a header of {count:,} items is too large")
    try:
        header = json.loads(text.decode())
        if b"\\ud" in text or b"\\uD" in text:  # half a pair of surrogates cannot be written to a file later
            json.dumps(header, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError too
        raise WireError(f"a header is no JSON: {type(error).__name__}") from None
    if not isinstance(header, dict):
        raise WireError(f"a header is a JSON object, not {type(header).__name__}")
    return header


def wait_for(reading: Sequence[Any], writing: Sequence[Any], deadline: float | None) -> tuple[list, list]:
    """Those that can be read, and those that can be written, as soon as there is one; none when the deadline passes."""
    poller = select.poll()
    for each in reading:
        poller.register(each, select.POLLIN)
    for each in writing:
        poller.register(each, select.POLLOUT)
    left = None if deadline is None else math.ceil(max(0.0, deadline - time.monotonic()) * 1000)
    ready = {handle for handle, _ in poller.poll(left)}
    return [each for each in reading if _number(each) in ready], [each for each in writing if _number(each) in ready]


def _number(each: Any) -> int:
    return each if isinstance(each, int) else each.fileno()
