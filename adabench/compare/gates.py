"""Gates for a CI job: is anything worse than it was, or below a floor?"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from adabench.compare.checks import Check, Gates, Outcome
from adabench.compare.comparison import sample_of
from adabench.compare.model import Comparison, ProblemComparison, Row, Sample, title
from adabench.compare.question import Question
from adabench.compare.selection import latest_per_seed
from adabench.compare.versus import Versus, judged, unpaired, versus
from adabench.errors import BadValueError, RequestError
from adabench.results.format import Result
from adabench.spec import Job, SupervisedSpec


def below(comparison: Comparison, question: Question, limit: float) -> Gates:
    """Whether any optimizer's mean of the metric lies below a floor, or a run of it diverged or failed.

    Args:
        comparison: what was measured.
        question: tells the metric, of which higher must be better.
        limit: the floor, in the metric's unit.
    """
    if not question.measure.higher_is_better:
        raise BadValueError(f"--fail-below needs a metric of which higher is better, not {question.metric}")
    return Gates(checks=tuple(_floor(each, row, limit) for each in comparison.problems for row in each.rows))


def _floor(compared: ProblemComparison, row: Row, limit: float) -> Check:
    value = row.value.mean if row.value else None
    lost = tuple(
        each.seed
        for each in compared.failures
        if each.optimizer == row.optimizer and each.status in ("diverged", "failed")
    )
    return Check(
        gate="below",
        problem=compared.title,
        optimizer=row.optimizer,
        outcome="failed" if lost or value is None or value < limit else "passed",
        limit=limit,
        value=value,
        lost=lost,
    )


def against(now: Iterable[Result], before: Iterable[Result], question: Question, limit: float) -> Gates:
    """Whether any optimizer got worse on any problem than it was in earlier results.

    A check fails where the metric got worse by more than the limit and the difference is significant
    after Holm's correction over all checks, or the same in each of several pairs; or where a seed that
    completed before does not any more. Runs on the same hardware are paired by seed, others compared by
    Welch. What was named by import path is the same optimizer whatever its source has become.

    Args:
        now: the results to judge.
        before: the earlier results.
        question: tells the metric.
        limit: a fraction; see `Check`.

    Raises:
        RequestError: no optimizer and problem is in both.
    """
    new, old = _indexed(now), _indexed(before)
    shared = [key for key in sorted(old) if key in new]
    if not shared:
        raise RequestError(
            "nothing here was run before: no optimizer and problem is in both sets of results; "
            "give --against results of the same suite"
        )
    changes = [_change(new[key], old[key], question) for key in shared]
    verdicts = iter(judged([each for each in changes if each is not None], question))
    checks = [
        _check(new[key], old[key], None if each is None else next(verdicts), question, limit)
        for key, each in zip(shared, changes, strict=True)
    ]
    return Gates(
        checks=tuple(checks), missing=tuple(_title(old[key][0].job) for key in sorted(old) if key not in new)
    )


def _indexed(results: Iterable[Result]) -> dict[tuple[str, ...], tuple[Result, ...]]:
    """Runs by everything that makes them the same thing measured, one for each seed."""
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        if isinstance(result.job.problem, SupervisedSpec):
            groups[_identity(result.job)].append(result)
    return {key: latest_per_seed(group) for key, group in groups.items()}


def _identity(job: Job) -> tuple[str, ...]:
    content = job.model_dump(include={"problem", "optimizer", "epochs", "precision"})
    del content["optimizer"]["source"]
    return job.problem.label, job.optimizer.label, json.dumps(content, sort_keys=True)


def _title(job: Job) -> str:
    return f"{job.optimizer.label} on {job.problem.label}"


def _values(runs: Sequence[Result], question: Question) -> Sample | None:
    return sample_of([run for run in runs if run.status == "completed"], question.measure.quantity)


def _change(new: Sequence[Result], old: Sequence[Result], question: Question) -> Versus | None:
    mine, base = _values(new, question), _values(old, question)
    if mine is None or base is None:
        return None
    if _places(new) == _places(old):
        return versus("now", "before", mine.values, base.values)
    return unpaired("now", "before", mine, base)


def _places(runs: Sequence[Result]) -> set[tuple[str, int]]:
    return {(run.environment.device, run.environment.threads) for run in runs if run.environment}


def _check(
    new: Sequence[Result], old: Sequence[Result], change: Versus | None, question: Question, limit: float
) -> Check:
    mine, base = _values(new, question), _values(old, question)
    done = {run.job.seed for run in old if run.status == "completed"}
    lost = tuple(run.job.seed for run in new if run.status in ("diverged", "failed") and run.job.seed in done)
    worsening = None
    if change is not None and base is not None:
        scale = 1.0 if question.measure.is_share else abs(base.mean)
        worsening = -question.measure.sign * change.difference / scale if scale else None
    return Check(
        gate="against",
        problem=title(new[0].job.problem.label, new[0].job.epochs, new[0].job.precision),
        optimizer=new[0].job.optimizer.label,
        outcome="failed" if lost else _outcome(change, worsening, limit),
        limit=limit,
        value=mine.mean if mine else None,
        change=change,
        worsening=worsening,
        lost=lost,
    )


def _outcome(change: Versus | None, worsening: float | None, limit: float) -> Outcome:
    if change is None or worsening is None:
        return "cannot tell"
    if worsening <= limit:
        return "passed"
    same_in_each = change.paired and change.deviation == 0 and change.n > 1
    return "failed" if change.verdict == "worse" or same_in_each else "cannot tell"


def together(gates: Iterable[Gates]) -> Gates:
    """Several gates as one."""
    every = tuple(gates)
    return Gates(
        checks=tuple(check for each in every for check in each.checks),
        missing=tuple(name for each in every for name in each.missing),
    )
