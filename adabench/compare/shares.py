"""How large a share may be, when so many of so many were counted."""

from scipy.special import betaincinv

from adabench.compare.statistics import CONFIDENCE, Interval


def share_interval(count: int, n: int) -> Interval:
    """The exact 95 % confidence interval of a probability, as fractions.

    Args:
        count: how often something happened, 0 to n.
        n: in how many independent runs, at least 1.

    Source: Clopper and Pearson 1934.
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return low, high
