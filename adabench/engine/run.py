"""Jobs under way: steps, epochs, evaluation, and the state that a checkpoint keeps of them."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from adabench.engine.building import Machinery, build
from adabench.engine.checkpoint import Checkpoints, State, random_state, restore_random_state
from adabench.engine.clock import Clock
from adabench.engine.device import peak_memory_bytes, reset_peak_memory
from adabench.engine.finite import not_finite
from adabench.engine.probes import Probes
from adabench.engine.rates import LearningRate
from adabench.engine.summary import summarize
from adabench.events import EpochEnded, Event, StepsDone, Summary
from adabench.spec import Job

SIGN_OF_LIFE_SECONDS = 0.25
"""Also how soon a run can be stopped with its state kept."""


class Run:
    """Jobs under way: their problem, their optimizer, their clocks and what they have shown so far."""

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        device: torch.device,
        data_dir: Path,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        reset_peak_memory(device)
        self._jobs, self._device, self._clock = jobs, device, Clock(device)
        self._machinery: Machinery = build(jobs, device=device, data_dir=data_dir, clock=self._clock)
        self._problem, self._optimizer = self._machinery.problem, self._machinery.optimizer
        self.fingerprint = self._problem.fingerprint
        self.total_steps = jobs[0].epochs * self._problem.steps_per_epoch
        models = [None] if not self._problem.shape else range(len(jobs))
        self._probes = {job: Probes(self._optimizer, i) for job, i in zip(jobs, models, strict=True)}
        self._learning_rate = LearningRate(self._optimizer, jobs[0].optimizer.schedule, self.total_steps)
        self._history: dict[Job, list[EpochEnded]] = {job: [] for job in jobs}
        self.trouble: dict[Job, str | None] = dict.fromkeys(jobs)
        self.epochs_done = self._steps_done = 0
        self._resumed_at: int | None = None
        self._kept_at = 0
        self._checkpoints = checkpoints
        if checkpoints is not None:
            self._resume(checkpoints.load(device))

    def epoch(self, epoch: int, going: Sequence[Job]) -> Iterator[Event]:
        """Train on every example once, then judge; of the jobs still going, each tells its own."""
        steps = self._problem.steps_per_epoch
        with self._clock.phase("training"):
            self._problem.start_epoch(epoch)
            if not self._steps_done:
                self._machinery.totals.clear()
        while self._steps_done < steps:
            with self._clock.phase("training"):
                self._take_steps(epoch, until=time.monotonic() + SIGN_OF_LIFE_SECONDS)
            if self._steps_done < steps:
                yield from self._signs_of_life(going)
                self._keep()
        with self._clock.phase("evaluation"):
            metrics, finite_steps = self._machinery.totals.read(self._problem.examples_per_epoch)
            probes = {job: self._probes[job].read(steps) for job in going}
            broken = not_finite(self._optimizer, len(self._jobs) if self._problem.shape else None)
            with self._weights_to_judge():
                metrics |= self._problem.evaluate()
        for job in going:
            place = self._jobs.index(job)
            row = _of_model(metrics, place) | self._costs(epoch + 1)
            told = EpochEnded(job=job, epoch=epoch + 1, metrics=row, probes=probes[job])
            self._history[job].append(told)
            finite = int(finite_steps.reshape(-1)[place])
            self.trouble[job] = self._trouble(row, finite, broken[place], epoch)
        self.epochs_done, self._steps_done = epoch + 1, 0
        self._keep()
        yield from self._signs_of_life(going)
        yield from (self._history[job][-1] for job in going)

    def _signs_of_life(self, going: Sequence[Job]) -> Iterator[Event]:
        """What each job says while its state is whole: between two steps, or after an evaluation."""
        speed = self._taken / self._clock.seconds["training"]
        yield from (StepsDone(job=job, steps=self._taken, steps_per_second=speed) for job in going)

    def told(self, job: Job) -> Iterator[Event]:
        """What a job that goes on had told before."""
        yield from self._history[job]

    def summary(self, job: Job) -> Summary:
        """What is known of one job so far."""
        return summarize(
            [told.metrics for told in self._history[job]],
            seconds=self._clock.seconds,
            model=self._problem.model,
            optimizer=self._optimizer,
            peak_memory_bytes=peak_memory_bytes(self._device),
            models=len(self._jobs),
            resumed_at_step=self._resumed_at,
        )

    @property
    def _taken(self) -> int:
        """How many steps have been taken."""
        return self.epochs_done * self._problem.steps_per_epoch + self._steps_done

    def keep_now(self) -> None:
        """Write a checkpoint, unless there is one of this very step or nothing to keep."""
        if self._checkpoints is None or any(self.trouble.values()):
            return
        if self._taken == self._kept_at:
            return
        with self._clock.phase("checkpoint"):
            self._checkpoints.save(self._state(), self._taken)
        self._kept_at = self._taken

    def _take_steps(self, epoch: int, *, until: float) -> None:
        """Take steps until the epoch or the time is over."""
        while self._steps_done < self._problem.steps_per_epoch:
            self._learning_rate.set(epoch * self._problem.steps_per_epoch + self._steps_done)
            if self._steps_done == self._problem.steps_per_epoch - 1:
                for probes in self._probes.values():
                    probes.before_last_step()
            self._machinery.step(epoch, self._steps_done)
            self._steps_done += 1
            if time.monotonic() > until:
                break

    def _keep(self) -> None:
        """Write a checkpoint, if it is time for one."""
        if self._checkpoints is not None and self._checkpoints.due:
            self.keep_now()

    def _state(self) -> State:
        """All that the coming steps depend on, and all that has been told; between two steps."""
        return {
            "epochs_done": self.epochs_done,
            "steps_done": self._steps_done,
            "model": self._problem.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "totals": list(self._machinery.totals.tensors),
            "gradient_evaluations": self._machinery.step.gradient_evaluations,
            "updates": [probes.updates_before for probes in self._probes.values()],
            "seconds": dict(self._clock.seconds),
            "history": [
                [[told.epoch, dict(told.metrics), dict(told.probes)] for told in self._history[job]]
                for job in self._jobs
            ],
            "random": random_state(),
        }

    @torch.no_grad()
    def _resume(self, state: State | None) -> None:
        """Go on from a state, if there is one."""
        if state is None:
            return
        self.epochs_done, self._steps_done = state["epochs_done"], state["steps_done"]
        self._resumed_at = self._kept_at = self._taken
        self._problem.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        for tensor, kept in zip(self._machinery.totals.tensors, state["totals"], strict=True):
            tensor.copy_(kept)
        self._machinery.step.gradient_evaluations = state["gradient_evaluations"]
        for probes, updates in zip(self._probes.values(), state["updates"], strict=True):
            probes.updates_before = updates
        self._clock.seconds.update(state["seconds"])
        for job, rows in zip(self._jobs, state["history"], strict=True):
            self._history[job] = [
                EpochEnded(job=job, epoch=epoch, metrics=metrics, probes=probes)
                for epoch, metrics, probes in rows
            ]
        restore_random_state(state["random"])

    def _trouble(
        self, row: Mapping[str, float], finite_steps: int, broken: str | None, epoch: int
    ) -> str | None:
        steps = self._problem.steps_per_epoch
        if finite_steps < steps:
            step = epoch * steps + finite_steps + 1
            return f"the loss was not finite at step {step} (epoch {epoch + 1})"
        if not math.isfinite(row["test_loss"]):
            return f"the test loss was not finite after step {(epoch + 1) * steps} (epoch {epoch + 1})"
        if broken:
            return f"{broken} was not finite after step {(epoch + 1) * steps} (epoch {epoch + 1})"
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
