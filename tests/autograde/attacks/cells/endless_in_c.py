"""Loops within C, where no signal handler of Python's runs: a pattern that takes exponential time."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import re

re.match(r"(a|aa)+$", "a" * 44 + "b")
