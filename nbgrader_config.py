"""Where nbgrader and formgrader find this course: AUTOGRADE_COURSE names the folder, AUTOGRADE_DB the gradebook."""

import os
from pathlib import Path

from autograde.course import nbgrader_config

root = Path(__file__).resolve().parent
c = get_config()
c.merge(nbgrader_config(root, root / os.environ.get("AUTOGRADE_COURSE", "course"), os.environ.get("AUTOGRADE_DB", "")))
