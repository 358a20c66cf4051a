"""How surprising a difference is: paired t, exact sign flips, two one-sided tests, and Holm's correction."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

EXACT_UP_TO = 15
"""Pairs up to which every pattern of signs is tried; above, `DRAWS` random ones."""
DRAWS = 100_000
SEED = 20_191_100_289


def t_probability(mean: float, standard_error: float, degrees: float) -> float:
    """The two-sided p of Student's t test that a mean is 0.

    Args:
        mean: the sample's mean.
        standard_error: its standard error, above 0.
        degrees: degrees of freedom, above 0.
    """
    return float(2 * stdtr(degrees, -abs(mean) / standard_error))


def sign_flip_probability(differences: Sequence[float]) -> float:
    """The two-sided p of the sign-flip test that paired differences are symmetric about 0.

    It is the share of all patterns of signs whose mean lies at least as far from 0 as the observed
    one: exact up to `EXACT_UP_TO` pairs, from a fixed random sample of patterns beyond.

    Args:
        differences: one for each pair, at least one.

    Source: Fisher 1935, section 21; Phipson and Smyth 2010 for counting the observed pattern.
    """
    values = np.sort(np.asarray(differences, dtype=float))
    bound = abs(values.sum()) - 1e-9 * float(np.abs(values).sum())
    if len(values) <= EXACT_UP_TO:
        return float(
            np.count_nonzero(np.abs(_patterns(len(values)) @ values) >= bound) / 2 ** (len(values) - 1)
        )
    signs = np.random.default_rng(SEED).integers(0, 2, size=(DRAWS, len(values)), dtype=np.int8)
    sums = (2.0 * signs - 1) @ values
    return float((np.count_nonzero(np.abs(sums) >= bound) + 1) / (DRAWS + 1))


@cache
def _patterns(pairs: int) -> NDArray[np.float64]:
    """Every pattern of signs that begins with a plus: one and its mirror image count alike."""
    number = np.arange(2 ** (pairs - 1))[:, None]
    return np.asarray(1 - 2 * (number >> np.arange(pairs) & 1), dtype=np.float64)


def sign_flip_floor(pairs: int) -> float:
    """The smallest p that a two-sided sign-flip test can give: 2 of the ``2**pairs`` patterns."""
    return max(2.0 ** (1 - pairs), 1 / (DRAWS + 1) if pairs > EXACT_UP_TO else 0.0)


def equivalence_probability(mean: float, standard_error: float, degrees: float, margin: float) -> float:
    """The p of two one-sided t tests that a mean lies within ``margin`` of 0.

    Args:
        mean: the sample's mean.
        standard_error: its standard error, above 0.
        degrees: degrees of freedom, above 0.
        margin: how far from 0 is practically nothing, above 0, in the mean's unit.

    Source: Schuirmann 1987.
    """
    return float(stdtr(degrees, (abs(mean) - margin) / standard_error))


def holm(probabilities: Sequence[float | None]) -> list[float | None]:
    """Each p adjusted for how many there are; what has none stays None, and counts as one that was made.

    Source: Holm 1979.
    """
    known = sorted((p, i) for i, p in enumerate(probabilities) if p is not None)
    adjusted: list[float | None] = [None] * len(probabilities)
    largest = 0.0
    for place, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(probabilities) - place) * p))
        adjusted[i] = largest
    return adjusted


def hedges(degrees: float) -> float:
    """The factor that takes the small-sample bias out of a standardized difference.

    Source: Hedges 1981, the usual approximation.
    """
    return 1 - 3 / (4 * degrees - 1) if degrees > 1 else math.nan
