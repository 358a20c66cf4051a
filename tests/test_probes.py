"""The quantities of Figure 2: right where a hand can compute them, absent where they mean nothing."""

import math
from typing import Any

import pytest
import torch

from adabench.engine.probes import Probes
from adabench.optimizers import OPTIMIZERS, optimizer_spec
from adabench.optimizers.building import build_optimizer


def after_steps(
    name: str, steps: int, settings: dict[str, Any] | None = None
) -> tuple[Any, dict[str, float]]:
    """An optimizer after some steps on a quadratic with two of three coordinates, and its probes."""
    x = torch.nn.Parameter(torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64))
    matrix = torch.nn.Parameter(torch.eye(2, dtype=torch.float64))
    optimizer = build_optimizer(optimizer_spec(name, settings or {}), [x, matrix])
    probes = Probes(optimizer)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (x[:2] ** 2).sum() + (matrix**2).sum() * 0.5
        loss.backward()
        return loss

    for step in range(steps):
        if step == steps - 1:
            probes.before_last_step()
        optimizer.step(closure)
    return optimizer, probes.read(steps)


def test_adams_columns_after_one_step() -> None:
    """v taken with its bias, a rate without it, or coordinates that never had a gradient in a mean."""
    _, values = after_steps("adam", 1)
    gradients = [2.0, -4.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert values["v_norm"] == pytest.approx(math.sqrt(sum((0.001 * g * g) ** 2 for g in gradients)))
    assert values["untouched_fraction"] == pytest.approx(3 / 7)
    rates = [1e-3 / (abs(g) + 1e-8) for g in gradients if g]
    assert values["effective_lr_mean"] == pytest.approx(sum(rates) / 4)
    assert values["effective_lr_q50"] == pytest.approx((1e-3 / 2 + 1e-3) / 2)
    assert values["effective_lr_q05"] < values["effective_lr_q50"] < values["effective_lr_q95"] + 1e-12
    assert values["gradient_norm"] == pytest.approx(math.sqrt(22))
    assert values["update_norm"] == pytest.approx(2e-3, rel=1e-6)


def test_adafix_corrects_a_fixed_v_by_its_own_updates() -> None:
    """An effective learning rate that seems to move while v is fixed; settings that fix it at once."""
    _, early = after_steps("adafix", 3, {"lr": 10.0})
    _, late = after_steps("adafix", 6, {"lr": 10.0})
    assert early["frozen_fraction"] > 0
    assert early["effective_lr_mean"] == pytest.approx(late["effective_lr_mean"])
    assert late["lipschitz"] >= early["lipschitz"] > 0


def test_amsgrad_shows_the_second_moment_in_use() -> None:
    """The running mean in place of the maximum that divides the step."""
    optimizer, values = after_steps("amsgrad", 400, {"lr": 0.1})
    used = [state["max_exp_avg_sq"] for state in optimizer.state.values()]
    assert values["v_norm"] == pytest.approx(float(torch.cat([v.flatten() for v in used]).norm()))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_be_probed(name: str) -> None:
    """A state of another shape that ends the run; columns where there is no second moment."""
    _, values = after_steps(name, 12)
    assert all(math.isfinite(value) for value in values.values())
    assert ("v_norm" in values) == (name not in {"sgd", "sgdm", "lbfgs", "adafactor"})
