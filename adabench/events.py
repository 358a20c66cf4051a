"""What a running job says, in the order it says it: started, epoch after epoch, ended.

The engine yields these; progress, results and launchers listen. None of them holds a tensor, and
none of them knows a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from adabench.spec import Frozen, Job

Status = Literal["completed", "diverged", "failed", "interrupted"]


class Summary(Frozen):
    """A run in one line. A value is None where the run did not get that far."""

    final_test_accuracy: float | None = None
    final_test_loss: float | None = None
    best_test_accuracy: float | None = None
    """The best epoch's, read off the test set: an upper bound, never a selection."""
    best_validation_accuracy: float | None = None
    test_accuracy_at_best_validation: float | None = None
    final_train_loss: float | None = None
    final_loss: float | None = None
    """The exact loss of an analytic problem at the last point."""
    final_distance: float | None = None
    """From the last point to the optimum of an analytic problem, as a 2-norm."""
    left_region_step: int | None = None
    """First step after which the point lay outside the region of one-point convexity."""
    largest_late_distance: float | None = None
    """Largest distance to the optimum after step 1,000."""
    seconds: float | None = None
    """Training time alone: no start-up, evaluation or writing."""
    evaluation_seconds: float | None = None
    setup_seconds: float | None = None
    """Loading data and building the model and the optimizer."""
    warm_up_seconds: float | None = None
    """Compiling and recording, and the steps taken for it, which are taken back."""
    checkpoint_seconds: float | None = None
    resumed_at_step: int | None = None
    """Steps that were done when the run last went on after an interruption; None if it never did."""
    steps: int = 0
    samples: int = 0
    gradient_evaluations: int = 0
    steps_per_second: float | None = None
    parameters: int | None = None
    peak_memory_bytes: int | None = None
    optimizer_state_bytes: int | None = None


class Environment(Frozen):
    """Where, when and with what a job ran: provenance, not identity."""

    adabench: str
    python: str
    torch: str
    torchvision: str | None = None
    platform: str
    device: str
    """The device's own name, such as ``NVIDIA H100`` or the CPU's model."""
    device_type: str
    driver: str | None = None
    cudnn_autotuned: bool | None = None
    """Whether cuDNN chose its algorithms by trying them, so that two runs may differ in their last bits."""
    threads: int
    workers: int = 1
    """How many jobs ran side by side."""
    attempts: int = 1
    """How many worker processes it took: 2 where the first one died."""
    git_revision: str | None = None
    command: list[str]
    started: str
    """UTC, ISO 8601."""
    ended: str
    dataset_fingerprint: str | None = None
    """sha256 over the arrays trained and tested on."""


@dataclass(frozen=True, kw_only=True)
class JobStarted:
    """A job's data and model are ready; training begins."""

    job: Job
    device: str
    total_steps: int


@dataclass(frozen=True, kw_only=True)
class StepsDone:
    """A sign of life, a few times a second while steps are taken; carries no metric, so costs no read."""

    job: Job
    steps: int
    """Steps taken since the job began."""
    steps_per_second: float


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """One pass over the training set and its evaluation are done."""

    job: Job
    epoch: int
    """How many epochs are done, counted from 1."""
    metrics: Mapping[str, float]
    """One value for each column of the result's curve."""
    probes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JobEnded:
    """A job is over, well or badly."""

    job: Job
    status: Status
    reason: str | None
    summary: Summary
    environment: Environment | None

    @classmethod
    def lost(cls, job: Job, reason: str, status: Status = "failed") -> "JobEnded":
        """The end of a job whose process cannot tell of it any more."""
        return cls(job=job, status=status, reason=reason, summary=Summary(), environment=None)

    def noting(self, **facts: object) -> "JobEnded":
        """The same end, with fields of its environment as its launcher knows them."""
        if self.environment is None:
            return self
        return replace(self, environment=self.environment.model_copy(update=facts))


Event = JobStarted | StepsDone | EpochEnded | JobEnded
