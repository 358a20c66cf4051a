"""Ranks over problems: Friedman's test, and Nemenyi's critical difference."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc, ndtr

MINIMUM_PROBLEMS = 6
"""With fewer, even an optimizer that is first everywhere passes no sign test: 2 / 2**5 is above 0.05."""


def average_ranks(keys: Sequence[object]) -> list[float]:
    """The rank of each key, 1 for the smallest; equal ones share the mean of their ranks."""
    return [
        sum(other < key for other in keys) + (sum(other == key for other in keys) + 1) / 2  # type: ignore[operator]
        for key in keys
    ]


def friedman(ranks: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Friedman's statistic, corrected for ties, and its p; None where all optimizers tie everywhere.

    Args:
        ranks: a row for each problem with the rank of each of at least 2 optimizers.

    Source: Friedman 1937; chi-squared with one degree less than there are optimizers.
    """
    table = np.asarray(ranks)
    problems, optimizers = table.shape
    center = (optimizers + 1) / 2
    spread = float(((table - center) ** 2).sum())
    if spread == 0:
        return None
    between = problems**2 * float(((table.mean(axis=0) - center) ** 2).sum())
    statistic = (optimizers - 1) * between / spread
    return statistic, float(chdtrc(optimizers - 1, statistic))


def critical_difference(optimizers: int, problems: int, alpha: float = 0.05) -> float:
    """How far apart two mean ranks must lie for Nemenyi's test to tell them apart.

    Source: Nemenyi 1963; Demšar 2006.
    """
    quantile = studentized_range(optimizers, alpha) / math.sqrt(2)
    return quantile * math.sqrt(optimizers * (optimizers + 1) / (6 * problems))


def studentized_range(groups: int, alpha: float) -> float:
    """The upper ``alpha`` quantile of the range of ``groups`` standard normal values.

    scipy.stats has it too, and takes over a second to import.
    """
    z = np.linspace(-8, 8, 4001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    def beyond(width: float) -> float:
        inside = groups * density * (ndtr(z) - ndtr(z - width)) ** (groups - 1)
        return 1 - float(inside.sum() * (z[1] - z[0]))

    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > alpha else (low, middle)
    return high
