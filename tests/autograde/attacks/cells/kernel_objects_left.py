"""Leaves a key, shared memory and a message queue in the system, which no folder holds: see `files_found`."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; left in the system: a key
# %% answer
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
key = libc.syscall(248, b"user", b"autograde-attack", b"the answer is b", 15, -4)  # add_key
if key > 0:
    libc.syscall(250, 15, key, 110)  # keyctl: it ends after 110 seconds
print("key", key)
print("memory", libc.shmget(0x47213, 4096, 0o1666))
print("queue", libc.msgget(0x47213, 0o1666))
