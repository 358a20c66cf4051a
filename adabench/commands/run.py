"""``adabench run``: jobs, their progress on stderr, their outcomes on stdout."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import platformdirs
import typer

from adabench import listing
from adabench.commands import places
from adabench.commands.shared import AsJson, SuiteFile, completion, remark, say, stderr
from adabench.config import Request, Settings, read_suites, resolve_sweep
from adabench.datasets import DATASETS
from adabench.errors import RequestError, ResultError
from adabench.events import Event
from adabench.launchers.signals import Stop, stoppable
from adabench.models import MODELS
from adabench.optimizers import OPTIMIZERS
from adabench.problems import PROBLEMS
from adabench.spec import Precision, Stacking, WantedExecutor
from adabench.trackers import TRACKERS, Trackers

if TYPE_CHECKING:
    from adabench.pipeline import Plan


def _suite_names(incomplete: str) -> list[str]:
    return [name for name in read_suites().content.suites if name.startswith(incomplete)]


def run(
    suite: Annotated[
        str | None,
        typer.Argument(help="A suite of benchmarks.yaml [default: quick]", autocompletion=_suite_names),
    ] = None,
    opt: Annotated[
        list[str] | None,
        typer.Option(help="Optimizer, as NAME or NAME:key=value,...", autocompletion=completion(OPTIMIZERS)),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model, as NAME or NAME:key=value,...", autocompletion=completion(MODELS)),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Data set, as NAME, folder:PATH or npz:PATH", autocompletion=completion(DATASETS)),
    ] = None,
    problem: Annotated[
        list[str] | None,
        typer.Option(help="Analytic problem, as NAME:key=value,...", autocompletion=completion(PROBLEMS)),
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
    executor: Annotated[str, typer.Option(help="auto, eager, compiled or captured.")] = "auto",
    stack_seeds: Annotated[str, typer.Option(help="Train seeds as one batch: auto, on or off.")] = "auto",
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("results"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of data sets.", envvar="ADABENCH_DATA_DIR")
    ] = None,
    suites: SuiteFile = None,
    checkpoint_every: Annotated[
        float, typer.Option(help="Seconds between checkpoints of a job under way.")
    ] = 120.0,
    hang_after: Annotated[
        float,
        typer.Option(help="Seconds without a sign of life after which one of several workers is ended."),
    ] = 1800.0,
    log: Annotated[
        list[str] | None,
        typer.Option(help="Also feed tensorboard, mlflow or wandb.", autocompletion=completion(TRACKERS)),
    ] = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Run jobs again that have a result.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List jobs and their cost only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    launcher: places.Where = "local",
    workers: places.Workers = None,
    threads: places.Threads = None,
    shard: places.Shard = None,
    ray_address: places.RayAddress = None,
    gpus_per_job: places.GpusPerJob = None,
    partition: places.Partition = None,
    time: places.Time = None,
    gres: places.Gres = None,
    at_once: places.AtOnce = None,
    bundle: places.Bundle = None,
    as_json: AsJson = False,
) -> None:
    """Run optimizers on problems, one result file for each seed; finished jobs are skipped."""
    request = Request(
        suite=suite,
        optimizers=tuple(opt or ()),
        models=tuple(model or ()),
        datasets=tuple(dataset or ()),
        problems=tuple(problem or ()),
        settings=_settings(seeds, seed_list, epochs, batch_size, train_examples, precision),
        suites_file=suites,
    )
    part = places.shard_of(shard)
    _check_seconds({"--checkpoint-every": checkpoint_every, "--hang-after": hang_after})
    trackers = Trackers(log or (), out=out, warn=lambda line: remark(line, "yellow"))
    folder = data_dir or Path(platformdirs.user_cache_dir("adabench"))
    try:
        with stoppable():
            sweep = resolve_sweep(request)
            from adabench import pipeline

            plan = pipeline.plan(
                sweep,
                out=out,
                data_dir=folder,
                device=device,
                launcher=places.launcher_of(
                    launcher,
                    workers=workers,
                    threads=threads,
                    ray_address=ray_address,
                    gpus_per_job=gpus_per_job,
                    partition=partition,
                    time=time,
                    gres=gres,
                    at_once=at_once,
                    bundle=bundle,
                ),
                shard=part,
                executor=_word("--executor", executor, WantedExecutor),
                stack_seeds=_word("--stack-seeds", stack_seeds, Stacking),
                checkpoint_every=checkpoint_every,
                hang_after=hang_after,
                rerun=rerun,
            )
            if dry_run:
                say(listing.planned(plan, as_json=as_json))
                return
            code = _execute(plan, trackers, quiet=quiet, as_json=as_json)
    except Stop as stop:
        remark(_last_words(out))
        code = stop.exit_code
    except ResultError as error:  # nothing more can be kept
        remark(f"adabench: {error}; what was written before is kept", "red")
        code = 1
    gc.freeze()  # else the interpreter's last collection looks at all of torch, for a second
    raise typer.Exit(code)


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
    _check_counts(
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
        precision=None if precision is None else _word("--precision", precision, Precision),
    )


def _word(name: str, value: str, kind: Any) -> Any:
    """A value that is one of a few words."""
    if value not in get_args(kind):
        raise RequestError(f"{name} {value} is not allowed; it is one of {', '.join(get_args(kind))}")
    return value


def _check_counts(values: Mapping[str, int | None]) -> None:
    for name, value in values.items():
        if value is not None and value < 1:
            raise RequestError(f"{name} {value} is not allowed; it takes a whole number of at least 1")


def _check_seconds(values: Mapping[str, float]) -> None:
    for name, value in values.items():
        if not value > 0:
            raise RequestError(f"{name} {value:g} is not allowed; it takes seconds above 0")


def _numbers(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RequestError(f"{name} {text!r} is not allowed; list whole numbers such as 0,3,7") from None


def _execute(plan: "Plan", trackers: Trackers, *, quiet: bool, as_json: bool) -> int:
    """Run a plan with its progress on stderr and its answer on stdout; return the exit code."""
    from adabench import pipeline, progress

    console = stderr()
    pending = plan.pending
    if not quiet:
        console.print(_introduction(plan), soft_wrap=True, markup=False)
    if quiet or not pending:
        display = progress.Silent()
    elif console.is_terminal:
        display = progress.Bars(console, pipeline.costs(plan))
    else:
        display = progress.Lines(console, len(pending))

    def listen(event: Event) -> None:
        display(event)
        trackers(event)

    pipeline.prepare(plan)
    with display, trackers:
        results = pipeline.execute(plan, listen)
    say(listing.outcomes(plan, results, as_json=as_json))
    return int(any(result.status != "completed" for result in results))


def _last_words(out: Path) -> str:
    """What an interrupted sweep leaves behind."""
    from adabench.results import ResultStore

    folder = ResultStore(out).runs_folder
    runs = len({manifest.parent for manifest in folder.glob("*/*.manifest")})
    under_way = f", {runs} {'run' if runs == 1 else 'runs'} under way in {folder}" if runs else ""
    return f"interrupted: finished jobs are kept in {out}{under_way}; the same command goes on"


def _introduction(plan: "Plan") -> str:
    done = f", {len(plan.finished)} of them finished before" if plan.finished else ""
    return f"{plan.sweep.name}: {len(plan.jobs)} jobs{done}, on {plan.site}"
