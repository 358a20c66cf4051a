"""The page's first screen: for each problem which optimizer is best, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

from adabench.compare.model import Across, AcrossRow, Comparison, ProblemComparison, Row
from adabench.compare.versus import ALPHA
from adabench.report import analytic, numbers
from adabench.report.overview import problem_title
from adabench.report.standing import Standing, standing
from adabench.report.text import plain
from adabench.report.units import probability

Names = tuple[str, ...]

NAMES_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One problem in a few words.

    Args:
        problem: its title.
        best: the optimizer with the best mean; None where there is none, and on analytic problems.
        figure: its mean and deviation, or the sentence on an analytic problem.
        sure: how sure it is, in one phrase.
        level: who cannot be told from the best.
        worse: who is significantly worse.
        aside: who cannot be judged.
        limits: what these seeds cannot show.
    """

    problem: str
    best: str | None
    figure: str
    sure: str = ""
    level: Names = ()
    worse: Names = ()
    aside: Names = ()
    limits: str = ""


def verdicts(comparison: Comparison) -> list[Verdict]:
    """One verdict for each problem, in the comparison's order."""
    found = [_verdict(each, comparison.problems) for each in comparison.problems]
    return [*_overall(comparison.across), *found] + [
        Verdict(problem=plain(each.problem.label), best=None, figure=analytic.sentence(each))
        for each in comparison.analytic
    ]


def _overall(across: Across | None) -> list[Verdict]:
    """Who has the best mean rank, and whether ranks tell optimizers apart at all."""
    if across is None or not across.rows:
        return []
    best, *others = across.rows
    test, level, worse = across.friedman, list[AcrossRow](), list[AcrossRow]()
    sure = "too few problems to tell"
    if test is not None and test.p >= ALPHA:
        sure = f"ranks do not differ by more than chance (Friedman's p {probability(test.p)})"
    elif test is not None:
        limit = best.mean_rank + test.critical_difference
        level = [row for row in others if row.mean_rank < limit]
        worse = [row for row in others if row.mean_rank >= limit]
        sure = f"not told apart from {len(level)} of {len(others)}" if level else "better than every other"
    return [
        Verdict(
            problem=f"Over all {len(across.problems)} problems",
            best=plain(best.optimizer),
            figure=f"mean rank {best.mean_rank:.2f} of {len(across.rows)}",
            sure=sure,
            level=_names(level),
            worse=_names(worse),
        )
    ]


def _verdict(compared: ProblemComparison, among: tuple[ProblemComparison, ...]) -> Verdict:
    found, title = standing(compared), problem_title(compared, among)
    if found.best is None or found.best.final_test_accuracy is None:
        return Verdict(
            problem=title, best=None, figure="No optimizer completed all its runs.", aside=_names(found.aside)
        )
    return Verdict(
        problem=title,
        best=plain(found.best.optimizer),
        figure=f"{numbers.plus_minus(found.best.final_test_accuracy)} % final test accuracy",
        sure=_sure(found),
        level=_names(found.level),
        worse=_names(found.worse),
        aside=_names(found.aside),
        limits=_limits(found),
    )


def _sure(found: Standing) -> str:
    if not (found.level or found.worse):
        return "nothing to compare it with"
    if not found.level:
        return "significantly better than every other"
    others = "1 other" if len(found.level) == 1 else f"{len(found.level)} others"
    return f"not told apart from {others}"


def _limits(found: Standing) -> str:
    """What these seeds could have shown: the largest detectable difference among those not told apart."""
    n = found.best.completed if found.best else 0
    seeds = "1 seed" if n == 1 else f"{n} seeds"
    each = [
        found.differences[row.optimizer].detectable
        for row in found.level
        if row.optimizer in found.differences
    ]
    detectable = [value for value in each if value is not None]
    if not detectable:
        return seeds
    return f"{seeds}; a difference below {numbers.percent(max(detectable))} points would mostly go unnoticed"


def _names(rows: Sequence[Row | AcrossRow]) -> Names:
    names = tuple(plain(row.optimizer) for row in rows)
    rest = len(names) - NAMES_SHOWN
    return (*names[:NAMES_SHOWN], f"and {rest} more") if rest > 1 else names
