"""The result file: one job's outcome as strict JSON, complete enough to need nothing else.

Units are in the names; accuracies are fractions. NaN and infinity are written as null, and the
status says why. Reading a result imports neither torch nor anything that the file names.

The file's last entry, ``sha256``, is its seal (see `adabench.results.seal`): the digest of every byte
before that entry. A file without one is read as it is; one whose seal does not fit is refused.
"""

from pydantic import Field, FiniteFloat

from adabench.events import Environment, Status, Summary
from adabench.spec import FORMAT, Frozen, Job

Column = list[FiniteFloat | None]


class Result(Frozen):
    """Everything kept of one job.

    ``curve`` holds columns with one value per finished epoch: train_loss, train_accuracy,
    test_loss, test_accuracy, learning_rate, seconds, steps, samples, gradient_evaluations
    (the last four cumulative), and validation_loss, validation_accuracy where there is a split.
    On an analytic problem it holds loss, distance_to_optimum, x1 and x2 (where there are at most two
    coordinates), average_regret (where every step shows another function), and the same last five.
    ``probes`` holds columns of what the optimizer says of itself, such as lipschitz.
    """

    format: int = FORMAT
    job: Job
    status: Status
    reason: str | None = None
    summary: Summary = Summary()
    curve: dict[str, Column] = Field(default_factory=dict)
    probes: dict[str, Column] = Field(default_factory=dict)
    environment: Environment | None = None

    @property
    def finished(self) -> bool:
        """Whether the run came to an end of its own, so that its job need not run again."""
        return self.status in ("completed", "diverged")
