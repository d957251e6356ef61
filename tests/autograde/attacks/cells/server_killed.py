"""Kills the warm server and the watcher: every process that it can see, as far as a test of this corpus started it."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import os
import signal
from pathlib import Path


def is_of_a_test(pid):
    """It, or who started it, carries this name in its environment. Process 1 never counts."""
    while pid > 1:
        try:
            if b"AUTOGRADE_ATTACK_TEST=" in Path(f"/proc/{pid}/environ").read_bytes():
                return True
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False


for path in Path("/proc").glob("[0-9]*/cmdline"):
    try:
        words = path.read_bytes()
    except OSError:
        continue
    pid = int(path.parent.name)
    if pid not in (1, os.getpid()) and b"autograde.kernel.server" in words and is_of_a_test(pid):
        print("LOOT: a signal to the server", pid, flush=True)
        os.kill(pid, signal.SIGKILL)
