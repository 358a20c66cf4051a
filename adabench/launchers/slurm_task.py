"""The task's side: a process on a node that carries out a bundle of orders, one after another.

It appends what happens to a file that the coordinator reads, if there is one. Warned that it is about to
be ended, for its time limit or for jobs that go before it, it writes the state of its run and puts
itself back into the queue. Begun again, there or after its node has died, it passes over the jobs that
have ended and goes on with the one that was under way.
"""

import os
import signal
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from adabench.events import Event, JobEnded, StepsDone
from adabench.launchers import slurm_queue
from adabench.launchers.slurm_tail import Tail
from adabench.launchers.wire import encode

if TYPE_CHECKING:
    from adabench.launchers.remote import Order

WARNINGS = (signal.SIGTERM, signal.SIGUSR2)
"""What SLURM sends some time before it ends a task."""

MOST_RESTARTS = 100
"""How often a task is begun again, after which it puts itself back no more."""

SIGN_SECONDS = 2.0
"""From one sign of life in the file to the next: there are many tasks, and the file is kept for long."""


def work(orders: Sequence[str], events: str) -> None:
    """Carry out orders until all have been, or until the task is to leave its place.

    Args:
        orders: each an `Order` as JSON.
        events: the file for the events; its folder exists where the storage is shared.

    Raises:
        ResultError: a result cannot be written.
    """
    warned = _Warned()  # before the engine is imported, which takes seconds
    from adabench.launchers.remote import Order

    todo, path = [Order.model_validate_json(order) for order in orders], Path(events)
    ended = {event.job.key for event in Tail(path).events() if isinstance(event, JobEnded)}
    left = [order for order in todo if not ended.issuperset(job.key for job in order.jobs)]
    with path.open("a") as file, closing(_carried_out(left)) as running:
        told = _Told(file)
        for event in running:
            told.add(event)
            if warned.asked and _restarts() < MOST_RESTARTS:
                break
        else:
            return
    slurm_queue.requeue(os.environ["SLURM_JOB_ID"])


class _Warned:
    """Notes that SLURM has sent a warning."""

    def __init__(self) -> None:
        self.asked = False
        for number in WARNINGS:
            signal.signal(number, self._note)

    def _note(self, number: int, _: object) -> None:
        sys.stderr.write(f"adabench: {signal.Signals(number).name}: leaving at the next event\n")
        self.asked = True


class _Told:
    """Appends events to a file, each a line of its own, and the signs of life now and then."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._last_sign = file, 0.0
        file.write("\n")  # ends a line that a killed process has left unfinished

    def add(self, event: Event) -> None:
        """Write down an event; network file systems are made to show signs of life and ends at once."""
        if isinstance(event, StepsDone):
            if time.monotonic() - self._last_sign < SIGN_SECONDS:
                return
            self._last_sign = time.monotonic()
        self._file.write(encode(event) + "\n")
        self._file.flush()
        if isinstance(event, StepsDone | JobEnded):
            os.fsync(self._file.fileno())


def _carried_out(orders: Sequence["Order"]) -> Generator[Event, None, None]:
    from adabench.launchers.remote import carry_out

    for order in orders:
        yield from carry_out(_counted(order))


def _counted(order: "Order") -> "Order":
    """The order, with its attempt counted on where a process before this one has begun it."""
    from adabench.results import ResultStore

    begun = (ResultStore(Path(order.out)).runs_folder / order.jobs[0].run_key).exists()
    return order.model_copy(update={"attempt": order.attempt + _restarts()}) if begun else order


def _restarts() -> int:
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))
