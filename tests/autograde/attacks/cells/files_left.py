"""Leaves files wherever it can, for the next submission to find: the other half of `files_found`."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; 6 files left outside the course; files left in the course
# %% answer
import os
import tempfile

for place in (".", "..", tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.expanduser("~"), "/scratch"):
    try:
        with open(f"{place}/autograde-attack-message", "w") as file:
            file.write("the answer is b")
    except OSError as error:
        print(place, error)
