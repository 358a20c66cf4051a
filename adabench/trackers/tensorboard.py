"""TensorBoard: event files, one folder for each run, by problem and optimizer."""

from pathlib import Path

from tensorboard.summary import Writer

from adabench.events import EpochEnded, Event, JobEnded
from adabench.results import ResultStore
from adabench.spec import Job
from adabench.trackers.values import steps, values


class TensorBoard:
    """Scalars of every epoch over optimizer steps.

    Args:
        folder: the folder of logs; event files go to ``tensorboard`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._places = ResultStore(folder / "tensorboard")
        self._writers: dict[Job, Writer] = {}

    def __call__(self, event: Event) -> None:
        """Write an epoch's numbers; close a run's file when it ends."""
        if isinstance(event, EpochEnded):
            writer = self._writer(event.job)
            for name, value in values(event).items():
                writer.add_scalar(name, value, steps(event))
            writer.flush()
        elif isinstance(event, JobEnded) and event.job in self._writers:
            self._writers.pop(event.job).close()

    def close(self) -> None:
        """Close the files of runs that have not ended."""
        while self._writers:
            self._writers.popitem()[1].close()

    def _writer(self, job: Job) -> Writer:
        if job not in self._writers:
            self._writers[job] = Writer(str(self._places.path_of(job).with_suffix("")))
        return self._writers[job]
