"""What a comparison says, as immutable data: ``model_dump_json`` of it is the command's ``--json``."""

from adabench.compare.checks import Gates
from adabench.compare.metrics import Axis
from adabench.compare.model_across import Across, AcrossRow, Friedman, Profile
from adabench.compare.statistics import Estimate, Interval
from adabench.compare.versus import Versus
from adabench.events import Status
from adabench.spec import AnalyticSpec, Frozen, Job, OptimizerSpec, Precision, SupervisedSpec

__all__ = [
    "Across",
    "AcrossRow",
    "AnalyticComparison",
    "AnalyticRow",
    "AtEqualCost",
    "Comparison",
    "Curve",
    "EqualCost",
    "Exits",
    "Failure",
    "Friedman",
    "ProblemComparison",
    "Profile",
    "Row",
    "Sample",
    "Tally",
    "TargetRow",
    "TimeToTarget",
    "TimingNoise",
]


def title(label: str, epochs: int, precision: str) -> str:
    """A problem's label with the length and precision that results of it were made at."""
    return f"{label}, {epochs} {'epoch' if epochs == 1 else 'epochs'}, {precision}"


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
    value: Sample | None = None
    """The metric that was asked for, where it was asked for: at the end, or at equal cost."""


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


class EqualCost(Frozen):
    """One optimizer where every run has spent the same, and its difference to the baseline there."""

    optimizer: str
    value: Estimate | None
    difference: Estimate | None


class AtEqualCost(Frozen):
    """The metric at the largest cost on one axis that every completed run reached.

    ``early`` names the optimizers that had more to come: their schedules were not yet at an end.
    """

    axis: Axis
    budget: float
    rows: tuple[EqualCost, ...]
    early: tuple[str, ...]


class TimeToTarget(Frozen):
    """The cost to target on one axis: Kaplan-Meier's median, and each run's by seed, None for a miss.

    ``survival`` is the share still without the target after each cost at which a run met it.
    """

    median: float | None
    values: dict[int, float | None]
    survival: tuple[tuple[float, float], ...]


class TargetRow(Frozen):
    """How many runs of one optimizer met the target, with the exact 95 % interval of that share."""

    optimizer: str
    runs: int
    reached: int
    share_interval: Interval
    costs: dict[Axis, TimeToTarget]


class Curve(Frozen):
    """One optimizer's mean of one column of the curve, epoch by epoch, and its 95 % band over seeds.

    ``costs`` are the means over seeds of the four axes at the same epochs.
    """

    optimizer: str
    column: str
    n: int
    costs: dict[Axis, list[float | None]]
    mean: list[float | None]
    low: list[float | None] | None
    high: list[float | None] | None


class ProblemComparison(Frozen):
    """All optimizers on one problem at one length and precision, best first.

    ``comparisons`` are to the baseline, or of all pairs where those were asked for; they rest on each
    row's ``value``. ``budget`` is the cost at which that was read, None at the end of the runs.
    ``target`` is None where none was declared. ``not_worse`` is the best optimizer without a diverged
    run, and every one that is not significantly worse than it, with Holm's correction over all pairs.
    """

    problem: SupervisedSpec
    epochs: int
    precision: Precision
    seeds: tuple[int, ...]
    baseline: str | None
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    budget: float | None = None
    comparisons: tuple[Versus, ...] = ()
    equal_cost: tuple[AtEqualCost, ...] = ()
    target: float | None = None
    target_rows: tuple[TargetRow, ...] = ()
    not_worse: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def title(self) -> str:
        """The problem's label, with what sets it apart from the same problem at another length."""
        return title(self.problem.label, self.epochs, self.precision)

    def is_of(self, job: Job) -> bool:
        """Whether a job has this problem, length and precision."""
        mine = (self.problem, self.epochs, self.precision)
        return mine == (job.problem, job.epochs, job.precision)

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


class TimingNoise(Frozen):
    """How much seconds differ when the same job runs twice, as shares of their mean."""

    pairs: int
    typical: float
    largest: float


class Comparison(Frozen):
    """Every problem that was compared: those with data in order of the label, and the analytic ones.

    ``metric``, ``at`` and ``margin`` are what was asked; ``family`` is the number of comparisons that Holm's
    correction counts; ``gates`` are what a CI job asked for.
    """

    problems: tuple[ProblemComparison, ...]
    analytic: tuple[AnalyticComparison, ...] = ()
    metric: str = "final"
    at: str = "end"
    margin: float | None = None
    family: int = 0
    across: Across | None = None
    timing_noise: TimingNoise | None = None
    gates: Gates | None = None
