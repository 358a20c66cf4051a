"""What a handful of numbers says: mean, sample standard deviation, Student's t interval."""

import math
from collections.abc import Mapping, Sequence
from functools import cache

from scipy.special import stdtrit

from adabench.spec import Frozen

CONFIDENCE = 0.95

Interval = tuple[float, float]


class Estimate(Frozen):
    """A sample in four numbers, in the unit of its values.

    The deviation is the sample standard deviation (divided by n - 1), None for one value. The
    interval is the 95 % confidence interval of the mean, None where the values do not vary: then
    they say nothing about how much they would.
    """

    n: int
    mean: float
    deviation: float | None
    interval: Interval | None


def estimate(values: Sequence[float]) -> Estimate | None:
    """Mean, deviation and interval of a sample; None of an empty one. The order does not matter."""
    n = len(values)
    if n == 0:
        return None
    mean = _mean(values)
    deviation = _deviation(values, mean) if n > 1 else None
    interval = around(mean, deviation / math.sqrt(n), n - 1) if deviation else None
    return Estimate(n=n, mean=mean, deviation=deviation, interval=interval)


def _mean(values: Sequence[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # near the largest number that there is
        return math.fsum(value / len(values) for value in values)


def _deviation(values: Sequence[float], mean: float) -> float:
    """The sample standard deviation; exactly 0 of equal values, whatever rounding did to their mean."""
    if min(values) == max(values):
        return 0.0
    return math.hypot(*(value - mean for value in values)) / math.sqrt(len(values) - 1)


def paired_difference(mine: Mapping[int, float], base: Mapping[int, float]) -> Estimate | None:
    """The sample of ``mine - base`` over the seeds that both have; None when they share none.

    The differences are those of `paired_differences`.
    """
    return estimate(paired_differences(mine, base))


def paired_differences(mine: Mapping[int, float], base: Mapping[int, float]) -> list[float]:
    """``mine - base`` for each seed that both have, in order of the seed.

    Differences are rounded to 1e-12, so that equal ones are equal in binary too.
    """
    shared = sorted(mine.keys() & base.keys())
    return [round(mine[seed] - base[seed], 12) for seed in shared]


def around(center: float, standard_error: float, degrees: float) -> Interval:
    """The 95 % interval of Student's t around ``center`` with ``degrees`` of freedom above 0."""
    half = _quantile(degrees) * standard_error
    return center - half, center + half


@cache
def _quantile(degrees: float) -> float:
    # scipy.special loads in a fraction of the 1.3 s that scipy.stats takes.
    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
