"""Does it follow the scalar reference of its rule, where there is one?"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from adabench.catalogue import Value
from adabench.check.finding import Outcome, failed, passed, skipped
from adabench.check.references import REFERENCES
from adabench.check.subject import Subject
from adabench.check.surfaces import Surface
from adabench.check.trial import Trial
from adabench.check.vectors import Vector

SHAPES = ((2, 3), (3,), (3, 2))
STEPS = 100
TOLERANCE = 1e-9
BFLOAT16_TOLERANCE = 0.05
"""For a method that rounds to bfloat16 inside."""
SHORTENED: Mapping[str, Value] = {"max_iter": 4, "lr": 0.2}
"""For a method of many steps within a step: it would stop early on the loss, which no reference sees,
and leap off a surface that moves."""


def follows_reference(subject: Subject) -> Outcome:
    """Ends where plain float64 arithmetic in Python ends, 100 steps on."""
    reference = REFERENCES.get(subject.name)
    if reference is None:
        return skipped("there is no scalar reference for it")
    spec = subject.having(**SHORTENED) if "max_iter" in subject.spec.hyperparameters else subject.spec
    waves = _Waves(sum(map(math.prod, SHAPES)))
    trial = Trial(spec, waves.surface(), dtype=torch.float64)
    start: Vector = torch.cat([p.flatten() for p in trial.points()]).tolist()
    for waves.t in range(1, STEPS + 1):
        trial.step()
    end: Vector = torch.cat([p.flatten() for p in trial.points()]).tolist()
    expected, _ = reference(start, waves.gradient, STEPS, spec.hyperparameters, lambda t: 1.0, SHAPES)
    off = max(abs(a - b) for a, b in zip(end, expected, strict=True))
    allowed = BFLOAT16_TOLERANCE if trial.traits.rounds_to_bfloat16 else TOLERANCE
    told = f"after {STEPS} steps in float64 parameters differ from the reference by {off:.1g}"
    return passed(told) if off <= allowed else failed(told)


class _Waves:
    """sum_i a_i (1 - cos(x_i - c_i(t))) + 0.05 (sum_i x_i)^2, which lies elsewhere at every step ``t``."""

    def __init__(self, size: int) -> None:
        self.t = 0
        self._size = size
        self._scales = [1.0 + 0.9 * math.sin(3.0 * i) for i in range(size)]

    def gradient(self, t: int, x: Vector) -> Vector:
        terms = zip(self._scales, x, self._centers(t), strict=True)
        return [a * math.sin(xi - ci) + 0.1 * sum(x) for a, xi, ci in terms]

    def surface(self) -> Surface:
        x = torch.linspace(-1.2, 1.1, self._size)
        parts = torch.split(x, [math.prod(shape) for shape in SHAPES])
        return Surface("waves", tuple(map(Tensor.reshape, parts, SHAPES)), self._loss)

    def _centers(self, t: int) -> Vector:
        return [0.5 * math.sin(1.7 * t + i) for i in range(self._size)]

    def _loss(self, params: Sequence[Tensor]) -> Tensor:
        x = torch.cat([p.flatten() for p in params])
        scales, centers = (torch.tensor(v, dtype=x.dtype) for v in (self._scales, self._centers(self.t)))
        return (scales * (1 - torch.cos(x - centers))).sum() + 0.05 * x.sum() ** 2
