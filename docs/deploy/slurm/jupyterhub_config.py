"""The class of ../jupyterhub_config.py with each server as a job of SLURM's, on whatever node has room.

It takes what clusters have: the same accounts, homes and folders of the course on all nodes. pip install batchspawner
"""

import os
import shutil
import sysconfig
from pathlib import Path

import batchspawner  # noqa: F401  # by which a job tells the hub its port

here = Path(__file__).resolve().parent
load_subconfig(str(here.parent / "jupyterhub_config.py"))
c = get_config()

scripts = Path(sysconfig.get_path("scripts"))
prepare = c.Spawner.pre_spawn_hook


def prepare_job(spawner):
    """As on one machine, without its limits on each process: the job has them for all of a server's."""
    prepare(spawner)
    spawner.cmd = [str(scripts / "jupyterhub-singleuser")]


c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.JupyterHub.hub_ip = os.environ.get("HUB_IP", "127.0.0.1")  # this machine's, as the nodes reach it
c.Spawner.pre_spawn_hook = prepare_job
c.Spawner.http_timeout = 120
runuser = shutil.which("runuser", path="/usr/sbin:/sbin")  # the hub is root's: each job is handed in as whose it is
c.SlurmSpawner.exec_prefix = f"{runuser} -u {{username}} --"
c.SlurmSpawner.batchspawner_singleuser_cmd = str(scripts / "batchspawner-singleuser")
c.SlurmSpawner.req_partition = os.environ.get("HUB_PARTITION", "")
c.SlurmSpawner.req_memory = f"{c.Spawner.mem_limit // 2**20}M"
c.SlurmSpawner.req_nprocs = "1"
c.SlurmSpawner.req_runtime = os.environ.get("HUB_RUNTIME", "08:00:00")  # after which unsaved work is gone
