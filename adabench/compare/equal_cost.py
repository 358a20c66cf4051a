"""Every optimizer where all have spent the same, on each axis on which they differ at their ends."""

from collections.abc import Sequence

from adabench.compare.costs import budget, last_cost, value_within
from adabench.compare.metrics import AXES, Axis, Metric
from adabench.compare.model import AtEqualCost, EqualCost
from adabench.compare.selection import Runs
from adabench.compare.statistics import estimate, paired_difference

NOTICEABLE = 1.01
"""Costs that differ by less than a hundredth are the same."""


def at_equal_cost(runs: Sequence[Runs], baseline: str | None, metric: Metric) -> tuple[AtEqualCost, ...]:
    """The metric at equal cost, for each axis on which some optimizer spent noticeably more than another."""
    if metric.column is None:
        return ()
    found = (_on(axis, runs, baseline, metric) for axis in AXES)
    return tuple(each for each in found if each is not None)


def _on(axis: Axis, runs: Sequence[Runs], baseline: str | None, metric: Metric) -> AtEqualCost | None:
    limit = budget(runs, axis)
    if limit is None:
        return None
    early = [each.label for each in runs if _mean_cost(each, axis) > limit * NOTICEABLE]
    if not early:
        return None
    values = {each.label: _values(each, metric, axis, limit) for each in runs if each.completed}
    base = values.get(baseline or "")
    rows = [
        EqualCost(
            optimizer=label,
            value=estimate(list(found.values())),
            difference=None if base is None or label == baseline else paired_difference(found, base),
        )
        for label, found in values.items()
    ]
    return AtEqualCost(
        axis=axis,
        budget=limit,
        rows=tuple(sorted(rows, key=lambda row: _rank(row, metric))),
        early=tuple(early),
    )


def _mean_cost(runs: Runs, axis: Axis) -> float:
    return sum(last_cost(result, axis) or 0.0 for result in runs.completed) / max(1, len(runs.completed))


def _values(runs: Runs, metric: Metric, axis: Axis, limit: float) -> dict[int, float]:
    found = {result.job.seed: value_within(result, metric, axis, limit) for result in runs.completed}
    return {seed: value for seed, value in found.items() if value is not None}


def _rank(row: EqualCost, metric: Metric) -> tuple[bool, float, str]:
    return row.value is None, -metric.sign * row.value.mean if row.value else 0.0, row.optimizer
