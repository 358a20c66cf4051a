"""From events to a result: the columns of one job grow epoch by epoch."""

import math
from collections.abc import Mapping

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
