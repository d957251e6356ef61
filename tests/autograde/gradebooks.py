"""Gradebooks for tests: SQLite, or with AUTOGRADE_TEST_GRADEBOOK=postgresql on a server that the tests start.

On PostgreSQL each course has a database of its own, named after its folder. No tests in here.
"""

import contextlib
import glob
import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograde.cli import main
from autograde.course import Course
from autograde.database import connect

ON_POSTGRESQL = os.environ.get("AUTOGRADE_TEST_GRADEBOOK") == "postgresql"
SERVER = "AUTOGRADE_TEST_SERVER"  # the URL of the running server, for the workers of pytest-xdist
PATIENCE = 60  # seconds


def course_at(root, folder):
    """A course whose gradebook is where this run has them."""
    return Course(root, folder, url_of(folder))


def url_of(folder):
    """The URL of a folder's gradebook on PostgreSQL, whose database is made if need be; "" for SQLite."""
    if not ON_POSTGRESQL:
        return ""
    import psycopg

    name = name_of(folder)
    # another worker of pytest-xdist may make it at the same time
    made = contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(os.environ[SERVER], autocommit=True) as server, made:
        server.execute(f"CREATE DATABASE {name}")
    return with_name(os.environ[SERVER], name)


def run_command(words, folder):
    """Run `autograde` on the course in a folder; returns click's result, and fails on a traceback."""
    result = CliRunner().invoke(main, list(map(str, words)), env={"AUTOGRADE_DB": url_of(folder)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def copy_of(course, folder, **options):
    """The course once more in another folder, its gradebook with it. options: for copytree."""
    shutil.copytree(course.folder, folder, **options)
    if ON_POSTGRESQL:
        copy_gradebook(course.folder, folder)
    return course_at(course.root, folder)


def copy_gradebook(folder, to):
    """A copy of a folder's database; whoever is connected to it is waited for."""
    import psycopg

    url_of(folder)
    end = time.monotonic() + PATIENCE
    with psycopg.connect(os.environ[SERVER], autocommit=True) as server:
        while True:
            try:
                server.execute(f"CREATE DATABASE {name_of(to)} TEMPLATE {name_of(folder)}")
                return
            except psycopg.errors.ObjectInUse:
                assert time.monotonic() < end
                time.sleep(0.1)


def forget(course):
    """Take the gradebook away, as if it had never been."""
    if ON_POSTGRESQL:
        with connect(os.environ[SERVER]) as server:
            server.write(f"DROP DATABASE IF EXISTS {name_of(course.folder)} WITH (FORCE)")
        url_of(course.folder)
    else:
        course.database.unlink(missing_ok=True)


def rows_in(course, query):
    """What a query finds in the course's gradebook."""
    with connect(course.db_url) as db:
        return db.read(query)


def in_threads(*works):
    """Call all at the same time, and wait for them; nothing may be raised."""
    raised = []

    def run(work):
        try:
            work()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []


def name_of(folder):
    return f"c{hashlib.sha256(str(Path(folder).resolve()).encode()).hexdigest()[:20]}"


def with_name(url, name):
    return f"{url.rpartition('/')[0]}/{name}"


@contextlib.contextmanager
def postgresql_server():
    """The URL of a PostgreSQL server on loopback, with a password; it stops, and nothing of it stays."""
    folder = tempfile.mkdtemp(prefix="autograde-postgresql-")
    who = {}
    if os.getuid() == 0:  # which the server refuses to run as
        names = {each.pw_name for each in pwd.getpwall()}
        user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    password = secrets.token_hex(8)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": {"PATH": os.environ["PATH"]}}
    server = None
    try:
        (Path(folder) / "password").write_text(password)
        (Path(folder) / "password").chmod(0o644)  # in a folder that only the server's user may enter
        made = subprocess.run(
            [
                *(tool("initdb"), "--pgdata", "data", "--username", "grader", "--pwfile", "password"),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
            ],
            check=False,
            **quiet,
            **who,
        )
        assert made.returncode == 0, made.stdout.decode()
        command = [tool("postgres"), "-D", "data", "-p", str(port), "-k", "", "-h", "127.0.0.1", "-F"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(command, **{**quiet, "stdout": log}, **who)
        url = f"postgresql://grader:{password}@127.0.0.1:{port}/postgres"
        _wait(url, server, Path(folder) / "log")
        yield url
    finally:
        if server:
            server.send_signal(2)  # SIGINT: end the sessions and stop
            server.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def tool(name):
    """A program of PostgreSQL, from the PATH or from where Debian puts it. The test is skipped where there is none."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[::-1]), None)
    if not found:
        pytest.skip(f"{name} is not here: apt-get install postgresql")
    return found


def _wait(url, server, log):
    import psycopg

    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
