"""How every figure looks in matplotlib: plain axes, small type, the palette's colours and dashes."""

import warnings
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from adabench.report import palette

Style = dict[str, Any]
"""Colour and dashes of a line, as matplotlib's arguments."""

DPI = 130
LEGEND_COLUMNS = 5

_DASHES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2)),
    "dot": (0, (1, 1.5)),
    "dashdot": (0, (6, 2, 1, 2)),
    "longdashdot": (0, (9, 2, 1, 2)),
}
_DATELESS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
SUFFIXES = tuple(_DATELESS)
"""The formats that a figure can be written in."""


def looks(labels: Iterable[str]) -> dict[str, Style]:
    """The line style of each optimizer label; see `palette.looks`."""
    found = palette.looks(labels).items()
    return {label: {"color": look.colour, "linestyle": _DASHES[look.dash]} for label, look in found}


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
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(which="both", labelsize=8)
    return axis


def name(axis: Axes, title: str, x: str, y: str) -> None:
    """Title and axis names, with their units."""
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)


def legend(figure: Figure) -> None:
    """One legend for all panels of the figure, under them."""
    shown: dict[str, Any] = {}
    for axis in figure.axes:
        handles, labels = axis.get_legend_handles_labels()
        shown |= {label: handle for handle, label in zip(handles, labels, strict=True) if label not in shown}
    if shown:
        place: dict[str, Any] = {
            "loc": "outside lower center",
            "ncols": min(len(shown), LEGEND_COLUMNS),
            "frameon": False,
        }
        figure.legend(list(shown.values()), list(shown), fontsize=8, **place)


def literal(text: str) -> str:
    """Text that matplotlib shows as it is: a dollar sign would open its mathematics."""
    return text.replace("$", r"\$")


def encoded(figure: Figure, suffix: str, *, dpi: int = DPI, text_as_text: bool = False) -> bytes:
    """The figure as ``png``, ``svg`` or ``pdf``; nothing in it depends on when it is drawn.

    Args:
        figure: what to write.
        suffix: one of `SUFFIXES`.
        dpi: dots per inch of whatever is made of dots.
        text_as_text: leave letters to the reader's fonts instead of drawing them (SVG).
    """
    FigureCanvasAgg(figure)
    buffer = BytesIO()
    fixed: dict[Any, Any] = {
        "svg.hashsalt": "adabench",
        "svg.fonttype": "none" if text_as_text else "path",
        "pdf.fonttype": 42,
        "path.simplify_threshold": 0.1,
    }
    with mpl.rc_context(fixed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # shown as a box
        figure.savefig(buffer, format=suffix, dpi=dpi, metadata=_DATELESS[suffix])
    return buffer.getvalue()
