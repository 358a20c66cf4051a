"""How long a sweep will take: from runs of the same kind on the same kind of device, or by timing some steps.

Jobs are of one kind when they differ in nothing but their seed, their length and how much of the
training set they see: a step and an evaluation then cost the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adabench.errors import RequestError
from adabench.events import JobEnded, Summary
from adabench.pipeline import Plan, total_steps, training_examples
from adabench.results import read_all
from adabench.spec import AnalyticSpec, Job

MEASURED_STEPS = 8
"""Minibatches that each kind of job is timed over; compiling and recording come before them."""

_SHARE_OF_FORMULA = 50
"""Of the epochs of an analytic problem, one in so many is timed."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What one kind of job costs, in seconds.

    Args:
        start: loading, building, compiling and recording.
        step: one optimizer step.
        epoch: the evaluation after an epoch.
    """

    start: float
    step: float
    epoch: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long the pending jobs of a plan will take.

    Args:
        seconds: from the first to the last, all workers busy; None where a kind of job is unknown.
        unknown: the kinds of job of which no run is known, as optimizer on problem.
        measured: whether steps were timed for it, or earlier runs looked up.
    """

    seconds: float | None
    unknown: tuple[str, ...]
    measured: bool

    def cost(self, price_per_hour: float) -> float | None:
        """What the machine costs meanwhile, in the price's currency."""
        return None if self.seconds is None else self.seconds / 3600 * price_per_hour


def estimate(plan: Plan, *, measure: bool = False) -> Estimate:
    """How long a plan's pending jobs will take on its site.

    Args:
        plan: what would run; results in its folder from the same kind of device are looked up.
        measure: time a few steps, and one evaluation, of each kind of job that is not known. They run
            one after another on this machine; nothing is kept.

    Raises:
        RequestError: with ``measure``, data that are missing or do not fit.
    """
    pending = plan.pending
    paces = _remembered(plan) if pending else {}
    if measure:
        paces |= dict(_measured(plan, paces))
    unknown = {
        _kind(job): f"{job.optimizer.label} on {job.problem.label}"
        for job in pending
        if _kind(job) not in paces
    }
    if unknown:
        return Estimate(seconds=None, unknown=tuple(dict.fromkeys(unknown.values())), measured=measure)
    each = [_seconds(job, paces[_kind(job)], total_steps(job, plan.terms.data_dir)) for job in pending]
    wall = max(sum(each) / plan.site.packing.workers, max(each, default=0.0))
    return Estimate(seconds=wall, unknown=(), measured=measure)


def _seconds(job: Job, pace: Pace, steps: int) -> float:
    return pace.start + pace.step * steps + pace.epoch * job.epochs


def _kind(job: Job) -> Job:
    problem = job.problem
    if not isinstance(problem, AnalyticSpec):
        problem = problem.model_copy(update={"train_examples": None})
    return job.model_copy(update={"seed": 0, "epochs": 1, "problem": problem})


def _remembered(plan: Plan) -> dict[Job, Pace]:
    """The paces of completed runs in the plan's folder that were made on the same kind of device."""
    if not plan.store.folder.is_dir():
        return {}
    try:
        results = read_all([plan.store.folder]).results
    except RequestError:
        return {}
    return {
        _kind(result.job): _pace(result.summary, result.job.epochs)
        for result in results
        if result.status == "completed" and result.environment and result.environment.device in plan.site.name
    }


def _measured(plan: Plan, known: Iterable[Job]) -> Iterator[tuple[Job, Pace]]:
    """The pace of each kind of task that is not known yet, as a run of a few steps shows it."""
    from adabench.engine.tasks import run_task, tasks
    from adabench.pipeline import prepare

    prepare(plan)
    done = set(known)
    for task in tasks(plan.pending):
        if not done.issuperset(map(_kind, task)):
            short = [_shortened(job, plan.terms.data_dir) for job in task]
            for event in run_task(tuple(short), device=plan.site.device, data_dir=plan.terms.data_dir):
                if isinstance(event, JobEnded) and event.status == "completed":
                    done.add(_kind(event.job))
                    yield _kind(event.job), _pace(event.summary, event.job.epochs)


def _shortened(job: Job, data_dir: Path) -> Job:
    """The same kind of job, over in a moment."""
    if isinstance(job.problem, AnalyticSpec):
        return job.model_copy(update={"epochs": max(1, job.epochs // _SHARE_OF_FORMULA)})
    examples = min(MEASURED_STEPS * job.problem.batch_size, training_examples(job.problem, data_dir))
    problem = job.problem.model_copy(update={"train_examples": examples})
    return job.model_copy(update={"epochs": 1, "problem": problem})


def _pace(summary: Summary, epochs: int) -> Pace:
    return Pace(
        start=(summary.setup_seconds or 0.0) + (summary.warm_up_seconds or 0.0),
        step=(summary.seconds or 0.0) / max(1, summary.steps),
        epoch=(summary.evaluation_seconds or 0.0) / epochs,
    )
