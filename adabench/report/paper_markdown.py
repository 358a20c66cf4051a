"""The paper's tables beside ours, as GitHub Markdown."""

from collections.abc import Sequence

from adabench.compare.statistics import Estimate
from adabench.report import numbers
from adabench.report.facts import facts
from adabench.report.markdown_blocks import heading, items, paragraph, table
from adabench.report.paper import Measured, PaperRow, PaperTable
from adabench.report.protocol import DECIDED, PRESCRIBED
from adabench.report.published import COLUMNS, DATASET_TITLES, SOURCE

COLUMN_WORDS = (
    "method",
    "published",
    "our runs",
    "ours, last epoch",
    "last - published, points",
    "ours, best epoch",
    "best - published, points",
)
LEGEND = (
    "Test accuracy in per cent, mean ± sample standard deviation over completed runs (published: 5). "
    "Differences carry Welch's 95 % interval, each on its own. "
    "The best epoch is read off the test set: an upper bound."
)


def document(tables: Sequence[PaperTable]) -> list[str]:
    """The blocks of the document: each measured column, what was not measured, the protocol."""
    if not tables:
        return [paragraph("None of these results belongs to a cell of the AdaFix paper's Tables 1 and 2.")]
    measured = [each.column for each in tables]
    missing = [f"{column.title} (Table {column.table})" for column in COLUMNS if column not in measured]
    return [
        heading(1, "The AdaFix paper's tables, published and measured"),
        paragraph(f"Published: {SOURCE}."),
        *(block for each in tables for block in _section(each)),
        paragraph(LEGEND),
        *([paragraph(f"Not measured: {', '.join(missing)}.")] if missing else []),
        heading(2, "What the paper prescribes"),
        items(PRESCRIBED),
        heading(2, "What the paper leaves open, and what was decided"),
        items(DECIDED),
    ]


def _section(each: PaperTable) -> list[str]:
    column = each.column
    blocks = [
        heading(2, f"Table {column.table}: {column.title}, {DATASET_TITLES[column.dataset]}"),
        paragraph(f"Measured: {facts(each.compared)}"),
    ]
    if each.departures:
        blocks.append(paragraph(f"Not the paper's conditions: {'; '.join(each.departures)}."))
    return [*blocks, table(COLUMN_WORDS, map(_cells, each.rows))]


def _cells(row: PaperRow) -> list[str]:
    ours = numbers.runs(row.row) if row.row else numbers.NOTHING
    return [row.method, _mean(row.published), ours, *_measured(row.last), *_measured(row.best)]


def _measured(cell: Measured | None) -> tuple[str, str]:
    if cell is None:
        return numbers.NOTHING, numbers.NOTHING
    return _mean(cell.ours), _difference(cell)


def _mean(sample: Estimate) -> str:
    return f"{sample.mean:.2f}" + ("" if sample.deviation is None else f" ± {sample.deviation:.2f}")


def _difference(cell: Measured) -> str:
    span = f" ({cell.interval[0]:z.2f} to {cell.interval[1]:z.2f})" if cell.interval else ""
    return f"{cell.difference:+z.2f}{span}"
