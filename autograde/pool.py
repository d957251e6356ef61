"""Workers for a class, by Dask: processes of this machine, or whatever a scheduler elsewhere has gathered."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from autograde.course import CourseError
from autograde.local_workers import UNWATCHED, LocalWorkers

__all__ = ["Workers", "shape"]

THREADS = 4  # at most, in one worker process: they share a judge and a warm server
WINDOW = 8  # jobs for each thread that may be on their way at once, so that a large class fits into memory
JOIN_SECONDS = 120  # how long a scheduler may take to find its first worker
LOST = (
    "The connection to the workers was lost. What was graded is kept: the same command goes on where this one stopped."
)

Place = TypeVar("Place")


class Workers:
    """Workers for one class. A context manager, in which `graded` may be called once.

    number: of submissions at one time, here; scheduler: the address of a running one, "" for workers of our own.
    Those start at once, while whoever has work for them is still reading it, and end at once if there is none.
    """

    def __init__(self, number: int, scheduler: str, walls: bool):
        self._number, self._scheduler, self._walls = number, scheduler, walls
        self._stack = contextlib.ExitStack()
        self._local = None if scheduler else LocalWorkers(shape(number))
        if self._local:
            self._stack.callback(self._local.close)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._stack.close()
        else:  # all is done: who asked need not wait until they have left; the process itself does
            threading.Thread(target=self._stack.close, name="workers leaving").start()

    def graded(self, jobs: Iterator[tuple[Place, Any]]) -> Iterator[tuple[Place, Any]]:
        """(place, Done or the exception) of each job, as each is done.

        jobs: (place, Job), drawn as workers get free; nothing more is imported or set up as long as there is none.
        Raises CourseError when there are no workers, or the connection to them is lost.
        """
        first = next(jobs, None)
        if first is None:
            return
        thread = self._stack.enter_context(ThreadPoolExecutor(1))
        yield from self._through(thread.submit(self._client), itertools.chain([first], jobs))

    def _through(self, starting: Future, jobs: Iterator[tuple[Place, Any]]) -> Iterator[tuple[Place, Any]]:
        from distributed import KilledWorker, as_completed

        from autograde.worker import run

        ready = list(itertools.islice(jobs, WINDOW * self._number))  # read while the workers start
        client = starting.result()
        window = WINDOW * max(self._number, sum(client.nthreads().values()))
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
                raise CourseError((self._local and self._local.failure) or LOST)
            error = future.exception()
            if isinstance(error, KilledWorker) and not alone:
                suspects.append((place, job))
            else:
                yield place, error or future.result()

    def _client(self) -> Any:
        return self._client_here(self._local) if self._local else self._client_elsewhere()

    def _client_here(self, local: LocalWorkers) -> Any:
        """A scheduler in this process, on loopback alone, and processes that work for it."""
        local.prepare(self._walls)  # which they do while Dask is imported here
        import dask
        from distributed import Client, Scheduler, SpecCluster

        self._stack.enter_context(dask.config.set(UNWATCHED))
        # its page of statistics is on loopback too, and nobody reads it
        place = {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
        cluster = SpecCluster(scheduler={"cls": Scheduler, "options": place}, silence_logs=logging.CRITICAL)
        self._stack.callback(cluster.close)
        client = Client(cluster)
        self._stack.callback(client.close)  # entered as a context, it must be left in the thread that entered it
        local.join(cluster.scheduler_address, client.close)
        return client

    def _client_elsewhere(self) -> Any:
        from distributed import Client

        from autograde.worker import DeskPlugin, walls_here

        try:
            client = Client(self._scheduler, timeout=JOIN_SECONDS)
            self._stack.callback(client.close)
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise CourseError(f"The scheduler {self._scheduler} gives no workers: {error}") from None
        if self._walls:
            for address, found in client.run(walls_here).items():
                if not found["enough"]:
                    raise CourseError(f"The worker {address} has not enough walls: see autograde doctor there.")
        client.register_plugin(DeskPlugin(self._walls))
        return client


def shape(workers: int) -> list[int]:
    """The threads of each process, for so many workers: as few processes as there can be, of nearly one size."""
    processes = -(-workers // THREADS)
    return [workers // processes + (number < workers % processes) for number in range(processes)]
