"""One training step, and the totals of an epoch that accumulate on the device."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from adabench.engine.seeding import Streams
from adabench.problems.interface import Problem


class EpochTotals:
    """Loss, correct predictions and finite steps of an epoch, summed on the device and read once."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._finite_steps = torch.zeros((), dtype=torch.int64, device=device)
        self._finite = torch.ones((), dtype=torch.bool, device=device)
        self._examples = 0

    def add(self, loss: Tensor, correct: Tensor, examples: int) -> None:
        """Count one step: its mean loss (0-d), its correct predictions (0-d) and its examples."""
        self._sums += torch.stack([loss.double() * examples, correct.double()])
        self._finite &= loss.isfinite()
        self._finite_steps += self._finite
        self._examples += examples

    def read(self) -> tuple[dict[str, float], int]:
        """Mean loss and accuracy over the examples, and the steps before the first bad loss."""
        loss, correct = (self._sums / max(self._examples, 1)).tolist()
        return {"train_loss": loss, "train_accuracy": correct}, int(self._finite_steps)


class EagerStep:
    """Gather, forward, backward and update, run as written.

    A closure that its optimizer calls more than once in a step sees one function: the same
    minibatch, augmentation and dropout mask each time, and BatchNorm statistics that move once.

    Args:
        problem: what is optimized.
        optimizer: what calls the closure.
        streams: the seed's random streams.
        create_graph: make gradients that can be differentiated again, until the step is over.
    """

    def __init__(
        self, problem: Problem, optimizer: Optimizer, streams: Streams, *, create_graph: bool = False
    ) -> None:
        self._problem, self._optimizer, self._streams = problem, optimizer, streams
        self._backward = _differentiable_backward if create_graph else _backward
        self._create_graph = create_graph
        self.gradient_evaluations = 0

    def __call__(self, epoch: int, step: int, totals: EpochTotals) -> None:
        """Take the step of this number in this epoch, adding its first evaluation to ``totals``."""
        minibatch = self._problem.minibatch(step)
        evaluations = 0

        @torch.enable_grad()
        def closure() -> Any:
            nonlocal evaluations
            self._optimizer.zero_grad()
            if self._problem.stochastic:
                torch.manual_seed(self._streams.number("dropout", epoch, step))
            with held_statistics(self._problem.model) if evaluations else nullcontext():
                loss, correct, examples = self._problem.loss(minibatch)
            self._backward(loss, self._optimizer)
            if not evaluations:
                totals.add(loss.detach(), correct, examples)
            evaluations += 1
            return loss

        self._optimizer.step(closure)
        self.gradient_evaluations += evaluations
        if self._create_graph:
            _cut_graphs(self._optimizer)


def _backward(loss: Tensor, optimizer: Optimizer) -> None:
    loss.backward()  # type: ignore[no-untyped-call]


def _differentiable_backward(loss: Tensor, optimizer: Optimizer) -> None:
    params = [p for group in optimizer.param_groups for p in group["params"]]
    grads = torch.autograd.grad(loss, params, create_graph=True, allow_unused=True)
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad


def _cut_graphs(optimizer: Optimizer) -> None:
    """Free the graphs of gradients, which hold the parameters that hold the gradients."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None if p.grad is None else p.grad.detach()


@contextmanager
def held_statistics(model: nn.Module) -> Iterator[None]:
    """Normalise by the batch as in training, but leave BatchNorm's running statistics alone."""
    norms = [
        m for m in model.modules() if isinstance(m, nn.modules.batchnorm._NormBase) and m.track_running_stats
    ]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
