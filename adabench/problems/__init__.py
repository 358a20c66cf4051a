"""The catalogue of analytic problems: functions given by formulas, each with its optimum and its source.

Importing this room does not import torch. Supervised problems need no rows here: any model with any
data set is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adabench.catalogue import Option, Value, find, label, resolve
from adabench.spec import AnalyticSpec

__all__ = ["PROBLEMS", "ProblemRow", "analytic_spec"]


@dataclass(frozen=True, kw_only=True)
class ProblemRow:
    """What the project knows of an analytic problem.

    Args:
        build: its class, as ``"package.module:Class"``; called with the options.
        summary: one line for people.
        source: who published it, and where.
        optimum: where the smallest value lies, in words.
        region: where one-point convexity with respect to the optimum holds, in words.
        options: settings with their defaults and ranges, beside those that every problem has.
    """

    build: str
    summary: str
    source: str
    optimum: str
    region: str
    options: Mapping[str, Option] = field(default_factory=dict)


COMMON_OPTIONS: Mapping[str, Option] = {
    "noise": Option(0.0, "standard deviation of the normal noise on each coordinate of a gradient", low=0.0),
    "interval": Option(60, "steps in one epoch: one row of the curve", low=1),
}

_STOCHASTIC: Mapping[str, Option] = {
    "C": Option(101.0, "slope of the rare function", low=1.0, open_low=True),
    "delta": Option(0.02, "slope of the mean of both functions", low=0.0, open_low=True),
}

PROBLEMS: dict[str, ProblemRow] = {
    "cosine_bowl": ProblemRow(
        build="adabench.problems.analytic_smooth:CosineBowl",
        summary="1 - cos(x1^2 + x2^2) from (1, 0.3): flat at its optimum, with ripples around it",
        source="Bae, Ryu and Shin 2019, arXiv 1911.00289, Figure 1",
        optimum="(0, 0)",
        region="x1^2 + x2^2 < pi",
    ),
    "quadratic": ProblemRow(
        build="adabench.problems.analytic_smooth:Quadratic",
        summary="sum of a_i x_i^2 / 2 from (1, ..., 1), with curvatures from 1 / condition to 1",
        source="Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.1",
        optimum="the origin",
        region="everywhere",
        options={
            "condition": Option(100.0, "largest curvature over smallest", low=1.0),
            "dimension": Option(2, "number of coordinates", low=1, high=1_000_000),
        },
    ),
    "rosenbrock": ProblemRow(
        build="adabench.problems.analytic_smooth:Rosenbrock",
        summary="(1 - x1)^2 + 100 (x2 - x1^2)^2 from (-1.2, 1): a curved valley",
        source="Rosenbrock 1960, The Computer Journal 3 (3)",
        optimum="(1, 1)",
        region="|x1 - 1| < 0.2, and beyond that all but a sliver above the valley",
    ),
    "reddi_online": ProblemRow(
        build="adabench.problems.analytic_online:PeriodicSlope",
        summary="C x once in a period and -x at its other steps, on [-1, 1] from 0",
        source="Reddi, Kale and Kumar 2018, arXiv 1904.09237, Theorem 1 (period 3) and section 5 (101)",
        optimum="-1",
        region="all of [-1, 1]",
        options={
            "C": Option(101.0, "slope of the rare function, above period - 1", low=1.0, open_low=True),
            "period": Option(101, "steps from one rare function to the next", low=2),
        },
    ),
    "reddi_stochastic": ProblemRow(
        build="adabench.problems.analytic_online:BoundedRandomSlope",
        summary="C x with probability (1 + delta) / (C + 1), else -x, on [-1, 1] from 0",
        source="Reddi, Kale and Kumar 2018, arXiv 1904.09237, Theorem 3 and section 5",
        optimum="-1",
        region="all of [-1, 1]",
        options=_STOCHASTIC,
    ),
    "adashift_stochastic": ProblemRow(
        build="adabench.problems.analytic_online:RandomSlope",
        summary="C x with probability (1 + delta) / (C + 1), else -x, on the whole line from 0",
        source="Zhou et al. 2019, arXiv 1810.00143, section 5.1",
        optimum="none: the mean delta x falls without end to the left",
        region="has no meaning without an optimum",
        options=_STOCHASTIC,
    ),
    "adabound_online": ProblemRow(
        build="adabench.problems.analytic_online:PeriodicStep",
        summary="-100 left of 0; on [0, 1] -x, then 2x, then 0 for the rest of a period; 0 right of 1",
        source="Luo, Xiong, Liu and Sun 2019, arXiv 1902.09843, Theorem 1",
        optimum="every x < 0",
        region="[-2, 1]",
        options={"period": Option(50, "steps from one pair of slopes to the next", low=2)},
    ),
}


def analytic_spec(name: str, given: Mapping[str, Value]) -> AnalyticSpec:
    """Resolve a name and its settings against the catalogue.

    Args:
        name: a catalogue name.
        given: options by name, ``noise`` and ``interval`` among them.

    Raises:
        RequestError: an unknown name or option, or a value outside its range.
    """
    options = {**find("problem", PROBLEMS, name).options, **COMMON_OPTIONS}
    values = resolve(name, options, given)
    return AnalyticSpec(
        name=name,
        options={key: value for key, value in values.items() if key != "interval"},
        label=label(name, options, values),
        interval=int(str(values["interval"])),
    )
