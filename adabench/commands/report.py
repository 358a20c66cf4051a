"""``adabench report``: the comparison as a document, with its figures."""

from pathlib import Path
from typing import Annotated

import typer

from adabench.commands.shared import Baseline, ResultPaths, read_results, say, stderr
from adabench.errors import RequestError


def report(
    results: ResultPaths = None,
    output: Annotated[Path | None, typer.Option(help="File to write [default: stdout]")] = None,
    format: Annotated[str, typer.Option(help="markdown.")] = "markdown",
    paper: Annotated[
        bool, typer.Option("--paper", help="Show the AdaFix paper's tables beside ours.")
    ] = False,
    baseline: Baseline = None,
) -> None:
    """Write the comparison as a document, with figures beside it when it goes to a file."""
    from adabench.compare import compare as compare_results
    from adabench.report import render

    found = read_results(results)
    comparison = compare_results(found, baseline=baseline)
    if output is None:
        say(render(comparison, found, format=format, paper=paper))
        return
    from adabench.report.figures import illustrate

    pictures = illustrate(found, output)
    figures = [(picture.path.name, picture.title, picture.caption) for picture in pictures]
    try:
        output.write_text(render(comparison, found, format, paper, figures), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"cannot write {output}: {error.strerror}") from error
    for path in (output, *(picture.path for picture in pictures)):
        stderr().print(f"wrote {path}", markup=False, soft_wrap=True)
