"""From jobs to the parts that run them: problem, optimizer, totals, and the step in its executor."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch.optim import Optimizer

from adabench.engine.captured import CapturedStep
from adabench.engine.clock import Clock
from adabench.engine.ensemble import StackedProblem
from adabench.engine.seeding import Streams
from adabench.engine.step import EagerStep, EpochTotals, held_statistics
from adabench.optimizers.building import build_optimizer, traits_of
from adabench.optimizers.row import Traits
from adabench.problems.interface import Problem
from adabench.problems.supervised import SupervisedProblem
from adabench.spec import Job, SupervisedSpec


class Step(Protocol):
    """One training step, however it is run."""

    gradient_evaluations: int
    """How many gradients all steps so far have evaluated."""

    def __call__(self, epoch: int, step: int) -> None:
        """Take the step of this number in this epoch."""
        ...


@dataclass(frozen=True, kw_only=True)
class Machinery:
    """What a run drives."""

    problem: Problem
    optimizer: Optimizer
    traits: Traits
    totals: EpochTotals
    step: Step


def build(jobs: Sequence[Job], *, device: torch.device, data_dir: Path, clock: Clock) -> Machinery:
    """Everything that jobs need, ready for their first step.

    Args:
        jobs: one, or several that differ only in their seed and are marked as stacked.
        device: where they run.
        data_dir: where data sets lie.
        clock: told of the phases ``setup`` and ``warm_up``.

    Raises:
        RequestError: data or settings that do not fit.
    """
    job, streams = jobs[0], Streams(jobs[0].seed)
    with clock.phase("setup"):
        problem = _problem(jobs, device, data_dir)
        with clock.phase("warm_up"):  # its kernels are compiled as it is built
            optimizer = _optimizer(job, problem.model.parameters())
        traits = traits_of(job.optimizer, optimizer)
        if traits.train_eval:
            cast("Any", optimizer).train()
        totals = EpochTotals(device, problem.shape)
        eager = EagerStep(problem, optimizer, streams, totals, create_graph=traits.create_graph)
    step: Step = eager
    if job.executor == "captured":
        step = CapturedStep(eager, problem, optimizer, totals, device=device, clock=clock)
    if job.executor == "compiled":
        with clock.phase("warm_up"):
            _compile(problem, traits)
    return Machinery(problem=problem, optimizer=optimizer, traits=traits, totals=totals, step=step)


def _problem(jobs: Sequence[Job], device: torch.device, data_dir: Path) -> SupervisedProblem:
    spec, autocast = jobs[0].problem, jobs[0].precision == "bf16"
    assert isinstance(spec, SupervisedSpec), f"{jobs[0].title} has no data to train on"
    draws = [Streams(job.seed).generator for job in jobs]
    if jobs[0].stacked:
        return StackedProblem(spec, data_dir=data_dir, device=device, draws=draws, autocast=autocast)
    assert len(jobs) == 1, "jobs that are not stacked run one by one"
    return SupervisedProblem(spec, data_dir=data_dir, device=device, draw=draws[0], autocast=autocast)


def _optimizer(job: Job, params: Any) -> Optimizer:
    return build_optimizer(
        job.optimizer,
        params,
        stacked=job.stacked,
        implementation=job.implementation,
        capturable=job.executor == "captured",
    )


def _compile(problem: Problem, traits: Traits) -> None:
    """Compile the model, and pass each size of minibatch through it so that no step has to wait."""
    problem.compile()
    kept = [(buffer, buffer.clone()) for buffer in problem.model.buffers()]
    for step in dict.fromkeys((0, problem.steps_per_epoch - 1)):
        minibatch = problem.minibatch(step)
        problem.loss(minibatch)[0].sum().backward()  # type: ignore[no-untyped-call]
        if traits.needs_closure:  # its further evaluations hold BatchNorm's statistics
            with held_statistics(problem.model):
                problem.loss(minibatch)[0].sum().backward()  # type: ignore[no-untyped-call]
    for buffer, value in kept:
        buffer.copy_(value)
    problem.model.zero_grad()
