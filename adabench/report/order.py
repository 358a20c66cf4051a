"""One order of results, whatever order they came in: documents are the same bytes from the same runs."""

from collections.abc import Iterable

from adabench.results.format import Result


def ordered(results: Iterable[Result]) -> list[Result]:
    """Results by problem, optimizer, seed, key, and then by how and when they ended."""
    return sorted(results, key=_place)


def _place(result: Result) -> tuple[str, str, int, str, str, str]:
    job = result.job
    ended = result.environment.ended if result.environment else ""
    return job.problem.label, job.optimizer.label, job.seed, job.key, result.status, ended
