"""Analytic problems compared: who left the region of one-point convexity, when, and how far."""

import math
import statistics
from collections.abc import Sequence

from adabench.catalogue import Value
from adabench.compare.fates import counts, failures
from adabench.compare.model import AnalyticComparison, AnalyticRow, Exits
from adabench.compare.notes import about_runs
from adabench.compare.selection import Runs
from adabench.compare.shares import share_interval
from adabench.results.format import Result
from adabench.spec import AnalyticSpec


def compare_analytic(runs: Sequence[Runs], problem: AnalyticSpec) -> AnalyticComparison:
    """One analytic problem with a row for each optimizer, those that stayed first."""
    rows = [_row(each) for each in runs]
    return AnalyticComparison(
        problem=problem,
        steps=runs[0].results[0].job.epochs * problem.interval,
        seeds=tuple(sorted({result.job.seed for each in runs for result in each.results})),
        rows=tuple(sorted(rows, key=_rank)),
        failures=tuple(failure for each in runs for failure in failures(each)),
        notes=(*about_runs(runs), *_identical(rows)),
    )


def order(problem: AnalyticSpec) -> tuple[object, ...]:
    """The place of a problem among others: by name, then by its options as numbers."""
    return problem.name, tuple(map(_place, problem.options.values())), problem.interval, problem.label


def _place(value: Value) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, (int, float)) else (math.inf, str(value))


def _row(runs: Runs) -> AnalyticRow:
    # A diverged run tells whether the region was left; numbers at the end are over completed ones alone.
    ended = [result for result in runs.results if result.finished]
    completed = [result for result in ended if result.status == "completed"]
    identical = len({_outcome(result) for result in ended}) == 1 < len(ended)
    return AnalyticRow(
        **counts(runs),
        exits=_exits(ended, identical=identical) if ended else None,
        largest_late_distance=_median(completed, "largest_late_distance"),
        final_distance=_median(completed, "final_distance"),
        final_loss=_median(completed, "final_loss"),
        gradient_evaluations=_median(completed, "gradient_evaluations"),
        identical=identical,
    )


def _exits(ended: Sequence[Result], *, identical: bool) -> Exits:
    steps = {result.job.seed: result.summary.left_region_step for result in ended}
    left = [step for step in steps.values() if step is not None]
    return Exits(
        runs=len(ended),
        left=len(left),
        interval=None if identical else share_interval(len(left), len(ended)),
        earliest_step=min(left, default=None),
        median_step=statistics.median(left) if left else None,
        steps=steps,
    )


def _median(completed: Sequence[Result], quantity: str) -> float | None:
    values = [getattr(result.summary, quantity) for result in completed]
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.median(numbers) if numbers else None


def _outcome(result: Result) -> tuple[object, ...]:
    found = result.summary
    return result.status, found.final_loss, found.final_distance, found.left_region_step


def _identical(rows: Sequence[AnalyticRow]) -> list[str]:
    same = [row.optimizer for row in rows if row.identical]
    line = f"without chance, all seeds are one and the same run: {', '.join(same)}"
    return [line] if same else []


def _rank(row: AnalyticRow) -> tuple[bool, float, float, str]:
    """By the share that left, then by the largest late distance; unmeasured last."""
    share = row.exits.left / row.exits.runs if row.exits else math.inf
    distance = row.largest_late_distance
    return row.exits is None, share, math.inf if distance is None else distance, row.optimizer
