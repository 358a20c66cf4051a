"""The paper's tables on a terminal: what they show by themselves, and whether ours agree."""

from adabench.compare.model import Comparison
from adabench.compare.published import champion_against_all
from adabench.report.numbers import NOTHING
from adabench.report.paper import (
    VERDICTS,
    Measured,
    PaperTable,
    difference_in_words,
    mean_in_words,
    paper_tables,
)
from adabench.report.published import COLUMNS, METHODS, SEEDS
from adabench.report.terminal_blocks import tabulated, wrapped
from adabench.report.text import plain
from adabench.report.units import probability

CHAMPION = "adafix"
LEGEND = (
    "Test accuracy in per cent, ours at the last epoch; ± is the sample standard deviation over seeds. "
    f"Differences are ours minus published in points, with Welch's 95 % interval, each on its own. {VERDICTS}"
)


def render(comparison: Comparison) -> str:
    """Every measured cell beside the published one with a verdict, then the published table judged."""
    tables = paper_tables(comparison)
    parts = [_cells(each) for each in tables] or [
        "None of these results belongs to a cell of the paper's tables."
    ]
    if tables:
        parts.append(wrapped(LEGEND))
    return "\n\n".join([*parts, published()]) + "\n"


def _cells(each: PaperTable) -> str:
    problem = each.compared.problem
    title = wrapped(f"{each.column.title} (Table {each.column.table}): {plain(problem.label)}")
    departs = (
        [wrapped(f"note: not the paper's conditions: {'; '.join(each.departures)}")]
        if each.departures
        else []
    )
    rows = [
        [row.method, mean_in_words(row.published), *_measured(row.last), row.verdict] for row in each.rows
    ]
    columns = ["method", "published", "n", "ours", "difference", "verdict"]
    return "\n".join([title, *departs, "", tabulated(columns, rows)])


def _measured(found: Measured | None) -> list[str]:
    if found is None:
        return [NOTHING] * 3
    return [str(found.ours.n), mean_in_words(found.ours), difference_in_words(found)]


def published() -> str:
    """AdaFix against each other method in every published column, by Welch's test and Holm's correction."""
    table = {column.title: dict(column.accuracies) for column in COLUMNS}
    found = champion_against_all(table, CHAMPION)
    every = [each for column in found.values() for each in column]
    sure = [each for each in every if each.verdict in ("better", "worse")]
    better = sum(each.verdict == "better" for each in sure)
    alone = sum(each.p_t is not None and each.p_t < 0.05 for each in every)
    others = [name for name in METHODS if name != CHAMPION]
    rows = [
        [title, *(_mark(each.difference, each.p_holm) for each in column)] for title, column in found.items()
    ]
    text = (
        f"Published: {METHODS[CHAMPION]} minus each other method in points, with Welch's p after Holm over "
        f"{len(every)} comparisons ({SEEDS} seeds each). {len(sure)} of {len(every)} survive "
        f"({better} in its favour), {alone} before the correction."
    )
    return "\n\n".join(
        [tabulated(["published", *(METHODS[name] for name in others)], rows, label_width=32), wrapped(text)]
    )


def _mark(difference: float, p: float | None) -> str:
    return f"{difference:+z.2f}, p {probability(p)}"
