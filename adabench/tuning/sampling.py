"""Which points are tried: quasi-random ones chosen beforehand, or each after what was seen before.

A quasi-random sequence fills the space evenly however far it is followed, so that more trials extend
fewer. The same optimizer count and seed give the same points on every machine.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from adabench.optimizers.ranges import Space
from adabench.spec import OptimizerSpec
from adabench.tuning.space import Entry

SEED = 1911_00289
LONGEST = 64
"""Points looked at for each trial wanted, where few different settings exist."""

Points = list[list[float]]


@dataclass(frozen=True)
class Sampler:
    """A way to choose trials.

    Args:
        summary: one line for people.
        points: so many points of a unit cube of so many dimensions; None where each point is chosen
            after what was seen before.
    """

    summary: str
    points: Callable[[int, int], Points] | None = None


def _halton(dimensions: int, count: int) -> Points:
    from scipy.stats import qmc

    return qmc.Halton(d=dimensions, scramble=True, seed=SEED).random(count).tolist()  # type: ignore[no-any-return]


def _sobol(dimensions: int, count: int) -> Points:
    from scipy.stats import qmc

    power = math.ceil(math.log2(count))  # of two: what a Sobol sequence is balanced over
    return qmc.Sobol(d=dimensions, scramble=True, seed=SEED).random_base2(power).tolist()[:count]  # type: ignore[no-any-return]


SAMPLERS: dict[str, Sampler] = {
    "halton": Sampler("scrambled Halton sequence", _halton),
    "sobol": Sampler("scrambled Sobol sequence", _sobol),
    "optuna": Sampler("Optuna's TPE, each trial chosen after those before it"),
}


def chosen_beforehand(entry: Entry, sampler: Sampler, trials: int) -> list[OptimizerSpec]:
    """The default and the sequence's first points, ``trials`` different settings or as many as there are."""
    return list(islice(_different(entry, sampler, trials), trials))


def _different(entry: Entry, sampler: Sampler, trials: int) -> Iterator[OptimizerSpec]:
    seen = {entry.label}
    yield entry.default
    if sampler.points is None:
        return
    few = _settings_in(entry.space) <= LONGEST
    for point in sampler.points(len(entry.axes), trials * (LONGEST if few else 2)):
        spec = entry.at(point)
        if spec.label not in seen:
            seen.add(spec.label)
            yield spec


def _settings_in(space: Space) -> float:
    """How many settings a space holds; infinite where a number is searched."""
    every = [each for ranges in space.values() for each in ranges]
    return math.prod(len(each.choices) if each.choices else math.inf for each in every)
