"""Numbers that no run can have. JSON readers take ``NaN``, ``1e999`` and integers of any length."""

import math
from typing import Any

from adabench.events import Summary
from adabench.results.format import Column, Result

LARGEST = 2**64
"""Bound of whole numbers: seeds of torch reach up to here."""

_SHARES = tuple(name for name in Summary.model_fields if "accuracy" in name)


def wild_number(result: Result) -> str | None:
    """The name of a number that no run can have; None where all are sound.

    Such are what is not finite, whole numbers past 2^64, and accuracies outside 0 to 1.
    What is read has nothing in its columns that is not finite.
    """
    job, summary = result.job, vars(result.summary)
    options = {"hyperparameters": job.optimizer.hyperparameters, "seed": job.seed, "epochs": job.epochs}
    for part in (summary, vars(job.problem), options):
        for name, value in part.items():
            kind = type(value)
            if not (value is None or kind is str or _sound(value, kind)):
                return name
    for name in _SHARES:
        if not 0 <= (summary[name] or 0) <= 1:
            return name
    for name, column in result.curve.items():
        if name.endswith("accuracy") and not _within_one(column):
            return name
    return None


def _within_one(column: Column) -> bool:
    told = [value for value in column if value]
    return not told or (min(told) >= 0 and max(told) <= 1)


def _sound(value: Any, kind: type) -> bool:
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(-LARGEST < value < LARGEST)
    if kind in (dict, list, tuple):
        items = value.values() if kind is dict else value
        return all(_sound(item, type(item)) for item in items)
    return True
