"""Welch's comparison of two independent samples of which only means and deviations are known."""

import math

from adabench.compare.statistics import Estimate, Interval, around


def welch_interval(one: Estimate, other: Estimate) -> Interval | None:
    """The 95 % interval of ``one.mean - other.mean``; None where a deviation is unknown or both are 0.

    Args:
        one: a sample's size, mean and sample standard deviation.
        other: that of an independent sample, in the same unit.

    Source: Welch 1947, with Satterthwaite's degrees of freedom.
    """
    if one.deviation is None or other.deviation is None:
        return None
    a, b = one.deviation**2 / one.n, other.deviation**2 / other.n
    if a + b == 0:
        return None
    degrees = (a + b) ** 2 / (a**2 / (one.n - 1) + b**2 / (other.n - 1))
    return around(one.mean - other.mean, math.sqrt(a + b), degrees)
