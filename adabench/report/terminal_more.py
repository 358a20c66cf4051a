"""What a terminal shows beyond the table of each problem, when asked for or when it matters."""

from collections.abc import Sequence

from adabench.compare.metrics import AXES, METRICS
from adabench.compare.model import (
    Across,
    AcrossRow,
    AtEqualCost,
    Comparison,
    EqualCost,
    ProblemComparison,
    Profile,
    TargetRow,
)
from adabench.compare.ranks import MINIMUM_PROBLEMS
from adabench.compare.versus import Versus
from adabench.report import numbers
from adabench.report.terminal_blocks import LABEL_WIDTH, tabulated, wrapped
from adabench.report.text import plain
from adabench.report.units import Units, probability

SHORT = {
    "better": "better",
    "worse": "worse",
    "practically equal": "equal",
    "too few seeds to tell": "too few",
    "nothing claimed": numbers.NOTHING,
}
DETAILS = (
    "n counts pairs (with *: the smaller of two unpaired samples); g is Hedges' effect size; p t is of the "
    "paired t test (*: Welch's), p flip of the exact sign-flip test; finds is the true difference that so "
    "many pairs detect with 80 % power."
)


def details(compared: ProblemComparison, units: Units, whole: Comparison) -> list[str]:
    """Every comparison with its tests."""
    if not compared.comparisons:
        return []
    equal = ["p equal"] if whole.margin is not None else []
    others = {each.against for each in compared.comparisons}
    names = ["optimizer", "against"] if len(others) > 1 else [f"against {plain(min(others), 16)}"]
    columns = [
        *(*names, "n", f"difference{',' + units.points if units.points else ''}"),
        *("g", "p t", "p flip", "p Holm", *equal, "finds", "verdict"),
    ]
    rows = [
        [
            plain(each.optimizer),
            *([plain(each.against)] if len(names) > 1 else []),
            *_tests(each, units, equal),
        ]
        for each in compared.comparisons
    ]
    table = tabulated(columns, rows, labels=len(names), label_width=14 if len(names) > 1 else LABEL_WIDTH)
    return [table, wrapped(DETAILS + _details(compared.comparisons, whole))]


def _details(comparisons: Sequence[Versus], whole: Comparison) -> str:
    floors = sorted({(each.n, each.p_floor) for each in comparisons if each.p_floor is not None})
    words = [f" With {n} pairs p flip cannot go below {numbers.short(floor)}." for n, floor in floors[:1]]
    if whole.margin is not None:
        words.append(f" p equal is of two one-sided tests within {Units.of(whole).value(whole.margin)}.")
    return f" p Holm is p t corrected over {whole.family} comparisons.{''.join(words)}"


def _tests(found: Versus, units: Units, equal: Sequence[str]) -> list[str]:
    return [
        str(found.n) if found.paired else f"{found.n} *",
        units.difference(found.difference, found.interval),
        numbers.NOTHING if found.effect_size is None else f"{found.effect_size:.2f}",
        probability(found.p_t),
        probability(found.p_sign_flip),
        probability(found.p_holm),
        *([probability(found.p_equivalence)] if equal else []),
        units.value(found.detectable),
        SHORT[found.verdict],
    ]


def seeds(compared: ProblemComparison, units: Units, family: int) -> list[str]:
    """How many seeds would find the difference that was asked for."""
    asked = [(each, each.seeds_needed) for each in compared.comparisons if each.seeds_needed]
    if not asked:
        return []
    needed = asked[0][1]
    columns = [
        *("seeds needed", "against", "n so far", "deviation of\ndifferences"),
        *("if that is\nthe deviation", "if it is at its\nupper 80 % limit"),
    ]
    rows = [
        [
            *(plain(each.optimizer), plain(each.against), str(each.n), units.value(each.deviation)),
            *(numbers.quantity(n) if n else "over 100,000" for n in (wanted.seeds, wanted.cautious)),
        ]
        for each, wanted in asked
    ]
    holm = f", each of {family} comparisons at Holm's first step" if family > 1 else ""
    legend = (
        f"Seeds that find a true difference of {units.value(needed.difference)}{units.points} with "
        f"{100 * needed.power:.3g} % power (paired t test, level 5 %{holm})."
    )
    return [tabulated(columns, rows, labels=2), wrapped(legend)]


def equal_cost(compared: ProblemComparison, units: Units, *, every: bool) -> list[str]:
    """The metric at equal cost: over gradient evaluations where they differ, or over every axis."""
    usual = () if compared.budget else ("gradient_evaluations",)
    shown = [each for each in compared.equal_cost if every or each.axis in usual]
    return ["\n".join(wrapped(_at(each, compared, units, every)) for each in shown)] if shown else []


def _at(found: AtEqualCost, compared: ProblemComparison, units: Units, every: bool) -> str:
    """Everyone's mean, or that of the optimizers cut short alone, the others being as in the table."""
    place = f"At {numbers.quantity(found.budget)} {AXES[found.axis]} each"
    against = "" if compared.baseline is None else f" (vs {plain(compared.baseline)})"
    cut = ", ".join(map(plain, found.early))
    if every or compared.baseline in found.early:
        means = "; ".join(_equal(row, units) for row in found.rows)
        return f"{place}{against}: {means}. Cut short there: {cut}."
    means = "; ".join(_equal(row, units) for row in found.rows if row.optimizer in found.early)
    return f"{place}, where {cut} {'is' if len(found.early) == 1 else 'are'} cut short{against}: {means}."


def _equal(row: EqualCost, units: Units) -> str:
    if row.value is None:
        return f"{plain(row.optimizer)} not yet evaluated"
    mean = units.value(row.value.mean)
    if row.difference is None:
        return f"{plain(row.optimizer)} {mean}"
    return f"{plain(row.optimizer)} {mean}, {units.difference(row.difference.mean, row.difference.interval)}"


def targets(compared: ProblemComparison, units: Units) -> list[str]:
    """Who met the target, in how many runs and at what median cost."""
    if compared.target is None or not compared.target_rows:
        return []
    columns = [
        f"cost to {units.told(compared.target)}",
        "reached",
        "95 % interval",
        *(f"median\n{words}" for words in AXES.values()),
    ]
    ordered = sorted(compared.target_rows, key=_speed)
    return [tabulated(columns, [_target(row) for row in ordered])]


def _speed(row: TargetRow) -> tuple[bool, float, int, str]:
    median = row.costs["gradient_evaluations"].median
    return median is None, median or 0.0, -row.reached, row.optimizer


def _target(row: TargetRow) -> list[str]:
    low, high = row.share_interval
    return [
        plain(row.optimizer),
        f"{row.reached} of {row.runs}",
        f"{100 * low:.0f} to {100 * high:.0f} %",
        *(numbers.cost(cost.median, axis) for axis, cost in row.costs.items()),
    ]


def across(comparison: Comparison, *, detailed: bool) -> list[str]:
    """All problems at once; who cannot take part, and whether ranks differ by more than chance.

    Args:
        comparison: what to show.
        detailed: show the profile scores over every axis of cost.
    """
    found = comparison.across
    if found is None:
        return []
    lines = [f"{plain(name)} has no result on {_named(lacks)}" for name, lacks in found.missing.items()]
    missing = [f"note: left out of everything over problems: {'; '.join(lines)}"] if lines else []
    if not found.rows:
        reason = "Nothing is said over all problems: fewer than two optimizers have a result on each."
        return ["\n".join(map(wrapped, [*missing, reason]))]
    measure, base = METRICS[comparison.metric], plain(found.baseline or "", 16)
    costs = {each.optimizer: each for each in found.profiles if each.axis == "gradient_evaluations"}
    against = f"P(better than\n{base})"
    columns = [
        f"over {len(found.problems)} problems",
        "mean\nrank",
        *(["interquartile\nmean, %"] if measure.is_share else []),
        *([against] if found.baseline else []),
        *(["profile\nscore", f"speed-up\nvs {base}"] if costs else []),
    ]
    rows = [_over_all(row, found.baseline, costs.get(row.optimizer), measure.is_share) for row in found.rows]
    sentences = [*missing, _chance(comparison), *_explained(bool(costs))]
    scores = [_scores(found)] if detailed and found.profiles else []
    table = tabulated(columns, rows, label_width=20)
    return ["\n\n".join([table, "\n".join(map(wrapped, sentences)), *scores])]


def _scores(found: Across) -> str:
    """Every optimizer's profile score over every axis of cost."""
    by_place = {(each.optimizer, each.axis): _score(each) for each in found.profiles}
    rows = [[plain(row.optimizer), *(by_place[row.optimizer, axis] for axis in AXES)] for row in found.rows]
    return tabulated(["profile score over", *AXES.values()], rows, label_width=20)


def _named(titles: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return "; ".join(map(plain, titles[:most])) + more


def _over_all(row: AcrossRow, baseline: str | None, cost: Profile | None, share: bool) -> list[str]:
    return [
        plain(row.optimizer),
        f"{row.mean_rank:.2f}",
        *([_percents(row.interquartile_mean, row.interquartile_interval, 2)] if share else []),
        *([_percents(row.improvement, row.improvement_interval, 0)] if baseline else []),
        *([_score(cost), numbers.NOTHING if cost.speedup is None else f"{cost.speedup:.2f}"] if cost else []),
    ]


def _percents(value: float | None, interval: tuple[float, float] | None, decimals: int) -> str:
    if value is None:
        return numbers.NOTHING
    span = f" ({100 * interval[0]:.{decimals}f} to {100 * interval[1]:.{decimals}f})" if interval else ""
    return f"{100 * value:.{decimals}f}{span}"


def _score(cost: Profile) -> str:
    return f"{cost.score:.2f} ({cost.score_interval[0]:.2f} to {cost.score_interval[1]:.2f})"


def _chance(comparison: Comparison) -> str:
    found = comparison.across
    if found is None or found.friedman is None:
        return f"Ranks are not tested: that takes {MINIMUM_PROBLEMS} problems and 3 optimizers."
    test = found.friedman
    words = "differ" if test.p < 0.05 else "do not differ"
    return f"Ranks {words} by more than chance (Friedman, p {probability(test.p)})" + (
        f"; two differ where they are {test.critical_difference:.2f} apart (Nemenyi)."
        if test.p < 0.05
        else "."
    )


def _explained(costs: bool) -> list[str]:
    line = "Brackets hold 95 % bootstrap intervals over seeds; other problems could give other answers."
    profile = " Profile and speed-up are of gradient evaluations to the target." if costs else ""
    return [line + profile]


def noise(comparison: Comparison) -> list[str]:
    """How far seconds can be believed, where a job was run twice."""
    found = comparison.timing_noise
    if found is None:
        return []
    pairs = "1 job was" if found.pairs == 1 else f"{found.pairs} pairs of runs were of one job"
    pairs = "1 pair of runs was of one job" if found.pairs == 1 else pairs
    return [
        wrapped(
            f"Timing: {pairs}; their seconds differ by {100 * found.typical:.1f} % in the middle, "
            f"{100 * found.largest:.1f} % at most. Smaller differences in seconds say nothing."
        )
    ]
