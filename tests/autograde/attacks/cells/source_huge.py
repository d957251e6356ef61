"""Hands in a cell of 15 MB, a list of millions of numbers: whoever parses it needs gigabytes."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% notebook
def change(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "DotProduct-answer":
            cell.source = "DotProduct = [" + "0," * 7_500_000 + "]"
            del cell.metadata["nbgrader"]
