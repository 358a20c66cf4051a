"""Learning-rate schedules as functions of how much of the run is done.

A schedule maps progress in [0, 1) to a factor on the base learning rate, so that one definition
serves runs of any length. No torch here: the factor is a number.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

WARM_UP = 0.05
"""Share of the run over which a warm-up rises."""

WARM_UP_FROM = 0.01
"""Where a warm-up begins: a small part of the rate, and not 0, which would waste the first step."""


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


def _cosine(progress: float) -> float:
    """(1 + cos(pi progress)) / 2; source: Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts."""
    return (1 + math.cos(math.pi * progress)) / 2


def _warmup_cosine(progress: float) -> float:
    if progress < WARM_UP:
        return WARM_UP_FROM + (1 - WARM_UP_FROM) * progress / WARM_UP
    return _cosine((progress - WARM_UP) / (1 - WARM_UP))


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(_constant, "the same learning rate from start to end"),
    "step": Schedule(_step, "divided by 10 at 1/2 and at 5/6 of the run (epochs 150 and 250 of 300)"),
    "cosine": Schedule(_cosine, "half a cosine from the whole learning rate to 0 at the end of the run"),
    "warmup_cosine": Schedule(
        _warmup_cosine, "linear from 1/100 over the first 5 % of the run, then half a cosine to 0"
    ),
}
