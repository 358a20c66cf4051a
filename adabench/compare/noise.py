"""How far the clock is to be believed: the same job timed twice."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

from adabench.compare.model import TimingNoise
from adabench.results.format import Result


def timing_noise(results: Iterable[Result]) -> TimingNoise | None:
    """The differences in seconds between runs of the very same job on the same hardware; None without any.

    Args:
        results: all results, those included that repeat a job, as when it was run into two folders.
    """
    repeats: dict[tuple[str, str, int], dict[str, float]] = defaultdict(dict)
    for result in _alike(results):
        where, seconds = result.environment, result.summary.seconds
        if result.status == "completed" and where and seconds:
            repeats[result.job.key, where.device, where.threads][where.started] = seconds
    differences = sorted(
        abs(one - other) / ((one + other) / 2)
        for times in repeats.values()
        for one, other in combinations(times.values(), 2)
    )
    if not differences:
        return None
    middle = differences[len(differences) // 2]
    return TimingNoise(pairs=len(differences), typical=middle, largest=differences[-1])


def _alike(results: Iterable[Result]) -> Iterator[Result]:
    """The results that share their labels and seed with another: only these can be of one job."""
    groups: dict[tuple[str, str, int], list[Result]] = defaultdict(list)
    for result in results:
        job = result.job
        groups[job.problem.label, job.optimizer.label, job.seed].append(result)
    for group in groups.values():
        if len(group) > 1:
            yield from group
