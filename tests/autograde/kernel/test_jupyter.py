"""Jupyter kernels forked from a warm server, as nbgrader's Validate and papermill start them."""

import subprocess
import sys
import time
import tomllib
from importlib.metadata import EntryPoint

import pytest
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from autograde.kernel import jupyter
from autograde.kernel.jupyter import WarmProvisioner, _arguments_of, _is_ordinary

from .children import is_gone

NAME, PLACE = "autograde-warm", "autograde.kernel.jupyter:WarmProvisioner"
NUMBERS = "import random, numpy, torch\n[random.random(), numpy.random.rand(), float(torch.rand(1))]"
pytestmark = pytest.mark.filterwarnings("ignore:.*without encryption")


def test_the_provisioner_is_offered_by_its_name(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][KernelProvisionerFactory.GROUP_NAME] == {NAME: PLACE}


@pytest.fixture
def warm(monkeypatch):
    """Kernels start warm; the server is gone afterwards."""
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setitem(factory.provisioners, NAME, EntryPoint(NAME, PLACE, factory.GROUP_NAME))
    monkeypatch.setattr(factory, "default_provisioner_name", NAME)
    yield
    jupyter._close_server()
    KernelProvisionerFactory.clear_instance()


def started(folder):
    """(manager, client) of a kernel that answers."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    return manager, client


def value_of(client, source):
    shown = []
    client.execute_interactive(source, timeout=60, output_hook=lambda message: shown.append(message["content"]))
    return next(content["data"]["text/plain"] for content in shown if "data" in content)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # jupyter_client leaves a socket to the collector
def test_kernels_are_forked_and_are_like_any_other(warm, tmp_path):
    manager, client = started(tmp_path)
    try:
        assert isinstance(manager.provisioner, WarmProvisioner)
        assert isinstance(manager.provisioner.process, jupyter._Forked)
        seen = "import os, sys\n({'torch', 'fastai', ''} <= {*sys.modules, *sys.path}, os.getpid(), os.getcwd())"
        assert eval(value_of(client, seen)) == (True, manager.provisioner.pid, str(tmp_path))
        assert (
            value_of(client, "import autograde\nautograde.check.__module__, __name__")
            == "('autograde.cell', '__main__')"
        )
        figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
        assert value_of(client, figure) == "<Figure size 640x480 with 1 Axes>"
        pid = manager.provisioner.pid
        first = value_of(
            client, "import random, numpy, torch\n[random.random(), numpy.random.rand(), float(torch.rand(1))]"
        )
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        assert is_gone(pid)
        second = value_of(
            client, "import random, numpy, torch\n[random.random(), numpy.random.rand(), float(torch.rand(1))]"
        )
        assert not set(eval(first)) & set(eval(second))
        pid = manager.provisioner.pid
        client.execute("while True: pass", stop_on_error=False)  # or what comes at once after it is left out too
        time.sleep(0.5)
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=60)["content"]["ename"] == "KeyboardInterrupt"
        assert value_of(client, "'after'") == "'after'"
        client.execute("import os; os._exit(3)")
        assert is_gone(pid)
        deadline = time.monotonic() + 20
        while manager.is_alive() and time.monotonic() < deadline:  # until the server has told
            time.sleep(0.05)
        assert not manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_server_that_fails_is_no_obstacle(warm, tmp_path, monkeypatch):
    def failed(*_):
        raise jupyter.ServerFailed("there is none")

    monkeypatch.setattr(jupyter, "_launched", failed)
    manager, client = started(tmp_path)
    assert isinstance(manager.provisioner.process, subprocess.Popen)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x"], ["-f", "x"]),
        (
            [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x", "--debug"],
            ["-f", "x", "--debug"],
        ),
        (["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "x"], None),
        (["python", "-m", "ipykernel_launcher", "-f", "x"], None),
        ([sys.executable, "-m", "xeus", "-f", "x"], None),
        ([sys.executable, "-O", "-m", "ipykernel_launcher", "-f", "x"], None),
        (["R", "--slave"], None),
    ],
)
def test_only_our_own_python_s_kernels_are_forked(command, arguments):
    assert _arguments_of(command) == arguments


def test_options_that_a_fork_cannot_honour(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert _is_ordinary({})
    assert _is_ordinary({"env": {"A": "1"}, "stdout": subprocess.DEVNULL, "cwd": "/"})
    assert not _is_ordinary({"env": {"PYTHONPATH": "/x"}})
    assert not _is_ordinary({"stderr": subprocess.PIPE})
    assert not _is_ordinary({"independent": True})
