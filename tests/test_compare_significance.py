"""Tests of a difference: scipy and statsmodels as oracles, and what must hold for any numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adabench.compare import Question
from adabench.compare.power import detectable_difference, power, seeds_needed, upper_deviation
from adabench.compare.significance import (
    equivalence_probability,
    hedges,
    holm,
    sign_flip_floor,
    sign_flip_probability,
    t_probability,
)
from adabench.compare.statistics import estimate
from adabench.compare.versus import Versus, judged, unpaired, versus

ONE = {0: 0.981, 1: 0.984, 2: 0.979, 3: 0.983, 4: 0.980}
OTHER = {0: 0.980, 1: 0.982, 2: 0.980, 3: 0.981, 4: 0.981}
hundredths = st.lists(st.integers(-500, 500).map(lambda n: n / 100), min_size=1, max_size=9)
probabilities = st.lists(st.none() | st.floats(0, 1), max_size=12)


@settings(deadline=None)
@given(hundredths)
def test_sign_flips_agree_with_every_pattern_tried_by_hand(values: list[float]) -> None:
    """A pattern counted twice, or a tie decided by rounding."""
    patterns = itertools.product((1, -1), repeat=len(values))
    sums = [abs(round(sum(s * v for s, v in zip(signs, values, strict=True)), 9)) for signs in patterns]
    expected = sum(each >= abs(round(sum(values), 9)) for each in sums) / len(sums)
    assert sign_flip_probability(values) == pytest.approx(expected)


def test_sign_flips_agree_with_scipys_permutation_test() -> None:
    values = np.array([0.3, -0.1, 0.4, 0.2, 0.7, 0.05])
    found = stats.permutation_test(
        (values, np.zeros(6)), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples",
        n_resamples=np.inf, vectorized=True,
    )  # fmt: skip
    assert sign_flip_probability(values.tolist()) == pytest.approx(found.pvalue)


def test_the_floor_of_sign_flips_is_reached_when_all_point_one_way() -> None:
    """A p of 0.05 claimed of five seeds, which cannot go below 0.0625."""
    for n in (1, 3, 5, 8, 15):
        assert sign_flip_probability([0.1 * (i + 1) for i in range(n)]) == sign_flip_floor(n) == 2 ** (1 - n)
    assert sign_flip_probability([0.0, 0.0]) == 1


def test_many_pairs_are_sampled_with_a_fixed_seed_and_never_give_0() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, size=40).tolist()
    found = sign_flip_probability(values)
    assert found == sign_flip_probability(values[::-1])
    assert found == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    assert sign_flip_probability([1.0] * 40) == sign_flip_floor(40) > 0


def test_holm_agrees_with_statsmodels() -> None:
    """Numbers of statsmodels 0.15.0, multipletests(method="holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(deadline=None)
@given(probabilities)
def test_holm_never_lowers_a_p_nor_changes_their_order(ps: list[float | None]) -> None:
    adjusted = holm(ps)
    known = [(p, q) for p, q in zip(ps, adjusted, strict=True) if p is not None and q is not None]
    assert [p is None for p in ps] == [q is None for q in adjusted]
    assert all(p <= q <= 1 for p, q in known)
    assert [q for _, q in sorted(known)] == sorted(q for _, q in known)
    assert sorted(q for _, q in known)[:1] == [min(1.0, len(ps) * p) for p, _ in sorted(known)[:1]]


def test_a_comparison_without_a_p_is_one_that_was_made() -> None:
    """Three ties dropped from a family of four, so that the fourth stands as if alone."""
    assert holm([0.02, None, None, None]) == [0.08, None, None, None]


def test_a_paired_comparison_agrees_with_scipy_and_statsmodels() -> None:
    found = versus("a", "b", ONE, OTHER)
    assert found is not None
    test = stats.ttest_rel(list(ONE.values()), list(OTHER.values()))
    assert (found.n, found.paired, found.degrees) == (5, True, 4)
    assert found.p_t == pytest.approx(test.pvalue)
    assert found.interval == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert found.effect_size == pytest.approx(found.difference / (found.deviation or 1) * (1 - 3 / 15))
    (judgement,) = judged([found], Question(margin=0.003))
    assert judgement.p_equivalence == pytest.approx(0.012021764399686921)  # statsmodels 0.15.0, ttost_paired
    assert judgement.verdict == "practically equal"


def test_an_unpaired_comparison_agrees_with_scipys_welch_test() -> None:
    one, other = [0.981, 0.984, 0.979], [0.975, 0.977, 0.98, 0.976]
    first, second = estimate(one), estimate(other)
    assert first is not None
    assert second is not None
    found = unpaired("a", "b", first, second)
    test = stats.ttest_ind(one, other, equal_var=False)
    assert found.p_t == pytest.approx(test.pvalue)
    assert found.degrees == pytest.approx(test.df)
    assert (found.n, found.p_sign_flip, found.detectable) == (3, None, None)


def test_without_two_common_seeds_samples_are_compared_unpaired() -> None:
    """Seeds 0-2 of one machine against 3-5 of another: no pairs, yet not nothing."""
    apart = versus("a", "b", {0: 0.5, 1: 0.6}, {2: 0.7, 3: 0.9})
    assert apart is not None
    assert not apart.paired
    lone = versus("a", "b", {0: 0.5}, {0: 0.4})
    assert lone is not None
    assert (lone.paired, lone.n, lone.p_t, lone.interval) == (True, 1, None, None)
    assert versus("a", "b", {0: 0.5}, {1: 0.5}) is None


@pytest.mark.parametrize(("sign", "verdict"), [(1, "better"), (-1, "worse")])
def test_a_verdict_needs_a_small_corrected_p(sign: int, verdict: str) -> None:
    """One of twenty comparisons that is significant only when it stands alone."""
    values = {seed: 0.01 * sign + shift for seed, shift in enumerate((0.002, -0.002, 0.0))}
    near = versus("a", "b", values, dict.fromkeys(values, 0.0))
    assert near is not None
    (alone,) = judged([near], Question())
    crowd = judged([near] * 20, Question())
    assert alone.verdict == verdict
    assert {each.verdict for each in crowd} == {"too few seeds to tell"}


def test_lower_is_better_where_the_metric_says_so() -> None:
    found = versus("a", "b", {0: 0.1, 1: 0.101, 2: 0.1}, {0: 0.2, 1: 0.2, 2: 0.202})
    assert found is not None
    assert judged([found], Question(metric="loss"))[0].verdict == "better"
    assert judged([found], Question(metric="final"))[0].verdict == "worse"


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.floats(0.01, 100))
def test_units_do_not_change_a_p(values: list[float], factor: float) -> None:
    rounded = [round(value, 3) for value in values]
    zero = dict.fromkeys(range(len(values)), 0.0)
    one = versus("a", "b", dict(enumerate(rounded)), zero)
    scaled = versus("a", "b", {i: factor * v for i, v in enumerate(rounded)}, zero)
    assert one is not None
    assert scaled is not None
    if one.p_t is not None and scaled.p_t is not None:
        assert scaled.p_t == pytest.approx(one.p_t, rel=1e-3, abs=1e-9)
        assert scaled.p_sign_flip == pytest.approx(one.p_sign_flip)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8))
def test_turning_a_comparison_round_changes_only_its_sign(values: list[float]) -> None:
    mine = {i: round(value, 3) for i, value in enumerate(values)}
    zero = dict.fromkeys(mine, 0.0)
    here, there = versus("a", "b", mine, zero), versus("b", "a", zero, mine)
    assert here is not None
    assert there is not None
    assert here.difference == pytest.approx(-there.difference)
    assert (here.p_t, here.p_sign_flip) == (pytest.approx(there.p_t), pytest.approx(there.p_sign_flip))


@pytest.mark.parametrize(
    ("effect", "pairs", "alpha", "expected"),
    [
        (1.0, 5, 0.05, 0.4013899173717948),
        (2.0, 3, 0.05, 0.4707494312784346),
        (0.5, 20, 0.0125, 0.32887386266315627),
        (3.0, 3, 0.0125, 0.29387952191833033),
    ],
)
def test_power_agrees_with_statsmodels(effect: float, pairs: int, alpha: float, expected: float) -> None:
    """Numbers of statsmodels 0.15.0, TTestPower().power."""
    assert power(effect, pairs, alpha) == pytest.approx(expected, abs=2e-4)


def test_seeds_and_detectable_differences_agree_with_statsmodels() -> None:
    """TTestPower().solve_power gives 33.4, 17.5 and 198.2 pairs, and effects of 3.2640 and 1.6820."""
    assert seeds_needed(2.0, 1.0, wanted=0.8, alpha=0.05) == 34
    assert seeds_needed(1.0, 1.0, wanted=0.9, alpha=0.0125) == 18
    assert seeds_needed(5.0, 1.0, wanted=0.8, alpha=0.05) == 199
    assert detectable_difference(1.0, 3, alpha=0.05) == pytest.approx(3.264, abs=2e-3)
    assert detectable_difference(0.5, 5, alpha=0.05) == pytest.approx(0.841, abs=1e-3)


def test_the_edges_of_planning() -> None:
    """An endless search for a difference that no number of seeds finds."""
    assert detectable_difference(1.0, 1, alpha=0.05) is None
    assert seeds_needed(0.0, 1.0, wanted=0.8, alpha=0.05) == 2
    assert seeds_needed(1.0, 1e-6, wanted=0.8, alpha=0.05) is None


@settings(deadline=None)
@given(st.floats(0.05, 5), st.integers(2, 30))
def test_as_many_seeds_as_said_suffice_and_one_less_does_not(spread: float, pairs: int) -> None:
    size = detectable_difference(spread, pairs, alpha=0.05)
    assert size is not None
    found = seeds_needed(spread, size * 1.001, wanted=0.8, alpha=0.05)
    assert found == pairs


def test_a_pilots_deviation_is_bounded_as_chi_squared_says() -> None:
    assert upper_deviation(1.0, 3) == pytest.approx(math.sqrt(2 / stats.chi2.ppf(0.2, 2)))


def test_small_formulas() -> None:
    assert t_probability(1.0, 0.5, 4) == pytest.approx(2 * stats.t.sf(2, 4))
    assert equivalence_probability(0.1, 0.05, 4, 0.3) == pytest.approx(stats.t.sf(4, 4))
    assert hedges(4) == pytest.approx(0.8)
    assert math.isnan(hedges(1))


def test_verdicts_are_the_words_of_the_model() -> None:
    words = set(Versus.model_fields["verdict"].annotation.__args__)  # type: ignore[union-attr]
    assert words == {"better", "worse", "practically equal", "too few seeds to tell", "nothing claimed"}


def test_numbers_near_the_largest_are_still_numbers() -> None:
    """A diverging loss that ends the comparison of all others in a traceback."""
    found = estimate([1.7e308, 1.6e308, 1e300])
    assert found is not None
    assert found.mean == pytest.approx(1.1e308)
    assert found.deviation is not None
