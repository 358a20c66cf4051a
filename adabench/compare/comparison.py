"""The comparison itself: one row for each optimizer, differences paired by seed."""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

from adabench.compare.across import across
from adabench.compare.analytic import compare_analytic, order
from adabench.compare.costs import budget, value_within
from adabench.compare.curves import curves
from adabench.compare.equal_cost import at_equal_cost
from adabench.compare.fates import counts, failures
from adabench.compare.metrics import METRICS
from adabench.compare.model import Comparison, ProblemComparison, Row, Sample
from adabench.compare.noise import timing_noise
from adabench.compare.notes import notes
from adabench.compare.question import Question
from adabench.compare.selection import Runs, by_optimizer, by_problem
from adabench.compare.statistics import estimate, paired_difference
from adabench.compare.targets import target_row
from adabench.compare.versus import Versus, against_best, judged, versus
from adabench.errors import BadValueError, UnknownNameError
from adabench.results.format import Result
from adabench.spec import AnalyticSpec, Job, SupervisedSpec

USUAL_BASELINE = "adam"
USUAL_QUESTION = Question()


def compare(
    results: Iterable[Result], *, baseline: str | None = None, question: Question = USUAL_QUESTION
) -> Comparison:
    """Compare optimizers on every problem that the results hold; the results' order does not matter.

    Args:
        results: any results; runs that did not complete are counted and contribute no number.
        baseline: the label of the optimizer to take differences to; without it adam, or the first
            by name on a problem that adam did not run on. Analytic problems have none.
        question: what to compare by; the final test accuracy at the end of the runs by default.

    Raises:
        UnknownNameError: no problem has an optimizer with the baseline's label, or the label that a
            target is declared for.
        BadValueError: no completed run has the metric, or its curve where it is to be read.
    """
    results = tuple(results)
    problems = [by_optimizer(group) for group in by_problem(results)]
    labels = sorted({each.label for runs in problems for each in runs})
    if baseline is not None and baseline not in labels:
        raise UnknownNameError("baseline", baseline, labels)
    _check_targets(problems, question)
    supervised, analytic = [], []
    for runs in problems:
        job = runs[0].results[0].job
        if isinstance(job.problem, AnalyticSpec):
            analytic.append(compare_analytic(runs, job.problem))
        else:
            supervised.append(_compare_one(runs, job, job.problem, baseline, question))
    analytic.sort(key=lambda each: order(each.problem))
    _check_measured(results, supervised, question)
    decided, family = _decided(supervised, question)
    return Comparison(
        problems=decided,
        analytic=tuple(analytic),
        metric=question.metric,
        at=question.at,
        margin=question.margin,
        family=family,
        across=across(decided, question, baseline),
        timing_noise=timing_noise(results),
    )


def _compare_one(
    runs: tuple[Runs, ...], job: Job, problem: SupervisedSpec, wanted: str | None, question: Question
) -> ProblemComparison:
    baseline = _baseline([each.label for each in runs], wanted)
    limit = None if question.axis is None else budget(runs, question.axis)
    rows = {each.label: _row(each, question, limit) for each in runs}
    if baseline is not None:
        rows = {label: _with_difference(row, rows[baseline]) for label, row in rows.items()}
    target = _target(problem, question, rows.get(baseline or ""))
    target_rows = [] if target is None else [target_row(each, question.measure, target) for each in runs]
    return ProblemComparison(
        problem=problem,
        epochs=job.epochs,
        precision=job.precision,
        seeds=tuple(sorted({result.job.seed for each in runs for result in each.results})),
        baseline=baseline,
        rows=tuple(sorted(rows.values(), key=lambda row: _rank(row, question.measure.sign))),
        failures=tuple(failure for each in runs for failure in failures(each)),
        notes=notes(runs, baseline, wanted),
        budget=limit,
        comparisons=tuple(_comparisons(list(rows.values()), baseline, question)),
        equal_cost=at_equal_cost(runs, baseline, question.measure),
        target=target,
        target_rows=tuple(row for row in target_rows if row is not None),
        not_worse=_not_worse(list(rows.values()), question),
        curves=curves(runs) if question.curves else (),
    )


def _comparisons(rows: Sequence[Row], baseline: str | None, question: Question) -> list[Versus]:
    """Each optimizer against the baseline, or every pair, the better one first."""
    ordered = sorted(rows, key=lambda row: _rank(row, question.measure.sign))
    base = next((row for row in rows if row.optimizer == baseline), None)
    if question.pairs:
        pairs = list(combinations(ordered, 2))
    else:
        pairs = [(row, base) for row in ordered if base is not None and row is not base]
    found = (
        versus(row.optimizer, other.optimizer, row.value.values, other.value.values)
        for row, other in pairs
        if row.value and other.value
    )
    return [each for each in found if each is not None]


def _not_worse(rows: Sequence[Row], question: Question) -> tuple[str, ...]:
    """The best optimizer and those not significantly worse than it, best first."""
    sign = question.measure.sign
    fair = sorted((row for row in rows if row.value and not row.diverged), key=lambda row: _rank(row, sign))
    found = against_best([(row.optimizer, row.value.values) for row in fair if row.value], question.metric)
    worse = {each.optimizer for each in found if each.verdict == "worse"}
    return tuple(row.optimizer for row in fair if row.optimizer not in worse)


def _decided(
    problems: Sequence[ProblemComparison], question: Question
) -> tuple[tuple[ProblemComparison, ...], int]:
    """The problems with verdicts: all comparisons of all problems are one family."""
    family = [each for compared in problems for each in compared.comparisons]
    where = [compared for compared in problems for _ in compared.comparisons]
    silent = {
        place
        for place, (compared, each) in enumerate(zip(where, family, strict=True))
        if any((row := compared.row(name)) and row.diverged for name in (each.optimizer, each.against))
    }
    verdicts = iter(judged(family, question, silent=frozenset(silent)))
    decided = tuple(
        compared.model_copy(update={"comparisons": tuple(next(verdicts) for _ in compared.comparisons)})
        for compared in problems
    )
    return decided, len(family)


def _check_targets(problems: Sequence[Sequence[Runs]], question: Question) -> None:
    labels = sorted({runs[0].results[0].job.problem.label for runs in problems})
    for label in question.targets:
        if label not in labels:
            raise UnknownNameError("problem of a target", label, labels)


def _check_measured(
    results: Sequence[Result], problems: Sequence[ProblemComparison], question: Question
) -> None:
    """A metric that no run has is a request that cannot be answered, unless it is the usual one."""
    usual = question.metric == USUAL_QUESTION.metric and question.axis is None
    if usual or not problems or any(row.value for each in problems for row in each.rows):
        return
    done = [result.summary for result in results if result.status == "completed"]
    known = [name for name, row in METRICS.items() if any(getattr(s, row.quantity) is not None for s in done)]
    if question.metric in known:
        raise BadValueError(
            f"no run here can be read at {question.at}: its curve does not tell; use --at end"
        )
    raise BadValueError(
        f"no completed run here has a {question.measure.words}; metrics here: {', '.join(known) or 'none'}"
    )


def _target(problem: SupervisedSpec, question: Question, base: Row | None) -> float | None:
    declared = question.targets.get(problem.label, question.target)
    if declared is None and question.target_of_baseline and base is not None and base.value:
        return base.value.mean
    return declared


def _baseline(labels: Sequence[str], wanted: str | None) -> str | None:
    if wanted is not None:
        return wanted if wanted in labels else None
    return USUAL_BASELINE if USUAL_BASELINE in labels else labels[0]


def _row(runs: Runs, question: Question, limit: float | None) -> Row:
    completed = runs.completed
    samples = {
        quantity: sample_of(completed, quantity)
        for quantity in (
            "final_test_accuracy",
            "best_test_accuracy",
            "test_accuracy_at_best_validation",
            "final_test_loss",
        )
    }
    quantity = METRICS[question.metric].quantity
    return Row(
        **counts(runs),
        **samples,
        seconds=_mean(completed, "seconds"),
        gradient_evaluations=_mean(completed, "gradient_evaluations"),
        steps=_mean(completed, "steps"),
        value=_value(completed, question, limit)
        if question.axis
        else samples.get(quantity) or sample_of(completed, quantity),
    )


def _value(completed: Sequence[Result], question: Question, limit: float | None) -> Sample | None:
    axis = question.axis
    if axis is None or limit is None:
        return None
    return _of_values({r.job.seed: value_within(r, question.measure, axis, limit) for r in completed})


def sample_of(completed: Iterable[Result], quantity: str) -> Sample | None:
    """One quantity of the summary over the runs that have it, finite even if a file was written by hand."""
    return _of_values({result.job.seed: getattr(result.summary, quantity) for result in completed})


def _of_values(every: dict[int, float | None]) -> Sample | None:
    values = {seed: value for seed, value in every.items() if value is not None and math.isfinite(value)}
    found = estimate(list(values.values()))
    return Sample(values=values, **dict(found)) if found else None


def _mean(completed: Sequence[Result], quantity: str) -> float | None:
    every = (getattr(result.summary, quantity) for result in completed)
    values = [value for value in every if value is not None and math.isfinite(value)]
    return math.fsum(values) / len(values) if values else None


def _with_difference(row: Row, base: Row) -> Row:
    if row is base or row.final_test_accuracy is None or base.final_test_accuracy is None:
        return row
    difference = paired_difference(row.final_test_accuracy.values, base.final_test_accuracy.values)
    return row.model_copy(update={"difference": difference})


def _rank(row: Row, sign: int) -> tuple[bool, bool, float, str]:
    """By the metric's mean; below those without a diverged run, those with one; unmeasured last."""
    value = row.value
    return value is None, row.diverged > 0, -sign * value.mean if value else 0.0, row.optimizer
