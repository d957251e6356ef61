"""A real JupyterHub on a machine of its own, run by the configuration in docs/deploy, with accounts for a class."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograde.course import Course
from autograde.kernel.walls import Walls
from collabkit.cache import CACHE_NAME, cache_file

from ..browser.conftest import chromium  # noqa: F401
from .machine import ROOT, SCRIPTS, Machine, plain

LESSON = "03_dot_product"
STUDENTS = ("ada", "ben", "carl", "dora")
INSTRUCTOR = "ines"
PASSWORDS = {name: f"{name}-0123456789" for name in (*STUDENTS, INSTRUCTOR, "olga")}  # olga takes another course
DEPLOY = ROOT / "docs" / "deploy"
PROXY = Path(sys.prefix, "proxy", "node_modules", ".bin", "configurable-http-proxy")
SHOTS = ROOT / "build" / "hub"
START_SECONDS = 120


@dataclass(frozen=True)
class Hub:
    machine: Machine
    address: str
    log: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def clone(self) -> str:
        return f"/home/{INSTRUCTOR}/collaborative-filtering"

    @property
    def course(self) -> Course:
        """The instructor's course, as root outside sees it."""
        root = self.machine.folder / "home" / INSTRUCTOR / "collaborative-filtering"
        return Course(root, root / "course")

    @property
    def exchange(self) -> Path:
        return self.machine.folder / "srv" / "exchange"

    def home(self, name: str) -> Path:
        return self.machine.folder / "home" / name


def missing() -> str:
    """Why there can be no hub here; nothing where there can be one."""
    if os.geteuid() != 0:
        return "a hub is root's: accounts are made, and servers run by them"
    for command in ("unshare", "nsenter", "runuser", "useradd", "prlimit", "node"):
        if shutil.which(command) is None:
            return f"there is no {command} here"
    if not PROXY.exists():
        return "the hub's proxy is not installed: make hub"
    if not Walls.found().enough:
        return f"walls are missing here, and formgrader grades behind them: {Walls.found().lines()}"
    return ""


@pytest.fixture(scope="session")
def machine(tmp_path_factory) -> Iterator[Machine]:
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: make hub")
    if why := missing():
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        try:
            needed = (Path(sys.prefix), Path(sys.base_prefix), ROOT, Path(shutil.which("node")).resolve().parents[1])
            machine = stack.enter_context(Machine(tmp_path_factory.mktemp("machine"), *needed))
        except OSError as error:
            pytest.skip(str(error))
        machine.done("root", "groupadd", "students")
        for name, password in PASSWORDS.items():
            machine.add_account(name, password, group="students" if name in STUDENTS else None)
        yield machine


@pytest.fixture(scope="session")
def hub(machine) -> Iterator[Hub]:
    """The hub is up, lesson 03 built in the instructor's clone; nobody is logged in."""
    ratings = machine.folder / "srv" / "ratings"
    ratings.mkdir()
    if cache_file().exists():  # without them the lessons use the planted world
        shutil.copy(cache_file(), ratings / CACHE_NAME)
    with running(machine, DEPLOY / "jupyterhub_config.py") as hub:
        lay_course(hub)
        yield hub


@contextlib.contextmanager
def running(machine: Machine, configuration: Path, *options: str, name: str = "hub") -> Iterator[Hub]:
    """A hub of the machine's by that configuration, until the block ends."""
    ports = free_ports(3)
    address = f"http://127.0.0.1:{ports[0]}"
    environment = {
        **plain(),
        "HUB_ADDRESS": address,
        "HUB_INSTRUCTOR": INSTRUCTOR,
        "HUB_EXCHANGE": "/srv/exchange",
        "HUB_RATINGS": "/srv/ratings",
        "HUB_STATE": f"/srv/{name}",
    }
    words = [
        *(sys.executable, "-m", "jupyterhub", "--config", configuration, *options),
        *(f"--JupyterHub.hub_port={ports[1]}", f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{ports[2]}"),
    ]
    log = machine.folder / f"{name}.log"
    with log.open("w") as said:
        process = subprocess.Popen(machine.words("root", *words), env=environment, stdout=said, stderr=said)
        try:
            wait_for(process, f"{address}/hub/health", log)
            yield Hub(machine, address, log, environment)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def lay_course(hub: Hub) -> None:
    """The instructor's clone, with lesson 03 alone."""
    clone = hub.course.root
    (clone / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / f"{LESSON}.py", clone / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", clone)
    hub.machine.done("root", "chown", "-R", f"{INSTRUCTOR}:{INSTRUCTOR}", hub.clone)
    hub.machine.done(INSTRUCTOR, "env", "-C", hub.clone, SCRIPTS / "autograde", "build")


def free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(process: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"no hub within {START_SECONDS} seconds: {log.read_text()[-3000:]}")
