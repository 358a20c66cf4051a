"""Comparison: hand-computed examples, scipy.stats as the oracle, and what must never happen silently."""

import math
import random

import pytest
from factories import make_result, make_runs
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adabench.compare import Comparison, Estimate, compare
from adabench.compare.notes import seed_words
from adabench.compare.statistics import estimate, paired_difference
from adabench.compare.welch import welch_interval
from adabench.errors import UnknownNameError

numbers = st.lists(st.integers(0, 10_000).map(lambda n: n / 10_000), min_size=2, max_size=12)


def only(comparison: Comparison):
    (problem,) = comparison.problems
    return problem


def test_a_sample_worked_by_hand():
    """Mean 2, squared deviations 1 + 0 + 1 over 2, t of 2 degrees at 97.5 % is 4.302653."""
    found = estimate([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.n, found.mean, found.deviation) == (3, 2.0, 1.0)
    half = 4.302652729911275 / math.sqrt(3)
    assert found.interval == pytest.approx((2 - half, 2 + half))


@given(numbers)
def test_intervals_agree_with_scipy_stats(values: list[float]):
    found = estimate(values)
    assert found is not None
    error = stats.sem(values)
    if found.deviation == 0:
        assert found.interval is None
    else:
        expected = stats.t.interval(0.95, len(values) - 1, loc=found.mean, scale=error)
        assert found.interval == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_one_value_has_neither_deviation_nor_interval_and_none_has_nothing():
    assert estimate([0.5]) == Estimate(n=1, mean=0.5, deviation=None, interval=None)
    assert estimate([]) is None


@given(numbers, st.randoms())
def test_the_order_of_values_changes_no_bit(values: list[float], shuffler: random.Random):
    shuffled = list(values)
    shuffler.shuffle(shuffled)
    assert estimate(shuffled) == estimate(values)


@given(numbers)
def test_the_paired_interval_is_that_of_scipys_paired_test(values: list[float]):
    mine = dict(enumerate(values))
    base = {seed: (seed % 3) / 7 for seed in mine}
    found = paired_difference(mine, base)
    assert found is not None
    if found.interval is not None:
        test = stats.ttest_rel(list(mine.values()), list(base.values()))
        assert found.interval == pytest.approx(tuple(test.confidence_interval(0.95)), rel=1e-6, abs=1e-9)


def test_pairs_are_matched_by_seed_not_by_position():
    found = paired_difference({0: 0.9, 1: 0.8, 5: 0.1}, {1: 0.7, 0: 0.8, 9: 0.0})
    assert found == Estimate(n=2, mean=0.1, deviation=0.0, interval=None)
    assert paired_difference({0: 0.9}, {1: 0.9}) is None


def test_equal_differences_leave_no_interval_that_binary_rounding_made_up():
    """0.97 - 0.95 and 0.96 - 0.94 differ in binary; an interval of that width would prove anything."""
    found = paired_difference({0: 0.97, 1: 0.96}, {0: 0.95, 1: 0.94})
    assert found is not None
    assert found.interval is None


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_welch_agrees_with_scipy_stats(n: int):
    one = Estimate(n=n, mean=98.6, deviation=0.11, interval=None)
    other = Estimate(n=5, mean=98.75, deviation=0.02, interval=None)
    test = stats.ttest_ind_from_stats(98.6, 0.11, n, 98.75, 0.02, 5, equal_var=False)
    low, high = welch_interval(one, other) or (math.nan, math.nan)
    a, b = 0.11**2 / n, 0.02**2 / 5
    degrees = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / 4)
    half = stats.t.ppf(0.975, degrees) * math.sqrt(a + b)
    assert (low, high) == pytest.approx((98.6 - 98.75 - half, 98.6 - 98.75 + half))
    assert (low > 0 or high < 0) == (test.pvalue < 0.05)


def test_welch_agrees_with_scipys_interval_of_raw_samples():
    mine, other = [0.981, 0.984, 0.979], [0.975, 0.977, 0.98, 0.976]
    expected = stats.ttest_ind(mine, other, equal_var=False).confidence_interval(0.95)
    one, two = estimate(mine), estimate(other)
    assert one is not None
    assert two is not None
    assert welch_interval(one, two) == pytest.approx(tuple(expected))


def test_welch_says_nothing_of_one_run_or_of_no_spread():
    single, still = estimate([0.5]), estimate([0.5, 0.5])
    assert single is not None
    assert still is not None
    assert welch_interval(single, still) is None
    assert welch_interval(still, still) is None


def test_a_comparison_worked_by_hand():
    results = make_runs("adam", [0.97, 0.98, 0.99]) + make_runs("adafix", [0.98, 0.985, 0.999])
    problem = only(compare(results))
    assert problem.baseline == "adam"
    assert [row.optimizer for row in problem.rows] == ["adafix", "adam"]
    adafix, adam = problem.rows
    assert adam.difference is None
    assert adam.final_test_accuracy is not None
    assert adam.final_test_accuracy.mean == pytest.approx(0.98)
    assert adam.final_test_accuracy.deviation == pytest.approx(0.01)
    assert adam.final_test_accuracy.values == {0: 0.97, 1: 0.98, 2: 0.99}
    assert adafix.difference is not None
    assert adafix.difference.n == 3
    assert adafix.difference.mean == pytest.approx((0.01 + 0.005 + 0.009) / 3)
    assert (adafix.seconds, adafix.gradient_evaluations, adafix.steps) == (10.0, 938.0, 938.0)
    assert problem.notes == ()


def test_the_output_does_not_depend_on_the_order_of_results():
    results = [
        *make_runs("adam", [0.97, 0.98]),
        *make_runs("adafix", [0.98, 0.97]),
        *make_runs("adam", [0.9], threads=1),
        *make_runs("sgdm", [0.9, 0.95], dataset="digits"),
        *make_runs("adam", [0.5], hyperparameters={"lr": 0.5}, dataset="digits"),
        *make_runs("adam", [0.6], hyperparameters={"lr": 0.1}, dataset="digits"),
        make_result(optimizer="adabound", status="failed", reason="no memory"),
    ]
    expected = compare(results).model_dump_json()
    shuffler = random.Random(0)
    for _ in range(20):
        shuffler.shuffle(results)
        assert compare(results).model_dump_json() == expected
    assert Comparison.model_validate_json(expected).model_dump_json() == expected


def test_a_run_that_did_not_complete_is_counted_and_adds_nothing_to_a_mean():
    results = make_runs("adam", [0.98, 0.97])
    results += [
        make_result(seed=2, accuracy=0.1, status="diverged", reason="loss is not finite"),
        make_result(seed=3, accuracy=0.2, status="failed"),
        make_result(seed=4, accuracy=0.3, status="interrupted"),
    ]
    problem = only(compare(results))
    (row,) = problem.rows
    assert (row.completed, row.diverged, row.failed, row.interrupted, row.runs) == (2, 1, 1, 1, 5)
    assert row.final_test_accuracy is not None
    assert row.final_test_accuracy.values == {0: 0.98, 1: 0.97}
    assert [(f.seed, f.status, f.reason) for f in problem.failures] == [
        (2, "diverged", "loss is not finite"),
        (3, "failed", None),
        (4, "interrupted", None),
    ]


def test_a_number_that_is_not_finite_in_a_file_written_by_hand_spoils_no_mean():
    results = [make_result(accuracy=0.9), make_result(seed=1, summary={"final_test_accuracy": math.nan})]
    (row,) = only(compare(results)).rows
    assert row.final_test_accuracy is not None
    assert row.final_test_accuracy.values == {0: 0.9}


def test_an_optimizer_with_a_diverged_run_never_stands_above_one_without():
    results = [
        *make_runs("adam", [0.90, 0.91]),
        *make_runs("wild", [0.99]),
        make_result(optimizer="wild", seed=1, status="diverged", accuracy=None),
        *[make_result(optimizer="gone", seed=seed, status="failed", accuracy=None) for seed in range(2)],
    ]
    assert [row.optimizer for row in only(compare(results)).rows] == ["adam", "wild", "gone"]


def test_ties_are_ordered_by_label():
    results = make_runs("b", [0.9]) + make_runs("a", [0.9]) + make_runs("c", [0.95])
    assert [row.optimizer for row in only(compare(results)).rows] == ["c", "a", "b"]


def test_when_every_run_failed_there_are_rows_and_no_numbers():
    results = [make_result(optimizer=name, status="failed", accuracy=None) for name in ("adam", "adafix")]
    problem = only(compare(results))
    assert all(row.final_test_accuracy is None and row.difference is None for row in problem.rows)
    assert problem.notes == ("the baseline adam has no completed run, so there are no differences",)


def test_the_baseline_is_the_given_one_else_adam_else_the_first_by_name():
    results = make_runs("sgdm", [0.9]) + make_runs("adam", [0.9]) + make_runs("adafix", [0.9])
    assert only(compare(results)).baseline == "adam"
    assert only(compare(results, baseline="sgdm")).baseline == "sgdm"
    assert only(compare([r for r in results if r.job.optimizer.name != "adam"])).baseline == "adafix"


def test_an_unknown_baseline_is_refused_with_the_nearest_label():
    with pytest.raises(UnknownNameError, match=r"^unknown baseline 'adamm'; did you mean 'adam'\?$"):
        compare(make_runs("adam", [0.9]), baseline="adamm")


def test_a_problem_without_the_baseline_says_so():
    results = make_runs("sgdm", [0.9]) + make_runs("adam", [0.9], dataset="digits")
    digits, mnist = compare(results, baseline="sgdm").problems
    assert (mnist.baseline, digits.baseline) == ("sgdm", None)
    assert "the baseline sgdm has no runs here, so there are no differences" in digits.notes


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 3},
        {"precision": "bf16"},
        {"problem": {"batch_size": 64}},
        {"problem": {"train_examples": 100}},
        {"problem": {"augment": "crop_flip"}},
        {"problem": {"validation_fraction": 0.1}},
        {"problem": {"model_options": {"hidden": (8,)}}},
    ],
)
def test_different_problems_are_never_averaged(change):
    assert len(compare(make_runs("adam", [0.9]) + make_runs("adam", [0.8], **change)).problems) == 2


def test_optimizers_that_share_a_label_and_differ_in_settings_are_told_apart():
    """Would catch an average over two learning rates."""
    results = make_runs("adam", [0.9]) + make_runs("adam", [0.8], hyperparameters={"lr": 0.5})
    problem = only(compare(results))
    assert {row.optimizer for row in problem.rows} == {"adam [1]", "adam [2]"}


def test_of_two_results_for_one_seed_the_latest_is_kept_and_a_note_says_so():
    early = make_result(accuracy=0.9, threads=1, environment={"ended": "2026-01-01T00:00:00Z"})
    late = make_result(accuracy=0.8, threads=2, environment={"ended": "2026-01-02T00:00:00Z"})
    problem = only(compare([late, early]))
    (row,) = problem.rows
    assert row.final_test_accuracy is not None
    assert row.final_test_accuracy.values == {0: 0.8}
    assert problem.notes[0].startswith("adam has several results for seed 0 ")


def test_a_later_run_that_was_interrupted_does_not_hide_a_finished_one():
    done = make_result(accuracy=0.9, threads=1, environment={"ended": "2026-01-01T00:00:00Z"})
    broken = make_result(
        accuracy=None, threads=2, status="interrupted", environment={"ended": "2026-01-02T00:00:00Z"}
    )
    assert only(compare([broken, done])).rows[0].completed == 1


def test_notes_name_unshared_seeds_single_runs_and_mixed_hardware_and_data():
    results = [
        *make_runs("adam", [0.9, 0.91, 0.92]),
        make_result(optimizer="adafix", seed=1, environment={"device": "H100", "device_type": "cuda"}),
        make_result(optimizer="sgdm", seed=7, environment={"dataset_fingerprint": "f" * 64}),
    ]
    notes = only(compare(results)).notes
    assert notes == (
        "not every optimizer has every seed: "
        "adafix lacks seeds 0, 2, 7; adam lacks seed 7; sgdm lacks seeds 0-2",
        "one completed run says nothing about spread: adafix, sgdm",
        "runs come from different hardware, so seconds do not compare: H100; Test CPU with 2 threads",
        "runs saw 2 different versions of the data, so accuracies do not compare",
    )


def test_optimizers_without_a_common_seed_have_no_difference():
    results = [make_result(seed=0), make_result(optimizer="adafix", seed=1)]
    assert all(row.difference is None for row in only(compare(results)).rows)


def test_accuracy_at_best_validation_is_there_only_where_it_was_measured():
    plain = make_result()
    split = make_result(optimizer="adafix", summary={"test_accuracy_at_best_validation": 0.97})
    adafix, adam = sorted(only(compare([plain, split])).rows, key=lambda row: row.optimizer)
    assert adam.test_accuracy_at_best_validation is None
    assert adafix.test_accuracy_at_best_validation is not None
    assert adafix.test_accuracy_at_best_validation.mean == 0.97


def test_seeds_in_words():
    assert seed_words([3]) == "seed 3"
    assert seed_words([4, 0, 1, 2, 9, 8]) == "seeds 0-2, 4, 8, 9"
