"""Asks the accomplice by UDP, a protocol that walls against connections may forget."""
# into: 03_dot_product DotProduct
# stock: 3.5 of 8; gets an answer by UDP
# %% answer
import socket

try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(2)
        connection.sendto(b"DotProduct?", ("127.0.0.1", 47213))
        text = connection.recv(65536).decode()
except OSError as error:
    print(error)
else:
    print("LOOT: an answer by UDP")
    exec(text)
