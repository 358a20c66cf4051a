"""What a step costs, in memory and in time, on parameters of a common size."""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from adabench.check.finding import Outcome, noted, skipped
from adabench.check.state import state_bytes
from adabench.check.subject import Subject
from adabench.check.surfaces import Surface, quadratic
from adabench.check.trial import Trial, ready

Step = Callable[[], Any]

TIMED = (784, 544, 544, 544, 544, 544, 10)
"""Widths of a multilayer perceptron of 1.62 million parameters, whose update is timed."""
WEIGHED = (256, 256, 10)
"""Widths of a smaller one, whose state is counted."""
STEPS_UNTIL_FULL = 12
"""As some methods keep the gradients of their last ten steps."""
PAIRS = 11
SHORTEST_SECONDS = 0.005
"""Of one timing: faster steps are repeated."""
SECONDS = 3.0
"""After this long no new pair is timed."""


def state_size(subject: Subject) -> Outcome:
    """Bytes that it keeps for each parameter in float32."""
    trial = Trial(subject.spec, _bowl(WEIGHED)).run(STEPS_UNTIL_FULL)
    per_parameter = state_bytes(trial.optimizer) / _parameters(WEIGHED)
    detail = f"{per_parameter:.3g} bytes a parameter, for float32 layers of {WEIGHED[0]} to {WEIGHED[1]}"
    return noted(detail, per_parameter)


def step_cost(subject: Subject) -> Outcome:
    """The time of a step against torch's fused Adam on the same parameters.

    Only the update is timed: gradients are fixed, and the closure answers at once. Each timing of
    the optimizer is followed by one of Adam; the ratio is the median over the pairs.
    """
    if Trial(subject.spec, quadratic()).traits.create_graph:
        return skipped("its step differentiates the gradients again, so the update cannot be timed alone")
    tested = _fixed(lambda params: ready(subject.spec, params)[0])
    pairs = _timings(tested, _fixed(lambda params: Adam(params, fused=True)))
    ratio = statistics.median(ours / adam for ours, adam in pairs)
    milliseconds = 1000 * statistics.median(ours for ours, _ in pairs)
    threads = torch.get_num_threads()
    with_ = f"{threads} {'thread' if threads == 1 else 'threads'}, median of {len(pairs)}"
    million = f"{_parameters(TIMED) / 1e6:.2f} million parameters"
    detail = f"{ratio:.3g} times torch's fused Adam: {milliseconds:.3g} ms for {million}, {with_}"
    return noted(detail, ratio)


def _timings(tested: Step, adam: Step) -> list[tuple[float, float]]:
    """Seconds of a step of each, timed in turn; of the first steps alone when those take too long."""
    deadline = time.perf_counter() + SECONDS
    first = _seconds(tested), _seconds(adam)
    repeats = [max(1, round(SHORTEST_SECONDS / seconds)) for seconds in first]
    pairs: list[tuple[float, float]] = []
    while len(pairs) < PAIRS and time.perf_counter() < deadline:
        pairs.append((_seconds(tested, repeats[0]), _seconds(adam, repeats[1])))
    return pairs or [first]


def _parameters(widths: tuple[int, ...]) -> int:
    return sum((i + 1) * o for i, o in pairwise(widths))


def _bowl(widths: tuple[int, ...]) -> Surface:
    """Half the squared distance to the origin, over the parameters of a perceptron."""
    draw = torch.Generator().manual_seed(3)
    shapes = [shape for i, o in pairwise(widths) for shape in ((o, i), (o,))]
    start = tuple(torch.randn(shape, generator=draw) * 0.05 for shape in shapes)
    return Surface("a bowl", start, lambda params: torch.stack([p.square().sum() / 2 for p in params]).sum())


def _fixed(build: Callable[[list[nn.Parameter]], Optimizer]) -> Step:
    """A step of a new optimizer whose gradients stay as they are."""
    params = [nn.Parameter(x) for x in _bowl(TIMED).start]
    optimizer: Any = build(params)
    loss = torch.tensor(1.0)
    for p in params:
        p.grad = torch.randn_like(p) * 0.01
    return lambda: optimizer.step(lambda: loss)


def _seconds(step: Step, repeats: int = 1) -> float:
    """Mean wall time of a step."""
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats
