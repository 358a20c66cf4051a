"""AdaBound and AMSBound against their authors' own code, and where they differ from it on purpose."""

from typing import Any

import pytest
import torch
from torch import Tensor

from adabench.optimizers import AdaBound

STEPS = 200


def gradients() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(5, dtype=torch.float64, generator=generator) * 0.1 ** (t % 4) for t in range(STEPS)]


def trajectory(optimizer_class: Any, scheduled: bool, **settings: Any) -> Tensor:
    """The points after each step on gradients that do not depend on them."""
    x = torch.nn.Parameter(torch.linspace(-1, 1, 5, dtype=torch.float64))
    optimizer, points = optimizer_class([x], **settings), []
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, STEPS // 2, 0.1)
    for g in gradients():
        x.grad = g.clone()
        optimizer.step()
        points.append(x.detach().clone())
        if scheduled:
            schedule.step()
    return torch.stack(points)


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("amsbound", [False, True])
@pytest.mark.parametrize("settings", [{}, {"gamma": 0.1, "final_lr": 0.01, "lr": 0.02}])
@pytest.mark.filterwarnings("ignore:This overload of:UserWarning")
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler:UserWarning")
def test_agrees_with_the_authors_code(amsbound: bool, scheduled: bool, settings: dict[str, Any]) -> None:
    """Bounds, bias corrections or the schedule of the final rate in another form than was published."""
    theirs = pytest.importorskip("adabound").AdaBound
    ours = trajectory(AdaBound, scheduled, amsbound=amsbound, **settings)
    expected = trajectory(theirs, scheduled, amsbound=amsbound, **settings)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)


def test_without_bounds_in_reach_it_is_adam_but_for_eps() -> None:
    """Bias correction misplaced: with a wide open pair of bounds only eps tells the two apart."""
    ours = trajectory(AdaBound, False, gamma=1e-12, final_lr=1.0, eps=0.0)
    adam = trajectory(torch.optim.Adam, False, eps=0.0)
    torch.testing.assert_close(ours, adam, rtol=1e-9, atol=1e-12)


def test_with_bounds_closed_it_is_momentum_at_the_final_rate() -> None:
    """Bounds that close in on something else than ``final_lr``."""
    x = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer, m = AdaBound([x], gamma=1e12, final_lr=0.05), torch.zeros(5, dtype=torch.float64)
    expected = torch.zeros(5, dtype=torch.float64)
    for g in gradients():
        x.grad = g.clone()
        optimizer.step()
        m = 0.9 * m + 0.1 * g
        expected -= 0.05 * m
    torch.testing.assert_close(x.detach(), expected, rtol=1e-9, atol=1e-12)


def test_a_resumed_run_scales_its_bounds_by_the_first_rate() -> None:
    """The authors' loss of the first learning rate on resuming, which moves the bounds by the schedule."""
    x = torch.nn.Parameter(torch.zeros(2))
    first = AdaBound([x], lr=0.01)
    first.param_groups[0]["lr"] = 0.001
    second = AdaBound([x], lr=0.001)
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["base_lr"] == 0.01


def test_a_learning_rate_of_zero_moves_nothing() -> None:
    """0 / 0 in the scale of the bounds."""
    x = torch.nn.Parameter(torch.ones(2))
    optimizer = AdaBound([x], lr=0.0)
    x.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(x.detach(), torch.ones(2))


def test_capturable_takes_the_learning_rate_as_a_tensor() -> None:
    """A schedule that a captured step cannot follow, because its rate was read on the host."""
    points = []
    for lr, capturable in ((0.01, False), (torch.tensor(0.01, dtype=torch.float64), True)):
        x = torch.nn.Parameter(torch.linspace(-1, 1, 5, dtype=torch.float64))
        optimizer = AdaBound([x], lr=lr, capturable=capturable)
        for g in gradients():
            x.grad = g.clone()
            optimizer.step()
        points.append(x.detach())
    torch.testing.assert_close(points[0], points[1], rtol=1e-12, atol=0)
    assert points[0].isfinite().all()
