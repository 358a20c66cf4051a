"""What a comparison says, as immutable data: ``model_dump_json`` of it is the command's ``--json``."""

from adabench.compare.statistics import Estimate, Interval
from adabench.events import Status
from adabench.spec import AnalyticSpec, Frozen, OptimizerSpec, Precision, SupervisedSpec


class Sample(Estimate):
    """An estimate together with the values that it rests on, by seed."""

    values: dict[int, float]


class Tally(Frozen):
    """What became of the runs of one optimizer on one problem."""

    optimizer: str
    spec: OptimizerSpec
    completed: int
    diverged: int
    failed: int
    interrupted: int

    @property
    def runs(self) -> int:
        """All runs, however they ended."""
        return self.completed + self.diverged + self.failed + self.interrupted


class Row(Tally):
    """One optimizer on one problem; every number is over its completed runs alone.

    Accuracies are fractions. ``best_test_accuracy`` is each run's best epoch read off the test set:
    an upper bound. ``difference`` is that of the final test accuracy to the baseline's, paired by
    seed; its ``n`` counts pairs.
    """

    final_test_accuracy: Sample | None
    best_test_accuracy: Sample | None
    test_accuracy_at_best_validation: Sample | None
    final_test_loss: Sample | None
    difference: Estimate | None = None
    seconds: float | None
    gradient_evaluations: float | None
    steps: float | None


class Exits(Frozen):
    """How many of the runs that ended left the region of one-point convexity, and when.

    ``steps`` is the first step outside of each run, by seed. The interval is that of the share, as
    fractions; None where all runs are the same one, so that they say nothing about others.
    """

    runs: int
    left: int
    interval: Interval | None
    earliest_step: int | None
    median_step: float | None
    steps: dict[int, int | None]


class AnalyticRow(Tally):
    """One optimizer on one analytic problem; its numbers are medians over completed runs.

    ``largest_late_distance`` is a run's largest distance to the optimum after step 1,000. Runs are
    ``identical`` where there is no chance in them.
    """

    exits: Exits | None
    largest_late_distance: float | None
    final_distance: float | None
    final_loss: float | None
    gradient_evaluations: float | None
    identical: bool


class Failure(Frozen):
    """A run that did not complete."""

    optimizer: str
    seed: int
    status: Status
    reason: str | None


class ProblemComparison(Frozen):
    """All optimizers on one problem at one length and precision, best first."""

    problem: SupervisedSpec
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


class AnalyticComparison(Frozen):
    """All optimizers on one analytic problem at one length, those that stayed first."""

    problem: AnalyticSpec
    steps: int
    seeds: tuple[int, ...]
    rows: tuple[AnalyticRow, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


class Comparison(Frozen):
    """Every problem that was compared: those with data in order of the label, and the analytic ones."""

    problems: tuple[ProblemComparison, ...]
    analytic: tuple[AnalyticComparison, ...] = ()
