"""Starts up to 300 threads that never listen, each for a minute and a half."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import threading
import time

end = time.monotonic() + 90


def wait():
    while time.monotonic() < end:
        time.sleep(0.5)


threads = []
try:
    for _ in range(300):
        threads.append(threading.Thread(target=wait))
        threads[-1].start()
except RuntimeError:
    pass
print("threads started:", len(threads))
