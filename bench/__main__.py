"""Run every measurement and write build/bench/: one Markdown and one JSON file, medians and ratios from this run."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

import torch

from bench.checks import measure_checks
from bench.grading import measure_grading, measure_growth
from bench.training import measure_training

FOLDER = Path("build/bench")


def main() -> None:
    torch.set_num_threads(1)
    started = time.strftime("%Y-%m-%d %H:%M")
    tables = {}
    for title, measure in {
        "An epoch of MovieLens 100K, bs 64, bias and range, wd 0.1": measure_training,
        "A check, as a learner waits for it": measure_checks,
        "A class of 24 submissions to lessons 01 to 03, until it stands in the gradebook, median of 3": measure_grading,
        "A growing class, two workers": measure_growth,
    }.items():
        print(f"== {title}", flush=True)
        tables[title] = measure()
        print(as_markdown(tables[title]), flush=True)
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(f"## {title}\n\n{as_markdown(rows)}" for title, rows in tables.items())
    (FOLDER / "bench.md").write_text(f"# Measured {started}\n\n{machine}\n\n{text}\n", encoding="utf-8")
    record = {"started": started, "machine": machine, "tables": tables}
    (FOLDER / "bench.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written: {FOLDER / 'bench.md'}, {FOLDER / 'bench.json'}")


def as_markdown(rows: list[dict[str, object]]) -> str:
    """Rows with the same keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([_text(row[key]) for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
