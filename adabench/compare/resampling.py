"""The bootstrap, always with the same draws: the same results give the same bands."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from adabench.compare.statistics import CONFIDENCE, Interval

Array = NDArray[np.float64]
RESAMPLES = 1000
SEED = 1911_00289


@lru_cache(maxsize=8)
def draws(sizes: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """Indices into samples of these sizes, ``RESAMPLES`` rows each, one sample a stratum.

    Every call begins anew, so that optimizers with equally many seeds are resampled together and an
    optimizer's band does not depend on who else is there.
    """
    generator = np.random.default_rng(SEED)
    return tuple(generator.integers(0, size, size=(RESAMPLES, size)) for size in sizes)


@lru_cache(maxsize=8)
def counts(sizes: tuple[int, ...]) -> tuple[Array, ...]:
    """How often each row of `draws` drew each member of its sample."""
    return tuple(
        (pick[:, :, None] == np.arange(size)).sum(axis=1).astype(float)
        for pick, size in zip(draws(sizes), sizes, strict=True)
    )


def percentile_interval(replicates: Array) -> Interval:
    """The central 95 % of a statistic's replicates.

    Source: Efron 1979; stratified by problem as in Agarwal et al. 2021.
    """
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(replicates, [tail, 100 - tail])
    return float(low), float(high)
