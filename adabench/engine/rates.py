"""The learning rate of every step: each group's own one, times the schedule's factor."""

import math

from torch import Tensor
from torch.optim import Optimizer

from adabench.optimizers.schedules import SCHEDULES


class LearningRate:
    """Moves an optimizer's learning rates along a schedule; groups that have none are left alone.

    A rate that is a tensor is written in place and only when it changes, so that a captured step
    sees it.

    Args:
        optimizer: whose groups hold the rates at the start of the run.
        schedule: its name in `SCHEDULES`.
        total_steps: the run's length.
    """

    def __init__(self, optimizer: Optimizer, schedule: str, total_steps: int) -> None:
        self._optimizer, self._total_steps = optimizer, total_steps
        self._factor = SCHEDULES[schedule].factor
        self._now = math.nan  # so that the first rate is written, over whatever a checkpoint left
        self._at_start = [_number(group.get("lr")) for group in optimizer.param_groups]

    def set(self, step: int) -> None:
        """Set the rates for the step of this number, counted from 0."""
        before, self._now = self._now, self._factor(step / self._total_steps)
        for group, start in zip(self._optimizer.param_groups, self._at_start, strict=True):
            if isinstance(group.get("lr"), Tensor):
                if self._now != before:
                    group["lr"].fill_(start * self._now)
            elif not math.isnan(start):
                group["lr"] = start * self._now

    @property
    def current(self) -> float:
        """The first group's rate; NaN where it has none."""
        return _number(self._optimizer.param_groups[0].get("lr"))


def _number(rate: float | Tensor | None) -> float:
    return math.nan if rate is None else float(rate)
