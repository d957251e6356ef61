"""Fills the notebook's metadata with what readers trip over: widgets of 15 MB, deep lists, records of the wrong types."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% notebook
def change(notebook):
    deep = []
    for _ in range(200):
        deep = [deep]
    notebook.metadata["deep"] = deep
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"x": "y" * 15_000_000}}}
    for number, cell in enumerate(notebook.cells):
        record = cell.metadata.get("nbgrader")
        if record and number % 3 == 0:
            record["points"] = "NaN"
            record["schema_version"] = 99
        elif record and number % 3 == 1:
            cell.metadata["nbgrader"] = [record]
