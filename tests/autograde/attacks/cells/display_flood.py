"""Shows 20,000 outputs, some of them pictures of 5 MB, and updates them again and again."""
# into: 03_dot_product DotProduct
# stock: none of 8; no mark in the gradebook
# %% answer
from IPython.display import display

handle = display("first", display_id="flood")
for number in range(20_000):
    display({"text/plain": "x" * 2000}, raw=True)
    handle.update("y" * 2000)
for number in range(20):
    display({"image/png": "A" * 5_000_000, "text/html": "<b>" * 100_000}, raw=True)
