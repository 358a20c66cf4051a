"""A comparison as plain text for a terminal: no colours, at most about 110 columns."""

from collections.abc import Sequence

from adabench.compare.metrics import METRICS
from adabench.compare.model import AnalyticComparison, Comparison, ProblemComparison, Row
from adabench.report import analytic, numbers
from adabench.report.conclusions import conclusions
from adabench.report.facts import LEGEND, facts
from adabench.report.failures import failure_lines
from adabench.report.terminal_blocks import LABEL_WIDTH, tabulated, wrapped
from adabench.report.terminal_more import across, details, equal_cost, noise, seeds, targets
from adabench.report.text import plain
from adabench.report.units import Units

FAILURES_SHOWN = 10
PROBLEMS_SHOWN = 20
HEADINGS = {
    "final": "final\ntest %",
    "best": "best\ntest %",
    "validation": "test % at best\nvalidation",
    "loss": "final\ntest loss",
    "train-loss": "final\ntraining loss",
    "seconds": "training\nseconds",
    "memory": "peak memory,\nbytes",
}


def render(comparison: Comparison, *, detailed: bool = False) -> str:
    """The whole comparison; every problem with its table, notes and what may be claimed.

    Args:
        comparison: what to show.
        detailed: show every comparison's tests, and the metric at equal cost on every axis.
    """
    shown = comparison.problems if detailed else comparison.problems[:PROBLEMS_SHOWN]
    parts = [_problem(each, comparison, detailed) for each in shown]
    hidden = len(comparison.problems) - len(shown)
    if hidden:
        parts.append(f"and {hidden} more problems: name a folder of results, or add --details or --json")
    if comparison.problems:
        parts += [*across(comparison, detailed=detailed), *noise(comparison), wrapped(_legend(comparison))]
    if comparison.analytic:
        parts += [*map(_analytic, comparison.analytic), wrapped(analytic.LEGEND)]
    return "\n\n".join(parts or ["nothing to compare"]) + "\n"


def _problem(compared: ProblemComparison, whole: Comparison, detailed: bool) -> str:
    units = Units.of(whole)
    found = conclusions(compared, units, whole.family)
    return _blocks(
        compared,
        facts(compared) + _place(compared, whole),
        _table(compared, whole),
        [
            "\n".join(map(wrapped, [*_best(compared), *found])),
            *seeds(compared, units, whole.family),
            *equal_cost(compared, units, every=detailed),
            *targets(compared, units),
            *(details(compared, units, whole) if detailed else []),
        ],
    )


def _best(compared: ProblemComparison) -> list[str]:
    """Which one to use: the best mean, and whatever is not significantly worse."""
    if len(compared.rows) < 2 or not compared.not_worse:
        return []
    best, *level = map(plain, compared.not_worse)
    others = f"not significantly worse: {', '.join(level)}" if level else "all others are significantly worse"
    return [f"Best mean: {best}; {others}."]


def _place(compared: ProblemComparison, whole: Comparison) -> str:
    """Where values are read when not at the end of the runs."""
    if whole.at == "end":
        return ""
    amount = "an unknown cost" if compared.budget is None else numbers.quantity(compared.budget)
    return f"; {METRICS[whole.metric].words} at {whole.at.replace('-', ' ')}, {amount}"


def _analytic(compared: AnalyticComparison) -> str:
    headers = [title.replace(" ", "\n", 1) for title in analytic.COLUMNS]
    table = tabulated(headers, [analytic.cells(row) for row in compared.rows])
    return _blocks(compared, analytic.facts(compared), table, [wrapped(analytic.sentence(compared))])


def _blocks(
    compared: ProblemComparison | AnalyticComparison, facts: str, table: str, more: Sequence[str]
) -> str:
    notes = [f"note: {note}" for note in compared.notes]
    blocks = [
        wrapped(f"{plain(compared.problem.label)}: {facts}"),
        table,
        "\n".join(map(wrapped, [*notes, *failure_lines(compared.failures, FAILURES_SHOWN)])),
        *more,
    ]
    return "\n\n".join(block for block in blocks if block)


def _table(compared: ProblemComparison, whole: Comparison) -> str:
    units = Units.of(whole)
    against = "" if compared.baseline is None else f"vs {plain(compared.baseline, LABEL_WIDTH)},\n"
    usual = _second(compared, whole)
    columns = [
        "optimizer",
        "n",
        HEADINGS[whole.metric],
        "95 %\ninterval",
        *([HEADINGS[usual]] if usual else []),
        f"{against}{units.points.strip() or 'difference'}",
        "seconds",
        "gradient\nevals",
    ]
    changes = {
        each.optimizer: units.difference(each.difference, each.interval)
        for each in compared.comparisons
        if each.against == compared.baseline
    }
    return tabulated(columns, [_cells(row, usual, units, changes) for row in compared.rows])


def _second(compared: ProblemComparison, whole: Comparison) -> str | None:
    """The metric that stands beside the final accuracy: what validation selected, else the best epoch."""
    if (whole.metric, whole.at) != ("final", "end"):
        return None
    validated = any(row.test_accuracy_at_best_validation for row in compared.rows)
    return "validation" if validated else "best"


def _cells(row: Row, second: str | None, units: Units, changes: dict[str, str]) -> list[str]:
    value = row.value
    others = {"best": row.best_test_accuracy, "validation": row.test_accuracy_at_best_validation}
    return [
        plain(row.optimizer),
        numbers.runs(row).replace(", ", ",\n"),
        units.plus_minus(value),
        units.span(value.interval if value else None),
        *([units.plus_minus(others[second])] if second else []),
        changes.get(row.optimizer, numbers.NOTHING),
        numbers.quantity(row.seconds, 1),
        numbers.quantity(row.gradient_evaluations),
    ]


def _legend(comparison: Comparison) -> str:
    if (comparison.metric, comparison.at) == ("final", "end"):
        return LEGEND
    metric = METRICS[comparison.metric]
    unit = "percentage points of" if metric.is_share else "units of"
    return (
        "± is the sample standard deviation over seeds; intervals are 95 % Student's t intervals. "
        f"Differences are in {unit} {metric.words}, paired by seed."
    )
