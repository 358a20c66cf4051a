"""The whole story: a request becomes a plan, its data are made ready, its jobs run, every result is kept."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adabench import optimizers
from adabench.config import Request, resolve_sweep
from adabench.datasets import find_dataset
from adabench.events import Event
from adabench.launchers.signals import deferred
from adabench.results import Ledger, Result, ResultStore
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

if TYPE_CHECKING:
    from adabench.launchers.launcher import Launcher, Site, Terms


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will run, where, and what is there already."""

    sweep: Sweep
    jobs: tuple[Job, ...]
    finished: dict[Job, Result]
    """Jobs that need not run, with the results they have."""
    store: ResultStore
    launcher: "Launcher"
    site: "Site"
    terms: "Terms"

    @property
    def pending(self) -> tuple[Job, ...]:
        """The jobs that will run, in their order."""
        return tuple(job for job in self.jobs if job not in self.finished)


def plan(
    request: Request | Sweep,
    *,
    out: Path,
    data_dir: Path,
    device: str = "auto",
    launcher: "Launcher | None" = None,
    executor: WantedExecutor = "auto",
    stack_seeds: Stacking = "auto",
    shard: tuple[int, int] = (1, 1),
    checkpoint_every: float = 120.0,
    hang_after: float = 1800.0,
    rerun: bool = False,
) -> Plan:
    """Decide what a request means where it will run; nothing is run or written.

    Args:
        request: what was asked for, or the sweep that it resolves to.
        out: folder of results.
        data_dir: where data sets lie.
        device: auto, cpu, cuda or cuda:N.
        launcher: where jobs run; this machine when None.
        executor: how a training step runs.
        stack_seeds: whether jobs that differ only in their seed train as one batch of models.
        shard: (I, N): the I-th of N parts of the sweep, counted from 1, equal to within one task.
        checkpoint_every: seconds from one checkpoint of a run under way to the next.
        hang_after: seconds without a sign of life after which a worker is ended.
        rerun: run jobs again that have a result.

    Raises:
        RequestError: an unknown name, a bad value, a device that is not there, a folder that cannot be used.
    """
    sweep = request if isinstance(request, Sweep) else resolve_sweep(request)
    store = ResultStore(out)
    store.check_writable()
    from adabench.engine.choices import settle
    from adabench.engine.tasks import part
    from adabench.launchers.launcher import Terms
    from adabench.launchers.local import Local

    launcher = launcher or Local()
    site = launcher.survey(device, sweep.precision, jobs=_separate_jobs(sweep))
    jobs = part(
        settle(
            expand(sweep, threads=site.packing.threads),
            device=site.device,
            executor=executor,
            stacking=stack_seeds,
        ),
        *shard,
    )
    found = {} if rerun else {job: store.finished(job) for job in jobs}
    return Plan(
        sweep=sweep,
        jobs=jobs,
        finished={job: result for job, result in found.items() if result is not None},
        store=store,
        launcher=launcher,
        site=site,
        terms=Terms(
            data_dir=data_dir,
            out=out,
            checkpoint_every=checkpoint_every,
            hang_after=hang_after,
            rerun=rerun,
        ),
    )


def prepare(plan: Plan) -> None:
    """Load, and where need be download, the data of every pending job and try its model on them.

    Where jobs will run in workers, these import what they need meanwhile. Memory that does not suffice
    is left for the jobs to meet: it fails those that need it, not the sweep.

    Raises:
        RequestError: data that is missing or does not fit; no job has run.
    """
    from adabench.engine.failure import is_out_of_memory
    from adabench.problems import analytic, supervised

    plan.launcher.warm_up(plan.pending, plan.site)

    for problem in dict.fromkeys(job.problem for job in plan.pending):
        if isinstance(problem, AnalyticSpec):
            analytic.build_problem(problem, "cpu")
            continue
        try:
            supervised.prepare(problem, plan.terms.data_dir)
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
    results, ledger = dict(plan.finished), Ledger(plan.store, replace=plan.terms.rerun)
    _forget_old_runs(plan)
    with closing(plan.launcher.launch(plan.pending, plan.site, plan.terms)) as running:
        for event in running:
            with deferred():
                result = ledger.add(event)
            if result is not None:
                results[result.job] = result
            listen(event)
    return [results[job] for job in plan.jobs]


def _forget_old_runs(plan: Plan) -> None:
    """Remove what is kept of runs that are over, as after a crash, or that are to begin anew."""
    under_way = set() if plan.terms.rerun else {job.run_key for job in plan.pending}
    for job in plan.jobs:
        if job.run_key not in under_way:
            plan.store.forget_run(job)


def costs(plan: Plan) -> dict[Job, int]:
    """The gradient evaluations of each pending job."""
    return {job: gradient_evaluations(job, total_steps(job, plan.terms.data_dir)) for job in plan.pending}


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
    return -(-training_examples(problem, data_dir) // problem.batch_size)


def training_examples(problem: SupervisedSpec, data_dir: Path) -> int:
    """How many examples an epoch takes; reads the data only where that is not known beforehand."""
    if problem.train_examples is not None:
        return problem.train_examples
    row, _ = find_dataset(problem.dataset)
    if row.train_examples is not None and not problem.validation_fraction:
        return row.train_examples
    from adabench.problems.supervised import load_data

    return len(load_data(problem, data_dir).arrays.train.labels)
