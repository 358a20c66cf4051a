"""Executors and stacks: other ways to take the same steps, held against the step as written."""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adabench.config import Settings, problem_spec
from adabench.engine import building, captured
from adabench.engine.train import train
from adabench.events import EpochEnded, Event, JobEnded
from adabench.models import MODELS
from adabench.optimizers import OPTIMIZERS, can_be_captured, implementation_of, optimizer_spec
from adabench.spec import Job

NOWHERE = Path("/nonexistent")
EXACT = 2.0**-10
"""A learning rate that a float32 on the device holds to the last bit, as the float on the host does."""
TINY = "synthetic:size=8,channels=1,classes=4,train=100,test=40"
CAPTURABLE = [name for name in OPTIMIZERS if can_be_captured(optimizer_spec(name, {}), "fused")]
STACKABLE = [name for name, row in OPTIMIZERS.items() if row.traits.elementwise or row.traits.stacked]


def job(optimizer: str = "adam", *, model: str = "mlp:hidden=16", dataset: str = TINY, **rest: Any) -> Job:
    """A small job with a short last minibatch; ``settings`` are the optimizer's."""
    settings = rest.pop("settings", {})
    if optimizer not in ("adadelta", "lbfgs"):
        settings = {"lr": EXACT, **settings}
    return Job(
        optimizer=optimizer_spec(optimizer, settings),
        problem=problem_spec(model, dataset, Settings(batch_size=32)),
        implementation=implementation_of(optimizer_spec(optimizer, {}), "fused"),
        threads=1,
        **{"seed": 0, "epochs": 3, **rest},
    )


def run(*jobs: Job, device: str = "cpu") -> list[Event]:
    return list(train(*jobs, device=device, data_dir=NOWHERE))


def columns(
    events: list[Event], job: Job, *, without: tuple[str, ...] = ("seconds",)
) -> list[dict[str, float]]:
    """One job's curve and probes, epoch by epoch."""
    return [
        {name: value for name, value in {**event.metrics, **event.probes}.items() if name not in without}
        for event in events
        if isinstance(event, EpochEnded) and event.job == job
    ]


def endings(events: list[Event]) -> dict[Job, JobEnded]:
    return {event.job: event for event in events if isinstance(event, JobEnded)}


class Rehearsal:
    """Stands for CUDA graphs where there are none: what it recorded, it runs again on the host.

    A replayed graph moves no count on the host, so neither may this; and it leaves gradients where
    it was recorded.
    """

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer

    def warm_up(self, body: captured.Body) -> None:
        for _ in range(captured.WARM_UP_STEPS):
            body()

    def record(self, body: captured.Body) -> tuple[Callable[[], object], int]:
        result = body()
        params = [p for group in self._optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in params]

        def replay() -> None:
            before = dict(vars(self._optimizer))
            body()
            counts = {name: value for name, value in before.items() if isinstance(value, int)}
            vars(self._optimizer).update(counts)
            for p, gradient in zip(params, gradients, strict=True):
                gradient.copy_(p.grad)

        return replay, result


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captured steps on the CPU, with everything real but the graphs; torch's own have to be let in."""
    for name in ("adadelta", "nadam", "radam", "rmsprop"):
        module = importlib.import_module(f"torch.optim.{name}")
        monkeypatch.setattr(module, "_get_capturable_supported_devices", lambda **_: ["cpu"])

    class Rehearsed(captured.CapturedStep):
        def __init__(self, step: Any, problem: Any, optimizer: Any, totals: Any, **rest: Any) -> None:
            super().__init__(step, problem, optimizer, totals, graphs=Rehearsal(optimizer), **rest)

    monkeypatch.setattr(building, "CapturedStep", Rehearsed)


def small_with_statistics(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The least that has a convolution and running statistics."""
    norm = nn.BatchNorm2d(4)
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3),
        norm,
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * (shape[1] - 2) * (shape[2] - 2), classes),
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model ``small`` in the catalogue."""
    row = dataclasses.replace(MODELS["vgg11"], build=f"{__name__}:small_with_statistics", minimum_size=1)
    monkeypatch.setitem(MODELS, "small", row)


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
@pytest.mark.parametrize("name", CAPTURABLE)
def test_a_captured_run_gives_the_same_bits(
    name: str, augment: str, monkeypatch: pytest.MonkeyPatch, rehearsed: None
) -> None:
    """Warm-up that leaves a trace, a rate or a count baked in, a short batch in the wrong graph."""
    one = job(name, dataset=f"{TINY},augment={augment}", settings={"schedule": "step"}, executor="captured")
    got = columns(run(one), one)
    monkeypatch.setattr(building, "CapturedStep", lambda step, *_, **__: step)
    assert len(got) == 3
    assert got == columns(run(one), one)


@pytest.mark.parametrize("name", ["adafix", "adam", "amsgrad", "adabound", "sgdm"])
def test_counts_on_the_device_change_nothing(name: str, rehearsed: None) -> None:
    """A learning rate or a bias correction that is another number once a graph has to find it."""
    eager = job(name, settings={"schedule": "step"})
    again = eager.model_copy(update={"executor": "captured"})
    for before, after in zip(*(columns(run(one), one) for one in (eager, again)), strict=True):
        assert after == pytest.approx(before, rel=1e-5)


@pytest.mark.usefixtures("rehearsed")
def test_every_kind_of_adafix_step_has_its_own_graph() -> None:
    """A second gradient replayed where none was due; 4 steps an epoch, one estimate in 3 steps."""
    settings = {"lipschitz_every": 3}
    eager = job("adafix", settings=settings, epochs=6)
    again = eager.model_copy(update={"executor": "captured"})
    expected, got = (columns(run(one), one) for one in (eager, again))
    assert got[-1]["gradient_evaluations"] == 24 + 8
    for before, after in zip(expected, got, strict=True):
        assert after == pytest.approx(before, rel=1e-6)


@pytest.mark.usefixtures("rehearsed", "small")
def test_batchnorm_of_a_captured_run_moves_once_a_step() -> None:
    """Running statistics moved by warm-up, or by the second gradient."""
    eager = job("adafix", model="small")
    again = eager.model_copy(update={"executor": "captured"})
    expected, got = (columns(run(one), one) for one in (eager, again))
    for before, after in zip(expected, got, strict=True):
        assert after == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("name", STACKABLE)
def test_stacked_seeds_end_where_single_ones_do(name: str) -> None:
    """One seed's data, weights, L or probes given to another; a mean taken over all of them."""
    stack = tuple(job(name, seed=seed, stacked=True) for seed in (0, 1, 5))
    events = run(*stack)
    for member in stack:
        alone = member.model_copy(update={"stacked": False})
        expected, got = columns(run(alone), alone), columns(events, member)
        for before, after in zip(expected, got, strict=True):
            assert after == pytest.approx(before, rel=2e-3, abs=1e-6)


def test_a_diverging_seed_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN that spreads through a stack, or a stack that ends with its first diverged seed."""
    stack = tuple(job("adafix", seed=seed, stacked=True) for seed in (0, 1, 2))
    healthy = run(*stack)

    def poisoned(*arguments: Any, **rest: Any) -> building.Machinery:
        machinery = built(*arguments, **rest)
        with torch.no_grad():
            next(iter(machinery.problem.model.parameters()))[1, 0, 0] = float("inf")
        return machinery

    built = building.build
    monkeypatch.setattr("adabench.engine.run.build", poisoned)
    events = run(*stack)
    ends = endings(events)
    assert [ends[member].status for member in stack] == ["completed", "diverged", "completed"]
    assert ends[stack[1]].reason == "the loss was not finite at step 1 (epoch 1)"
    for member in (stack[0], stack[2]):
        assert columns(events, member) == columns(healthy, member)


def test_shares_of_a_stack_add_up() -> None:
    """A stack's time or state counted once for each of its seeds."""
    stack = tuple(job("adam", seed=seed, stacked=True) for seed in (0, 1, 2, 3))
    ends = endings(run(*stack))
    alone = job("adam")
    single = endings(run(alone))[alone].summary
    summaries = [ends[member].summary for member in stack]
    assert {summary.parameters for summary in summaries} == {single.parameters}
    assert len({summary.seconds for summary in summaries}) == 1
    assert summaries[0].gradient_evaluations == single.gradient_evaluations


@pytest.mark.usefixtures("small")
def test_a_compiled_run_stays_close() -> None:
    """A compiled model that keeps BatchNorm moving in the second gradient, or judges itself wrongly."""
    eager = job("adafix", model="small")
    compiled = eager.model_copy(update={"executor": "compiled"})
    expected, got = (run(one) for one in (eager, compiled))
    assert endings(got)[compiled].reason is None
    assert endings(got)[compiled].summary.warm_up_seconds
    for before, after in zip(columns(expected, eager), columns(got, compiled), strict=True):
        for column in ("train_loss", "test_loss"):
            assert after[column] == pytest.approx(before[column], rel=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("name", CAPTURABLE)
@pytest.mark.parametrize("model", ["mlp:hidden=64", "densenet53:growth=4"])
def test_graphs_give_the_bits_of_the_eager_step(name: str, model: str) -> None:
    """A CUDA graph that holds an old address, a baked-in number or a kernel too few."""
    eager = job(name, model=model)
    again = eager.model_copy(update={"executor": "captured"})
    expected, got = (columns(run(one, device="cuda"), one) for one in (eager, again))
    for before, after in zip(expected, got, strict=True):
        assert after == pytest.approx(before, rel=1e-5)
