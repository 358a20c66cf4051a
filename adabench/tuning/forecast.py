"""What a tuning would cost, stage by stage, before any of it has run."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

from adabench.pipeline import Plan, gradient_evaluations, total_steps
from adabench.tuning.search import rungs
from adabench.tuning.study import Study


class Stage(TypedDict):
    """One stage of a tuning: at most so many jobs and gradient evaluations."""

    stage: str
    jobs: int
    gradient_evaluations: int


def forecast(study: Study, plan: Plan) -> list[Stage]:
    """The stages to come, none of it done before.

    Args:
        study: what is tuned.
        plan: of its trials; every optimizer's default is among them.
    """
    jobs = {job.optimizer.label: job for job in plan.jobs}
    whole = [
        gradient_evaluations(job, total_steps(job, plan.terms.data_dir))
        for job in (jobs[entry.label] for entry in study.entries)
    ]
    return [
        Stage(
            stage=words,
            jobs=runs * len(whole),
            gradient_evaluations=sum(runs * cost * epochs // study.epochs for cost in whole),
        )
        for words, runs, epochs in _stages(study)
    ]


def _stages(study: Study) -> Iterator[tuple[str, int, int]]:
    """What each stage is, how many runs of each optimizer it takes, and for how many epochs."""
    protocol = study.protocol
    if protocol.pruner:
        for rung in rungs(protocol.trials, study.epochs, protocol.finalists):
            yield f"trials of {rung.epochs} epochs", rung.settings, rung.epochs
    else:
        yield f"trials of {study.epochs} epochs", protocol.trials, study.epochs
    finalists = min(protocol.finalists + 1, protocol.trials)
    yield f"finalists, {len(protocol.seeds)} seeds each", finalists * len(protocol.seeds), study.epochs


def told(stages: Sequence[Stage]) -> list[str]:
    """One line for each stage, and one for their sum."""
    lines = [
        f"{each['stage']}: at most {each['jobs']} jobs, {each['gradient_evaluations']:,} gradient evaluations"
        for each in stages
    ]
    jobs, cost = sum(s["jobs"] for s in stages), sum(s["gradient_evaluations"] for s in stages)
    return [*lines, f"in all at most {jobs} jobs, {cost:,} gradient evaluations"]
