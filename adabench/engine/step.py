"""One training step run as written, and the totals of an epoch that accumulate on the device."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from adabench.engine.seeding import Streams
from adabench.problems.interface import Problem


class EpochTotals:
    """Loss, correct predictions and finite steps of an epoch, summed on the device and read once.

    Args:
        device: where the losses are.
        shape: () for one model, (S,) for S side by side.
    """

    def __init__(self, device: torch.device, shape: tuple[int, ...] = ()) -> None:
        self._sums = torch.zeros(2, *shape, dtype=torch.float64, device=device)
        self._finite_steps = torch.zeros(shape, dtype=torch.int64, device=device)
        self._finite = torch.ones(shape, dtype=torch.bool, device=device)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that `add` writes."""
        return self._sums, self._finite_steps, self._finite

    def clear(self) -> None:
        """Begin another epoch, in the same tensors."""
        self._sums.zero_()
        self._finite_steps.zero_()
        self._finite.fill_(True)

    def add(self, loss: Tensor, correct: Tensor, examples: int) -> None:
        """Count one step: its mean losses, its correct predictions and its examples."""
        self._sums += torch.stack([loss.double() * examples, correct.double()])
        self._finite &= loss.isfinite()
        self._finite_steps += self._finite

    def read(self, examples: int) -> tuple[dict[str, Tensor], Tensor]:
        """Mean loss and accuracy over the epoch's examples, and the steps before the first bad loss."""
        loss, correct = (self._sums / max(examples, 1)).cpu()
        return {"train_loss": loss, "train_accuracy": correct}, self._finite_steps.cpu()


class EagerStep:
    """Gather, forward, backward and update, run as written.

    A closure that its optimizer calls more than once in a step sees one function: the same
    minibatch, augmentation and dropout mask each time, and BatchNorm statistics that move once.

    Args:
        problem: what is optimized.
        optimizer: what calls the closure.
        streams: the seed's random streams.
        totals: told of every step's first evaluation.
        create_graph: make gradients that can be differentiated again, until the step is over.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: Optimizer,
        streams: Streams,
        totals: EpochTotals,
        *,
        create_graph: bool = False,
    ) -> None:
        self._problem, self._optimizer, self._streams, self._totals = problem, optimizer, streams, totals
        self._backward = _differentiable_backward if create_graph else _backward
        self._create_graph = create_graph
        self.gradient_evaluations = 0

    def __call__(self, epoch: int, step: int) -> None:
        """Take the step of this number in this epoch."""
        seed = self._streams.number("dropout", epoch, step) if self._problem.stochastic else None
        self.gradient_evaluations += self.take(self._problem.minibatch(step), seed)

    def take(self, minibatch: Any, seed: int | None = None) -> int:
        """Take a step on a minibatch.

        Args:
            minibatch: what the problem's loss takes.
            seed: of the random numbers that the model itself draws; None where it draws none.

        Returns:
            How many gradients the optimizer asked for.
        """
        evaluations = 0

        @torch.enable_grad()
        def closure() -> Any:
            nonlocal evaluations
            self._optimizer.zero_grad()
            if seed is not None:
                torch.manual_seed(seed)
            with held_statistics(self._problem.model) if evaluations else nullcontext():
                loss, correct, examples = self._problem.loss(minibatch)
            self._backward(loss, self._optimizer)
            if not evaluations:
                self._totals.add(loss.detach(), correct, examples)
            evaluations += 1
            return loss

        self._optimizer.step(closure)
        if self._create_graph:
            _cut_graphs(self._optimizer)
        return evaluations


def _backward(loss: Tensor, optimizer: Optimizer) -> None:
    # The models of a stack share no weights, so the sum gives each of them its own gradient.
    (loss if loss.ndim == 0 else loss.sum()).backward()  # type: ignore[no-untyped-call]


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
