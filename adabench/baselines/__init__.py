"""Reference results of the standard optimizers, to compare a new one with at once.

They are those of the suites ``quick`` and ``breadth``, packed as `adabench.results.archive` has it.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path

from adabench.results import Result, read_all

ARCHIVE = Path(__file__).parent / "results.zip"


def with_baselines(results: Sequence[Result]) -> tuple[tuple[Result, ...], list[str]]:
    """Results and the shipped ones of the same problems, at the same length and precision.

    Args:
        results: one's own. Where they hold an optimizer that is also shipped, theirs count.

    Returns:
        All of them, and what a reader must know: which problems have none, what is not comparable.

    Raises:
        RequestError: the shipped results cannot be read.
    """
    shipped = read_all([ARCHIVE]).results
    mine = {(_setting(result), result.job.optimizer.label) for result in results}
    settings = {setting for setting, _ in mine}
    added = [
        result
        for result in shipped
        if _setting(result) in settings and (_setting(result), result.job.optimizer.label) not in mine
    ]
    found = {_setting(result) for result in added}
    without = [_title(result) for result in results if _setting(result) not in found]
    lines = [f"no baselines for {title}" for title in dict.fromkeys(without)]
    if without:
        known = ", ".join(dict.fromkeys(map(_title, shipped)))
        lines.append(f"there are baselines for {known}; the suites quick and breadth run these")
    return (*results, *added), lines + _differences(results, added)


def _setting(result: Result) -> Hashable:
    """What two results must have in common to be compared."""
    job = result.job
    return job.problem, job.epochs, job.precision


def _title(result: Result) -> str:
    return f"{result.job.problem.label} at {result.job.epochs} epochs"


def _differences(results: Sequence[Result], added: Sequence[Result]) -> list[str]:
    """Where the shipped results were made otherwise than one's own."""
    lines = []
    for field, what in (
        ("torch", "torch"),
        ("adabench", "adabench"),
        ("device", "on"),
        ("dataset_fingerprint", "on data with sha256"),
    ):
        mine, theirs = (
            {str(getattr(result.environment, field)) for result in each if result.environment}
            for each in (results, added)
        )
        if theirs - mine:
            lines.append(f"baselines were made {what} {_listed(theirs)}, yours {what} {_listed(mine)}")
    if lines:
        lines.append("seconds, memory and last digits may differ for that alone")
    return lines


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(word[:16] if len(word) == 64 else word for word in words)) or "elsewhere"
