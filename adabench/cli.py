"""The command line: words in, exit code out. Heavy imports wait until a command needs them.

Exit codes: 0 done; 1 a job ended badly; 2 the request was wrong; 130 interrupted.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import platformdirs
import typer
from rich.console import Console
from rich.text import Text

from adabench import __version__, listing
from adabench.catalogue import parse
from adabench.config import Request, Settings, read_suites
from adabench.datasets import DATASETS
from adabench.errors import AdabenchError, RequestError
from adabench.models import MODELS
from adabench.optimizers import OPTIMIZERS, optimizer_spec
from adabench.problems import PROBLEMS
from adabench.spec import Precision

if TYPE_CHECKING:
    from adabench.pipeline import Plan
    from adabench.results import Result

app = typer.Typer(
    name="adabench",
    help="Which optimizer should I use here, and how sure can I be?",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; every error becomes one red line on stderr."""
    # Idle OpenMP threads spin by default; where another program wants their core, small jobs then crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.formatwarning = lambda message, *_, **__: f"adabench: warning: {message}\n"
    try:
        code = app(standalone_mode=False)
    except AdabenchError as error:
        code = _complain(str(error))
    except BrokenPipeError:  # whoever read our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # not one of the parser's own usage errors
            raise
        code = _complain(error.format_message())
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    line = " ".join(message.split())
    _stderr().print(Text(f"adabench: {line}", style="red"), soft_wrap=True)
    return 2


def _stderr() -> Console:
    return Console(stderr=True, highlight=False)


def _say(text: str) -> None:
    """Write an answer to stdout."""
    typer.echo(text.rstrip("\n"))


def _names(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Shell completion from a catalogue."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def _suite_names(incomplete: str) -> list[str]:
    return [name for name in read_suites().content.suites if name.startswith(incomplete)]


ResultPaths = Annotated[
    list[Path] | None, typer.Argument(help="Result files, or folders of them [default: results]")
]
Baseline = Annotated[
    str | None, typer.Option(help="Optimizer that the others are compared with [default: adam]")
]
SuiteFile = Annotated[Path | None, typer.Option(help="A suite file instead of benchmarks.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Version = Annotated[bool, typer.Option("--version", help="Show the version and exit.")]


@app.callback(invoke_without_command=True)
def _adabench(version: Version = False) -> None:
    if version:
        _say(f"adabench {__version__}")
        raise typer.Exit


@app.command()
def run(
    suite: Annotated[
        str | None,
        typer.Argument(help="A suite of benchmarks.yaml [default: quick]", autocompletion=_suite_names),
    ] = None,
    opt: Annotated[
        list[str] | None,
        typer.Option(help="Optimizer, as NAME or NAME:key=value,...", autocompletion=_names(OPTIMIZERS)),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model, as NAME or NAME:key=value,...", autocompletion=_names(MODELS)),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Data set, as NAME, folder:PATH or npz:PATH", autocompletion=_names(DATASETS)),
    ] = None,
    problem: Annotated[
        list[str] | None,
        typer.Option(help="Analytic problem, as NAME or NAME:key=value,...", autocompletion=_names(PROBLEMS)),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Run seeds 0 to N-1.")] = None,
    seed_list: Annotated[str | None, typer.Option(help="Run these seeds, such as 0,3,7.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training set.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples in a minibatch.")] = None,
    train_examples: Annotated[
        int | None, typer.Option(help="Train on a fixed, class-balanced subset of this size.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[str | None, typer.Option(help="fp32, tf32 or bf16.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("results"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of data sets.", envvar="ADABENCH_DATA_DIR")
    ] = None,
    suites: SuiteFile = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Run jobs again that have a result.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List jobs and their cost only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run optimizers on problems, one result file for each seed; finished jobs are skipped."""
    from adabench import pipeline

    request = Request(
        suite=suite,
        optimizers=tuple(opt or ()),
        models=tuple(model or ()),
        datasets=tuple(dataset or ()),
        problems=tuple(problem or ()),
        settings=_settings(seeds, seed_list, epochs, batch_size, train_examples, precision),
        suites_file=suites,
    )
    folder = data_dir or Path(platformdirs.user_cache_dir("adabench"))
    plan = pipeline.plan(request, out=out, data_dir=folder, device=device, rerun=rerun)
    if dry_run:
        _say(listing.planned(plan, as_json=as_json))
        return
    raise typer.Exit(_execute(plan, quiet=quiet, as_json=as_json))


def _settings(
    seeds: int | None,
    seed_list: str | None,
    epochs: int | None,
    batch_size: int | None,
    train_examples: int | None,
    precision: str | None,
) -> Settings:
    """The numbers of the command line, each checked with the name that it was given under."""
    if seeds is not None and seed_list is not None:
        raise RequestError("--seeds and --seed-list cannot both be given; choose one")
    for name, value in {
        "--seeds": seeds,
        "--epochs": epochs,
        "--batch-size": batch_size,
        "--train-examples": train_examples,
    }.items():
        if value is not None and value < 1:
            raise RequestError(f"{name} {value} is not allowed; it takes a whole number of at least 1")
    if precision is not None and precision not in get_args(Precision):
        raise RequestError(
            f"--precision {precision} is not allowed; it is one of {', '.join(get_args(Precision))}"
        )
    return Settings(
        seeds=seeds if seed_list is None else _numbers("--seed-list", seed_list),
        epochs=epochs,
        batch_size=batch_size,
        train_examples=train_examples,
        precision=cast("Precision | None", precision),
    )


def _numbers(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RequestError(f"{name} {text!r} is not allowed; list whole numbers such as 0,3,7") from None


def _execute(plan: "Plan", *, quiet: bool, as_json: bool) -> int:
    """Run a plan with its progress on stderr and its answer on stdout; return the exit code."""
    from adabench import pipeline, progress

    console = _stderr()
    pending = plan.pending
    if not quiet:
        console.print(_introduction(plan), soft_wrap=True, markup=False)
    if quiet or not pending:
        display = progress.Silent()
    elif console.is_terminal:
        display = progress.Bars(console, pipeline.costs(plan))
    else:
        display = progress.Lines(console, len(pending))
    try:
        pipeline.prepare(plan)
        with display:
            results = pipeline.execute(plan, display)
    except KeyboardInterrupt:
        kept = f"interrupted: finished jobs are kept in {plan.store.folder}; the same command goes on"
        console.print(kept, soft_wrap=True, markup=False)
        return 130
    _say(listing.outcomes(plan, results, as_json=as_json))
    return int(any(result.status != "completed" for result in results))


def _introduction(plan: "Plan") -> str:
    done = f", {len(plan.finished)} of them finished before" if plan.finished else ""
    return f"{plan.sweep.name}: {len(plan.jobs)} jobs{done}, on {plan.device_name} ({plan.device})"


@app.command()
def compare(
    results: ResultPaths = None,
    baseline: Baseline = None,
    as_json: AsJson = False,
) -> None:
    """Compare optimizers on each problem, paired by seed."""
    from adabench.compare import compare as compare_results
    from adabench.report import terminal

    comparison = compare_results(_read(results), baseline=baseline)
    _say(comparison.model_dump_json(indent=2) if as_json else terminal.render(comparison))


@app.command()
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

    found = _read(results)
    comparison = compare_results(found, baseline=baseline)
    if output is None:
        _say(render(comparison, found, format=format, paper=paper))
        return
    from adabench.report.figures import illustrate

    pictures = illustrate(found, output)
    figures = [(picture.path.name, picture.title, picture.caption) for picture in pictures]
    try:
        output.write_text(render(comparison, found, format, paper, figures), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"cannot write {output}: {error.strerror}") from error
    for path in (output, *(picture.path for picture in pictures)):
        _stderr().print(f"wrote {path}", markup=False, soft_wrap=True)


def _read(paths: Sequence[Path] | None) -> "tuple[Result, ...]":
    """The results at ``paths``; unreadable files are named on stderr and left out."""
    from adabench.results import read_all

    loaded = read_all(paths or [Path("results")])
    for problem in loaded.problems:
        _stderr().print(f"left out: {problem}", style="yellow", markup=False, soft_wrap=True)
    return loaded.results


@app.command()
def check(
    optimizer: Annotated[
        str,
        typer.Argument(
            help="NAME, MODULE:CLASS or FILE.py:CLASS, with :key=value,... for its settings.",
            autocompletion=_names(OPTIMIZERS),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Check how an optimizer behaves, what it keeps and what it costs; exit code 1 when a check fails."""
    title = optimizer_spec(*parse(optimizer)).label  # a wrong request is answered before torch is loaded
    from adabench.check import finding
    from adabench.check.conformance import check as run_checks

    findings = run_checks(*parse(optimizer))
    _say((finding.to_json if as_json else finding.render)(title, findings))
    raise typer.Exit(int(finding.any_failed(findings)))


@app.command("list")
def list_(
    kind: Annotated[listing.Kind | None, typer.Argument(help="What to list [default: everything]")] = None,
    suites: SuiteFile = None,
    as_json: AsJson = False,
) -> None:
    """List optimizers, models, data sets, analytic problems and suites."""
    kinds = [kind] if kind else list(listing.Kind)
    catalogues = {k.value: listing.rows(k, read_suites(suites)) for k in kinds}
    _say(json.dumps(catalogues, indent=2) if as_json else listing.tables(catalogues))
