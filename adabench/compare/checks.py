"""What a gate says of each optimizer on each problem."""

from typing import Literal

from adabench.compare.versus import Versus
from adabench.spec import Frozen

Outcome = Literal["passed", "failed", "cannot tell"]


class Check(Frozen):
    """One optimizer on one problem before one gate.

    ``limit`` is a fraction: of the metric (accuracies: 0.005 is half a point) for a floor or a change
    of accuracy, of the earlier mean for a change of anything else. ``worsening`` is in the same unit,
    above 0 where it got worse. ``lost`` are seeds that diverged or failed; against
    earlier results, only those that completed there.
    """

    gate: Literal["against", "below"]
    problem: str
    optimizer: str
    outcome: Outcome
    limit: float
    value: float | None
    change: Versus | None = None
    worsening: float | None = None
    lost: tuple[int, ...] = ()


class Gates(Frozen):
    """Every check, and what the earlier results have that these lack."""

    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()

    def having(self, outcome: Outcome) -> tuple[Check, ...]:
        """The checks with this outcome."""
        return tuple(check for check in self.checks if check.outcome == outcome)
