"""Pictures of results: every chart as a file, and the paths of the paper's Figure 1.

Importing this room loads matplotlib, so a command does it only when it draws.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from adabench.compare.model import AnalyticComparison, Comparison, ProblemComparison
from adabench.compare.selection import by_problem
from adabench.report.charts import Charts, charts
from adabench.report.charts.model import Chart
from adabench.report.figures import points
from adabench.report.figures.drawing import draw
from adabench.report.figures.style import SUFFIXES, Style, encoded, looks
from adabench.report.overview import problem_title
from adabench.report.text import plain
from adabench.report.writing import write
from adabench.results.format import Result
from adabench.results.order import ordered
from adabench.spec import AnalyticSpec

__all__ = ["SUFFIXES", "Exhibit", "Picture", "exhibits", "illustrate", "shown_labels"]

PATHS = (
    "Left: the paths of one seed over the function's contours, with its optimum (star) and the edge of the "
    "region of one-point convexity (dotted) where there is one. Right: the distance to the optimum, a thin "
    "line for each seed and a thick one for their median."
)


@dataclass(frozen=True)
class Picture:
    """A picture that was written, and what to say under it."""

    path: Path
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A figure that has not been drawn yet.

    Args:
        slug: its short name.
        title: what it shows.
        owner: the problem that it belongs to, in words; empty for the whole suite.
        problem: the place of that problem, supervised ones first; None for the whole suite.
        caption: how to read it.
        chart: its numbers; None where it is more than a chart.
        draw: draws it.
    """

    slug: str
    title: str
    owner: str
    problem: int | None
    caption: str
    chart: Chart | None
    draw: Callable[[], Figure]


def illustrate(
    comparison: Comparison, results: Sequence[Result], document: Path, suffix: str = "png"
) -> list[Picture]:
    """Draw everything that the results hold enough for into files beside a document.

    Args:
        comparison: what is shown.
        results: what it was made of.
        document: the file that will show the pictures; their names begin with its own.
        suffix: a format in `SUFFIXES`.

    Raises:
        RequestError: a picture cannot be written.
    """
    pictures: dict[Path, Picture] = {}
    for exhibit in exhibits(comparison, results):
        path = _free(document.with_name(f"{document.stem}-{exhibit.slug}.{suffix}"), pictures)
        write(path, encoded(exhibit.draw(), suffix))
        title = f"{exhibit.title}: {exhibit.owner}" if exhibit.owner else exhibit.title
        pictures[path] = Picture(path, title, exhibit.caption)
    return list(pictures.values())


def exhibits(comparison: Comparison, results: Sequence[Result]) -> list[Exhibit]:
    """Every figure in the document's order; an optimizer has one colour in all of them."""
    results = ordered(results)
    found = charts(comparison, results)
    styles = looks({*_labels(found), *shown_labels(comparison)})
    every = [_of_chart(chart, "", None, styles) for chart in found.suite]
    for place, (compared, group) in enumerate(zip(comparison.problems, found.problems, strict=True)):
        owner = problem_title(compared, comparison.problems)
        every += [_of_chart(chart, owner, place, styles) for chart in group]
    paths = _analytic_groups(results)
    for place, (one, group) in enumerate(
        zip(comparison.analytic, found.analytic, strict=True), len(found.problems)
    ):
        owner = f"{plain(one.problem.label)}, {one.steps:,} steps"
        every += _of_paths(paths.get((one.problem, one.steps), ()), owner, place, styles)
        every += [_of_chart(chart, owner, place, styles) for chart in group]
    return every


def shown_labels(comparison: Comparison) -> set[str]:
    """The labels of all that is compared: trials of a tuning that are left out take no colour."""
    problems: tuple[ProblemComparison | AnalyticComparison, ...] = comparison.problems + comparison.analytic
    return {row.spec.label for compared in problems for row in compared.rows}


def _labels(found: Charts) -> Iterator[str]:
    every: Iterable[Chart] = (
        chart for group in (found.suite, *found.problems, *found.analytic) for chart in group
    )
    return (series.optimizer for chart in every for panel in chart.panels for series in panel.series)


def _of_chart(chart: Chart, owner: str, problem: int | None, styles: dict[str, Style]) -> Exhibit:
    return Exhibit(
        slug=_slug(f"{owner}-{chart.slug}"),
        title=chart.title,
        owner=owner,
        problem=problem,
        caption=chart.caption,
        chart=chart,
        draw=partial(draw, chart, styles, f"{chart.title}: {owner}" if owner else chart.title),
    )


def _of_paths(runs: Sequence[Result], owner: str, problem: int, styles: dict[str, Style]) -> list[Exhibit]:
    if not runs or "distance_to_optimum" not in runs[0].curve:
        return []
    return [
        Exhibit(
            slug=_slug(f"{owner}-paths"),
            title="Paths and distances",
            owner=owner,
            problem=problem,
            caption=PATHS,
            chart=None,
            draw=partial(points.draw, runs, styles, owner),
        )
    ]


def _analytic_groups(results: Sequence[Result]) -> dict[tuple[AnalyticSpec, int], tuple[Result, ...]]:
    """The runs that have a curve, by analytic problem and steps."""
    return {
        (problem, group[0].job.epochs * problem.interval): group
        for group in by_problem(result for result in results if result.curve)
        if isinstance(problem := group[0].job.problem, AnalyticSpec)
    }


def _free(path: Path, taken: dict[Path, Picture]) -> Path:
    """The path, or the first with a number that no other picture has."""
    numbers = range(1, len(taken) + 2)
    names = (path.with_stem(f"{path.stem}-{number}") if number > 1 else path for number in numbers)
    return next(name for name in names if name not in taken)


def _slug(text: str) -> str:
    """Text as part of a file name: letters, digits and ``.=`` only, at most 80 of them."""
    return re.sub(r"[^A-Za-z0-9.=]+", "-", text.replace(",", "")).strip("-.")[-80:].strip("-.")
