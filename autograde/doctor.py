"""Whether this machine can grade, in lines that say what is there, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass

from autograde import digest, migration
from autograde.course import Course, CourseError
from autograde.database import GradebookError, NoGradebook, shown
from autograde.secret import Secret, SecretError

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. needed: without it, `autograde grade` refuses."""

    name: str
    is_well: bool
    sentence: str
    needed: bool = False


def examine(course: Course) -> list[Finding]:
    """What there is on this machine and in this course. The walls are really put up, each once."""
    return [*_machine(), *_walls(), *_class(course)]


def _machine() -> list[Finding]:
    cores = os.cpu_count() or 1
    sentence = f"{platform.system()} {platform.machine()}, {cores} cores: --workers {cores} uses all."
    return [Finding("machine", True, sentence), Finding("packages", True, f"{digest.versions()}.")]


def _walls() -> list[Finding]:
    from autograde.kernel.walls import Walls

    walls = Walls.found()
    found = [Finding(name, stands, sentence) for name, stands, sentence in walls.lines()]
    if walls.enough:
        return [*found, Finding("walls", True, "enough of them stand: learners' code reaches nothing.", needed=True)]
    advice = "install bubblewrap, and allow user namespaces (docs/grading.md says how)"
    if platform.system() != "Linux":
        advice = "grade on Linux, or in its Subsystem on Windows"
    sentence = f"too few stand: {advice}, or grade with --no-walls those whom you trust."
    return [*found, Finding("walls", False, sentence, needed=True)]


def _class(course: Course) -> list[Finding]:
    found = []
    if course.secret_file.exists():
        try:
            secret = Secret.of(course.secret_file)
            found.append(Finding("secret", True, f"{secret.fingerprint} in {course.secret_file}: keep a copy of it."))
        except SecretError as error:
            found.append(Finding("secret", False, str(error), needed=True))
    else:
        found.append(Finding("secret", True, "none yet: the first grading makes one."))
    found += [_gradebook(course), _policy(course)]
    free = shutil.disk_usage(course.root).free / 1e9
    enough = free > 2
    found.append(Finding("disk", enough, f"{free:.0f} GB are free{'' if enough else ': make room before grading'}."))
    return found


def _gradebook(course: Course) -> Finding:
    place = shown(course.db_url)
    try:
        missing = [name for name, is_there in migration.present(course.db_url).items() if not is_there]
    except NoGradebook:
        return Finding("gradebook", True, f"none yet in {place}: the first grading makes one.")
    except GradebookError as error:
        return Finding("gradebook", False, str(error), needed=True)
    if missing:
        sentence = f"{place} lacks {len(missing)} indexes, which the next grading adds, or: autograde db upgrade"
        return Finding("gradebook", False, sentence)
    return Finding("gradebook", True, f"{place}, with all indexes.")


def _policy(course: Course) -> Finding:
    try:
        policy = course.policy()
        strangers = sorted(set(policy.extensions) - set(course.students()))
    except (CourseError, GradebookError) as error:
        return Finding("policy", False, str(error), needed=True)
    if strangers:
        names = ", ".join(strangers)
        sentence = (
            f"{course.policy_file} gives extensions to {names}, who handed nothing in: are the names spelt right?"
        )
        return Finding("policy", False, sentence)
    if not course.policy_file.exists():
        return Finding("policy", True, "none: late work costs nothing, and feedback shows no inputs.")
    return Finding(
        "policy", True, f"{course.policy_file}, with a date for {len(policy.due)} of {len(course.lessons())} lessons."
    )
