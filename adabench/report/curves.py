"""Curves of several seeds as one line with a band, thinned to what an eye can tell apart."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from adabench.results.format import Result

Numbers = tuple[float, ...]

POINTS = 60
DIGITS = 5


@dataclass(frozen=True)
class Band:
    """The seeds' mean or median and the lowest and highest of them, over cost or epochs."""

    x: Numbers
    middle: Numbers
    low: Numbers
    high: Numbers


def column(result: Result, key: str) -> list[float | None]:
    """A column of the curve or of the probes, empty where the result has none."""
    return result.curve.get(key) or result.probes.get(key) or []


def band(
    runs: Sequence[Result],
    axis: str | None,
    middle: str,
    *,
    edges: tuple[str, str] | None = None,
    scale: float = 1.0,
    logarithmic: bool = False,
    center: Callable[[Sequence[float]], float] = statistics.fmean,
) -> Band | None:
    """A column over seeds: its center and a band.

    Args:
        runs: of one optimizer; those that lack a column are left out.
        axis: the cost column of the axis across, as the mean over seeds; None counts epochs from 1.
        middle: the column of the line.
        edges: the columns of the band, of which the seeds' means are taken; None takes the lowest and
            the highest seed of the line's own column.
        scale: by which values are multiplied.
        logarithmic: thin the epochs evenly on a logarithmic axis.
        center: what the line shows of the seeds, their mean or their median.

    Returns:
        None where no run has all columns. Epochs where a run lacks a number are left out.
    """
    keys = [middle, *(edges or ()), *([axis] if axis else [])]
    held = [run for run in runs if all(column(run, key) for key in keys)]
    if not held:
        return None
    values = {key: list(zip(*(column(run, key) for run in held), strict=False)) for key in keys}
    complete = range(min(map(len, values.values())))
    kept = [i for i in complete if all(_whole(values[key][i]) for key in keys)]
    kept = [kept[i] for i in thinned(len(kept), logarithmic=logarithmic)]
    low, high = edges or (middle, middle)
    lowest, highest = (min, max) if edges is None else (statistics.fmean, statistics.fmean)
    return Band(
        x=rounded(statistics.fmean(_known(values[axis][i])) if axis else i + 1 for i in kept),
        middle=rounded(scale * center(_known(values[middle][i])) for i in kept),
        low=rounded(scale * lowest(_known(values[low][i])) for i in kept),
        high=rounded(scale * highest(_known(values[high][i])) for i in kept),
    )


def thinned(length: int, *, points: int = POINTS, logarithmic: bool = False) -> list[int]:
    """At most ``points`` of ``length`` places, the first and the last among them."""
    if length <= points:
        return list(range(length))
    steps = [i / (points - 1) for i in range(points)]
    places = [length**step - 1 if logarithmic else step * (length - 1) for step in steps]
    return sorted({min(round(place), length - 1) for place in places})


def rounded(values: Iterable[float]) -> Numbers:
    """Values with `DIGITS` digits: no figure shows more."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def _whole(values: Sequence[float | None]) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
