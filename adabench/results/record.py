"""From events to a result: the columns of one job grow epoch by epoch."""

import math
from collections.abc import Iterator, Mapping

from adabench.events import EpochEnded, Event, JobEnded, JobStarted, Summary
from adabench.results.format import Column, Result


class Recorder:
    """Folds the events of one job into its result."""

    def __init__(self) -> None:
        self._curve: dict[str, Column] = {}
        self._probes: dict[str, Column] = {}

    def add(self, event: Event) -> Result | None:
        """Take in one event.

        Args:
            event: the job's next event; an epoch told twice counts once, with its later values.

        Returns:
            The result when the event ends the job, else None. It holds no NaN or infinity.
        """
        if isinstance(event, JobStarted):
            self._curve, self._probes = {}, {}
        elif isinstance(event, EpochEnded):
            _grow(self._curve, event.metrics, event.epoch)
            _grow(self._probes, event.probes, event.epoch)
        elif isinstance(event, JobEnded):
            result = self._result(event)
            self._curve, self._probes = {}, {}  # a job that fails before it starts has none
            return result
        return None

    def _result(self, end: JobEnded) -> Result:
        return Result(
            job=end.job,
            status=end.status,
            reason=end.reason,
            summary=Summary.model_validate({name: _finite(value) for name, value in end.summary}),
            curve=self._curve,
            probes=self._probes,
            environment=end.environment,
        )


def retold(result: Result) -> Iterator[Event]:
    """The events that `Recorder` would make this result of, in their order; no signs of life."""
    device = result.environment.device_type if result.environment else "cpu"
    yield JobStarted(job=result.job, device=device, total_steps=result.summary.steps)
    for epoch in range(1, 1 + max(map(len, result.curve.values()), default=0)):
        metrics, probes = (_row(columns, epoch) for columns in (result.curve, result.probes))
        yield EpochEnded(job=result.job, epoch=epoch, metrics=metrics, probes=probes)
    yield JobEnded(
        job=result.job,
        status=result.status,
        reason=result.reason,
        summary=result.summary,
        environment=result.environment,
    )


def _row(columns: Mapping[str, Column], epoch: int) -> dict[str, float]:
    """One epoch's values; NaN where a column holds None, which keeps it as long as it was."""
    return {
        name: math.nan if column[epoch - 1] is None else float(column[epoch - 1] or 0.0)
        for name, column in columns.items()
        if len(column) >= epoch
    }


def _grow(columns: dict[str, Column], values: Mapping[str, float], epoch: int) -> None:
    """Put each value in its epoch's place; a column without one holds None there."""
    for name in values:
        columns.setdefault(name, [])
    for name, column in columns.items():
        column.extend([None] * (epoch - len(column)))
        if name in values:
            column[epoch - 1] = _finite(values[name])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
