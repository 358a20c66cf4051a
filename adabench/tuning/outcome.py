"""What a tuning found: of each optimizer the chosen setting, what it gained, and what finding it cost."""

from collections.abc import Mapping, Sequence

from adabench.compare.budget_curve import BestOf, budget_curve
from adabench.compare.statistics import Estimate, estimate, paired_difference
from adabench.compare.trials import mean_rank, validation_accuracy
from adabench.results import Result
from adabench.spec import Frozen, OptimizerSpec
from adabench.tuning.search import Trial, Tried
from adabench.tuning.space import Entry
from adabench.tuning.study import Run, Study, by_label


class Judged(Frozen):
    """A setting on the seeds that judge it; accuracies are fractions, None where no run completed."""

    optimizer: str
    """As ``--opt`` takes it."""
    completed: int
    runs: int
    validation: Estimate | None
    test: Estimate | None


class Tuned(Frozen):
    """One optimizer, tuned."""

    optimizer: str
    space: dict[str, str]
    """The ranges searched, as ``--space`` takes them."""
    best: Judged
    default: Judged
    gain: Estimate | None
    """Test accuracy of the best minus that of the default, paired by seed; None where they are the same."""
    trials: int
    unfinished: int
    """Trials that diverged or failed; each counts as the worst."""
    gradient_evaluations: int
    """Of all runs, the finalists' among them."""
    seconds: float
    budget: tuple[BestOf, ...]
    """The best validation accuracy of k random trials; empty where trials were not chosen beforehand."""
    so_far: tuple[float, ...]
    """The best validation accuracy after 1, 2, ... trials, in the order in which they were made."""
    edges: tuple[str, ...]
    """What to widen, where the best lies at an edge of its range."""


class Outcome(Frozen):
    """A study's end."""

    problem: str
    epochs: int
    validation_fraction: float
    sampler: str
    pruner: str | None
    trials: int
    finalists: int
    tuning_seed: int
    seeds: tuple[int, ...]
    optimizers: tuple[Tuned, ...]


def judge(study: Study, tried: Tried, run: Run) -> Outcome:
    """Run the finalists on the seeds that judge them, and choose of each optimizer the best by validation.

    Args:
        study: what was asked.
        tried: the trials of each optimizer.
        run: the means to run jobs.
    """
    chosen = {entry.label: finalists(tried[entry.label], study.protocol.finalists) for entry in study.entries}
    every = list({spec.label: spec for specs in chosen.values() for spec in specs}.values())
    words = f"{study.spec.label}, {len(every)} finalists, {len(study.protocol.seeds)} seeds each"
    finals = by_label(run(words, study.finals(every)))
    protocol = study.protocol
    return Outcome(
        problem=study.spec.label,
        epochs=study.epochs,
        validation_fraction=study.spec.validation_fraction,
        sampler=protocol.sampler,
        pruner=protocol.pruner,
        trials=protocol.trials,
        finalists=protocol.finalists,
        tuning_seed=protocol.tuning_seed,
        seeds=protocol.seeds,
        optimizers=tuple(
            _tuned(
                entry,
                tried[entry.label],
                {spec.label: (spec, finals[spec.label]) for spec in chosen[entry.label]},
                beforehand=protocol.how.points is not None and protocol.pruner is None,
            )
            for entry in study.entries
        ),
    )


def finalists(trials: Sequence[Trial], count: int) -> list[OptimizerSpec]:
    """The default, which is the first trial, and the ``count`` best of all, by validation alone."""
    best = sorted(trials, key=lambda trial: trial.rank, reverse=True)[:count]
    return list({trial.spec.label: trial.spec for trial in (trials[0], *best)}.values())


def _tuned(
    entry: Entry,
    trials: Sequence[Trial],
    finals: Mapping[str, tuple[OptimizerSpec, Sequence[Result]]],
    *,
    beforehand: bool,
) -> Tuned:
    # The default stands first, so that it stays where nothing is better.
    best = max(finals, key=lambda label: mean_rank(finals[label][1]))
    spec, runs = finals[best]
    default = finals[entry.label][1]
    every = [r for trial in trials for r in trial.results] + [
        r for _, found in finals.values() for r in found
    ]
    values = [trial.value for trial in trials]
    return Tuned(
        optimizer=entry.label,
        space={setting: "/".join(map(str, ranges)) for setting, ranges in entry.space.items()},
        best=_judged(best, runs),
        default=_judged(entry.label, default),
        gain=None if best == entry.label else paired_difference(_test(runs), _test(default)),
        trials=len(trials),
        unfinished=sum(trial.last.status != "completed" for trial in trials),
        gradient_evaluations=sum(result.summary.gradient_evaluations for result in every),
        seconds=sum(result.summary.seconds or 0.0 for result in every),
        budget=budget_curve(values) if beforehand else (),
        so_far=tuple(max(values[: place + 1]) for place in range(len(values))),
        edges=tuple(entry.edges(spec)),
    )


def _judged(label: str, runs: Sequence[Result]) -> Judged:
    completed = [run for run in runs if run.status == "completed"]
    return Judged(
        optimizer=label,
        completed=len(completed),
        runs=len(runs),
        validation=estimate([validation_accuracy(run) for run in completed]),
        test=estimate(list(_test(runs).values())),
    )


def _test(runs: Sequence[Result]) -> dict[int, float]:
    """The final test accuracy of each seed that completed."""
    values = {run.job.seed: run.summary.final_test_accuracy for run in runs if run.status == "completed"}
    return {seed: value for seed, value in values.items() if value is not None}
