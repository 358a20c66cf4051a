"""Sorting results into problems and optimizers, with one result for each seed."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from adabench.results.format import Result
from adabench.spec import Frozen


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of one optimizer on one problem.

    Args:
        label: what the optimizer is called here; unique within the problem.
        results: one for each seed, in order of the seed.
        repeated: the seeds that had several results.
    """

    label: str
    results: tuple[Result, ...]
    repeated: tuple[int, ...]

    @property
    def completed(self) -> tuple[Result, ...]:
        """The runs that came to their end."""
        return tuple(result for result in self.results if result.status == "completed")

    def seeds(self, *statuses: str) -> tuple[int, ...]:
        """The seeds of the runs that ended in one of ``statuses``."""
        return tuple(result.job.seed for result in self.results if result.status in statuses)


def by_problem(results: Iterable[Result]) -> list[tuple[Result, ...]]:
    """Results grouped by problem, epochs and precision, in order of the problem's label."""
    groups: dict[tuple[str, str, int, str], list[Result]] = defaultdict(list)
    canonical = _Canonical()
    for result in results:
        job = result.job
        groups[job.problem.label, canonical(job.problem), job.epochs, job.precision].append(result)
    return [tuple(groups[key]) for key in sorted(groups)]


def by_optimizer(results: Iterable[Result]) -> tuple[Runs, ...]:
    """One problem's results grouped by optimizer, in order of the label.

    Optimizers that share a label and differ in their settings are told apart by a number.
    """
    groups: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    canonical = _Canonical()
    for result in results:
        spec = result.job.optimizer
        groups[spec.label][canonical(spec)].append(result)
    return tuple(runs for label in sorted(groups) for runs in _told_apart(label, groups[label]))


def _told_apart(label: str, variants: Mapping[str, list[Result]]) -> list[Runs]:
    names = [label] if len(variants) == 1 else [f"{label} [{i + 1}]" for i in range(len(variants))]
    return [_one_per_seed(name, variants[key]) for name, key in zip(names, sorted(variants), strict=True)]


def _one_per_seed(label: str, results: Iterable[Result]) -> Runs:
    results = tuple(results)
    seeds = Counter(result.job.seed for result in results)
    return Runs(
        label=label,
        results=latest_per_seed(results),
        repeated=tuple(seed for seed in sorted(seeds) if seeds[seed] > 1),
    )


def latest_per_seed(results: Iterable[Result]) -> tuple[Result, ...]:
    """One result for each seed, in order of the seed: that which came to an end, and of those the latest."""
    seeds: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        seeds[result.job.seed].append(result)
    return tuple(_preferred(seeds[seed]) for seed in sorted(seeds))


def _preferred(results: list[Result]) -> Result:
    return results[0] if len(results) == 1 else max(results, key=_preference)


def _preference(result: Result) -> tuple[bool, str, str]:
    """A run that came to an end before one that did not, then the latest, then by key."""
    ended = result.environment.ended if result.environment else ""
    return result.finished, ended, result.job.key


class _Canonical:
    """A model as text that does not depend on the order of its options; each distinct text made once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, model: Frozen) -> str:
        text = model.model_dump_json()
        if text not in self._known:
            self._known[text] = json.dumps(model.model_dump(), sort_keys=True)
        return self._known[text]
