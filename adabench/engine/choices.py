"""How jobs will run here: executor, kind of update, and whether seeds are stacked.

What is chosen becomes part of a job, since it decides the order in which sums are taken.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from adabench.catalogue import find
from adabench.errors import RequestError
from adabench.models import MODELS
from adabench.optimizers import OPTIMIZERS, can_be_captured, implementation_of
from adabench.optimizers.fused import compiler_available
from adabench.spec import (
    AnalyticSpec,
    Executor,
    Implementation,
    Job,
    Stacking,
    SupervisedSpec,
    WantedExecutor,
)


def settle(
    jobs: Iterable[Job], *, device: torch.device | str, executor: WantedExecutor, stacking: Stacking
) -> tuple[Job, ...]:
    """Jobs with every choice made.

    ``auto`` captures the whole step on a CUDA device where that is possible, runs it as written
    elsewhere, and stacks the seeds of models that a CUDA device would leave idle.

    Args:
        jobs: of one sweep.
        device: where they will run.
        executor: what was asked for.
        stacking: what was asked for.

    Raises:
        RequestError: what was asked for is not possible here.
    """
    jobs, device = tuple(jobs), torch.device(device)
    compiler = compiler_available(device.type)
    if executor == "captured" and device.type != "cuda":
        raise RequestError("--executor captured needs a CUDA device; on a CPU use auto, eager or compiled")
    if executor == "compiled" and not compiler:
        raise RequestError("--executor compiled needs a C++ compiler; install g++, or use --executor eager")
    stacks = _stacks(jobs, device, stacking)
    kind: Implementation = "fused" if compiler else "foreach"
    return tuple(
        job
        if isinstance(job.problem, AnalyticSpec)
        else job.model_copy(
            update={
                "executor": _executor(job, device, executor, kind),
                "implementation": _implementation(job, kind, stacked=stacked),
                "stacked": stacked,
            }
        )
        for job, stacked in zip(jobs, stacks, strict=True)
    )


def can_be_stacked(job: Job) -> bool:
    """Whether the job can train beside others that differ only in their seed."""
    row = OPTIMIZERS.get(job.optimizer.name)
    stackable = isinstance(job.problem, SupervisedSpec) and find("model", MODELS, job.problem.model).stackable
    return stackable and row is not None and (row.traits.elementwise or row.traits.stacked)


def _implementation(job: Job, kind: Implementation, *, stacked: bool) -> Implementation:
    row = OPTIMIZERS.get(job.optimizer.name)
    if stacked and row is not None and row.traits.stacked:  # each model's own numbers take list operations
        return "foreach"
    return implementation_of(job.optimizer, kind)


def _executor(job: Job, device: torch.device, wanted: WantedExecutor, kind: Implementation) -> Executor:
    capturable = can_be_captured(job.optimizer, kind)
    if wanted == "captured" and not capturable:
        raise RequestError(
            f"{job.optimizer.label} cannot be captured in a CUDA graph; use --executor auto or eager"
        )
    if wanted == "auto":
        return "captured" if device.type == "cuda" and capturable else "eager"
    return wanted


def _stacks(jobs: Sequence[Job], device: torch.device, stacking: Stacking) -> list[bool]:
    """Which of the jobs are stacked."""
    if stacking == "off" or (stacking == "auto" and device.type != "cuda"):
        return [False for _ in jobs]
    seeds = Counter(job.without_seed for job in jobs)
    stacks = [can_be_stacked(job) and seeds[job.without_seed] > 1 for job in jobs]
    if stacking == "on" and not any(stacks):
        able = ", ".join(name for name, row in MODELS.items() if row.stackable)
        raise RequestError(
            f"--stack-seeds on finds nothing to stack; it takes two seeds or more of the model {able} "
            "and an optimizer that updates each number by itself"
        )
    return stacks
