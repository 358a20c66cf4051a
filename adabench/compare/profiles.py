"""Performance profiles over problems: how often an optimizer is within a factor of the fastest."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGEST_RATIO = 4.0
"""Up to where profiles are drawn and scored, as in AlgoPerf."""
RATIOS: Array = np.linspace(1, LARGEST_RATIO, 61)


def ratios(times: Array) -> Array:
    """Each time over the problem's shortest; infinite where the target was missed.

    Args:
        times: costs to target with the optimizers on the second axis from the end and problems on
            the last, infinite where missed.
    """
    best = times.min(axis=-2, keepdims=True)
    missed = np.isinf(times)
    found: Array = np.where(missed, np.inf, times / np.where(np.isinf(best), 1.0, best))
    return found


def profile(found: Array) -> Array:
    """The share of problems on which the ratio is at most each of `RATIOS`, on a new last axis.

    Source: Dolan and Moré 2002.
    """
    shares: Array = (found[..., None] <= RATIOS * (1 + 1e-12)).mean(axis=-2)
    return shares


def score(found: Array) -> Array:
    """The area under the profile from 1 to `LARGEST_RATIO`, as a share of the whole.

    Source: Dahl et al. 2023, "Benchmarking neural network training algorithms", section 4.3.
    """
    areas: Array = np.clip((LARGEST_RATIO - found) / (LARGEST_RATIO - 1), 0, None).mean(axis=-1)
    return areas
