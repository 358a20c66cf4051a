"""What a comparison says, as immutable data: ``model_dump_json`` of it is the command's ``--json``."""

from adabench.compare.statistics import Estimate
from adabench.events import Status
from adabench.spec import Frozen, OptimizerSpec, Precision, ProblemSpec


class Sample(Estimate):
    """An estimate together with the values that it rests on, by seed."""

    values: dict[int, float]


class Row(Frozen):
    """One optimizer on one problem; every number is over its completed runs alone.

    Accuracies are fractions. ``best_test_accuracy`` is each run's best epoch read off the test set:
    an upper bound. ``difference`` is that of the final test accuracy to the baseline's, paired by
    seed; its ``n`` counts pairs.
    """

    optimizer: str
    spec: OptimizerSpec
    completed: int
    diverged: int
    failed: int
    interrupted: int
    final_test_accuracy: Sample | None
    best_test_accuracy: Sample | None
    test_accuracy_at_best_validation: Sample | None
    final_test_loss: Sample | None
    difference: Estimate | None = None
    seconds: float | None
    gradient_evaluations: float | None
    steps: float | None

    @property
    def runs(self) -> int:
        """All runs, however they ended."""
        return self.completed + self.diverged + self.failed + self.interrupted


class Failure(Frozen):
    """A run that did not complete."""

    optimizer: str
    seed: int
    status: Status
    reason: str | None


class ProblemComparison(Frozen):
    """All optimizers on one problem at one length and precision, best first."""

    problem: ProblemSpec
    epochs: int
    precision: Precision
    seeds: tuple[int, ...]
    baseline: str | None
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    def row(self, optimizer: str) -> Row | None:
        """The row of the optimizer with this label."""
        return next((row for row in self.rows if row.optimizer == optimizer), None)


class Comparison(Frozen):
    """Every problem that was compared, in order of its label."""

    problems: tuple[ProblemComparison, ...]
