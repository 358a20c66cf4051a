"""Jobs on this machine: one task after another in this process, or several at once in workers."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from adabench.engine.device import cpu_threads, device_name, select_devices
from adabench.engine.tasks import Keeping, Task, run_task, tasks
from adabench.events import Event
from adabench.launchers import crew
from adabench.launchers.launcher import Site, Terms
from adabench.launchers.packing import pack
from adabench.launchers.signals import deferred, heed
from adabench.launchers.worker import Place
from adabench.results import ResultStore
from adabench.spec import Job, Precision


@dataclass(frozen=True, kw_only=True)
class Local:
    """Jobs on this machine: its CPU, or all of its GPUs, each with one worker.

    Args:
        workers: jobs to run side by side, at least 1; None leaves it to `pack`.
        threads: CPU threads of each job; None leaves it to `pack`.
    """

    workers: int | None = None
    threads: int | None = None

    def survey(self, device: str, precision: Precision, *, jobs: int) -> Site:
        """The device or devices of this machine; see `Launcher.survey`."""
        devices = select_devices(device, precision)
        packing = pack(
            jobs,
            budget=cpu_threads(devices[0]),
            devices=len(devices),
            workers=self.workers,
            threads=self.threads,
        )
        name = " and ".join(dict.fromkeys(map(device_name, devices)))
        return Site(devices=tuple(map(str, devices)), packing=packing, name=name)

    def warm_up(self, jobs: Sequence[Job], site: Site) -> None:
        """Start what workers are forked from, where there will be any."""
        if min(site.packing.workers, len(jobs)) > 1:
            crew.warm_up()

    def launch(self, jobs: Sequence[Job], site: Site, terms: Terms) -> Generator[Event, None, None]:
        """Run jobs here; see `launch`."""
        return launch(
            jobs,
            devices=site.devices,
            data_dir=terms.data_dir,
            workers=site.packing.workers,
            keeping=Keeping(ResultStore(terms.out).runs_folder, terms.checkpoint_every),
            hang_after=terms.hang_after,
        )


def launch(
    jobs: Iterable[Job],
    *,
    devices: Sequence[str],
    data_dir: Path,
    workers: int = 1,
    keeping: Keeping | None = None,
    hang_after: float = 1800.0,
) -> Generator[Event, None, None]:
    """Run jobs, yielding their events as they happen; closing the generator stops what is running.

    Args:
        jobs: what to run.
        devices: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``; workers take them in turn.
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
    places = [
        Place(device=device, data_dir=data_dir, keeping=keeping)
        for device in islice(cycle(devices), max(1, workers))
    ]
    if workers > 1:
        yield from crew.run_side_by_side(todo, places=places, hang_after=hang_after)
    else:
        yield from _run_here(todo, places[0])


def _run_here(todo: Iterable[Task], place: Place) -> Generator[Event, None, None]:
    """One task after another; a signal to stop is taken between two events, where the state is whole."""
    with deferred():
        for task in todo:
            running = run_task(task, device=place.device, data_dir=place.data_dir, keeping=place.keeping)
            with closing(running):  # which writes the state
                for event in running:
                    yield event
                    heed()
