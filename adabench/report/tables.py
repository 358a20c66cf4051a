"""The table of one problem: the same columns, numbers and caption in every format."""

from adabench.compare.metrics import AXES
from adabench.compare.model import AnalyticComparison, EqualCost, ProblemComparison, Row
from adabench.compare.statistics import Estimate
from adabench.report import analytic, numbers
from adabench.report.blocks import Cell, Table, cells, number
from adabench.report.standing import HOW
from adabench.report.text import plain
from adabench.report.units import Units, probability


def problem_table(compared: ProblemComparison) -> Table:
    """One row for each optimizer, best first; whatever cannot be told from the best is strong."""
    validated = any(row.test_accuracy_at_best_validation for row in compared.rows)
    columns = (
        "optimizer",
        "n",
        "final test %",
        "95 % interval",
        *(("test % at best validation",) if validated else ()),
        "best test %",
        "final test loss",
        f"vs {compared.baseline}, points" if compared.baseline is not None else "difference",
        "pairs",
        "p, Holm",
        "seconds",
        "steps",
        "gradient evaluations",
    )
    p = {each.optimizer: each.p_holm for each in compared.comparisons if each.against == compared.baseline}
    return Table(
        columns=columns,
        rows=tuple(
            _cells(row, validated, row.optimizer in compared.not_worse, p.get(row.optimizer))
            for row in compared.rows
        ),
        caption=_caption(compared),
    )


def cost_tables(compared: ProblemComparison, units: Units) -> list[Table]:
    """The metric where all have spent the same, and the cost to the target, where the runs tell them."""
    return [*_at_equal_cost(compared, units), *_to_target(compared, units)]


def _at_equal_cost(compared: ProblemComparison, units: Units) -> list[Table]:
    """One column for each axis on which some optimizer spent more than another."""
    found = compared.equal_cost
    if not found:
        return []
    columns = ("optimizer", *(f"at {numbers.quantity(each.budget)} {AXES[each.axis]}" for each in found))
    values = [{row.optimizer: row for row in each.rows} for each in found]
    rows = [
        (Cell(row.optimizer), *(_equal(each.get(row.optimizer), units) for each in values))
        for row in compared.rows
    ]
    early = "; ".join(f"{AXES[each.axis]}: {', '.join(map(plain, each.early))}" for each in found)
    against = f", with the difference to {plain(compared.baseline)}" if compared.baseline else ""
    caption = (
        f"{plain(compared.problem.label)}: {units.metric.words} where all have spent the same, mean "
        f"over completed seeds{against} and its 95 % interval. Cut short there, before their schedules "
        f"ended: {early}."
    )
    return [Table(columns=columns, rows=tuple(rows), caption=caption)]


def _equal(row: EqualCost | None, units: Units) -> Cell:
    if row is None or row.value is None:
        return Cell(numbers.NOTHING)
    change = row.difference
    words = f", {units.difference(change.mean, change.interval)}" if change else ""
    return Cell(f"{units.value(row.value.mean)}{words}", row.value.mean)


def _to_target(compared: ProblemComparison, units: Units) -> list[Table]:
    if compared.target is None or not compared.target_rows:
        return []
    target = units.told(compared.target)
    rows = [
        (
            Cell(row.optimizer),
            Cell(f"{row.reached} of {row.runs}", row.reached / row.runs),
            *(number(numbers.cost(row.costs[axis].median, axis), row.costs[axis].median) for axis in AXES),
        )
        for row in compared.target_rows
    ]
    caption = (
        f"{plain(compared.problem.label)}: cost until {target} was first reached, Kaplan and Meier's median "
        "over seeds; a run that never reached it counts as a miss."
    )
    columns = ("optimizer", f"reached {target}", *(f"median {words}" for words in AXES.values()))
    return [Table(columns=columns, rows=tuple(rows), caption=caption)]


def analytic_table(compared: AnalyticComparison) -> Table:
    """One row for each optimizer, those that stayed in the region first."""
    return Table(
        columns=analytic.COLUMNS,
        rows=tuple(cells(analytic.cells(row)) for row in compared.rows),
        caption=f"{plain(compared.problem.label)}: who left the region of one-point convexity; "
        "n counts runs, medians are over completed runs.",
    )


def _caption(compared: ProblemComparison) -> str:
    n = numbers.counted(row.completed for row in compared.rows)
    return (
        f"{plain(compared.problem.label)}: mean ± sample standard deviation over completed seeds "
        f"({n}). Bold: the best mean, and whatever is not significantly worse than it "
        f"({HOW})."
    )


def _cells(row: Row, validated: bool, strong: bool, p: float | None) -> tuple[Cell, ...]:
    final, change, loss = row.final_test_accuracy, row.difference, row.final_test_loss
    selected = row.test_accuracy_at_best_validation
    return (
        Cell(row.optimizer, strong=strong),
        Cell(numbers.runs(row), row.completed),
        Cell(numbers.plus_minus(final), _mean(final), strong),
        Cell(
            numbers.span(final.interval if final else None),
            final.interval[0] if final and final.interval else None,
        ),
        *([Cell(numbers.plus_minus(selected), _mean(selected))] if validated else []),
        Cell(numbers.plus_minus(row.best_test_accuracy), _mean(row.best_test_accuracy)),
        number(numbers.quantity(_mean(loss), 4), _mean(loss)),
        Cell(numbers.difference(change.mean, change.interval) if change else numbers.NOTHING, _mean(change)),
        Cell(str(change.n) if change else numbers.NOTHING, change.n if change else None),
        Cell(probability(p), p),
        number(numbers.quantity(row.seconds, 1), row.seconds),
        number(numbers.quantity(row.steps), row.steps),
        number(numbers.quantity(row.gradient_evaluations), row.gradient_evaluations),
    )


def _mean(sample: Estimate | None) -> float | None:
    return sample.mean if sample else None
