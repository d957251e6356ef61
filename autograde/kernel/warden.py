"""Who watches over a submission: the first process of its namespaces, which ends it, and with itself everything.

Nothing heavy is imported here: wardens are forked from a small process, the nursery, because a fork of the warm
server costs ten times as much, and a submission needs one of that kind only, its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograde.kernel import system
from autograde.kernel.limits import Limits, too_much_cpu
from autograde.kernel.wire import WITH_HANDLES, Wire, WireError, wait_for

__all__ = ["NOBODY", "SCRATCH", "Nursery", "Room", "become_ordinary", "descendants", "watch"]

NOBODY = 65534  # who root becomes
SCRATCH = "/scratch"
SPACES = (  # in the order in which they are entered: with the first come the rights to enter the others
    ("user", system.NEW_USER),
    ("mnt", system.NEW_MOUNTS),
    ("ipc", system.NEW_IPC),
    ("net", system.NEW_NET),
    ("uts", system.NEW_UTS),
)
FIRST_CHILD = 2  # the number that a new process namespace gives next to its first process
LOOK_EVERY = 0.1  # seconds
LEAVE_WITHIN = 5  # seconds


def become_ordinary() -> None:
    """Within bubblewrap: be nobody instead of root, in a user namespace that allows to make more of them."""
    if os.getuid() == 0:
        # bubblewrap's own mount is partly covered when root makes it, and then no child could mount a fresh one
        system.mount("proc", "/proc", "proc", system.NO_SUID | system.NO_DEVICES | system.NO_EXEC)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        system.set_dumpable(True)  # or /proc/self would stay root's
    uid, gid = os.getuid(), os.getgid()
    system.unshare(system.NEW_USER)
    system.map_to_itself(uid, gid)


@dataclass
class Room:
    """The namespaces of one child, as file descriptors, with a warden in them."""

    spaces: list[int]
    processes: int

    def fork(self) -> int:
        """Fork a process into the room: 0 in there, the process id for the caller."""
        system.join(self.processes, system.NEW_PIDS)
        pid = os.fork()
        if pid == 0:
            for handle, (_, flag) in zip(self.spaces, SPACES, strict=True):
                system.join(handle, flag)
            system.drop_capabilities()
        return pid

    def close(self) -> None:
        for handle in (*self.spaces, self.processes):
            os.close(handle)


class Nursery:
    """A small process that makes rooms. Start it before anything heavy is imported."""

    def __init__(self, *inherited: Wire) -> None:
        """inherited: connections of this process that the nursery must not keep open."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            with last_words():
                for each in (ours, *inherited):
                    each.close()
                _make_rooms(Wire(theirs, WITH_HANDLES))
        theirs.close()
        self._wire = Wire(ours)

    def room(self, limits: dict[str, Any], inherited: int, covered: list[list[str]], guard: int) -> Room:
        """A room whose warden listens to the guard socket.

        inherited: bytes of memory that the child will share with the server; covered: (path, text that is to be found
        there instead). Raises OSError when the system refuses it.
        """
        ours, theirs = socket.socketpair()
        with contextlib.closing(Wire(ours, WITH_HANDLES)) as reply:
            request = {"limits": limits, "inherited": inherited, "covered": covered}
            self._wire.send(request, handles=[guard, theirs.fileno()])
            theirs.close()
            try:
                message = reply.receive(time.monotonic() + 30)
            except WireError as error:
                raise OSError(f"no warden came: {error}") from None
            handles = reply.handles()
        if "failed" in message.header or len(handles) != len(SPACES) + 1:
            for handle in handles:
                os.close(handle)
            raise OSError(message.header.get("failed", "a warden came without its namespaces"))
        return Room(handles[:-1], handles[-1])


@contextlib.contextmanager
def last_words() -> Iterator[None]:
    """A forked process never returns into its parent's code; what stopped it goes to the server's log."""
    try:
        yield
    except SystemExit:
        pass
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(0)


def _make_rooms(wire: Wire) -> None:
    system.die_with_parent(signal.SIGKILL)
    while True:
        request = wire.receive().header
        guard, reply = wire.handles()
        if (middle := os.fork()) == 0:
            with last_words():
                wire.socket.close()
                _make_room(request, socket.socket(fileno=guard), Wire(socket.socket(fileno=reply)))
        os.waitpid(middle, 0)
        os.close(guard)
        os.close(reply)


def _make_room(request: dict[str, Any], guard: socket.socket, reply: Wire) -> None:
    uid, gid = os.getuid(), os.getgid()
    try:
        system.unshare(system.NEW_PIDS | sum(flag for _, flag in SPACES))
        system.map_to_itself(uid, gid)
        if os.fork() != 0:
            return
        limits = Limits(**request["limits"])
        _furnish(limits, request["covered"])
        spaces = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name, _ in SPACES]
        processes = os.open("/proc/self/ns/pid", os.O_RDONLY)
        reply.send({"ready": True}, handles=[*spaces, processes])
    except OSError as error:
        reply.send({"failed": str(error)})
        return
    for handle in (*spaces, processes):
        os.close(handle)
    reply.close()
    system.set_dumpable(False)
    system.no_new_privileges()
    system.drop_capabilities()
    watch(Wire(guard), FIRST_CHILD, _Allowance(limits, request["inherited"]))
    deadline = time.monotonic() + LEAVE_WITHIN
    while _everyone() and time.monotonic() < deadline:  # the guard socket is closed when nobody is left
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # everything in here but this process
        _reaped(0)
        time.sleep(0.001)


def _furnish(limits: Limits, covered: list[list[str]]) -> None:
    """The mounts of one child: its own /proc, its scratch folder in memory, and files that others take the place of."""
    harmless = system.NO_SUID | system.NO_DEVICES
    system.mount("", "/", flags=system.RECURSIVE | system.PRIVATE)
    system.mount("proc", "/proc", "proc", harmless | system.NO_EXEC)
    entries = limits.scratch_bytes // 16384 + 1000
    system.mount("scratch", SCRATCH, "tmpfs", harmless, f"size={limits.scratch_bytes},nr_inodes={entries},mode=0700")
    home, shared, cover = (Path(SCRATCH, name) for name in ("home", "shared", "cover"))
    for folder in (home, shared, cover):
        folder.mkdir(0o700)
    nothing = cover / "nothing"
    nothing.touch()
    for number, (path, text) in enumerate((Path(path), text) for path, text in covered):
        if path.is_file():
            (cover / f"{number}").write_text(text, encoding="utf-8")
            _bind(cover / f"{number}", path, harmless | system.READ_ONLY)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):  # the same code once more
            _bind(nothing, compiled, harmless | system.READ_ONLY)
    _bind(shared, Path("/dev/shm"), harmless)
    _bind(home, Path(SCRATCH), harmless)


def _bind(source: Path, target: Path, flags: int) -> None:
    system.mount(str(source), str(target), flags=system.BIND)
    system.mount("", str(target), flags=system.REMOUNT | system.BIND | flags)


def watch(guard: Wire, main: int, allowance: _Allowance, *, is_parent: bool = False) -> None:
    """Obey the judge, count what is used, and return when it is over: asked for, used up, or `main` has ended.

    With `is_parent` this process is main's own parent: it says how main ended, and counts its own descendants. Without,
    it is the first of its namespace, and all other processes there are the submission's.
    """
    while True:
        ready, _ = wait_for([guard], [], time.monotonic() + LOOK_EVERY)
        try:
            message = guard.poll() if ready else None
            if message and "end" in message.header:
                return
            if message and "interrupt" in message.header:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(main, signal.SIGINT)
                guard.send({"interrupted": True})
            if (status := _reaped(main)) is not None and is_parent:
                guard.send({"ended": os.waitstatus_to_exitcode(status)})
                return
            if why := allowance.exceeded(descendants() if is_parent else _everyone()):
                guard.send({"stopped": why})
                return
        except WireError:  # the judge is gone, or tired of this child
            return


def _reaped(main: int) -> int | None:
    """Take leave of children that have ended; the status of `main`, if it is one of them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == main:
            found = status


def _everyone() -> list[int]:
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != own]


def descendants() -> list[int]:
    """The processes that this one has started, theirs too; only Linux can tell."""
    found, unseen = [], [os.getpid()]
    while unseen:
        pid = unseen.pop()
        for task in _lines(Path(f"/proc/{pid}/task"), os.listdir):
            children = [
                int(each) for line in _lines(Path(f"/proc/{pid}/task/{task}/children")) for each in line.split()
            ]
            found += children
            unseen += children
    return found


def _lines(path: Path, read: Callable[[Path], list[str]] = lambda path: path.read_text().splitlines()) -> list[str]:
    try:
        return read(path)
    except OSError:  # it has just ended
        return []


def anonymous_bytes(pid: int | str = "self") -> int:
    """The memory that a process has for itself and no file has; 0 where the system does not tell."""
    return _bytes(Path(f"/proc/{pid}/status"), ("RssAnon:", "RssShmem:"))


def _bytes(path: Path, names: tuple[str, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in _lines(path) if line.startswith(names))


@dataclass(frozen=True)
class _Allowance:
    """What the processes of a submission may use together. Memory that they share with the server is not theirs."""

    limits: Limits
    inherited: int

    def exceeded(self, pids: list[int]) -> str:
        """What has been used up, in words, "" as long as nothing is."""
        used, allowed = sum(map(anonymous_bytes, pids)), self.inherited + self.limits.memory_bytes
        if used > allowed:  # what several of them share has been counted for each of them
            shares = ("Pss_Anon:", "Pss_Shmem:")
            used = sum(_bytes(Path(f"/proc/{pid}/smaps_rollup"), shares) for pid in pids)
        if used > allowed:
            return f"it used more memory than the {self.limits.memory_bytes / 2**30:.3g} GB that it may"
        if _cpu_seconds(pids) > self.limits.cpu_seconds:
            return too_much_cpu(self.limits)
        if len(pids) > self.limits.processes:
            return f"it started more processes than the {self.limits.processes} that it may"
        return ""


def _cpu_seconds(pids: list[int]) -> float:
    ended, ticks = os.times(), 0
    for pid in pids:
        for line in _lines(Path(f"/proc/{pid}/stat")):
            ticks += sum(map(int, line.rpartition(")")[2].split()[11:15]))  # its own, and of children that ended
    return ticks / os.sysconf("SC_CLK_TCK") + ended.children_user + ended.children_system


def watch_without_walls(
    guard: Wire, talk: socket.socket, run: Callable[[], None], scratch: Path, limits: Limits
) -> None:
    """Fork the child, watch over it, and at its end end what it started, as far as this system lets us."""
    if sys.platform == "linux":
        system.adopt_orphans()
    main = os.fork()
    if main == 0:
        with last_words():
            guard.close()
            run()
    talk.close()
    watch(guard, main, _Allowance(limits, anonymous_bytes()), is_parent=True)
    for _ in range(100):
        left = descendants()
        for kill, pids in ((os.killpg, [main]), (os.kill, left)):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(pid, signal.SIGKILL)
        _reaped(main)
        if not left:
            break
        time.sleep(0.01)
    shutil.rmtree(scratch, ignore_errors=True)
