"""Reads the environment, its own and other processes', for places where answers or a gradebook may be."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; LOOT: from an environment: NBGRADER_EXECUTION=autograde; LOOT: from an environment: JPY_PARENT_PID=14720; LOOT: from an environment: AUTOGRADE_COURSE=/tmp/lead/A/pt/attacks-nbgrader_autograde/course
# %% answer
import os
import re
from pathlib import Path

texts = [f"{name}={value}" for name, value in os.environ.items()]
for path in Path("/proc").glob("[0-9]*/environ"):
    try:
        texts += path.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        continue
for text in texts:
    if re.match("AUTOGRADE|NBGRADER|JPY_|GRADEBOOK", text) and "AUTOGRADE_ATTACK_TEST" not in text:
        print("LOOT: from an environment:", text[:100])
