"""Gives every piece of metadata that this course's own tools look at another type: numbers, texts, lists, null."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% notebook
def change(notebook):
    odd = [5, "demo", ["demo"], None, {"demo": 5}, {"demo": "x", "checksum": []}, {"demo": "x", "checksum": {}}, 1.5, True]
    for number, cell in enumerate(notebook.cells):
        cell.metadata["autograde"] = odd[number % len(odd)]
        if "nbgrader" in cell.metadata and number % 4 == 0:
            cell.metadata["nbgrader"] = odd[number % len(odd)]
    notebook.metadata["autograde"] = {"notes": 5, "walls": []}
