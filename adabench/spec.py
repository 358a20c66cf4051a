"""The words of a request: what a job is, what a sweep is, and how one becomes the other.

A `Job` holds everything that decides its outcome and nothing that does not; `Job.key` is the hash
of exactly that. Where and when it ran is provenance and lives in the result.
"""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adabench.catalogue import Value

FORMAT = 1
"""Version of the job and result format. History: 1 (first release)."""

Precision = Literal["fp32", "tf32", "bf16"]
Executor = Literal["eager", "compiled", "captured"]
WantedExecutor = Literal["auto", "eager", "compiled", "captured"]
Stacking = Literal["auto", "on", "off"]
Implementation = Literal["fused", "foreach"]


class Frozen(BaseModel):
    """Immutable, and strict about names: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


class OptimizerSpec(Frozen):
    """An optimizer with every hyperparameter resolved, and the schedule of its learning rate."""

    name: str
    label: str
    """What people call it: the name and every setting that differs from the catalogue's default."""
    hyperparameters: dict[str, Value]
    schedule: str
    source: str | None = None
    """What was named by import path: distribution and version, or the hash of the file; else None."""


class SupervisedSpec(Frozen):
    """A supervised problem: a model, a data set, and how minibatches are drawn from it."""

    model: str
    model_options: dict[str, Value] = {}
    dataset: str
    dataset_options: dict[str, Value] = {}
    label: str
    """What people call it, such as ``mlp-mnist``; also the name of its folder of results."""
    augment: str = "none"
    batch_size: int = Field(default=128, ge=1)
    train_examples: int | None = Field(default=None, ge=1)
    """Size of the fixed, class-balanced subset to train on; None trains on all."""
    validation_fraction: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the training set kept apart to select on, the same for every seed."""


class AnalyticSpec(Frozen):
    """A function given by a formula, with every option resolved; computed in float64."""

    name: str
    options: dict[str, Value] = {}
    label: str
    """What people call it, such as ``cosine_bowl:noise=0.001``; also the name of its folder of results."""
    interval: int = Field(default=60, ge=1)
    """Steps of the optimizer in one epoch: one row of the curve."""


ProblemSpec = SupervisedSpec | AnalyticSpec


class Job(Frozen):
    """One optimizer on one problem with one seed: the unit that runs, fails and is stored."""

    optimizer: OptimizerSpec
    problem: ProblemSpec
    seed: int = Field(ge=0)
    epochs: int = Field(ge=1)
    precision: Precision = "fp32"
    implementation: Implementation = "foreach"
    """How the optimizer's update runs: one pass over memory, or one operation after another."""
    executor: Executor = "eager"
    """How a training step runs: as written, its model compiled, or all of it captured in CUDA graphs."""
    stacked: bool = False
    """Trained together with jobs that differ only in their seed, as one batch of models."""
    threads: int | None = None
    """CPU threads, which change the order of sums; None on an accelerator."""

    @property
    def title(self) -> str:
        """The job in a few words: optimizer, problem, seed."""
        return f"{self.optimizer.label} on {self.problem.label}, seed {self.seed}"

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stand for everything that decides the outcome."""
        content = self.model_dump(exclude={"optimizer": {"label"}, "problem": {"label"}}) | {"format": FORMAT}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def without_seed(self) -> "Job":
        """What the job has in common with those that differ only in their seed."""
        return self.model_copy(update={"seed": 0})

    @property
    def run_key(self) -> str:
        """Names the run that the job is part of: its own, or the one that it shares with its stack."""
        return self.without_seed.key if self.stacked else self.key


class Sweep(Frozen):
    """A request in full: every combination of optimizer, problem and seed."""

    name: str
    optimizers: tuple[OptimizerSpec, ...]
    problems: tuple[ProblemSpec, ...]
    seeds: tuple[int, ...]
    epochs: int = Field(ge=1)
    precision: Precision = "fp32"


def expand(sweep: Sweep, *, threads: int | None) -> tuple[Job, ...]:
    """All jobs of a sweep; a seed's optimizers stand together, so an early stop leaves whole pairs."""
    return tuple(
        Job(
            optimizer=optimizer,
            problem=problem,
            seed=seed,
            epochs=sweep.epochs,
            precision=sweep.precision,
            threads=threads,
        )
        for problem in sweep.problems
        for seed in sweep.seeds
        for optimizer in sweep.optimizers
    )
