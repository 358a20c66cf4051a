"""Analytic problems: jobs that differ only in seed and noise run as one batch of points.

Noise tilts the function: step t of a seed sees f_t(x) + <n_t, x>, so that every evaluation within
one step has the same draw. Draws come from the seed's own streams, epoch by epoch, whatever runs
beside it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from adabench.engine.clock import Clock
from adabench.engine.device import configured, device_name
from adabench.engine.environment import describe, utc_now
from adabench.engine.rates import LearningRate
from adabench.engine.seeding import Streams
from adabench.engine.track import Track
from adabench.errors import one_line
from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone, Summary
from adabench.optimizers import OPTIMIZERS
from adabench.optimizers.building import build_optimizer, traits_of
from adabench.problems.analytic import build_problem
from adabench.spec import AnalyticSpec, Job, OptimizerSpec

SIGN_OF_LIFE_SECONDS = 1.0


def train_points(jobs: Iterable[Job], *, device: str) -> Iterator[Event]:
    """Run jobs on analytic problems.

    Args:
        jobs: what to run, in any order.
        device: where, in torch's words: ``cpu``, ``cuda``, ``cuda:1``.

    Yields:
        What `adabench.engine.train.train` does, one job after another: the jobs of a batch tell
        their epochs when all of it has run. A point that leaves the finite numbers ends its own job
        as ``diverged``; an error ends those of its batch as ``failed``; neither raises.
    """
    for batch in batches(jobs):
        yield from _train_batch(batch, torch.device(device))


def batches(jobs: Iterable[Job]) -> list[tuple[Job, ...]]:
    """Jobs that one batch of points can run, together; the others by themselves."""
    together: dict[object, list[Job]] = defaultdict(list)
    for job in jobs:
        noiseless = job.problem.model_copy(update={"options": _options_of(job) | {"noise": 0.0}, "label": ""})
        alike = job.model_copy(update={"problem": noiseless, "seed": 0})
        together[alike.model_dump_json() if _can_stack(job.optimizer) else job].append(job)
    return [tuple(batch) for batch in together.values()]


def _can_stack(spec: OptimizerSpec) -> bool:
    row = OPTIMIZERS.get(spec.name)
    return row is not None and (row.traits.elementwise or row.traits.stacked)


def _options_of(job: Job) -> dict[str, Any]:
    assert isinstance(job.problem, AnalyticSpec), f"{job.title} is not an analytic problem"
    return dict(job.problem.options)


def _train_batch(jobs: tuple[Job, ...], device: torch.device) -> Iterator[Event]:
    started, first = utc_now(), jobs[0]
    run = error = None
    with configured(threads=first.threads, precision=first.precision):
        try:
            run = Points(jobs, device)
            yield JobStarted(job=first, device=device_name(device), total_steps=run.total_steps)
            yield from run.train()
        except Exception as caught:  # it is these jobs' result, not the sweep's end
            error = one_line(caught)
        for point, job in enumerate(jobs):
            if point > 0 and run:
                yield JobStarted(job=job, device=device_name(device), total_steps=run.total_steps)
            for epoch, metrics in enumerate(run.track.rows(point) if run else []):
                yield EpochEnded(job=job, epoch=epoch + 1, metrics=metrics)
            trouble = run.track.trouble(point) if run else None
            yield JobEnded(
                job=job,
                status="diverged" if trouble else "failed" if error else "completed",
                reason=trouble or error,
                summary=run.track.summary(point) if run else Summary(),
                environment=describe(device, started=started, fingerprint=None),
            )


class Points:
    """Jobs under way as one tensor: (S, d) for S jobs together, (d,) for a job by itself."""

    def __init__(self, jobs: Sequence[Job], device: torch.device) -> None:
        spec = jobs[0].problem
        assert isinstance(spec, AnalyticSpec)
        self._jobs, self._device, self._clock = jobs, device, Clock(device)
        self.interval, self.total_steps = spec.interval, jobs[0].epochs * spec.interval
        with self._clock.phase("setup"):
            self.problem = build_problem(spec, str(device))
            self._shape = (len(jobs),) if len(jobs) > 1 else ()
            self.x = torch.nn.Parameter(self.problem.start.expand(*self._shape, -1).clone())
            stacked = len(jobs) > 1
            self._optimizer: Any = build_optimizer(jobs[0].optimizer, [self.x], stacked=stacked)
            self._traits = traits_of(jobs[0].optimizer, self._optimizer)
        self._switch("train")
        self._learning_rate = LearningRate(self._optimizer, jobs[0].optimizer.schedule, self.total_steps)
        sizes = [float(str(_options_of(job).get("noise", 0.0))) for job in jobs]
        self._noise_sizes = torch.tensor(sizes, dtype=torch.float64).reshape(*self._shape, 1)
        self._noisy, self._evaluations = max(sizes) > 0, 0
        self.track = Track(self.problem, self._shape, interval=self.interval)

    def train(self) -> Iterator[Event]:
        """Take all steps, with a sign of life of the first job about once a second."""
        told = time.monotonic()
        for epoch in range(self._jobs[0].epochs):
            with self._clock.phase("training"):
                path, weights = self._epoch(epoch)
            seconds = self._clock.seconds["training"]
            self.track.add(
                path,
                weights,
                learning_rate=self._learning_rate.current,
                seconds=seconds / len(self._jobs),  # so that the jobs' seconds add up to the time taken
                gradient_evaluations=self._evaluations,
            )
            if time.monotonic() - told > SIGN_OF_LIFE_SECONDS:
                told, taken = time.monotonic(), (epoch + 1) * self.interval
                yield StepsDone(job=self._jobs[0], steps=taken, steps_per_second=taken / seconds)
            if self.track.all_diverged():
                return

    def _epoch(self, epoch: int) -> tuple[Tensor, Tensor | None]:
        """The points before each step and after the last, (interval + 1, ..., d), and the steps' weights."""
        noise, chance = self._draws(epoch)
        steps = torch.arange(self.interval, device=self._device) + epoch * self.interval + 1
        weights = self.problem.weights(steps.view(-1, *[1] * len(self._shape)), chance)
        path = torch.empty(self.interval + 1, *self.x.shape, dtype=self.x.dtype, device=self._device)
        for k in range(self.interval):
            path[k] = self.x.detach()
            self._learning_rate.set(epoch * self.interval + k)
            self._step(None if weights is None else weights[k], noise[k] if self._noisy else None)
        self._switch("eval")
        path[-1] = self.x.detach()
        self._switch("train")
        return path, weights

    def _step(self, weight: Tensor | None, noise: Tensor | None) -> None:
        """One step of the optimizer on one f_t, however often it evaluates it."""

        def closure() -> Tensor | None:
            self._evaluations += 1
            if self._traits.create_graph:
                return self._differentiated(weight, noise)
            with torch.no_grad():
                gradient = self.problem.gradient(self.x, weight)
                self.x.grad = gradient if noise is None else gradient.add_(noise)
                # A batch has no one loss, and an optimizer that can be batched does not look at it.
                return None if self._shape else self._loss(weight, noise)

        self._optimizer.step(closure)
        with torch.no_grad():
            self.problem.project(self.x)

    def _loss(self, weight: Tensor | None, noise: Tensor | None) -> Tensor:
        """The function f_t with its tilt at a single point, 0-d."""
        loss = self.problem.loss_at(self.x, weight)
        return loss if noise is None else loss + (noise * self.x).sum()

    def _differentiated(self, weight: Tensor | None, noise: Tensor | None) -> Tensor:
        """The loss, and gradients that can be differentiated again."""
        with torch.enable_grad():
            loss = self._loss(weight, noise)
            (self.x.grad,) = torch.autograd.grad(loss, [self.x], create_graph=True)
        return loss

    def _draws(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Noise, (interval, ..., d), and chances, (interval, ...), of one epoch; empty where unused."""
        seeds = dict.fromkeys(job.seed for job in self._jobs)
        size, dimension = self.interval, self.x.shape[-1]
        normal, uniform = {}, {}
        for streams in map(Streams, seeds):
            seed, float64 = streams.seed, torch.float64
            if self._noisy:
                draw = streams.generator("noise", epoch)
                normal[seed] = torch.randn(size, dimension, generator=draw, dtype=float64)
            if self.problem.random:
                draw = streams.generator("chance", epoch)
                uniform[seed] = torch.rand(size, generator=draw, dtype=float64)
        return self._gather(normal, self._noise_sizes), self._gather(uniform, torch.ones(()))

    def _gather(self, draws: dict[int, Tensor], factor: Tensor) -> Tensor:
        """Each job's draws beside each other, times its factor."""
        if not draws:
            return torch.zeros(self.interval, *self._shape, dtype=torch.float64, device=self._device)
        stacked = torch.stack([draws[job.seed] for job in self._jobs], dim=1)
        return (stacked if self._shape else stacked[:, 0]).mul(factor).to(self._device)

    def _switch(self, mode: str) -> None:
        """Between the point that the optimizer trains and the one that it wants judged."""
        if self._traits.train_eval:
            getattr(self._optimizer, mode)()
