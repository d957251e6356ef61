"""Sleeps in every question, a little less than it may, and in every cell: as long as it can without being stopped."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import time


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        time.sleep(1.5)
        raise ValueError
