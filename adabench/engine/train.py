"""The training loop, on one screen: a job goes in, events come out."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch

from adabench.engine.clock import Clock
from adabench.engine.device import configured, device_name, peak_memory_bytes, reset_peak_memory
from adabench.engine.environment import describe, utc_now
from adabench.engine.probes import Probes
from adabench.engine.rates import LearningRate
from adabench.engine.seeding import Streams
from adabench.engine.step import EagerStep, EpochTotals
from adabench.engine.summary import summarize
from adabench.errors import one_line
from adabench.events import EpochEnded, Event, JobEnded, JobStarted, Status, StepsDone, Summary
from adabench.optimizers.building import build_optimizer, traits_of
from adabench.problems.supervised import SupervisedProblem
from adabench.spec import Job, SupervisedSpec

SIGN_OF_LIFE_SECONDS = 1.0


def train(job: Job, *, device: str, data_dir: Path) -> Iterator[Event]:
    """Run a job from its first step to its last.

    Args:
        job: what to run.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.
        data_dir: where data sets lie.

    Yields:
        JobStarted, then EpochEnded for each epoch with signs of life between, then JobEnded. An
        error ends the job as ``failed``, a loss that is not finite as ``diverged``; neither raises.
    """
    started, place = utc_now(), torch.device(device)
    run = None
    status: Status = "completed"
    reason = None
    with configured(threads=job.threads, precision=job.precision):
        try:
            run = Run(job, device=place, data_dir=data_dir)
            yield JobStarted(job=job, device=device_name(place), total_steps=run.total_steps)
            for epoch in range(job.epochs):
                yield from run.epoch(epoch)
                if run.trouble:
                    status, reason = "diverged", run.trouble
                    break
        except Exception as error:  # it is this job's result, not the sweep's end
            status, reason = "failed", one_line(error)
        fingerprint = run.problem.fingerprint if run else None
        yield JobEnded(
            job=job,
            status=status,
            reason=reason,
            summary=run.summary() if run else Summary(),
            environment=describe(place, started=started, fingerprint=fingerprint),
        )


class Run:
    """A job under way: its problem, its optimizer, its clocks and what it has shown so far."""

    def __init__(self, job: Job, *, device: torch.device, data_dir: Path) -> None:
        reset_peak_memory(device)
        self.job, self._device, self._clock, streams = job, device, Clock(device), Streams(job.seed)
        assert isinstance(job.problem, SupervisedSpec), f"{job.title} has no data to train on"
        with self._clock.phase("setup"):
            autocast = job.precision == "bf16"
            self.problem = SupervisedProblem(
                job.problem, data_dir=data_dir, device=device, draw=streams.generator, autocast=autocast
            )
            self._optimizer = build_optimizer(job.optimizer, self.problem.model.parameters())
            self._traits = traits_of(job.optimizer, self._optimizer)
            if self._traits.train_eval:
                cast("Any", self._optimizer).train()
        self._step = EagerStep(self.problem, self._optimizer, streams, create_graph=self._traits.create_graph)
        self._probes = Probes(self._optimizer)
        self.total_steps = job.epochs * self.problem.steps_per_epoch
        self._learning_rate = LearningRate(self._optimizer, job.optimizer.schedule, self.total_steps)
        self.history: list[dict[str, float]] = []
        self.trouble: str | None = None

    def epoch(self, epoch: int) -> Iterator[Event]:
        """Train on every example once, then judge."""
        steps, totals = self.problem.steps_per_epoch, EpochTotals(self._device)
        with self._clock.phase("training"):
            self.problem.start_epoch(epoch)
        done = 0
        while done < steps:
            with self._clock.phase("training"):
                done = self._steps_until(time.monotonic() + SIGN_OF_LIFE_SECONDS, epoch, done, totals)
            taken = epoch * steps + done
            yield StepsDone(
                job=self.job, steps=taken, steps_per_second=taken / self._clock.seconds["training"]
            )
        with self._clock.phase("evaluation"):
            metrics, finite_steps = totals.read()
            probes = self._probes.read(steps)
            with self._weights_to_judge():
                metrics |= self.problem.evaluate()
        metrics |= self._costs(epoch + 1)
        self.history.append(metrics)
        if finite_steps < steps:
            self.trouble = (
                f"the loss was not finite at step {epoch * steps + finite_steps + 1} (epoch {epoch + 1})"
            )
        elif not math.isfinite(metrics["test_loss"]):
            self.trouble = f"the test loss was not finite after epoch {epoch + 1}"
        yield EpochEnded(job=self.job, epoch=epoch + 1, metrics=metrics, probes=probes)

    def summary(self) -> Summary:
        """What is known of the run so far."""
        return summarize(
            self.history,
            seconds=self._clock.seconds,
            model=self.problem.model,
            optimizer=self._optimizer,
            peak_memory_bytes=peak_memory_bytes(self._device),
        )

    def _steps_until(self, deadline: float, epoch: int, done: int, totals: EpochTotals) -> int:
        """Take steps until the epoch or the time is over; return how many of the epoch are done."""
        while done < self.problem.steps_per_epoch:
            self._learning_rate.set(epoch * self.problem.steps_per_epoch + done)
            if done == self.problem.steps_per_epoch - 1:
                self._probes.before_last_step()
            self._step(epoch, done, totals)
            done += 1
            if time.monotonic() > deadline:
                break
        return done

    @contextmanager
    def _weights_to_judge(self) -> Iterator[None]:
        """Put the weights that the optimizer wants judged in place of those that it trains."""
        if self._traits.train_eval:
            cast("Any", self._optimizer).eval()
        if self._traits.recompute_batchnorm:
            self.problem.refresh_statistics()
        try:
            yield
        finally:
            if self._traits.train_eval:
                cast("Any", self._optimizer).train()

    def _costs(self, epochs: int) -> dict[str, float]:
        """The four cost axes after ``epochs`` epochs, and the learning rate there."""
        return {
            "learning_rate": self._learning_rate.current,
            "seconds": self._clock.seconds["training"],
            "steps": epochs * self.problem.steps_per_epoch,
            "samples": epochs * self.problem.examples_per_epoch,
            "gradient_evaluations": self._step.gradient_evaluations,
        }
