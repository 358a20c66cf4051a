"""What commands share: where they speak, what they read, and the flags that several of them take."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from adabench.results import Result

ResultPaths = Annotated[
    list[Path] | None, typer.Argument(help="Result files, folders of them, or archives [default: results]")
]
Baseline = Annotated[
    str | None, typer.Option(help="Optimizer that the others are compared with [default: adam]")
]
SuiteFile = Annotated[Path | None, typer.Option(help="A suite file instead of benchmarks.yaml.")]
Tuned = Annotated[
    bool,
    typer.Option(
        "--tuned", help="Of each tuned optimizer: the setting that validation chose, and the default."
    ),
]
WithBaselines = Annotated[
    bool,
    typer.Option("--with-baselines", help="Beside yours, the shipped results of standard optimizers."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def stderr() -> Console:
    """Where progress and complaints go."""
    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Write an answer to stdout."""
    typer.echo(text.rstrip("\n"))


def remark(line: str, style: str = "") -> None:
    """Write one line to stderr, as it is: nothing in it is markup or an emoji, and it is not folded."""
    stderr().print(Text(line, style=style), soft_wrap=True)


def completion(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Shell completion from a catalogue."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def read_results(paths: Sequence[Path] | None, *, baselines: bool = False) -> "tuple[Result, ...]":
    """The results at ``paths``; unreadable files are named on stderr and left out.

    Args:
        paths: files, folders or archives; ``results`` when None.
        baselines: add the shipped ones of the same problems, and tell on stderr how they differ.
    """
    from adabench.results import read_all

    loaded = read_all(paths or [Path("results")])
    for problem in loaded.problems:
        remark(f"left out: {problem}", "yellow")
    if not baselines:
        return loaded.results
    from adabench.baselines import with_baselines

    results, lines = with_baselines(loaded.results)
    for line in lines:
        remark(line)
    return results


def tuned_results(results: "Sequence[Result]") -> "tuple[Result, ...]":
    """What validation chose of each optimizer that was tuned, beside its default; told on stderr."""
    from adabench.compare.trials import tuned

    kept, lines = tuned(results)
    for line in lines or ["--tuned: no optimizer was tuned here; all results are shown"]:
        remark(line)
    return kept
