"""Jobs on this machine: one task after another in this process, or several at once in workers."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path

from adabench.engine.tasks import Keeping, Task, run_task, tasks
from adabench.events import Event
from adabench.launchers import crew
from adabench.launchers.signals import deferred, heed
from adabench.launchers.worker import Place
from adabench.spec import Job


def launch(
    jobs: Iterable[Job],
    *,
    device: str,
    data_dir: Path,
    workers: int = 1,
    keeping: Keeping | None = None,
    hang_after: float = 1800.0,
) -> Generator[Event, None, None]:
    """Run jobs, yielding their events as they happen; closing the generator stops what is running.

    Args:
        jobs: what to run.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.
        workers: how many tasks may run at once, each in a process of its own; 1 runs them here.
        keeping: how runs under way are kept on disk; None keeps nothing.
        hang_after: seconds without a sign of life after which a worker is ended; nothing watches jobs
            that run here.

    Yields:
        Each job's events in their order; those of jobs that run side by side are mixed. A job whose
        process dies is tried once more, and then ends as ``failed``. The numbers are the same bits
        wherever a job runs.
    """
    todo = tasks(jobs)
    workers = min(workers, len(todo))
    place = Place(device=device, data_dir=data_dir, keeping=keeping)
    if workers > 1:
        yield from crew.run_side_by_side(todo, workers=workers, place=place, hang_after=hang_after)
    else:
        yield from _run_here(todo, place)


def warm_up(jobs: Sequence[Job], *, workers: int) -> None:
    """Prepare what `launch` will need for these jobs; it may be called early, or not at all."""
    if min(workers, len(jobs)) > 1:
        crew.warm_up()


def _run_here(todo: Iterable[Task], place: Place) -> Generator[Event, None, None]:
    """One task after another; a signal to stop is taken between two events, where the state is whole."""
    with deferred():
        for task in todo:
            running = run_task(task, device=place.device, data_dir=place.data_dir, keeping=place.keeping)
            with closing(running):  # which writes the state
                for event in running:
                    yield event
                    heed()
