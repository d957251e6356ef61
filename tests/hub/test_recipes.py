"""What docs/ hands out for clusters, as far as it can be held against something without one.

SLURM itself is not here: small scripts stand in for sbatch, srun, squeue and scancel. Nothing of Kubernetes is.
"""

from __future__ import annotations

import importlib.util
import pwd
import re
import shutil
import subprocess
import sys
import types

import pytest
import yaml

from .conftest import DEPLOY, PASSWORDS, running
from .machine import ROOT
from .person import Person

KUBERNETES = DEPLOY / "kubernetes"
SLURM = {
    "sbatch": 'cat > "$HOME/job.sh"; setsid bash "$HOME/job.sh" > "$HOME/job.log" 2>&1 < /dev/null & echo $!',
    "srun": 'exec "$@"',
    "squeue": 'while [ "$1" != -j ]; do shift; done; kill -0 "$2" 2>/dev/null && echo RUNNING localhost',
    "scancel": 'kill -- "-$1"',
}

# Keys of the chart's values that are documented, by the path that leads to them.
CHART = {
    "hub": {"config", "services", "loadRoles", "extraConfig"},
    "singleuser": {"image", "extraEnv", "memory", "cpu", "storage", "networkPolicy"},
    "singleuser.image": {"name", "tag"},
    "singleuser.memory": {"limit", "guarantee"},
    "singleuser.cpu": {"limit", "guarantee"},
    "singleuser.storage": {"capacity"},
    "singleuser.networkPolicy": {"egressAllowRules"},
    "singleuser.networkPolicy.egressAllowRules": {"privateIPs"},
    "cull": {"enabled", "timeout"},
}


@pytest.fixture(scope="module")
def values():
    return {
        path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (KUBERNETES / "jupyterhub-values.yaml", KUBERNETES / "ngshare-values.yaml")
    }


def code_blocks(page, name):
    """The Python blocks of a page whose first line names that file."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in blocks if block.startswith(f"# {name}")]


def test_a_student_s_server_is_a_job(machine, hub):
    pytest.importorskip("batchspawner")
    scripts = machine.folder / "srv" / "slurm"
    scripts.mkdir()
    for name, does in SLURM.items():
        (scripts / name).write_text(f"#!/bin/sh\n{does}\n")
        (scripts / name).chmod(0o755)
    commands = {
        "submit": "sbatch --parsable",
        "query": "squeue -h -j {job_id} -o '%T %B'",
        "cancel": "scancel {job_id}",
    }
    options = [f"--SlurmSpawner.batch_{name}_cmd=/srv/slurm/{command}" for name, command in commands.items()]
    local = ("--SlurmSpawner.ip=127.0.0.1", "--SlurmSpawner.req_srun=/srv/slurm/srun")
    with running(machine, DEPLOY / "slurm" / "jupyterhub_config.py", *options, *local, name="slurm-hub") as hub:
        ada = Person(hub.address, "ada", PASSWORDS["ada"])
        ada.start()
        assert ada.status("api/contents") == 200
        assert ada.status("formgrader/manage_assignments") == 404
        script = hub.home("ada").joinpath("job.sh").read_text()
        assert "#SBATCH --mem=4096M" in script
        assert "#SBATCH --cpus-per-task=1" in script


def test_values_have_only_documented_keys(values):
    def keys(tree, path):
        for name, inner in tree.items():
            here = f"{path}.{name}".lstrip(".")
            if here in CHART:
                yield from ((here, key) for key in inner)
                yield from keys(inner, here)

    assert set(values["jupyterhub-values.yaml"]) <= {name for name in CHART if "." not in name}
    for path, key in keys(values["jupyterhub-values.yaml"], ""):
        assert key in CHART[path], f"{path}.{key}"
    assert {name: set(inner) for name, inner in values["ngshare-values.yaml"].items()} == {
        "ngshare": {"hub_api_token", "admins"},
        "pvc": {"storage"},
    }


def test_desks_on_kubernetes_tell_students_from_instructors(values):
    pytest.importorskip("jupyterhub")
    from traitlets.config import Config

    c = Config()
    c.KubeSpawner.environment = {}
    exec(values["jupyterhub-values.yaml"]["hub"]["extraConfig"]["desks"], {"c": c})
    environment = c.KubeSpawner.environment

    def of(name, user):
        return environment[name](types.SimpleNamespace(user=types.SimpleNamespace(name=user)))

    (instructor,) = values["ngshare-values.yaml"]["ngshare"]["admins"]
    assert of("JUPYTER_CONFIG_PATH", instructor) == "/opt/desks/everybody"
    assert of("JUPYTER_CONFIG_PATH", "ada") == "/opt/desks/students:/opt/desks/everybody"
    assert of("AUTOGRADE_ROOT", "ada") == ""


def test_roles_give_ngshare_to_everybody(values):
    """The scopes are JupyterHub's, and nobody loses one that the role has without us."""
    roles = pytest.importorskip("jupyterhub.roles")
    from jupyterhub.scopes import scope_definitions

    defaults = {role["name"]: role["scopes"] for role in roles.get_default_roles()}
    for name, role in values["jupyterhub-values.yaml"]["hub"]["loadRoles"].items():
        assert {scope.partition("!")[0] for scope in role["scopes"]} <= set(scope_definitions)
        assert set(defaults[name]) <= set(role["scopes"])


def test_nbgrader_takes_ngshare_s_exchange():
    """In a process of its own, since ngshare's classes change when they are configured."""
    if importlib.util.find_spec("ngshare_exchange") is None:
        pytest.skip("ngshare_exchange is not installed")
    code = (
        "from traitlets.config.loader import PyFileConfigLoader\n"
        "from nbgrader.exchange import ExchangeFactory\n"
        f"config = PyFileConfigLoader('nbgrader_config.py', {str(DEPLOY / 'everybody')!r}).load_config()\n"
        "print(ExchangeFactory(config=config).collect.__module__)"
    )
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "JUPYTERHUB_USER": "ines",
        "AUTOGRADE_NGSHARE": "http://ngshare:8080/services/ngshare",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "ngshare_exchange.collect", done.stderr


def test_grading_on_slurm_asks_for_what_a_worker_needs(monkeypatch):
    """The script in docs/grading.md, up to the job that it would hand in."""
    jobqueue = pytest.importorskip("dask_jobqueue")
    (script,) = code_blocks("grading.md", "grade_on_slurm.py")
    compile(script, "grade_on_slurm.py", "exec")
    call = script[script.index("SLURMCluster(") : script.index("cluster.scale")]

    def of_job(**settings):
        job = jobqueue.slurm.SLURMJob("tcp://127.0.0.1:8786", name="worker", **settings)
        return job.job_script()

    text = eval(call, {"SLURMCluster": of_job})
    assert "#SBATCH --cpus-per-task=4" in text
    assert "tcp://127.0.0.1:8786" in text
    assert "--nthreads 4" in text
    assert text.index("source ~/course/.venv/bin/activate") < text.index("distributed.cli.dask_worker")


def test_grading_on_kubernetes_is_python():
    (script,) = code_blocks("grading.md", "grade_on_kubernetes.py")
    compile(script, "grade_on_kubernetes.py", "exec")


def test_the_gradebook_s_url_reaches_the_instructor_alone(monkeypatch, tmp_path):
    pytest.importorskip("jupyterhub")
    from traitlets.config.loader import PyFileConfigLoader

    url = "postgresql://grader@db.example.org/course"
    account = types.SimpleNamespace(pw_dir=str(tmp_path))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: account)
    monkeypatch.setattr(shutil, "chown", lambda path, user: None)
    for name, value in {"GRADEBOOK": url, "EXCHANGE": tmp_path / "exchange", "STATE": tmp_path / "hub"}.items():
        monkeypatch.setenv(f"HUB_{name}", str(value))
    spawner = PyFileConfigLoader("jupyterhub_config.py", str(DEPLOY)).load_config().Spawner

    def environment_of(name):
        server = types.SimpleNamespace(user=types.SimpleNamespace(name=name), environment=spawner.environment)
        spawner.pre_spawn_hook(server)
        return server.environment

    assert environment_of("instructor")["AUTOGRADE_DB"] == url
    assert "AUTOGRADE_DB" not in environment_of("ada")


def test_the_page_has_each_setting_and_its_default():
    page = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `HUB_")]
    configuration = (DEPLOY / "jupyterhub_config.py").read_text(encoding="utf-8")
    settings = dict(re.findall(r'setting\("([A-Z_]+)", f?"([^"]*)"\)', configuration))
    assert set(re.findall(r"`HUB_([A-Z_]+)`", "".join(rows))) == set(settings)
    for row in rows:
        _, names, default, *_ = row.split("|")
        if "in " not in default:  # a folder in a folder, told in words
            told = [value.strip(" `") for value in default.split(",")]
            assert told == [settings[name] for name in re.findall(r"HUB_([A-Z_]+)", names)]
