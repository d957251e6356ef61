"""Answers no question: its `__init__` loops for five minutes and swallows every KeyboardInterrupt."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import time


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        end = time.monotonic() + 300
        while time.monotonic() < end:
            try:
                time.sleep(0.1)
            except BaseException:
                continue
