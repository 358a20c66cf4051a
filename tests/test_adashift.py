"""What makes AdaShift AdaShift: properties of the method, beyond following its reference."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from adabench.optimizers import AdaShift


def gradients(shape: tuple[int, ...] = (3,)) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    while True:
        yield torch.randn(shape, dtype=torch.float64, generator=generator)


def walk(steps: int, *, disturbed: int | None = None, **settings: Any) -> Tensor:
    """The points after each step on gradients that do not depend on them; one may be ten times larger."""
    x = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer, points = AdaShift([x], **settings), []
    for t, g in zip(range(1, steps + 1), gradients(), strict=False):
        x.grad = 10 * g if t == disturbed else g
        optimizer.step()
        points.append(x.detach().clone())
    return torch.stack(points)


def test_stands_still_until_a_gradient_is_old_enough() -> None:
    """A step divided by eps alone, 1e10 times too long, while the second moment is still empty."""
    points = walk(12, keep_num=10)
    assert torch.equal(points[:10], torch.zeros(10, 3, dtype=torch.float64))
    assert (points[10] != 0).all()


def test_the_newest_gradient_does_not_change_its_own_divisor() -> None:
    """The correlation that the method removes: with beta1 = 0 the step must be linear in the gradient."""
    settings = {"keep_num": 4, "betas": (0.0, 0.999)}
    plain, larger = walk(8, **settings), walk(8, disturbed=8, **settings)
    last, ten_times = plain[7] - plain[6], larger[7] - larger[6]
    torch.testing.assert_close(ten_times, 10 * last, rtol=1e-12, atol=0)


def test_a_gradient_leaves_the_momentum_after_keep_num_steps() -> None:
    """A window that never forgets: once out of it, a gradient only counts in the divisor, one number."""
    plain, larger = walk(12, keep_num=3), walk(12, keep_num=3, disturbed=5)
    ratios = (larger[8:] - larger[7:-1]) / (plain[8:] - plain[7:-1])
    torch.testing.assert_close(ratios, ratios[:, :1].expand_as(ratios), rtol=1e-10, atol=0)


def test_max_gives_one_rate_to_a_tensor_and_none_one_to_each_element() -> None:
    """A spatial operation over the wrong elements, which would couple all tensors or none."""
    steps = {}
    for spatial in ("max", "mean", "none"):
        points = walk(3, keep_num=1, spatial=spatial, betas=(0.0, 0.999), eps=0.0, lr=1.0)
        steps[spatial] = points[1] - points[0]
    first, second, *_ = (g for _, g in zip(range(2), gradients(), strict=False))
    torch.testing.assert_close(steps["max"], -second / first.abs().max())
    torch.testing.assert_close(steps["mean"], -second / first.square().mean().sqrt())
    torch.testing.assert_close(steps["none"], -second / first.abs())


def test_a_tensor_whose_gradients_are_zero_stands_still() -> None:
    """0 / 0 where a layer gets no signal, or a step of m / eps on its first one."""
    x = torch.nn.Parameter(torch.ones(2))
    optimizer = AdaShift([x], keep_num=2)
    for value in (0.0, 0.0, 0.0, 1e20):
        x.grad = torch.full((2,), value)
        optimizer.step()
    assert torch.equal(x.detach(), torch.ones(2))


@pytest.mark.parametrize("spatial", ["max", "none"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_capturable_changes_no_bit_on_a_cpu(spatial: str, dtype: torch.dtype) -> None:
    """Another arithmetic, or another slot of the queue, on the path that CUDA graphs take."""
    points = []
    for capturable in (False, True):
        x = torch.nn.Parameter(torch.zeros(3, dtype=dtype))
        optimizer = AdaShift([x], keep_num=3, spatial=spatial, capturable=capturable)
        for _, g in zip(range(20), gradients(), strict=False):
            x.grad = g.to(dtype)
            optimizer.step()
        points.append(x.detach())
    torch.testing.assert_close(points[0], points[1], rtol=1e-6 if dtype == torch.float32 else 1e-13, atol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "lr=-1.0 is not in [0, inf)"),
        ({"betas": (1.0, 0.9)}, "betas[0]=1.0 is not in [0, 1)"),
        ({"keep_num": 0}, "keep_num=0 is not in [1, inf)"),
        ({"spatial": "sum"}, "spatial='sum' is not one of max, mean, none"),
    ],
)
def test_refuses_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="is not") as error:
        AdaShift([torch.nn.Parameter(torch.ones(1))], **settings)
    assert str(error.value) == message
