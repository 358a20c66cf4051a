"""Timing by turns: on a noisy machine only a ratio of neighbours can be believed.

Every function is run once in each round, in an order that turns with the rounds, so that whatever
slows the machine down falls on all of them alike. What is compared is the median over rounds of each
function's time divided by the baseline's time in the same round.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """One function's times.

    Args:
        seconds: the median time of a call.
        ratio: the median over rounds of its time over the baseline's.
        low: the smallest of these ratios.
        high: the largest of them.
    """

    seconds: float
    ratio: float
    low: float
    high: float

    @property
    def spread(self) -> str:
        """The lowest and the highest ratio, as text."""
        return f"{self.low:.2f} to {self.high:.2f}"


def interleaved(
    functions: Mapping[str, Callable[[], object]],
    *,
    baseline: str | None = None,
    pairs: int = 7,
    calls: int = 1,
    warm_up: int = 3,
) -> dict[str, Timing]:
    """Time all functions by turns.

    Args:
        functions: by name; each is one call of what is timed.
        baseline: the function to divide by; the first unless given.
        pairs: rounds, each of which times every function once.
        calls: calls of a function in a round, timed together.
        warm_up: calls of each function before the clock starts: compilers, caches, lazy state.

    Returns:
        The timings by name, in the order given.
    """
    for function in functions.values():
        for _ in range(warm_up):
            function()
    names = list(functions)
    rounds = [
        {
            name: _seconds(functions[name], calls)
            for name in names[turn % len(names) :] + names[: turn % len(names)]
        }
        for turn in range(pairs)
    ]
    base = names[0] if baseline is None else baseline
    return {name: _timing([(times[name], times[base]) for times in rounds]) for name in names}


def _seconds(function: Callable[[], object], calls: int) -> float:
    _finish()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    _finish()
    return (time.perf_counter() - start) / calls


def _finish() -> None:
    """Wait for what an accelerator still has to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _timing(times: list[tuple[float, float]]) -> Timing:
    ratios = [own / base for own, base in times]
    return Timing(
        seconds=statistics.median(own for own, _ in times),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
    )
