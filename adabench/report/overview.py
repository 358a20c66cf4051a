"""The suite in one table: every optimizer on every problem with data, and its mean rank."""

import math

from adabench.compare.model import AcrossRow, Comparison, ProblemComparison
from adabench.report import numbers
from adabench.report.blocks import Block, Cell, Items, Table, number
from adabench.report.text import plain
from adabench.report.units import probability

CAPTION = (
    "Final test accuracy in per cent, mean ± sample standard deviation over the completed seeds (their "
    "number in brackets). Bold: the best mean of a problem, and whatever is not significantly worse. Rank 1 "
    "is the best on a problem; ranks and the interquartile mean are over optimizers with a result on every "
    "problem, a diverged run counting as 0."
)


def overview(comparison: Comparison) -> list[Block]:
    """The suite's table, by mean rank; optimizers that lack a problem stand below the others."""
    problems, across = comparison.problems, comparison.across
    rows = {row.optimizer: row for row in across.rows} if across else {}
    labels = sorted(
        {row.optimizer for each in problems for row in each.rows},
        key=lambda label: (rows[label].mean_rank if label in rows else math.inf, label),
    )
    table = Table(
        columns=(
            "optimizer",
            *(problem_title(each, problems) for each in problems),
            "mean rank",
            "interquartile mean",
        ),
        rows=tuple(_row(label, rows.get(label), problems) for label in labels),
        caption=CAPTION,
    )
    lacking = across.missing if across else {}
    lines = [
        f"{plain(label)} has no result on {', '.join(map(plain, lacks))}" for label, lacks in lacking.items()
    ]
    return [table, Items((*lines, *_friedman(comparison)))]


def problem_title(compared: ProblemComparison, among: tuple[ProblemComparison, ...]) -> str:
    """The problem's label, with what tells it from another of the same label."""
    alike = [each for each in among if each.problem.label == compared.problem.label]
    if len(alike) == 1:
        return plain(compared.problem.label)
    first, *_ = others = [(each.epochs, each.precision) for each in alike]
    return (
        plain(compared.title)
        if others.count(first) < len(others)
        else f"{plain(compared.title)} [{alike.index(compared) + 1}]"
    )


def _friedman(comparison: Comparison) -> list[str]:
    found = comparison.across.friedman if comparison.across else None
    if found is None:
        return ["Too few problems with every optimizer to test their ranks: no overall winner is claimed."]
    return [
        f"Friedman's test that all ranks are alike: p {probability(found.p)}. Mean ranks differ when they "
        f"lie at least {found.critical_difference:.2f} apart (Nemenyi, 5 %)."
    ]


def _row(label: str, across: AcrossRow | None, problems: tuple[ProblemComparison, ...]) -> tuple[Cell, ...]:
    middle = across.interquartile_mean if across else None
    return (
        Cell(label),
        *(_cell(label, each) for each in problems),
        number(
            numbers.quantity(across.mean_rank if across else None, 2), across.mean_rank if across else None
        ),
        number(numbers.percent(middle), middle),
    )


def _cell(label: str, compared: ProblemComparison) -> Cell:
    row = compared.row(label)
    if row is None:
        return Cell(numbers.NOTHING)
    sample = row.final_test_accuracy
    fates = {"diverged": row.diverged, "failed": row.failed, "interrupted": row.interrupted}
    lost = "".join(f", {count} {fate}" for fate, count in fates.items() if count)
    if sample is None:
        return Cell(f"none of {row.runs}{lost}")
    return Cell(f"{numbers.plus_minus(sample)} ({sample.n}{lost})", sample.mean, label in compared.not_worse)
