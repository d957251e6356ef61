"""Where nbgrader and formgrader find this course: AUTOGRADE_COURSE names the folder, AUTOGRADE_DB the gradebook."""

import contextlib
import os
from pathlib import Path

from autograde.course import nbgrader_config

root = Path(__file__).resolve().parent
folder = root / os.environ.get("AUTOGRADE_COURSE", "course")
with contextlib.suppress(OSError):  # a repository that is only read
    folder.mkdir(parents=True, exist_ok=True)  # or formgrader cannot make its gradebook in it
c = get_config()
c.merge(nbgrader_config(root, folder, os.environ.get("AUTOGRADE_DB", "")))
