"""The runs that did not complete, in words."""

from adabench.compare.model import Failure
from adabench.report.text import plain


def failure_lines(failures: tuple[Failure, ...], most: int) -> list[str]:
    """One line for each run that did not complete, at most ``most`` and a line on the others."""
    lines = [
        f"{plain(each.optimizer)}, seed {each.seed}: {each.status}"
        + (f" ({plain(each.reason, 200)})" if each.reason else "")
        for each in failures[:most]
    ]
    rest = len(failures) - most
    return [*lines, f"and {rest} more that did not complete"] if rest > 0 else lines
