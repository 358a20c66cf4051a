"""A metric's numbers in words: accuracies in per cent and points, everything else as it is."""

from adabench.compare.metrics import METRICS, Metric
from adabench.compare.model import Comparison
from adabench.compare.statistics import Estimate, Interval
from adabench.report.numbers import NOTHING


class Units:
    """How the numbers of one metric are written.

    Args:
        metric: the metric's row.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.points = " points" if metric.is_share else ""

    @classmethod
    def of(cls, comparison: Comparison) -> "Units":
        """Those of the metric that a comparison was asked for."""
        return cls(METRICS[comparison.metric])

    def value(self, number: float | None) -> str:
        """A value, unsigned unless below 0."""
        if number is None:
            return NOTHING
        return f"{100 * number:z.2f}" if self.metric.is_share else f"{number:,.3g}"

    def told(self, number: float) -> str:
        """A value with its sign of per cent, where it is a share."""
        return f"{self.value(number)}{' %' if self.metric.is_share else ''}"

    def change(self, number: float) -> str:
        """A difference, signed."""
        return f"{100 * number:+z.2f}" if self.metric.is_share else f"{number:+,.3g}"

    def span(self, interval: Interval | None) -> str:
        """An interval of values or differences."""
        return NOTHING if interval is None else f"{self.value(interval[0])} to {self.value(interval[1])}"

    def plus_minus(self, sample: Estimate | None) -> str:
        """A sample as mean ± sample standard deviation."""
        if sample is None:
            return NOTHING
        return self.value(sample.mean) + (
            "" if sample.deviation is None else f" ± {self.value(sample.deviation)}"
        )

    def difference(self, number: float | None, interval: Interval | None) -> str:
        """A difference with its interval, where there is one."""
        if number is None:
            return NOTHING
        return self.change(number) + (f" ({self.span(interval)})" if interval else "")


def probability(p: float | None) -> str:
    """A p with two digits, never 0."""
    if p is None:
        return NOTHING
    if p < 0.001:
        return "<0.001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.2g}"
