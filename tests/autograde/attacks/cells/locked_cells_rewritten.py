"""Hands in a notebook whose check cells were rewritten: a mark in them, more points, and another kind of cell."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% notebook
def change(notebook):
    for cell in notebook.cells:
        record = cell.metadata.get("nbgrader", {})
        if record.get("grade"):
            cell.source = "8"
            record.update(points=1000, checksum="0" * 32, locked=False, solution=True)
            cell.metadata["autograde"] = {"demo": "nothing to see", "checksum": "0" * 16}
