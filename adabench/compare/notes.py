"""What a reader must know before believing a table, one line each."""

from collections.abc import Sequence

from adabench.compare.selection import Runs


def notes(runs: Sequence[Runs], baseline: str | None, wanted: str | None) -> tuple[str, ...]:
    """Everything about one problem's runs that weakens their comparison.

    Args:
        runs: the problem's runs, one entry for each optimizer.
        baseline: the label that the others are compared with; None when there is none.
        wanted: the label that was asked for; None when none was.
    """
    lines = [
        *_about_baseline(runs, baseline, wanted),
        *about_runs(runs),
        *_mixed_hardware(runs),
        *_mixed_data(runs),
    ]
    return tuple(lines)


def about_runs(runs: Sequence[Runs]) -> tuple[str, ...]:
    """What weakens a comparison whatever is compared: repeated, lacking and single runs."""
    return (*_repeated(runs), *_unshared_seeds(runs), *_single(runs))


def _about_baseline(runs: Sequence[Runs], baseline: str | None, wanted: str | None) -> list[str]:
    if baseline is None:
        return [f"the baseline {wanted} has no runs here, so there are no differences"]
    if not any(each.seeds("completed") for each in runs if each.label == baseline):
        return [f"the baseline {baseline} has no completed run, so there are no differences"]
    return []


def _repeated(runs: Sequence[Runs]) -> list[str]:
    return [
        f"{each.label} has several results for {seed_words(each.repeated)} "
        "(such as from other thread counts); the one that ended last is used"
        for each in runs
        if each.repeated
    ]


def _unshared_seeds(runs: Sequence[Runs]) -> list[str]:
    seeds = {each.label: {result.job.seed for result in each.results} for each in runs}
    every = set[int]().union(*seeds.values())
    lacking = [f"{label} lacks {seed_words(every - own)}" for label, own in seeds.items() if every - own]
    return [f"not every optimizer has every seed: {'; '.join(lacking)}"] if lacking else []


def _single(runs: Sequence[Runs]) -> list[str]:
    single = [each.label for each in runs if len(each.seeds("completed")) == 1]
    return [f"one completed run says nothing about spread: {', '.join(single)}"] if single else []


def _mixed_hardware(runs: Sequence[Runs]) -> list[str]:
    places = {
        f"{where.device} with {where.threads} threads" if where.device_type == "cpu" else where.device
        for each in runs
        for result in each.results
        if (where := result.environment)
    }
    line = f"runs come from different hardware, so seconds do not compare: {'; '.join(sorted(places))}"
    return [line] if len(places) > 1 else []


def _mixed_data(runs: Sequence[Runs]) -> list[str]:
    prints = {
        result.environment.dataset_fingerprint
        for each in runs
        for result in each.results
        if result.environment and result.environment.dataset_fingerprint
    }
    line = f"runs saw {len(prints)} different versions of the data, so accuracies do not compare"
    return [line] if len(prints) > 1 else []


def seed_words(seeds: Sequence[int] | set[int]) -> str:
    """Seeds in words, such as ``seed 3`` or ``seeds 0-4, 7``."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    spans = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(spans)}"
