"""Call a function in an interpreter of its own, so that no measurement warms or fattens the next one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from typing import Any

from bench.peers import peak_memory_mb


def call(module: str, function: str, **arguments: Any) -> dict[str, Any]:
    """What `module.function(**arguments)` returns, a dict of plain data, with "peak MB": the most the process held.

    RuntimeError with the end of what it wrote to stderr when it fails.
    """
    command = [sys.executable, "-m", "bench.fresh", module, function, json.dumps(arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{module}.{function} failed: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    import torch

    torch.set_num_threads(1)
    module, function, arguments = sys.argv[1:]
    result = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    print(json.dumps({**result, "peak MB": round(peak_memory_mb())}))


if __name__ == "__main__":
    main()
