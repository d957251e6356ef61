"""A notebook run as a learner runs it: in a real Jupyter kernel, with the real `check`. No tests in here."""

import os

import nbclient

from autograde.kernel.limits import Ended


def run_in_jupyter(notebook, folder, seconds=600):
    """Run all cells in place, in `folder`, and say how each ended. A busy machine fails no test: `seconds` are many."""
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=seconds,
        startup_timeout=seconds,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--HistoryManager.enabled=False"],
    )
    client.execute(env={**os.environ, "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(folder)})
    return [_ended(cell) for cell in notebook.cells]


def _ended(cell):
    if cell.cell_type != "code" or cell.execution_count is None:
        return Ended.SKIPPED
    return Ended.ERROR if any(output.output_type == "error" for output in cell.outputs) else Ended.OK
