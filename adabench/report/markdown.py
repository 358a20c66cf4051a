"""A comparison as GitHub Markdown; nothing in it depends on when or where it is rendered."""

from collections.abc import Iterable, Sequence

from adabench.compare.model import AnalyticComparison, Comparison, ProblemComparison, Row, Sample, Tally
from adabench.report import analytic, numbers
from adabench.report.claims import claims
from adabench.report.facts import LEGEND, facts, settings
from adabench.report.failures import failure_lines
from adabench.report.markdown_blocks import heading, items, paragraph, table
from adabench.report.paper import paper_tables
from adabench.report.paper_markdown import document
from adabench.report.provenance import provenance
from adabench.report.text import plain
from adabench.results.format import Result

FAILURES_SHOWN = 50

Figure = tuple[str, str, str]
"""A picture's file name beside the document, its title and its caption."""


def render(
    comparison: Comparison, results: Sequence[Result], paper: bool = False, figures: Sequence[Figure] = ()
) -> str:
    """The comparison, or the paper's tables beside it, the figures, and where the results come from."""
    if paper:
        parts = document(paper_tables(comparison))
    else:
        parts = [
            heading(1, "Comparison of optimizers"),
            *_group(LEGEND, map(_problem, comparison.problems)),
            *_group(analytic.LEGEND, map(_analytic, comparison.analytic)),
        ]
    return "\n\n".join([*parts, *_figures(figures), *_provenance(results)]) + "\n"


def _figures(figures: Sequence[Figure]) -> list[str]:
    shown = [f"![{paragraph(title)}]({name})\n\n{paragraph(caption)}" for name, title, caption in figures]
    return [heading(2, "Figures"), *shown] if shown else []


def _group(legend: str, problems: Iterable[str]) -> list[str]:
    blocks = list(problems)
    return [*blocks, paragraph(legend)] if blocks else []


def _problem(compared: ProblemComparison) -> str:
    blocks = [
        heading(2, compared.problem.label),
        paragraph(facts(compared)),
        _table(compared),
        items(claims(compared)),
        *_section("Notes", compared.notes),
        *_section("Did not complete", failure_lines(compared.failures, FAILURES_SHOWN)),
        *_section("Settings", [_settings(row) for row in compared.rows]),
        *_section("Every run, final test %", [_every_run(row) for row in compared.rows]),
    ]
    return "\n\n".join(block for block in blocks if block)


def _analytic(compared: AnalyticComparison) -> str:
    blocks = [
        heading(2, compared.problem.label),
        paragraph(analytic.facts(compared)),
        table(analytic.COLUMNS, map(analytic.cells, compared.rows)),
        items([analytic.sentence(compared)]),
        *_section("Notes", compared.notes),
        *_section("Did not complete", failure_lines(compared.failures, FAILURES_SHOWN)),
        *_section("Settings", [_settings(row) for row in compared.rows]),
        *_section("Every run, first step outside", list(map(analytic.every_exit, compared.rows))),
    ]
    return "\n\n".join(blocks)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [heading(3, title), items(lines)] if lines else []


def _table(compared: ProblemComparison) -> str:
    validated = any(row.test_accuracy_at_best_validation for row in compared.rows)
    columns = [
        "optimizer",
        "n",
        "final test %",
        "95 % interval",
        *(["test % at best validation"] if validated else []),
        "best test %",
        "final test loss",
        f"vs {compared.baseline}, points" if compared.baseline is not None else "difference",
        "pairs",
        "seconds",
        "steps",
        "gradient evaluations",
    ]
    return table(columns, [_cells(row, validated) for row in compared.rows])


def _cells(row: Row, validated: bool) -> list[str]:
    final, change, loss = row.final_test_accuracy, row.difference, row.final_test_loss
    return [
        row.optimizer,
        numbers.runs(row),
        numbers.plus_minus(final),
        numbers.span(final.interval if final else None),
        *([numbers.plus_minus(row.test_accuracy_at_best_validation)] if validated else []),
        numbers.plus_minus(row.best_test_accuracy),
        numbers.quantity(loss.mean if loss else None, 4),
        numbers.difference(change.mean, change.interval) if change else numbers.NOTHING,
        str(change.n) if change else numbers.NOTHING,
        numbers.quantity(row.seconds, 1),
        numbers.quantity(row.steps),
        numbers.quantity(row.gradient_evaluations),
    ]


def _settings(row: Tally) -> str:
    every = settings(row.spec.hyperparameters)
    return f"{plain(row.optimizer)}: {every}; learning rate schedule {plain(row.spec.schedule)}"


def _every_run(row: Row) -> str:
    return f"{plain(row.optimizer)}: {_values(row.final_test_accuracy)}"


def _values(sample: Sample | None) -> str:
    if sample is None:
        return "none completed"
    return ", ".join(
        f"{numbers.percent(value)} (seed {seed})" for seed, value in sorted(sample.values.items())
    )


def _provenance(results: Sequence[Result]) -> list[str]:
    lines = [f"{what}: {value}" for what, value in provenance(results)]
    return [heading(2, "Where the results come from"), items(lines)] if lines else []
