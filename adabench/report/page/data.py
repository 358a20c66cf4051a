"""What the page's own script reads: charts and runs as compact columns of plain JSON."""

import json
from collections.abc import Collection, Hashable, Sequence
from typing import Any

from adabench.report import palette
from adabench.report.charts.model import Chart, Panel, Series
from adabench.report.text import plain
from adabench.results.format import Result

LABEL = 80

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return "".join(_ESCAPES.get(character, character) for character in text)


class Pool:
    """Values that are kept once and named by their place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def place(self, key: Hashable, value: Any) -> int:
        """The place of a value with this key; it is added the first time."""
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def page_data(
    charts: Sequence[Chart], results: Sequence[Result], shown: Collection[str] = ()
) -> dict[str, Any]:
    """Everything that the page draws and lists.

    Args:
        charts: in the page's order; a chart is found by its place.
        results: every run.
        shown: the labels that the page compares, which are the first to be given a look.

    Returns:
        Looks of the optimizers, the charts over a pool of number columns, and the runs.
    """
    drawn = {series.optimizer for chart in charts for panel in chart.panels for series in panel.series}
    labels = drawn | {result.job.optimizer.label for result in results}
    looks = palette.looks(labels) | palette.looks({*drawn, *shown})
    order, pool = {label: place for place, label in enumerate(sorted(labels))}, Pool()
    return {
        "optimizers": [[plain(label, LABEL), looks[label].colour, looks[label].dash] for label in order],
        "charts": [[_panel(panel, order, pool) for panel in chart.panels] for chart in charts],
        "numbers": pool.values,
        "runs": _runs(results, order),
    }


def _panel(panel: Panel, order: dict[str, int], pool: Pool) -> dict[str, Any]:
    return {
        "x": panel.x,
        "y": panel.y,
        "kind": panel.kind,
        "log": [panel.log_x, panel.log_y],
        "series": [_series(series, order, pool) for series in panel.series],
    }


def _series(series: Series, order: dict[str, int], pool: Pool) -> list[Any]:
    columns = (series.x, series.y, series.low, series.high)
    return [order[series.optimizer], *(pool.place(column, column) for column in columns), int(series.broken)]


def _runs(results: Sequence[Result], order: dict[str, int]) -> dict[str, Any]:
    """Runs as columns; problems, jobs without their seed, and places where they ran are kept once."""
    problems, jobs, places, reasons = Pool(), Pool(), Pool(), Pool()
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for result in results:
        job, place, summary = result.job, result.environment, result.summary
        fixed = job.model_dump(mode="json", exclude={"seed"})
        where = place.model_dump(mode="json", exclude={"started", "ended"}) if place else None
        row = (
            problems.place(job.problem.label, plain(job.problem.label, LABEL)),
            order[job.optimizer.label],
            job.seed,
            job.key,
            result.status,
            reasons.place(result.reason, plain(result.reason, 200) if result.reason else None),
            _short(summary.final_test_accuracy),
            _short(summary.best_test_accuracy),
            _short(summary.final_distance),
            _short(summary.seconds),
            summary.steps,
            summary.gradient_evaluations,
            jobs.place(json.dumps(fixed, sort_keys=True), fixed),
            places.place(json.dumps(where, sort_keys=True), where),
            place.started if place else None,
            place.ended if place else None,
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    pools = {"problems": problems, "jobs": jobs, "places": places, "reasons": reasons}
    return {"columns": columns} | {name: pool.values for name, pool in pools.items()}


_COLUMNS = (
    "problem",
    "optimizer",
    "seed",
    "key",
    "status",
    "reason",
    "final",
    "best",
    "distance",
    "seconds",
    "steps",
    "evaluations",
    "job",
    "place",
    "started",
    "ended",
)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
