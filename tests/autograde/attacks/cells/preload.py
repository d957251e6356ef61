"""Sets LD_PRELOAD, PYTHONPATH and their kin, for whichever process is started next."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; files left in the course
# %% answer
import os
import subprocess
import sys
from pathlib import Path

folder = Path("autograde-attack-preload").absolute()
folder.mkdir(exist_ok=True)
(folder / "sitecustomize.py").write_text("print('autograde-attack: preloaded')")
(folder / "collabkit.py").write_text("raise ImportError('autograde-attack')")
(folder / "attack.so").write_bytes(b"\x7fELF")
os.environ |= {
    "LD_PRELOAD": str(folder / "attack.so"),
    "LD_LIBRARY_PATH": str(folder),
    "PYTHONPATH": str(folder),
    "PYTHONSTARTUP": str(folder / "sitecustomize.py"),
    "PATH": str(folder),
}
subprocess.run([sys.executable, "-c", "pass"], stderr=subprocess.DEVNULL)
