"""Set up the peers' environment where it is missing, and measure each of them in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["PEERS", "measure_peers"]

PEERS = (
    "Surprise SVD",
    "Surprise SVD, tuned",
    "Surprise SVD, for the race",
    "cornac MF, tuned",
    "cornac MF, for the race",
)
SCRIPT, REQUIREMENTS = (Path(__file__).with_name(name) for name in ("peers.py", "peers.txt"))
ENVIRONMENT = Path("build/bench/peers")
SETUP_LIMIT, MEASURE_LIMIT = 1800, 900  # seconds


def measure_peers(
    split_file: Path,
    target: float,
    *,
    environment: Path = ENVIRONMENT,
    requirements: Path = REQUIREMENTS,
) -> list[dict[str, Any]]:
    """One row per peer, as `bench/peers.py` prints it.

    The environment is made first, unless it is there and newer than its requirements. Where that or a peer
    fails, the rows say so instead: {"name", "note"}, and the bench goes on.
    """
    try:
        set_up(environment, requirements)
    except (OSError, subprocess.SubprocessError) as error:
        return [{"name": name, "note": f"not installed: {_reason(error)}"} for name in PEERS]
    return [_measure(name, split_file, target, environment) for name in PEERS]


def set_up(environment: Path, requirements: Path) -> None:
    """Make the virtual environment, or bring it up to date; OSError or SubprocessError if that fails."""
    stamp = environment / ".ready"
    if stamp.exists() and stamp.stat().st_mtime >= requirements.stat().st_mtime:
        return
    print(f"== setting up {environment}: a minute or two, once", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", environment, limit=SETUP_LIMIT)
    _run(environment / "bin" / "pip", "install", "-qq", "-r", requirements, limit=SETUP_LIMIT)
    stamp.touch()


def _measure(name: str, split_file: Path, target: float, environment: Path) -> dict[str, Any]:
    command = (environment / "bin" / "python", SCRIPT, name, split_file, "--target", target)
    try:
        return json.loads(_run(*command, limit=MEASURE_LIMIT).splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return {"name": name, "note": f"not measured: {_reason(error)}"}


def _run(*command: object, limit: float) -> str:
    """What a command wrote to stdout; the caller's own Python settings are not passed on."""
    settings = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True, timeout=limit, env=settings
    )
    return done.stdout


def _reason(error: Exception) -> str:
    """The last line that a failed command wrote to stderr, or what the error itself says."""
    written = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else ""
    return written.splitlines()[-1] if written else str(error)
