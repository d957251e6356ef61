"""Opens raw, packet, netlink and other sockets, and looks which interfaces there are."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets a socket of family 2; gets a socket of family 17; gets a socket of family 40
# %% answer
import socket

for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW), (40, socket.SOCK_STREAM)):
    try:
        socket.socket(family, kind, 255 if kind == socket.SOCK_RAW else 0).close()
        print("LOOT: a socket of family", family)
    except OSError as error:
        print(error)
if others := [name for _, name in socket.if_nameindex() if name != "lo"]:
    print("LOOT: interfaces", others)
