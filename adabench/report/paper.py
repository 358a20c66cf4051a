"""The AdaFix paper's cells beside our own measurements of them; numbers in per cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adabench.catalogue import Option, Value
from adabench.compare.model import Comparison, ProblemComparison, Row, Sample
from adabench.compare.published import CLOSE, Agreement, agreement
from adabench.compare.statistics import Estimate, Interval
from adabench.compare.welch import welch_interval
from adabench.models import MODELS
from adabench.report.facts import dataset_name
from adabench.report.published import BATCH_SIZE, COLUMNS, DATASET_TITLES, EPOCHS, METHODS, SEEDS, Column
from adabench.report.text import plain

Verdict = Agreement | Literal["other conditions", "not measured"]

VERDICTS = (
    "Verdict: differs, where Welch's 95 % interval of ours - published excludes 0; agrees, where it includes "
    f"0 and reaches no further than {CLOSE:g} points; cannot tell, where it includes 0 and reaches further; "
    "other conditions, where the cell was not measured as the paper did."
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Our figure for one cell, and how far it is from the published one.

    Args:
        ours: our sample, in per cent.
        difference: ours minus published, in percentage points.
        interval: Welch's 95 % interval of the difference; None with fewer than two runs.
    """

    ours: Estimate
    difference: float
    interval: Interval | None


def mean_in_words(sample: Estimate) -> str:
    """A sample in per cent as mean ± sample standard deviation."""
    return f"{sample.mean:.2f}" + ("" if sample.deviation is None else f" ± {sample.deviation:.2f}")


def difference_in_words(cell: Measured) -> str:
    """Ours minus published in points, with its interval where there is one."""
    span = f" ({cell.interval[0]:z.2f} to {cell.interval[1]:z.2f})" if cell.interval else ""
    return f"{cell.difference:+z.2f}{span}"


@dataclass(frozen=True, kw_only=True)
class PaperRow:
    """One method: published, and ours at the last and at the best epoch where it was measured.

    ``verdict`` is on the last epoch.
    """

    method: str
    published: Estimate
    row: Row | None
    last: Measured | None
    best: Measured | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """One column of the paper at one of our settings.

    Args:
        column: the published column.
        compared: our comparison at this setting.
        departures: how our setting differs from the paper's, a phrase each.
        rows: the paper's methods in its order.
    """

    column: Column
    compared: ProblemComparison
    departures: tuple[str, ...]
    rows: tuple[PaperRow, ...]


def paper_tables(comparison: Comparison) -> tuple[PaperTable, ...]:
    """Every pair of a published column and a comparison that measured it, in the paper's order."""
    return tuple(
        _table(column, compared)
        for column in COLUMNS
        for compared in comparison.problems
        if _matches(column, compared) and any(map(compared.row, METHODS))
    )


def closest(tables: Sequence[PaperTable], column: Column) -> PaperTable | None:
    """The measured table of a column that departs least from the paper's conditions, the longest of those."""
    mine = [each for each in tables if each.column is column]
    return max(mine, key=lambda each: (-len(each.departures), each.compared.epochs), default=None)


def _matches(column: Column, compared: ProblemComparison) -> bool:
    """Same model at its defaults, same augmentation, and the data set or a stand-in named after it."""
    problem, name = compared.problem, dataset_name(compared.problem.dataset)
    return (
        (problem.model, problem.augment) == (column.model, column.augment)
        and _at_defaults(problem.model_options, MODELS[column.model].options)
        and not problem.dataset_options
        and (name == column.dataset or name.startswith(f"{column.dataset}-"))
    )


def _at_defaults(values: Mapping[str, Value], options: Mapping[str, Option]) -> bool:
    return all(name in options and value == options[name].default for name, value in values.items())


def _table(column: Column, compared: ProblemComparison) -> PaperTable:
    conditions = _other_conditions(column, compared)
    rows = []
    for name, method in METHODS.items():
        row, published = compared.row(name), column.accuracies[name]
        last = _measured(row.final_test_accuracy, published) if row else None
        best = _measured(row.best_test_accuracy, published) if row else None
        verdict = _verdict(last, conditions)
        rows.append(
            PaperRow(method=method, published=published, row=row, last=last, best=best, verdict=verdict)
        )
    departures = (*conditions, *_missing_seeds(compared))
    return PaperTable(column=column, compared=compared, departures=departures, rows=tuple(rows))


def _verdict(last: Measured | None, conditions: Sequence[str]) -> Verdict:
    """Fewer seeds than the paper's are no other conditions: the interval is wider for them."""
    if last is None:
        return "not measured"
    return "other conditions" if conditions else agreement(last.interval)


def _measured(sample: Sample | None, published: Estimate) -> Measured | None:
    if sample is None:
        return None
    spread = None if sample.deviation is None else 100 * sample.deviation
    ours = Estimate(n=sample.n, mean=100 * sample.mean, deviation=spread, interval=None)
    return Measured(
        ours=ours, difference=ours.mean - published.mean, interval=welch_interval(ours, published)
    )


def _other_conditions(column: Column, compared: ProblemComparison) -> tuple[str, ...]:
    problem, name = compared.problem, dataset_name(compared.problem.dataset)
    checks = {
        f"on {plain(name)}, not {DATASET_TITLES[column.dataset]}": name != column.dataset,
        f"{compared.epochs} of {EPOCHS} epochs": compared.epochs != EPOCHS,
        f"batch {problem.batch_size} instead of {BATCH_SIZE}": problem.batch_size != BATCH_SIZE,
        f"{problem.train_examples} training examples instead of all": problem.train_examples is not None,
        f"{problem.validation_fraction:.0%} of the training set held out": problem.validation_fraction > 0,
        f"precision {compared.precision}": compared.precision != "fp32",
    }
    return tuple(phrase for phrase, departs in checks.items() if departs)


def _missing_seeds(compared: ProblemComparison) -> tuple[str, ...]:
    fewest = min(row.completed for row in map(compared.row, METHODS) if row)
    return (f"only {fewest} of {SEEDS} seeds for some methods",) * (fewest < SEEDS)
