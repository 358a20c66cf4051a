"""A comparison as plain text for a terminal: no colours, at most about 110 columns."""

from collections.abc import Sequence
from textwrap import fill

from tabulate import tabulate

from adabench.compare.model import AnalyticComparison, Comparison, ProblemComparison, Row
from adabench.report import analytic, numbers
from adabench.report.claims import claims
from adabench.report.facts import LEGEND, facts
from adabench.report.failures import failure_lines
from adabench.report.text import plain

WIDTH = 110
FAILURES_SHOWN = 10
LABEL_WIDTH = 24


def render(comparison: Comparison) -> str:
    """The whole comparison; every problem with its table, notes and claims."""
    parts = []
    if comparison.problems:
        parts += [*map(_problem, comparison.problems), _wrapped(LEGEND)]
    if comparison.analytic:
        parts += [*map(_analytic, comparison.analytic), _wrapped(analytic.LEGEND)]
    return "\n\n".join(parts or ["nothing to compare"]) + "\n"


def _problem(compared: ProblemComparison) -> str:
    return _blocks(compared, facts(compared), _table(compared), claims(compared))


def _analytic(compared: AnalyticComparison) -> str:
    headers = [title.replace(" ", "\n", 1) for title in analytic.COLUMNS]
    table = _tabulated(headers, [analytic.cells(row) for row in compared.rows])
    return _blocks(compared, analytic.facts(compared), table, [analytic.sentence(compared)])


def _blocks(
    compared: ProblemComparison | AnalyticComparison, facts: str, table: str, claims: Sequence[str]
) -> str:
    notes = [f"note: {note}" for note in compared.notes]
    blocks = [
        _wrapped(f"{plain(compared.problem.label)}: {facts}"),
        table,
        "\n".join(map(_wrapped, [*notes, *failure_lines(compared.failures, FAILURES_SHOWN)])),
        "\n".join(map(_wrapped, claims)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _table(compared: ProblemComparison) -> str:
    validated = any(row.test_accuracy_at_best_validation for row in compared.rows)
    against = "" if compared.baseline is None else f"vs {plain(compared.baseline, LABEL_WIDTH)},\n"
    columns = [
        "optimizer",
        "n",
        "final\ntest %",
        "95 %\ninterval",
        "test % at best\nvalidation" if validated else "best\ntest %",
        f"{against}points",
        "seconds",
        "gradient\nevals",
    ]
    return _tabulated(columns, [_cells(row, validated) for row in compared.rows])


def _tabulated(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return tabulate(
        rows,
        headers=columns,
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(columns) - 1)),
        maxcolwidths=[LABEL_WIDTH, *[None] * (len(columns) - 1)],
    )


def _cells(row: Row, validated: bool) -> list[str]:
    final, change = row.final_test_accuracy, row.difference
    selected = row.test_accuracy_at_best_validation if validated else row.best_test_accuracy
    return [
        plain(row.optimizer),
        numbers.runs(row).replace(", ", ",\n"),
        numbers.plus_minus(final),
        numbers.span(final.interval if final else None),
        numbers.plus_minus(selected),
        numbers.difference(change.mean, change.interval) if change else numbers.NOTHING,
        numbers.quantity(row.seconds, 1),
        numbers.quantity(row.gradient_evaluations),
    ]


def _wrapped(text: str) -> str:
    return fill(plain(text, 2000), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
