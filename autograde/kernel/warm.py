"""The trusted handle on warm kernels: a server that has imported everything once, and a child of it per submission.

What a child says is never believed: its outputs are rebuilt, its answers are JSON and plain arrays, and every wait
for it has an end. Learner code runs in children only.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import cloudpickle
import numpy as np

from autograde.kernel.arrays import from_npy
from autograde.kernel.finished import cut_files
from autograde.kernel.limits import Ended, Limits, too_much_cpu
from autograde.kernel.outputs import Outputs
from autograde.kernel.walls import Box, Walls
from autograde.kernel.wire import Bounds, Message, Wire, WireClosed, WireError, WireTimeout, wait_for

__all__ = [
    "Child",
    "ChildDied",
    "ChildError",
    "ChildTimedOut",
    "Ran",
    "ServerEnded",
    "ServerFailed",
    "ServerProcess",
    "Unusable",
    "WarmServer",
]


class ChildError(Exception):
    """A child gave no answer. Its message is a sentence's end: "the kernel ..."."""


class ChildDied(ChildError):
    """The child is no more: `how` says why as far as it is known, "ended with signal SIGSEGV" for one."""

    def __init__(self, how: str, *, out_of_memory: bool = False):
        super().__init__(how)
        self.how = how
        self.out_of_memory = out_of_memory


class ChildTimedOut(ChildError):
    """The child did not answer in time. `alive`: it could be interrupted, and may be asked again."""

    def __init__(self, message: str, *, alive: bool):
        super().__init__(message)
        self.alive = alive


class Unusable(ChildError):
    """The child sent something that is no answer."""


class ServerFailed(Exception):
    """The warm server did not start, or could not fork: our failure, and none of a learner's."""


class ServerEnded(ServerFailed):
    """The warm server ended while a submission was running. The next fork starts another."""


@dataclass(frozen=True)
class Ran:
    """How a cell ended, and its outputs as nbformat 4 has them."""

    ended: Ended
    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None
    how: str = ""  # why there is no kernel any more, for DIED and NOT_REACHED
    out_of_memory: bool = False


class WarmServer:
    """A process that has imported torch, fastai and the rest, and forks children that start warm.

    A context manager; `fork` may be called from several threads. A server that has died is started anew by the next
    `fork`. It ends when it is closed, and with the process that made it, whichever way that ends.
    readable: what children may read beside Python and the system: files and folders, at the places where they are.
    A folder that is a package can be imported by its name. environment: more variables for the children.
    prepare: dotted names of functions that the server calls before it forks, so that children find done what they do.
    Raises ServerFailed where the system cannot fork.
    """

    def __init__(
        self,
        walls: Walls,
        *,
        readable: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        prepare: Sequence[str] = (),
    ):
        if not hasattr(os, "fork"):
            raise ServerFailed("Warm kernels need Linux or macOS. On Windows, use its Subsystem for Linux.")
        self.walls = walls
        self._readable = tuple(Path(each).absolute() for each in readable)
        self._environment = dict(environment or {})
        self._prepare = tuple(prepare)
        self._lock = threading.Lock()
        self._process: ServerProcess | None = self._start()

    def __enter__(self) -> WarmServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fork(
        self, limits: Limits = Limits(), *, seed: int = 0, locked: Sequence[str] = (), imports: Sequence[str] = ()
    ) -> Child:
        """A child in which nothing has run yet, seeded, in an empty scratch folder.

        imports: dotted names that its cells will import, so that the server does so once for all children.
        locked: dotted names of finished versions that raise FinishedVersion in it, wherever they are called from.
        Raises ServerFailed when there is none within `limits.startup_seconds`.
        """
        request = {
            "limits": {name: getattr(limits, name) for name in Limits.__dataclass_fields__},
            "seed": seed,
            "locked": list(locked),
            "imports": list(imports),
            "covered": cut_files(tuple(locked)) if self.walls.rooms else (),
        }
        deadline = time.monotonic() + limits.startup_seconds
        ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
        child = Child(Wire(ours[0]), Wire(ours[1], GUARD_BOUNDS), limits)
        with contextlib.ExitStack() as failing:
            failing.callback(child.close)
            with contextlib.ExitStack() as sent:
                for each in theirs:
                    sent.enter_context(each)
                process = self._send(request, [each.fileno() for each in theirs], deadline)
            try:
                child._wait_until_ready(deadline)
            except (ChildError, ServerFailed) as error:
                raise ServerFailed(f"No kernel started ({error}). {process.said()}".rstrip()) from None
            failing.pop_all()
        return child

    def _send(self, request: dict[str, Any], handles: list[int], deadline: float) -> ServerProcess:
        with self._lock:
            if self._process is None:
                raise ServerFailed("The warm server has been closed.")
            if not self._process.is_alive():
                self._restart()
            process = self._process
            try:
                process.control.send(request, handles=handles, deadline=deadline)
            except WireError as error:
                self._restart()
                raise ServerFailed(f"The warm server took no request: {error}. {process.said()}".rstrip()) from None
            return process

    def close(self) -> None:
        """End the server and all its children. May be called twice."""
        with self._lock:
            process, self._process = self._process, None
            if process:
                process.close()

    def _start(self) -> ServerProcess:
        box = self.walls.box(self._readable)
        box.environment.update(self._environment)
        return ServerProcess(box, self.walls, prepare=self._prepare)

    def _restart(self) -> None:
        assert self._process is not None
        self._process.close(kill=True)
        self._process = self._start()


class ServerProcess:
    """A running `autograde.kernel.server`, and the socket that requests go to. It ends when that is closed."""

    def __init__(self, box: Box, walls: Walls, *, practice: bool = False, prepare: Sequence[str] = ()):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._last_words = ""
        self._box = box
        ours, theirs = socket.socketpair()
        settings = walls.settings(box, practice=practice, prepare=prepare)
        command = (*box.command, sys.executable, "-m", "autograde.kernel.server", str(theirs.fileno()), settings)
        try:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                env=box.environment,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            self._log.close()
            box.remove()
            raise ServerFailed(f"The warm server did not start: {error}") from None
        finally:
            theirs.close()
        self.control = Wire(ours)

    @property
    def pid(self) -> int:
        """The process id, which is bubblewrap's where there is one."""
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """The last line that the server printed: where it failed, this says why."""
        return self._last_words if self._log.closed else _tail(self._log)

    def close(self, *, kill: bool = False) -> None:
        """End it with all its children; with `kill` without waiting for what it is doing. May be called twice."""
        if self._log.closed:
            return
        self.control.close()
        if kill:
            self._process.kill()
        try:
            self._process.wait(2)  # one that is still importing does not listen, and has no children yet
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._last_words = _tail(self._log)
        self._log.close()
        self._box.remove()


GUARD_BOUNDS = Bounds(header_bytes=1 << 16, blobs=0, blob_bytes=0)
LAST_WORDS_SECONDS = 30.0  # for a watcher to say how its child ended: on a busy machine 2 were too few


def _tail(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    lines = os.pread(file.fileno(), 4000, max(0, size - 4000)).decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


class Child:
    """One submission's kernel. A context manager: with `close` everything that the submission started is ended."""

    def __init__(self, talk: Wire, guard: Wire, limits: Limits):
        self._talk = talk  # to the kernel itself
        self._guard = guard  # to who watches over it: interrupts go there, and it tells how the kernel ended
        self._limits = limits
        self._number = 0
        self._interrupts = 0  # that have been asked for and not been sent yet
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._ends_at = math.inf  # until it is ready
        self._end: ChildDied | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether it can still run and answer, as far as is known."""
        return self._end is None

    def run(self, source: str, seconds: float) -> Ran:
        """Run a cell. A cell that takes longer is interrupted; one that does not give up then ends the child.

        Raises ServerEnded when the server has ended, which is no fault of the cell's.
        """
        if self._end:
            return Ran(Ended.NOT_REACHED, how=self._end.how, out_of_memory=self._end.out_of_memory)
        outputs = Outputs(self._limits, self._displays)
        try:
            done, timed_out = self._exchange({"run": source}, (), seconds, outputs)
        except ChildTimedOut:
            return Ran(Ended.TIMED_OUT, outputs.list)
        except ChildDied as error:
            return Ran(Ended.DIED, outputs.list, how=error.how, out_of_memory=error.out_of_memory)
        except Unusable as error:
            return Ran(Ended.DIED, outputs.list, how=str(error))
        failed = any(output["output_type"] == "error" for output in outputs.list)
        count = done.header.get("execution_count")
        count = count if type(count) is int and 0 <= count < 1 << 31 else None
        ended = Ended.TIMED_OUT if timed_out else Ended.ERROR if failed else Ended.OK
        return Ran(ended, outputs.list, count)

    def ask(
        self,
        expression: str,
        function: Callable[..., tuple[Any, list[np.ndarray]]],
        *arguments: Any,
        seconds: float,
        dumps: Callable[[Any], bytes] = cloudpickle.dumps,
    ) -> tuple[Any, list[np.ndarray]]:
        """What `function(value of the expression in the learner's namespace, *arguments)` gives there.

        The function returns JSON and a list of arrays. `({"raised": [type, message]}, [])` when it, or the expression,
        raises. What is printed meanwhile is dropped. dumps: how function and arguments are pickled for the child.
        Raises ChildDied, ChildTimedOut, or Unusable for an answer that is none; ServerEnded as `run` does.
        """
        if self._end:
            raise self._end
        done, timed_out = self._exchange({"ask": expression}, (dumps((function, arguments)),), seconds, None)
        if timed_out:
            raise ChildTimedOut("did not answer in time", alive=True)
        raised = done.header.get("raised")
        if isinstance(raised, list) and len(raised) == 2 and all(isinstance(each, str) for each in raised):
            return {"raised": [raised[0][:200], raised[1][:2000]]}, []
        if "answer" not in done.header:
            raise Unusable("sent an answer that is none")
        try:
            return done.header["answer"], [from_npy(blob) for blob in done.blobs]
        except ValueError as error:
            raise Unusable(f"sent an answer that is none: {error}") from None

    def close(self) -> None:
        """End the child with everything that it started. May be called twice."""
        if self._end is None:
            self._end = ChildDied("has been closed")
        if self._talk.fileno() < 0:
            return
        self._talk.close()
        with contextlib.suppress(WireError):
            self._guard.send({"end": True}, deadline=time.monotonic() + 1)
            while True:  # until its watcher is gone too, and with it the scratch folder
                self._guard.receive(time.monotonic() + 10)
        self._guard.close()

    def _wait_until_ready(self, deadline: float) -> None:
        while True:
            try:
                header = self._receive(deadline).header
                if "ready" in header:
                    self._ends_at = time.monotonic() + self._limits.submission_seconds
                    return
                if "failed" in header:
                    self._end = ChildDied(f"failed: {header['failed']}")
                    raise self._end
            except WireTimeout:
                raise ChildTimedOut("was not there in time", alive=False) from None
            except WireError:
                raise self._died() from None

    def _exchange(
        self, request: dict[str, Any], blobs: Sequence[bytes], seconds: float, outputs: Outputs | None
    ) -> tuple[Message, bool]:
        """(what the child says when it is done, whether it had to be interrupted)."""
        if time.monotonic() >= self._ends_at:
            self._end = ChildDied(f"took longer than the {self._limits.submission_seconds} seconds that it may in all")
            self.close()
            raise ChildTimedOut(self._end.how, alive=False)
        self._number += 1
        deadline = min(time.monotonic() + seconds, self._ends_at)
        interrupted = False
        try:
            self._talk.send({**request, "id": self._number}, blobs, deadline=deadline)
            while True:
                try:
                    if time.monotonic() > deadline + 1:  # a flood never leaves a moment in which no message comes
                        raise WireTimeout
                    message = self._receive(deadline)
                except WireTimeout:
                    if interrupted:
                        raise
                    interrupted = True
                    deadline = time.monotonic() + self._limits.interrupt_seconds
                    self._interrupts += 1
                    self._guard.send({"interrupt": True}, deadline=deadline)
                    continue
                if message.header.get("id") != self._number:
                    continue  # of an earlier request that was given up
                if message.header.get("done"):
                    if interrupted:
                        self._wait_until_interrupted(deadline)
                    return message, interrupted
                if outputs is not None:
                    outputs.take(message.header)
        except WireTimeout:
            self._end = ChildDied("could not be interrupted, and was ended")
            self.close()
            raise ChildTimedOut("did not answer in time and could not be interrupted", alive=False) from None
        except WireClosed:
            raise self._died() from None
        except WireError as error:
            self._end = ChildDied("sent something that is no message, and was ended")
            self.close()
            raise Unusable(f"sent something that is no message: {error}") from None

    def _wait_until_interrupted(self, deadline: float) -> None:
        """The interrupt has been sent by now, so that it cannot hit what runs next."""
        while self._interrupts:
            self._learn(self._guard.receive(deadline))
            if self._end:
                raise WireClosed(self._end.how)

    def _receive(self, deadline: float) -> Message:
        """The child's next message; WireClosed when its watcher says that it has ended."""
        while (message := self._talk.poll()) is None:
            ready, _ = wait_for([self._talk, self._guard], [], deadline)
            if not ready:
                raise WireTimeout("no message came before its deadline")
            if self._talk not in ready:
                self._learn(self._guard.poll())
                if self._end:
                    raise WireClosed(self._end.how)
        return message

    def _died(self) -> ChildDied:
        """The child is gone: how, if its watcher can tell."""
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        server_ended = False
        try:
            while self._end is None:
                self._learn(self._guard.receive(deadline))
        except WireTimeout:
            self._end = ChildDied("ended, and its watcher could not tell how")
        except WireError:  # the server itself is gone, or who would tell: no learner's code can do that
            server_ended = True
            self._end = ChildDied("ended with its server")
        self.close()
        if server_ended:
            raise ServerEnded("The warm server ended while a submission was running.")
        return self._end

    def _learn(self, message: Message | None) -> None:
        match message and message.header:
            case {"interrupted": True}:
                self._interrupts -= 1
            case {"stopped": str(why)}:
                self._end = ChildDied(f"was ended: {why}", out_of_memory="memory" in why)
            case {"failed": str(why)}:
                self._end = ChildDied(f"failed: {why}")
            case {"ended": int(code)} if code == -signal.SIGXCPU:
                self._end = ChildDied(f"was ended: {too_much_cpu(self._limits)}")
            case {"ended": int(code)} if code >= 0:
                self._end = ChildDied(f"ended with exit code {code}")
            case {"ended": int(code)}:
                self._end = ChildDied(f"ended with signal {_signal_name(-code)}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
