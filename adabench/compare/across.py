"""Optimizers over several problems: ranks, scores over all runs, and profiles of cost to target."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from adabench.compare import profiles
from adabench.compare.aggregates import improvement, interquartile_mean
from adabench.compare.metrics import AXES, Axis
from adabench.compare.model import ProblemComparison, Row
from adabench.compare.model_across import Across, AcrossRow, Friedman, Profile
from adabench.compare.question import Question
from adabench.compare.ranks import MINIMUM_PROBLEMS, average_ranks, critical_difference, friedman
from adabench.compare.resampling import Array, draws, percentile_interval

Table = Mapping[str, Sequence[Row]]
"""For each optimizer its row on every problem, in the problems' order."""


def across(problems: Sequence[ProblemComparison], question: Question, baseline: str | None) -> Across | None:
    """Everything over problems; None of fewer than two.

    Only optimizers with a result on every problem take part: an average over different sets of
    problems would compare the problems. The others are named with what they lack.
    """
    if len(problems) < 2:
        return None
    labels = sorted({row.optimizer for each in problems for row in each.rows})
    missing = {label: _lacking(label, problems) for label in labels}
    whole = [label for label in labels if not missing[label]]
    table = {label: [_row(each, label) for each in problems] for label in whole}
    usual = {each.baseline for each in problems}
    reference = baseline if baseline is not None else usual.pop() if len(usual) == 1 else None
    reference = reference if reference in table else None
    enough = len(whole) > 1
    ranks = _ranks(table, question) if enough else []
    means = np.mean(ranks, axis=0).tolist() if ranks else []
    rows = [
        _across_row(label, rank, table, reference, question)
        for label, rank in zip(table, means, strict=False)
    ]
    return Across(
        problems=tuple(each.title for each in problems),
        baseline=reference,
        rows=tuple(sorted(rows, key=lambda row: (row.mean_rank, row.optimizer))),
        missing={label: lacks for label, lacks in missing.items() if lacks},
        friedman=_friedman(ranks),
        profiles=_profiles(problems, whole, reference) if enough and question.wants_target else (),
    )


def _lacking(label: str, problems: Sequence[ProblemComparison]) -> tuple[str, ...]:
    """The titles of the problems on which an optimizer has no run that completed or diverged."""
    return tuple(
        each.title
        for each in problems
        if not ((row := each.row(label)) and row.completed + row.diverged and (row.value or row.diverged))
    )


def _row(compared: ProblemComparison, label: str) -> Row:
    return next(row for row in compared.rows if row.optimizer == label)


def _ranks(table: Table, question: Question) -> list[list[float]]:
    """A row for each problem; a diverged optimizer ranks below every finite one."""
    sign = question.measure.sign
    return [average_ranks([_place(row, sign) for row in rows]) for rows in zip(*table.values(), strict=True)]


def _place(row: Row, sign: int) -> tuple[bool, float]:
    value = -sign * row.value.mean if row.value else math.inf
    return row.diverged > 0 or row.value is None, round(value, 12)


def _across_row(label: str, rank: float, table: Table, baseline: str | None, question: Question) -> AcrossRow:
    measure = question.measure
    middle = None
    if measure.is_share:
        mean, interval = interquartile_mean([_scores(row, 1, worst=0.0) for row in table[label]])
        middle = (mean, interval)
    beats = None
    if baseline is not None and label != baseline:
        mine, base = (
            [_scores(row, measure.sign, worst=-math.inf) for row in table[name]] for name in (label, baseline)
        )
        beats = improvement(mine, base)
    return AcrossRow(
        optimizer=label,
        mean_rank=rank,
        interquartile_mean=middle[0] if middle else None,
        interquartile_interval=middle[1] if middle else None,
        improvement=beats[0] if beats else None,
        improvement_interval=beats[1] if beats else None,
    )


def _scores(row: Row, sign: int, *, worst: float) -> list[float]:
    """One score a run that ended, higher better; a diverged run has the worst there is."""
    values = [row.value.values[seed] for seed in sorted(row.value.values)] if row.value else []
    return [sign * value for value in values] + [worst] * row.diverged


def _friedman(ranks: Sequence[Sequence[float]]) -> Friedman | None:
    if len(ranks) < MINIMUM_PROBLEMS or len(ranks[0]) < 3:
        return None
    found = friedman(ranks)
    if found is None:
        return None
    statistic, p = found
    return Friedman(
        statistic=statistic, p=p, critical_difference=critical_difference(len(ranks[0]), len(ranks))
    )


def _profiles(
    problems: Sequence[ProblemComparison], labels: Sequence[str], baseline: str | None
) -> tuple[Profile, ...]:
    return tuple(each for axis in AXES for each in _profiles_on(problems, labels, baseline, axis))


def _profiles_on(
    problems: Sequence[ProblemComparison], labels: Sequence[str], baseline: str | None, axis: Axis
) -> list[Profile]:
    """Profiles over one axis: every optimizer's median costs, and what resampled seeds make of them."""
    samples = [[_times(each, label, axis) for each in problems] for label in labels]
    times = np.array([[_median(sample[None])[0] for sample in row] for row in samples])
    resampled = np.stack([_resampled(row) for row in samples], axis=1)
    found, every = profiles.ratios(times), profiles.ratios(resampled)
    shares, bands = profiles.profile(found), profiles.profile(every)
    scores, score_draws = profiles.score(found), profiles.score(every)
    base = labels.index(baseline) if baseline in labels else None
    return [
        Profile(
            optimizer=label,
            axis=axis,
            medians=tuple(time if math.isfinite(time) else None for time in times[i].tolist()),
            ratios=tuple(profiles.RATIOS.round(12).tolist()),
            shares=tuple(shares[i].tolist()),
            low=tuple(np.percentile(bands[:, i], 2.5, axis=0).tolist()),
            high=tuple(np.percentile(bands[:, i], 97.5, axis=0).tolist()),
            score=float(scores[i]),
            score_interval=percentile_interval(score_draws[:, i]),
            speedup=None if base is None or base == i else _speedup(times[i], times[base]),
        )
        for i, label in enumerate(labels)
    ]


def _times(compared: ProblemComparison, label: str, axis: Axis) -> Array:
    row = next((row for row in compared.target_rows if row.optimizer == label), None)
    values = row.costs[axis].values if row else {}
    return np.array(
        [math.inf if values[s] is None else values[s] for s in sorted(values)] or [math.inf], dtype=float
    )


def _median(times: Array) -> Array:
    """The cost by which half of each row's runs met the target; a miss is never."""
    return np.sort(times, axis=1)[:, (times.shape[1] + 1) // 2 - 1]


def _resampled(samples: Sequence[Array]) -> Array:
    picks = draws(tuple(len(sample) for sample in samples))
    return np.stack([_median(sample[pick]) for sample, pick in zip(samples, picks, strict=True)], axis=1)


def _speedup(mine: Array, base: Array) -> float | None:
    """The geometric mean over problems of how much less it cost; None where either missed a target."""
    if not (np.isfinite(mine).all() and np.isfinite(base).all()):
        return None
    return float(np.exp(np.mean(np.log(base / mine))))
