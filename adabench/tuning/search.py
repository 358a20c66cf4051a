"""The trials of a study: all at once, pruned on the way, or one after another.

Each way takes a study and the means to run jobs, and returns what was tried of every optimizer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adabench.compare.trials import Rank, rank, validation_accuracy
from adabench.results import Result
from adabench.spec import OptimizerSpec
from adabench.tuning.sampling import chosen_beforehand
from adabench.tuning.study import Run, Study, by_label

REDUCTION = 3
"""A rung of successive halving is this many times as long as the one before, and keeps one in as many."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting that was tried.

    Args:
        spec: the optimizer with it.
        results: its runs with the seed of the trials: one, or one for each rung that it reached.
    """

    spec: OptimizerSpec
    results: tuple[Result, ...]

    @property
    def last(self) -> Result:
        """Its longest run."""
        return max(self.results, key=lambda result: result.job.epochs)

    @property
    def rank(self) -> tuple[int, Rank]:
        """What it is chosen by, higher is better: how far it came, then the validation set."""
        return self.last.job.epochs, rank(self.last)

    @property
    def value(self) -> float:
        """Its validation accuracy, a fraction; 0 when its run did not complete."""
        return validation_accuracy(self.last)


Tried = Mapping[str, Sequence[Trial]]
"""What was tried of each optimizer, by its label: its default first."""


def search(study: Study, run: Run) -> Tried:
    """Try as many settings of each optimizer as the protocol says.

    Raises:
        RequestError: a sampler that is not installed.
    """
    if study.protocol.pruner:
        return _by_halving(study, run)
    if study.protocol.how.points is None:
        from adabench.tuning.adaptive import by_optuna

        return by_optuna(study, run)
    wanted = candidates(study)
    every = [spec for specs in wanted.values() for spec in specs]
    results = by_label(run(f"{study.spec.label}, {len(every)} trials", study.trials(every)))
    return {
        label: [Trial(spec=spec, results=(results[spec.label][0],)) for spec in specs]
        for label, specs in wanted.items()
    }


def candidates(study: Study) -> dict[str, list[OptimizerSpec]]:
    """The settings of each optimizer that are known before anything has run."""
    how, trials = study.protocol.how, study.protocol.trials
    return {entry.label: chosen_beforehand(entry, how, trials) for entry in study.entries}


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A stage of successive halving: so many settings of each optimizer run for so many epochs."""

    settings: int
    epochs: int


def rungs(settings: int, epochs: int, finalists: int) -> list[Rung]:
    """The stages, the last one as long as a whole run; none keeps fewer settings than can be finalists.

    Source: Jamieson and Talwalkar 2016, arXiv 1502.07943.
    """
    found = [Rung(settings=settings, epochs=epochs)]
    while (length := found[0].epochs // REDUCTION) >= 1 and -(
        -settings // REDUCTION ** len(found)
    ) > finalists:
        found.insert(0, Rung(settings=settings, epochs=length))
    return [
        Rung(settings=max(1, -(-settings // REDUCTION**place)), epochs=rung.epochs)
        for place, rung in enumerate(found)
    ]


def _by_halving(study: Study, run: Run) -> Tried:
    """Run all settings briefly, the best third for longer, and so on; the default always goes on."""
    wanted = candidates(study)
    kept: dict[str, list[OptimizerSpec]] = dict(wanted)
    ran: dict[str, list[Result]] = {}
    for rung in rungs(study.protocol.trials, study.epochs, study.protocol.finalists):
        kept = {label: _best(specs, ran, rung.settings) for label, specs in kept.items()}
        every = [spec for specs in kept.values() for spec in specs]
        words = f"{study.spec.label}, {len(every)} trials of {rung.epochs} epochs"
        for label, results in by_label(run(words, study.trials(every, rung.epochs))).items():
            ran.setdefault(label, []).extend(results)
    return {
        label: [Trial(spec=spec, results=tuple(ran[spec.label])) for spec in specs]
        for label, specs in wanted.items()
    }


def _best(
    specs: Sequence[OptimizerSpec], ran: Mapping[str, Sequence[Result]], count: int
) -> list[OptimizerSpec]:
    """The default, which stands first, and the best others by their last run: ``count`` in all."""
    default, *others = specs
    if len(specs) <= count:
        return list(specs)
    others.sort(key=lambda spec: rank(ran[spec.label][-1]), reverse=True)
    return [default, *others[: max(1, count - 1)]]
