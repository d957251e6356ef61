"""Has one locked cell twice: stock nbgrader stops there, for the whole class."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook; the honest notebook was not graded
# %% notebook
def change(notebook):
    import nbformat

    for index, cell in enumerate(notebook.cells):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "setup-start-1":
            notebook.cells.insert(index, nbformat.from_dict(cell))
            break
