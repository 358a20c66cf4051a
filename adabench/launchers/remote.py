"""A task on a machine that may lose sight of the one that sent it.

What travels is an `Order`, as JSON: job specifications and where things lie, nothing pickled. Where
the folder of results is on storage that both machines see, the worker checkpoints and commits there
by itself, so that its work counts whatever becomes of the coordinator; else it keeps nothing, and its
events are all there is.
"""

import os
import secrets
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from adabench.engine.tasks import Keeping, run_task
from adabench.events import Event, JobEnded
from adabench.launchers.launcher import Site, Terms
from adabench.results import Ledger, ResultStore
from adabench.results.record import retold
from adabench.spec import Frozen, Job


class Order(Frozen):
    """A task, and all that a machine needs to carry it out."""

    jobs: tuple[Job, ...]
    device: str
    """In torch's words: ``cpu``, ``cuda``."""
    data_dir: str
    out: str
    """The folder of results, as an absolute path."""
    mark: str
    """The name of a file in ``out`` by which a machine knows that this is the coordinator's folder."""
    checkpoint_every: float
    rerun: bool = False
    command: tuple[str, ...] = ()
    """What the user typed, for the results' records."""
    workers: int = 1
    attempt: int = 1


def order_for(jobs: Sequence[Job], site: Site, terms: Terms, *, mark: str, attempt: int = 1) -> Order:
    """The order to run jobs as this process was told to, with paths that do not depend on where it is.

    Args:
        jobs: a task, or none where only what orders have in common is wanted.
        site: where they run.
        terms: what holds for all.
        mark: see `Order.mark`.
        attempt: how often they have been given away, counted from 1.
    """
    return Order(
        jobs=tuple(jobs),
        device=site.device,
        data_dir=os.path.abspath(terms.data_dir),  # noqa: PTH100  links stay as the user wrote them
        out=os.path.abspath(terms.out),  # noqa: PTH100
        mark=mark,
        checkpoint_every=terms.checkpoint_every,
        rerun=terms.rerun,
        command=(Path(sys.argv[0]).name, *sys.argv[1:]),
        workers=site.packing.workers,
        attempt=attempt,
    )


def carry_out(order: Order) -> Generator[Event, None, None]:
    """Run an order's jobs where this is called, committing each result if the storage is shared.

    Jobs that another copy of the order has finished meanwhile are told from their results.

    Yields:
        The events of its jobs, each after what it says has been committed. Closed early, it writes the
        state of the run.

    Raises:
        ResultError: a result cannot be written.
    """
    store = ResultStore(Path(order.out)) if is_shared(order) else None
    jobs = order.jobs
    if store and not order.rerun:
        found = [store.finished(job) for job in jobs]
        if all(found):
            for result in found:
                yield from retold(result) if result else ()
            return
    keeping = Keeping(store.runs_folder, order.checkpoint_every) if store else None
    ledger = Ledger(store, replace=order.rerun) if store else None
    facts = {"workers": order.workers, "attempts": order.attempt, "command": list(order.command)}
    running = run_task(jobs, device=order.device, data_dir=Path(order.data_dir), keeping=keeping)
    with closing(running):
        for event in running:
            told = event.noting(**facts) if isinstance(event, JobEnded) else event
            if ledger:
                ledger.add(told)
            yield told


@contextmanager
def marked(out: Path) -> Iterator[str]:
    """Mark a folder of results for as long as the block runs; the name of the mark, for `Order.mark`."""
    mark = out / f".coordinator-{secrets.token_hex(8)}"
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        yield mark.name
    finally:
        with suppress(OSError):
            mark.unlink()


def is_shared(order: Order) -> bool:
    """Whether this machine sees the coordinator's folder of results."""
    return (Path(order.out) / order.mark).exists()
