"""What a comparison is asked: by which metric, at what cost, against which target, with what margin."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from adabench.catalogue import find
from adabench.compare.metrics import AT, METRICS, Axis, Metric
from adabench.errors import BadValueError


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that can be asked of results; the default is the final test accuracy against adam.

    Args:
        metric: a name in `METRICS`.
        at: a name in `AT`; where other than the end, values are read from the curves.
        pairs: compare every pair of optimizers instead of each with the baseline.
        margin: differences up to this are practically nothing, above 0, in the metric's unit.
        target: what a run must reach, in the unit of the metric's curve; None where none is declared.
        target_of_baseline: the target of each problem is the baseline's own mean there.
        targets: targets of single problems by label, before ``target``.
        power: the probability with which a true difference shall be found, in (0.05, 1).
        difference: the true difference whose number of seeds is asked for, above 0, in the metric's unit.
        curves: keep the seeds' mean curves and their bands.

    Raises:
        UnknownNameError, BadValueError: a name or number outside what is said here.
    """

    metric: str = "final"
    at: str = "end"
    pairs: bool = False
    margin: float | None = None
    target: float | None = None
    target_of_baseline: bool = False
    targets: Mapping[str, float] = field(default_factory=dict)
    power: float = 0.8
    difference: float | None = None
    curves: bool = True

    def __post_init__(self) -> None:
        find("metric", METRICS, self.metric)
        find("place to compare at", AT, self.at)
        if self.axis is not None and self.measure.column is None:
            raise BadValueError(f"metric {self.metric} has no curve, so it cannot be read at {self.at}")
        if self.wants_target and self.measure.target is None:
            raise BadValueError(f"metric {self.metric} has no curve that could reach a target")
        _check("margin", self.margin, low=0)
        _check("difference", self.difference, low=0)
        _check("power", self.power, low=0.05, high=1)
        for value in (self.target, *self.targets.values()):
            self._check_target(value)

    def _check_target(self, value: float | None) -> None:
        if value is None:
            return
        if self.measure.is_share and value > 1:
            raise BadValueError(
                f"target {value:g} is above 1: accuracies are fractions, such as {value / 100:g}"
            )
        _check("target", value, low=0)

    @property
    def measure(self) -> Metric:
        """The metric's row."""
        return METRICS[self.metric]

    @property
    def axis(self) -> Axis | None:
        """The axis of cost at which runs are compared; None at their end."""
        return AT[self.at]

    @property
    def wants_target(self) -> bool:
        """Whether any target was declared."""
        return self.target is not None or self.target_of_baseline or bool(self.targets)


def _check(name: str, value: float | None, *, low: float, high: float = math.inf) -> None:
    if value is not None and not low < value < high:
        above = f"between {low:g} and {high:g}" if math.isfinite(high) else f"above {low:g}"
        raise BadValueError(f"{name} {value:g} is not allowed; it is a number {above}")
