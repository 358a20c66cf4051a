"""Smooth analytic problems: the paper's bowl, quadratics and Rosenbrock's valley."""

import math

import torch
from torch import Tensor

from adabench.problems.analytic import AnalyticProblem, vector


class CosineBowl(AnalyticProblem):
    """f(x) = 1 - cos(||x||^2) in two dimensions, from (1.0, 0.3).

    Optimum: (0, 0), where f is 0 and grows as ||x||^4 / 2, so that no curvature is left there.
    One-point convexity: <grad f, x> = 2 ||x||^2 sin(||x||^2) > 0 for 0 < ||x||^2 < pi; a constant
    delta > 0 as in the paper's definition holds only away from both ends.

    Source: Bae, Ryu and Shin, arXiv 1911.00289, Figure 1.
    """

    def __init__(self) -> None:
        self.start, self.optimum = vector(1.0, 0.3), vector(0.0, 0.0)

    def loss(self, x: Tensor) -> Tensor:
        """1 - cos(||x||^2), as 2 sin^2(||x||^2 / 2), which keeps its digits near 0."""
        return 2 * (x.square().sum(dim=-1) / 2).sin().square()

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """2 x sin(||x||^2)."""
        return x * x.square().sum(dim=-1, keepdim=True).sin_().mul_(2)

    def inside(self, x: Tensor) -> Tensor:
        """||x||^2 < pi."""
        return x.square().sum(dim=-1) < math.pi


class Quadratic(AnalyticProblem):
    """f(x) = sum of a_i x_i^2 / 2 from (1, ..., 1), a_i evenly spread in the logarithm up to 1.

    Optimum: the origin. One-point convexity: everywhere, with delta = 1 / condition.

    Args:
        condition: largest curvature over smallest, at least 1.
        dimension: number of coordinates, at least 1; with one, its curvature is 1 / condition.

    Source: textbooks, such as Nesterov 2004, section 2.1.
    """

    def __init__(self, condition: float, dimension: int) -> None:
        self._curvatures = torch.logspace(-math.log10(condition), 0, dimension, dtype=torch.float64)
        self.optimum = torch.zeros(dimension, dtype=torch.float64)
        self.start = torch.ones_like(self.optimum)

    def loss(self, x: Tensor) -> Tensor:
        """Sum of a_i x_i^2 / 2."""
        return (self._curvatures * x.square()).sum(dim=-1) / 2

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """a_i x_i."""
        return self._curvatures * x


class Rosenbrock(AnalyticProblem):
    """f(x) = (1 - x1)^2 + 100 (x2 - x1^2)^2 from (-1.2, 1).

    Optimum: (1, 1). One-point convexity: with a = (x1 - 1)^2 and q = x2 - x1^2 it reads
    2 a + 200 q (q - a) > 0, which holds for all x2 where |x1 - 1| < 0.2; further out it fails only
    in a sliver above the valley, for q between about 0.01 and a.

    Source: Rosenbrock 1960, The Computer Journal 3 (3).
    """

    def __init__(self) -> None:
        self.start, self.optimum = vector(-1.2, 1.0), vector(1.0, 1.0)

    def loss(self, x: Tensor) -> Tensor:
        """(1 - x1)^2 + 100 (x2 - x1^2)^2."""
        x1, x2 = x.unbind(dim=-1)
        return (1 - x1).square() + 100 * (x2 - x1.square()).square()

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """(-2 (1 - x1) - 400 x1 q, 200 q) with q = x2 - x1^2."""
        x1, x2 = x.unbind(dim=-1)
        q = x2 - x1.square()
        return torch.stack([2 * (x1 - 1) - 400 * x1 * q, 200 * q], dim=-1)

    def inside(self, x: Tensor) -> Tensor:
        """2 a + 200 q (q - a) > 0, or the optimum itself."""
        x1, x2 = x.unbind(dim=-1)
        a, q = (x1 - 1).square(), x2 - x1.square()
        return (2 * a + 200 * q * (q - a) > 0) | ((a == 0) & (q == 0))
