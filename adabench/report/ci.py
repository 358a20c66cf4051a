"""What a CI service takes in: GitHub's step summary, and github-action-benchmark's JSON."""

import json
from collections import Counter

from adabench.compare.metrics import METRICS
from adabench.compare.model import Comparison
from adabench.report.text import plain
from adabench.report.units import Units

SUMMARY_BYTES = 1024 * 1024 - 4096
"""GitHub refuses a step's summary above 1 MiB; some room is left for what is said after a cut."""
CUT = "\n\n(cut here: the whole is above GitHub's limit of 1 MiB for a summary)\n"


def capped(document: str, already: int) -> str:
    """A Markdown document cut at a line so that a step's summary stays within GitHub's limit.

    Args:
        document: what is to be appended.
        already: how many bytes the summary holds.
    """
    room = SUMMARY_BYTES - already
    content = document.encode("utf-8")
    if len(content) <= room:
        return document
    kept = content[: max(0, room)].rpartition(b"\n")[0].decode("utf-8", errors="ignore")
    return kept + CUT if room > 0 else ""


def benchmark(comparison: Comparison) -> str:
    """The metric's means for github-action-benchmark.

    A list of ``name``, ``unit``, ``value``, ``range`` and ``extra``; its tool is
    ``customBiggerIsBetter`` where higher is better, else ``customSmallerIsBetter``.
    """
    metric = METRICS[comparison.metric]
    units, scale = Units(metric), 100 if metric.is_share else 1
    entries, names = [], Counter[str]()
    for compared in comparison.problems:
        for row in compared.rows:
            if row.value is None:
                continue
            name = f"{plain(row.optimizer)} on {plain(compared.title)}"
            names[name] += 1
            entry = {
                "name": name if names[name] == 1 else f"{name} [{names[name]}]",
                "unit": f"{metric.words}, %" if metric.is_share else metric.words,
                "value": round(scale * row.value.mean, 6),
                "range": "" if row.value.deviation is None else f"± {units.value(row.value.deviation)}",
                "extra": f"n = {row.value.n}" + (f", {row.diverged} diverged" if row.diverged else ""),
            }
            entries.append(entry)
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
