"""A chart as plain data: what the figures draw is what the page draws, number for number."""

from dataclasses import dataclass
from typing import Literal

from adabench.report.curves import Numbers

Kind = Literal["line", "steps", "points", "rows"]
"""A line through its points; a staircase; single points; or one row for each optimizer."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One optimizer's numbers in a panel.

    Args:
        optimizer: the label, which decides the look.
        x: places on the axis of the panel.
        y: values; empty where the kind is ``rows``, whose second axis is the optimizer.
        low: lower ends of bands or error bars (of x where the kind is ``rows``); empty where there are none.
        high: upper ends.
        broken: a run that diverged: drawn thin, its last point marked with a cross.
    """

    optimizer: str
    x: Numbers
    y: Numbers = ()
    low: Numbers = ()
    high: Numbers = ()
    broken: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes with their units.

    Args:
        x: what the axis across shows.
        y: what the axis upwards shows; empty where the kind is ``rows``.
        series: what is drawn.
        kind: how.
        log_x: whether the axis across is logarithmic.
        log_y: whether the axis upwards is.
        mark: a place on the axis across to draw a dotted line at, such as a target.
    """

    x: str
    y: str
    series: tuple[Series, ...]
    kind: Kind = "line"
    log_x: bool = False
    log_y: bool = False
    mark: float | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Panels that belong together; a figure shows them side by side, the page one at a time.

    Args:
        slug: its short name in file names and addresses.
        title: what it shows.
        caption: how to read it: n, bands, units, what is left out.
        panels: at least one.
        columns: how many panels stand beside each other in a figure.
    """

    slug: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    columns: int = 4
