"""The corpus on stock nbgrader: what each attack gets there, and what else happens. Run by hand, kept in stock.md.

`python -m tests.autograde.attacks.stock [ATTACK ...]` grades each attack by `nbgrader autograde` as it comes, with
its own Execute and DeduplicateIds and the python3 kernel, in a class of two: the attacker, and somebody honest who
comes after. Demonstrations are taken out, which changes no mark. Everything happens in a temporary folder, which is
also HOME for what is started there. Only on Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from collabkit.movielens import cache_file

from .corpus import LEFT, LOOT, MARKER, Attack, accomplice, attacks, cell_of, loot_in, notebook_of
from .watch import watched

ROOT = Path(__file__).resolve().parents[3]
RECORD, TABLE = Path(__file__).with_name("stock.json"), Path(__file__).with_name("stock.md")
ATTACKER, HONEST = "a-attacker", "z-honest"
SECONDS = 240  # for one class of two
KEY = 0x47213  # of shared memory and message queues that an attack leaves
CONFIG = f"""\
import os
c = get_config()
c.CourseDirectory.root = os.getcwd()
c.CourseDirectory.course_id = "{LEFT}"
"""


@dataclass
class Outcome:
    """What an attack got: its mark, what it is out of, the same for the honest notebook, and what else happened."""

    score: float | None
    points: float
    honest: float | None
    seconds: float
    happened: list[str] = field(default_factory=list)

    @property
    def in_words(self) -> str:
        return "; ".join([f"{_mark(self.score)} of {self.points:g}", *self.happened])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="ATTACK", help="only these; all without one")
    parser.add_argument("--root", type=Path, default=ROOT, help="a checkout of the course, by default this one")
    options = parser.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"of": "", "attacks": {}}
    record["of"] = _versions(options.root)
    chosen = [each for each in attacks() if not options.names or each.name in options.names]
    with tempfile.TemporaryDirectory(prefix="stock-") as folder:
        work = _Stock(options.root, Path(folder))
        for attack in chosen:
            outcome = work.graded(attack)
            print(f"{attack.name}: {outcome.in_words} ({outcome.seconds:.0f} s)", flush=True)
            record["attacks"][attack.name] = {**vars(outcome), "seconds": round(outcome.seconds, 1)}
            _keep(attack, outcome)
            known = {each.name for each in attacks()}
            record["attacks"] = {name: kept for name, kept in sorted(record["attacks"].items()) if name in known}
            RECORD.write_text(json.dumps(record, indent=1) + "\n")
            TABLE.write_text(_table(record))


class _Stock:
    """A folder with stock nbgrader's courses, one for each attack, made from one that is ready."""

    def __init__(self, root: Path, folder: Path):
        self.root, self.folder = root, folder
        self.home = folder / "home"
        self.home.mkdir()
        (folder / "tmp").mkdir()
        subprocess.run(
            [sys.executable, "-c", "from autograde.cli import main; main()", "build"],
            cwd=root,
            env=self._environment(),
            check=True,
        )
        self.ready = folder / "ready"
        self.lessons = sorted({attack.lesson for attack in attacks()})
        for lesson in self.lessons:
            source = nbformat.read(root / "build" / "source" / lesson / f"{lesson}.ipynb", as_version=4)
            path = self.ready / "source" / lesson / f"{lesson}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(source, path)
        (self.ready / "nbgrader_config.py").write_text(CONFIG)
        (self.ready / ".attack-course").touch()  # attacks write to no gradebook without it
        for lesson in self.lessons:
            self._nbgrader(self.ready, "generate_assignment", lesson, "--create")

    def graded(self, attack: Attack) -> Outcome:
        course = self.folder / "course"
        shutil.copytree(self.ready, course)
        released = _without_demos(self._read(self.root / "lessons" / attack.lesson))
        solved = _without_demos(self._read(course / "source" / attack.lesson))
        solution = cell_of(self._read(course / "source" / "03_dot_product"), "DotProduct-answer").source
        try:
            with accomplice(solution) as port:
                self._hand_in(course, HONEST, attack.lesson, solved)
                self._hand_in(course, ATTACKER, attack.lesson, notebook_of(attack, released, port=port))
                return self._outcome(attack, course)
        finally:
            shutil.rmtree(course)
            for place in (self.home, self.folder / "tmp"):
                shutil.rmtree(place)
                place.mkdir()

    def _outcome(self, attack: Attack, course: Path) -> Outcome:
        before = set(_leftovers(course, self.home, self.folder / "tmp"))
        ran = watched(
            [Path(sys.executable).with_name("nbgrader"), "autograde", attack.lesson],
            seconds=SECONDS,
            cwd=course,
            environment=self._environment(),
        )
        score, points = _marks(course, ATTACKER, attack.lesson)
        honest, _ = _marks(course, HONEST, attack.lesson)
        happened = []
        if score is None:
            happened.append("no mark in the gradebook")
        if ran.code is None:
            happened.append(f"the class did not end within {SECONDS} s")
        elif ran.code < 0:
            happened.append(f"nbgrader was ended by signal {-ran.code}")
        if honest is None:
            happened.append("the honest notebook was not graded")
        elif honest != points:
            happened.append(f"the honest notebook got {_mark(honest)}")
        notebook = course / "autograded" / ATTACKER / attack.lesson / f"{attack.lesson}.ipynb"
        loot = loot_in(nbformat.read(notebook, as_version=4)) if notebook.exists() else []
        lines = [f"gets {line.removeprefix(LOOT).strip()}" for line in loot]
        happened += list(dict.fromkeys(_plain(line, self.folder, self.root) for line in lines))[:3]
        if ran.left:
            happened.append(f"{len(ran.left)} process{'es' * (len(ran.left) > 1)} left")
        left = [path for path in _leftovers(course, self.home, self.folder / "tmp") if path not in before]
        outside = [path for path in left if not path.is_relative_to(course)]
        if outside:
            happened.append(f"{len(outside)} file{'s' * (len(outside) > 1)} left outside the course")
        if len(left) > len(outside):
            happened.append("files left in the course")
        if objects := _remove_kernel_objects():
            happened.append(f"left in the system: {objects}")
        for path in outside:
            path.unlink(missing_ok=True) if not path.is_dir() else shutil.rmtree(path)
        return Outcome(score, points, honest, ran.seconds, happened)

    def _read(self, folder: Path) -> NotebookNode:
        return nbformat.read(folder / f"{folder.name}.ipynb", as_version=4)

    def _hand_in(self, course: Path, student: str, lesson: str, notebook: NotebookNode) -> None:
        path = course / "submitted" / student / lesson / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))  # not by nbformat, which would mend what is odd

    def _nbgrader(self, course: Path, *arguments: str) -> None:
        command = [Path(sys.executable).with_name("nbgrader"), *arguments]
        subprocess.run(command, cwd=course, env=self._environment(), check=True, capture_output=True)

    def _environment(self) -> dict[str, str]:
        scripts = str(Path(sys.executable).parent)
        return {
            **os.environ,
            MARKER: "1",
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "COLLABKIT_CACHE": str(cache_file().parent),
            "MPLCONFIGDIR": str(Path.home() / ".cache" / "matplotlib"),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(self.root),
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        }


def _without_demos(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if "autograde" not in cell.metadata]
    return notebook


def _marks(course: Path, student: str, lesson: str) -> tuple[float | None, float]:
    """(the mark, what it is out of); the mark is None where nbgrader has none, or still wants it given by hand."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        points = gradebook.find_assignment(lesson).max_score
        graded = course / "autograded" / student / lesson / f"{lesson}.ipynb"
        try:
            submission = gradebook.find_submission(lesson, student)
        except MissingEntry:
            return None, points
        return (submission.score if graded.exists() else None), points


def _leftovers(*places: Path) -> Iterator[Path]:
    """Whatever lies around that an attack has left, in these folders and in those that everybody may write to."""
    everywhere = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"))
    for place in everywhere:
        yield from place.glob(f"{LEFT}*")
    for place in places:
        yield from place.rglob(f"{LEFT}*")


def _remove_kernel_objects() -> str:
    """What an attack has left in the system's kernel, in words; it is there no longer then."""
    libc = ctypes.CDLL(None, use_errno=True)
    memory, queue = libc.shmget(KEY, 0, 0), libc.msgget(KEY, 0)
    key = libc.syscall(249, b"user", LEFT.encode(), None, -4)  # request_key
    found = {"shared memory": memory, "a message queue": queue, "a key": key if key > 0 else -1}
    with contextlib.suppress(OSError):
        libc.shmctl(memory, 0, None)
        libc.msgctl(queue, 0, None)
        libc.syscall(250, 21, key)  # keyctl: invalidate
    return ", ".join(name for name, number in found.items() if number >= 0)


def _plain(line: str, *folders: Path) -> str:
    """A line without what differs in each run: temporary folders and numbers of processes."""
    for folder in folders:
        line = line.replace(f"{folder}/", "")
    line = "".join(character if character.isprintable() else " " for character in line)
    words = ["..." if word.isdecimal() and len(word) > 2 else word for word in line.split(" ")]
    return " ".join(words)[:100].replace("|", "/")


def _mark(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"


def _keep(attack: Attack, outcome: Outcome) -> None:
    """Write into the attack's file what it got."""
    lines = attack.path.read_text().splitlines()
    lines = [line for line in lines if not line.startswith("# stock:")]
    into = next(number for number, line in enumerate(lines) if line.startswith("# into:"))
    lines.insert(into + 1, f"# stock: {outcome.in_words}")
    attack.path.write_text("\n".join(lines) + "\n")


def _table(record: dict) -> str:
    rows = []
    for attack in attacks():
        if kept := record["attacks"].get(attack.name):
            outcome = Outcome(**kept)
            rows.append(
                f"| `{attack.name}` | {attack.tries} | {attack.lesson[:2]} {attack.exercise} | "
                f"{_mark(outcome.score)} of {outcome.points:g} | {'; '.join(outcome.happened)} |"
            )
    outcomes = [Outcome(**kept) for kept in record["attacks"].values()]
    full = sum(outcome.score is not None and outcome.score >= outcome.points for outcome in outcomes)
    plain = sum("plain" in attack.parts for attack in attacks())
    some = sum(bool(outcome.score) for outcome in outcomes)
    harmed = sum(outcome.honest != outcome.points for outcome in outcomes)
    return "\n".join(
        [
            "# The attacks on stock nbgrader",
            "",
            "Written by `python -m tests.autograde.attacks.stock`: each attack alone, in an otherwise blank notebook,",
            "graded by `nbgrader autograde` as it comes, with an honest, solved notebook behind it. A blank one gets",
            "0. Through both doors of this project each gets what the same cell gets without its trick, and the honest",
            "notebook full marks: `tests/autograde/test_attacks.py`.",
            "",
            record["of"],
            "",
            f"Of {len(outcomes)} attacks {some} got marks, {full} of them all there are or more. In {harmed} cases the",
            f"honest notebook did not get its mark. {plain} attacks stand in a cell that may earn something without "
            "them.",
            "",
            "| attack | tries | put into | mark | what else happened |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _versions(root: Path) -> str:
    import platform
    from importlib.metadata import version

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout
    names = ("nbgrader", "nbclient", "ipykernel", "torch", "fastai")
    listed = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Commit {commit.strip()}, Python {platform.python_version()}, {listed}."


if __name__ == "__main__":
    main()
