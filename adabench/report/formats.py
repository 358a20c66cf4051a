"""The formats of a report: each is one function from a comparison to text."""

from collections.abc import Callable, Sequence

from adabench.catalogue import find
from adabench.compare.model import Comparison
from adabench.report import csv, latex, markdown
from adabench.report.document import Figure
from adabench.results.format import Result

Renderer = Callable[[Comparison, Sequence[Result], bool, Sequence[Figure]], str]


def _page(comparison: Comparison, results: Sequence[Result], paper: bool, figures: Sequence[Figure]) -> str:
    from adabench.report import page  # loads matplotlib

    return page.render(comparison, results, paper, figures)


FORMATS: dict[str, Renderer] = {
    "markdown": markdown.render,
    "latex": latex.render,
    "csv": csv.render,
    "html": _page,
}
SUFFIXES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
}
"""The format that the end of a file's name asks for."""


def render(
    comparison: Comparison,
    results: Sequence[Result],
    format: str = "markdown",
    paper: bool = False,
    figures: Sequence[Figure] = (),
) -> str:
    """A comparison as one document.

    Args:
        comparison: what to show.
        results: what it was made of; tells where and with what they ran.
        format: a name in `FORMATS`.
        paper: show the AdaFix paper's tables beside the same cells measured.
        figures: pictures beside the document: file name, title and caption of each.

    Raises:
        UnknownNameError: no such format.
    """
    return find("report format", FORMATS, format)(comparison, results, paper, figures)
