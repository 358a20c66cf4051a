"""The two-dimensional analytic problems once more for drawing: numpy arrays in, heights out, no torch.

The tests hold them against the functions that are optimized.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Grid = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Surface:
    """How a problem is drawn.

    Args:
        height: the function's value at (x1, x2); takes the problem's options by name.
        start: where every run begins.
        optimum: where it is smallest.
        reach: half the width of the map around the optimum.
        edge: radius of the disc around the optimum where one-point convexity holds; None where it is no disc.
    """

    height: Callable[..., Grid]
    start: tuple[float, float]
    optimum: tuple[float, float]
    reach: float
    edge: float | None = None


def _cosine_bowl(x1: Grid, x2: Grid, **_: Any) -> Grid:
    return 1 - np.cos(x1**2 + x2**2)


def _quadratic(x1: Grid, x2: Grid, *, condition: float, **_: Any) -> Grid:
    return (x1**2 / condition + x2**2) / 2


def _rosenbrock(x1: Grid, x2: Grid, **_: Any) -> Grid:
    return (1 - x1) ** 2 + 100 * (x2 - x1**2) ** 2


SURFACES: dict[str, Surface] = {
    "cosine_bowl": Surface(_cosine_bowl, (1.0, 0.3), (0.0, 0.0), 2.6, math.sqrt(math.pi)),
    "quadratic": Surface(_quadratic, (1.0, 1.0), (0.0, 0.0), 1.4),
    "rosenbrock": Surface(_rosenbrock, (-1.2, 1.0), (1.0, 1.0), 2.6),
}
