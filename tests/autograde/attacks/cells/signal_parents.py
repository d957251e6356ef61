"""Kills the processes above it, as far as they belong to a test of this corpus: whoever started the kernel."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; nbgrader was ended by signal 9; the honest notebook was not graded
# %% answer
import os
import signal


def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def is_of_a_test(pid):
    """Only what a test of this corpus started carries this name in its environment. Process 1 never does."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return pid > 1 and b"AUTOGRADE_ATTACK_TEST=" in file.read()
    except OSError:
        return False


pid = os.getppid()
above = []
while pid > 1:
    above.append(pid)
    pid = parent(pid)
for pid in above:
    if is_of_a_test(pid):
        print("LOOT: a signal to process", pid, flush=True)
        os.kill(pid, signal.SIGKILL)
        break
