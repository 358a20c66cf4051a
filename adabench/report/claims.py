"""What may be claimed of each optimizer against the baseline, in one plain sentence each."""

from adabench.compare.model import ProblemComparison, Row
from adabench.compare.statistics import Estimate
from adabench.report.numbers import percent, span
from adabench.report.text import plain

TOO_FEW = "too few seeds to tell"
UNCORRECTED = "Each interval stands alone: with several comparisons, some exclude 0 by chance."


def claims(compared: ProblemComparison) -> tuple[str, ...]:
    """One sentence for each optimizer other than the baseline, in the table's order."""
    base = compared.row(compared.baseline) if compared.baseline is not None else None
    if base is None:
        return ()
    others = [row for row in compared.rows if row is not base]
    sentences = [_claim(row, base) for row in others]
    return (*sentences, UNCORRECTED) if len(others) > 1 else tuple(sentences)


def _claim(row: Row, base: Row) -> str:
    name, other = plain(row.optimizer), plain(base.optimizer)
    for each in (row, base):
        if each.diverged:
            fate = f"{each.diverged} of {each.runs} runs of {plain(each.optimizer)} diverged"
            return f"{name} against {other}: nothing is claimed, since {fate}."
    if row.difference is None:
        return (
            f"{name} and {other} have no completed seed in common: nothing can be said of their difference."
        )
    return _verdict(name, other, row.difference)


def _verdict(name: str, other: str, found: Estimate) -> str:
    pairs = "1 pair" if found.n == 1 else f"{found.n} pairs"
    where = _side(found.mean, other)
    if found.interval is None:
        evenly = ", the same in each" if found.n > 1 else ""
        return f"{name} is {where} ({pairs}{evenly}; no interval): {TOO_FEW}."
    low, high = found.interval
    doubt = "" if low > 0 or high < 0 else f": {TOO_FEW}"
    return f"{name} is {where} (95 % interval {span(found.interval)}, {pairs}){doubt}."


def _side(difference: float, other: str) -> str:
    size = percent(abs(difference))
    if float(size) == 0:
        return f"level with {other}"
    return f"{size} points {'above' if difference > 0 else 'below'} {other}"
