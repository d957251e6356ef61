"""Loops for ever (five minutes) and swallows every KeyboardInterrupt."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import time

end = time.monotonic() + 300
while time.monotonic() < end:
    try:
        while time.monotonic() < end:
            pass
    except KeyboardInterrupt:
        continue
