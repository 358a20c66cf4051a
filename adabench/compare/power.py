"""How many seeds a difference needs, and which difference so many seeds can find."""

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, gammaincinv, ndtr, stdtrit

POWER = 0.8
MOST_SEEDS = 100_000
_QUANTILES = (np.arange(2000) + 0.5) / 2000


def power(effect: float, pairs: int, alpha: float) -> float:
    """The probability that a two-sided paired t test finds a true difference.

    Args:
        effect: the true mean difference over the standard deviation of differences.
        pairs: how many, at least 2.
        alpha: the level of the test.

    The noncentral t distribution is averaged over the deviation that a sample may show.
    """
    degrees = pairs - 1
    critical = stdtrit(degrees, 1 - alpha / 2)
    spread = _spread(degrees)
    shift = effect * math.sqrt(pairs)
    return float(np.mean(ndtr(shift - critical * spread) + ndtr(-shift - critical * spread)))


@lru_cache(maxsize=256)
def _spread(degrees: int) -> NDArray[np.float64]:
    """Equally likely values of a sample's deviation over the true one."""
    found: NDArray[np.float64] = np.sqrt(2 * gammaincinv(degrees / 2, _QUANTILES) / degrees)
    return found


def detectable_difference(deviation: float, pairs: int, *, alpha: float) -> float | None:
    """The smallest true difference that a paired t test finds with 80 % power; None of one pair.

    Args:
        deviation: the standard deviation of differences, in the unit of the answer.
        pairs: how many there are.
        alpha: the level of the test.
    """
    return _detectable_effect(pairs, alpha) * deviation if pairs > 1 else None


@cache
def _detectable_effect(pairs: int, alpha: float) -> float:
    low, high = 0.0, 1.0
    while power(high, pairs, alpha) < POWER:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, pairs, alpha) < POWER else (low, middle)
    return high


def seeds_needed(deviation: float, difference: float, *, wanted: float, alpha: float) -> int | None:
    """The fewest pairs with which a paired t test finds ``difference`` with the wanted power.

    Args:
        deviation: the standard deviation of differences, at least 0.
        difference: the true difference to find, above 0, in the same unit.
        wanted: the power, above ``alpha`` and below 1.
        alpha: the level of the test.

    Returns:
        At least 2; None where `MOST_SEEDS` are too few.
    """
    effect = difference / deviation if deviation else math.inf
    low, high = 1, 2
    while power(min(effect, 1e6), high, alpha) < wanted:
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power(effect, middle, alpha) < wanted else (low, middle)
    return high


def upper_deviation(deviation: float, n: int, confidence: float = 0.8) -> float:
    """The one-sided upper confidence limit of a standard deviation seen on ``n`` normal values.

    Source: Browne 1995, who advises 80 % when a pilot sample plans a study.
    """
    return deviation * math.sqrt((n - 1) / float(chdtri(n - 1, confidence)))
