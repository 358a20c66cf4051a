"""What runs as one piece: a job by itself, or a batch of jobs that share their work."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adabench.engine.checkpoint import Checkpoints
from adabench.engine.points import batches, train_points
from adabench.engine.train import train
from adabench.events import Event
from adabench.spec import AnalyticSpec, Job

Task = tuple[Job, ...]


@dataclass(frozen=True)
class Keeping:
    """How runs under way are kept.

    Args:
        folder: where each run has a folder of checkpoints, named by its jobs' ``run_key``.
        seconds: from one checkpoint to the next.
    """

    folder: Path
    seconds: float


def tasks(jobs: Iterable[Job]) -> list[Task]:
    """Divide jobs into pieces that can run anywhere, in the order in which they are to start.

    Args:
        jobs: what to run; each turns up in one task.

    Returns:
        The batches of jobs on analytic problems, then the stacks of seeds and the supervised jobs by
        themselves in their given order, so that an early stop leaves whole pairs.
    """
    jobs = tuple(jobs)
    analytic = [job for job in jobs if isinstance(job.problem, AnalyticSpec)]
    together: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if not isinstance(job.problem, AnalyticSpec):
            together[job.run_key].append(job)
    return [*batches(analytic), *map(tuple, together.values())]


def part(jobs: Sequence[Job], number: int, parts: int) -> tuple[Job, ...]:
    """One of several parts of a sweep that are equal to within one task, in the jobs' own order.

    Args:
        jobs: all jobs of the sweep.
        number: which part, counted from 1.
        parts: how many there are; every task lies in exactly one.
    """
    mine = {job for task in tasks(jobs)[number - 1 :: parts] for job in task}
    return tuple(job for job in jobs if job in mine)


def run_task(
    jobs: Task, *, device: str, data_dir: Path, keeping: Keeping | None = None
) -> Generator[Event, None, None]:
    """Run one of `tasks`, from the first event of its first job to the end of its last.

    Args:
        jobs: the task.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.
        keeping: how its state is kept; None keeps nothing. Batches of analytic jobs never do: they are
            soon done again.

    Yields:
        What `adabench.engine.train.train` does, for each job. Whatever goes wrong is a job's own
        result; nothing raises. Closed early, it writes the state of the run.
    """
    if isinstance(jobs[0].problem, AnalyticSpec):
        yield from train_points(jobs, device=device)
    else:
        checkpoints = None
        if keeping:
            folder = keeping.folder / jobs[0].run_key
            checkpoints = Checkpoints(folder, keeping.seconds, [job.key for job in jobs])
        yield from train(*jobs, device=device, data_dir=data_dir, checkpoints=checkpoints)
