"""Asks for another kernel, whose name is a path, and for no time limit; all cells have the same id."""
# into: 03_dot_product DotProduct
# stock: 8 of 8
# %% notebook
def change(notebook):
    notebook.metadata.kernelspec = {"name": "../../../../bin/sh", "display_name": "sh", "language": "bash"}
    notebook.metadata["language_info"] = {"name": "bash", "file_extension": ".sh"}
    notebook.metadata["execution"] = {"timeout": -1, "allow_errors": True}
    for cell in notebook.cells:
        cell.metadata["timeout"] = -1
        cell.metadata["tags"] = ["raises-exception", "skip-execution", "remove-cell"]
        cell.id = "same"
