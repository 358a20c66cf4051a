"""The training loop, on one screen: a job, or a stack of them, goes in, events come out."""

from collections.abc import Generator
from pathlib import Path

import torch

from adabench.engine.checkpoint import Checkpoints
from adabench.engine.device import configured, device_name
from adabench.engine.environment import describe, utc_now
from adabench.engine.failure import clear_memory, is_out_of_memory, reason_of
from adabench.engine.run import Run
from adabench.events import Event, JobEnded, JobStarted, Status, Summary
from adabench.spec import Job


def train(
    *jobs: Job, device: str, data_dir: Path, checkpoints: Checkpoints | None = None
) -> Generator[Event, None, None]:
    """Run a job from its first step to its last, or several that differ only in their seed as one stack.

    Args:
        jobs: what to run; more than one only where they are marked as stacked.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.
        checkpoints: where to keep the run's state, and to go on from one that is there.

    Yields:
        JobStarted, then EpochEnded for each epoch with signs of life between, then JobEnded. An
        error ends a job as ``failed``, a loss that is not finite as ``diverged``; neither raises,
        and the other jobs of a stack go on. A run that goes on from a checkpoint tells the epochs
        before it again. Closed early, it writes a last checkpoint.
    """
    started, place = utc_now(), torch.device(device)
    run: Run | None = None
    exhausted = False

    def ended(job: Job, status: Status, reason: str | None) -> JobEnded:
        return JobEnded(
            job=job,
            status=status,
            reason=reason,
            summary=run.summary(job) if run else Summary(),
            environment=describe(place, started=started, fingerprint=run.fingerprint if run else None),
        )

    going = list(jobs)
    status: Status
    reason: str | None
    with configured(
        threads=jobs[0].threads,
        precision=jobs[0].precision,
        device=place,
        autotuned=jobs[0].executor == "captured",
    ):
        try:
            run = Run(jobs, device=place, data_dir=data_dir, checkpoints=checkpoints)
            for job in jobs:
                yield JobStarted(job=job, device=device_name(place), total_steps=run.total_steps)
                yield from run.told(job)
            for epoch in range(run.epochs_done, jobs[0].epochs):
                yield from run.epoch(epoch, going)
                for job in [job for job in going if run.trouble[job]]:
                    going.remove(job)
                    yield ended(job, "diverged", run.trouble[job])
                if not going:
                    return
            status, reason = "completed", None
        except GeneratorExit:
            if run is not None:
                run.keep_now()
            raise
        except Exception as error:  # it is these jobs' result, not the sweep's end
            status, reason = "failed", reason_of(error, jobs, device)
            exhausted = is_out_of_memory(error)
        for job in going:
            yield ended(job, status, reason)
    if exhausted:
        run = None
        clear_memory(place)
