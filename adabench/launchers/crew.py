"""The coordinator's side: worker processes, their tasks, and what to make of a worker that dies.

Workers are forked from a `server` process that has imported the engine and done nothing else, so a
further worker costs milliseconds. Where there is no fork, each imports the engine for itself.
"""

import multiprocessing
import signal
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from adabench.engine.tasks import Task
from adabench.events import Event, JobEnded, Summary
from adabench.launchers.worker import Message, Place, Remark, serve
from adabench.spec import Job

_FORKS = "forkserver" in multiprocessing.get_all_start_methods()


def run_side_by_side(todo: Iterable[Task], *, workers: int, place: Place) -> Generator[Event, None, None]:
    """Run tasks in worker processes, started in their order; none of the processes outlives this.

    Args:
        todo: the tasks.
        workers: how many run at once.
        place: where each worker computes, and what it reads and writes.

    Yields:
        The events of all running tasks as they come.
    """
    warm_up()
    waiting, crew = deque(todo), dict[Connection, Worker]()
    try:
        while waiting or crew:
            while waiting and len(crew) < workers:
                worker = Worker(place)
                crew[worker.pipe] = worker
                worker.give(waiting.popleft())
            for pipe in wait(list(crew)):
                worker = crew[pipe]  # type: ignore[index]  # only connections were waited for
                events = worker.hear()
                if worker.free and waiting:  # before anyone looks at the events, which may take a while
                    worker.give(waiting.popleft())
                for event in events:
                    yield _side_by_side(event, workers)
                if worker.free or worker.dead:
                    del crew[worker.pipe]
                    worker.dismiss()
    finally:
        for worker in crew.values():
            worker.kill()
        for worker in crew.values():
            worker.dismiss()


def warm_up() -> None:
    """Start the server that workers are forked from; it imports the engine while this process goes on."""
    if _FORKS:
        from multiprocessing import forkserver, resource_tracker

        forkserver.set_forkserver_preload(["adabench.launchers.server"])
        resource_tracker.ensure_running()  # the forkserver's first step, which would let the signal through
        with _unheard(signal.SIGINT):
            forkserver.ensure_running()


class Worker:
    """A worker process, seen from the coordinator.

    Args:
        place: where it computes, and what it reads and writes.
    """

    def __init__(self, place: Place) -> None:
        context = (
            multiprocessing.get_context("forkserver") if _FORKS else multiprocessing.get_context("spawn")
        )
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, place), daemon=True)
        self._process.start()
        theirs.close()
        self._unfinished: dict[str, Job] = {}
        self.dead = False

    @property
    def free(self) -> bool:
        """Whether it lives and has nothing to do."""
        return not self._unfinished and not self.dead

    def give(self, task: Task) -> None:
        """Let it run a task. One that has died meanwhile is found out by `hear`."""
        self._unfinished = {job.key: job for job in task}
        with suppress(OSError):
            self.pipe.send([job.model_dump_json() for job in task])

    def hear(self) -> list[Event]:
        """Take in one message, or the news that the process is gone; the events that this makes."""
        try:
            message: Message = self.pipe.recv()
        except (EOFError, OSError):
            self.dead = True
            return self._obituary()
        if isinstance(message, Remark):
            warnings.warn(message.text, stacklevel=2)
            return []
        if isinstance(message, JobEnded):
            del self._unfinished[message.job.key]
        return [message]

    def kill(self) -> None:
        """End the process at once; what it has not finished is lost."""
        self._process.kill()

    def dismiss(self) -> None:
        """Hang up, upon which the process ends, and see to it that it has."""
        self.pipe.close()
        self._process.join()

    def _obituary(self) -> list[Event]:
        """The ends of the jobs that died with the process."""
        self._process.join()
        reason = _cause_of_death(self._process.exitcode)
        return [
            JobEnded(job=job, status="failed", reason=reason, summary=Summary(), environment=None)
            for job in self._unfinished.values()
        ]


def _cause_of_death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its worker process ended with exit code {code}"
    death = f"its worker process was ended by signal {-code} ({signal.Signals(-code).name})"
    if -code == signal.SIGKILL:
        return f"{death}, as happens when memory runs out; fewer --workers need less"
    return death


def _side_by_side(event: Event, workers: int) -> Event:
    """The event, with the number of workers noted where it says what the job ran with."""
    if isinstance(event, JobEnded) and event.environment:
        return replace(event, environment=event.environment.model_copy(update={"workers": workers}))
    return event


@contextmanager
def _unheard(number: signal.Signals) -> Iterator[None]:
    """Start processes that never hear a signal; one that comes meanwhile waits for the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
