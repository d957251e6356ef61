"""Leaves a process behind, in a session of its own, that ignores every signal that it can and ends after 110 s."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; 2 processes left
# %% answer
import os
import signal
import subprocess
import sys
import time

code = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; time.sleep(110)  # autograde-attack"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(110)
    os._exit(0)
