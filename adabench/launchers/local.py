"""One job after another, in this process."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from adabench.engine.train import train
from adabench.events import Event
from adabench.spec import Job


def launch(jobs: Iterable[Job], *, device: str, data_dir: Path) -> Iterator[Event]:
    """Run the jobs in their order on one device, yielding their events as they happen."""
    for job in jobs:
        yield from train(job, device=device, data_dir=data_dir)
