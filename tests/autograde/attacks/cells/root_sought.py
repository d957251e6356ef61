"""Tries to be root, to gain rights, to load code into the system's kernel, and to open its devices. It writes nothing."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; gets is root; gets has rights 000001fffeffffff; gets became root
# %% answer
import os

if os.getuid() == 0:
    print("LOOT: is root")
with open("/proc/self/status") as status:
    rights = [line for line in status if line.startswith("CapEff")][0].split()[1]
if int(rights, 16):
    print("LOOT: has rights", rights)
try:
    os.setuid(0)
    print("LOOT: became root")
except OSError:
    pass
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/dev/mem", "/dev/vda", "/dev/kmsg", "/dev/fuse"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        print("LOOT: could write to", path)
    except OSError:
        continue
