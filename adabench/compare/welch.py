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
    error = welch_error(one, other)
    if not error:
        return None
    return around(one.mean - other.mean, error, welch_degrees(one, other))


def welch_error(one: Estimate, other: Estimate) -> float | None:
    """The standard error of ``one.mean - other.mean``; None where a deviation is unknown."""
    if one.deviation is None or other.deviation is None:
        return None
    return math.sqrt(one.deviation**2 / one.n + other.deviation**2 / other.n)


def welch_degrees(one: Estimate, other: Estimate) -> float:
    """Satterthwaite's degrees of freedom; both deviations are known and not both 0."""
    a, b = (one.deviation or 0.0) ** 2 / one.n, (other.deviation or 0.0) ** 2 / other.n
    return (a + b) ** 2 / (a**2 / (one.n - 1) + b**2 / (other.n - 1))
