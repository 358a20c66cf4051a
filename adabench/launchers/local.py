"""One job after another, in this process; on analytic problems, all seeds of one kind at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from adabench.engine.points import train_points
from adabench.engine.train import train
from adabench.events import Event
from adabench.spec import AnalyticSpec, Job


def launch(jobs: Iterable[Job], *, device: str, data_dir: Path) -> Iterator[Event]:
    """Run the jobs on one device, those on analytic problems first, yielding events as they happen."""
    jobs = tuple(jobs)
    analytic = [job for job in jobs if isinstance(job.problem, AnalyticSpec)]
    yield from train_points(analytic, device=device)
    for job in jobs:
        if not isinstance(job.problem, AnalyticSpec):
            yield from train(job, device=device, data_dir=data_dir)
