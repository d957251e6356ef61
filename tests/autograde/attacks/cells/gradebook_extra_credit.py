"""Opens the gradebook with sqlite3 and gives itself 300 points of extra credit."""
# into: 03_dot_product DotProduct
# stock: 3600 of 8; gets the gradebook was changed
# %% answer
import sqlite3
from pathlib import Path

me = Path.cwd().parent.name
for parent in Path.cwd().parents:
    # only the gradebook of a test, which has this mark beside it
    if (parent / ".attack-course").exists() and (parent / "gradebook.db").is_file():
        with sqlite3.connect(parent / "gradebook.db", timeout=5) as gradebook:
            gradebook.execute("UPDATE grade SET extra_credit = 300, manual_score = 300")
        print("gets the gradebook was changed")
