"""Who may import whom: every import of the packages is read and held against the arrows of the design."""

import ast
import importlib.util
from pathlib import Path

import pytest

import autograde

ROOT = Path(__file__).resolve().parent.parent

# A -> what of our own A may import. "autograde.report" stands for everything in that folder.
COLLABKIT = {
    "errors": set(),
    "cache": set(),
    "picture": set(),
    "functional": set(),
    "movielens": {"cache", "errors"},
    "planted": set(),
    "ratings": {"errors", "movielens", "planted"},
    "matrix": set(),
    "baselines": {"errors", "functional"},
    "models": {"functional"},
    "batches": {"ratings", "errors"},
    "schedule": set(),
    "kernels": {"schedule"},
    "engines": {"batches", "models", "schedule", "kernels"},
    "training": {"batches", "engines", "schedule", "picture", "plots"},
    "beyond": {"models", "functional", "batches", "training"},
    "interpret": {"models", "batches"},
    "recommend": {"models", "batches", "interpret", "functional", "errors"},
    "plots": {"matrix", "picture"},
    "widgets": {"batches", "models", "plots", "recommend", "training"},  # only lessons import it
}

AUTOGRADE = {
    "": {"cell", "guidance", "panel"},  # what a notebook imports
    "exercise": {"observe"},
    "observe": set(),
    "compare": {"observe"},
    "judge": {"exercise", "observe", "compare"},
    "card": {"exercise"},
    "cells": {"kernel"},  # its syntax trees
    "verdict": {"card", "cells", "exercise"},
    "cell": {
        *("card", "effort", "evidence", "exercise", "exercises", "judge", "ownership", "panel", "records", "session"),
        "verdict",
    },
    "effort": set(),
    "session": {"effort", "exercise", "exercises", "judge", "records"},
    "asked": {"exercise", "observe"},
    "heatmap": set(),
    "evidence": {"asked", "card", "compare", "exercise", "heatmap", "judge", "observe"},
    "examples": {"asked", "exercise", "judge", "observe"},
    "guidance": {"examples", "exercise", "exercises", "records", "session"},
    "records": {"effort", "exercise", "verdict"},
    "standing": {"card", "cells", "exercise", "exercises", "records"},
    "panel": {"exercises", "records", "session", "standing"},
    "card_gallery": {"card", "evidence", "exercise", "exercises", "judge", "standing"},
    "exercises": {"exercise", "observe"},
    "lesson": {"cells", "exercise"},
    "kernel": {"observe"},  # what questions are made of, warm in the child
    "ownership": {"cells", "exercise", "kernel"},
    "outside": {"exercise", "kernel", "observe"},
    "repair": {"cells", "ownership"},
    "secret": set(),
    "execute": {"cells", "exercise", "exercises", "judge", "kernel", "outside", "ownership", "verdict"},
    "preprocessors": {"cells", "execute", "exercises", "kernel", "late", "policy", "repair", "secret"},
    "feedback": {"cells", "exercise", "exercises", "judge", "ownership", "policy", "verdict"},
    "database": set(),
    "migration": {"database"},
    "late": {"exercise"},
    "policy": {"cells", "late"},
    "corrections": {"cells", "exercise", "gradebook"},
    "gradebook": {"late", "policy", "cells", "database", "verdict"},
    "digest": set(),
    "files": set(),
    "store": {"files"},
    "imports": set(),
    "course": {
        *("cells", "database", "exercise", "exercises", "feedback", "gradebook", "lesson", "policy", "preprocessors"),
    },
    "exchange": set(),  # only the configuration of a hub names it
    "catalogue": {"cells", "course", "digest", "exercise", "files", "similarity"},
    "build": {"catalogue", "cells", "course", "files", "lesson"},
    "scaffold": {"cells", "course", "exercises"},
    "desk": {"cells", "digest", "execute", "exercises", "imports", "kernel", "verdict"},
    "worker": {"desk", "kernel"},
    "local_workers": {"desk", "kernel", "worker"},
    "pool": {"course", "local_workers", "worker"},
    "submissions": {"cells", "course", "exercise"},
    "results": {"course", "exercise", "results_index", "verdict"},
    "results_index": {"digest", "exercise", "verdict"},
    "grading": {
        *("build", "catalogue", "cells", "corrections", "course", "database", "desk", "digest", "exercise"),
        *("files", "gradebook", "imports", "kernel", "migration", "policy", "pool", "repair", "results", "secret"),
        *("store", "submissions"),
    },
    "doctor": {"course", "database", "digest", "kernel", "migration", "secret"},
    "manifest": set(),
    "peculiar": set(),
    "sample_class": {"build", "cells", "course", "exercise", "manifest", "peculiar"},
    "similarity": {"kernel"},  # its syntax trees
    "marks": {"catalogue", "cells", "course", "exercise", "gradebook", "results", "submissions"},
    "export": {"card", "cells", "course", "database", "exercise", "gradebook", "marks", "results"},
    "handed_in": {"cells", "course", "effort", "submissions"},
    "report": {
        *("build", "card", "catalogue", "cells", "course", "effort", "exercise", "files", "handed_in"),
        *("kernel", "manifest", "results", "similarity"),  # kernel: how processes end
    },
    "cli": None,  # a thin skin over all of autograde
    "__main__": {"cli"},
}

# Which packages of ours may be imported from a room besides those in the tables.
REFERENCE_ROOMS = {"exercises"}  # these hold the reference

# What shows learners a right answer, or keeps their progress: in grading, where inputs are secret, none of it runs.
PRACTICE = {"asked", "evidence", "examples", "guidance", "panel", "session", "cell", "standing"}
GRADING = {
    *(
        "card",
        "database",
        "execute",
        "gradebook",
        "grading",
        "judge",
        "kernel",
        "outside",
        "pool",
        "preprocessors",
        "store",
    ),
    *("desk", "local_workers", "verdict", "worker"),
}


def imports(path):
    """The modules that a file imports, by absolute name, wherever in the file; with `from a import b` as a.b."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], node.module] if node.level else [node.module]
            yield from (".".join([*filter(None, base), alias.name]) for alias in node.names)


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def room(path):
    """The part of a package that a file belongs to: "report" for autograde/report/page.py, "" for __init__.py."""
    inner = path.relative_to(ROOT).parts[1:]
    return inner[0].removesuffix(".py").removesuffix("__init__")


def room_of_import(name, package):
    """The room that an imported name of the package belongs to: "card" for autograde.card.LOOK."""
    parts = name.split(".")[1:]
    known = {room(path) for path in modules(package)}
    return parts[0] if parts and parts[0] in known else ""


def own_imports(path, package):
    return {room_of_import(name, package) for name in imports(path) if name.split(".")[0] == package} - {room(path)}


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", modules("collabkit"), ids=names(modules("collabkit")))
def test_collabkit_follows_its_arrows_and_never_imports_autograde(path):
    assert not any(name.split(".")[0] == "autograde" for name in imports(path))
    if room(path) in ("", "__main__"):  # hands the public names on, and fetches
        return
    assert own_imports(path, "collabkit") <= COLLABKIT[room(path)]


@pytest.mark.parametrize("path", modules("autograde"), ids=names(modules("autograde")))
def test_autograde_follows_its_arrows(path):
    allowed = AUTOGRADE[room(path)]
    assert allowed is None or own_imports(path, "autograde") <= allowed
    if room(path) not in REFERENCE_ROOMS:
        assert not any(name.split(".")[0] == "collabkit" for name in imports(path)), "only exercises hold the reference"


def test_nothing_of_practice_is_there_in_grading():
    """Whatever grading imports, directly or by others."""
    reached, left = set(), set(GRADING)
    while left:
        reached |= left
        left = set().union(*(AUTOGRADE[name] or () for name in left)) - reached
    assert reached & PRACTICE == set()
    assert "records" not in reached


def test_no_room_is_forgotten():
    for package, table in (("collabkit", COLLABKIT), ("autograde", AUTOGRADE)):
        rooms = {room(path) for path in modules(package)} - {"__main__"}
        unknown = rooms - set(table) - ({""} if package == "collabkit" else set())
        assert unknown == set(), f"{package}: say in this test which arrows start at the new room"


@pytest.mark.parametrize("path", sorted((ROOT / "autograde" / "kernel").glob("*.py")), ids=lambda path: path.name)
def test_a_kernel_knows_nothing_of_exercises_or_models(path):
    found = {name.split(".")[0] for name in imports(path)}
    assert found.isdisjoint({"collabkit", "nbgrader", "nbformat"})
    ours = {room_of_import(name, "autograde") for name in imports(path) if name.startswith("autograde.")}
    assert ours <= {"kernel", "observe"}


def test_questions_hold_no_answer():
    """observe.py is sent to the learner's side: it may know torch and pandas, and nothing of ours."""
    assert own_imports(ROOT / "autograde" / "observe.py", "autograde") == set()


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.py")), ids=lambda path: path.name)
def test_lessons_import_what_is_the_learner_s_and_nothing_else_of_autograde(path):
    found = {name for name in imports(path) if name.split(".")[0] == "autograde"}
    assert found == {f"autograde.{name}" for name in autograde.__all__}


def test_arrows_point_at_modules_that_exist():
    for package, table in (("collabkit", COLLABKIT), ("autograde", AUTOGRADE)):
        for target in set().union(*(targets or () for targets in table.values())):
            assert importlib.util.find_spec(f"{package}.{target}"), (package, target)


def test_arrows_run_in_no_circle():
    for table in (COLLABKIT, AUTOGRADE):
        done, left = set(), dict(table)
        while left:
            free = [name for name, targets in left.items() if targets is None or targets <= done]
            assert free, f"a circle among {', '.join(left)}"
            done.update(free)
            for name in free:
                del left[name]


def test_relative_and_local_imports_are_seen(tmp_path, monkeypatch):
    """The reader itself: whatever form an import has, and in whatever function it hides."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "autograde" / "report" / "page.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from ..card import LOOK\nfrom . import other\nimport torch.nn as nn\n"
        "def f():\n    from autograde.judge import judge\n    import collabkit\n"
    )
    assert list(imports(path)) == [
        "autograde.card.LOOK",
        "autograde.report.other",
        "torch.nn",
        "autograde.judge.judge",
        "collabkit",
    ]
