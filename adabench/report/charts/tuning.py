"""Charts of a tuning: how good the best of k trials is, and how much each setting matters."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from adabench.compare.budget_curve import best_of
from adabench.compare.metrics import AXES
from adabench.compare.trials import Trials, validation_accuracy
from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.curves import rounded
from adabench.results.format import Result

VALIDATION = "validation accuracy, per cent"
FEWEST_VALUES = 3
SPAN = 20.0
"""Settings whose largest value is this many times the smallest are drawn on a logarithmic axis."""


def budget(tried: Sequence[Trials]) -> Chart | None:
    """The best validation accuracy of k random trials; None where nothing was tuned in whole runs."""
    whole = [each for each in tried if not each.pruned]
    if not whole:
        return None
    counts = ", ".join(f"{each.optimizer} {len(each.at_seed)}" for each in whole)
    return Chart(
        slug="budget",
        title="Best of k trials",
        caption="Expected validation accuracy of the best of k settings drawn at random from those tried "
        f"({counts}), after the last epoch of seed {_seeds(whole)}; the band holds 95 % of such bests. A run "
        "that did not complete counts as 0. Right: over the gradient evaluations of so many trials. "
        "Source: Dodge et al. 2019, arXiv 1909.03004.",
        panels=(
            Panel(x="trials", y=f"best {VALIDATION}", series=tuple(_curve(each, 1) for each in whole)),
            Panel(
                x=AXES["gradient_evaluations"],
                y=f"best {VALIDATION}",
                series=tuple(_curve(each, _evaluations(each)) for each in whole),
            ),
        ),
        columns=2,
    )


def _curve(tried: Trials, cost: float) -> Series:
    """The best of 1, 2, 3, ... trials, over what they cost."""
    values = [100 * validation_accuracy(result) for result in tried.at_seed.values()]
    found = [best_of(values, trials) for trials in range(1, len(values) + 1)]
    return Series(
        optimizer=tried.optimizer,
        x=rounded(cost * each.trials for each in found),
        y=rounded(each.mean for each in found),
        low=rounded(each.low for each in found),
        high=rounded(each.high for each in found),
    )


def _evaluations(tried: Trials) -> float:
    """Gradient evaluations of a trial, on average."""
    return statistics.fmean(result.summary.gradient_evaluations for result in tried.at_seed.values())


def settings(tried: Sequence[Trials]) -> Chart | None:
    """Validation accuracy over each number that was searched; None where nothing was tuned."""
    values = {each.optimizer: dict(_searched(each)) for each in tried}
    names = dict.fromkeys(name for found in values.values() for name in found)
    panels = tuple(
        _panel(name, {label: found[name] for label, found in values.items() if name in found})
        for name in names
    )
    lost = sum(result.status != "completed" for each in tried for result in each.at_seed.values())
    return (
        Chart(
            slug="settings",
            title="Trials by setting",
            caption=f"A point for each trial that completed, after the last epoch of seed {_seeds(tried)}; "
            f"{lost} did not complete. Other settings vary from point to point, "
            "and logarithmic axes have no place for a setting of 0.",
            panels=panels,
            columns=3,
        )
        if panels
        else None
    )


def _seeds(tried: Sequence[Trials]) -> str:
    return " or ".join(map(str, sorted({each.seed for each in tried})))


def _panel(name: str, points: Mapping[str, Sequence[tuple[float, float]]]) -> Panel:
    every = [value for found in points.values() for value, _ in found if value > 0]
    logarithmic = bool(every) and max(every) >= SPAN * min(every)
    kept = {
        label: [(value, y) for value, y in found if value > 0 or not logarithmic]
        for label, found in points.items()
    }
    return Panel(
        x="learning rate" if name == "lr" else name,
        y=VALIDATION,
        series=tuple(_points(label, found) for label, found in kept.items() if found),
        kind="points",
        log_x=logarithmic,
    )


def _points(label: str, found: Sequence[tuple[float, float]]) -> Series:
    x, y = (rounded(each) for each in zip(*sorted(found), strict=True))
    return Series(optimizer=label, x=x, y=y, low=y, high=y)


def _searched(tried: Trials) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Every number with at least `FEWEST_VALUES` values, and its (value, accuracy) in each trial."""
    found: dict[str, list[tuple[float, float]]] = {}
    for result in tried.at_seed.values():
        for name, number in _numbers(result) if result.status == "completed" else ():
            found.setdefault(name, []).append((number, 100 * validation_accuracy(result)))
    for name, pairs in found.items():
        if len({number for number, _ in pairs}) >= FEWEST_VALUES:
            yield name, pairs


def _numbers(result: Result) -> Iterator[tuple[str, float]]:
    """The settings that are numbers, those of several numbers one by one."""
    for name, value in result.job.optimizer.hyperparameters.items():
        items = value if isinstance(value, tuple) else (value,)
        for place, item in enumerate(items, 1):
            if isinstance(item, (int, float)) and not isinstance(item, bool):
                yield (f"{name} {place}" if isinstance(value, tuple) else name), float(item)
