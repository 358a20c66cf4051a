"""Does it descend, with its own learning rate or with another?"""

import math
from collections.abc import Iterator

from adabench.catalogue import spell
from adabench.check.finding import Outcome, failed, passed
from adabench.check.subject import Subject
from adabench.check.surfaces import Surface, network, quadratic
from adabench.check.trial import Trial
from adabench.spec import OptimizerSpec

STEPS = 300
ENOUGH = 0.75
"""A descent must end below this share of the loss that it started from."""
FACTORS = (1.0, 10.0, 0.1, 100.0, 0.01)
"""On the learning rate, in the order in which they are tried."""


def convex(subject: Subject) -> Outcome:
    """Sinks to three quarters of the height of a convex quadratic within 300 steps."""
    return _descends(subject, quadratic())


def nonconvex(subject: Subject) -> Outcome:
    """Sinks to three quarters of the loss of a small network within 300 steps."""
    return _descends(subject, network())


def _descends(subject: Subject, surface: Surface) -> Outcome:
    ends = []
    for spec in _candidates(subject):
        trial = Trial(spec, surface)
        start, end = trial.loss(), trial.run(STEPS).loss()
        if math.isfinite(end) and end <= ENOUGH * start:
            fall = f"{surface.name} from {start:.3g} to {end:.3g} in {STEPS} steps, {_rate(spec)}"
            return passed(fall)
        ends.append(f"{end:.3g} ({_rate(spec)})")
    detail = f"{surface.name} starts at {start:.3g} and ends at {', '.join(ends)}"
    return failed(detail)


def _candidates(subject: Subject) -> Iterator[OptimizerSpec]:
    rate = subject.learning_rate
    if rate is None:
        yield subject.spec
    else:
        yield from (subject.having(lr=rate * factor) for factor in FACTORS)


def _rate(spec: OptimizerSpec) -> str:
    rate = spec.hyperparameters.get("lr")
    return "default settings" if rate is None else f"lr={spell(rate)}"
