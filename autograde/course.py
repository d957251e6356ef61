"""Where a course keeps its things, and nbgrader's configuration for it. No grading in here."""

from __future__ import annotations

import functools
import os
import shutil
import sysconfig
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autograde.cells import is_called, skip_demonstrations, slug_of
from autograde.database import connect, for_nbgrader, is_postgresql
from autograde.gradebook import students_in
from autograde.policy import Policy, PolicyError, read_policy

if TYPE_CHECKING:  # nbgrader and the exercises take seconds to import, and grading a class may need neither
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    from autograde.exercise import Exercise

__all__ = ["Course", "CourseError", "find_root", "nbgrader_config"]

COURSE_ID = "collaborative-filtering"  # its folder in an exchange


class CourseError(Exception):
    """Something an instructor can put right; the message says how."""


@dataclass(frozen=True)
class Course:
    """A repository with its lessons, and the folder in which one class is graded."""

    root: Path  # the repository: solutions/ and lessons/ lie here
    folder: Path  # submitted/, autograded/, feedback/, gradebook.db and report/ lie here
    gradebook: str = field(default="", repr=False)  # a URL, maybe with a password; without one it is gradebook.db

    @property
    def solutions(self) -> Path:
        return self.root / "solutions"

    @property
    def source(self) -> Path:
        return self.root / "build" / "source"

    @property
    def submitted(self) -> Path:
        return self.folder / "submitted"

    @property
    def autograded(self) -> Path:
        return self.folder / "autograded"

    @property
    def secret_file(self) -> Path:
        return self.folder / "secret.key"

    @property
    def policy_file(self) -> Path:
        return self.folder / "policy.toml"

    @property
    def problems(self) -> Path:
        return self.folder / "problems"

    @property
    def report(self) -> Path:
        return self.folder / "report" / "index.html"

    @property
    def database(self) -> Path:
        """The gradebook's file, where it is none on PostgreSQL."""
        return self.folder / "gradebook.db"

    @property
    def db_url(self) -> str:
        """The gradebook's URL: what gradebook.py and database.py take. It may hold a password: see `shown`."""
        return self.gradebook or f"sqlite:///{self.database}"

    def lessons(self) -> list[str]:
        """All lessons in order: the names of the scripts in solutions/."""
        return sorted(path.stem for path in self.solutions.glob("[0-9][0-9]_*.py"))

    def chosen(self, names: list[str] | tuple[str, ...]) -> list[str]:
        """The lessons named (by name, slug or number), all without a name. CourseError for one that is not there."""
        lessons = self.lessons()
        found = []
        for name in names:
            matches = [each for each in lessons if is_called(each, name)]
            if not matches:
                raise CourseError(f"There is no lesson {name!r}. The lessons are: {', '.join(lessons)}.")
            found += matches
        return list(dict.fromkeys(found)) or lessons

    def exercises(self, lesson: str) -> dict[str, Exercise]:
        """A lesson's exercises by name. Imports torch and fastai: for names and points see catalogue.py."""
        from autograde import exercises

        return exercises.of_lesson(slug_of(lesson))

    def policy(self) -> Policy:
        """The course's rules for late work and feedback. CourseError for a file that does not say what it should."""
        try:
            return read_policy(self.policy_file, self.lessons())
        except PolicyError as error:
            raise CourseError(str(error)) from None

    def students(self) -> list[str]:
        """Everybody who has handed something in, or stands in the gradebook."""
        self.folder.mkdir(parents=True, exist_ok=True)  # an OSError for a name that is no folder's
        folders = self.submitted.glob("*") if self.submitted.is_dir() else ()
        handed_in = {path.name for path in folders if path.is_dir() and not path.name.startswith(".")}
        return sorted(handed_in | students_in(self.db_url))

    def submission(self, student: str, lesson: str) -> Path:
        return self.submitted / student / lesson / f"{lesson}.ipynb"

    def graded(self, student: str, lesson: str) -> Path:
        return self.autograded / student / lesson / f"{lesson}.ipynb"

    @property
    def api(self) -> NbGraderAPI:
        """nbgrader's own way in. GradebookError when the gradebook is on a server that cannot be reached."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if is_postgresql(self.gradebook):
            connect(self.gradebook).close()
        return _api(self)

    def config(self) -> Config:
        return nbgrader_config(self.root, self.folder, self.gradebook)


@functools.lru_cache(maxsize=8)
def _api(course: Course) -> NbGraderAPI:
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from sqlalchemy.exc import SAWarning

    # nbgrader 0.9.6 reads a submission's cells before it adds the submission to its session; SQLAlchemy says so
    # at each new submission, and the rows are right all the same.
    warnings.filterwarnings("ignore", r"Object of type <Submitted\w+> not in session", SAWarning)
    config = course.config()
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def find_root(start: Path) -> Path:
    """The repository that `start` lies in. CourseError when it lies in none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "solutions").is_dir() and (folder / "nbgrader_config.py").is_file():
            return folder
    raise CourseError(
        f"{start.resolve()} does not lie in the course's repository: change to the folder with solutions/."
    )


def nbgrader_config(root: Path, folder: Path, gradebook: str = "") -> Config:
    """nbgrader's configuration for a course: its folders, and our preprocessors in the place of four of nbgrader's.

    gradebook: its URL, when it is not gradebook.db in the folder.
    """
    import nbgrader
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.preprocessors import AssignLatePenalties, ClearSolutions, DeduplicateIds, Execute, GetGrades
    from traitlets.config import Config

    from autograde.feedback import FeedbackExporter, WithholdInputs
    from autograde.lesson import ClearAnswers
    from autograde.preprocessors import ExecuteAndJudge, PenaliseByPolicy, RepairCells

    _put_scripts_on_path()
    c = Config()
    c.CourseDirectory.root = str(root)
    course = Course(root, folder, gradebook)
    c.CourseDirectory.source_directory = os.path.relpath(course.source, root)
    for step in ("release", "submitted", "autograded", "feedback", "solution"):
        # relative, even to a folder outside: nbgrader's pattern for its own paths fails on absolute ones
        c.CourseDirectory[f"{step}_directory"] = os.path.relpath(folder / step, root)
    c.CourseDirectory.db_url = for_nbgrader(course.db_url)
    c.CourseDirectory.directory_structure = "{nbgrader_step}/{student_id}/{assignment_id}"
    c.GenerateAssignment.preprocessors = _replaced(GenerateAssignment.preprocessors, {ClearSolutions: ClearAnswers})
    c.Autograde.sanitize_preprocessors = _replaced(Autograde.sanitize_preprocessors, {DeduplicateIds: RepairCells})
    c.Autograde.autograde_preprocessors = _replaced(
        Autograde.autograde_preprocessors, {Execute: ExecuteAndJudge, AssignLatePenalties: PenaliseByPolicy}
    )
    c.GenerateFeedback.preprocessors = [GetGrades, WithholdInputs, CSSHTMLHeaderPreprocessor]
    for step in (c.PenaliseByPolicy, c.WithholdInputs):
        step.policy_file, step.lessons = str(course.policy_file), course.lessons()
    c.CourseDirectory.course_id = COURSE_ID
    if exchange := os.environ.get("AUTOGRADE_EXCHANGE"):
        c.Exchange.root = exchange
    theirs = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
    c.GenerateFeedback.exporter_class = FeedbackExporter
    c.FeedbackExporter.template_name = "readable_feedback"
    c.FeedbackExporter.extra_template_basedirs = [str(Path(__file__).parent / "templates"), str(theirs)]
    c.FeedbackExporter.template_file = "readable.html.j2"  # no index, which is the name of the one that it extends
    c.Execute.on_notebook_start = skip_demonstrations  # which is left to Validate
    c.RepairCells.lessons_directory = str(root / "lessons")
    c.ExecuteAndJudge.secret_file = str(course.secret_file)
    return c


def _replaced(preprocessors, ours: dict[type, type]) -> list[type]:
    """nbgrader's own steps, with ours in the place of some."""
    return [ours.get(each, each) for each in preprocessors.default()]


def _put_scripts_on_path() -> None:
    """nbgrader starts a bare `alembic`, which is beside its own Python, though the environment may not be activated."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
