"""What is said over several problems, as immutable data."""

from adabench.compare.metrics import Axis
from adabench.compare.statistics import Interval
from adabench.spec import Frozen


class AcrossRow(Frozen):
    """One optimizer over all problems.

    ``mean_rank`` is over problems, 1 best. The interquartile mean is that of all runs' accuracies, a
    diverged run as 0. ``improvement`` is the probability that a run beats one of the baseline's.
    Intervals are 95 % bootstrap intervals, resampled within problems.
    """

    optimizer: str
    mean_rank: float
    interquartile_mean: float | None
    interquartile_interval: Interval | None
    improvement: float | None
    improvement_interval: Interval | None


class Friedman(Frozen):
    """Friedman's test of the ranks, and how far apart mean ranks must lie to differ (Nemenyi, 5 %)."""

    statistic: float
    p: float
    critical_difference: float


class Profile(Frozen):
    """One optimizer's performance profile over one axis of cost to target, with its bootstrap band.

    ``medians`` are its median costs in the problems' order, a miss as never. ``shares`` is the share
    of problems on which it needs at most ``ratios`` times the cheapest one's cost. ``score`` is the
    area under that up to a ratio of 4. ``speedup`` is the geometric mean over problems of the
    baseline's cost over its own, None where either missed a target.
    """

    optimizer: str
    axis: Axis
    medians: tuple[float | None, ...]
    ratios: tuple[float, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    score: float
    score_interval: Interval
    speedup: float | None


class Across(Frozen):
    """Optimizers over all problems: only those with a result on each; ``missing`` says who lacks what."""

    problems: tuple[str, ...]
    baseline: str | None
    rows: tuple[AcrossRow, ...]
    missing: dict[str, tuple[str, ...]]
    friedman: Friedman | None
    profiles: tuple[Profile, ...]
