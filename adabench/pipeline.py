"""The whole story: a request becomes a plan, its data are made ready, its jobs run, every result is kept."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adabench import optimizers
from adabench.config import Request, resolve_sweep
from adabench.datasets import find_dataset
from adabench.events import Event
from adabench.launchers.packing import Packing, pack
from adabench.launchers.signals import deferred
from adabench.results import Recorder, Result, ResultStore
from adabench.spec import (
    AnalyticSpec,
    Job,
    ProblemSpec,
    Stacking,
    SupervisedSpec,
    Sweep,
    WantedExecutor,
    expand,
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will run, where, and what is there already."""

    sweep: Sweep
    jobs: tuple[Job, ...]
    finished: dict[Job, Result]
    """Jobs that need not run, with the results they have."""
    store: ResultStore
    device: str
    data_dir: Path
    device_name: str
    packing: Packing
    checkpoint_every: float
    hang_after: float
    rerun: bool

    @property
    def pending(self) -> tuple[Job, ...]:
        """The jobs that will run, in their order."""
        return tuple(job for job in self.jobs if job not in self.finished)


def plan(
    request: Request,
    *,
    out: Path,
    data_dir: Path,
    device: str = "auto",
    workers: int | None = None,
    executor: WantedExecutor = "auto",
    stack_seeds: Stacking = "auto",
    checkpoint_every: float = 120.0,
    hang_after: float = 1800.0,
    rerun: bool = False,
) -> Plan:
    """Decide what a request means on this machine; nothing is run or written.

    Args:
        request: what was asked for.
        out: folder of results.
        data_dir: where data sets lie.
        device: auto, cpu, cuda or cuda:N.
        workers: jobs to run side by side, at least 1; None leaves it to `pack`.
        executor: how a training step runs.
        stack_seeds: whether jobs that differ only in their seed train as one batch of models.
        checkpoint_every: seconds from one checkpoint of a run under way to the next.
        hang_after: seconds without a sign of life after which a worker is ended.
        rerun: run jobs again that have a result.

    Raises:
        RequestError: an unknown name, a bad value, a device that is not here, a folder that cannot be used.
    """
    sweep = resolve_sweep(request)
    store = ResultStore(out)
    store.check_writable()
    from adabench.engine.choices import settle
    from adabench.engine.device import cpu_threads, device_name, select_device

    place = select_device(device, sweep.precision)
    packing = pack(_separate_jobs(sweep), budget=cpu_threads(place), workers=workers)
    jobs = settle(
        expand(sweep, threads=packing.threads), device=place, executor=executor, stacking=stack_seeds
    )
    found = {} if rerun else {job: store.finished(job) for job in jobs}
    finished = {job: result for job, result in found.items() if result is not None}
    return Plan(
        sweep=sweep,
        jobs=jobs,
        finished=finished,
        store=store,
        device=str(place),
        device_name=device_name(place),
        data_dir=data_dir,
        packing=packing,
        checkpoint_every=checkpoint_every,
        hang_after=hang_after,
        rerun=rerun,
    )


def prepare(plan: Plan) -> None:
    """Load, and where need be download, the data of every pending job and try its model on them.

    Where jobs will run in workers, these import what they need meanwhile. Memory that does not suffice
    is left for the jobs to meet: it fails those that need it, not the sweep.

    Raises:
        RequestError: data that is missing or does not fit; no job has run.
    """
    from adabench.engine.failure import is_out_of_memory
    from adabench.launchers.local import warm_up
    from adabench.problems import analytic, supervised

    warm_up(plan.pending, workers=plan.packing.workers)

    for problem in dict.fromkeys(job.problem for job in plan.pending):
        if isinstance(problem, AnalyticSpec):
            analytic.build_problem(problem, "cpu")
            continue
        try:
            supervised.prepare(problem, plan.data_dir)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise


def execute(plan: Plan, listen: Callable[[Event], None]) -> list[Result]:
    """Run a plan's pending jobs, keeping each result the moment it exists.

    Args:
        plan: what to run.
        listen: told every event; it decides nothing.

    Returns:
        The results of all the plan's jobs, in their order, those found finished among them.

    Raises:
        ResultError: a result cannot be written. The sweep ends; what was written before is kept, and so
            are, where there is room, the runs under way.
    """
    from adabench.engine.tasks import Keeping
    from adabench.launchers.local import launch

    results, recorders = dict(plan.finished), defaultdict[Job, Recorder](Recorder)
    _forget_old_runs(plan)
    running = launch(
        plan.pending,
        device=plan.device,
        data_dir=plan.data_dir,
        workers=plan.packing.workers,
        keeping=Keeping(plan.store.runs_folder, plan.checkpoint_every),
        hang_after=plan.hang_after,
    )
    with closing(running):
        for event in running:
            result = recorders[event.job].add(event)
            if result is not None:
                with deferred():
                    plan.store.write(result, replace=plan.rerun)
                    if result.status != "interrupted":
                        plan.store.forget_run(result.job)
                results[result.job] = result
                del recorders[result.job]
            listen(event)
    return [results[job] for job in plan.jobs]


def _forget_old_runs(plan: Plan) -> None:
    """Remove what is kept of runs that are over, as after a crash, or that are to begin anew."""
    under_way = set() if plan.rerun else {job.run_key for job in plan.pending}
    for job in plan.jobs:
        if job.run_key not in under_way:
            plan.store.forget_run(job)


def costs(plan: Plan) -> dict[Job, int]:
    """The gradient evaluations of each pending job."""
    return {job: gradient_evaluations(job, total_steps(job, plan.data_dir)) for job in plan.pending}


def total_steps(job: Job, data_dir: Path) -> int:
    """How many optimizer steps a job takes; reads the data only where its size is not known beforehand."""
    return job.epochs * _steps_in_epoch(job.problem, data_dir)


def gradient_evaluations(job: Job, steps: int) -> int:
    """How many gradients a job evaluates in ``steps`` steps."""
    return optimizers.gradient_evaluations(job.optimizer, steps)


def _separate_jobs(sweep: Sweep) -> int:
    """How many jobs could run side by side: all but those on analytic problems, which run as batches."""
    problems = sum(isinstance(problem, SupervisedSpec) for problem in sweep.problems)
    return problems * len(sweep.seeds) * len(sweep.optimizers)


def _steps_in_epoch(problem: ProblemSpec, data_dir: Path) -> int:
    if isinstance(problem, AnalyticSpec):
        return problem.interval
    return -(-_examples(problem, data_dir) // problem.batch_size)


def _examples(problem: SupervisedSpec, data_dir: Path) -> int:
    if problem.train_examples is not None:
        return problem.train_examples
    row, _ = find_dataset(problem.dataset)
    if row.train_examples is not None and not problem.validation_fraction:
        return row.train_examples
    from adabench.problems.supervised import load_data

    return len(load_data(problem, data_dir).arrays.train.labels)
