"""What the references are written in: vectors as lists of numbers, and a few words about them."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

Vector = list[float]
Gradient = Callable[[int, Vector], Vector]
Settings = dict[str, Any]
Rate = Callable[[int], float]
Shapes = Sequence[tuple[int, ...]]
Outcome = tuple[Vector, dict[str, Any]]
Reference = Callable[..., Outcome]


def elementwise(rule: Callable[[Vector, Gradient, int, Settings, Rate], Outcome]) -> Reference:
    """A rule that does not care which numbers belong to one parameter."""

    @functools.wraps(rule)
    def reference(
        x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate, shapes: Shapes = ()
    ) -> Outcome:
        return rule(x, gradient, steps, s, rate)

    return reference


def norm(x: Vector) -> float:
    """The 2-norm."""
    return math.sqrt(sum(value * value for value in x))


def ema(old: Vector, new: Vector, beta: float) -> Vector:
    """A running mean after one more value."""
    return [beta * a + (1 - beta) * b for a, b in zip(old, new, strict=True)]


def squares(x: Vector) -> Vector:
    """Each value times itself."""
    return [value * value for value in x]


def penalized(gradient: Gradient, weight_decay: float) -> Gradient:
    """The gradient of the loss and of weight_decay / 2 |x|^2."""
    return lambda t, x: [g + weight_decay * xi for g, xi in zip(gradient(t, x), x, strict=True)]


def shrunk(x: Vector, share: float) -> Vector:
    """Every weight less a share of itself."""
    return [value * (1 - share) for value in x]
