"""What a batch of points has done: one row of numbers an epoch, and where each point has been between.

Every step is looked at, but an epoch at a time and on the device.
"""

import math

import torch
from torch import Tensor

from adabench.events import Summary
from adabench.problems.analytic import AnalyticProblem

LATE = 1000
"""Steps after which the largest distance is taken: the descent from the start is over by then."""

MOST_COORDINATES = 2
"""Trajectories of more coordinates than this are not kept."""


class Track:
    """The columns of the curve of each point, and its exits.

    Args:
        problem: what the points are on.
        shape: how many points there are, as a shape; () for one.
        interval: steps in an epoch.
    """

    def __init__(self, problem: AnalyticProblem, shape: tuple[int, ...], *, interval: int) -> None:
        self._problem, self._interval = problem, interval
        device = problem.start.device
        self._first_outside = torch.zeros(shape, dtype=torch.int64, device=device)
        self._first_bad = torch.zeros_like(self._first_outside)
        self._largest_late = torch.full(shape, -math.inf, dtype=torch.float64, device=device)
        self._regret = torch.zeros(shape, dtype=torch.float64, device=device)
        self._columns: list[dict[str, Tensor]] = []
        self._read: dict[str, list[list[float]]] = {}
        self._shared: list[dict[str, float]] = []

    def add(self, path: Tensor, weights: Tensor | None, **shared: float) -> None:
        """Take in an epoch.

        Args:
            path: the points before each of its steps and after the last, (interval + 1, ..., d).
            weights: what made its f_t differ, (interval, ...).
            shared: columns that all points have in common.
        """
        done, after = len(self._shared) * self._interval, path[1:]
        _note_first(self._first_outside, ~self._problem.inside(after), done)
        _note_first(self._first_bad, ~after.isfinite().all(dim=-1), done)
        distances = self._problem.distance(after)
        late = None if distances is None else distances[max(LATE - done, 0) :]
        if late is not None and len(late):
            self._largest_late = torch.maximum(self._largest_late, late.amax(dim=0))
        steps = done + self._interval
        self._shared.append({**shared, "steps": steps, "samples": steps})
        self._columns.append(self._row(path, weights, distances, steps))
        self._read = {}

    def _row(
        self, path: Tensor, weights: Tensor | None, distances: Tensor | None, steps: int
    ) -> dict[str, Tensor]:
        last = path[-1]
        row = {"loss": self._problem.loss(last)}
        if distances is not None:
            row["distance_to_optimum"] = distances[-1]
        if last.shape[-1] <= MOST_COORDINATES:
            row |= {f"x{i + 1}": x for i, x in enumerate(last.unbind(dim=-1))}
        if weights is not None and self._problem.optimum is not None:
            best = self._problem.loss_at(self._problem.optimum, weights)
            self._regret = self._regret + (self._problem.loss_at(path[:-1], weights) - best).sum(dim=0)
            row["average_regret"] = self._regret / steps
        return row

    def rows(self, point: int) -> list[dict[str, float]]:
        """One row of the curve for each epoch of one point, up to the one in which it diverged."""
        bad = _number(self._first_bad, point)
        epochs = math.ceil(bad / self._interval) if bad else len(self._shared)
        read = self._read_columns()
        return [
            {name: column[epoch][point] for name, column in read.items()} | self._shared[epoch]
            for epoch in range(epochs)
        ]

    def _read_columns(self) -> dict[str, list[list[float]]]:
        """Every column on the host, one list of points for each epoch."""
        if not self._read and self._columns:
            self._read = {
                name: torch.stack([columns[name] for columns in self._columns])
                .reshape(len(self._columns), -1)
                .tolist()
                for name in self._columns[0]
            }
        return self._read

    def trouble(self, point: int) -> str | None:
        """Why one point's job diverged, if it did."""
        step = int(_number(self._first_bad, point))
        epoch = math.ceil(step / self._interval)
        return f"the point was not finite after step {step} (epoch {epoch})" if step else None

    def all_diverged(self) -> bool:
        """Whether no point is left that could go on."""
        return bool((self._first_bad > 0).all())

    def summary(self, point: int) -> Summary:
        """One point's run in one line."""
        rows = self.rows(point)
        parameters = self._problem.start.numel()
        if not rows:
            return Summary(parameters=parameters)
        last, late = rows[-1], _number(self._largest_late, point)
        return Summary(
            final_loss=last["loss"],
            final_distance=last.get("distance_to_optimum"),
            left_region_step=int(_number(self._first_outside, point)) or None,
            largest_late_distance=None if late == -math.inf else late,
            seconds=last["seconds"],
            steps=int(last["steps"]),
            samples=int(last["samples"]),
            gradient_evaluations=int(last["gradient_evaluations"]),
            steps_per_second=last["steps"] / last["seconds"],
            parameters=parameters,
        )


def _note_first(first: Tensor, happened: Tensor, done: int) -> None:
    """Where ``first`` is still 0, write the number of the first step of (steps, ...) that happened."""
    step = happened.to(torch.int8).argmax(dim=0) + done + 1
    first.copy_(torch.where((first == 0) & happened.any(dim=0), step, first))


def _number(values: Tensor, point: int) -> float:
    return float(values.reshape(-1)[point])
