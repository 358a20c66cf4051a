"""Trials of a tuning among results: the settings of one optimizer that ran on one problem with one seed.

Nothing but the validation set chooses among them. A run that did not complete counts as the worst.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adabench.catalogue import parse
from adabench.compare.selection import by_optimizer, by_problem
from adabench.results.format import Result
from adabench.spec import ProblemSpec, SupervisedSpec

FEWEST_SETTINGS = 4
"""With fewer settings of an optimizer at one seed nobody tuned it: they were named by hand."""
WORST = 0.0

Rank = tuple[float, float]


def validation_accuracy(result: Result) -> float:
    """The share of the validation set that was right after the last epoch; `WORST` if that never came."""
    return _last(result, "validation_accuracy", WORST)


def rank(result: Result) -> Rank:
    """What a run is chosen by, higher is better: validation accuracy, then minus validation loss."""
    return validation_accuracy(result), -_last(result, "validation_loss", float("inf"))


def _last(result: Result, column: str, otherwise: float) -> float:
    values = result.curve.get(column) or [None]
    value = values[-1] if result.status == "completed" else None
    return otherwise if value is None else value


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The settings of one optimizer that were tried on one problem with runs of one length.

    Args:
        optimizer: its name, without settings.
        seed: that of the trials.
        at_seed: each setting's run with that seed, by label.
        finalists: the runs of the settings that went on to other seeds, by label; where every seed saw
            every setting, all runs; empty where there is no other seed.
        pruned: settings of shorter runs were left behind on the way here.
    """

    optimizer: str
    seed: int
    at_seed: Mapping[str, Result]
    finalists: Mapping[str, Sequence[Result]]
    pruned: bool

    @property
    def runs(self) -> Mapping[str, Sequence[Result]]:
        """What is chosen by, by label: the finalists' runs, else those of the trials."""
        return self.finalists or {label: [result] for label, result in self.at_seed.items()}

    @property
    def chosen(self) -> str:
        """The label that validation chooses, by the mean over its runs."""
        return max(self.runs, key=lambda label: mean_rank(self.runs[label]))

    @property
    def default(self) -> str:
        """The label that changes the fewest settings: the untuned default, which is always a finalist."""
        return min(self.runs, key=lambda label: (len(parse(label)[1]), label))


def mean_rank(results: Sequence[Result]) -> Rank:
    """The mean of what several seeds of one setting are ranked by."""
    ranks = [rank(result) for result in results]
    accuracy, loss = (sum(each) / len(ranks) for each in zip(*ranks, strict=True))
    return accuracy, loss


Settings = dict[str, tuple[Result, ...]]
"""The runs of each setting, by label."""


def trials(groups: Sequence[Sequence[Result]]) -> list[list[Trials]]:
    """What was tuned: at least `FEWEST_SETTINGS` settings of an optimizer ran with one seed.

    Args:
        groups: results as `by_problem` sorts them; runs of one problem may have several lengths.

    Returns:
        For each group its trials, in order of the optimizer.
    """
    tried = [_settings(group) for group in groups]
    largest: dict[tuple[ProblemSpec, str, str], tuple[int, int]] = {}
    for group, settings in zip(groups, tried, strict=True):
        for name, runs in settings.items():
            key = (group[0].job.problem, group[0].job.precision, name)
            largest[key] = max(largest.get(key, (0, 0)), _trial_seed(runs))
    found = []
    for group, settings in zip(groups, tried, strict=True):
        seeds = {n: largest[group[0].job.problem, group[0].job.precision, n] for n in sorted(settings)}
        each = (_of_one(n, settings[n], most, seed) for n, (most, seed) in seeds.items())
        found.append([one for one in each if one.at_seed and seeds[one.optimizer][0] >= FEWEST_SETTINGS])
    return found


def _settings(group: Sequence[Result]) -> dict[str, Settings]:
    """The runs of every setting of each optimizer, where there is a validation set."""
    found: dict[str, Settings] = defaultdict(dict)
    problem = group[0].job.problem
    if not isinstance(problem, SupervisedSpec) or not problem.validation_fraction:
        return found
    for runs in by_optimizer(group):
        found[runs.results[0].job.optimizer.name][runs.label] = runs.results
    return found


def _trial_seed(settings: Settings) -> tuple[int, int]:
    """The seed that most settings ran with, after the number of these."""
    counts = Counter(result.job.seed for results in settings.values() for result in results)
    return max((count, seed) for seed, count in counts.items())


def _of_one(name: str, settings: Settings, most: int, seed: int) -> Trials:
    at_seed = {label: r for label, runs in settings.items() for r in runs if r.job.seed == seed}
    others = {label: [r for r in runs if r.job.seed != seed] for label, runs in settings.items()}
    if all(others.values()):  # no seed was for trials alone
        others = {label: list(runs) for label, runs in settings.items()} if len(at_seed) == most else others
    longest = max(map(len, others.values()))
    finalists = {label: runs for label, runs in others.items() if runs and len(runs) == longest}
    return Trials(optimizer=name, seed=seed, at_seed=at_seed, finalists=finalists, pruned=len(at_seed) < most)


def tuned(results: Iterable[Result]) -> tuple[tuple[Result, ...], list[str]]:
    """Of every optimizer that was tuned: the setting that validation chooses, beside the untuned default.

    Runs with the seed of the trials are left out where others judge: the setting was chosen by them.

    Returns:
        The results that are left, and one line about each choice.
    """
    kept, lines = [], []
    groups = by_problem(results)
    tried = trials(groups)
    judged = {
        _whose(group, each)
        for group, found in zip(groups, tried, strict=True)
        for each in found
        if each.finalists
    }
    for group, found in zip(groups, tried, strict=True):
        names = {each.optimizer for each in found}
        kept += [result for result in group if result.job.optimizer.name not in names]
        for each in found:
            if not each.finalists and _whose(group, each) in judged:
                continue  # a rung on the way to runs that were judged
            labels = {each.chosen, each.default}
            kept += [result for label in sorted(labels) for result in each.runs[label]]
            lines.append(
                f"{group[0].job.problem.label}, {group[0].job.epochs} epochs: {each.chosen} chosen on "
                f"validation among {len(each.at_seed)} settings of {each.optimizer} (seed {each.seed})"
            )
    return tuple(kept), lines


def _whose(group: Sequence[Result], each: Trials) -> tuple[ProblemSpec, str, str]:
    return group[0].job.problem, group[0].job.precision, each.optimizer
