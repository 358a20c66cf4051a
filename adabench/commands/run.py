"""``adabench run``: jobs, their progress on stderr, their outcomes on stdout."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adabench import listing
from adabench.commands import places, sweeps
from adabench.commands.shared import AsJson, SuiteFile, completion, remark, say
from adabench.config import Request, resolve_sweep
from adabench.errors import RequestError
from adabench.events import Event
from adabench.optimizers import OPTIMIZERS
from adabench.problems import PROBLEMS
from adabench.spec import Stacking, WantedExecutor
from adabench.trackers import TRACKERS, Trackers

if TYPE_CHECKING:
    from adabench.pipeline import Plan


def run(
    suite: Annotated[
        str | None,
        typer.Argument(help="A suite of benchmarks.yaml [default: quick]", autocompletion=sweeps.suite_names),
    ] = None,
    opt: Annotated[
        list[str] | None,
        typer.Option(help="Optimizer, as NAME or NAME:key=value,...", autocompletion=completion(OPTIMIZERS)),
    ] = None,
    model: sweeps.Models = None,
    dataset: sweeps.Datasets = None,
    problem: Annotated[
        list[str] | None,
        typer.Option(help="Analytic problem, as NAME:key=value,...", autocompletion=completion(PROBLEMS)),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Run seeds 0 to N-1.")] = None,
    seed_list: Annotated[str | None, typer.Option(help="Run these seeds, such as 0,3,7.")] = None,
    epochs: sweeps.Epochs = None,
    batch_size: sweeps.BatchSize = None,
    train_examples: sweeps.TrainExamples = None,
    device: sweeps.Device = "auto",
    precision: sweeps.PrecisionName = None,
    executor: sweeps.ExecutorName = "auto",
    stack_seeds: Annotated[str, typer.Option(help="Train seeds as one batch: auto, on or off.")] = "auto",
    out: sweeps.Out = Path("results"),
    data_dir: sweeps.DataDir = None,
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
    measure: Annotated[
        bool, typer.Option("--measure", help="With --dry-run: time some steps to tell how long it takes.")
    ] = False,
    price_per_hour: Annotated[
        float | None, typer.Option(help="With --dry-run: what this machine costs, to tell the bill.")
    ] = None,
    quiet: sweeps.Quiet = False,
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
        settings=sweeps.settings_of(seeds, seed_list, epochs, batch_size, train_examples, precision),
        suites_file=suites,
    )
    part = places.shard_of(shard)
    if not dry_run and (measure or price_per_hour is not None):
        raise RequestError("--measure and --price-per-hour belong to --dry-run; add it, or leave them out")
    sweeps.check_seconds({"--checkpoint-every": checkpoint_every, "--hang-after": hang_after})
    trackers = Trackers(log or (), out=out, warn=lambda line: remark(line, "yellow"))

    def work() -> int:
        sweep = resolve_sweep(request)
        from adabench import pipeline

        plan = pipeline.plan(
            sweep,
            out=out,
            data_dir=sweeps.data_folder(data_dir),
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
            executor=sweeps.word("--executor", executor, WantedExecutor),
            stack_seeds=sweeps.word("--stack-seeds", stack_seeds, Stacking),
            checkpoint_every=checkpoint_every,
            hang_after=hang_after,
            rerun=rerun,
        )
        if not dry_run:
            return _execute(plan, trackers, quiet=quiet, as_json=as_json)
        from adabench.estimate import estimate

        told = estimate(plan, measure=measure)
        say(listing.planned(plan, told, price=price_per_hour, as_json=as_json))
        return 0

    sweeps.leave_after(work, out)


def _execute(plan: "Plan", trackers: Trackers, *, quiet: bool, as_json: bool) -> int:
    """Run a plan with its progress on stderr and its answer on stdout; return the exit code."""
    from adabench import pipeline

    display = sweeps.display_of(plan, plan.sweep.name, quiet=quiet)

    def listen(event: Event) -> None:
        display(event)
        trackers(event)

    pipeline.prepare(plan)
    with display, trackers:
        results = pipeline.execute(plan, listen)
    say(listing.outcomes(plan, results, as_json=as_json))
    return int(any(result.status != "completed" for result in results))
