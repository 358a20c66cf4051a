"""What a place to run jobs must offer, whether it is this machine or a cluster."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adabench.events import Event
from adabench.launchers.packing import Packing
from adabench.spec import Job, Precision


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the jobs of a sweep run.

    Args:
        devices: in torch's words, each with its share of the workers; all of one type.
        packing: how many jobs run side by side, and the CPU threads of each.
        name: the machine or cluster in a few words.
    """

    devices: tuple[str, ...]
    packing: Packing
    name: str

    @property
    def device(self) -> str:
        """The device that stands for all: what can run on it can run on each."""
        return self.devices[0]

    def __str__(self) -> str:
        shown = self.device if len(self.devices) == 1 else f"{self.devices[0]} to {self.devices[-1]}"
        return f"{self.name} ({shown}), {self.packing}"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for every job of a sweep.

    Args:
        data_dir: where data sets lie.
        out: the folder of results.
        checkpoint_every: seconds from one checkpoint of a run under way to the next.
        hang_after: seconds without a sign of life after which a worker is ended.
        rerun: a result takes the place of one that is there.
    """

    data_dir: Path
    out: Path
    checkpoint_every: float = 120.0
    hang_after: float = 1800.0
    rerun: bool = False


class Launcher(Protocol):
    """Runs jobs somewhere and tells what happens."""

    def survey(self, device: str, precision: Precision, *, jobs: int) -> Site:
        """Find out where jobs would run, starting none.

        Args:
            device: what was asked for: auto, cpu, cuda or cuda:N.
            precision: what was asked for.
            jobs: how many jobs of the whole sweep could run side by side.

        Raises:
            RequestError: what was asked for is not there.
        """
        ...

    def warm_up(self, jobs: Sequence[Job], site: Site) -> None:
        """Prepare what `launch` will need for these jobs; it may be called early, or not at all."""
        ...

    def launch(self, jobs: Sequence[Job], site: Site, terms: Terms) -> Generator[Event, None, None]:
        """Run jobs, yielding their events as they happen; closing the generator stops or leaves them.

        Yields:
            Each job's events in their order; those of jobs that run side by side are mixed. A job may
            be told twice, from its start, where a first attempt was lost; it ends once.
        """
        ...
