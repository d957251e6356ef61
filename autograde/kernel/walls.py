"""Which walls stand on this machine, and how they are put up: around the warm server, and around each child of it.

The server lives inside bubblewrap, which shows it the system and Python, read-only, and nothing of the course. Each
child has namespaces of its own within that, and closes itself in with what else the kernel offers.
"""

from __future__ import annotations

import functools
import glob
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autograde.kernel import system
from autograde.kernel.limits import Limits

__all__ = ["ONE_THREAD", "Box", "Walls"]

PROBE_SECONDS = 30
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store", "/gnu/store")
ONE_THREAD = {  # each, as its library reads it
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
}
SETTINGS = ("ld.so.cache", "localtime", "alternatives", "fonts", "mime.types")  # of /etc


@dataclass(frozen=True)
class Box:
    """What the server is started with."""

    command: tuple[str, ...]  # in front of Python's own
    environment: dict[str, str]
    readable: tuple[str, ...]
    folder: str = ""  # to be removed afterwards

    def remove(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Walls:
    """Which walls stand. `Walls.found()` tries each of them; `Walls.none()` is to do without."""

    bubblewrap: bool = False
    namespaces: bool = False  # users, processes, mounts, network and shared memory of each child's own
    landlock: int = 0  # its version, 0 for none
    seccomp: bool = False
    rlimits: bool = False
    unprivileged: bool = False  # nobody is root inside
    problems: tuple[tuple[str, str], ...] = ()  # (wall, why it does not stand)

    @classmethod
    def none(cls) -> Walls:
        """No walls: children run as this user does."""
        return cls()

    @classmethod
    @functools.cache
    def found(cls) -> Walls:
        """The walls that stand on this machine; each is really put up and tried, once in a process."""
        if platform.system() != "Linux":
            return cls(problems=(("bubblewrap", f"it needs Linux, and this is {platform.system()}"),))
        return _probed()

    @property
    def rooms(self) -> bool:
        """Whether each child gets a room of its own."""
        return self.bubblewrap and self.namespaces

    @property
    def enough(self) -> bool:
        """Whether learners' code can be run without asking: it reaches no file, no network and nobody else."""
        return self.rooms and self.rlimits and self.unprivileged

    def lines(self) -> list[tuple[str, bool, str]]:
        """(name, whether it stands, a sentence) for each wall."""
        why = dict(self.problems)
        landlock = f"files, sockets and signals, once more (version {self.landlock})."
        stands = [
            ("bubblewrap", self.bubblewrap, "the system and Python, read-only; no course, no home, no network."),
            ("namespaces", self.namespaces, "for each submission its own users, processes, mounts and network."),
            ("Landlock", self.landlock > 0, landlock),
            ("seccomp", self.seccomp, "system calls that no lesson needs are refused."),
            ("limits", self.rlimits, "memory, processor time, processes and file sizes are bounded."),
            ("not root", self.unprivileged, "inside, nobody is root."),
        ]
        return [
            (name, is_there, sentence if is_there else f"missing: {why.get(name, 'it was not asked for')}.")
            for name, is_there, sentence in stands
        ]

    # ---- around the server

    def box(self, readable: Sequence[Path]) -> Box:
        """What to start the server with, so that it sees `readable`, Python, and little else."""
        environment = _environment()
        packages = [path for path in readable if (path / "__init__.py").is_file()]
        if self.rooms:
            sites = [path for path in _sites() if not _is_below(path, [sys.prefix, sys.base_prefix])]
            environment |= dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), "/scratch")
            environment["PYTHONPATH"] = ":".join(["/box", *sites])
            return Box(tuple(_bubblewrap(readable, packages)), environment, ("/",))
        folder = tempfile.mkdtemp(prefix="autograde-")
        for path, name in (*_library(), *((path, path.name) for path in packages)):
            place = Path(folder, "box", name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
        environment |= {"HOME": folder, "TMPDIR": folder, "PYTHONPATH": ":".join([f"{folder}/box", *_sites()])}
        if "MPLCONFIGDIR" in os.environ:
            environment["MPLCONFIGDIR"] = os.environ["MPLCONFIGDIR"]
        elif fonts := _font_lists():
            environment["MPLCONFIGDIR"] = str(Path(fonts[0]).parent)
        etc = [f"/etc/{name}" for name in SETTINGS]
        seen = [*SYSTEM, *etc, "/proc", sys.prefix, sys.base_prefix, *_sites(), folder, *map(str, readable)]
        seen += [str(path.resolve()) for path, _ in _library()]
        return Box((), environment, tuple(seen), folder)

    def settings(self, box: Box, *, practice: bool = False, prepare: Sequence[str] = ()) -> str:
        """The server's second argument. practice: whether it forks Jupyter kernels; prepare: what it calls at first."""
        place = {"readable": box.readable, "folder": box.folder}
        return json.dumps({"walls": asdict(self), **place, "practice": practice, "prepare": list(prepare)})

    # ---- around a child, by itself

    def close_in(self, limits: Limits, readable: Sequence[str], scratch: Path) -> None:
        """Put up the walls of one process, the calling one, for good. Raises OSError when one does not stand."""
        if self.landlock or self.seccomp:
            system.no_new_privileges()
        if self.landlock:
            devices = [f"/dev/{name}" for name in DEVICES]
            system.landlock(readable, [str(scratch), "/dev/shm", *devices])
        if self.rlimits:
            _set_limits(limits, processes=self.rooms and self.unprivileged)
        if self.seccomp:
            system.filter_system_calls()


def _set_limits(limits: Limits, *, processes: bool) -> None:
    grown = _own_memory()
    wanted = {
        "CORE": 0,
        "CPU": limits.cpu_seconds,
        "FSIZE": limits.file_bytes,
        "NOFILE": 512,
        "MSGQUEUE": 0,
        "DATA": grown["VmData"] + limits.memory_bytes,
        # room for what is reserved and never used: each thread reserves some
        "AS": grown["VmSize"] + limits.memory_bytes + (8 << 30),
    }
    if processes:  # counted in the child's own user namespace, where its warden is one more
        wanted["NPROC"] = limits.processes + 1
    for name, value in wanted.items():
        if (kind := getattr(resource, f"RLIMIT_{name}", None)) is not None:
            _, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard - (name == "CPU"))
            resource.setrlimit(kind, (value, value + (name == "CPU")))  # a second to end in by the softer signal


def _own_memory() -> dict[str, int]:
    """Bytes of address space, and of it the writable part, that this process has; Linux alone tells."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return {"VmData": 0, "VmSize": 64 << 30}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("VmData", "VmSize"))}


def _environment() -> dict[str, str]:
    """Everything that the server and its children get to see of the environment."""
    return {
        **ONE_THREAD,
        "PATH": ":".join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "TERM": "xterm-color",
        "USER": "learner",
        "LOGNAME": "learner",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",  # sets come in the same order each time
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }


def _library() -> Iterator[tuple[Path, str]]:
    """What of this package a child needs, and where: (path, name in the box). Nothing of it holds an answer."""
    here = Path(__file__).parent
    yield here / "stand_in.py", "autograde/__init__.py"
    yield here.parent / "observe.py", "autograde/observe.py"
    yield here, "autograde/kernel"


def _sites() -> list[str]:
    """The folders with installed packages, the user's own too."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and os.path.isdir(path)]


def _font_lists() -> list[str]:
    """matplotlib's lists of this machine's fonts, which take a second to make."""
    places = (
        os.environ.get("MPLCONFIGDIR"),
        os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "matplotlib"),
    )
    return [path for place in places if place for path in glob.glob(f"{glob.escape(place)}/fontlist-*.json")]


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _bubblewrap(readable: Sequence[Path], packages: Sequence[Path]) -> Iterator[str]:
    """The command line. Folders that lie above what is shown are made first: bubblewrap's own are for root alone."""
    options = list(_shown(readable, packages))
    places = [
        options[i + 2] for i, option in enumerate(options) if option in ("--ro-bind", "--symlink", "--ro-bind-try")
    ]
    above = {str(folder): None for place in places for folder in reversed(Path(place).parents[:-1])}
    yield from _around()
    for folder in above:
        yield from ("--dir", folder)
    yield from options


def _around() -> Iterator[str]:
    yield shutil.which("bwrap") or "bwrap"
    yield from ("--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--hostname", "box")
    if os.getuid() == 0:
        # no user namespace: whatever root's files are, its server can read them only through a mount that root makes
        yield from ("--cap-drop", "ALL")
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SYS_ADMIN"):  # which it gives up before it does anything
            yield from ("--cap-add", capability)
        yield from ("--dir", "/proc")
    else:
        yield from ("--unshare-user", "--proc", "/proc")
    yield from ("--dev", "/dev", "--remount-ro", "/dev")


def _shown(readable: Sequence[Path], packages: Sequence[Path]) -> Iterator[str]:
    bound: list[str] = []
    for path in SYSTEM:
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
            bound.append(path)
    for name in SETTINGS:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    home_of_python = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    for path in (sys.prefix, sys.base_prefix, home_of_python, *_sites()):
        if not _is_below(path, bound):
            yield from ("--ro-bind", path, path)
            bound.append(path)
    for path in _masked(bound):
        yield from ("--perms", "0555", "--tmpfs", path, "--remount-ro", path)
    for path in map(str, readable):
        yield from ("--ro-bind", path, path)
        bound.append(path)
    if not any(_is_below(path, ["/tmp"]) for path in bound):
        yield from ("--symlink", "/scratch", "/tmp")
    for path, name in _library():
        yield from ("--ro-bind", str(path), f"/box/{name}")
    for path in packages:
        yield from ("--symlink", str(path), f"/box/{path.name}")
    yield from ("--perms", "1777", "--tmpfs", "/scratch")
    for path in _font_lists():
        yield from ("--ro-bind", path, f"/scratch/{os.path.basename(path)}")
    yield from ("--remount-ro", "/")


def _masked(bound: Sequence[str]) -> Iterator[str]:
    """What lies in the visible folders and holds answers, or may: this package, and packages that are not in use."""
    here = Path(__file__).resolve().parents[2]  # the folder that this package lies in
    if _is_below(str(here), bound) and (here / "pyproject.toml").is_file():
        yield str(here)
    for site in _sites():
        if os.path.isdir(f"{site}/autograde"):
            yield f"{site}/autograde"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    unused = f"{sys.base_prefix}/lib/{version}/site-packages"
    if sys.prefix != sys.base_prefix and unused not in sys.path and os.path.isdir(unused):
        yield unused


def _probed() -> Walls:
    """Try everything in a process of its own, first inside bubblewrap, and without it when it does not stand."""
    if shutil.which("bwrap") is None:
        problem = ("bubblewrap", "it is not installed (Debian and Ubuntu: apt install bubblewrap)")
    else:
        walls = _tried(Walls(bubblewrap=True, namespaces=True))
        if walls.bubblewrap:
            return walls
        (problem,) = walls.problems
    walls = _tried(Walls.none())
    return replace(walls, problems=(problem, ("namespaces", "they are made inside bubblewrap"), *walls.problems))


def _tried(hoped: Walls) -> Walls:
    box = hoped.box(())
    try:
        tried = subprocess.run(
            [*box.command, sys.executable, "-m", "autograde.kernel.probe", hoped.settings(box)],
            env=box.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    else:
        said = tried.stderr.decode(errors="replace").strip()
        why = said.splitlines()[-1] if said else f"exit code {tried.returncode}"
        if tried.returncode == 0:
            found = json.loads(tried.stdout)
            return Walls(**{**found, "problems": tuple(map(tuple, found["problems"]))})
    finally:
        box.remove()
    return Walls(problems=(("bubblewrap" if hoped.bubblewrap else "limits", f"it did not start ({why[:200]})"),))
