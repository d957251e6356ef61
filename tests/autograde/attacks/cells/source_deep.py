"""Hands in cells whose syntax trees are as deep as they can be: brackets, signs, sums, attributes, conditions."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% notebook
def change(notebook):
    from nbformat.v4 import new_code_cell

    deep = [
        "DotProduct = " + "(" * 190 + "1" + ")" * 190,
        "DotProduct = " + "-" * 90_000 + "1",
        "DotProduct = " + "1+" * 90_000 + "1",
        "DotProduct = a" + ".a" * 90_000,
        "DotProduct = a" + "[0]" * 90_000,
        "DotProduct = " + "not " * 90_000 + "1",
        "DotProduct = " + "1 if 1 else " * 90_000 + "1",
        "DotProduct = " + "lambda: " * 90_000 + "1",
        "DotProduct = f'" + "{" * 90_000,
        "if 1: pass\n" + "elif 1: pass\n" * 30_000 + "DotProduct = 1",
        "\n".join(" " * depth + "if 1:" for depth in range(99)) + "\n" + " " * 99 + "DotProduct = 1",
        "DotProduct" + " " * 1_000_000 + "\t" * 1_000_000 + "=",
        "DotProduct = '''" + "\\N{" * 100_000,
    ]
    place = next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == "DotProduct")
    notebook.cells[place:place] = map(new_code_cell, deep)
    del notebook.cells[place - 1].metadata["nbgrader"]
