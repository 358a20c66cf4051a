"""Counterexamples of one dimension that show another function at every step: periodic or random.

Each is a sum of pieces with constant slopes, in which rare large gradients outweigh frequent small
ones; Adam divides the large ones by more and moves the wrong way.
"""

import torch
from torch import Tensor

from adabench.problems.analytic import AnalyticProblem, vector


class _Slope(AnalyticProblem):
    """f_t(x) = w_t x from 0, where the weight w_t is the slope.

    Args:
        mean_slope: that of f, above 0.
        bound: points are kept in [-bound, bound], the optimum is at its left end, and one-point
            convexity holds in all of it; None for the whole line, which has no optimum.
    """

    def __init__(self, mean_slope: float, bound: float | None) -> None:
        self._slope, self._bound = mean_slope, bound
        self.start, self.optimum = vector(0.0), None if bound is None else vector(-bound)

    def loss(self, x: Tensor) -> Tensor:
        """The mean of f_t."""
        return self._slope * x[..., 0]

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """w_t."""
        assert weight is not None
        return torch.zeros_like(x).add_(weight.unsqueeze(-1))

    def loss_at(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """w_t x."""
        return x[..., 0] * (self._slope if weight is None else weight)

    def project(self, x: Tensor) -> None:
        """Back to the ends of the interval."""
        if self._bound is not None:
            x.clamp_(-self._bound, self._bound)


class PeriodicSlope(_Slope):
    """f_t(x) = C x where t mod period = 1 and -x elsewhere, on [-1, 1].

    Optimum: -1. One-point convexity of the mean: all of [-1, 1], with delta half its slope.
    Adam with betas (0, 1 / (1 + C^2)) ends at +1 for period 3 and C > 2, and with (0.9, 0.99) for
    period and C of 101, the authors' 1010 x and -10 x divided by 10.

    Args:
        C: slope of the rare function, above period - 1, without which -1 would not be the optimum.
        period: steps from one rare function to the next, at least 2.

    Source: Reddi, Kale and Kumar, arXiv 1904.09237, Theorem 1 and section 5.
    """

    def __init__(self, C: float, period: int) -> None:
        mean_slope = (C - (period - 1)) / period
        if mean_slope <= 0:
            raise ValueError(f"C={C:g} must be above period - 1 = {period - 1}; otherwise -1 is no optimum")
        super().__init__(mean_slope, bound=1.0)
        self._C, self._period = C, period

    def weights(self, steps: Tensor, chance: Tensor) -> Tensor:
        """C at the first step of each period, else -1."""
        first = steps % self._period == 1
        return torch.where(first, self._C, -1.0).to(chance).expand_as(chance)


class RandomSlope(_Slope):
    """f_t(x) = C x with probability (1 + delta) / (C + 1), else -x, on the whole line.

    Optimum: none; the mean delta x falls without end to the left. Adam with betas (0, 0.99) walks to
    the right; with the authors' (0, 0.999) thousands of steps hardly tell its drift from chance.
    One-point convexity: has no meaning without an optimum.

    Args:
        C: slope of the rare function, above 1.
        delta: slope of the mean, above 0 and at most C.

    Source: Zhou et al., arXiv 1810.00143, section 5.1, which takes C = 101 and delta = 0.02.
    """

    random = True

    def __init__(self, C: float, delta: float, bound: float | None = None) -> None:
        if delta > C:
            raise ValueError(f"delta={delta:g} must be at most C={C:g}: (1 + delta) / (C + 1) is a chance")
        super().__init__(delta, bound)
        self._C, self._share = C, (1 + delta) / (C + 1)

    def weights(self, steps: Tensor, chance: Tensor) -> Tensor:
        """C with the probability of the rare function, else -1."""
        return torch.where(chance < self._share, self._C, -1.0).to(chance)


class BoundedRandomSlope(RandomSlope):
    """f_t(x) = C x with probability (1 + delta) / (C + 1), else -x, on [-1, 1].

    Optimum: -1. One-point convexity of the mean delta x: all of [-1, 1], with its delta half of ours.
    C = 101 and delta = 0.02 make the probability 0.01: the authors' 1010 x and -10 x divided by 10.

    Args:
        C: slope of the rare function, above 1.
        delta: slope of the mean, above 0 and at most C.

    Source: Reddi, Kale and Kumar, arXiv 1904.09237, Theorem 3 and section 5.
    """

    def __init__(self, C: float, delta: float) -> None:
        super().__init__(C, delta, bound=1.0)


class PeriodicStep(AnalyticProblem):
    """f_t(x) = -100 left of 0, 0 right of 1, and w_t x between, on [-2, 2] from 0.5.

    The weight w_t is -1 where t mod period = 1, 2 at the step after it, and 0 at all others.

    Optimum: every x < 0, of which -1 stands for all in the regret. One-point convexity of the mean
    with respect to 0, the nearest end of the optima: on [0, 1], with delta = 1 / period; right of 1
    there is no gradient. Adam with betas (0, b2) leaves to the right where
    5 b2^(period - 2) <= (1 - b2) / (4 - b2), such as b2 = 0.9 and period 50.

    Args:
        period: steps from one pair of slopes to the next, at least 2.

    Source: Luo, Xiong, Liu and Sun, arXiv 1902.09843, Theorem 1.
    """

    def __init__(self, period: int) -> None:
        self._period = period
        self.start, self.optimum = vector(0.5), vector(-1.0)

    def loss(self, x: Tensor) -> Tensor:
        """The mean of f_t over a period: slope 1 / period on [0, 1]."""
        return self._pieces(x[..., 0], x[..., 0] / self._period)

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """w_t on [0, 1], else 0."""
        assert weight is not None
        return ((x >= 0) & (x <= 1)).to(x).mul_(weight.unsqueeze(-1))

    def weights(self, steps: Tensor, chance: Tensor) -> Tensor:
        """-1, then 2, then 0 for the rest of each period."""
        place = steps % self._period
        weight = torch.where(place == 1, -1.0, torch.where(place == 2 % self._period, 2.0, 0.0))
        return weight.to(chance).expand_as(chance)

    def loss_at(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """-100 left of 0, w_t x on [0, 1], 0 right of 1."""
        return self.loss(x) if weight is None else self._pieces(x[..., 0], x[..., 0] * weight)

    def project(self, x: Tensor) -> None:
        """Back to [-2, 2]."""
        x.clamp_(-2.0, 2.0)

    def inside(self, x: Tensor) -> Tensor:
        """Left of 1: among the optima, or where the mean's slope leads to them."""
        return x[..., 0] <= 1

    def distance(self, x: Tensor) -> Tensor:
        """How far x is to the right of the optima."""
        return x[..., 0].clamp_min(0.0)

    @staticmethod
    def _pieces(x: Tensor, between: Tensor) -> Tensor:
        zero = torch.zeros_like(between)
        return torch.where(x < 0, zero - 100.0, torch.where(x > 1, zero, between))
