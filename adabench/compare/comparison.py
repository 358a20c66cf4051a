"""The comparison itself: one row for each optimizer, differences paired by seed."""

import math
from collections.abc import Iterable, Sequence

from adabench.compare.analytic import compare_analytic, order
from adabench.compare.fates import counts, failures
from adabench.compare.model import Comparison, ProblemComparison, Row, Sample
from adabench.compare.notes import notes
from adabench.compare.selection import Runs, by_optimizer, by_problem
from adabench.compare.statistics import estimate, paired_difference
from adabench.errors import UnknownNameError
from adabench.results.format import Result
from adabench.spec import AnalyticSpec, Job, SupervisedSpec

USUAL_BASELINE = "adam"


def compare(results: Iterable[Result], *, baseline: str | None = None) -> Comparison:
    """Compare optimizers on every problem that the results hold; the results' order does not matter.

    Args:
        results: any results; runs that did not complete are counted and contribute no number.
        baseline: the label of the optimizer to take differences to; without it adam, or the first
            by name on a problem that adam did not run on. Analytic problems have none.

    Raises:
        UnknownNameError: no problem has an optimizer with the baseline's label.
    """
    problems = [by_optimizer(group) for group in by_problem(results)]
    labels = sorted({each.label for runs in problems for each in runs})
    if baseline is not None and baseline not in labels:
        raise UnknownNameError("baseline", baseline, labels)
    supervised, analytic = [], []
    for runs in problems:
        job = runs[0].results[0].job
        if isinstance(job.problem, AnalyticSpec):
            analytic.append(compare_analytic(runs, job.problem))
        else:
            supervised.append(_compare_one(runs, job, job.problem, baseline))
    analytic.sort(key=lambda each: order(each.problem))
    return Comparison(problems=tuple(supervised), analytic=tuple(analytic))


def _compare_one(
    runs: tuple[Runs, ...], job: Job, problem: SupervisedSpec, wanted: str | None
) -> ProblemComparison:
    baseline = _baseline([each.label for each in runs], wanted)
    rows = {each.label: _row(each) for each in runs}
    if baseline is not None:
        rows = {label: _with_difference(row, rows[baseline]) for label, row in rows.items()}
    return ProblemComparison(
        problem=problem,
        epochs=job.epochs,
        precision=job.precision,
        seeds=tuple(sorted({result.job.seed for each in runs for result in each.results})),
        baseline=baseline,
        rows=tuple(sorted(rows.values(), key=_rank)),
        failures=tuple(failure for each in runs for failure in failures(each)),
        notes=notes(runs, baseline, wanted),
    )


def _baseline(labels: Sequence[str], wanted: str | None) -> str | None:
    if wanted is not None:
        return wanted if wanted in labels else None
    return USUAL_BASELINE if USUAL_BASELINE in labels else labels[0]


def _row(runs: Runs) -> Row:
    completed = [result for result in runs.results if result.status == "completed"]
    return Row(
        **counts(runs),
        final_test_accuracy=_sample(completed, "final_test_accuracy"),
        best_test_accuracy=_sample(completed, "best_test_accuracy"),
        test_accuracy_at_best_validation=_sample(completed, "test_accuracy_at_best_validation"),
        final_test_loss=_sample(completed, "final_test_loss"),
        seconds=_mean(completed, "seconds"),
        gradient_evaluations=_mean(completed, "gradient_evaluations"),
        steps=_mean(completed, "steps"),
    )


def _sample(completed: Sequence[Result], quantity: str) -> Sample | None:
    """One quantity of the summary over the runs that have it, finite even if a file was written by hand."""
    every = {result.job.seed: getattr(result.summary, quantity) for result in completed}
    values = {seed: value for seed, value in every.items() if value is not None and math.isfinite(value)}
    found = estimate(list(values.values()))
    return Sample(values=values, **dict(found)) if found else None


def _mean(completed: Sequence[Result], quantity: str) -> float | None:
    sample = _sample(completed, quantity)
    return sample.mean if sample else None


def _with_difference(row: Row, base: Row) -> Row:
    if row is base or row.final_test_accuracy is None or base.final_test_accuracy is None:
        return row
    difference = paired_difference(row.final_test_accuracy.values, base.final_test_accuracy.values)
    return row.model_copy(update={"difference": difference})


def _rank(row: Row) -> tuple[bool, bool, float, str]:
    """By mean final test accuracy; below those without a diverged run, those with one; unmeasured last."""
    accuracy = row.final_test_accuracy
    return accuracy is None, row.diverged > 0, -accuracy.mean if accuracy else 0.0, row.optimizer
