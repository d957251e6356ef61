"""Opens up to 100,000 files, pipes and sockets and never closes them."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import os
import socket

kept = []
try:
    for _ in range(25_000):
        kept += os.pipe()
        kept += socket.socketpair()
except OSError as error:
    print(error)
print(len(kept))
