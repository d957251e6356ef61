"""Every command in README, CONTRIBUTING and docs/ is run, in the order in which it is read, in a repository of its own.

It holds lesson 03 alone. A page starts where the README ends: its sample class is graded. What would take minutes or
opens a browser is asked for with the option in `INSTEAD`; a block that no test can run says so, before it, in a comment
`<!-- not run in tests: why -->`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from filelock import FileLock
from nbgrader.apps import NbGraderApp

from autograde.cli import main
from autograde.kernel.walls import Walls

from .pages import PAGES, ROOT, Block, blocks, fences, mentioned, name_of

LESSON = "03_dot_product"
README = ROOT / "README.md"
SHEETS = {"canvas.csv": "canvas_plain.csv", "moodle.csv": "moodle_en.csv"}
# what other tests run, or nobody can: here only whether it is there
INSTEAD = {"make": 'command make --dry-run "$@"', "jupyter": "command jupyter --version"}
# what happens elsewhere before a page begins
BEFORE = {
    "docs/learn.md": [
        "export AUTOGRADE_EXCHANGE=$PWD/exchange",
        "mkdir -m 777 exchange",
        f"nbgrader generate_assignment {LESSON} --create",
        f"nbgrader release_assignment {LESSON}",
    ]
}


@pytest.fixture(scope="session")
def graded_root(shared):
    """The small repository after the README's commands, and the one page that has run."""
    if not Walls.found().enough:
        pytest.skip(f"walls are missing here, and grading wants them: {Walls.found().lines()}")
    root = shared / "documented"
    with FileLock(f"{root}.lock"):
        if not root.exists():
            small = root.with_name("documented-in-the-making")
            prepare(small)
            run(README, small)
            small.rename(root)
    return root


def prepare(root: Path) -> None:
    (root / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / f"{LESSON}.py", root / "solutions")
    for name in ("nbgrader_config.py", "Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    for name, sheet in SHEETS.items():
        shutil.copy(ROOT / "tests" / "autograde" / "export" / "sheets" / sheet, root / name)
    (root / "users.csv").write_text("student,userId\nada-solved,4711\nben-blank,4712\n", encoding="utf-8")
    activate = root / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n", encoding="utf-8")


def run(page: Path, root: Path) -> str:
    """Run what a page says, in one shell; what the shell says. AssertionError names the command that failed."""
    home = root.with_name(f"{root.name}-home")
    home.mkdir(exist_ok=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AUTOGRADE_", "JUPYTER_"))},
        "HOME": str(home),
        "USER": "ada",
        "COLLABKIT_CACHE": os.environ.get("COLLABKIT_CACHE", str(cache / "collabkit")),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(cache / "matplotlib")),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
    commands = [*BEFORE.get(name_of(page), ()), *(each for block in run_here(page) for each in block.commands)]
    lines = ["set -e", *(f"{name}() {{ {instead}; }}" for name, instead in INSTEAD.items())]
    for command in commands:
        lines += [f"printf '%s\\n' {shlex.quote('$ ' + command)}", command]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    last = next((line for line in reversed(done.stdout.splitlines()) if line.startswith("$ ")), "")
    assert done.returncode == 0, f"{name_of(page)}: {last} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    assert "Traceback" not in done.stdout, f"{name_of(page)}:\n{done.stdout[-3000:]}"
    return done.stdout


def run_here(page: Path) -> list[Block]:
    return [block for block in blocks(page) if not block.why_not]


@pytest.mark.parametrize("page", [page for page in PAGES if run_here(page)], ids=name_of)
def test_what_a_page_says_can_be_done(page, graded_root, tmp_path):
    if page == README:
        return  # the fixture has run it
    root = tmp_path / "repository"
    shutil.copytree(graded_root, root)
    run(page, root)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_stand_where_they_are_found(page):
    """In blocks called console, behind a dollar: what is written otherwise, nobody would run."""
    assert [fence.content for fence, _ in fences(page) if fence.info.strip() in ("bash", "sh", "shell", "zsh")] == []
    assert [block for block in blocks(page) if not block.commands] == []


def test_what_cannot_be_run_says_why(record_property):
    skipped = [block for page in PAGES for block in blocks(page) if block.why_not]
    for block in skipped:
        record_property(name_of(block.page), f"{block.why_not}: {'; '.join(block.commands)}")
        assert len(block.why_not.split()) > 2, block


@pytest.mark.parametrize("page", [page for page in PAGES if mentioned(page)], ids=name_of)
def test_commands_in_running_text_exist(page, graded_root, monkeypatch):
    """They are not run, but read by what they name: an option or a target that is not there is found."""
    monkeypatch.chdir(graded_root)
    for command in mentioned(page):
        words = shlex.split(command, comments=True)
        match words:
            case ["make", target, *_]:
                assert re.search(rf"(?m)^{re.escape(target)}:", (ROOT / "Makefile").read_text(encoding="utf-8")), (
                    command
                )
            case ["python", "-m", module, *_]:
                assert importlib.util.find_spec(module), command
            case ["nbgrader", name, *_]:
                assert name in NbGraderApp.subcommands, command
            case ["autograde", *rest]:
                assert understood(rest), command


def understood(words: list[str]) -> bool:
    """Whether our command knows its options; nothing is run."""
    if not words:
        return True
    context = click.Context(main, info_name="autograde")
    name, command, rest = main.resolve_command(context, words)
    try:
        command.make_context(name, rest, parent=context)
    except click.MissingParameter:
        return len(words) == 1  # the command alone, by name
    except click.UsageError:
        return False
    return True


def test_a_command_that_fails_is_found(graded_root, tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```console\n$ true\n$ autograde grade --nonsense\n```\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules[run.__module__], "name_of", lambda page: page.name)
    root = tmp_path / "repository"
    shutil.copytree(graded_root, root)
    with pytest.raises(AssertionError, match=r"autograde grade --nonsense ended with 2"):
        run(page, root)
