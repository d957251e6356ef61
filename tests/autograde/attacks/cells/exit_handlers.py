"""Leaves code for the end: atexit, finalizers, a thread that outlives the interpreter, a signal handler."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; 2 files left outside the course; files left in the course
# %% answer
import atexit
import os
import signal
import weakref


def leave(*_):
    for place in ("/tmp", "/dev/shm", "."):
        try:
            open(f"{place}/autograde-attack-exit", "w").close()
        except OSError:
            continue


atexit.register(leave)


class Last:
    def __del__(self):
        leave()


kept = Last()
weakref.finalize(kept, leave)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, leave)
