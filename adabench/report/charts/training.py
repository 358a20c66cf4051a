"""Learning curves on every axis of cost, and what training looks like from inside the optimizer."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from adabench.compare.metrics import AXES, Axis
from adabench.compare.model import Curve, ProblemComparison
from adabench.compare.selection import Runs
from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.charts.single import seeds_counted
from adabench.report.curves import band, column, rounded, thinned
from adabench.report.numbers import counted


@dataclass(frozen=True)
class Quantity:
    """One quantity over training.

    Args:
        column: of the result's curve or probes.
        words: what it is, with its unit.
        scale: by which values are multiplied.
        log: whether its axis is logarithmic.
        edges: columns below and above, drawn as a band instead of the seeds' spread.
    """

    column: str
    words: str
    scale: float = 1.0
    log: bool = False
    edges: tuple[str, str] | None = None


LEARNING = (
    Quantity("test_accuracy", "test accuracy, per cent", scale=100.0),
    Quantity("train_loss", "training loss", log=True),
)
ANALYTIC = (
    Quantity("distance_to_optimum", "distance to the optimum, 2-norm", log=True),
    Quantity("average_regret", "average regret"),
)
INSIDE = (
    Quantity("v_norm", "second moment v, 2-norm", log=True),
    Quantity(
        "effective_lr_q50",
        "effective learning rate",
        log=True,
        edges=("effective_lr_q05", "effective_lr_q95"),
    ),
    Quantity("lipschitz", "smoothness estimate L"),
    Quantity("frozen_fraction", "steps that left v as it was, %", scale=100.0),
    Quantity("gradient_norm", "gradient at epoch's end, 2-norm", log=True),
    Quantity("update_norm", "update at epoch's end, 2-norm", log=True),
)


def learning_curves(compared: ProblemComparison, runs: Sequence[Runs]) -> Chart | None:
    """Quality over steps, samples, gradient evaluations and seconds; None where no curve has a cost."""
    panels = [
        panel
        for quantity in LEARNING
        for axis in AXES
        if (panel := _learning_panel(compared, runs, quantity, axis))
    ]
    if not panels:
        return None
    broken = any(series.broken for panel in panels for series in panel.series)
    n = counted(row.completed for row in compared.rows)
    lost = " Thin lines that end in a cross are runs that diverged." if broken else ""
    return Chart(
        slug="curves",
        title="Learning curves",
        caption=f"Mean over completed seeds ({n}) and the 95 % interval of that mean, "
        f"over each axis of cost.{lost}",
        panels=tuple(panels),
    )


def analytic_curves(runs: Sequence[Runs]) -> Chart | None:
    """Distance and regret on an analytic problem, over steps and gradient evaluations."""
    axes: tuple[Axis, ...] = ("steps", "gradient_evaluations")
    found = (_spread_panel(runs, quantity, axis) for quantity in ANALYTIC for axis in axes)
    panels = tuple(panel for panel in found if panel)
    return _spread_chart("curves", "Distance over cost", runs, panels, 2) if panels else None


def inside(runs: Sequence[Runs]) -> Chart | None:
    """What optimizers recorded of themselves, over epochs; None where none did."""
    panels = tuple(panel for quantity in INSIDE if (panel := _spread_panel(runs, quantity, None)))
    return _spread_chart("inside", "Inside the optimizer", runs, panels, 3) if panels else None


def _spread_chart(
    slug: str, title: str, runs: Sequence[Runs], panels: tuple[Panel, ...], columns: int
) -> Chart:
    middle = "Median" if any(panel.log_x for panel in panels) else "Mean"
    count = seeds_counted(runs)
    caption = f"{middle} over completed seeds ({count}), and a band from the lowest to the highest seed."
    if any(panel.y == "effective learning rate" for panel in panels):
        caption += " The effective learning rate is lr / sqrt(v): median, and the 5th to 95th percentile."
    return Chart(slug=slug, title=title, caption=caption, panels=panels, columns=columns)


def _learning_panel(
    compared: ProblemComparison, runs: Sequence[Runs], quantity: Quantity, axis: Axis
) -> Panel | None:
    curves = [curve for curve in compared.curves if curve.column == quantity.column]
    lines = [line for curve in curves if (line := _line(curve, quantity, axis))]
    lines += [line for each in runs for line in _broken(each, quantity, axis)]
    if not lines:
        return None
    return Panel(x=AXES[axis], y=quantity.words, series=tuple(lines), log_y=quantity.log)


def _line(curve: Curve, quantity: Quantity, axis: Axis) -> Series | None:
    low, high = curve.low or curve.mean, curve.high or curve.mean
    points = _complete(curve.costs[axis], curve.mean, low, high)
    if not points:
        return None
    x, mean, lower, upper = zip(*points, strict=True)
    floor = [max(value, 0.5 * middle) for value, middle in zip(lower, mean, strict=True)]
    return Series(
        optimizer=curve.optimizer,
        x=rounded(x),
        y=_scaled(mean, quantity),
        low=_scaled(floor if quantity.log else lower, quantity),
        high=_scaled(upper, quantity),
    )


def _spread_panel(runs: Sequence[Runs], quantity: Quantity, axis: Axis | None) -> Panel | None:
    lines = []
    logarithmic = axis is not None
    for each in runs:
        found = band(
            each.completed,
            axis,
            quantity.column,
            edges=quantity.edges,
            scale=quantity.scale,
            logarithmic=logarithmic,
            center=statistics.median if logarithmic else statistics.fmean,
        )
        if found and found.x:
            lines.append(
                Series(optimizer=each.label, x=found.x, y=found.middle, low=found.low, high=found.high)
            )
    if not lines:
        return None
    words = AXES[axis] if axis else "epoch"
    return Panel(x=words, y=quantity.words, series=tuple(lines), log_x=logarithmic, log_y=quantity.log)


def _broken(runs: Runs, quantity: Quantity, axis: Axis) -> Iterator[Series]:
    """Each diverged run, as far as it came."""
    for run in runs.results:
        if run.status != "diverged":
            continue
        points = _complete(column(run, axis), column(run, quantity.column))
        if points:
            x, y = zip(*points, strict=True)
            yield Series(optimizer=runs.label, x=rounded(x), y=_scaled(y, quantity), broken=True)


def _complete(*columns: Sequence[float | None]) -> list[tuple[float, ...]]:
    """The rows in which no column has a gap, thinned."""
    rows = zip(*columns, strict=False)
    whole = [tuple(v for v in row if v is not None) for row in rows if None not in row]
    return [whole[i] for i in thinned(len(whole))]


def _scaled(values: Iterable[float], quantity: Quantity) -> tuple[float, ...]:
    return rounded(quantity.scale * value for value in values)
