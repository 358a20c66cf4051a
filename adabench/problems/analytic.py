"""What an analytic problem is: a function of d numbers with closed-form gradients, for points in batches.

Everything takes points x of shape (..., d) in float64 and works on each point by itself, so that
many runs are one tensor. A problem that shows the optimizer another function f_t at every step says
so by one number a step, its weight; the functions of all others have the weight None.
"""

import torch
from torch import Tensor

from adabench.catalogue import find, load
from adabench.errors import BadValueError
from adabench.problems import PROBLEMS
from adabench.spec import AnalyticSpec


class AnalyticProblem:
    """A function f with its start, its optimum and the region where one-point convexity holds.

    One-point convexity with respect to the optimum x* means <grad f(x), x - x*> > 0: the negative
    gradient points towards x*.
    """

    start: Tensor
    """Where every run begins, (d,) in float64."""
    optimum: Tensor | None
    """Where f is smallest, (d,); None where f has no smallest value."""
    random: bool = False
    """Whether the weights depend on chance."""

    def loss(self, x: Tensor) -> Tensor:
        """The exact function f at x, or the mean of the f_t; (..., d) to (...)."""
        raise NotImplementedError

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """The gradient of f_t at x, in a tensor of its own; (..., d) and weight (...) to (..., d)."""
        raise NotImplementedError

    def weights(self, steps: Tensor, chance: Tensor) -> Tensor | None:
        """One weight for each step; None where every f_t is f.

        Args:
            steps: t = 1, 2, ..., of shape (k, 1, ..., 1).
            chance: independent numbers in [0, 1), of shape (k, ...).
        """
        return None

    def loss_at(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """The function f_t at x; (..., d) and weight (...) to (...)."""
        return self.loss(x)

    def project(self, x: Tensor) -> None:
        """Move x, in place, to the nearest point that is allowed."""

    def inside(self, x: Tensor) -> Tensor:
        """Whether x lies where one-point convexity holds; (..., d) to a bool (...); never for NaN."""
        return x.isfinite().all(dim=-1)

    def distance(self, x: Tensor) -> Tensor | None:
        """The 2-norm of x - x*; (..., d) to (...); None without an optimum."""
        return None if self.optimum is None else torch.linalg.vector_norm(x - self.optimum, dim=-1)


def build_problem(spec: AnalyticSpec, device: str) -> AnalyticProblem:
    """The problem that ``spec`` names, with its tensors on ``device``; noise is added by whoever runs it.

    Raises:
        RequestError: an unknown name, or options that do not fit each other.
    """
    options = {name: value for name, value in spec.options.items() if name != "noise"}
    try:
        with torch.device(device):
            problem: AnalyticProblem = load(find("problem", PROBLEMS, spec.name).build)(**options)
    except ValueError as error:
        raise BadValueError(f"{spec.label}: {error}") from error
    return problem


def vector(*values: float) -> Tensor:
    """A point in float64."""
    return torch.tensor(values, dtype=torch.float64)
