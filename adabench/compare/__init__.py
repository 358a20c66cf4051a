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
from adabench.compare.question import Question
from adabench.compare.statistics import Estimate
from adabench.compare.versus import Versus

__all__ = [
    "AnalyticComparison",
    "AnalyticRow",
    "Comparison",
    "Estimate",
    "Exits",
    "Failure",
    "ProblemComparison",
    "Question",
    "Row",
    "Sample",
    "Versus",
    "compare",
]
