"""Schedules: what they do to the learning rate, and that a rate which moves at every step costs nothing."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adabench.config import Settings, problem_spec
from adabench.engine.rates import LearningRate
from adabench.engine.train import train
from adabench.events import EpochEnded, Event, JobEnded
from adabench.optimizers import fused, optimizer_spec
from adabench.optimizers.building import build_optimizer
from adabench.optimizers.schedules import SCHEDULES, WARM_UP, WARM_UP_FROM
from adabench.spec import Job

LENGTHS = [1, 2, 7, 100, 1001]
MOVING = ["cosine", "warmup_cosine"]
needs_compiler = pytest.mark.skipif(not fused.compiler_available(), reason="no C++ compiler")


def factors(name: str, steps: int) -> list[float]:
    """The factor at each step of a run."""
    return [SCHEDULES[name].factor(step / steps) for step in range(steps)]


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_no_step_is_wasted_and_none_is_enlarged(name: str, steps: int) -> None:
    """A first step of a warm-up, or a last one of a cosine, at a rate of 0; a factor above 1."""
    assert all(0 < factor <= 1 for factor in factors(name, steps))


def test_cosine_is_half_a_cosine() -> None:
    """A quarter or a whole period; a fall that starts late or ends early."""
    assert factors("cosine", 4) == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])
    assert SCHEDULES["cosine"].factor(1 - 1e-9) == pytest.approx(0, abs=1e-12)
    assert all(a > b for a, b in pairwise(factors("cosine", 1000)))


def test_a_warm_up_rises_in_a_line_to_the_whole_rate_and_then_falls() -> None:
    """A jump where warm-up and cosine meet, a peak in the wrong place, or a cosine that is not stretched."""
    factor = SCHEDULES["warmup_cosine"].factor
    warm_up = [factor(WARM_UP * i / 10) for i in range(11)]
    assert warm_up[0] == WARM_UP_FROM
    assert all(b - a == pytest.approx((1 - WARM_UP_FROM) / 10) for a, b in pairwise(warm_up))
    assert factor(WARM_UP) == 1
    assert factor(WARM_UP + (1 - WARM_UP) / 2) == pytest.approx(0.5)
    fall = [factor(WARM_UP + (1 - WARM_UP) * i / 100) for i in range(100)]
    assert all(a > b for a, b in pairwise(fall))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rate_on_the_device_is_the_rate_on_the_host(name: str) -> None:
    """A captured step that sees another rate than an eager one."""
    rates: list[list[float]] = []
    for lr in (0.5, torch.tensor(0.5, dtype=torch.float64)):
        optimizer = torch.optim.Adam([nn.Parameter(torch.ones(2))], lr=lr, capturable=False)
        rate = LearningRate(optimizer, name, total_steps=40)
        rates.append([])
        for step in range(40):
            rate.set(step)
            rates[-1].append(rate.current)
    assert rates[0] == rates[1]


def test_a_run_that_goes_on_at_the_peak_writes_its_rate() -> None:
    """A rate on the device that stays at the checkpoint's for a step, because the next factor is 1."""
    lr = torch.tensor(0.5, dtype=torch.float64)
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(2))], lr=lr)
    rate = LearningRate(optimizer, "warmup_cosine", total_steps=20)
    lr.fill_(0.1)  # as a checkpoint leaves it
    rate.set(round(20 * WARM_UP))
    assert float(lr) == 0.5


def run(optimizer: str, schedule: str) -> list[Event]:
    tiny = "synthetic:size=8,classes=4,train=60,test=20"
    job = Job(
        optimizer=optimizer_spec(optimizer, {"schedule": schedule}),
        problem=problem_spec("mlp:hidden=16", tiny, Settings(batch_size=32)),
        seed=0,
        epochs=4,
        threads=1,
    )
    return list(train(job, device="cpu", data_dir=Path("/nonexistent")))


@pytest.mark.parametrize("schedule", MOVING)
@pytest.mark.parametrize("optimizer", ["adafix", "adam", "adabound", "sgdm", "muon"])
def test_every_kind_of_optimizer_follows(optimizer: str, schedule: str) -> None:
    """A schedule that the engine cannot find by name, or that an optimizer does not see."""
    events = run(optimizer, schedule)
    (end,) = [event for event in events if isinstance(event, JobEnded)]
    assert end.status == "completed", end.reason
    base = optimizer_spec(optimizer, {}).hyperparameters["lr"]
    told = [event.metrics["learning_rate"] for event in events if isinstance(event, EpochEnded)]
    last_steps = [SCHEDULES[schedule].factor(step / 8) for step in (1, 3, 5, 7)]
    assert told == pytest.approx([base * factor for factor in last_steps])


def descend(optimizer: Any, x: Tensor, rate: LearningRate, steps: int) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = (x.square().sum() - 1) ** 2
            loss.backward()
        return loss.detach()

    for step in range(steps):
        rate.set(step)
        optimizer.step(closure)


@needs_compiler
@pytest.mark.parametrize("schedule", MOVING)
@pytest.mark.parametrize("name", ["adafix", "adabound", "adashift"])
def test_a_rate_that_moves_at_every_step_compiles_nothing_anew(name: str, schedule: str) -> None:
    """Seconds of compiling at each step, because the rate became a constant of the kernel."""
    x = nn.Parameter(torch.full((fused.SMALLEST,), 0.01))
    spec = optimizer_spec(name, {"schedule": schedule})
    optimizer = build_optimizer(spec, [x], implementation="fused")
    before = fused.compiled.cache_info().misses
    with torch.compiler.set_stance("fail_on_recompile"):
        descend(optimizer, x, LearningRate(optimizer, schedule, 12), 12)
    assert fused.compiled.cache_info().misses == before
    assert x.isfinite().all()


def test_the_bounds_of_adabound_move_with_the_schedule() -> None:
    """Bounds that stay where they were while the rate falls: steps would not shrink with it."""
    steps = []
    for schedule in ("constant", "cosine"):
        x = nn.Parameter(torch.full((4,), 5.0, dtype=torch.float64))
        spec = optimizer_spec("adabound", {"schedule": schedule, "betas": (0.0, 0.5), "gamma": 1e6})
        optimizer = build_optimizer(spec, [x])
        rate, lengths = LearningRate(optimizer, schedule, 10), []
        for step in range(10):
            before = x.detach().clone()
            rate.set(step)
            x.grad = torch.ones_like(x)
            optimizer.step()
            lengths.append(float((before - x.detach())[0]))
        steps.append(lengths)
    shares = [after / before for before, after in zip(*steps, strict=True)]
    assert shares == pytest.approx(factors("cosine", 10), rel=1e-3)
