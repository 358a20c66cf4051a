"""What every tracker logs of an epoch, under the same names."""

import math

from adabench.events import EpochEnded
from adabench.spec import Job


def values(event: EpochEnded) -> dict[str, float]:
    """The finite numbers of an epoch: columns of the curve by name, probes as ``probes/name``."""
    every = dict(event.metrics) | {f"probes/{name}": value for name, value in event.probes.items()}
    return {name: float(value) for name, value in every.items() if value is not None and math.isfinite(value)}


def steps(event: EpochEnded) -> int:
    """The optimizer steps taken so far: the axis that trackers draw over."""
    return int(event.metrics.get("steps", event.epoch))


def settings(job: Job) -> dict[str, str]:
    """What decides the job, flat: ``optimizer.lr`` and so on, as text."""
    named = {"seed": job.seed, "epochs": job.epochs, "precision": job.precision, "key": job.key}
    optimizer = {f"optimizer.{name}": value for name, value in job.optimizer.hyperparameters.items()}
    words = {
        "optimizer": job.optimizer.label,
        "schedule": job.optimizer.schedule,
        "problem": job.problem.label,
    }
    return {name: str(value) for name, value in {**words, **named, **optimizer}.items()}
