"""Scores over runs and problems: interquartile mean, and probability of improvement."""

from collections.abc import Sequence

import numpy as np

from adabench.compare.resampling import Array, counts, percentile_interval
from adabench.compare.statistics import Interval


def interquartile_mean(runs: Sequence[Sequence[float]]) -> tuple[float, Interval | None]:
    """The mean of the middle half of all runs' scores, and its bootstrap interval.

    Args:
        runs: for each problem, one score a run.

    Returns:
        The mean and its 95 % interval, resampled within problems; no interval where no problem has
        two runs.

    Source: Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice".
    """
    sizes = tuple(map(len, runs))
    scores = np.concatenate([np.asarray(each, dtype=float) for each in runs])
    order = np.argsort(scores, kind="stable")
    value = float(_middle(np.ones((1, len(scores))), scores[order])[0])
    if all(size < 2 for size in sizes):
        return value, None
    drawn = np.concatenate(counts(sizes), axis=1)[:, order]
    return value, percentile_interval(_middle(drawn, scores[order]))


def _middle(drawn: Array, ordered: Array) -> Array:
    """For each row of counts, the mean of scores drawn so often, without the lowest and highest quarter."""
    size = len(ordered)
    cut = size // 4
    places = drawn.cumsum(axis=1).clip(cut, size - cut)
    means: Array = np.diff(places, axis=1, prepend=cut) @ ordered / (size - 2 * cut)
    return means


def improvement(
    mine: Sequence[Sequence[float]], base: Sequence[Sequence[float]]
) -> tuple[float, Interval | None]:
    """The probability that a random run beats a random run of the baseline, averaged over problems.

    Args:
        mine: for each problem, one score a run, higher better; minus infinity for a diverged run.
        base: the baseline's, in the same order of problems.

    Returns:
        The probability, ties as half, and its 95 % bootstrap interval within problems; no interval
        where no problem has two runs of each.

    Source: Agarwal et al. 2021; the statistic of Mann and Whitney 1947.
    """
    wins = [_wins(np.asarray(one), np.asarray(other)) for one, other in zip(mine, base, strict=True)]
    value = float(np.mean([each.mean() for each in wins]))
    if all(min(each.shape) < 2 for each in wins):
        return value, None
    left = counts(tuple(each.shape[0] for each in wins))
    right = counts(tuple(each.shape[1] for each in wins))
    replicates = [
        ((a @ each) * b).sum(axis=1) / each.size for each, a, b in zip(wins, left, right, strict=True)
    ]
    return value, percentile_interval(np.mean(replicates, axis=0))


def _wins(one: Array, other: Array) -> Array:
    """For each pair 1 where ``one`` is above ``other``, a half where they tie, else 0."""
    above, level = one[:, None] > other[None], one[:, None] == other[None]
    return np.asarray(above + 0.5 * level, dtype=float)
