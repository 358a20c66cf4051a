"""A report from results to files: which format, which figures, and what it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adabench.catalogue import find
from adabench.compare import compare
from adabench.compare.model import Comparison
from adabench.compare.question import Question
from adabench.compare.trials import tuned
from adabench.errors import RequestError
from adabench.report.formats import FORMATS, SUFFIXES, render
from adabench.report.writing import write
from adabench.results.format import Result

PICTURES = ("png", "svg", "pdf")
USUAL_PICTURE = {"latex": "pdf"}
WITHOUT_PICTURES = ("csv", "html")
"""Formats beside which no picture stands: a table has no place for one, and a page holds its own."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What to write where.

    Args:
        output: the file; None for a document alone, without figures.
        format: a name in `FORMATS`; None takes it from the file's name, else markdown.
        figures: a format in `PICTURES`; None takes the document's usual one.
        paper: show the AdaFix paper's tables beside ours.
        baseline: the label that differences are taken to.
        question: what the comparison is asked.
        tuned: compare of each tuned optimizer what validation chose and the default; the charts of the
            tuning itself show every trial.

    Raises:
        RequestError: an unknown format, or a file name that tells none.
    """

    output: Path | None = None
    format: str | None = None
    figures: str | None = None
    paper: bool = False
    baseline: str | None = None
    question: Question = field(default_factory=lambda: Question(target_of_baseline=True))
    tuned: bool = False

    def __post_init__(self) -> None:
        find("report format", FORMATS, self.chosen)
        if self.figures is not None:
            find("figure format", dict.fromkeys(PICTURES), self.figures)

    @property
    def chosen(self) -> str:
        """The format's name."""
        if self.format is not None:
            return self.format
        suffix = self.output.suffix.lower() if self.output else ""
        if suffix and suffix not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise RequestError(
                f"{self.output} names no format; let it end in one of {known}, or give --format"
            )
        return SUFFIXES.get(suffix, "markdown")

    def document(self, results: Sequence[Result]) -> str:
        """The document alone.

        Raises:
            UnknownNameError: no problem has the baseline.
        """
        return render(self._comparison(results), results, self.chosen, self.paper)

    def write(self, results: Sequence[Result], live_seconds: int | None = None) -> list[Path]:
        """Write the document and its figures.

        Args:
            results: what to report on.
            live_seconds: how often a page shall load itself again while a sweep runs; None for never.

        Returns:
            The files written, the document first.

        Raises:
            RequestError: a file cannot be written.
        """
        output = self.output or Path("report.md")
        comparison, pictures = self._comparison(results), []
        if self.chosen not in WITHOUT_PICTURES:
            from adabench.report.figures import illustrate

            suffix = self.figures or USUAL_PICTURE.get(self.chosen, "png")
            pictures = illustrate(comparison, results, output, suffix)
        shown = [(picture.path.name, picture.title, picture.caption) for picture in pictures]
        text = render(comparison, results, self.chosen, self.paper, shown)
        if live_seconds is not None and self.chosen == "html":
            from adabench.report.page import live

            text = live(text, live_seconds)
        write(output, text)
        return [output, *(picture.path for picture in pictures)]

    def _comparison(self, results: Sequence[Result]) -> Comparison:
        if self.tuned:
            results, _ = tuned(results)
        return compare(results, baseline=self.baseline, question=self.question)
