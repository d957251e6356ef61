"""Starts processes and threads until no more can be had, up to 300, and then asks for another thread in the check."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import os
import threading
import time

end = time.monotonic() + 60
for _ in range(150):
    try:
        if os.fork() == 0:
            try:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            finally:
                while time.monotonic() < end:
                    time.sleep(1)
                os._exit(0)
    except (OSError, RuntimeError):
        break
