"""Theorem 3.1 of the AdaFix paper: where it fails, and what holds instead (docs/theory.md)."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

SCRIPT = Path(__file__).parent.parent / "bench" / "theorem.py"
Floats = NDArray[np.float64]
ROUNDING = 1e-9
thorough = settings(max_examples=200, deadline=None)


def printed_supplement(lr: float, delta: float, gradient: float, distance: float) -> float:
    return lr * (math.sqrt(delta**2 * distance**2 + gradient**2) / distance - delta)


def printed_main_text(lr: float, delta: float, gradient: float, distance: float) -> float:
    return math.sqrt(delta**2 * distance**2 + gradient**2) / distance**2 - delta


PRINTED = [printed_supplement, printed_main_text]


@st.composite
def steps(draw: Any) -> tuple[Floats, Floats, Floats, float]:
    """x - x*, g, the diagonal of A with 1 as its largest entry, and lr: all independent of each other."""
    size = draw(st.integers(1, 6))

    def vector(low: float, high: float) -> Floats:
        return np.array(draw(st.lists(st.floats(low, high), min_size=size, max_size=size)))

    error, gradient, diagonal = vector(-1.0, 1.0), vector(-1.0, 1.0), vector(1e-3, 1.0)
    if np.linalg.norm(error) < 1e-3:
        error[0] = 1.0
    if np.linalg.norm(gradient) < 1e-3:
        gradient[0] = -1.0
    return (
        error,
        gradient * 10 ** draw(st.floats(-3, 3)),
        diagonal / diagonal.max(),
        draw(st.floats(1e-3, 10)),
    )


fractions = st.floats(1e-3, 1.0)


def reached(error: Floats, gradient: Floats, diagonal: Floats, lr: float) -> float:
    return float(np.linalg.norm(error - lr * gradient / diagonal))


@thorough
@given(steps(), fractions)
def test_a_step_recedes_whenever_its_largest_divisor_is_under_the_triangle_bound(
    step: tuple[Floats, Floats, Floats, float], fraction: float
) -> None:
    """The statement that holds: an f, an A or a dimension for which it does not."""
    error, gradient, shape, lr = step
    bound = lr * np.linalg.norm(gradient) / (2 * np.linalg.norm(error))
    after = reached(error, gradient, shape * bound * fraction, lr)
    assert after >= np.linalg.norm(error) * (1 - ROUNDING)


@thorough
@given(steps(), fractions)
def test_a_step_recedes_under_the_mended_bound(
    step: tuple[Floats, Floats, Floats, float], fraction: float
) -> None:
    """The paper's proof with an upper bound on <g, x - x*> in delta's place: any f for which it fails."""
    error, gradient, shape, lr = step
    most, ratio = gradient @ error / (error @ error), np.linalg.norm(gradient) / np.linalg.norm(error)
    bound = lr * ratio**2 / (np.hypot(most, ratio) + most)  # = lr (sqrt(most^2 + ratio^2) - most)
    after = reached(error, gradient, shape * bound * fraction, lr)
    assert after >= np.linalg.norm(error) * (1 - ROUNDING)


@thorough
@given(steps(), fractions, fractions)
def test_one_point_convexity_gives_the_opposite_statement(
    step: tuple[Floats, Floats, Floats, float], share: float, fraction: float
) -> None:
    """With sqrt(min v) above lr ||g||^2 / (2 delta ||x - x*||^2) the distance in A's norm must not grow."""
    error, gradient, shape, lr = step
    gradient = gradient * np.sign(gradient @ error or 1.0)
    delta = share * (gradient @ error) / (error @ error)
    if delta < 1e-6:
        return
    bound = lr * (gradient @ gradient) / (2 * delta * (error @ error))
    diagonal = shape / shape.min() * bound / fraction
    after = error - lr * gradient / diagonal
    assert diagonal @ after**2 <= diagonal @ error**2 * (1 + ROUNDING)


@thorough
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), st.data())
def test_for_a_smooth_function_the_triangle_bound_is_at_most_half_of_lr_lipschitz(
    curvatures: list[float], data: st.DataObject
) -> None:
    """The corollary on f = sum of a_i (1 - cos x_i), which is not convex and has L = max |a_i|."""
    size = len(curvatures)
    x = np.array(data.draw(st.lists(st.floats(-9, 9), min_size=size, max_size=size)))
    if np.linalg.norm(x) < 1e-3:
        x[0] = 1.0
    lr, lipschitz = 0.5, np.abs(curvatures).max()
    gradient = np.array(curvatures) * np.sin(x)
    assert lr * np.linalg.norm(gradient) / (2 * np.linalg.norm(x)) <= lr * lipschitz / 2 * (1 + ROUNDING)


@pytest.mark.parametrize("bound", PRINTED)
def test_a_search_finds_a_counterexample_to_the_printed_theorem(bound: Any) -> None:
    """A printed bound that turned out true on f = c x^2 / 2, whose every delta below c is valid."""

    def refutes(case: tuple[float, float, float]) -> bool:
        delta, divisor, x = case
        c = lr = 1.0
        return bool(divisor <= bound(lr, delta, c * x, x) and abs(x - lr * c * x / divisor) < 0.99 * x)

    cases = st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 2.0), st.floats(0.01, 2.0))
    delta, divisor, x = find(cases, refutes, settings=settings(max_examples=5_000, database=None))
    assert 0 < delta < 1  # <grad f, x> = x^2 > delta x^2
    assert divisor > 0.5  # where the statement that holds is silent
    assert x > 0


@pytest.mark.parametrize("bound", PRINTED)
@pytest.mark.parametrize(("c", "lr"), [(1.0, 1.0), (7.0, 0.5), (0.1, 0.01)])
def test_the_counterexample_in_numbers(bound: Any, c: float, lr: float) -> None:
    """f = c x^2 / 2 with delta = c / 100 and sqrt(v) = 0.9 lr c: the bound holds and x' = -x / 9."""
    x, delta, divisor = 1.0, 0.01 * c, 0.9 * lr * c
    assert c * x * x > delta * x**2
    assert divisor <= bound(lr, delta, c * x, x)
    assert x - lr * c * x / divisor == pytest.approx(-x / 9)


def test_the_first_step_of_adam_is_the_counterexample() -> None:
    """A counterexample that no optimizer could meet: Adam meets it at x = 0.9 lr, whatever c is."""
    lr, c = 0.5, 3.0
    p = torch.tensor([0.9 * lr], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=lr, eps=0.0)
    p.grad = c * p.detach()
    optimizer.step()
    divisor = float(optimizer.state[p]["exp_avg_sq"].sqrt()) / np.sqrt(1 - 0.999)
    assert divisor == pytest.approx(0.9 * lr * c)
    assert divisor <= printed_supplement(lr, 0.01 * c, c * 0.9 * lr, 0.9 * lr)
    assert float(p.detach()) == pytest.approx(-0.1 * lr)


@pytest.mark.parametrize(("share", "holds"), [(0.5, False), (0.74, False), (0.76, True), (0.99, True)])
def test_on_a_parabola_the_printed_bound_holds_only_for_delta_from_three_quarters_of_c(
    share: float, holds: bool
) -> None:
    """Where the line runs between a delta for which the theorem is true and one for which it is not."""
    c, lr, x = 2.0, 0.1, 0.3
    divisor = printed_supplement(lr, share * c, c * x, x)
    assert (abs(x - lr * c * x / divisor) >= x) is holds


def test_the_proof_swaps_an_inequality() -> None:
    """The step of the proof: -2 lr <g, x - x*> is not above -2 lr delta ||x - x*||^2 but below it."""
    c, delta, lr, x = 1.0, 0.01, 1.0, 1.0
    assert -2 * lr * (c * x * x) == -2.0
    assert -2 * lr * delta * x**2 == -0.02
    divisor = 0.9 * lr * c
    weighted = divisor * (x - lr * c * x / divisor) ** 2  # what the proof bounds from below
    claimed = -2 * lr * delta * x**2 + lr**2 / divisor * (c * x) ** 2
    assert weighted == pytest.approx(1 / 90)
    assert claimed == pytest.approx(1.0911, abs=1e-4)


@pytest.mark.parametrize(("multiple", "converges"), [(1.9, True), (2.1, True), (37.0, True), (39.0, False)])
def test_momentum_moves_the_threshold_nineteenfold(multiple: float, converges: bool) -> None:
    """On a parabola with v fixed, momentum 0.9 diverges from lr c / sqrt(v) = 38 on, not from 2 on."""
    x, mean, beta = 1.0, 0.0, 0.9
    for _ in range(3_000):
        mean = beta * mean + (1 - beta) * x
        x -= multiple * mean
    assert (abs(x) < 1e-3) is converges


@pytest.fixture(scope="module")
def script() -> ModuleType:
    if not SCRIPT.exists():
        pytest.skip("the script stands in the repository only")
    spec = importlib.util.spec_from_file_location("theorem", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("optimizer", ["Adam", "AMSGrad", "AdaFix"])
def test_the_script_reads_the_divisor_of_the_step_and_its_bounds_hold(
    script: ModuleType, optimizer: str
) -> None:
    """A divisor that is not what the optimizer divided by; a step that a bound which holds misjudges."""
    for problem in script.PROBLEMS:
        run = script.run(replace(problem, steps=100), script.CONTENDERS[optimizer], seed=0)
        taken = run.error - run.problem.learning_rate * run.direction / run.divisor
        np.testing.assert_allclose(taken, run.reached, rtol=1e-9, atol=1e-12)
        bounds, largest = run.bounds(), run.divisor.max(1)
        assert run.receded_without_momentum[largest <= bounds["triangle"]].all()
        assert run.receded_without_momentum[largest <= bounds["mended"]].all()
        assert run.receded[largest <= bounds["triangle, m"]].all()


def test_the_script_finds_the_printed_bound_wrong_on_a_convex_quadratic(script: ModuleType) -> None:
    """A reading of the printed bound under which no step of Adam refutes it."""
    turned = next(p for p in script.PROBLEMS if p.name == "turned, condition 10")
    run = script.run(replace(turned, steps=100), script.CONTENDERS["Adam"], seed=0)
    held = run.divisor.max(1) <= run.bounds()["supplement"]
    assert not run.receded_without_momentum[held].all()
