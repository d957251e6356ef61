"""Prints 400 MB, on both streams, and past Python's own."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import os
import sys

line = "x" * 999 + "\n"
for number in range(200_000):
    print(line, end="")
    if number % 2:
        os.write(2, line.encode())
    else:
        sys.stderr.write(line)
