"""A Linux machine for one class, inside this one: accounts, homes and processes of its own, which end with the block.

It is made of mount and process namespaces, so the accounts are real ones (useradd, PAM, file permissions), and nothing
of them is left, whatever happens to the tests. The network is this machine's loopback.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent

# $1: a folder; the others: what everybody must be able to reach, though it may lie in a folder that is closed, or where
# this machine's own /home and /srv were. Paths into the folder are relative, since it may be covered up on the way.
MAKE = """
set -e
cd "$1"; shift
umask 022
mkdir etc home srv kept
cp -a /etc/. etc
n=0; for path in "$@"; do n=$((n+1)); mkdir "kept/$n"; mount --rbind "$path" "kept/$n"; done
for path in $CLOSED; do mount -t tmpfs -o mode=755 none "$path"; done
for name in etc home srv; do mount --bind "$name" "/$name"; done
n=0; for path in "$@"; do
  n=$((n+1)); [ -e "$path/" ] || { mkdir -p "$path"; mount --rbind "kept/$n" "$path"; }
done
echo ready
exec cat > /dev/null  # until whoever started it is gone: then everything in here ends
"""


class Machine:
    """Start it with `with`. `root` is its file system, as root outside sees it."""

    def __init__(self, folder: Path, *needed: Path) -> None:
        self.folder = folder
        self.needed = [path for path in needed if path.exists()]

    def __enter__(self) -> Machine:
        namespaces = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        self._process = subprocess.Popen(
            [*namespaces, "sh", "-c", MAKE, "machine", str(self.folder), *map(str, self.needed)],
            env={"PATH": os.environ["PATH"], "CLOSED": " ".join(sorted(map(str, closed(self.needed))))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout.readline() != "ready\n":
            _, said = self._process.communicate(timeout=30)
            raise OSError(f"no namespaces for a machine here: {said.strip()}")
        pid = self._process.pid
        self._first = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        self.root = Path(f"/proc/{self._first}/root")
        return self

    def __exit__(self, *_) -> None:
        self._process.communicate(timeout=60)  # its first process reads on to the end, and with it all others end

    def words(self, user: str, *words: str | Path) -> list[str]:
        """The command that runs `words` on the machine, as that user."""
        enter = ["nsenter", "--target", str(self._first), "--mount", "--pid", "--wd=/"]
        become = [] if user == "root" else ["runuser", "-u", user, "--"]
        return [*enter, *become, *map(str, words)]

    def run(
        self, user: str, *words: str | Path, stdin: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as that user, with nothing of this process's environment, and return what it did."""
        return subprocess.run(
            self.words(user, *words),
            input=stdin,
            capture_output=True,
            text=True,
            env=environment or plain(),
            timeout=300,
        )

    def done(self, user: str, *words: str | Path, stdin: str = "", environment: dict[str, str] | None = None) -> str:
        """Run a command and return what it prints. AssertionError with what it said if it fails."""
        done = self.run(user, *words, stdin=stdin, environment=environment)
        assert done.returncode == 0, f"{user}: {' '.join(map(str, words))}: {(done.stderr or done.stdout)[-3000:]}"
        return done.stdout

    def add_account(self, name: str, password: str, group: str | None = None) -> None:
        groups = [] if group is None else ["--groups", group]
        self.done("root", "useradd", "--no-log-init", "--create-home", "--shell", "/bin/bash", *groups, name)
        self.done("root", "chpasswd", stdin=f"{name}:{password}\n")

    def processes(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(path.name) for path in (self.root / "proc").iterdir() if path.name.isdigit()]
        return []


def plain() -> dict[str, str]:
    """What a command runs with: this installation, and the code under test before any that is installed."""
    folders = dict.fromkeys(
        map(str, [SCRIPTS, *(Path(found).parent for found in map(shutil.which, ["node"]) if found)])
    )
    path = os.pathsep.join([*folders, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
    return {"PATH": path, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}


def closed(needed: Iterable[Path]) -> set[Path]:
    """The outermost folders on the way to what is needed that are not open to everybody."""
    found = set()
    for path in needed:
        shut = [each for each in (*reversed(path.parents), path) if not each.stat().st_mode & 0o001]
        found.update(shut[:1])
    return found - set(needed)
