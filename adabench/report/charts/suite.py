"""Charts of what a target costs, on one problem and over all of them, and of ranks."""

from adabench.compare.metrics import AXES, METRICS, Axis
from adabench.compare.model import Across, Comparison, ProblemComparison, TargetRow
from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.curves import rounded
from adabench.report.units import probability


def targets(compared: ProblemComparison, metric: str) -> Chart | None:
    """The share of seeds that have met the target, over cost; None where no target was declared."""
    panels = []
    for axis, words in AXES.items():
        ends = {curve.optimizer: curve.costs[axis][-1] for curve in compared.curves if curve.costs[axis]}
        series = [_reached(row, axis, ends.get(row.optimizer)) for row in compared.target_rows]
        if any(max(line.y) > 0 for line in series):
            panels.append(Panel(x=words, y="seeds that met it, per cent", series=tuple(series), kind="steps"))
    if not panels or compared.target is None:
        return None
    share = METRICS[metric].is_share
    value = f"{100 * compared.target:.2f} %" if share else f"{compared.target:.4g}"
    runs = ", ".join(f"{row.optimizer} {row.reached} of {row.runs}" for row in compared.target_rows)
    return Chart(
        slug="target",
        title="Cost to target",
        caption=f"Share of seeds whose curve has reached {value}, by Kaplan and Meier's estimate. Runs that "
        f"reached it: {runs}.",
        panels=tuple(panels),
    )


def _reached(row: TargetRow, axis: Axis, end: float | None) -> Series:
    """A staircase from nothing to the share that met the target by the end of the runs."""
    met = [(cost, 100 * (1 - share)) for cost, share in row.costs[axis].survival]
    last = [(end, met[-1][1] if met else 0.0)] if end and (not met or end > met[-1][0]) else []
    x, y = zip((0.0, 0.0), *met, *last, strict=True)
    return Series(optimizer=row.optimizer, x=rounded(x), y=rounded(y))


def profiles(across: Across | None) -> Chart | None:
    """Performance profiles of the cost to target; None without targets on at least two problems."""
    if across is None or not across.profiles:
        return None
    panels = []
    for axis, words in AXES.items():
        series = tuple(
            Series(
                optimizer=each.optimizer,
                x=rounded(each.ratios),
                y=rounded(100 * share for share in each.shares),
                low=rounded(100 * share for share in each.low),
                high=rounded(100 * share for share in each.high),
            )
            for each in across.profiles
            if each.axis == axis
        )
        if series:
            panels.append(
                Panel(x=f"{words}, times the cheapest", y="problems, per cent", series=series, kind="steps")
            )
    return Chart(
        slug="profiles",
        title="Performance profiles",
        caption=f"Share of the {len(across.problems)} problems on which an optimizer met the target at no "
        "more than so many times the cheapest one's cost; bands are 95 % bootstrap intervals over seeds.",
        panels=tuple(panels),
    )


def ranks(across: Across | None) -> Chart | None:
    """Mean ranks with Nemenyi's critical difference; None with too few problems for the test."""
    if across is None or across.friedman is None:
        return None
    half = across.friedman.critical_difference / 2
    series = tuple(
        Series(
            optimizer=row.optimizer,
            x=rounded([row.mean_rank]),
            low=rounded([row.mean_rank - half]),
            high=rounded([row.mean_rank + half]),
        )
        for row in across.rows
    )
    return Chart(
        slug="ranks",
        title="Mean ranks",
        caption=f"Mean rank over {len(across.problems)} problems, 1 is best. Bars are Nemenyi's critical "
        f"difference ({2 * half:.2f} at 5 %): optimizers whose bars overlap are not told apart. "
        f"Friedman's p {probability(across.friedman.p)}.",
        panels=(Panel(x="mean rank", y="", series=series, kind="rows"),),
        columns=1,
    )


def suite_charts(comparison: Comparison) -> list[Chart]:
    """The charts over all problems that the comparison holds enough for."""
    found = (profiles(comparison.across), ranks(comparison.across))
    return [chart for chart in found if chart]
