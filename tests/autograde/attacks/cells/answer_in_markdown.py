"""Hides the solution in a Markdown cell, whose metadata says that it is the answer's code cell."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% notebook
def change(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "DotProduct-answer":
            cell.metadata["nbgrader"]["grade_id"] = "somewhere-else"
            cell.source = "import collabkit\n\nclass DotProduct(collabkit.DotProduct):\n    pass"
            cell.cell_type = "markdown"
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
