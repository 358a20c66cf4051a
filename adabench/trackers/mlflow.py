"""MLflow: an experiment for each problem, a run for each job."""

import logging
import os
from pathlib import Path

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.spec import Job
from adabench.trackers.values import settings, steps, values

_STATUSES = {"completed": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "interrupted": "KILLED"}
_LONGEST = 500


class Mlflow:
    """Settings and every epoch's numbers, over optimizer steps.

    Args:
        folder: the folder of logs; holds ``mlflow.db`` unless MLFLOW_TRACKING_URI names another place.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=place)
        self._runs: dict[Job, str] = {}

    def __call__(self, event: Event) -> None:
        """Open a run, log an epoch, or end a run."""
        if isinstance(event, JobStarted):
            self._runs[event.job] = self._open(event.job)
        elif isinstance(event, EpochEnded) and event.job in self._runs:
            metrics = [Metric(name, value, 0, steps(event)) for name, value in values(event).items()]
            self._client.log_batch(self._runs[event.job], metrics=metrics)
        elif isinstance(event, JobEnded) and event.job in self._runs:
            self._client.set_terminated(self._runs.pop(event.job), status=_STATUSES[event.status])

    def close(self) -> None:
        """End the runs that have not ended as killed."""
        while self._runs:
            self._client.set_terminated(self._runs.popitem()[1], status="KILLED")

    def _open(self, job: Job) -> str:
        name = f"adabench/{job.problem.label}"
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        run = self._client.create_run(experiment, run_name=job.title[:_LONGEST])
        params = [Param(key, value[:_LONGEST]) for key, value in settings(job).items()]
        self._client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)
