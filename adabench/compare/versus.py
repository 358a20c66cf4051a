"""One optimizer against another: the difference, how sure it is, and what may be said of it."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

from adabench.compare.power import detectable_difference, seeds_needed, upper_deviation
from adabench.compare.question import Question
from adabench.compare.significance import (
    equivalence_probability,
    hedges,
    holm,
    sign_flip_floor,
    sign_flip_probability,
    t_probability,
)
from adabench.compare.statistics import CONFIDENCE, Estimate, Interval, paired_differences
from adabench.compare.statistics import estimate as estimate_of
from adabench.compare.welch import welch_degrees, welch_error, welch_interval
from adabench.spec import Frozen

Verdict = Literal["better", "worse", "practically equal", "too few seeds to tell", "nothing claimed"]
ALPHA = 1 - CONFIDENCE


class SeedsNeeded(Frozen):
    """How many seeds would find a difference.

    ``seeds`` supposes that differences vary as they did here; ``cautious`` that they vary as much as
    the upper 80 % confidence limit of that. None where more than 100,000 are needed.
    """

    power: float
    difference: float
    seeds: int | None
    cautious: int | None


class Versus(Frozen):
    """``optimizer`` minus ``against`` on one metric, in its unit.

    Paired by seed where they share at least two; else Welch's comparison of independent samples,
    whose ``n`` is the smaller one; ``degrees`` are those of freedom. ``effect_size`` is Hedges' g of
    the differences (unpaired: of the groups). ``p_holm`` is ``p_t`` after Holm's correction over the
    comparison's whole family, and decides the verdict; ``p_sign_flip`` needs no normality and cannot
    go below ``p_floor``. ``p_equivalence`` is that of two one-sided tests within the margin, corrected
    likewise. ``detectable`` is the true difference that this many pairs find with 80 % power at the
    first, hardest step of Holm.
    """

    optimizer: str
    against: str
    paired: bool
    n: int
    difference: float
    deviation: float | None
    standard_error: float | None = None
    degrees: float | None = None
    interval: Interval | None
    effect_size: float | None = None
    p_t: float | None = None
    p_sign_flip: float | None = None
    p_floor: float | None = None
    p_holm: float | None = None
    p_equivalence: float | None = None
    detectable: float | None = None
    seeds_needed: SeedsNeeded | None = None
    verdict: Verdict = "too few seeds to tell"


def versus(
    optimizer: str,
    against: str,
    mine: Mapping[int, float],
    base: Mapping[int, float],
    *,
    sign_flips: bool = True,
) -> Versus | None:
    """Two optimizers' values by seed, compared on their own; `judged` adds what depends on the others.

    Args:
        optimizer: whose values ``mine`` are.
        against: whose values ``base`` are.
        mine: by seed.
        base: by seed, in the same unit.
        sign_flips: whether to do the sign-flip test, which takes longest with many seeds.

    Returns:
        None where they share no seed and one of them has fewer than two values.
    """
    differences = paired_differences(mine, base)
    if len(differences) < 2 and min(len(mine), len(base)) > 1:
        one, other = estimate_of(list(mine.values())), estimate_of(list(base.values()))
        return unpaired(optimizer, against, one, other) if one and other else None
    found = estimate_of(differences)
    if found is None:
        return None
    return Versus(
        optimizer=optimizer,
        against=against,
        paired=True,
        n=found.n,
        difference=found.mean,
        deviation=found.deviation,
        interval=found.interval,
        **(_paired_tests(differences, found.mean, found.deviation, sign_flips) if found.deviation else {}),
    )


def _paired_tests(
    differences: Sequence[float], mean: float, deviation: float, sign_flips: bool
) -> dict[str, Any]:
    n = len(differences)
    error = deviation / math.sqrt(n)
    return {
        "standard_error": error,
        "degrees": n - 1,
        "effect_size": _number(mean / deviation * hedges(n - 1)),
        "p_t": t_probability(mean, error, n - 1),
        "p_sign_flip": sign_flip_probability(differences) if sign_flips else None,
        "p_floor": sign_flip_floor(n),
    }


def unpaired(optimizer: str, against: str, one: Estimate, other: Estimate) -> Versus:
    """Two independent samples by Welch's test, such as a published figure or another machine's runs.

    Args:
        optimizer: whose sample ``one`` is.
        against: whose sample ``other`` is.
        one: size, mean and sample standard deviation.
        other: the same, in the same unit.
    """
    mean = round(one.mean - other.mean, 12)
    return Versus(
        optimizer=optimizer,
        against=against,
        paired=False,
        n=min(one.n, other.n),
        difference=mean,
        deviation=None,
        interval=welch_interval(one, other),
        **_welch_tests(mean, one, other),
    )


def _welch_tests(mean: float, one: Estimate, other: Estimate) -> dict[str, Any]:
    error = welch_error(one, other)
    if not error or one.deviation is None or other.deviation is None:
        return {}
    pooled = math.sqrt((one.deviation**2 + other.deviation**2) / 2)
    degrees = welch_degrees(one, other)
    return {
        "standard_error": error,
        "degrees": degrees,
        "effect_size": _number(mean / pooled * hedges(one.n + other.n - 2)),
        "p_t": t_probability(mean, error, degrees),
    }


def against_best(
    ordered: Sequence[tuple[str, Mapping[int, float]]], metric: str = "final"
) -> tuple[Versus, ...]:
    """Every other optimizer against the best one, with p corrected for all pairs of them.

    The data chose the best, and any might have been it: corrected for its own pairs alone, p errs in up to
    9 % of comparisons instead of 5 (`bench/calibration.py`). There are no sign-flip tests.

    Args:
        ordered: optimizers and their values by seed, the best first.
        metric: what the values are of; tells the direction in which better lies.
    """
    pairs = (
        versus(name, better, values, base, sign_flips=False)
        for (better, base), (name, values) in combinations(ordered, 2)
    )
    family = judged([each for each in pairs if each is not None], Question(metric=metric))
    return tuple(each for each in family if each.against == ordered[0][0])


def judged(
    family: Sequence[Versus], question: Question, *, silent: frozenset[int] = frozenset()
) -> list[Versus]:
    """Every comparison with what depends on how many there are: Holm's p, detectability, verdict.

    Args:
        family: all comparisons that are shown together.
        question: tells the margin, and the direction in which better lies.
        silent: places of comparisons of which nothing may be claimed, since runs of them diverged.
    """
    adjusted = holm([each.p_t for each in family])
    equal = holm([_equivalence(each, question.margin) for each in family])
    alpha = ALPHA / max(1, len(family))
    result = []
    for place, (each, p, p_equal) in enumerate(zip(family, adjusted, equal, strict=True)):
        verdict = "nothing claimed" if place in silent else _verdict(each, p, p_equal, question.measure.sign)
        more = {"p_holm": p, "p_equivalence": p_equal, "verdict": verdict}
        result.append(Versus(**{**dict(each), **more, **_planning(each, question, alpha)}))
    return result


def _equivalence(found: Versus, margin: float | None) -> float | None:
    if margin is None or found.standard_error is None or found.degrees is None:
        return None
    return equivalence_probability(found.difference, found.standard_error, found.degrees, margin)


def _verdict(found: Versus, p: float | None, p_equal: float | None, sign: int) -> Verdict:
    if p_equal is not None and p_equal < ALPHA:
        return "practically equal"
    if p is None or p >= ALPHA:
        return "too few seeds to tell"
    return "better" if sign * found.difference > 0 else "worse"


def _planning(found: Versus, question: Question, alpha: float) -> dict[str, Any]:
    if not (found.paired and found.deviation):
        return {}
    detectable = detectable_difference(found.deviation, found.n, alpha=alpha)
    if question.difference is None:
        return {"detectable": detectable}
    upper = upper_deviation(found.deviation, found.n)
    seeds, cautious = (
        seeds_needed(spread, question.difference, wanted=question.power, alpha=alpha)
        for spread in (found.deviation, upper)
    )
    needed = SeedsNeeded(power=question.power, difference=question.difference, seeds=seeds, cautious=cautious)
    return {"detectable": detectable, "seeds_needed": needed}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
