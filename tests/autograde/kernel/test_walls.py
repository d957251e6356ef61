"""What a child behind walls cannot do. Each attempt is bounded, so that it harms nothing where a wall fails."""

import dataclasses
import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograde.kernel import walls as module
from autograde.kernel.limits import Ended
from autograde.kernel.walls import Walls

from .children import SMALL, shown, value_of

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="walls need Linux")


def refused(child, source, *errors):
    """Run a cell that is to be refused with one of these errors."""
    ran = child.run(source, 20)
    names = [output["ename"] for output in ran.outputs if output["output_type"] == "error"]
    assert names, (source, ran.ended, ran.how, shown(ran))
    assert names[-1] in errors


# ---- files


def test_nothing_of_the_course_is_visible(prisoner, root, tmp_path):
    (tmp_path / "gradebook.db").write_text("marks")
    places = [
        str(tmp_path),
        str(root / "solutions"),
        str(root / "autograde" / "exercises"),
        "/etc/passwd",
        "/etc/shadow",
    ]
    places += [os.path.expanduser("~/.bashrc"), "/home", "/var", "/sys", "/run", "/boot"]
    assert value_of(prisoner, f"import os\n[place for place in {places} if os.path.exists(place)]") == "[]"


def test_the_system_is_read_only(prisoner):
    for place in (
        "/box/autograde/observe.py",
        f"{sys.prefix}/x",
        "/usr/x",
        "/x",
        "/dev/x",
        "/etc/x",
        "/box/x",
        "/proc/self/comm",
    ):
        refused(prisoner, f"open({place!r}, 'w')", "PermissionError", "OSError", "FileNotFoundError")
    refused(prisoner, "import os\nos.chmod('/box', 0o777)", "PermissionError", "OSError")


def test_the_scratch_folder_is_writable_and_bounded(prisoner):
    assert (
        value_of(prisoner, "import os\nopen('x', 'w').write('abc')\nos.listdir(), os.getcwd()") == "(['x'], '/scratch')"
    )
    refused(prisoner, "open('large', 'wb').write(bytes(17 << 20))", "OSError")
    refused(prisoner, "for i in range(5): open(f'part{i}', 'wb').write(bytes(10 << 20))", "OSError")
    refused(prisoner, "for i in range(20_000): open(f'small{i}', 'w').close()", "OSError")
    refused(prisoner, "open('/dev/shm/large', 'wb').write(bytes(17 << 20))", "OSError")


def test_links_lead_nowhere(prisoner, tmp_path):
    (tmp_path / "secret").write_text("secret")
    refused(prisoner, f"import os\nos.symlink({str(tmp_path)!r}, 'out')\nopen('out/secret')", "FileNotFoundError")
    refused(prisoner, "os.link('/box/autograde/observe.py', 'observe.py')", "PermissionError", "OSError")
    refused(prisoner, "os.chroot('.')", "PermissionError")


# ---- network and others


def test_no_network_of_any_kind(prisoner):
    for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        refused(
            prisoner, f"import socket\nsocket.socket(socket.{family}, socket.SOCK_DGRAM)", "PermissionError", "OSError"
        )
    refused(prisoner, "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')", "URLError")
    assert value_of(prisoner, "import os\nos.listdir('/sys') if os.path.exists('/sys') else []") == "[]"
    assert value_of(prisoner, "a, b = socket.socketpair()\na.send(b'x'); b.recv(1)") == "b'x'"


def test_nobody_else_is_visible(walled):
    with walled.fork(SMALL, seed=1) as one, walled.fork(SMALL, seed=2) as other:
        seen = "import os\nsorted(int(name) for name in os.listdir('/proc') if name.isdecimal()), os.getpid()"
        for child in (one, other):
            assert value_of(child, seen) == "([1, 2], 2)"
        one.run("open('mine', 'w').close()", 10)
        assert value_of(other, "import os\nos.listdir('.'), os.listdir('/dev/shm')") == "([], [])"


def test_the_warden_cannot_be_touched(prisoner):
    for attempt in (
        "open('/proc/1/mem', 'rb').read(1)",
        "open('/proc/1/environ', 'rb').read(1)",
        "os.listdir('/proc/1/fd')",
    ):
        refused(prisoner, f"import os\n{attempt}", "PermissionError")
    source = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.ptrace(16, 1, 0, 0), ctypes.get_errno()"
    assert value_of(prisoner, source) == "(-1, 1)"
    prisoner.run(
        "import os, signal\nfor each in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL): os.kill(1, each)", 10
    )
    assert value_of(prisoner, "'still here'") == "'still here'"
    assert prisoner.run("while True: pass", 0.2).ended is Ended.TIMED_OUT
    assert value_of(prisoner, "'still here'") == "'still here'"


def test_nobody_is_root_and_nobody_becomes_it(prisoner):
    assert value_of(prisoner, "import os\n0 in (os.getuid(), os.geteuid(), os.getgid())") == "False"
    status = "[line for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNewPrivs', 'Seccomp:'))]"
    words = value_of(prisoner, f"sorted({{line.split()[1] for line in {status}}})")
    assert words == "['0000000000000000', '1', '2']"
    for attempt in ("os.setuid(0)", "os.setgroups([])", "os.nice(-5)", "os.mknod('x', 0o60600, 1)"):
        refused(prisoner, f"import os\n{attempt}", "PermissionError", "OSError")


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",
        "mount(b'x', b'/scratch', b'tmpfs', 0, None)",
        "umount2(b'/scratch', 2)",
        "setns(0, 0)",
        "memfd_create(b'x', 0)",
        "shmget(0, 4096, 0o1600)",
        "syscall(425, 1, 0)",
        "syscall(435, 0, 0)",
        "syscall(321, 0, 0, 0)",
    ],
)
def test_system_calls_that_no_lesson_needs(prisoner, call):
    if not prisoner.run("", 1) or not Walls.found().seccomp:
        pytest.skip("no filter of system calls is written for this machine")
    source = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.{call}, ctypes.get_errno() in (1, 38)"
    assert value_of(prisoner, source) == "(-1, True)"


# ---- bombs


def test_a_fork_bomb_fills_its_own_room_only(prisoner):
    source = (
        "import os, time\nstarted = 0\ntry:\n    for _ in range(60):\n"
        "        if os.fork() == 0:\n            time.sleep(60); os._exit(0)\n        started += 1\n"
        "except BlockingIOError: pass\nstarted"
    )
    assert int(value_of(prisoner, source)) < SMALL.processes
    refused(prisoner, "import threading\nthreading.Thread(target=print).start()", "RuntimeError")


def test_too_much_memory_is_an_error(prisoner):
    refused(prisoner, "x = bytearray(2 << 30)", "MemoryError")
    refused(prisoner, "import numpy\nx = numpy.ones(1 << 28)", "MemoryError", "_ArrayMemoryError")
    refused(prisoner, "import torch\nx = torch.ones(1 << 29)", "RuntimeError")
    assert value_of(prisoner, "len(bytearray(100 << 20))") == str(100 << 20)


def test_too_much_memory_in_many_processes_ends_the_child(prisoner):
    source = (
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (300 << 20)\n"
        "        time.sleep(60); os._exit(0)\ntime.sleep(30)"
    )
    ran = prisoner.run(source, 30)
    assert ran.ended is Ended.DIED
    assert ran.out_of_memory
    assert "more memory than the 1 GB" in ran.how


def test_shared_memory_counts_too(prisoner):
    source = (
        "import mmap, time\nkept = []\nfor _ in range(6):\n    kept.append(mmap.mmap(-1, 300 << 20))\n"
        "    for i in range(0, 300 << 20, 4096): kept[-1][i] = 1\ntime.sleep(30)"
    )
    ran = prisoner.run(source, 60)
    assert ran.ended is Ended.DIED
    assert ran.out_of_memory


def test_memory_that_forks_share_counts_once(prisoner):
    source = (
        "import os, time\nx = bytearray(b'x') * (300 << 20)\npids = []\nfor _ in range(8):\n    pid = os.fork()\n"
        "    if pid == 0:\n        time.sleep(1); os._exit(0)\n    pids.append(pid)\n"
        "[os.waitpid(pid, 0)[1] for pid in pids]"
    )
    assert value_of(prisoner, source, 20) == str([0] * 8)


def test_processor_time_is_bounded_over_all_processes(walled):
    limits = dataclasses.replace(SMALL, cpu_seconds=1, processes=20)
    with walled.fork(limits, seed=1) as child:
        source = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        while True: pass\ntime.sleep(30)"
        ran = child.run(source, 30)
        assert ran.ended is Ended.DIED
        assert "processor time" in ran.how


def test_processor_time_of_one_process(walled):
    with walled.fork(dataclasses.replace(SMALL, cpu_seconds=1), seed=1) as child:
        ran = child.run("while True: pass", 30)
        assert ran.ended is Ended.DIED
        assert "processor time" in ran.how or "SIGXCPU" in ran.how


# ---- afterwards


def test_nothing_survives_a_submission(walled):
    with walled.fork(SMALL, seed=1) as child:
        source = (
            "import os, subprocess, threading, time\n"
            "for _ in range(3):\n    subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
            "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)\n"
            "threading.Thread(target=time.sleep, args=(600,)).start()\n"
            "os.readlink('/proc/self/ns/pid')"
        )
        space = value_of(child, source).strip("'")
        assert len(members(space)) >= 5
    deadline = time.monotonic() + 5  # the warden, who saw all others out, may still be on its way
    while members(space) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert members(space) == []


def members(space):
    """The processes of a process namespace, as far as this user may look."""
    found = []
    for each in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            if os.readlink(each) == space:
                found.append(each)
        except OSError:
            continue
    return found


def test_one_hostile_child_harms_no_other(walled):
    with walled.fork(SMALL, seed=1) as victim:
        victim.run("kept = 5", 10)
        with walled.fork(SMALL, seed=1) as hostile:
            hostile.run("import os, signal\nos.kill(-1, signal.SIGKILL)", 10)
        assert value_of(victim, "kept") == "5"
    with walled.fork(SMALL, seed=1) as after:
        assert value_of(after, "1") == "1"


# ---- which walls stand


@LINUX
def test_the_walls_are_found_and_described():
    walls = Walls.found()
    assert walls is Walls.found()
    lines = walls.lines()
    assert [name for name, _, _ in lines] == ["bubblewrap", "namespaces", "Landlock", "seccomp", "limits", "not root"]
    assert all(sentence.endswith(".") for _, _, sentence in lines)
    if shutil.which("bwrap") and walls.bubblewrap:
        assert walls.enough == (walls.namespaces and walls.rlimits and walls.unprivileged)


def test_without_walls_nothing_is_claimed():
    walls = Walls.none()
    assert not walls.enough
    assert {(stands, sentence) for _, stands, sentence in walls.lines()} == {(False, "missing: it was not asked for.")}


@LINUX
def test_without_bubblewrap_the_other_walls_are_still_tried(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    walls = module._probed()
    assert not walls.enough
    assert walls.rlimits
    assert walls.unprivileged == (os.getuid() != 0)
    (sentence,) = [sentence for name, _, sentence in walls.lines() if name == "bubblewrap"]
    assert "apt install bubblewrap" in sentence


@LINUX
def test_a_bubblewrap_that_does_not_start_is_no_wall(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    walls = module._probed()
    assert not walls.enough
    assert "No permissions to create new namespace" in dict(walls.problems)["bubblewrap"]


@LINUX
def test_elsewhere_there_are_no_walls(monkeypatch):
    monkeypatch.setattr(module.platform, "system", lambda: "Darwin")
    walls = Walls.found.__wrapped__(Walls)
    assert not walls.enough
    assert "it needs Linux" in walls.lines()[0][2]


def test_what_holds_answers_is_masked_where_it_is_installed(monkeypatch, tmp_path, root):
    """An installed copy of this package, and packages of the Python below a virtual environment."""
    site = tmp_path / "prefix" / "lib" / "site-packages"
    (site / "autograde").mkdir(parents=True)
    base = tmp_path / "base"
    unused = base / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    unused.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(sys, "base_prefix", str(base))
    command = Walls(bubblewrap=True, namespaces=True).box(()).command
    masked = [after for option, after in itertools.pairwise(command) if option == "--tmpfs"]
    assert {str(site / "autograde"), str(unused)} <= set(masked)
    assert all(command.index(place) < command.index("/box/autograde/kernel") for place in masked[:-1])
    monkeypatch.setattr(sys, "prefix", str(root))
    command = Walls(bubblewrap=True, namespaces=True).box([root / "collabkit"]).command
    assert str(root) in [after for option, after in itertools.pairwise(command) if option == "--tmpfs"]
    shown = [place for option, place in itertools.pairwise(command) if option == "--ro-bind"]
    assert shown.index(str(root)) < shown.index(str(root / "collabkit"))


ORDINARY = """
import sys
from autograde.kernel.walls import Walls
from autograde.kernel.warm import WarmServer
walls = Walls.found()
assert walls.enough, walls
with WarmServer(walls) as server, server.fork() as child:
    ran = child.run("import os; os.getpid(), os.listdir('/proc') == ['1'], os.path.exists('/etc/passwd')", 60)
    print(ran.outputs[-1]["data"]["text/plain"], child.run("while True: pass", 0.2).ended)
"""


@LINUX
def test_an_ordinary_user_has_the_same_walls(root):
    """As root: in a mount namespace of the test's own, where nobody may read what Python consists of."""
    if os.getuid() != 0:
        pytest.skip("the other tests of this file run as an ordinary user already")
    if not Walls.found().enough or not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("walls, unshare or setpriv are missing")
    homes = [path for path in (sys.prefix, sys.base_prefix, str(root)) if not _may_nobody_read(path)]
    steps = ["set -e", "mkdir /tmp/kept-$$ && cd /tmp/kept-$$"]
    for number, path in enumerate(homes):
        steps += [f"mkdir {number}", f"mount --bind {path} {number}"]
    tops = sorted({"/" + Path(path).parts[1] for path in homes})
    steps += [f"mount -t tmpfs -o mode=755 none {top}" for top in tops if top != "/tmp"]
    for number, path in enumerate(homes):
        steps += [f"mkdir -p {path}", f"mount --move {number} {path}"]
    steps += ["cd /", 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"']
    tried = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join(steps), "sh", sys.executable, "-c", ORDINARY],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "HOME": "/nonexistent"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert tried.stdout.strip() == "(2, False, False) timed out", tried.stderr[-2000:]


def _may_nobody_read(path):
    return all(each.stat().st_mode & 0o005 == 0o005 for each in (Path(path), *Path(path).parents))


def test_the_server_ends_with_its_owner(root):
    source = (
        "import os, sys, time\nfrom autograde.kernel.walls import Walls\nfrom autograde.kernel.warm import WarmServer\n"
        "server = WarmServer(getattr(Walls, sys.argv[1])())\nchild = server.fork()\n"
        "print(server._process.pid, flush=True)\ntime.sleep(600)"
    )
    for kind in ("found", "none"):
        owner = subprocess.Popen([sys.executable, "-c", source, kind], stdout=subprocess.PIPE, text=True, cwd=root)
        pid = int(owner.stdout.readline())
        below = _tree(pid)
        assert len(below) >= 2
        owner.kill()
        owner.wait()
        owner.stdout.close()
        deadline = time.monotonic() + 20
        while any(_lives(each) for each in (pid, *below)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(_lives(each) for each in (pid, *below))


def _tree(pid):
    children = [int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()]
    return children + [below for each in children for below in _tree(each)]


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
