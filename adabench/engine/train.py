"""The training loop, on one screen: a job, or a stack of them, goes in, events come out."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from adabench.engine.building import Machinery, build
from adabench.engine.clock import Clock
from adabench.engine.device import configured, device_name, peak_memory_bytes, reset_peak_memory
from adabench.engine.environment import describe, utc_now
from adabench.engine.probes import Probes
from adabench.engine.rates import LearningRate
from adabench.engine.summary import summarize
from adabench.errors import one_line
from adabench.events import EpochEnded, Event, JobEnded, JobStarted, Status, StepsDone, Summary
from adabench.spec import Job

SIGN_OF_LIFE_SECONDS = 1.0


def train(*jobs: Job, device: str, data_dir: Path) -> Iterator[Event]:
    """Run a job from its first step to its last, or several that differ only in their seed as one stack.

    Args:
        jobs: what to run; more than one only where they are marked as stacked.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.

    Yields:
        JobStarted, then EpochEnded for each epoch with signs of life between, then JobEnded. An
        error ends a job as ``failed``, a loss that is not finite as ``diverged``; neither raises,
        and the other jobs of a stack go on.
    """
    started, place = utc_now(), torch.device(device)
    run: Run | None = None

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
    with configured(threads=jobs[0].threads, precision=jobs[0].precision):
        try:
            run = Run(jobs, device=place, data_dir=data_dir)
            for job in jobs:
                yield JobStarted(job=job, device=device_name(place), total_steps=run.total_steps)
            for epoch in range(jobs[0].epochs):
                yield from run.epoch(epoch, going)
                for job in [job for job in going if run.trouble[job]]:
                    going.remove(job)
                    yield ended(job, "diverged", run.trouble[job])
                if not going:
                    return
            status, reason = "completed", None
        except Exception as error:  # it is these jobs' result, not the sweep's end
            status, reason = "failed", one_line(error)
        for job in going:
            yield ended(job, status, reason)


class Run:
    """Jobs under way: their problem, their optimizer, their clocks and what they have shown so far."""

    def __init__(self, jobs: Sequence[Job], *, device: torch.device, data_dir: Path) -> None:
        reset_peak_memory(device)
        self._jobs, self._device, self._clock = jobs, device, Clock(device)
        self._machinery: Machinery = build(jobs, device=device, data_dir=data_dir, clock=self._clock)
        self._problem, self._optimizer = self._machinery.problem, self._machinery.optimizer
        self.fingerprint = self._problem.fingerprint
        self.total_steps = jobs[0].epochs * self._problem.steps_per_epoch
        models = [None] if not self._problem.shape else range(len(jobs))
        self._probes = {job: Probes(self._optimizer, i) for job, i in zip(jobs, models, strict=True)}
        self._learning_rate = LearningRate(self._optimizer, jobs[0].optimizer.schedule, self.total_steps)
        self._history: dict[Job, list[dict[str, float]]] = {job: [] for job in jobs}
        self.trouble: dict[Job, str | None] = dict.fromkeys(jobs)

    def epoch(self, epoch: int, going: Sequence[Job]) -> Iterator[Event]:
        """Train on every example once, then judge; of the jobs still going, each tells its own."""
        steps = self._problem.steps_per_epoch
        with self._clock.phase("training"):
            self._problem.start_epoch(epoch)
            self._machinery.totals.clear()
        done = 0
        while done < steps:
            with self._clock.phase("training"):
                done = self._steps_until(time.monotonic() + SIGN_OF_LIFE_SECONDS, epoch, done)
            taken = epoch * steps + done
            speed = taken / self._clock.seconds["training"]
            yield from (StepsDone(job=job, steps=taken, steps_per_second=speed) for job in going)
        with self._clock.phase("evaluation"):
            metrics, finite_steps = self._machinery.totals.read(self._problem.examples_per_epoch)
            probes = {job: self._probes[job].read(steps) for job in going}
            with self._weights_to_judge():
                metrics |= self._problem.evaluate()
        for job in going:
            place = self._jobs.index(job)
            row = _of_model(metrics, place) | self._costs(epoch + 1)
            self._history[job].append(row)
            self.trouble[job] = self._trouble(row, int(finite_steps.reshape(-1)[place]), epoch)
            yield EpochEnded(job=job, epoch=epoch + 1, metrics=row, probes=probes[job])

    def summary(self, job: Job) -> Summary:
        """What is known of one job so far."""
        return summarize(
            self._history[job],
            seconds=self._clock.seconds,
            model=self._problem.model,
            optimizer=self._optimizer,
            peak_memory_bytes=peak_memory_bytes(self._device),
            models=len(self._jobs),
        )

    def _steps_until(self, deadline: float, epoch: int, done: int) -> int:
        """Take steps until the epoch or the time is over; return how many of the epoch are done."""
        while done < self._problem.steps_per_epoch:
            self._learning_rate.set(epoch * self._problem.steps_per_epoch + done)
            if done == self._problem.steps_per_epoch - 1:
                for probes in self._probes.values():
                    probes.before_last_step()
            self._machinery.step(epoch, done)
            done += 1
            if time.monotonic() > deadline:
                break
        return done

    def _trouble(self, row: Mapping[str, float], finite_steps: int, epoch: int) -> str | None:
        steps = self._problem.steps_per_epoch
        if finite_steps < steps:
            step = epoch * steps + finite_steps + 1
            return f"the loss was not finite at step {step} (epoch {epoch + 1})"
        if not math.isfinite(row["test_loss"]):
            return f"the test loss was not finite after epoch {epoch + 1}"
        return None

    @contextmanager
    def _weights_to_judge(self) -> Iterator[None]:
        """Put the weights that the optimizer wants judged in place of those that it trains."""
        traits, optimizer = self._machinery.traits, cast("Any", self._optimizer)
        if traits.train_eval:
            optimizer.eval()
        if traits.recompute_batchnorm:
            self._problem.refresh_statistics()
        try:
            yield
        finally:
            if traits.train_eval:
                optimizer.train()

    def _costs(self, epochs: int) -> dict[str, float]:
        """The four cost axes after ``epochs`` epochs, and the learning rate there."""
        return {
            "learning_rate": self._learning_rate.current,
            "seconds": self._clock.seconds["training"] / len(self._jobs),  # so that they add up
            "steps": epochs * self._problem.steps_per_epoch,
            "samples": epochs * self._problem.examples_per_epoch,
            "gradient_evaluations": self._machinery.step.gradient_evaluations,
        }


def _of_model(metrics: Mapping[str, Tensor], place: int) -> dict[str, float]:
    return {name: float(values.reshape(-1)[place]) for name, values in metrics.items()}
