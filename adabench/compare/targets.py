"""Cost until a run first met a target; runs that missed it are kept as misses."""

import math
from collections.abc import Sequence

from adabench.compare.metrics import AXES, Axis, Metric
from adabench.compare.model import TargetRow, TimeToTarget
from adabench.compare.selection import Runs
from adabench.compare.shares import share_interval
from adabench.compare.survival import kaplan_meier, median
from adabench.results.format import Result


def target_row(runs: Runs, metric: Metric, target: float) -> TargetRow | None:
    """How many runs of one optimizer met the target, and at what cost; None where none tells.

    Runs that failed or were interrupted tell nothing. A diverged run is a miss to the end, however
    early it stopped and whatever it had met before.
    """
    told = [
        result
        for result in runs.results
        if result.status == "diverged"
        or (result.status == "completed" and result.curve.get(metric.target or ""))
    ]
    if not told:
        return None
    hits = {
        result.job.seed: first_epoch(result, metric, target) if result.status == "completed" else None
        for result in told
    }
    reached = sum(hit is not None for hit in hits.values())
    return TargetRow(
        optimizer=runs.label,
        runs=len(told),
        reached=reached,
        share_interval=share_interval(reached, len(told)),
        costs={axis: _time(told, hits, axis) for axis in AXES},
    )


def first_epoch(result: Result, metric: Metric, target: float) -> int | None:
    """The place in the curve of the first epoch at least as good as the target; None where none is."""
    column = result.curve.get(metric.target or "", [])
    good = (
        i
        for i, value in enumerate(column)
        if value is not None and metric.sign * value >= metric.sign * target
    )
    return next(good, None)


def _time(told: Sequence[Result], hits: dict[int, int | None], axis: Axis) -> TimeToTarget:
    values: dict[int, float | None] = {}
    watched, reached = [], []
    for result in told:
        hit, costs = hits[result.job.seed], result.curve.get(axis, [])
        cost = costs[hit] if hit is not None and hit < len(costs) else None
        values[result.job.seed] = cost
        known = [each for each in costs if each is not None]
        end = known[-1] if known and result.status == "completed" else math.inf
        watched.append(end if cost is None else cost)
        reached.append(cost is not None)
    steps = kaplan_meier(watched, reached)
    return TimeToTarget(median=median(steps), values=values, survival=tuple(steps))
