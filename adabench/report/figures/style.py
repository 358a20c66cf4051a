"""How every figure looks: one colour and one line for each optimizer everywhere, readable in print.

The palette is Okabe and Ito's, told apart by colour-blind readers; the dashes tell lines apart in grey.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from adabench.catalogue import parse

_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)))
_FIXED = {"adafix": 1, "adam": 0, "amsgrad": 2, "adabound": 3, "sgdm": 4}

Style = dict[str, Any]
"""Colour and dashes of a line, as matplotlib's arguments."""

DPI = 130


def looks(labels: Iterable[str]) -> dict[str, Style]:
    """The line style of each optimizer label: fixed for the paper's methods, by order for others.

    A label with settings, such as ``adam:lr=0.01``, keeps the colour of its optimizer while it is
    the only one of that name.
    """
    styles: dict[str, Style] = {}
    taken: set[int] = set()
    for label in sorted(set(labels), key=lambda label: (label.count(":"), label)):
        wanted = _FIXED.get(parse(label)[0], len(_FIXED))
        free = [i for i in range(len(_PALETTE)) if i not in taken] or [wanted % len(_PALETTE)]
        place = wanted if wanted in free else next((i for i in free if i >= len(_FIXED)), free[0])
        taken.add(place)
        styles[label] = {"color": _PALETTE[place], "linestyle": _DASHES[place % len(_DASHES)]}
    return styles


def new_figure(columns: int, rows: int = 1, *, width: float = 3.6, height: float = 3.0) -> tuple[Figure, Any]:
    """A figure of panels, each ``width`` x ``height`` inches, and its axes as an array (rows, columns)."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        _plain(axis)
    return figure, axes


def joined(figure: Figure, axes: Any) -> Axes:
    """One panel in the place of several neighbours."""
    first, last = axes[0, 0].get_subplotspec(), axes[-1, -1].get_subplotspec()
    grid = first.get_gridspec()
    for axis in axes.flat:
        axis.remove()
    span = grid[first.rowspan.start : last.rowspan.stop, first.colspan.start : last.colspan.stop]
    return _plain(figure.add_subplot(span))


def _plain(axis: Axes) -> Axes:
    axis.grid(visible=True, color="#DDDDDD", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    return axis


def name(axis: Axes, title: str, x: str, y: str) -> None:
    """Title and axis names, with their units."""
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)


def legend(figure: Figure, axis: Axes) -> None:
    """One legend for the whole figure, under its panels."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(len(labels), 5), fontsize=8, frameon=False
    )


def save(figure: Figure, path: Path) -> None:
    """Write the figure in the format that the file's name ends in."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI, metadata={"Software": None} if path.suffix == ".png" else None)
