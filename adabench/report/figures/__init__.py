"""Pictures of results: what the paper's Figures 1 and 2 show, for any problem that was run.

Importing this room loads matplotlib, so a command does it only when it draws.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adabench.compare.selection import by_problem
from adabench.errors import RequestError
from adabench.report.figures import points, training
from adabench.report.figures.style import save
from adabench.results.format import Result
from adabench.spec import AnalyticSpec

ANALYTIC = (
    "Left: the paths of one seed over the function's contours, with its optimum (star) and the edge of the "
    "region of one-point convexity (dotted) where there is one. Right: the distance to the optimum, a thin "
    "line for each seed and a thick one for their median."
)
TRAINING = (
    "Lines are means over seeds, and bands reach from the lowest to the highest seed; those of the "
    "effective learning rate reach from the 5th to the 95th percentile of its coordinates."
)


@dataclass(frozen=True)
class Picture:
    """A picture that was written, and what to say under it."""

    path: Path
    title: str
    caption: str


def illustrate(results: Sequence[Result], document: Path) -> list[Picture]:
    """Draw every problem among the results into PNG files beside a document.

    Args:
        results: of any number of problems.
        document: the file that will show the pictures; their names begin with its own.

    Raises:
        RequestError: a picture cannot be written.
    """
    pictures = []
    for group in by_problem(result for result in results if result.curve):
        job = group[0].job
        analytic = job.problem if isinstance(job.problem, AnalyticSpec) else None
        if analytic and "distance_to_optimum" not in group[0].curve:
            continue
        length = f"{job.epochs * analytic.interval:,} steps" if analytic else f"{job.epochs} epochs"
        title = f"{job.problem.label}, {length}"
        slug = re.sub(r"[^A-Za-z0-9.=]+", "-", f"{job.problem.label}-{job.epochs}-{job.precision}")
        path = document.with_name(f"{document.stem}-{slug}.png")
        try:
            save((points if analytic else training).draw(group, title), path)
        except OSError as error:
            raise RequestError(f"cannot write {path}: {error.strerror}") from error
        pictures.append(Picture(path, title, ANALYTIC if analytic else TRAINING))
    return pictures
