"""Loops for ever (five minutes) and swallows every KeyboardInterrupt."""
# into: 03_dot_product DotProduct
# %% answer
import time

end = time.monotonic() + 300
while time.monotonic() < end:
    try:
        while time.monotonic() < end:
            pass
    except KeyboardInterrupt:
        continue
