"""Shows an object whose representation, and whose exception's text, take five minutes."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import time


class Slow(Exception):
    def __repr__(self):
        time.sleep(300)

    __str__ = __format__ = _repr_html_ = __repr__


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        raise Slow


Slow()
