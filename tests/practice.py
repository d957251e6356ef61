"""A notebook run as a learner runs it: in a real Jupyter kernel, with the real `check`. No tests in here."""

import os

import nbclient
import zmq

from autograde.kernel.limits import Ended


def run_in_jupyter(notebook, folder, seconds=600):
    """Run all cells in place, in `folder`, and say how each ended. A busy machine fails no test: `seconds` are many."""
    client = _Client(
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


class _Client(nbclient.NotebookClient):
    """nbclient, which sees each reply when it comes.

    What an Output widget sends while its cell runs goes past zmq.asyncio (jupyter_client's Session.send takes the plain
    socket) and takes away the signal that the reply has come: nbclient then found it when the cell's time was up, ten
    minutes later (zeromq/pyzmq, issue 2173). So after each message one looks.
    """

    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        channel = client.shell_channel
        send = channel.send

        def send_and_look(message):
            send(message)
            channel.socket.get(zmq.EVENTS)  # whatever has come is then handled

        channel.send = send_and_look
        return client


def _ended(cell):
    if cell.cell_type != "code" or cell.execution_count is None:
        return Ended.SKIPPED
    return Ended.ERROR if any(output.output_type == "error" for output in cell.outputs) else Ended.OK
