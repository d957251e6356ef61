"""Real parts for the journey: a JupyterLab server for each person, and Debian's Chromium."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
# nothing that a browser looks up by itself, and no sandbox of its own where it runs as root
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
START_SECONDS = 120


def environment(person: str, home: Path, exchange: Path) -> dict[str, str]:
    """What a person's commands and servers run with; nothing of it is shared with whoever runs the tests."""
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = '{"fetchNews": "false", "checkForUpdates": false}'  # as make lab has it
    (settings / "notification.jupyterlab-settings").write_text(quiet, encoding="utf-8")
    places = {
        name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    return {
        **os.environ,
        **places,
        "HOME": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "IPYTHONDIR": str(home / "ipython"),
        "USER": person,
        "LOGNAME": person,
        "AUTOGRADE_EXCHANGE": str(exchange),
        "COLLABKIT_CACHE": os.environ.get("COLLABKIT_CACHE", str(Path.home() / ".cache" / "collabkit")),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")),
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
    }


def command(*words: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command of this installation and return what it prints. AssertionError with its last lines if it fails."""
    done = subprocess.run(
        [SCRIPTS / words[0], *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-3000:] or done.stdout[-3000:]}"
    return done.stdout


@contextlib.contextmanager
def jupyter_lab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A server in that folder, on loopback alone; its address. It ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        *("--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.news_url=", "--ServerApp.allow_root=True"),
        *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True"),
    ]
    log = folder.parent / f"{folder.name}-server.log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [SCRIPTS / "jupyter-lab", *options], cwd=folder, env=environment, stdout=said, stderr=said
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(server, f"{address}/api", log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-3000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"no server within {START_SECONDS} seconds: {log.read_text()[-3000:]}")
