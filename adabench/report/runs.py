"""Every run on a line of its own."""

from collections.abc import Sequence

from adabench.report import numbers
from adabench.report.blocks import Cell, Table, number
from adabench.report.text import plain
from adabench.results.format import Result

COLUMNS = (
    "problem",
    "optimizer",
    "seed",
    "status",
    "final test %",
    "best test %",
    "seconds",
    "gradient evaluations",
    "job",
)


def runs_table(results: Sequence[Result]) -> Table:
    """Each run with how it ended; a run that did not complete says why."""
    return Table(columns=COLUMNS, rows=tuple(map(_cells, results)), caption="Every run", text_columns=2)


def _cells(result: Result) -> tuple[Cell, ...]:
    job, found = result.job, result.summary
    why = f": {plain(result.reason, 200)}" if result.reason else ""
    return (
        Cell(plain(job.problem.label)),
        Cell(plain(job.optimizer.label)),
        Cell(str(job.seed), job.seed),
        Cell(f"{result.status}{why}"),
        number(numbers.percent(found.final_test_accuracy), found.final_test_accuracy),
        number(numbers.percent(found.best_test_accuracy), found.best_test_accuracy),
        number(numbers.quantity(found.seconds, 1), found.seconds),
        number(numbers.quantity(found.gradient_evaluations), found.gradient_evaluations),
        Cell(job.key),
    )
