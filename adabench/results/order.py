"""One order of results, whatever order they came in: the same runs give the same bytes."""

from collections.abc import Iterable
from itertools import groupby

from adabench.results.format import Result


def ordered(results: Iterable[Result]) -> list[Result]:
    """Results by problem, optimizer, seed, key, and then by when and how they ended."""
    groups = (list(alike) for _, alike in groupby(sorted(results, key=_place), _place))
    # Keys take long to make, and decide only among the alike.
    return [each for group in groups for each in (sorted(group, key=_identity) if len(group) > 1 else group)]


def _place(result: Result) -> tuple[str, str, int]:
    job = result.job
    return job.problem.label, job.optimizer.label, job.seed


def _identity(result: Result) -> tuple[str, str, str]:
    ended = result.environment.ended if result.environment else ""
    return result.job.key, ended, result.status
