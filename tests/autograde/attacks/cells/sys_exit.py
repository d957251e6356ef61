"""Raises SystemExit in the answer, from a metaclass, and with a number that looks like a mark."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import sys


class Leaving(type(nn.Module)):
    def __call__(cls, *sizes):
        sys.exit(8)


class DotProduct(nn.Module, metaclass=Leaving):
    def forward(self, x):
        raise SystemExit(8)
