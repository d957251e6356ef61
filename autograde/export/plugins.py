"""The exports as plugins of nbgrader: `nbgrader export --exporter=autograde.export.plugins.CanvasExport --to FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Dict, Enum, Unicode

from autograde.course import Course, CourseError, find_root
from autograde.database import GradebookError
from autograde.export.exported import Settings
from autograde.export.formats import export, write
from autograde.export.gradescope import VISIBILITIES

__all__ = ["CanvasExport", "GradescopeExport", "LtiExport", "MoodleExport", "RowsExport"]


class _Export(ExportPlugin):
    """Writes to --to, for --student and --assignment; what an instructor has to know is logged as a warning."""

    format_: ClassVar[str]
    default: ClassVar[str]  # where to, without --to

    def export(self, gradebook: Gradebook) -> None:
        try:
            course = _course(self.parent.coursedir)
            names = {name for name in self.trait_names(config=True) if name not in ExportPlugin.class_trait_names()}
            chosen: dict[str, Any] = {name: getattr(self, name) for name in names}
            for name in {"sheet", "users"} & names:
                chosen[name] = Path(chosen[name]) if chosen[name] else None
            lessons = tuple(course.chosen([str(each) for each in self.assignment]))
            settings = Settings(lessons, tuple(str(each) for each in self.student), **chosen)
            exported = export(course, self.format_, settings)
            write(exported, Path(self.to or self.default), settings)
        except (CourseError, GradebookError) as error:
            self.parent.fail(str(error))
        except OSError as error:
            self.parent.fail(f"{error.filename}: {error.strerror or error}.")
        for note in exported.notes:
            self.log.warning(note)
        self.log.info("Exported to %s", self.to or self.default)


class _WithUsers(_Export):
    users = Unicode(help="A CSV file with student,userId: who is who there.").tag(config=True)
    encoding = Unicode(help="How the files are written, where they are not UTF-8.").tag(config=True)
    missing_as_zero = Bool(False, help="Write 0 where nothing was handed in.").tag(config=True)


class _WithSheet(_WithUsers):
    sheet = Unicode(help="The sheet that was downloaded.").tag(config=True)
    columns = Dict(help="Which column is which, where it cannot be told.").tag(config=True)


class RowsExport(_Export):
    """A row for each student, lesson and exercise."""

    format_, default = "csv", "marks.csv"


class CanvasExport(_WithSheet):
    """The downloaded gradebook of Canvas with our lessons' columns filled."""

    format_, default = "canvas", "canvas.csv"


class MoodleExport(_WithSheet):
    """The downloaded grading worksheet of Moodle, filled: of one assignment, so --assignment is needed."""

    format_, default = "moodle", "moodle.csv"
    comments = Bool(False, help="Fill the column of comments, where it is empty.").tag(config=True)


class GradescopeExport(_Export):
    """A results.json for each student and lesson, in a new folder."""

    format_, default = "gradescope", "gradescope"
    visibility = Enum(VISIBILITIES, VISIBILITIES[0], help="When students see their results.").tag(config=True)


class LtiExport(_WithUsers):
    """Scores of one lesson for LTI's Assignment and Grade Services, one JSON object on each line."""

    format_, default = "lti", "scores.jsonl"
    comments = Bool(False, help="Say in a comment why points were lost.").tag(config=True)


def _course(directories: Any) -> Course:
    """The course that nbgrader is configured for: see `course.nbgrader_config`."""
    root = find_root(Path(directories.root))
    return Course(root, (root / directories.submitted_directory).resolve().parent, directories.db_url)
