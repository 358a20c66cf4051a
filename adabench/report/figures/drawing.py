"""A chart drawn by matplotlib: one panel for each pair of axes, one legend for all."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.figures.style import LEGEND_COLUMNS, Style, legend, literal, name, new_figure
from adabench.report.text import plain

COUNTED = ("epoch", "trials")
"""What is counted in whole numbers on the axis across."""
BIG = 10_000
"""From here on the axis across counts in thousands and millions."""


def draw(chart: Chart, styles: Mapping[str, Style], title: str) -> Figure:
    """The chart as a figure.

    Args:
        chart: what to draw.
        styles: how each of its optimizers looks.
        title: stands above the panels.
    """
    columns = min(chart.columns, len(chart.panels))
    rows = -(-len(chart.panels) // columns)
    tall = any(panel.kind == "rows" for panel in chart.panels)
    most = max(len(panel.series) for panel in chart.panels)
    legend_rows = -(-most // LEGEND_COLUMNS)
    height = max(1.6, 0.8 + 0.28 * most) if tall else 2.7 + 0.2 * legend_rows / rows
    figure, axes = new_figure(columns, rows, width=3.4 if columns > 1 else 5.6, height=height)
    for axis, panel in zip(axes.flat, chart.panels, strict=False):
        _draw_panel(axis, panel, styles)
    for axis in axes.flat[len(chart.panels) :]:
        axis.set_visible(False)
    figure.suptitle(literal(plain(title, 120)), fontsize=10)
    if not tall:
        legend(figure)
    return figure


def _draw_panel(axis: Axes, panel: Panel, styles: Mapping[str, Style]) -> None:
    if panel.log_x:
        axis.set_xscale("log")
    if panel.log_y:
        axis.set_yscale("log")
    if panel.kind == "rows":
        _draw_rows(axis, panel, styles)
    for series in panel.series if panel.kind != "rows" else ():
        _draw_series(axis, panel, series, styles[series.optimizer])
    largest = max((max(series.x) for series in panel.series if series.x), default=0.0)
    if panel.x in COUNTED:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif largest >= BIG and not panel.log_x:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    if panel.mark is not None:
        axis.axvline(panel.mark, color="#444444", linewidth=1.0, linestyle=":")
    name(axis, "", panel.x, panel.y)


def _draw_series(axis: Axes, panel: Panel, series: Series, style: Style) -> None:
    label = literal(plain(series.optimizer, 40))
    if series.broken:
        axis.plot(series.x, series.y, linewidth=0.7, color=style["color"], alpha=0.7)
        axis.plot(series.x[-1:], series.y[-1:], marker="x", markersize=6, color=style["color"])
    elif panel.kind == "points":
        bars = [[y - low for y, low in zip(series.y, series.low, strict=True)]]
        bars += [[high - y for y, high in zip(series.y, series.high, strict=True)]]
        looks = {"color": style["color"], "label": label, "fmt": "o", "markersize": 5, "capsize": 2.5}
        axis.errorbar(series.x, series.y, yerr=bars, elinewidth=1.0, **looks)
    else:
        shape: Style = {"step": "post"} if panel.kind == "steps" else {}
        if series.low:
            axis.fill_between(
                series.x, series.low, series.high, color=style["color"], alpha=0.15, lw=0, **shape
            )
        marker: Style = {"marker": "o", "markersize": 3.5} if len(series.x) <= 12 and panel.log_x else {}
        drawstyle = "steps-post" if panel.kind == "steps" else "default"
        axis.plot(series.x, series.y, label=label, linewidth=1.4, drawstyle=drawstyle, **marker, **style)


def _draw_rows(axis: Axes, panel: Panel, styles: Mapping[str, Style]) -> None:
    """One row for each optimizer, the first on top."""
    for row, series in enumerate(panel.series):
        bars = [[series.x[0] - series.low[0]], [series.high[0] - series.x[0]]] if series.low else None
        colour = styles[series.optimizer]["color"]
        axis.errorbar(
            series.x, [row], xerr=bars, fmt="o", markersize=5, capsize=3, elinewidth=1.4, color=colour
        )
    names = [literal(plain(series.optimizer, 28)) for series in panel.series]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    left, right = axis.get_xlim()
    if not panel.log_x and left > 0 and right > 0 and "rank" not in panel.x:
        axis.set_xlim(0, right)
