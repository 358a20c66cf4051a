"""The seeds' mean curve with its band, against any axis of cost."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from adabench.compare.metrics import AXES
from adabench.compare.model import Curve
from adabench.compare.selection import Runs
from adabench.compare.statistics import CONFIDENCE

COLUMNS = ("test_accuracy", "test_loss", "train_loss", "validation_accuracy")


def curves(runs: Sequence[Runs]) -> tuple[Curve, ...]:
    """Each optimizer's mean curve of each quantity over its completed runs."""
    return tuple(curve for each in runs for curve in _of_one(each))


def _of_one(runs: Runs) -> Iterator[Curve]:
    costs = {axis: _listed(_mean(_table(runs, axis))) for axis in AXES}
    for column in COLUMNS:
        values = _table(runs, column)
        if not values.size:
            continue
        n, mean = len(values), _mean(values)
        low = high = None
        if n > 1:
            half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(axis=0, ddof=1) / np.sqrt(n)
            low, high = _listed(mean - half), _listed(mean + half)
        yield Curve(
            optimizer=runs.label, column=column, n=n, costs=costs, mean=_listed(mean), low=low, high=high
        )


def _table(runs: Runs, column: str) -> NDArray[np.float64]:
    """A row for each completed run that has the column, cut to the epochs that all have; gaps are NaN."""
    found = [result.curve[column] for result in runs.completed if result.curve.get(column)]
    epochs = min(map(len, found), default=0)
    return np.array([each[:epochs] for each in found], dtype=float).reshape(len(found), epochs)


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = table.sum(axis=0) / max(1, len(table))
    return means


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
