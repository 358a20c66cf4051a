"""Weights & Biases: a run for each job, kept on the disk until somebody uploads it."""

import os
from pathlib import Path
from typing import Any

import wandb

from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.spec import Job
from adabench.trackers.values import settings, steps, values


class Wandb:
    """Settings and every epoch's numbers, over optimizer steps.

    Args:
        folder: the folder of logs; runs go to ``wandb`` in it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._runs: dict[Job, Any] = {}

    def __call__(self, event: Event) -> None:
        """Open a run, log an epoch, or end a run."""
        if isinstance(event, JobStarted):
            self._runs[event.job] = self._open(event.job)
        elif isinstance(event, EpochEnded) and event.job in self._runs:
            self._runs[event.job].log(values(event), step=steps(event))
        elif isinstance(event, JobEnded) and event.job in self._runs:
            self._runs.pop(event.job).finish(exit_code=int(event.status != "completed"))

    def close(self) -> None:
        """End the runs that have not ended as failed."""
        while self._runs:
            self._runs.popitem()[1].finish(exit_code=1)

    def _open(self, job: Job) -> Any:
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        return wandb.init(
            project="adabench",
            group=job.problem.label[:128],
            name=job.title[:128],
            config=settings(job),
            dir=self._folder,
            mode=mode,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
        )
