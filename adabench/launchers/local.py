"""Jobs on this machine: one task after another in this process, or several at once in workers."""

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from adabench.engine.tasks import Keeping, run_task, tasks
from adabench.events import Event
from adabench.launchers import crew
from adabench.launchers.worker import Place
from adabench.spec import Job


def launch(
    jobs: Iterable[Job], *, device: str, data_dir: Path, workers: int = 1, keeping: Keeping | None = None
) -> Generator[Event, None, None]:
    """Run jobs, yielding their events as they happen; closing the generator stops what is running.

    Args:
        jobs: what to run.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.
        workers: how many tasks may run at once, each in a process of its own; 1 runs them here.
        keeping: how runs under way are kept on disk; None keeps nothing.

    Yields:
        Each job's events in their order; those of jobs that run side by side are mixed. A job whose
        process dies ends as ``failed``. The numbers are the same bits wherever a job runs.
    """
    todo = tasks(jobs)
    workers = min(workers, len(todo))
    if workers > 1:
        place = Place(device=device, data_dir=data_dir, keeping=keeping)
        yield from crew.run_side_by_side(todo, workers=workers, place=place)
    else:
        for task in todo:
            yield from run_task(task, device=device, data_dir=data_dir, keeping=keeping)


def warm_up(jobs: Sequence[Job], *, workers: int) -> None:
    """Prepare what `launch` will need for these jobs; it may be called early, or not at all."""
    if min(workers, len(jobs)) > 1:
        crew.warm_up()
