"""The learning rate of every step: each group's own one, times the schedule's factor."""

import math

from torch.optim import Optimizer

from adabench.optimizers.schedules import SCHEDULES


class LearningRate:
    """Moves an optimizer's learning rates along a schedule; groups that have none are left alone.

    Args:
        optimizer: whose groups hold the rates at the start of the run.
        schedule: its name in `SCHEDULES`.
        total_steps: the run's length.
    """

    def __init__(self, optimizer: Optimizer, schedule: str, total_steps: int) -> None:
        self._optimizer, self._total_steps = optimizer, total_steps
        self._factor = SCHEDULES[schedule].factor
        self._at_start = [group.get("lr") for group in optimizer.param_groups]

    def set(self, step: int) -> None:
        """Set the rates for the step of this number, counted from 0."""
        factor = self._factor(step / self._total_steps)
        for group, start in zip(self._optimizer.param_groups, self._at_start, strict=True):
            if start is not None:
                group["lr"] = start * factor

    @property
    def current(self) -> float:
        """The first group's rate; NaN where it has none."""
        return float(self._optimizer.param_groups[0].get("lr", math.nan))
