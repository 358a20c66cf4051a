"""Time to an event that some runs never meet: Kaplan and Meier's estimate, misses kept."""

from collections.abc import Sequence


def kaplan_meier(times: Sequence[float], reached: Sequence[bool]) -> list[tuple[float, float]]:
    """The estimated share of runs that have not reached the target, after each time that one did.

    Args:
        times: when each run reached it, or up to when it was watched; infinite for a run that
            never will.
        reached: whether it reached it.

    Returns:
        ``(time, share still without)`` at each distinct time of reaching, in order.

    Source: Kaplan and Meier 1958. Of a reaching and an end at one time, the reaching comes first.
    """
    share, steps = 1.0, []
    for moment in sorted({time for time, hit in zip(times, reached, strict=True) if hit}):
        at_risk = sum(time >= moment for time in times)
        hits = sum(hit and time == moment for time, hit in zip(times, reached, strict=True))
        share *= 1 - hits / at_risk
        steps.append((moment, share))
    return steps


def median(steps: Sequence[tuple[float, float]]) -> float | None:
    """The first time at which at most half are still without; None where it is never that few."""
    return next((time for time, share in steps if share <= 0.5 + 1e-12), None)
