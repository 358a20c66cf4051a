"""Cost until a run first met a target; runs that missed it are kept as misses."""

import math
from collections.abc import Sequence
from dataclasses import replace

from adabench.compare.metrics import AXES, Axis, Metric
from adabench.compare.model import TargetRow, TimeToTarget
from adabench.compare.question import Question
from adabench.compare.selection import Runs
from adabench.compare.shares import share_interval
from adabench.compare.survival import kaplan_meier, median
from adabench.errors import BadValueError
from adabench.problems.targets import TARGETS
from adabench.results.format import Result
from adabench.spec import SupervisedSpec


def with_known(question: Question, results: Sequence[Result]) -> tuple[Question, tuple[str, ...]]:
    """Give each problem of the results its own target, unless one is declared for it.

    Args:
        question: what is asked; its metric's curve must be the target's.
        results: any results.

    Returns:
        The question, and the labels of the problems that are left without a target.

    Raises:
        BadValueError: the metric has no curve that could reach a target.
    """
    column = question.measure.target
    if column is None:
        raise BadValueError(f"metric {question.metric} has no curve that could reach a target")
    jobs = (result.job for result in results)
    labels = sorted({job.problem.label for job in jobs if isinstance(job.problem, SupervisedSpec)})
    own = {label: TARGETS[label] for label in labels if label in TARGETS}
    known = {label: target.value for label, target in own.items() if target.column == column}
    together = replace(question, targets={**known, **question.targets})
    if together.target is not None or together.target_of_baseline:
        return together, ()
    return together, tuple(label for label in labels if label not in together.targets)


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
