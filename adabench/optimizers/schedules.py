"""Learning-rate schedules as functions of how much of the run is done.

A schedule maps progress in [0, 1) to a factor on the base learning rate, so that one definition
serves runs of any length. No torch here: the factor is a number.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A factor on the learning rate, and one line that says what it does."""

    factor: Callable[[float], float]
    summary: str


def _constant(progress: float) -> float:
    return 1.0


def _step(progress: float) -> float:
    if progress < 1 / 2:
        return 1.0
    return 0.1 if progress < 5 / 6 else 0.01


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(_constant, "the same learning rate from start to end"),
    "step": Schedule(_step, "divided by 10 at 1/2 and at 5/6 of the run (epochs 150 and 250 of 300)"),
}
