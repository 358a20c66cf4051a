"""``adabench tune``: the best setting of each optimizer at an equal budget, and what finding it gained."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adabench import listing
from adabench.commands import places, sweeps
from adabench.commands.shared import AsJson, SuiteFile, completion, say
from adabench.config import Request, TuneText
from adabench.errors import BadValueError
from adabench.optimizers import OPTIMIZERS
from adabench.results import Result
from adabench.spec import WantedExecutor

if TYPE_CHECKING:
    from adabench.launchers.launcher import Launcher
    from adabench.pipeline import Plan
    from adabench.tuning import Study

Planner = Callable[[Request], "Plan"]


def tune(
    suite: Annotated[
        str | None,
        typer.Argument(
            help="A suite of benchmarks.yaml [default: quick's problems]", autocompletion=sweeps.suite_names
        ),
    ] = None,
    opt: Annotated[
        list[str] | None,
        typer.Option(
            help="Optimizer, as NAME or NAME:key=value,...; what is given stays fixed",
            autocompletion=completion(OPTIMIZERS),
        ),
    ] = None,
    model: sweeps.Models = None,
    dataset: sweeps.Datasets = None,
    trials: Annotated[
        int | None,
        typer.Option(help="Settings tried of each optimizer, its default among them [default: 16]"),
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="halton, sobol or optuna [default: halton]")] = None,
    pruner: Annotated[str | None, typer.Option(help="halving: short runs first, the best go on.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Settings to search, such as lr,weight_decay [default: lr,schedule]")
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(help="A range by hand: [OPTIMIZER:]SETTING=LOW..HIGH, or SETTING=A/B/C."),
    ] = None,
    finalists: Annotated[
        int | None, typer.Option(help="Best settings judged on all seeds, beside the default [default: 2]")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Judge finalists on seeds 0 to N-1 [default: 3]")] = None,
    seed_list: Annotated[str | None, typer.Option(help="Judge finalists on these seeds.")] = None,
    tuning_seed: Annotated[int | None, typer.Option(help="Seed of all trials [default: 1000]")] = None,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the training set to choose by [default: 0.1]")
    ] = None,
    epochs: sweeps.Epochs = None,
    batch_size: sweeps.BatchSize = None,
    train_examples: sweeps.TrainExamples = None,
    device: sweeps.Device = "auto",
    precision: sweeps.PrecisionName = None,
    executor: sweeps.ExecutorName = "auto",
    out: sweeps.Out = Path("results"),
    data_dir: sweeps.DataDir = None,
    suites: SuiteFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List trials and their cost only.")] = False,
    quiet: sweeps.Quiet = False,
    launcher: places.Where = "local",
    workers: places.Workers = None,
    threads: places.Threads = None,
    ray_address: places.RayAddress = None,
    gpus_per_job: places.GpusPerJob = None,
    partition: places.Partition = None,
    time: places.Time = None,
    gres: places.Gres = None,
    at_once: places.AtOnce = None,
    bundle: places.Bundle = None,
    as_json: AsJson = False,
) -> None:
    """Tune optimizers at an equal budget on validation; finished runs are skipped."""
    given = TuneText.model_construct(
        trials=trials,
        sampler=sampler,
        pruner=pruner,
        search=search.split(",") if search else None,
        space=space,
        finalists=finalists,
        tuning_seed=tuning_seed,
    )
    sweeps.check_counts({"--finalists": finalists})
    _check(trials, tuning_seed, validation_fraction)
    settings = sweeps.settings_of(seeds, seed_list, epochs, batch_size, train_examples, precision)
    request = Request(
        suite=suite,
        optimizers=tuple(opt or ()),
        models=tuple(model or ()),
        datasets=tuple(dataset or ()),
        settings=settings.model_copy(update={"validation_fraction": validation_fraction}),
        suites_file=suites,
    )
    from adabench.tuning.asked import studies_of

    studies = studies_of(request, given, out)
    wanted = sweeps.word("--executor", executor, WantedExecutor)

    def work() -> int:
        # One thread a job by default, so that more trials, with more to share out, find what has run.
        place = places.launcher_of(
            launcher,
            workers=workers,
            threads=threads or (None if workers else 1),
            ray_address=ray_address,
            gpus_per_job=gpus_per_job,
            partition=partition,
            time=time,
            gres=gres,
            at_once=at_once,
            bundle=bundle,
        )
        planner = _planner(device, wanted, place, out, data_dir)
        if not dry_run:
            return _tune(studies, planner, quiet=quiet, as_json=as_json)
        say(_dry(studies, planner, as_json=as_json))
        return 0

    sweeps.leave_after(work, out)


def _check(trials: int | None, tuning_seed: int | None, validation_fraction: float | None) -> None:
    if trials is not None and trials < 2:
        raise BadValueError(f"--trials {trials} is not allowed; it takes a whole number of at least 2")
    if tuning_seed is not None and tuning_seed < 0:
        raise BadValueError(
            f"--tuning-seed {tuning_seed} is not allowed; it takes a whole number of at least 0"
        )
    if validation_fraction is not None and not 0 < validation_fraction < 1:
        raise BadValueError(
            f"--validation-fraction {validation_fraction:g} is not allowed; it takes a number between 0 and 1"
        )


def _planner(
    device: str, executor: WantedExecutor, launcher: "Launcher", out: Path, data_dir: Path | None
) -> Planner:
    """From a request to its plan, in the same place for all stages."""
    from adabench import pipeline

    return lambda request: pipeline.plan(
        request,
        out=out,
        data_dir=sweeps.data_folder(data_dir),
        device=device,
        launcher=launcher,
        executor=executor,
        stack_seeds="off",
    )


def _tune(studies: "Sequence[Study]", planner: Planner, *, quiet: bool, as_json: bool) -> int:
    """Run every study with its progress on stderr and its answer on stdout; return the exit code."""
    from adabench.tuning import tune as tune_one
    from adabench.tuning import words

    bad: list[Result] = []

    def run(title: str, request: Request) -> list[Result]:
        results = _execute(planner(request), title, quiet=quiet)
        bad.extend(result for result in results if result.status == "failed")
        return results

    outcomes = [tune_one(study, run) for study in studies]
    if as_json:
        say(json.dumps({"problems": [outcome.model_dump() for outcome in outcomes]}, indent=2))
    else:
        say("\n".join([words.render(outcomes), _next(studies[0].folder)]))
    return int(bool(bad))


def _next(folder: Path) -> str:
    place = "" if str(folder) == "results" else f" {folder}"
    return f"results in {folder}/, next: adabench compare{place} --tuned"


def _execute(plan: "Plan", title: str, *, quiet: bool) -> list[Result]:
    """Run a plan's jobs, as `adabench run` shows them."""
    from adabench import pipeline

    display = sweeps.display_of(plan, title, quiet=quiet)
    pipeline.prepare(plan)
    with display:
        return pipeline.execute(plan, display)


def _dry(studies: "Sequence[Study]", planner: Planner, *, as_json: bool) -> str:
    """The trials that are known before anything has run, and the cost of every stage."""
    from adabench.estimate import estimate
    from adabench.tuning.forecast import forecast, told
    from adabench.tuning.search import candidates

    parts, forecasts = [], []
    for study in studies:
        known = [spec for specs in candidates(study).values() for spec in specs]
        plan = planner(study.trials(known))
        stages = forecast(study, plan)
        seconds = estimate(plan)
        trials = json.loads(listing.planned(plan, seconds, as_json=True))
        forecasts.append({"problem": study.spec.label, "trials": trials, "stages": stages})
        parts.append("\n".join([listing.planned(plan, seconds), "", *told(stages)]))
    return json.dumps({"problems": forecasts}, indent=2) if as_json else "\n\n".join(parts)
