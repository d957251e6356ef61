"""Takes 7.5 GB of memory, touches all of it, and holds it for a while."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets 7.5 GB of memory
# %% answer
import time

taken = []
for _ in range(30):
    taken.append(bytearray(b"x") * (256 << 20))
print("LOOT: 7.5 GB of memory")
time.sleep(2)
taken.clear()
