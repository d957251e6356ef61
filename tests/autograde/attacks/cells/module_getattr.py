"""Has a name looked up anew each time: its own module's, its namespace's and a descriptor's `__get__`."""
# into: 03_dot_product DotProduct
# stock: 3.5 of 8
# %% answer
import builtins
import sys

import collabkit.models


class Late:
    def __getattribute__(self, name):
        return getattr(sys.modules["collabkit.models"].DotProduct, name)

    def __call__(self, *args):
        return sys.modules["collabkit.models"].DotProduct(*args)

    __class__ = type


builtins.DotProduct = DotProduct = Late()
