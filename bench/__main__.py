"""`python -m bench [NAME ...]`: measure, print, and write Markdown and JSON to build/bench/. All figures of one run."""

from __future__ import annotations

import functools
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bench.accuracy import measure_accuracy
from bench.checks import measure_checks
from bench.gradebook import measure_gradebook
from bench.grading import measure_grading, measure_growing_class
from bench.growth import measure_growth
from bench.peers_table import measure_peers
from bench.race import TARGET, measure_race
from bench.stages import measure_stages
from bench.training import measure_memory, measure_training, save_split

FOLDER = Path("build/bench")
Rows = list[dict[str, object]]
TABLES: dict[str, tuple[str, Callable[[], Rows]]] = {
    "training": ("DotProductBias on MovieLens 100K, one split (20 %, seed 42)", lambda: measure_training(_peers())),
    "race": ("To RMSE .902 on the same split, every racer with settings for it", lambda: measure_race(_peers())),
    "accuracy": ("Accuracy of the presets on MovieLens 100K", measure_accuracy),
    "stages": ("The stages of the course: validation MSE on MovieLens 100K after five epochs", measure_stages),
    "memory": ("Memory over many epochs", measure_memory),
    "growth": ("One rowwise epoch of planted ratings, FAST's settings", lambda: measure_growth(FOLDER)),
    "checks": ("A check, as a learner waits for it", measure_checks),
    "grading": (
        "A class of 24 submissions to lessons 01 to 03, until it stands in the gradebook, median of 3",
        measure_grading,
    ),
    "class": ("A growing class, two workers", measure_growing_class),
    "gradebook": ("A class whose results stand in an SQLite gradebook: exports and reports", measure_gradebook),
}


@functools.cache
def _peers() -> Rows:
    split = FOLDER / "split.npz"
    save_split(split)
    return measure_peers(split, TARGET)


def main(names: list[str]) -> None:
    if unknown := sorted(set(names) - set(TABLES)):
        sys.exit(f"There is no table {', '.join(unknown)}: the tables are {', '.join(TABLES)}.")
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    started = time.strftime("%Y-%m-%d %H:%M")
    tables: dict[str, Rows] = {}
    for name in names or TABLES:
        title, measure = TABLES[name]
        print(f"== {title}", flush=True)
        tables[title] = measure()
        print(as_markdown(tables[title]), flush=True)
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    text = "\n\n".join(f"## {title}\n\n{as_markdown(rows)}" for title, rows in tables.items())
    (FOLDER / "bench.md").write_text(f"# Measured {started}\n\n{machine}\n\n{text}\n", encoding="utf-8")
    record = {"started": started, "machine": machine, "tables": tables}
    (FOLDER / "bench.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written: {FOLDER / 'bench.md'}, {FOLDER / 'bench.json'}")


def as_markdown(rows: Rows) -> str:
    """Rows with the same keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([_text(row[key]) for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
