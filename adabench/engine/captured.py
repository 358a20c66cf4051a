"""The whole training step as CUDA graphs: one launch for gather, forward, backward and update.

A graph holds a fixed list of kernels and fixed addresses, so there is one for each kind of step: a
full and a short minibatch, with and without AdaFix's second gradient. A kind is warmed up and
recorded when it is first met, on the run's own tensors, whose values are then put back; what decides
a step (its place in the epoch's order, the learning rate, step counts) is read from the device.

The same kernels run in the same order as in an eager step, so both give the same bits.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from adabench.engine.clock import Clock
from adabench.engine.step import EagerStep, EpochTotals
from adabench.problems.interface import Problem

WARM_UP_STEPS = 3
"""Enough for lazy initialisation, autotuning and compilation to be over before a graph is recorded."""

NOT_ZERO_AT_FIRST = {"mu_product": 1.0}
"""What optimizers start a state with, by its name, where that is not 0."""

Body = Callable[[], int]


class Graphs(Protocol):
    """What records a step's kernels and runs them again."""

    def warm_up(self, body: Body) -> None:
        """Run ``body`` some times for real."""
        ...

    def record(self, body: Body) -> tuple[Callable[[], object], int]:
        """Run ``body`` on the host, and return what repeats its work on the device, and its result."""
        ...


class CudaGraphs:
    """CUDA graphs that share one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, body: Body) -> None:
        """Run ``body`` on a side stream, as torch asks before a capture."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UP_STEPS):
                body()
        current.wait_stream(self._stream)

    def record(self, body: Body) -> tuple[Callable[[], object], int]:
        """Capture ``body``; nothing is computed until the graph is replayed."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            result = body()
        return graph.replay, result


@dataclass(frozen=True)
class Recorded:
    """One kind of step.

    Args:
        replay: takes it.
        evaluations: the gradients in it.
        gradients: where it leaves each parameter's.
    """

    replay: Callable[[], object]
    evaluations: int
    gradients: list[Tensor | None]


class CapturedStep:
    """Replays a recorded step; to the training loop it is an `EagerStep`.

    Args:
        step: what is recorded.
        problem: its problem, without random numbers of its own.
        optimizer: its optimizer, built to be captured.
        totals: its totals.
        device: where all of them live.
        clock: told of warm-up and recording as the phase ``warm_up``.
        graphs: what records; CUDA graphs unless given.
    """

    def __init__(
        self,
        step: EagerStep,
        problem: Problem,
        optimizer: Optimizer,
        totals: EpochTotals,
        *,
        device: torch.device,
        clock: Clock,
        graphs: Graphs | None = None,
    ) -> None:
        self._step, self._problem, self._optimizer, self._totals = step, problem, optimizer, totals
        self._clock, self._graphs = clock, graphs or CudaGraphs(device)
        self._position = torch.zeros((), dtype=torch.int64, device=device)
        self._next_step = 0
        self._recorded: dict[Hashable, Recorded] = {}
        self._params = [p for group in optimizer.param_groups for p in group["params"]]
        self.gradient_evaluations = 0

    def __call__(self, epoch: int, step: int) -> None:
        """Take the step of this number in this epoch."""
        if step != self._next_step or step == 0:  # else the graph has moved on by itself
            self._position.fill_(step * self._problem.batch_size(0))
        self._next_step = step + 1
        recorded = self._kind_of(step)
        recorded.replay()
        if hasattr(self._optimizer, "replayed"):
            self._optimizer.replayed()
        self.gradient_evaluations += recorded.evaluations
        if step == self._problem.steps_per_epoch - 1:  # where an epoch's probes look for them
            for p, gradient in zip(self._params, recorded.gradients, strict=True):
                p.grad = gradient

    def _kind_of(self, step: int) -> Recorded:
        size = self._problem.batch_size(step)
        kind = size, getattr(self._optimizer, "due", None)
        if kind not in self._recorded:
            with self._clock.phase("warm_up"):
                self._recorded[kind] = self._record(size)
        return self._recorded[kind]

    def _record(self, size: int) -> Recorded:
        def take() -> int:
            return self._step.take(self._problem.minibatch_at(self._position, size))

        def take_and_move_on() -> int:
            evaluations = take()
            self._position.add_(size)
            return evaluations

        state = Snapshot(self._optimizer, self._tensors())
        for p in self._params:
            p.grad = None  # another kind's gradients are not this one's to write to
        self._graphs.warm_up(take)
        state.restore()
        replay, evaluations = self._graphs.record(take_and_move_on)
        state.restore()
        return Recorded(replay, evaluations, [p.grad for p in self._params])

    def _tensors(self) -> Iterator[Tensor]:
        """Everything that a step writes, beside the optimizer's own."""
        yield from self._problem.model.parameters()
        yield from self._problem.model.buffers()
        yield from self._totals.tensors
        yield self._position


class Snapshot:
    """The values of tensors and of an optimizer's state, to put back in place.

    Args:
        optimizer: whose state it is; what it makes later is put back to what it starts from.
        others: further tensors.
    """

    def __init__(self, optimizer: Optimizer, others: Iterator[Tensor]) -> None:
        self._optimizer = optimizer
        live = [*others, *(tensor for _, tensor in _state_of(optimizer))]
        self._kept = [(tensor, tensor.detach().clone()) for tensor in live]

    @torch.no_grad()
    def restore(self) -> None:
        """Write the values back into the same tensors."""
        known = {id(tensor) for tensor, _ in self._kept}
        for tensor, kept in self._kept:
            tensor.copy_(kept)
        for name, tensor in _state_of(self._optimizer):
            if id(tensor) not in known:
                tensor.fill_(NOT_ZERO_AT_FIRST.get(name, 0.0))
        # What an optimizer counts on the host, it reads off a state that is set.
        self._optimizer.__setstate__(
            {"state": self._optimizer.state, "param_groups": self._optimizer.param_groups}
        )


def _state_of(optimizer: Optimizer) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that the optimizer keeps, by name: for each parameter, and in its groups."""
    entries: list[dict[str, Any]] = [*optimizer.state.values(), *optimizer.param_groups]
    for entry in entries:
        for name, value in entry.items():
            if isinstance(value, Tensor):
                yield name, value
