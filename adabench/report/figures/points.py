"""The paper's Figure 1: paths over the contour map, and the distance to the optimum over steps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from adabench.problems.surfaces import SURFACES, Surface
from adabench.report.curves import thinned
from adabench.report.figures.style import Style, joined, literal, name, new_figure
from adabench.report.text import plain
from adabench.results.format import Result
from adabench.spec import AnalyticSpec

MOST_SEEDS = 20
"""Seeds whose distance is drawn as a thin line of its own."""


def draw(results: Sequence[Result], styles: Mapping[str, Style], title: str) -> Figure:
    """A map where x has two coordinates, and each optimizer's distances; the results are of one problem.

    Args:
        results: what to draw.
        styles: how each of its optimizers looks, perhaps among others.
        title: stands above the panels.
    """
    labels = {result.job.optimizer.label for result in results}
    styles = {label: style for label, style in styles.items() if label in labels}
    planar = all("x2" in result.curve for result in results)
    rows = 1 + (len(styles) > 1)
    figure, cells = new_figure(planar * 2 + -(-len(styles) // rows), rows, width=2.9, height=2.7)
    if planar:
        _draw_map(joined(figure, cells[:, :2]), results, styles)
    panels = cells[:, planar * 2 :].flat
    for axis, (label, style) in zip(panels, styles.items(), strict=False):
        runs = [result for result in results if result.job.optimizer.label == label]
        _draw_distances(axis, runs, style)
        name(axis, literal(plain(label, 40)), "step", "distance to the optimum")
    for axis in cells[:, planar * 2 :].flat[len(styles) :]:
        axis.set_visible(False)
    for axis in cells[:, planar * 2 :].flat[1 : len(styles)]:
        axis.sharey(cells[0, planar * 2])
    figure.suptitle(literal(plain(title, 160)), fontsize=10)
    return figure


def _draw_map(axis: Axes, results: Sequence[Result], styles: Mapping[str, Style]) -> None:
    """Contours of the function, its optimum, the edge of its region, and the first seed's paths."""
    seed = min(result.job.seed for result in results)
    for result in results:
        if result.job.seed == seed:
            _draw_path(axis, result, styles[result.job.optimizer.label])
    name(axis, f"Paths of seed {seed}", "$x_1$", "$x_2$")
    axis.legend(fontsize=8, loc="lower left")
    spec, surface = results[0].job.problem, _surface(results[0])
    if surface is None or not isinstance(spec, AnalyticSpec):
        return
    (a, b), reach = surface.optimum, surface.reach
    x1, x2 = np.meshgrid(np.linspace(a - reach, a + reach, 160), np.linspace(b - reach, b + reach, 160))
    contours = axis.contourf(
        x1, x2, surface.height(x1, x2, **spec.options), levels=14, cmap="Greys", alpha=0.45
    )
    contours.set_rasterized(True)  # as shapes they would be most of a vector file
    axis.plot(a, b, marker="*", color="black", markersize=9, linestyle="none", zorder=5)
    axis.set(xlim=(a - reach, a + reach), ylim=(b - reach, b + reach), aspect="equal")
    if surface.edge is not None:
        edge = Circle((a, b), surface.edge, fill=False, color="#444444", linestyle=":", linewidth=1.2)
        axis.add_patch(edge)


def _draw_path(axis: Axes, run: Result, style: Style) -> None:
    surface = _surface(run)
    start = [surface.start] if surface else []
    path = np.array([*start, *zip(run.curve["x1"], run.curve["x2"], strict=True)], dtype=float)
    path = path[sorted({*thinned(len(path), points=200), *thinned(len(path), points=200, logarithmic=True)})]
    axis.plot(
        path[:, 0], path[:, 1], linewidth=1.0, label=literal(plain(run.job.optimizer.label, 40)), **style
    )


def _surface(run: Result) -> Surface | None:
    spec = run.job.problem
    return SURFACES.get(spec.name) if isinstance(spec, AnalyticSpec) else None


def _draw_distances(axis: Axes, runs: Sequence[Result], style: Style) -> None:
    """A thin line for every seed and a thick one for their median."""
    length = min(len(run.curve["distance_to_optimum"]) for run in runs)
    kept = thinned(length, logarithmic=True)
    steps = np.array(runs[0].curve["steps"][:length], dtype=float)[kept]
    values = np.array([run.curve["distance_to_optimum"][:length] for run in runs], dtype=float)[:, kept]
    for seed in values[:MOST_SEEDS] if len(runs) > 1 else ():
        axis.plot(steps, seed, linewidth=0.5, alpha=0.45, color=style["color"])
    axis.plot(steps, np.median(values, axis=0), linewidth=1.4, color="black")
    axis.set(xscale="log", yscale="log")
    axis.minorticks_off()
    surface = _surface(runs[0])
    if surface is not None and surface.edge is not None:
        axis.axhline(surface.edge, color="#444444", linewidth=1.2, linestyle=":")
