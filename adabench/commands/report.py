"""``adabench report``: the comparison as a document, with its figures."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adabench.commands.shared import Baseline, ResultPaths, Tuned, WithBaselines, read_results, remark, say
from adabench.errors import RequestError

if TYPE_CHECKING:
    from adabench.report import Publication

SECONDS = 5
"""How often a watched folder is looked at."""


def report(
    results: ResultPaths = None,
    output: Annotated[Path | None, typer.Option(help="File to write [default: stdout]")] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="markdown, latex, csv or html [default: what the output's name ends in, or markdown]"
        ),
    ] = None,
    figures: Annotated[
        str | None, typer.Option(help="png, svg or pdf, beside the output [default: png; latex: pdf]")
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Show the AdaFix paper's tables beside ours.")
    ] = False,
    baseline: Baseline = None,
    target: Annotated[
        float | None,
        typer.Option(help="Test accuracy whose cost is shown, a fraction [default: the baseline's mean]"),
    ] = None,
    tuned: Tuned = False,
    with_baselines: WithBaselines = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write it again whenever a result comes in, until Ctrl-C.")
    ] = False,
) -> None:
    """Write the comparison as a document, with figures beside it when it goes to a file."""
    from adabench.compare.question import Question
    from adabench.report import Publication

    wanted = Publication(
        output=output,
        format=format,
        figures=figures,
        paper=paper,
        baseline=baseline,
        question=Question(target=target, target_of_baseline=target is None),
        tuned=tuned,
    )
    if watch and output is None:
        raise RequestError("--watch writes a file again and again: name it with --output")
    if watch:
        _watch(wanted, results or [Path("results")], baselines=with_baselines)
    elif output is None:
        say(wanted.document(read_results(results, baselines=with_baselines)))
    else:
        _tell(wanted.write(read_results(results, baselines=with_baselines)))


def _watch(wanted: "Publication", places: Sequence[Path], *, baselines: bool) -> None:
    """Write the report whenever a result has come in; at the end once more, for good."""
    known: object = None
    remark(f"watching {', '.join(map(str, places))}; Ctrl-C ends it")
    try:
        while True:
            state = _state(places)
            if state and state != known:
                known = state
                _tell(wanted.write(read_results(places, baselines=baselines), live_seconds=SECONDS))
            time.sleep(SECONDS)
    except KeyboardInterrupt:
        if known:
            _tell(wanted.write(read_results(places, baselines=baselines)))


def _state(places: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Every result file with its size and the time of its last change, in nanoseconds."""
    from adabench.results.reading import result_files

    state = {}
    for path in result_files(place for place in places if place.exists()):
        with suppress(OSError):
            about = path.stat()
            state[path] = (about.st_size, about.st_mtime_ns)
    return state


def _tell(written: Sequence[Path]) -> None:
    for path in written:
        remark(f"wrote {path}")
