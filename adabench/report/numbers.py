"""Numbers as tables show them: accuracies in per cent, differences signed in percentage points."""

from collections.abc import Iterable

from adabench.compare.metrics import Axis
from adabench.compare.model import Tally
from adabench.compare.statistics import Estimate, Interval

NOTHING = "-"


def percent(fraction: float | None) -> str:
    """A fraction in per cent with two decimals."""
    return NOTHING if fraction is None else f"{100 * fraction:z.2f}"


def points(fraction: float) -> str:
    """A difference of fractions in percentage points, signed."""
    return f"{100 * fraction:+z.2f}"


def plus_minus(sample: Estimate | None) -> str:
    """A sample of fractions as mean ± sample standard deviation, in per cent."""
    if sample is None:
        return NOTHING
    return percent(sample.mean) + ("" if sample.deviation is None else f" ± {percent(sample.deviation)}")


def span(interval: Interval | None) -> str:
    """An interval of fractions in per cent or percentage points."""
    return NOTHING if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def difference(mean: float | None, interval: Interval | None) -> str:
    """A difference of fractions in percentage points with its interval, where there is one."""
    if mean is None:
        return NOTHING
    return points(mean) + (f" ({span(interval)})" if interval else "")


def runs(row: Tally) -> str:
    """How many runs completed and what became of the others, such as ``2 of 3, 1 diverged``."""
    if row.completed == row.runs:
        return str(row.runs)
    others = {"diverged": row.diverged, "failed": row.failed, "interrupted": row.interrupted}
    fates = [f"{count} {fate}" for fate, count in others.items() if count]
    return f"{row.completed} of {row.runs}, {', '.join(fates)}"


def counted(completed: Iterable[int]) -> str:
    """How many completed runs means rest on, such as ``n = 3`` or ``n = 2 to 5``; none count for nothing."""
    counts = sorted(set(completed) - {0})
    return f"n = {' to '.join(map(str, dict.fromkeys([counts[0], counts[-1]])))}" if counts else "n = 0"


def cost(value: float | None, axis: Axis) -> str:
    """A cost on one axis: seconds to a tenth, everything else whole."""
    return quantity(value, 1 if axis == "seconds" else 0)


def quantity(value: float | None, decimals: int = 0) -> str:
    """A number with its thousands apart."""
    return NOTHING if value is None else f"{value:,.{decimals}f}"


def short(value: float | None) -> str:
    """A number of any size with three digits."""
    return NOTHING if value is None else f"{value:.3g}"
