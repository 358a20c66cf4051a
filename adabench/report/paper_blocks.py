"""The paper's tables beside ours: first in the paper's own layout, then every measured column in full."""

from collections.abc import Sequence

from adabench.report import numbers
from adabench.report.blocks import Block, Cell, Heading, Items, Paragraph, Table
from adabench.report.facts import facts
from adabench.report.paper import (
    VERDICTS,
    Measured,
    PaperRow,
    PaperTable,
    closest,
    difference_in_words,
    mean_in_words,
)
from adabench.report.protocol import DECIDED, PRESCRIBED
from adabench.report.provenance import machines
from adabench.report.published import COLUMNS, DATASET_TITLES, METHODS, SOURCE, Column
from adabench.report.text import plain
from adabench.results.format import Result

COLUMN_WORDS = (
    "method",
    "published",
    "our runs",
    "ours, last epoch",
    "last - published, points",
    "verdict",
    "ours, best epoch",
    "best - published, points",
    "gradients of a run",
)
LEGEND = (
    "Test accuracy in per cent, mean ± sample standard deviation over completed runs (published: n = 5). "
    "Differences carry Welch's 95 % interval, each on its own. "
    "The best epoch is read off the test set: an upper bound. Gradients: evaluations, the budget of a run."
)
LAYOUT_LEGEND = (
    "Test accuracy in per cent, mean ± sample standard deviation; published: n = 5, measured: last epoch, "
    f"n in brackets. {VERDICTS}"
)
NOTHING_MEASURED = "None of these results belongs to a cell of the AdaFix paper's Tables 1 and 2."


def paper_blocks(tables: Sequence[PaperTable], results: Sequence[Result]) -> list[Block]:
    """The blocks of the document: both tables, each measured column, what was not measured, the protocol.

    Args:
        tables: what was measured of the paper's columns.
        results: what they were made of, which know their machines.
    """
    if not tables:
        return [Paragraph(NOTHING_MEASURED)]
    measured = [each.column for each in tables]
    missing = [f"{column.title} (Table {column.table})" for column in COLUMNS if column not in measured]
    return [
        Heading(1, "The AdaFix paper's tables, published and measured"),
        Paragraph(f"Published: {SOURCE}."),
        *layouts(tables),
        *(block for each in tables for block in _section(each, results)),
        *([Paragraph(f"Not measured: {', '.join(missing)}.")] if missing else []),
        Heading(2, "What the paper prescribes"),
        Items(PRESCRIBED),
        Heading(2, "What the paper leaves open, and what was decided"),
        Items(DECIDED),
    ]


def layouts(tables: Sequence[PaperTable]) -> list[Block]:
    """Tables 1 and 2 as the paper lays them out, each with published, measured and verdict."""
    blocks: list[Block] = []
    for table in sorted({column.table for column in COLUMNS}):
        columns = [column for column in COLUMNS if column.table == table]
        found = [closest(tables, column) for column in columns]
        rows = tuple(row for name in METHODS for row in _three_rows(name, columns, found))
        titles = tuple(f"{column.title}, {DATASET_TITLES[column.dataset]}" for column in columns)
        caption = f"Table {table} of the paper. {LAYOUT_LEGEND}"
        blocks += [
            Heading(2, f"Table {table}"),
            Table(columns=("method", "", *titles), rows=rows, caption=caption, text_columns=2),
        ]
    return blocks


def _three_rows(
    name: str, columns: Sequence[Column], found: Sequence[PaperTable | None]
) -> list[tuple[Cell, ...]]:
    mine = [
        next((row for row in each.rows if row.method == METHODS[name]), None) if each else None
        for each in found
    ]
    published = (
        Cell(METHODS[name]),
        Cell("published"),
        *(Cell(mean_in_words(c.accuracies[name])) for c in columns),
    )
    measured = (Cell(""), Cell("measured"), *(Cell(_ours(row)) for row in mine))
    verdict = (
        Cell(""),
        Cell("verdict"),
        *(Cell(row.verdict if row else "not measured") for row in mine),
    )
    return [published, measured, verdict]


def _ours(row: PaperRow | None) -> str:
    if row is None or row.row is None:
        return numbers.NOTHING
    return (
        f"{mean_in_words(row.last.ours)} ({numbers.runs(row.row)})"
        if row.last
        else f"none of {row.row.runs} completed"
    )


def _section(each: PaperTable, results: Sequence[Result]) -> list[Block]:
    column = each.column
    machine = machines([result for result in results if each.compared.is_of(result.job)])
    title = f"Table {column.table}: {column.title}, {DATASET_TITLES[column.dataset]}"
    parts: list[Block] = [
        Heading(2, title),
        Paragraph(f"Measured: {facts(each.compared)}" + (f"; on {plain(machine)}" if machine else "")),
    ]
    if each.departures:
        parts.append(Paragraph(f"Not the paper's conditions: {'; '.join(each.departures)}."))
    return [*parts, Table(columns=COLUMN_WORDS, rows=tuple(map(_cells, each.rows)), caption=LEGEND)]


def _cells(row: PaperRow) -> tuple[Cell, ...]:
    ours = numbers.runs(row.row) if row.row else numbers.NOTHING
    shown = [row.method, mean_in_words(row.published), ours, *_measured(row.last), row.verdict]
    shown += [*_measured(row.best), numbers.quantity(row.row.gradient_evaluations if row.row else None)]
    return tuple(map(Cell, shown))


def _measured(cell: Measured | None) -> tuple[str, str]:
    if cell is None:
        return numbers.NOTHING, numbers.NOTHING
    return mean_in_words(cell.ours), difference_in_words(cell)
