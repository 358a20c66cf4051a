"""What commands that run sweeps share: their flags, what they show, and how they end."""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import platformdirs
import typer

from adabench.commands.shared import completion, remark, stderr
from adabench.config import Settings, read_suites
from adabench.datasets import DATASETS
from adabench.errors import ClusterLostError, RequestError, ResultError
from adabench.launchers.signals import Stop, stoppable
from adabench.models import MODELS
from adabench.spec import Precision

if TYPE_CHECKING:
    from adabench.pipeline import Plan
    from adabench.progress import Silent


Models = Annotated[
    list[str] | None,
    typer.Option(help="Model, as NAME or NAME:key=value,...", autocompletion=completion(MODELS)),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(help="Data set, as NAME, folder:PATH or npz:PATH", autocompletion=completion(DATASETS)),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the training set.")]
BatchSize = Annotated[int | None, typer.Option(help="Examples in a minibatch.")]
TrainExamples = Annotated[
    int | None, typer.Option(help="Train on a fixed, class-balanced subset of this size.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
PrecisionName = Annotated[str | None, typer.Option(help="fp32, tf32 or bf16.")]
ExecutorName = Annotated[str, typer.Option(help="auto, eager, compiled or captured.")]
Out = Annotated[Path, typer.Option(help="Folder of results.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of data sets.", envvar="ADABENCH_DATA_DIR")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def data_folder(given: Path | None) -> Path:
    """Where data sets lie: the folder given, else the user's cache."""
    return given or Path(platformdirs.user_cache_dir("adabench"))


def suite_names(incomplete: str) -> list[str]:
    """Names of suites that begin so, for the shell."""
    return [name for name in read_suites().content.suites if name.startswith(incomplete)]


def settings_of(
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
    check_counts(
        {
            "--seeds": seeds,
            "--epochs": epochs,
            "--batch-size": batch_size,
            "--train-examples": train_examples,
        }
    )
    return Settings(
        seeds=seeds if seed_list is None else _numbers("--seed-list", seed_list),
        epochs=epochs,
        batch_size=batch_size,
        train_examples=train_examples,
        precision=None if precision is None else word("--precision", precision, Precision),
    )


def word(name: str, value: str, kind: Any) -> Any:
    """A value that is one of a few words."""
    if value not in get_args(kind):
        raise RequestError(f"{name} {value} is not allowed; it is one of {', '.join(get_args(kind))}")
    return value


def check_counts(values: Mapping[str, int | None]) -> None:
    """Refuse flags, by their names, whose counts are below 1."""
    for name, value in values.items():
        if value is not None and value < 1:
            raise RequestError(f"{name} {value} is not allowed; it takes a whole number of at least 1")


def check_seconds(values: Mapping[str, float]) -> None:
    """Refuse flags, by their names, whose times are not above 0 seconds."""
    for name, value in values.items():
        if not value > 0:
            raise RequestError(f"{name} {value:g} is not allowed; it takes seconds above 0")


def _numbers(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RequestError(f"{name} {text!r} is not allowed; list whole numbers such as 0,3,7") from None


def display_of(plan: "Plan", title: str, *, quiet: bool) -> "Silent":
    """What shows a plan's progress on stderr, whose first line is written here."""
    from adabench import pipeline, progress

    console, pending = stderr(), plan.pending
    if not quiet:
        done = f", {len(plan.finished)} of them finished before" if plan.finished else ""
        words = f"{title}: {len(plan.jobs)} jobs{done}, on {plan.site}"
        console.print(words, soft_wrap=True, markup=False)
    if quiet or not pending:
        return progress.Silent()
    if console.is_terminal:
        return progress.Bars(console, pipeline.costs(plan))
    return progress.Lines(console, len(pending))


def leave_after(work: Callable[[], int], out: Path) -> NoReturn:
    """Do a command's work, which a signal may stop, and end with the exit code that it comes to.

    Args:
        work: what to do; it returns the exit code.
        out: the folder of results, which the last words name.
    """
    try:
        with stoppable():
            code = work()
    except Stop as stop:
        remark(_last_words(out))
        code = stop.exit_code
    except ClusterLostError as error:
        remark(f"adabench: {error}", "red")
        code = 1
    except ResultError as error:  # nothing more can be kept
        remark(f"adabench: {error}; what was written before is kept", "red")
        code = 1
    gc.freeze()  # else the interpreter's last collection looks at all of torch, for a second
    raise typer.Exit(code)


def _last_words(out: Path) -> str:
    """What an interrupted sweep leaves behind."""
    from adabench.results import ResultStore

    folder = ResultStore(out).runs_folder
    runs = len({manifest.parent for manifest in folder.glob("*/*.manifest")})
    under_way = f", {runs} {'run' if runs == 1 else 'runs'} under way in {folder}" if runs else ""
    return f"interrupted: finished jobs are kept in {out}{under_way}; the same command goes on"
