"""Plain tables of what there is and what will run: `adabench list` and `adabench run --dry-run`."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from adabench.catalogue import Option, spell
from adabench.datasets import DATASETS
from adabench.models import MODELS
from adabench.optimizers import OPTIMIZERS
from adabench.problems import COMMON_OPTIONS, PROBLEMS

if TYPE_CHECKING:
    from adabench.config import Suites
    from adabench.estimate import Estimate
    from adabench.pipeline import Plan
    from adabench.results import Result

Rows = list[dict[str, Any]]


class Kind(StrEnum):
    """The catalogues that can be listed."""

    OPTIMIZERS = "optimizers"
    MODELS = "models"
    DATASETS = "datasets"
    PROBLEMS = "problems"
    SUITES = "suites"


def rows(kind: Kind, suites: "Suites") -> Rows:
    """A catalogue as one dict for each of its rows."""
    return _ROWS[kind](suites)


def _optimizers(suites: "Suites") -> Rows:
    return [
        {
            "name": name,
            "about": row.summary,
            "settings": _settings(row.options),
            "schedule": row.schedule,
            "paper": row.paper,
            "gradient evaluations in 1,000 steps": row.gradient_evaluations(
                {key: option.default for key, option in row.options.items()}, 1000
            ),
            "state": row.state.about,
            "traits": {key: value for key, value in asdict(row.traits).items() if value},
        }
        for name, row in OPTIMIZERS.items()
    ]


def _models(suites: "Suites") -> Rows:
    return [
        {"name": name, "about": row.summary, "settings": _settings(row.options), "data set": row.dataset}
        for name, row in MODELS.items()
    ]


def _datasets(suites: "Suites") -> Rows:
    return [
        {"name": f"{name}:PATH" if row.takes_path else name, "about": row.summary, "model": row.model}
        for name, row in DATASETS.items()
    ]


def _problems(suites: "Suites") -> Rows:
    return [
        {
            "name": name,
            "about": row.summary,
            "settings": _settings({**row.options, **COMMON_OPTIONS}),
            "optimum": row.optimum,
            "one-point convex": row.region,
            "source": row.source,
        }
        for name, row in PROBLEMS.items()
    ]


def _suites(suites: "Suites") -> Rows:
    return [{"name": name, "about": suite.about} for name, suite in suites.content.suites.items()]


_ROWS: dict[Kind, Callable[["Suites"], Rows]] = {
    Kind.OPTIMIZERS: _optimizers,
    Kind.MODELS: _models,
    Kind.DATASETS: _datasets,
    Kind.PROBLEMS: _problems,
    Kind.SUITES: _suites,
}


def tables(catalogues: Mapping[str, Rows]) -> str:
    """The catalogues as tables with a title each; the settings too when only one is shown."""
    parts = []
    shown = ("name", "about", "settings") if len(catalogues) == 1 else ("name", "about")
    for title, entries in catalogues.items():
        columns = [key for key in shown if any(entry.get(key) for entry in entries)]
        cells = [[entry[key] for key in columns] for entry in entries]
        table = tabulate(cells, headers=columns, tablefmt="simple", disable_numparse=True)
        parts.append(f"{title}\n{table}")
    return "\n\n".join(parts)


def planned(plan: "Plan", forecast: "Estimate", *, price: float | None = None, as_json: bool = False) -> str:
    """The jobs of a plan with their steps and gradient evaluations, the totals, and the time it will take.

    Args:
        plan: what would run.
        forecast: how long it would take.
        price: of the machine for an hour, in any currency.
        as_json: one JSON document instead of a table.
    """
    from adabench import pipeline

    entries: Rows = []
    for job in plan.jobs:
        steps = pipeline.total_steps(job, plan.terms.data_dir)
        entries.append(
            {
                "problem": job.problem.label,
                "optimizer": job.optimizer.label,
                "seed": job.seed,
                "epochs": job.epochs,
                "steps": steps,
                "gradient evaluations": pipeline.gradient_evaluations(job, steps),
                "state": "finished" if job in plan.finished else "to run",
                "key": job.key,
            }
        )
    if as_json:
        place = {"device": plan.site.device, **asdict(plan.site.packing), "seconds": forecast.seconds}
        return json.dumps({**place, "jobs": entries}, indent=2)
    headers = [key for key in entries[0] if key != "key"]
    cells = [[_with_commas(entry[key]) for key in headers] for entry in entries]
    align = ["right" if isinstance(entries[0][key], int) else "left" for key in headers]
    table = tabulate(cells, headers=headers, tablefmt="simple", disable_numparse=True, colalign=align)
    pending = [entry for entry in entries if entry["state"] == "to run"]
    steps, evaluations = (sum(entry[key] for entry in pending) for key in ("steps", "gradient evaluations"))
    total = f"{len(pending)} of {len(entries)} jobs to run on {plan.site}"
    lines = [f"{total}: {steps:,} steps, {evaluations:,} gradient evaluations", *_duration(forecast, price)]
    return f"{table}\n\n" + "\n".join(lines)


def _duration(forecast: "Estimate", price: float | None) -> list[str]:
    """How long it will take, what that costs, and what the figures rest on."""
    if forecast.seconds is None:
        others = len(forecast.unknown) - 1
        more = f" and {others} more" if others else ""
        return [
            f"time unknown: no earlier run like {forecast.unknown[0]}{more} here; --measure times some steps"
        ]
    if not forecast.seconds:
        return []
    basis = "by a few steps of each kind of job" if forecast.measured else "by earlier runs in this folder"
    cost = forecast.cost(price) if price else None
    bill = f", {cost:,.2f} at {price:g} an hour" if cost is not None else ""
    return [f"about {in_words(forecast.seconds)}{bill}, {basis}"]


def in_words(seconds: float) -> str:
    """A duration in its two largest units, such as ``2 h 5 min``."""
    rest, parts = max(1, round(seconds)), list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def _with_commas(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def outcomes(plan: "Plan", results: Sequence["Result"], *, as_json: bool) -> str:
    """How a sweep ended: what failed and why, where the results are, and what to do next."""
    if as_json:
        entries = [
            {
                "path": str(plan.store.path_of(result.job)),
                "problem": result.job.problem.label,
                "optimizer": result.job.optimizer.label,
                "seed": result.job.seed,
                "status": result.status,
                "reason": result.reason,
                "summary": result.summary.model_dump(),
            }
            for result in results
        ]
        return json.dumps(
            {"sweep": plan.sweep.name, "device": plan.site.device, "results": entries}, indent=2
        )
    bad = [result for result in results if result.status != "completed"]
    lines = [f"{result.status}: {result.job.title}: {result.reason}" for result in bad]
    counts = Counter(result.status for result in results)
    tally = ", ".join(f"{count} {status}" for status, count in counts.items())
    folder = plan.store.folder
    compare = "adabench compare" if str(folder) == "results" else f"adabench compare {folder}"
    return "\n".join([*lines, f"{len(results)} jobs: {tally}; results in {folder}/, next: {compare}"])


def _settings(options: Mapping[str, Option]) -> str:
    return ", ".join(f"{name}={spell(option.default)}" for name, option in options.items())
