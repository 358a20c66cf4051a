"""The paper's Figure 2, widened: what training looks like from inside the optimizer, epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from adabench.report.figures.style import legend, looks, name, new_figure
from adabench.results.format import Result


@dataclass(frozen=True)
class Panel:
    """One quantity over epochs.

    Args:
        column: of the result's curve or probes.
        title: what it is.
        unit: the name of its axis.
        scale: by which values are multiplied.
        log: whether its axis is logarithmic.
        band: columns below and above, drawn as a band instead of the seeds' spread.
    """

    column: str
    title: str
    unit: str
    scale: float = 1.0
    log: bool = False
    band: tuple[str, str] | None = None


PANELS = (
    Panel("test_accuracy", "Test accuracy", "per cent", scale=100.0),
    Panel("train_loss", "Training loss", "cross-entropy", log=True),
    Panel("v_norm", "Second moment", "$\\|v\\|_2$", log=True),
    Panel(
        "effective_lr_q50",
        "Effective learning rate",
        "lr / $\\sqrt{\\hat v}$: median, 5 to 95 %",
        log=True,
        band=("effective_lr_q05", "effective_lr_q95"),
    ),
    Panel("lipschitz", "Smoothness estimate L", "L"),
    Panel("frozen_fraction", "Steps that left v as it was", "per cent of an epoch's steps", scale=100.0),
    Panel("gradient_norm", "Gradient, last step of the epoch", "2-norm", log=True),
    Panel("update_norm", "Update, last step of the epoch", "2-norm", log=True),
)


def draw(results: Sequence[Result], title: str) -> Figure:
    """Panels of every quantity that any of the results has; all results are of one problem."""
    panels = [panel for panel in PANELS if any(column(result, panel.column) for result in results)]
    columns = min(len(panels), 4)
    figure, axes = new_figure(columns, -(-len(panels) // columns))
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw_panel(axis, panel, results)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(title, fontsize=10)
    legend(figure, axes.flat[0])
    return figure


def column(result: Result, key: str) -> list[float | None]:
    """A column of the curve or of the probes, empty where the result has none."""
    return result.curve.get(key) or result.probes.get(key) or []


def _draw_panel(axis: Axes, panel: Panel, results: Sequence[Result]) -> None:
    for label, style in looks(result.job.optimizer.label for result in results).items():
        runs = [result for result in results if result.job.optimizer.label == label]
        values = _stacked(runs, panel.column) * panel.scale
        if not values.size:
            continue
        epochs = np.arange(1, values.shape[1] + 1)
        low, high = (values.min(axis=0), values.max(axis=0))
        if panel.band:
            low, high = (_stacked(runs, key).mean(axis=0) * panel.scale for key in panel.band)
        axis.fill_between(epochs, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axis.plot(epochs, values.mean(axis=0), label=label, linewidth=1.4, **style)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panel.log:
        axis.set_yscale("log")
    name(axis, panel.title, "epoch", panel.unit)


def _stacked(runs: Sequence[Result], key: str) -> np.ndarray:
    """(seeds, epochs) of a column, over the epochs that every run has."""
    columns = [values for run in runs if (values := column(run, key))]
    length = min(map(len, columns), default=0)
    return np.array([values[:length] for values in columns], dtype=float).reshape(len(columns), length)
