"""Does it descend, with its own learning rate or with another?"""

import math
from collections.abc import Iterator

from adabench.catalogue import spell
from adabench.check.finding import Outcome, failed, passed
from adabench.check.subject import Subject
from adabench.check.surfaces import Surface, network, quadratic
from adabench.check.trial import Trial
from adabench.errors import one_line
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
        start, end, told = _descent(spec, surface)
        if end <= ENOUGH * start:
            return passed(f"{surface.name} from {start:.3g} to {told} in {STEPS} steps, {_rate(spec)}")
        ends.append(f"{told} ({_rate(spec)})")
    return failed(f"{surface.name} starts at {start:.3g} and ends at {', '.join(ends)}")


def _descent(spec: OptimizerSpec, surface: Surface) -> tuple[float, float, str]:
    """The loss before and after, and the latter in words; a run that raises ends nowhere."""
    trial = Trial(spec, surface)
    start = float(trial.step().losses[0])
    try:
        end = trial.run(STEPS - 1).loss()
    except (ArithmeticError, RuntimeError) as error:
        return start, math.nan, one_line(error)
    return start, end, f"{end:.3g}"


def _candidates(subject: Subject) -> Iterator[OptimizerSpec]:
    rate = subject.learning_rate
    if rate is None:
        yield subject.spec
    else:
        yield from (subject.having(lr=rate * factor) for factor in FACTORS)


def _rate(spec: OptimizerSpec) -> str:
    rate = spec.hyperparameters.get("lr")
    return "default settings" if rate is None else f"lr={spell(rate)}"
