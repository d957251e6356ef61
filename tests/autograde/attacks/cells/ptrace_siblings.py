"""Traces the processes above and beside it, as far as they belong to a test of this corpus, and reads their memory."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets the memory of process ...; gets traces process ...
# %% answer
import ctypes
import os
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def is_of_a_test(pid):
    """Only what a test of this corpus started carries this name in its environment. Process 1 never does."""
    try:
        return pid > 1 and b"AUTOGRADE_ATTACK_TEST=" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


SEIZE, DETACH = 0x4206, 17
for name in filter(str.isdecimal, os.listdir("/proc")):
    pid = int(name)
    if pid == os.getpid() or not is_of_a_test(pid):
        continue
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(int(maps.readline().split("-")[0], 16))
            if memory.read(4) == b"\x7fELF":
                print("LOOT: the memory of process", pid)
    except OSError as error:
        print(error)
    if libc.ptrace(SEIZE, pid, None, None) == 0:  # seizing does not stop it
        print("LOOT: traces process", pid)
        libc.ptrace(DETACH, pid, None, None)
        break
