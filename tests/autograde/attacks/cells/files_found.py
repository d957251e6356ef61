"""Looks for what another submission has left: files, keys, shared memory, message queues, sockets by name."""
# into: 03_dot_product model_call
# stock: 0 of 8
# %% answer
import ctypes
import os
import socket
import tempfile

for place in (".", "..", tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.expanduser("~"), "/scratch"):
    try:
        with open(f"{place}/autograde-attack-message") as file:
            model_call = file.read()[-1]
        print("LOOT: a message in", place)
    except OSError:
        continue
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(249, b"user", b"autograde-attack", None, -4) > 0:  # request_key
    print("LOOT: a key of another submission's")
if libc.shmget(0x47213, 0, 0) >= 0:
    print("LOOT: shared memory of another submission's")
if libc.msgget(0x47213, 0) >= 0:
    print("LOOT: a message queue of another submission's")
for family, address in ((socket.AF_INET, ("127.0.0.1", 47214)), (socket.AF_UNIX, "\0autograde-attack-47214")):
    try:
        with socket.socket(family) as connection:
            connection.settimeout(1)
            connection.connect(address)
            print(connection.recv(100).decode(), ": another submission answers")
    except OSError:
        continue
model_call = "nothing"
