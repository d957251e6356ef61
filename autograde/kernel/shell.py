"""IPython in a child: cells run as in a Jupyter kernel, and what they put out goes over the wire as it comes."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from ipykernel import zmqshell
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from traitlets import Type
from traitlets.config import Config

from autograde.kernel.limits import Limits
from autograde.kernel.wire import Wire

__all__ = ["Outlet", "ZMQInteractiveShell", "new_shell"]

SEND_EVERY = 0.1  # seconds that printed text may wait for more of it
SEND_FROM = 8192  # characters that do not wait


class Outlet:
    """Where everything that a cell shows goes: in order, no more than the limits allow, and never half a message."""

    def __init__(self, wire: Wire, limits: Limits):
        self._pid = os.getpid()
        self.wire = wire
        self.limits = limits
        self.files = {name: tempfile.TemporaryFile("a+b", 0) for name in ("stdout", "stderr")}  # noqa: SIM115
        for file in self.files.values():  # they are emptied now and then, and writing goes on at the new end
            fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
        self._lock = threading.RLock()
        self._number: int | None = None  # of the request that is being served
        self._is_muted = False
        self._is_sending = False
        self._is_interrupted = False
        self._waiting: list[str] = []  # printed, and not sent yet
        self._waiting_name = "stdout"
        self._begin()

    def _begin(self) -> None:
        self._characters = self.limits.output_characters
        self._rich = self.limits.rich_bytes
        self._outputs = 0
        self._sent_at = 0.0

    @contextlib.contextmanager
    def serving(self, number: int, *, muted: bool = False) -> Iterator[None]:
        """Between requests nothing is sent, and an interrupt that comes late interrupts nobody."""
        with self._lock:
            self._begin()
            self._number, self._is_muted, self._is_interrupted = number, muted, False
        signal.signal(signal.SIGINT, self._interrupt)  # whatever an earlier cell has made of it
        self._descriptors_to(None if muted else self.files)
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """Send what is left of a request, and wait for the next."""
        with self._shielded():
            self._hear()
            self._flush()
            self._number, self._is_muted = None, False
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: Any) -> None:
        if self._number is None:
            return
        if self._is_sending:
            self._is_interrupted = True  # half a message would be the end of all messages
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _shielded(self) -> Iterator[None]:
        is_main = threading.current_thread() is threading.main_thread()  # the only one that an interrupt hits
        with self._lock:
            outermost = is_main and not self._is_sending
            self._is_sending |= is_main
            try:
                yield
            finally:
                if outermost:
                    self._is_sending = False
        if outermost and self._is_interrupted:
            self._is_interrupted = False
            if self._number is not None:
                raise KeyboardInterrupt

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a process that a cell has forked: it must not speak for the child."""
        return os.getpid() != self._pid

    @staticmethod
    def _descriptors_to(files: dict[str, Any] | None) -> None:
        """Text that is written past Python goes to files, which are read whenever there is something else to say."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(files[name].fileno() if files else nowhere, descriptor)
        if nowhere > 2:  # or a cell has closed one of them
            os.close(nowhere)

    def write(self, name: str, text: str) -> None:
        """Print text; what goes beyond the limit is dropped."""
        if self.is_elsewhere:
            os.write(1 if name == "stdout" else 2, text.encode(errors="replace"))  # which the child hears
            return
        with self._shielded():
            if self._is_muted or not text:
                return
            self._hear()
            self._print(name, text)

    def flush(self) -> None:
        """Send what has been printed so far."""
        with self._shielded():
            self._hear()
            self._flush()

    def show(self, output: dict[str, Any], name: str = "", *, update: bool = False) -> None:
        """Send an output that is no printed text; `name` is what a later update of it calls it."""
        with self._shielded():
            size = len(repr(output))
            if self._is_muted or size > self._rich or (self._outputs >= self.limits.outputs and not update):
                return
            if not update:
                self._outputs += 1
                self._rich -= size
            self._hear()
            self._flush()
            self._send({"update" if update else "output": output, "display_id": name})

    def clear(self, wait: bool) -> None:
        """Take back what the cell has shown."""
        with self._shielded():
            if not self._is_muted:
                self._hear()
                self._flush()
                self._begin()
                self._send({"clear": wait})

    def reply(self, header: dict[str, Any], blobs: tuple[bytes, ...], number: int) -> None:
        """Send the answer to a request, outside of its serving. Raises ValueError or TypeError when it is no JSON."""
        with self._shielded():
            self.wire.send({**header, "done": True, "id": number}, blobs)

    def _hear(self) -> None:
        """What was written past Python since the last look, in the place where it belongs."""
        if self.is_elsewhere:
            return
        for name, file in self.files.items():
            with contextlib.suppress(OSError):
                size = os.fstat(file.fileno()).st_size
                if size == 0:
                    continue
                data = b"" if self._is_muted else os.pread(file.fileno(), min(size, 4 * self._characters), 0)
                os.ftruncate(file.fileno(), 0)
                if data:
                    self._print(name, data.decode(errors="replace"))

    def _print(self, name: str, text: str) -> None:
        if self._waiting and name != self._waiting_name:
            self._flush()
        text = text[: self._characters]
        self._characters -= len(text)
        if not text:
            return
        self._waiting_name = name
        self._waiting.append(text)
        if len(text) > SEND_FROM or time.monotonic() - self._sent_at > SEND_EVERY:
            self._flush()

    def _flush(self) -> None:
        if self._waiting and self._number is not None:
            text, self._waiting = "".join(self._waiting), []
            self._send({"output": {"output_type": "stream", "name": self._waiting_name, "text": _clean(text)}})

    def _send(self, header: dict[str, Any]) -> None:
        if self._number is not None and not self.is_elsewhere:
            self._sent_at = time.monotonic()
            self.wire.send({**header, "id": self._number})


def _clean(text: str) -> str:
    """Half a pair of surrogates is in no encoding, so it could be written to no notebook."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _plain_bundle(data: Any) -> dict[str, Any]:
    """A bundle of representations as JSON."""
    return {_clean(str(mime)): _plain(value) for mime, value in dict(data).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return json.loads(json.dumps(value, default=repr, ensure_ascii=False).encode(errors="replace"))


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a child."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, outlet: Outlet, name: str, descriptor: int):
        super().__init__()
        self._outlet = outlet
        self.name = f"<{name}>"
        self._name = name
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outlet.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._outlet.flush()

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Somebody closes it with every other file: it stays open."""


class _DisplayHook(DisplayHook):
    """Shows the value of a cell's last line."""

    def write_output_prompt(self) -> None:
        self._output = {"output_type": "execute_result", "execution_count": self.prompt_count}

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        self._output |= {"data": _plain_bundle(format_dict), "metadata": _plain_bundle(md_dict or {})}

    def finish_displayhook(self) -> None:
        self.shell.outlet.show(self._output)


class _DisplayPublisher(DisplayPublisher):
    """Shows what `display` is given."""

    def publish(
        self, data: dict, metadata: dict | None = None, *, transient: Any = None, update: bool = False, **_: Any
    ) -> None:
        self._validate_data(data, metadata)
        output = {"output_type": "display_data", "data": _plain_bundle(data), "metadata": _plain_bundle(metadata or {})}
        name = _clean(str((transient or {}).get("display_id") or ""))
        self.shell.outlet.show(output, name, update=update)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outlet.clear(wait)


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """ipykernel's shell without its kernel. Libraries know a notebook by the name of the class."""

    displayhook_class = Type(_DisplayHook)
    display_pub_class = Type(_DisplayPublisher)
    outlet: Any = None

    def connect(self, outlet: Outlet) -> None:
        """Have everything go there from now on."""
        self.outlet = outlet
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            setattr(sys, name, Stream(outlet, name, descriptor))
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        self.builtin_trap.auto_builtins["input"] = _no_input

    def init_io(self) -> None:
        """`connect` does it."""

    def enable_gui(self, gui: Any = None) -> None:
        """There are no windows."""

    def ask_exit(self) -> None:
        """A notebook's cells go on after exit()."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        try:
            text = str(evalue)
        except BaseException:  # a learner's exception may fail to describe itself
            text = ""
        output = {
            "output_type": "error",
            "ename": _clean(str(getattr(etype, "__name__", etype))),
            "evalue": _clean(text),
            "traceback": [_clean(line) for line in stb],
        }
        self.outlet.show(output)
        self._last_traceback = stb


def _no_input(prompt: str = "") -> str:
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


def new_shell() -> ZMQInteractiveShell:
    """The shell, before anything is imported that asks whether this is a notebook. It writes nothing to disk."""
    config = Config()
    config.HistoryManager.enabled = False
    return ZMQInteractiveShell.instance(config=config)
