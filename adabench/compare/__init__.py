"""Comparison: from results to statistics. No files, no torch; one idea a module."""

from adabench.compare.comparison import compare
from adabench.compare.model import (
    AnalyticComparison,
    AnalyticRow,
    Comparison,
    Exits,
    Failure,
    ProblemComparison,
    Row,
    Sample,
)
from adabench.compare.statistics import Estimate

__all__ = [
    "AnalyticComparison",
    "AnalyticRow",
    "Comparison",
    "Estimate",
    "Exits",
    "Failure",
    "ProblemComparison",
    "Row",
    "Sample",
    "compare",
]
