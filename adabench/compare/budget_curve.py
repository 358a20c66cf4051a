"""Performance as a function of budget: how good the best of k trials is, when k of them are drawn at random.

Source: Dodge, Gururangan, Card, Schwartz and Smith 2019, Show Your Work, arXiv 1909.03004. The n values
found stand for the distribution of a trial's outcome; k trials are drawn from it with replacement.
"""

from collections.abc import Sequence
from itertools import pairwise

from adabench.compare.statistics import CONFIDENCE
from adabench.spec import Frozen


class BestOf(Frozen):
    """The best of ``trials`` random trials: its expectation, and where it lies with 95 % probability."""

    trials: int
    mean: float
    low: float
    high: float


def best_of(values: Sequence[float], trials: int) -> BestOf:
    """The best of so many trials drawn from ``values``.

    With the values in order, the best is at most the i-th with probability (i / n)^k: the expectation
    and the quantiles follow without drawing anything.

    Args:
        values: one for each trial made, higher is better; at least one.
        trials: how many are drawn, at least 1.
    """
    ordered, n = sorted(values), len(values)
    below = [(i / n) ** trials for i in range(n + 1)]
    mean = sum(value * (high - low) for value, (low, high) in zip(ordered, pairwise(below), strict=True))
    tail = (1 - CONFIDENCE) / 2
    return BestOf(
        trials=trials,
        mean=mean,
        low=_quantile(ordered, below, tail),
        high=_quantile(ordered, below, 1 - tail),
    )


def _quantile(ordered: Sequence[float], below: Sequence[float], share: float) -> float:
    return next(value for value, p in zip(ordered, below[1:], strict=True) if p >= share)


def budget_curve(values: Sequence[float]) -> tuple[BestOf, ...]:
    """The best of 1, 2, 4, 8, ... trials, up to as many as were made."""
    n = len(values)
    budgets = sorted({*(2**i for i in range(n.bit_length()) if 2**i <= n), n})
    return tuple(best_of(values, trials) for trials in budgets)
