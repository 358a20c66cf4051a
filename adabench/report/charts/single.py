"""Charts of one problem at the end of its runs: quality against cost, learning rates, the price of a step."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from adabench.compare.metrics import AXES, Axis
from adabench.compare.selection import Runs
from adabench.compare.statistics import Estimate, estimate
from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.curves import rounded
from adabench.report.numbers import counted
from adabench.results.format import Result

ACCURACY = "final test accuracy, per cent"
FEWEST_RATES = 3


def tradeoff(runs: Sequence[Runs]) -> Chart | None:
    """Final test accuracy against what it cost; None where nothing was measured."""
    axes: tuple[Axis, ...] = ("gradient_evaluations", "seconds")
    panels = [
        Panel(x=AXES[axis], y=ACCURACY, series=points, kind="points")
        for axis in axes
        if (points := tuple(_points(runs, axis)))
    ]
    return (
        Chart(
            slug="tradeoff",
            title="Accuracy against cost",
            caption=f"Means over completed seeds ({seeds_counted(runs)}) with the 95 % interval of the "
            "accuracy's mean. Up and to the left is better.",
            panels=tuple(panels),
            columns=2,
        )
        if panels
        else None
    )


def overhead(runs: Sequence[Runs]) -> Chart | None:
    """What a step costs in time and memory; None where the runs come from different hardware."""
    if len({_hardware(result) for each in runs for result in each.completed}) != 1:
        return None
    quantities = {
        "milliseconds a step": _step_milliseconds,
        "optimizer state, bytes a parameter": _state_bytes,
    }
    panels = []
    for words, measure in quantities.items():
        rows = [
            _row(each.label, [value for run in each.completed if (value := measure(run)) is not None])
            for each in runs
        ]
        kept = tuple(row for row in rows if row)
        if kept:
            panels.append(Panel(x=words, y="", series=kept, kind="rows"))
    return (
        Chart(
            slug="overhead",
            title="The price of a step",
            caption=f"Means over completed seeds ({seeds_counted(runs)}); bars reach from the lowest to "
            "the highest seed. Time includes the model's own forward and backward pass, and every gradient "
            "evaluation of the step.",
            panels=tuple(panels),
            columns=2,
        )
        if panels
        else None
    )


def sensitivity(runs: Sequence[Runs]) -> Chart | None:
    """Final test accuracy over the learning rate; None where no optimizer ran with at least three."""
    groups: dict[str, dict[float, Runs]] = defaultdict(dict)
    for each in runs:
        settings = dict(each.results[0].job.optimizer.hyperparameters)
        rate = settings.pop("lr", None)
        if isinstance(rate, (int, float)):
            groups[_family(each.results[0])][float(rate)] = each
    series = tuple(
        line
        for family, rates in sorted(groups.items())
        if len(rates) >= FEWEST_RATES and (line := _sweep(family, rates))
    )
    return (
        Chart(
            slug="sensitivity",
            title="Sensitivity to the learning rate",
            caption=f"Means over completed seeds ({seeds_counted(runs)}); bands reach from the lowest to "
            "the highest seed. A rate at which a run diverged has no point.",
            panels=(Panel(x="learning rate", y=ACCURACY, series=series, log_x=True),),
            columns=1,
        )
        if series
        else None
    )


def seeds_counted(runs: Sequence[Runs]) -> str:
    """How many completed seeds the means rest on, in words."""
    return counted(len(each.completed) for each in runs)


def _points(runs: Sequence[Runs], axis: Axis) -> Iterable[Series]:
    for each in runs:
        held = [run.summary for run in each.completed]
        quality = _estimate(run.final_test_accuracy for run in held)
        cost = _estimate(getattr(run, axis) for run in held)
        if quality and cost:
            low, high = quality.interval or (quality.mean, quality.mean)
            yield Series(
                optimizer=each.label,
                x=rounded([cost.mean]),
                y=rounded([100 * quality.mean]),
                low=rounded([100 * low]),
                high=rounded([100 * high]),
            )


def _row(label: str, values: Sequence[float]) -> Series | None:
    found = _estimate(values)
    if found is None:
        return None
    return Series(
        optimizer=label, x=rounded([found.mean]), low=rounded([min(values)]), high=rounded([max(values)])
    )


def _sweep(family: str, rates: dict[float, Runs]) -> Series | None:
    found = []
    for rate, runs in sorted(rates.items()):
        accuracies = [run.summary.final_test_accuracy for run in runs.completed]
        values = [100 * value for value in accuracies if value is not None]
        if values and not runs.seeds("diverged"):
            found.append((rate, sum(values) / len(values), min(values), max(values)))
    if len(found) < FEWEST_RATES - 1:
        return None
    x, y, low, high = (rounded(each) for each in zip(*found, strict=True))
    return Series(optimizer=family, x=x, y=y, low=low, high=high)


def _family(result: Result) -> str:
    """The optimizer's label without its learning rate."""
    name, _, settings = result.job.optimizer.label.partition(":")
    others = [setting for setting in settings.split(",") if setting and not setting.startswith("lr=")]
    return f"{name}:{','.join(others)}" if others else name


def _hardware(result: Result) -> tuple[object, ...]:
    place = result.environment
    return (place.device, place.threads, result.job.executor, result.job.stacked) if place else ()


def _step_milliseconds(result: Result) -> float | None:
    found = result.summary
    return 1000 * found.seconds / found.steps if found.seconds and found.steps else None


def _state_bytes(result: Result) -> float | None:
    found = result.summary
    return (
        found.optimizer_state_bytes / found.parameters
        if found.optimizer_state_bytes and found.parameters
        else None
    )


def _estimate(values: Iterable[float | None]) -> Estimate | None:
    return estimate([value for value in values if value is not None and math.isfinite(value)])
