"""What it cost: equal cost, curves with bands, the clock's noise, planning, and published tables judged."""

from typing import Any

import numpy as np
import pytest
from factories import make_result, make_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adabench.compare import Comparison, Estimate, ProblemComparison, Question, compare
from adabench.compare.costs import value_within
from adabench.compare.metrics import METRICS
from adabench.compare.published import agreement, champion_against_all
from adabench.errors import BadValueError, UnknownNameError
from adabench.report.published import COLUMNS
from adabench.report.standing import standing
from adabench.results import Result


def curved(optimizer: str, accuracies: list[float | None], price: int = 1, **arguments: Any) -> Result:
    """A run with one accuracy an epoch, whose epochs cost 100 steps and ``price`` evaluations a step."""
    epochs = range(1, len(accuracies) + 1)
    columns: dict[str, list[float | None]] = {
        "test_accuracy": accuracies,
        "steps": [100.0 * epoch for epoch in epochs],
        "samples": [1000.0 * epoch for epoch in epochs],
        "gradient_evaluations": [100.0 * price * epoch for epoch in epochs],
        "seconds": [2.0 * price * epoch for epoch in epochs],
    }
    result = make_result(optimizer=optimizer, accuracy=accuracies[-1], epochs=len(accuracies), **arguments)
    return result.model_copy(update={"curve": columns | arguments.pop("curve", {})})


def only(comparison: Comparison) -> ProblemComparison:
    (compared,) = comparison.problems
    return compared


def test_at_equal_gradient_evaluations_a_double_price_halves_the_epochs() -> None:
    """AdaFix judged at its end, where it has spent twice what the others have."""
    results = [curved("adam", [0.5, 0.6, 0.7, 0.8]), curved("adafix", [0.55, 0.75, 0.85, 0.9], price=2)]
    compared = only(compare(results, question=Question(at="equal-gradient-evaluations")))
    assert compared.budget == 400
    values = {row.optimizer: row.value.mean for row in compared.rows if row.value}
    assert values == {"adam": 0.8, "adafix": 0.75}
    assert [row.optimizer for row in compared.rows] == ["adam", "adafix"]
    assert compared.comparisons[0].difference == pytest.approx(-0.05)
    ended = only(compare(results))
    assert [row.optimizer for row in ended.rows] == ["adafix", "adam"]
    equal = {each.axis: each for each in ended.equal_cost}
    assert set(equal) == {"gradient_evaluations", "seconds"}
    assert equal["gradient_evaluations"].early == ("adafix",)
    assert [row.optimizer for row in equal["gradient_evaluations"].rows] == ["adam", "adafix"]


@pytest.mark.parametrize("at", ["equal-steps", "equal-samples"])
def test_where_all_spent_the_same_equal_cost_is_the_end(at: str) -> None:
    results = [curved("adam", [0.5, 0.8]), curved("adafix", [0.55, 0.9], price=2)]
    rows = only(compare(results, question=Question(at=at))).rows
    assert {row.optimizer: row.value.mean for row in rows if row.value} == {"adam": 0.8, "adafix": 0.9}


def test_equal_seconds_count_to_the_fastest_runs_end() -> None:
    results = [curved("adam", [0.5, 0.8]), curved("adafix", [0.55, 0.9], price=3)]
    compared = only(compare(results, question=Question(at="equal-seconds")))
    assert compared.budget == 4
    rows = {row.optimizer: row.value for row in compared.rows}
    assert rows["adafix"] is None
    assert compared.comparisons == ()


def test_the_best_within_a_budget_does_not_look_beyond_it() -> None:
    run = curved("adam", [0.5, 0.7, 0.6, 0.9])
    assert value_within(run, METRICS["best"], "steps", 300) == 0.7
    assert value_within(run, METRICS["final"], "steps", 300) == 0.6
    assert value_within(run, METRICS["final"], "steps", 99) is None
    assert value_within(run, METRICS["final"], "steps", 250) == 0.7


def test_what_validation_selects_is_read_at_its_first_best_epoch() -> None:
    run = curved("adam", [0.5, 0.7, 0.6, 0.9])
    run = run.model_copy(update={"curve": run.curve | {"validation_accuracy": [0.6, 0.8, 0.8, 0.7]}})
    assert value_within(run, METRICS["validation"], "steps", 400) == 0.7
    assert value_within(run, METRICS["validation"], "steps", 100) == 0.5


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_budget_that_covers_the_whole_run_gives_its_summary(accuracies: list[float]) -> None:
    run = curved("adam", list(accuracies))
    limit = 100.0 * len(accuracies)
    assert value_within(run, METRICS["final"], "steps", limit) == accuracies[-1]
    assert value_within(run, METRICS["best"], "steps", limit) == max(accuracies)


def test_a_metric_that_no_run_has_is_refused() -> None:
    """A table of dashes in answer to a typing error."""
    with pytest.raises(BadValueError) as caught:
        compare(make_runs("adam", [0.9, 0.8]), question=Question(at="equal-steps"))
    assert (
        str(caught.value) == "no run here can be read at equal-steps: its curve does not tell; use --at end"
    )
    with pytest.raises(BadValueError) as caught:
        compare(make_runs("adam", [0.9, 0.8]), question=Question(metric="validation"))
    assert str(caught.value) == (
        "no completed run here has a test accuracy at the best validation epoch; "
        "metrics here: final, best, loss, seconds"
    )


def test_the_mean_curve_and_its_band_are_students() -> None:
    results = [
        curved("adam", [0.5 + shift, 0.8 + 2 * shift], seed=i) for i, shift in enumerate((0, 0.01, 0.05))
    ]
    found = {(each.optimizer, each.column): each for each in only(compare(results)).curves}
    curve = found["adam", "test_accuracy"]
    values = [0.8, 0.82, 0.9]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert (curve.n, curve.costs["gradient_evaluations"]) == (3, [100, 200])
    assert curve.mean == pytest.approx([0.52, 0.84])
    assert curve.low is not None
    assert curve.high is not None
    assert (curve.low[1], curve.high[1]) == (pytest.approx(low), pytest.approx(high))


def test_a_curve_of_one_seed_has_no_band_and_a_gap_stays_a_gap() -> None:
    (curve,) = only(compare([curved("adam", [0.5, None, 0.8])])).curves
    assert (curve.low, curve.high, curve.mean) == (None, None, [0.5, None, 0.8])


def test_curves_are_left_out_when_nobody_asks() -> None:
    assert only(compare([curved("adam", [0.5])], question=Question(curves=False))).curves == ()


def test_the_noise_of_the_clock_comes_from_one_job_timed_twice() -> None:
    """Seconds compared to a tenth of a per cent when the same job differs by twenty."""
    first = make_result(seconds=10.0)
    again = make_result(seconds=12.0, environment={"started": "2026-01-02T00:00:00Z"})
    other = make_result(seconds=99.0, seed=1)
    found = compare([first, again, other]).timing_noise
    assert found is not None
    assert (found.pairs, found.largest) == (1, pytest.approx(2 / 11))
    assert compare([first, other]).timing_noise is None
    elsewhere = make_result(seconds=5.0, environment={"device": "another", "started": "2026-01-03"})
    assert compare([first, elsewhere]).timing_noise is None


def test_seeds_needed_are_answered_from_the_results_at_hand() -> None:
    results = make_runs("adam", [0.97, 0.98, 0.99]) + make_runs("adafix", [0.98, 0.985, 0.999])
    (found,) = only(compare(results, question=Question(difference=0.002, power=0.9))).comparisons
    assert found.seeds_needed is not None
    assert found.seeds_needed.seeds == 21  # statsmodels 0.15.0: 20.4 pairs for an effect of 0.002 / 0.002646
    assert (found.seeds_needed.cautious or 0) > 21


@pytest.mark.parametrize(
    ("metric", "best"),
    [("final", "a"), ("best", "b"), ("loss", "b"), ("seconds", "b"), ("train-loss", "a"), ("memory", "b")],
)
def test_every_metric_ranks_in_its_own_direction(metric: str, best: str) -> None:
    a = {"final_test_loss": 0.2, "final_train_loss": 0.1, "peak_memory_bytes": 200}
    b = {"final_test_loss": 0.1, "final_train_loss": 0.2, "peak_memory_bytes": 100}
    results = [
        make_result(optimizer="a", accuracy=0.9, best=0.91, seconds=20, summary=a),
        make_result(optimizer="b", accuracy=0.8, best=0.95, seconds=10, summary=b),
    ]
    compared = only(compare(results, question=Question(metric=metric)))
    assert compared.rows[0].optimizer == best
    assert compared.not_worse[0] == best


def test_not_worse_are_the_best_and_who_cannot_be_told_from_it() -> None:
    results = [
        *make_runs("top", [0.95, 0.96, 0.97, 0.96]),
        *make_runs("near", [0.96, 0.95, 0.97, 0.95]),
        *make_runs("far", [0.50, 0.52, 0.51, 0.52]),
    ]
    assert only(compare(results, baseline="far")).not_worse == ("top", "near")


def test_the_best_was_chosen_by_the_data() -> None:
    """AdaFix called better than Adam on VGG11 where it never fixed v: they differ by rounding alone."""
    results = [
        *make_runs("adafix", [0.394, 0.319, 0.346]),
        *make_runs("adabound", [0.376, 0.323, 0.354]),
        *make_runs("amsgrad", [0.388, 0.313, 0.342]),
        *make_runs("adam", [0.383, 0.312, 0.337]),
        *make_runs("sgdm", [0.145, 0.093, 0.130]),
    ]
    compared = only(compare(results))
    assert compared.not_worse == ("adafix", "adabound", "amsgrad", "adam")
    found = standing(compared).differences
    pairs = only(compare(results, question=Question(pairs=True))).comparisons
    whole = {each.against: each.p_holm for each in pairs if each.optimizer == "adafix"}
    assert {name: each.p_holm for name, each in found.items()} == whole


def test_pairs_are_all_pairs_and_one_family() -> None:
    results = [r for name in "abcd" for r in make_runs(name, [0.9, 0.92, 0.91 + 0.01 * ord(name) / 100])]
    comparison = compare(results, question=Question(pairs=True))
    assert len(only(comparison).comparisons) == 6
    assert comparison.family == 6
    found = {(each.optimizer, each.against) for each in only(comparison).comparisons}
    assert len({frozenset(pair) for pair in found}) == 6


def test_holm_counts_the_comparisons_of_all_problems() -> None:
    results = [
        result
        for data in ("x", "y")
        for name, shift in (("adam", 0.0), ("adafix", 0.01))
        for result in make_runs(name, [0.9, 0.91 + shift, 0.95 + 1.1 * shift], dataset=data)
    ]
    comparison = compare(results)
    assert comparison.family == 2
    for compared in comparison.problems:
        (found,) = compared.comparisons
        assert found.p_holm == pytest.approx(2 * (found.p_t or 0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "finale"}, "unknown metric 'finale'; did you mean 'final'?"),
        ({"at": "equal-step"}, "unknown place to compare at 'equal-step'; did you mean 'equal-steps'?"),
        (
            {"metric": "seconds", "at": "equal-steps"},
            "metric seconds has no curve, so it cannot be read at equal-steps",
        ),
        ({"metric": "memory", "target": 1.0}, "metric memory has no curve that could reach a target"),
        ({"target": 97.0}, "target 97 is above 1: accuracies are fractions, such as 0.97"),
        ({"margin": 0.0}, "margin 0 is not allowed; it is a number above 0"),
        ({"difference": -1.0}, "difference -1 is not allowed; it is a number above 0"),
        ({"power": 1.0}, "power 1 is not allowed; it is a number between 0.05 and 1"),
        ({"power": float("nan")}, "power nan is not allowed; it is a number between 0.05 and 1"),
    ],
)  # fmt: skip
def test_a_question_without_sense_is_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((BadValueError, UnknownNameError)) as caught:
        Question(**arguments)
    assert str(caught.value) == message


def test_a_target_for_a_problem_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        UnknownNameError, match="unknown problem of a target 'mlp-mnits'; did you mean 'mlp-mnist'"
    ):
        compare(make_runs("adam", [0.9]), question=Question(targets={"mlp-mnits": 0.9}))


def test_of_the_papers_24_comparisons_9_survive_holm() -> None:
    """The published table's own significance, from its means and deviations alone."""
    table = {column.title: dict(column.accuracies) for column in COLUMNS}
    found = [each for column in champion_against_all(table, "adafix").values() for each in column]
    sure = [each for each in found if each.verdict in ("better", "worse")]
    assert (len(found), len(sure)) == (24, 9)
    assert {each.verdict for each in sure} == {"better"}
    for column in COLUMNS:
        one, other = column.accuracies["adafix"], column.accuracies["adam"]
        test = stats.ttest_ind_from_stats(
            one.mean, one.deviation, 5, other.mean, other.deviation, 5, equal_var=False
        )
        mine = [
            each for each in champion_against_all(table, "adafix")[column.title] if each.against == "adam"
        ]
        assert mine[0].p_t == pytest.approx(test.pvalue)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.1, 0.3), "differs"),
        ((-0.3, -0.1), "differs"),
        ((-0.2, 0.4), "agrees"),
        ((-0.2, 0.6), "cannot tell"),
        (None, "cannot tell"),
    ],
)
def test_a_published_figure_agrees_differs_or_cannot_be_told(
    interval: tuple[float, float] | None, verdict: str
) -> None:
    assert agreement(interval) == verdict


def test_a_published_figure_without_a_deviation_is_compared_and_not_tested() -> None:
    table = {"x": {"a": Estimate(n=5, mean=1.0, deviation=None, interval=None),
                   "b": Estimate(n=5, mean=2.0, deviation=0.1, interval=None)}}  # fmt: skip
    (found,) = champion_against_all(table, "a")["x"]
    assert (found.difference, found.p_t, found.verdict) == (-1.0, None, "too few seeds to tell")
