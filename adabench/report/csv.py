"""A comparison as CSV: one line for each optimizer on each problem, numbers in full, no cell obeyed.

A spreadsheet runs a cell that begins with =, +, - or @; such text gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from adabench.compare.model import (
    AnalyticComparison,
    AnalyticRow,
    Comparison,
    ProblemComparison,
    Row,
    Sample,
    Tally,
)
from adabench.compare.statistics import Estimate, Interval
from adabench.report import analytic
from adabench.report.document import Figure
from adabench.report.facts import facts, settings
from adabench.report.paper import PaperRow, PaperTable, paper_tables
from adabench.report.published import DATASET_TITLES
from adabench.report.text import plain
from adabench.results.format import Result

Value = str | int | float | None
Line = dict[str, Value]

_OBEYED = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def render(
    comparison: Comparison, results: Sequence[Result], paper: bool = False, figures: Sequence[Figure] = ()
) -> str:
    """The comparison's rows, or with ``paper`` the paper's cells; accuracies in per cent."""
    del results, figures
    if paper:
        return _written([_paper_line(each, row) for each in paper_tables(comparison) for row in each.rows])
    lines = [_line(each, row) for each in comparison.problems for row in each.rows]
    lines += [_analytic_line(each, row) for each in comparison.analytic for row in each.rows]
    return _written(lines)


def safe(text: str, limit: int = 2000) -> str:
    """Text that a spreadsheet shows as it is and never runs."""
    shown = plain(text, limit)
    return f"'{shown}" if shown.lstrip().startswith(_OBEYED) else shown


def _written(lines: Sequence[Line]) -> str:
    columns = dict.fromkeys(column for line in lines for column in line)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(columns) or ["optimizer"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _shown(value) for name, value in line.items()} for line in lines)
    return file.getvalue()


def _shown(value: Value) -> Value:
    if isinstance(value, str):
        return safe(value)
    return f"{value:.10g}" if isinstance(value, float) else value


def _line(compared: ProblemComparison, row: Row) -> Line:
    return {
        **_about(compared.problem.label, facts(compared), row),
        "baseline": compared.baseline,
        "not_worse_than_best": "yes" if row.optimizer in compared.not_worse else "no",
        **_sample("final_test_percent", row.final_test_accuracy),
        **_sample("best_test_percent", row.best_test_accuracy),
        **_sample("test_percent_at_best_validation", row.test_accuracy_at_best_validation),
        **_estimate("difference_points", row.difference, 100),
        **_bounds("difference_points", row.difference.interval if row.difference else None, 100),
        "pairs": row.difference.n if row.difference else None,
        "final_test_loss": row.final_test_loss.mean if row.final_test_loss else None,
        "seconds": row.seconds,
        "steps": row.steps,
        "gradient_evaluations": row.gradient_evaluations,
    }


def _analytic_line(compared: AnalyticComparison, row: AnalyticRow) -> Line:
    exits = row.exits
    return {
        **_about(compared.problem.label, analytic.facts(compared), row),
        "left_region_runs": exits.left if exits else None,
        "earliest_exit_step": exits.earliest_step if exits else None,
        "median_exit_step": exits.median_step if exits else None,
        "largest_late_distance": row.largest_late_distance,
        "final_distance": row.final_distance,
        "gradient_evaluations": row.gradient_evaluations,
    }


def _paper_line(table: PaperTable, row: PaperRow) -> Line:
    last = row.last
    return {
        "table": table.column.table,
        "column": f"{table.column.title}, {DATASET_TITLES[table.column.dataset]}",
        "method": row.method,
        **_estimate("published_percent", row.published, 1),
        "measured": facts(table.compared),
        "departures": "; ".join(table.departures),
        "completed": row.row.completed if row.row else 0,
        **_estimate("last_epoch_percent", last.ours if last else None, 1),
        "difference_points": last.difference if last else None,
        **_bounds("difference_points", last.interval if last else None, 1),
        "verdict": row.verdict,
        **_estimate("best_epoch_percent", row.best.ours if row.best else None, 1),
        "gradient_evaluations": row.row.gradient_evaluations if row.row else None,
    }


def _about(problem: str, conditions: str, row: Tally) -> Line:
    fates: Mapping[str, int] = {
        "runs": row.runs,
        "completed": row.completed,
        "diverged": row.diverged,
        "failed": row.failed,
        "interrupted": row.interrupted,
    }
    return {
        "problem": problem,
        "conditions": conditions,
        "optimizer": row.optimizer,
        "settings": settings(row.spec.hyperparameters),
        "schedule": row.spec.schedule,
        **fates,
    }


def _sample(name: str, sample: Sample | None) -> Line:
    return _estimate(name, sample, 100) | _bounds(name, sample.interval if sample else None, 100)


def _estimate(name: str, found: Estimate | None, scale: float) -> Line:
    spread = found.deviation if found else None
    return {
        f"{name}": found.mean * scale if found else None,
        f"{name}_deviation": spread * scale if spread is not None else None,
    }


def _bounds(name: str, interval: Interval | None, scale: float) -> Line:
    bounds: Iterable[float | None] = (each * scale for each in interval) if interval else (None, None)
    return dict(zip((f"{name}_low", f"{name}_high"), bounds, strict=True))
