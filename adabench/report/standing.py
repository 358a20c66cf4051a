"""Who is best on a problem, and who cannot be told from the best."""

from dataclasses import dataclass

from adabench.compare.model import ProblemComparison, Row
from adabench.compare.versus import Versus, against_best
from adabench.report.numbers import plus_minus, points
from adabench.report.text import plain
from adabench.report.units import probability

HOW = "paired t test by seed against the best, Holm-corrected over all pairs of the problem's optimizers, 5 %"
"""How significance is judged here; p are after Holm's correction."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The optimizers of one problem, sorted by what may be said of them.

    Args:
        best: the highest mean final test accuracy among those without a diverged run.
        level: not significantly worse than the best.
        worse: significantly worse, by the paired t test after Holm's correction.
        aside: nothing is said of them, since a run diverged or none completed.
        differences: each optimizer minus the best, by its label.
    """

    best: Row | None
    level: tuple[Row, ...]
    worse: tuple[Row, ...]
    aside: tuple[Row, ...]
    differences: dict[str, Versus]


def standing(compared: ProblemComparison) -> Standing:
    """Sort the rows of a problem as the comparison does; differences are to the best, paired by seed."""
    level = [row for label in compared.not_worse if (row := compared.row(label))]
    best = level[0] if level else None
    fair = [row for row in compared.rows if row.final_test_accuracy and not row.diverged]
    ordered = sorted(fair, key=lambda row: row is not best)
    samples = [(row.optimizer, row.final_test_accuracy.values) for row in ordered if row.final_test_accuracy]
    return Standing(
        best=best,
        level=tuple(level[1:]),
        worse=tuple(row for row in fair if row.optimizer not in compared.not_worse),
        aside=tuple(row for row in compared.rows if row not in fair),
        differences={each.optimizer: each for each in against_best(samples)},
    )


def answer(compared: ProblemComparison) -> list[str]:
    """Which one, and how sure: at most four plain sentences."""
    found = standing(compared)
    if found.best is None or found.best.final_test_accuracy is None:
        return ["No optimizer completed all its runs: there is no best one."]
    sample = found.best.final_test_accuracy
    lines = [f"Best mean: {plain(found.best.optimizer)}, {plus_minus(sample)} % (n = {sample.n})."]
    if found.level:
        lines.append(f"Not significantly worse, in points: {_behind(found, found.level)}.")
    if found.worse:
        lines.append(f"Significantly worse, in points: {_behind(found, found.worse)}.")
    if found.aside:
        names = ", ".join(plain(row.optimizer) for row in found.aside)
        lines.append(f"Not judged, since runs diverged or did not complete: {names}.")
    return lines


def _behind(found: Standing, rows: tuple[Row, ...]) -> str:
    """Names with how far they lie behind, such as ``sgdm (-0.07, p 0.25)``."""
    return ", ".join(_one_behind(row, found.differences.get(row.optimizer)) for row in rows)


def _one_behind(row: Row, each: Versus | None) -> str:
    if each is None:
        return f"{plain(row.optimizer)} (no seed in common)"
    return f"{plain(row.optimizer)} ({points(each.difference)}, p {probability(each.p_holm)})"
