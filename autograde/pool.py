"""Workers for a class, by Dask: processes of this machine, or whatever a scheduler elsewhere has gathered."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from autograde.course import CourseError
from autograde.local_workers import UNWATCHED, LocalWorkers

__all__ = ["graded", "shape"]

THREADS = 4  # at most, in one worker process: they share a judge and a warm server
WINDOW = 8  # jobs for each thread that may be on their way at once, so that a large class fits into memory
JOIN_SECONDS = 120  # how long a scheduler may take to find its first worker
LOST = (
    "The connection to the workers was lost. What was graded is kept: the same command goes on where this one stopped."
)

Place = TypeVar("Place")


def graded(jobs: Iterator[tuple[Place, Any]], workers: int, scheduler: str, walls: bool) -> Iterator[tuple[Place, Any]]:
    """(place, Done or the exception) of each job, as each is done; no worker is started as long as there is no job.

    jobs: (place, Job), drawn as workers get free. scheduler: the address of a running one, "" for workers of our own.
    Raises CourseError when there are no workers, or the connection to them is lost.
    """
    first = next(jobs, None)
    if first is None:
        return
    jobs = itertools.chain([first], jobs)
    with contextlib.ExitStack() as stack:
        thread = stack.enter_context(ThreadPoolExecutor(1))
        starting = thread.submit(_client, stack, workers, scheduler, walls)
        yield from _through(starting, jobs, workers)
        # all is done: who asked need not wait until they have left; the process itself does
        threading.Thread(target=stack.pop_all().close, name="workers leaving").start()


def shape(workers: int) -> list[int]:
    """The threads of each process, for so many workers: as few processes as there can be, of nearly one size."""
    processes = -(-workers // THREADS)
    return [workers // processes + (number < workers % processes) for number in range(processes)]


def _through(starting: Future, jobs: Iterator[tuple[Place, Any]], workers: int) -> Iterator[tuple[Place, Any]]:
    from distributed import KilledWorker, as_completed

    from autograde.worker import run

    ready = list(itertools.islice(jobs, WINDOW * workers))  # read while the workers start
    client, why_lost = starting.result()
    window = WINDOW * max(workers, sum(client.nthreads().values()))
    jobs = itertools.chain(ready, jobs)
    running: dict[Any, tuple[Place, Any]] = {}
    suspects: list[tuple[Place, Any]] = []  # their workers died, perhaps by the job beside them
    alone = False
    done = as_completed(loop=client.loop, raise_errors=False)
    while True:
        more = list(itertools.islice(jobs, window - len(running)))
        if not running and not more:
            alone = True
            more = [suspects.pop() for _ in suspects[:1]]
        for place, job in more:
            future = client.submit(run, job, pure=False)
            running[future] = place, job
            done.add(future)
        if not running:
            return
        future = next(done)
        place, job = running.pop(future)
        if future.cancelled():
            raise CourseError(why_lost())
        error = future.exception()
        if isinstance(error, KilledWorker) and not alone:
            suspects.append((place, job))
        else:
            yield place, error or future.result()


def _client(stack: contextlib.ExitStack, workers: int, scheduler: str, walls: bool) -> tuple[Any, Callable[[], str]]:
    """A client of Dask's, and what to say when its connection is lost."""
    return _client_elsewhere(stack, scheduler, walls) if scheduler else _client_here(stack, workers, walls)


def _client_here(stack: contextlib.ExitStack, workers: int, walls: bool) -> tuple[Any, Callable[[], str]]:
    """A scheduler in this process, on loopback alone, and processes that work for it."""

    local = LocalWorkers(shape(workers), walls, lambda: client.close())  # which begin while Dask is imported here
    stack.callback(local.close)
    import dask
    from distributed import Client, Scheduler, SpecCluster

    stack.enter_context(dask.config.set(UNWATCHED))
    # its page of statistics is on loopback too, and nobody reads it
    place = {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    cluster = SpecCluster(scheduler={"cls": Scheduler, "options": place}, silence_logs=logging.CRITICAL)
    stack.callback(cluster.close)
    client = _closed_by(stack, Client(cluster))
    local.join(cluster.scheduler_address)
    return client, lambda: local.failure or LOST


def _client_elsewhere(stack: contextlib.ExitStack, scheduler: str, walls: bool) -> tuple[Any, Callable[[], str]]:
    from distributed import Client

    from autograde.worker import DeskPlugin, walls_here

    try:
        client = _closed_by(stack, Client(scheduler, timeout=JOIN_SECONDS))
        client.wait_for_workers(1, timeout=JOIN_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(f"The scheduler {scheduler} gives no workers: {error}") from None
    if walls:
        for address, found in client.run(walls_here).items():
            if not found["enough"]:
                raise CourseError(f"The worker {address} has not enough walls: see autograde doctor there.")
    client.register_plugin(DeskPlugin(walls))
    return client, lambda: LOST


def _closed_by(stack: contextlib.ExitStack, client: Any) -> Any:
    stack.callback(client.close)  # a client that is entered as a context must be left in the thread that entered it
    return client
