"""JupyterHub for one class on one Linux machine: each person an account, and nobody sees another's work.

docs/hub.md goes through it step by step. It is run by root: jupyterhub --config docs/deploy/jupyterhub_config.py
"""

import os
import pwd
import shutil
import sys
import sysconfig
from pathlib import Path

from autograde.course import COURSE_ID

c = get_config()


# ---- Settings: each from the environment, so that this file may stay as it is


def setting(name, default):
    return os.environ.get(f"HUB_{name}", default)


ADDRESS = setting("ADDRESS", "http://127.0.0.1:8000")  # what the web server with the certificate passes on to
STUDENTS = setting("STUDENTS", "students")  # the Unix group of everybody who takes the course
INSTRUCTOR = setting("INSTRUCTOR", "instructor")  # the account that holds the course and grades
try:
    home = pwd.getpwnam(INSTRUCTOR).pw_dir
except KeyError:
    sys.exit(f"There is no account {INSTRUCTOR!r} on this machine: HUB_INSTRUCTOR names the instructor's.")
COURSE = setting("COURSE", f"{home}/collaborative-filtering")  # a clone of the repository, in that home
EXCHANGE = Path(setting("EXCHANGE", "/srv/collaborative-filtering/exchange"))
GRADEBOOK = setting("GRADEBOOK", "")  # postgresql://USER@HOST/NAME; else SQLite, in the course's folder
RATINGS = Path(setting("RATINGS", "/srv/collaborative-filtering/ratings"))  # fetched once, for all
STATE = Path(setting("STATE", "/srv/collaborative-filtering/hub"))  # the hub's database and cookie secret
GIGABYTES = float(setting("GIGABYTES", "4"))  # of memory, for each process of a student's
PROCESSES = int(setting("PROCESSES", "300"))  # and threads, for all of a student's servers and kernels
IDLE_HOURS = float(setting("IDLE_HOURS", "3"))  # after which a forgotten kernel ends, and then its server


# ---- Folders: made, and put right, whenever the hub starts

os.umask(0o022)  # feedback is copied with the rights it was written with, and the student must read it
STATE.mkdir(parents=True, exist_ok=True, mode=0o700)
EXCHANGE.mkdir(parents=True, exist_ok=True)
EXCHANGE.chmod(0o1777)  # nbgrader wants it writable for all; sticky, or anybody could put the course aside
course_in_exchange = EXCHANGE / COURSE_ID
course_in_exchange.mkdir(exist_ok=True)  # before a student makes one of that name
shutil.chown(course_in_exchange, INSTRUCTOR)


# ---- Who may come in, and where

c.JupyterHub.bind_url = ADDRESS
c.JupyterHub.authenticator_class = "pam"  # the accounts of this machine; docs/hub.md names others
c.PAMAuthenticator.allowed_groups = {STUDENTS}
c.Authenticator.allowed_users = {INSTRUCTOR}
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
beside_python = Path(sys.prefix, "proxy", "node_modules", ".bin", "configurable-http-proxy")  # where make hub puts it
c.ConfigurableHTTPProxy.command = [str(beside_python) if beside_python.exists() else "configurable-http-proxy"]


# ---- What each person's server runs with

desks = Path(__file__).resolve().parent
SERVER = [sys.executable, "-m", "jupyterhub.singleuser"]
LIMITS = ["prlimit", f"--data={int(GIGABYTES * 2**30)}", f"--nproc={PROCESSES}", "--core=0"]


def desk(spawner):
    """Folders of Jupyter's configuration: formgrader is for the instructor alone."""
    names = ("everybody",) if spawner.user.name == INSTRUCTOR else ("students", "everybody")
    return os.pathsep.join(str(desks / name) for name in names)


def prepare(spawner):
    """Close the home, in which work, feedback and the course lie; hold students to their limits."""
    name = spawner.user.name
    os.chmod(pwd.getpwnam(name).pw_dir, 0o700)
    spawner.cmd = SERVER if name == INSTRUCTOR else LIMITS + SERVER
    if name == INSTRUCTOR:
        spawner.environment = {**spawner.environment, "AUTOGRADE_ROOT": COURSE, "AUTOGRADE_DB": GRADEBOOK}


c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = SERVER
c.Spawner.pre_spawn_hook = prepare
c.Spawner.environment = {
    "AUTOGRADE_EXCHANGE": str(EXCHANGE),
    "COLLABKIT_CACHE": str(RATINGS),
    "JUPYTER_CONFIG_PATH": desk,
    "OMP_NUM_THREADS": "1",  # one notebook must not take all cores; at this size a second thread gains nothing
    "PATH": os.pathsep.join([sysconfig.get_path("scripts"), "/usr/local/bin", "/usr/bin", "/bin"]),
}
c.Spawner.mem_limit = int(GIGABYTES * 2**30)  # for spawners that hold a whole server to it, as systemdspawner does
c.Spawner.start_timeout = 120
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={int(IDLE_HOURS * 3600)}",
    f"--ServerApp.shutdown_no_activity_timeout={int(IDLE_HOURS * 3600)}",
]
c.JupyterHub.concurrent_spawn_limit = 8  # a class that logs in at once waits in a line
