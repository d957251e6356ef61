"""Reads from address 0: what a crash in a C library looks like, while the question is put."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import ctypes


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        ctypes.string_at(0)
