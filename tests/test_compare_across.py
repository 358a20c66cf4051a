"""Several problems at once: worked examples, other libraries' numbers, and what must hold for any results."""

import math
import random
from typing import Any

import numpy as np
import pytest
from factories import make_result, make_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adabench.compare import Comparison, Question, compare
from adabench.compare import profiles as profiles_module
from adabench.compare.aggregates import improvement, interquartile_mean
from adabench.compare.ranks import average_ranks, critical_difference, friedman, studentized_range
from adabench.compare.resampling import draws
from adabench.compare.survival import kaplan_meier, median
from adabench.results import Result

DEMSAR = [
    *((0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967)),
    *((0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931)),
    *((0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875)),
    *((1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669)),
    *((0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970)),
]
"""Table 6 of Demšar 2006: AUC of four classifiers on fourteen data sets; one tie is his only in print."""

FREIREICH = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)
"""Weeks of remission under 6-MP (Freireich et al. 1963), and whether it ended."""


def problems(table: dict[str, list[list[float]]], **arguments: Any) -> list[Result]:
    """Results of each optimizer: for each problem a list of accuracies."""
    return [
        result
        for name, rows in table.items()
        for i, accuracies in enumerate(rows)
        for result in make_runs(name, accuracies, dataset=f"d{i}", **arguments)
    ]


def timed(name: str, dataset: str, costs: list[float | None], status: str = "completed") -> list[Result]:
    """Runs that reach 0.9 after the given number of gradient evaluations out of 1,000; None for a miss."""
    results = []
    for seed, cost in enumerate(costs):
        accuracy = 0.5 if cost is None else 0.95
        axis = [cost or 500.0, 1000.0]
        result = make_result(optimizer=name, dataset=dataset, seed=seed, accuracy=accuracy)
        curve = dict.fromkeys(("steps", "samples", "gradient_evaluations", "seconds"), axis)
        results.append(
            result.model_copy(
                update={"curve": curve | {"test_accuracy": [accuracy, accuracy]}, "status": status}
            )
        )
    return results


def test_kaplan_meier_agrees_with_lifelines() -> None:
    """Numbers of lifelines 0.30.3 on a textbook's data; the median is 23 weeks."""
    times, ended = FREIREICH
    steps = kaplan_meier([float(t) for t in times], [bool(e) for e in ended])
    assert [time for time, _ in steps] == [6, 7, 10, 13, 16, 22, 23]
    expected = [0.857142857, 0.806722689, 0.752941176, 0.690196078, 0.627450980, 0.537815126, 0.448179272]
    assert [share for _, share in steps] == pytest.approx(expected)
    assert median(steps) == 23


def test_without_a_hit_there_is_no_median_and_misses_push_it_back() -> None:
    """Misses dropped: the median of those that made it."""
    assert median(kaplan_meier([5.0, 5.0], [False, False])) is None
    assert median(kaplan_meier([1.0, 2.0, 9.0], [True, True, False])) == 2
    assert median(kaplan_meier([1.0, math.inf, math.inf], [True, False, False])) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12), st.randoms())
def test_survival_falls_and_does_not_depend_on_the_order_of_runs(
    runs: list[tuple[int, bool]], shuffler: random.Random
) -> None:
    steps = kaplan_meier([float(t) for t, _ in runs], [hit for _, hit in runs])
    shares = [share for _, share in steps]
    assert shares == sorted(shares, reverse=True)
    assert all(-1e-12 <= share < 1 for share in shares)
    shuffler.shuffle(runs)
    assert kaplan_meier([float(t) for t, _ in runs], [hit for _, hit in runs]) == steps


def test_demsars_example_gives_his_numbers() -> None:
    """Mean ranks 3.143, 2.000, 2.893 and 1.964, and critical differences of 1.25 and 1.12."""
    ranks = [average_ranks([-value for value in row]) for row in DEMSAR]
    assert np.mean(ranks, axis=0).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    statistic, p = friedman(ranks) or (math.nan, math.nan)
    oracle = stats.friedmanchisquare(*zip(*DEMSAR, strict=True))
    assert (statistic, p) == pytest.approx((oracle.statistic, oracle.pvalue))
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)


def test_the_studentized_range_agrees_with_scipy() -> None:
    for groups in (2, 3, 5, 10, 30):
        expected = stats.studentized_range.ppf(0.95, groups, np.inf)
        assert studentized_range(groups, 0.05) == pytest.approx(expected, rel=1e-5)


def test_friedman_says_nothing_of_optimizers_that_tie_everywhere() -> None:
    assert friedman([[1.5, 1.5], [1.5, 1.5]]) is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_ranks_are_scipys_ranks(values: list[int]) -> None:
    assert average_ranks(values) == stats.rankdata(values).tolist()


def test_the_interquartile_mean_and_improvement_are_rliables() -> None:
    """Numbers of rliable 1.2.0 (runs by problems there, problems by runs here)."""
    mine = [[0.1, 0.2, 0.35, 0.05], [0.5, 0.4, 0.6, 0.55], [0.9, 0.8, 0.7, 0.95]]
    base = [[0.15, 0.1, 0.3, 0.2], [0.45, 0.3, 0.5, 0.6], [0.9, 0.85, 0.6, 0.5]]
    assert interquartile_mean(mine)[0] == pytest.approx(0.5166666666666666)
    assert interquartile_mean(mine)[0] == pytest.approx(stats.trim_mean(np.ravel(mine), 0.25))
    assert improvement(mine, base)[0] == pytest.approx(0.59375)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=4))
def test_improvement_over_oneself_is_a_half_and_turns_round(runs: list[list[int]]) -> None:
    scores = [[float(value) for value in row] for row in runs]
    shifted = [[value + 0.5 for value in row] for row in scores]
    assert improvement(scores, scores)[0] == pytest.approx(0.5)
    assert improvement(scores, shifted)[0] + improvement(shifted, scores)[0] == pytest.approx(1)


def test_the_bootstrap_of_the_interquartile_mean_is_scipys_trimmed_mean_of_every_draw() -> None:
    """Counting how often a score was drawn, in the place of drawing it, with a count on the wrong score."""
    runs = [[0.3, 0.9, 0.7], [0.1, 0.8, 0.2, 0.6], [0.5]]
    picks = draws((3, 4, 1))
    resampled = np.concatenate([np.array(r)[pick] for r, pick in zip(runs, picks, strict=True)], axis=1)
    expected = np.percentile([stats.trim_mean(row, 0.25) for row in resampled], [2.5, 97.5])
    assert interquartile_mean(runs)[1] == pytest.approx(expected.tolist())


def test_bootstrap_intervals_hold_their_value_and_have_no_width_without_spread() -> None:
    runs = [[0.90, 0.92, 0.91], [0.80, 0.85, 0.79]]
    value, interval = interquartile_mean(runs)
    assert interval is not None
    assert interval[0] < value < interval[1]
    assert interquartile_mean([[0.5, 0.5], [0.5, 0.5]]) == (0.5, (0.5, 0.5))
    assert interquartile_mean([[0.5], [0.7]])[1] is None
    assert interquartile_mean(runs) == (value, interval)


def test_a_profile_worked_by_hand() -> None:
    """A is fastest on one problem and twice as slow on the other; B misses the second."""
    times = np.array([[10.0, 40.0], [20.0, math.inf], [10.0, 20.0]])
    found = profiles_module.ratios(times)
    assert found.tolist() == [[1, 2], [2, math.inf], [1, 1]]
    shares = profiles_module.profile(found)
    at = {round(float(tau), 2): i for i, tau in enumerate(profiles_module.RATIOS)}
    assert shares[:, at[1.0]].tolist() == [0.5, 0, 1]
    assert shares[:, at[2.0]].tolist() == [1, 0.5, 1]
    assert profiles_module.score(found) == pytest.approx([(1 + 2 / 3) / 2, (2 / 3) / 2, 1])


def test_a_problem_that_nobody_solves_counts_for_nobody() -> None:
    """0 / 0 as a ratio of 1, which would give everyone a solved problem."""
    times = np.full((2, 3), math.inf)
    found = profiles_module.ratios(times)
    assert np.isinf(found).all()
    assert profiles_module.profile(found).sum() == 0
    assert profiles_module.score(found).tolist() == [0, 0]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.none() | st.integers(1, 50), min_size=3, max_size=3), min_size=2, max_size=4),
    st.integers(2, 100),
    st.randoms(),
)
def test_profiles_ignore_the_unit_of_time_and_the_order_of_optimizers(
    rows: list[list[int | None]], factor: int, shuffler: random.Random
) -> None:
    times = np.array([[math.inf if t is None else float(t) for t in row] for row in rows])
    scores = profiles_module.score(profiles_module.ratios(times))
    assert profiles_module.score(profiles_module.ratios(factor * times)) == pytest.approx(scores)
    order = list(range(len(rows)))
    shuffler.shuffle(order)
    assert profiles_module.score(profiles_module.ratios(times[order])) == pytest.approx(scores[order])
    shares = profiles_module.profile(profiles_module.ratios(times))
    assert (np.diff(shares, axis=-1) >= 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()


def over(comparison: Comparison) -> Any:
    assert comparison.across is not None
    return comparison.across


def test_over_two_problems_ranks_and_means_are_worked_by_hand() -> None:
    table = {"adam": [[0.90, 0.92], [0.80, 0.82]], "adafix": [[0.95, 0.97], [0.70, 0.72]]}
    found = over(compare(problems(table)))
    assert found.baseline == "adam"
    assert {row.optimizer: row.mean_rank for row in found.rows} == {"adafix": 1.5, "adam": 1.5}
    adafix, adam = found.rows
    assert adam.improvement is None
    assert adafix.improvement == 0.5
    assert adam.interquartile_mean == pytest.approx((0.82 + 0.90) / 2)
    assert (found.friedman, found.profiles, found.missing) == (None, (), {})


def test_one_problem_is_not_many() -> None:
    assert compare(make_runs("adam", [0.9, 0.8])).across is None


def test_a_missing_combination_is_named_and_its_optimizer_left_out_of_averages() -> None:
    """An optimizer that ran only on the easy problem and so has the best mean."""
    results = problems({"adam": [[0.9], [0.5]], "sgdm": [[0.8], [0.6]]}) + make_runs(
        "easy", [0.99], dataset="d0"
    )
    found = over(compare(results))
    assert [row.optimizer for row in found.rows] == ["adam", "sgdm"]
    assert found.missing == {"easy": ("mlp-d1, 2 epochs, fp32",)}


def test_an_aggregate_over_different_sets_is_refused() -> None:
    results = make_runs("adam", [0.9], dataset="d0") + make_runs("sgdm", [0.8], dataset="d1")
    found = over(compare(results))
    assert found.rows == ()
    assert set(found.missing) == {"adam", "sgdm"}


def test_a_failed_run_is_missing_and_a_diverged_one_is_the_worst() -> None:
    results = problems({"adam": [[0.9], [0.5]], "sgdm": [[0.8], [0.6]]})
    failed = [make_result(optimizer="bad", dataset=f"d{i}", status="failed", accuracy=None) for i in range(2)]
    wild = [
        make_result(optimizer="wild", dataset=f"d{i}", status="diverged", accuracy=None) for i in range(2)
    ]
    found = over(compare([*results, *failed, *wild]))
    assert set(found.missing) == {"bad"}
    last = found.rows[-1]
    assert (last.optimizer, last.mean_rank, last.interquartile_mean, last.improvement) == ("wild", 3, 0, 0)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["completed", "diverged", "failed"]), min_size=4, max_size=4), st.floats(0, 1)
)
def test_a_diverged_run_never_ranks_above_a_finite_one(statuses: list[str], accuracy: float) -> None:
    steady = problems({"adam": [[0.1, 0.1], [0.1, 0.1]]})
    wild = [
        make_result(optimizer="wild", dataset=f"d{i // 2}", seed=i % 2, status=status, accuracy=accuracy)  # type: ignore[arg-type]
        for i, status in enumerate(statuses)
    ]
    comparison = compare([*steady, *wild])
    for i, compared in enumerate(comparison.problems):
        if "diverged" in statuses[2 * i : 2 * i + 2]:
            assert compared.rows[0].optimizer == "adam"
            assert "wild" not in compared.not_worse
            assert all(each.verdict == "nothing claimed" for each in compared.comparisons)
    if statuses.count("diverged") == 4:
        assert [row.optimizer for row in over(comparison).rows] == ["adam", "wild"]


def test_six_problems_and_three_optimizers_are_tested_by_friedman() -> None:
    table = {
        name: [[base + i / 100] for i in range(6)] for name, base in (("adam", 0.5), ("b", 0.6), ("c", 0.7))
    }
    found = over(compare(problems(table)))
    assert found.friedman is not None
    assert found.friedman.statistic == pytest.approx(12)
    assert found.friedman.critical_difference == pytest.approx(critical_difference(3, 6))
    assert over(compare(problems({name: rows[:5] for name, rows in table.items()}))).friedman is None


def test_profiles_scores_and_speed_ups_over_targets() -> None:
    results = [
        *timed("adam", "d0", [100, 200, 300]),
        *timed("adam", "d1", [400, 400, 400]),
        *timed("fast", "d0", [50, 100, 150]),
        *timed("fast", "d1", [100, 100, 100]),
        *timed("half", "d0", [200, 200, 200]),
        *timed("half", "d1", [None, None, 100]),
    ]
    comparison = compare(results, question=Question(target=0.9))
    found = {
        each.optimizer: each for each in over(comparison).profiles if each.axis == "gradient_evaluations"
    }
    assert found["adam"].medians == (200, 400)
    assert found["half"].medians == (200, None)
    assert found["fast"].speedup == pytest.approx(math.sqrt(2 * 4))
    assert found["half"].speedup is None
    assert found["fast"].score == 1
    assert found["adam"].score == pytest.approx((2 / 3 + 0) / 2)
    assert all(low <= share <= high for low, share, high in
               zip(found["fast"].low, found["fast"].shares, found["fast"].high, strict=True))  # fmt: skip


def test_time_to_target_keeps_misses_and_diverged_runs() -> None:
    results = [
        *timed("adam", "d0", [100, None, 300]),
        *timed("wild", "d0", [100, 100, 100], status="diverged"),
    ]
    results.append(make_result(optimizer="gone", dataset="d0", status="failed", accuracy=None))
    (compared,) = compare(results, question=Question(target=0.9)).problems
    rows = {row.optimizer: row for row in compared.target_rows}
    assert set(rows) == {"adam", "wild"}
    assert (rows["adam"].reached, rows["adam"].runs) == (2, 3)
    assert rows["adam"].costs["steps"].values == {0: 100, 1: None, 2: 300}
    assert rows["adam"].costs["steps"].median == 300
    assert (rows["wild"].reached, rows["wild"].costs["steps"].median) == (0, None)


def test_targets_may_differ_between_problems_or_be_the_baselines_own() -> None:
    results = [*timed("adam", "d0", [100]), *timed("adam", "d1", [100])]
    chosen = compare(results, question=Question(target=0.9, targets={"mlp-d1": 0.99})).problems
    assert [each.target for each in chosen] == [0.9, 0.99]
    own = compare(results, question=Question(target_of_baseline=True)).problems
    assert [each.target for each in own] == [0.95, 0.95]


def test_everything_over_problems_is_the_same_for_any_order_of_results() -> None:
    results = [
        *timed("adam", "d0", [100, 200, None]),
        *timed("adam", "d1", [400, 300, 500]),
        *timed("fast", "d0", [50, 100, 150]),
        *timed("fast", "d1", [100, None, 100]),
    ]
    expected = compare(results, question=Question(target=0.9, pairs=True)).model_dump_json()
    for seed in range(5):
        random.Random(seed).shuffle(results)
        assert compare(results, question=Question(target=0.9, pairs=True)).model_dump_json() == expected
