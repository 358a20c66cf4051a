"""What fault harnesses print: one line for each scenario, and what went wrong in it."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from tabulate import tabulate


@dataclass
class Tally:
    """Cases of one scenario; each violation is a sentence."""

    scenario: str
    cases: int = 0
    violations: list[str] = field(default_factory=list)


def finish(tallies: Iterable[Tally]) -> int:
    """Print the table, or JSON with ``--json``; the exit code: 1 where something was violated."""
    tallies = list(tallies)
    violations = [text for tally in tallies for text in tally.violations]
    sys.stdout.write(_json(tallies) if "--json" in sys.argv else _table(tallies, violations))
    return int(bool(violations))


def _json(tallies: list[Tally]) -> str:
    return json.dumps([asdict(tally) for tally in tallies])


def _table(tallies: list[Tally], violations: list[str]) -> str:
    rows = [(tally.scenario, tally.cases, len(tally.violations)) for tally in tallies]
    total = ("total", sum(tally.cases for tally in tallies), len(violations))
    table = tabulate([*rows, total], headers=["scenario", "cases", "violations"])
    return "\n".join([table, *violations[:20], ""])
