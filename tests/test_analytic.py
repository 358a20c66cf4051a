"""Analytic problems: that their formulas are right, and that the counterexamples are counterexamples."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from adabench.catalogue import parse
from adabench.config import Request, Settings, resolve_sweep
from adabench.errors import BadValueError, RequestError, UnknownNameError
from adabench.optimizers import optimizer_spec
from adabench.problems import PROBLEMS, analytic_spec
from adabench.problems.analytic import AnalyticProblem, build_problem
from adabench.spec import AnalyticSpec, Job

NAMES = list(PROBLEMS)


def make(text: str) -> AnalyticProblem:
    return build_problem(analytic_spec(*parse(text)), "cpu")


def some_points(problem: AnalyticProblem, n: int = 200) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    points = 2 * torch.rand(n, len(problem.start), generator=draw, dtype=torch.float64) - 1
    return points + 0.01 * torch.randn(points.shape, generator=draw, dtype=torch.float64)


def some_weights(problem: AnalyticProblem, n: int = 200) -> Tensor | None:
    draw = torch.Generator().manual_seed(1)
    chance = torch.rand(n, generator=draw, dtype=torch.float64)
    return problem.weights(torch.arange(1, n + 1), chance)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_loss(name: str) -> None:
    """A slip in a closed form, for f_t and for a single point as for a batch."""
    problem = make(name)
    points, weights = some_points(problem), some_weights(problem)
    x = points.clone().requires_grad_()
    (expected,) = torch.autograd.grad(problem.loss_at(x, weights).sum(), [x])
    found = problem.gradient(points, weights)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    first = problem.gradient(points[0], None if weights is None else weights[0])
    assert torch.equal(first, found[0])
    assert found.data_ptr() != points.data_ptr()


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_mean_of_what_is_shown(name: str) -> None:
    """A curve that shows another function than the one whose gradients are followed."""
    problem = make(name)
    n = 2_020_000  # whole periods of 101 and of 50
    weights = some_weights(problem, n)
    if weights is None:
        return
    points = torch.tensor([[-0.7], [0.1], [0.9]], dtype=torch.float64)
    mean = torch.stack([problem.loss_at(p, weights).mean() for p in points])
    chance = 101 / math.sqrt(n) if problem.random else 0.0
    torch.testing.assert_close(mean, problem.loss(points), rtol=1e-6, atol=1e-6 + 0.5 * chance)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_below_the_optimum(name: str) -> None:
    """A wrong optimum."""
    problem = make(name)
    points = some_points(problem)
    if problem.optimum is None:
        assert problem.distance(points) is None
        return
    problem.project(points)
    assert bool((problem.loss(points) >= problem.loss(problem.optimum)).all())
    distance = problem.distance(torch.stack([problem.optimum, problem.start]))
    assert distance is not None
    assert float(distance[0]) == 0 < float(distance[1])


@pytest.mark.parametrize("name", ["cosine_bowl", "quadratic", "quadratic:dimension=5", "rosenbrock"])
def test_one_point_convexity_holds_where_it_is_said_to(name: str) -> None:
    """A region that is too large, or for the bowl and the valley too small."""
    problem = make(name)
    points = 3 * some_points(problem, 20_000)
    assert problem.optimum is not None
    inward = (problem.gradient(points, None) * (points - problem.optimum)).sum(dim=-1) > 0
    inside = problem.inside(points)
    assert bool(inward[inside].all())
    radius = points.square().sum(dim=-1)
    near = radius < 2 * math.pi if name == "cosine_bowl" else inside | True
    assert not bool(inward[~inside & near].any())


def test_the_valleys_sliver_is_as_described() -> None:
    """Words in the documentation that are not true of the formula."""
    draw = torch.Generator().manual_seed(0)
    near = torch.tensor([1.0, 1.0]) + 0.199 * (2 * torch.rand(5000, 2, generator=draw) - 1)
    assert bool(make("rosenbrock").inside(near.double()).all())
    sliver = torch.tensor([-1.0, 3.0], dtype=torch.float64)  # a = 4, q = 2
    assert not bool(make("rosenbrock").inside(sliver))


def test_nan_is_outside_of_every_region() -> None:
    """A run that diverged and yet never left."""
    for name in NAMES:
        problem = make(name)
        assert bool(problem.inside(problem.start))
        assert not bool(problem.inside(problem.start * math.nan))


def test_the_bowl_keeps_its_digits_at_the_bottom() -> None:
    """1 - cos(r) is 0 in binary long before r is."""
    x = torch.tensor([1e-5, 0.0], dtype=torch.float64)
    assert float(make("cosine_bowl").loss(x)) == pytest.approx(0.5e-20, rel=1e-9)


def test_the_quadratics_condition_is_the_one_asked_for() -> None:
    curvatures = make("quadratic:condition=1000,dimension=4").gradient(torch.ones(4).double(), None)
    assert float(curvatures.max() / curvatures.min()) == pytest.approx(1000)
    assert float(curvatures.max()) == pytest.approx(1)


def walk(text: str, make_optimizer: Any, steps: int, seeds: int = 16) -> Tensor:
    """Where optimizers of one dimension end, one for each seed."""
    problem = make(text)
    x = torch.nn.Parameter(problem.start.expand(seeds, 1).clone())
    optimizer = make_optimizer([x])
    chance = torch.rand(steps, seeds, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = problem.weights(torch.arange(1, steps + 1).view(-1, 1), chance)
    assert weights is not None
    for weight in weights:
        x.grad = problem.gradient(x.detach(), weight)
        optimizer.step()
        problem.project(x.data)
    return x.detach().flatten()


ADAM = torch.optim.Adam


@pytest.mark.parametrize(
    ("text", "settings", "steps"),
    [
        ("reddi_online:C=3,period=3", {"lr": 0.01, "betas": (0.0, 0.1)}, 1000),
        ("reddi_online", {"lr": 0.01, "betas": (0.9, 0.99)}, 4000),
    ],
)
def test_adam_goes_to_the_wrong_end_and_amsgrad_does_not(text: str, settings: Any, steps: int) -> None:
    """A counterexample that is none: Reddi et al.'s Theorem 1 and the first experiment of section 5."""
    assert walk(text, lambda params: ADAM(params, **settings), steps, seeds=1) > 0.5
    assert walk(text, lambda params: ADAM(params, **settings, amsgrad=True), steps, seeds=1) < 0


@pytest.mark.parametrize("text", ["reddi_stochastic:delta=0.2", "adashift_stochastic:delta=0.2"])
def test_adam_walks_uphill_where_chance_chooses_the_function(text: str) -> None:
    """A counterexample that is none: Reddi et al.'s Theorem 3, and AdaShift's on the whole line."""
    settings: Any = {"lr": 0.005, "betas": (0.9, 0.99)}
    adam = float(walk(text, lambda params: ADAM(params, **settings), 4000).mean())
    amsgrad = float(walk(text, lambda params: ADAM(params, **settings, amsgrad=True), 4000).mean())
    assert adam > 0.4
    assert amsgrad < adam / 2  # its first steps, before it has met C, go uphill too


def test_adam_leaves_to_the_right_where_sgd_goes_left() -> None:
    """AdaBound's example."""
    settings: Any = {"lr": 0.05, "betas": (0.0, 0.9)}
    assert walk("adabound_online", lambda params: ADAM(params, **settings), 3000, seeds=1) > 1
    assert walk("adabound_online", lambda params: torch.optim.SGD(params, lr=0.05), 3000, seeds=1) < 0


def test_constrained_points_come_back() -> None:
    for name, bound in (("reddi_online", 1), ("reddi_stochastic", 1), ("adabound_online", 2)):
        x = torch.tensor([[-5.0], [0.25], [5.0]], dtype=torch.float64)
        make(name).project(x)
        assert x.flatten().tolist() == [-bound, 0.25, bound]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosine_bow", "unknown problem 'cosine_bow'; did you mean 'cosine_bowl'?"),
        ("cosine_bowl:nois=1", "unknown option of cosine_bowl 'nois'; did you mean 'noise'?"),
        ("cosine_bowl:noise=-1", "cosine_bowl: noise=-1 is not allowed; it takes a number in [0, inf)"),
        (
            "reddi_online:C=2,period=3",
            "reddi_online:C=2,period=3: C=2 must be above period - 1 = 2; otherwise -1 is no optimum",
        ),
        (
            "reddi_stochastic:C=2,delta=3",
            "reddi_stochastic:C=2,delta=3: delta=3 must be at most C=2: (1 + delta) / (C + 1) is a chance",
        ),
    ],
)
def test_bad_requests_are_explained(text: str, message: str) -> None:
    with pytest.raises((BadValueError, UnknownNameError)) as error:
        make(text)
    assert str(error.value) == message


def test_naming_a_problem_replaces_the_suites() -> None:
    sweep = resolve_sweep(Request(problems=("cosine_bowl:noise=1e-3,interval=10", "quadratic")))
    assert [problem.label for problem in sweep.problems] == [
        "cosine_bowl:noise=0.001,interval=10",
        "quadratic",
    ]
    first = sweep.problems[0]
    assert isinstance(first, AnalyticSpec)
    assert (first.options, first.interval) == ({"noise": 0.001}, 10)
    both = resolve_sweep(Request(problems=("quadratic",), models=("mlp",)))
    assert [problem.label for problem in both.problems] == ["mlp-mnist", "quadratic"]


def test_reduced_precision_is_refused() -> None:
    """A result that claims a precision it was not computed in."""
    with pytest.raises(RequestError, match=r"^quadratic: precision bf16 is not allowed; it takes float64$"):
        resolve_sweep(Request(problems=("quadratic",), settings=Settings(precision="bf16")))


def test_figure_1_is_the_papers() -> None:
    """Another start, learning rate, length or set of methods than the paper's and the ones measured."""
    sweep = resolve_sweep(Request(suite="figure1"))
    assert make("cosine_bowl").start.tolist() == [1.0, 0.3]
    assert [spec.name for spec in sweep.optimizers] == ["adam", "amsgrad", "adabound", "adafix"]
    assert all(spec.hyperparameters["lr"] == 0.5 for spec in sweep.optimizers)
    assert all(spec.hyperparameters["betas"] == (0.9, 0.999) for spec in sweep.optimizers)
    noises = [problem.options["noise"] for problem in sweep.problems if isinstance(problem, AnalyticSpec)]
    assert noises == [0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    assert (len(sweep.seeds), sweep.epochs * 60) == (20, 60_000)


def test_a_job_on_a_problem_is_told_apart_from_one_on_data() -> None:
    """A stored job that is read back as another kind, or two problems that share a result."""
    specs = [
        analytic_spec(*parse(text)) for text in ("quadratic", "quadratic:noise=1", "quadratic:interval=9")
    ]
    jobs = [Job(optimizer=optimizer_spec("adam", {}), problem=spec, seed=0, epochs=1) for spec in specs]
    assert len({job.key for job in jobs}) == 3
    for job in jobs:
        assert Job.model_validate_json(job.model_dump_json()) == job
