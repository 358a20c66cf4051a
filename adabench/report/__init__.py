"""Reports: a comparison as text that people read. The same results give the same bytes."""

from collections.abc import Callable, Sequence

from adabench.catalogue import find
from adabench.compare.model import Comparison
from adabench.report import markdown
from adabench.results.format import Result

__all__ = ["FORMATS", "Renderer", "render"]

Renderer = Callable[[Comparison, Sequence[Result], bool, Sequence[markdown.Figure]], str]

FORMATS: dict[str, Renderer] = {"markdown": markdown.render}


def render(
    comparison: Comparison,
    results: Sequence[Result],
    format: str = "markdown",
    paper: bool = False,
    figures: Sequence[markdown.Figure] = (),
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
