"""Which charts a comparison has: each only where the results hold what it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from adabench.compare.model import Comparison, ProblemComparison
from adabench.compare.selection import Runs, by_optimizer, by_problem
from adabench.compare.trials import trials
from adabench.report.charts.model import Chart
from adabench.report.charts.single import overhead, sensitivity, tradeoff
from adabench.report.charts.suite import suite_charts, targets
from adabench.report.charts.training import analytic_curves, inside, learning_curves
from adabench.report.charts.tuning import budget, settings
from adabench.results.format import Result
from adabench.spec import AnalyticSpec

__all__ = ["Charts", "charts"]


@dataclass(frozen=True)
class Charts:
    """All charts of a comparison.

    Args:
        suite: over all problems.
        problems: those of each problem with data, in the comparison's order.
        analytic: those of each analytic problem, in the comparison's order.
    """

    suite: tuple[Chart, ...]
    problems: tuple[tuple[Chart, ...], ...]
    analytic: tuple[tuple[Chart, ...], ...]


def charts(comparison: Comparison, results: Sequence[Result]) -> Charts:
    """Every chart that can be drawn.

    Args:
        comparison: what is shown; its numbers are taken wherever it has them.
        results: what it was made of, and the trials of a tuning that it leaves out.
    """
    groups = by_problem(results)
    left = zip(groups, trials(groups), strict=True)
    analytic = {
        (job.problem, job.epochs * job.problem.interval): by_optimizer(group)
        for group in groups
        if isinstance((job := group[0].job).problem, AnalyticSpec)
    }
    found = []
    for compared in comparison.problems:
        group, tried = next(each for each in left if compared.is_of(each[0][0].job))
        runs = _compared(compared, group)
        drawn = (
            learning_curves(compared, runs),
            tradeoff(runs),
            targets(compared, comparison.metric),
            budget(tried),
            settings(tried),
            None if tried else sensitivity(runs),
            overhead(runs),
            inside(runs),
        )
        found.append(tuple(chart for chart in drawn if chart))
    curves = [analytic_curves(analytic[each.problem, each.steps]) for each in comparison.analytic]
    return Charts(
        suite=tuple(suite_charts(comparison)),
        problems=tuple(found),
        analytic=tuple((chart,) if chart else () for chart in curves),
    )


def _compared(compared: ProblemComparison, group: Sequence[Result]) -> tuple[Runs, ...]:
    """The runs that the comparison holds: all, but for the trials that it leaves out."""
    labels = {row.spec.label for row in compared.rows}
    return by_optimizer(
        result
        for result in group
        if result.job.optimizer.label in labels and result.job.seed in compared.seeds
    )
