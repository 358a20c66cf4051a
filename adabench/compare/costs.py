"""A metric read where every run has spent the same: steps, samples, gradient evaluations or seconds."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from adabench.compare.metrics import Axis, Metric
from adabench.compare.selection import Runs
from adabench.results.format import Column, Result

_SLACK = 1 + 1e-9
"""Costs are sums of floating-point numbers."""


def budget(runs: Sequence[Runs], axis: Axis) -> float | None:
    """The largest cost that every completed run reached; None where a run does not tell its cost."""
    last = [last_cost(result, axis) for each in runs for result in each.completed]
    known = [cost for cost in last if cost is not None]
    return min(known) if known and len(known) == len(last) else None


def value_within(result: Result, metric: Metric, axis: Axis, limit: float) -> float | None:
    """The metric after the last epoch that cost no more than ``limit``; None where there is none.

    Args:
        result: one run.
        metric: what to read; one that is chosen by a best epoch is read at the best of those within.
        axis: the axis of cost.
        limit: the cost that may not be exceeded.
    """
    epochs = _epochs_within(result.curve.get(axis, []), limit * _SLACK)
    if metric.chosen_by is None:
        return _known(result.curve.get(metric.column or "", []), epochs - 1) if epochs else None
    chooser = [_known(result.curve.get(metric.chosen_by, []), i) for i in range(epochs)]
    known = [(value, -i) for i, value in enumerate(chooser) if value is not None]
    return _known(result.curve.get(metric.column or "", []), -max(known)[1]) if known else None


def _epochs_within(costs: Column, limit: float) -> int:
    """How many epochs cost no more than the limit; costs only grow, and an unknown one ends the search."""
    known = costs if None not in costs else costs[: costs.index(None)]
    return bisect_right(known, limit)  # type: ignore[type-var]


def last_cost(result: Result, axis: Axis) -> float | None:
    """What a run had spent on an axis after its last epoch; None where its curve does not tell."""
    column = result.curve.get(axis, [])
    return _known(column, len(column) - 1) if column else None


def _known(column: Column, place: int) -> float | None:
    value = column[place] if place < len(column) else None
    return value if value is not None and math.isfinite(value) else None
