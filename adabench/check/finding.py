"""What a check says, as data and as a table. No torch here."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from textwrap import fill
from typing import Literal, NamedTuple, get_args

from tabulate import tabulate

Verdict = Literal["pass", "fail", "skip", "note"]

DETAIL_WIDTH = 80


class Outcome(NamedTuple):
    """How a check ended.

    Args:
        verdict: ``pass`` or ``fail``; ``skip`` where the property does not apply; ``note`` for a
            fact that is neither right nor wrong.
        detail: one line with the numbers.
        value: the number that was measured, in the unit that ``detail`` names; None for most checks.
    """

    verdict: Verdict
    detail: str
    value: float | None = None


passed, failed, skipped, noted = (partial(Outcome, verdict) for verdict in get_args(Verdict))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of the check called ``name``; the other fields are those of `Outcome`."""

    name: str
    verdict: Verdict
    detail: str
    value: float | None = None


def any_failed(findings: Sequence[Finding]) -> bool:
    """Whether any check failed."""
    return any(finding.verdict == "fail" for finding in findings)


def render(title: str, findings: Sequence[Finding]) -> str:
    """Findings as a plain table under their title, with the verdicts counted below it.

    Args:
        title: what was checked.
        findings: in the order in which they are shown.
    """
    cells = [[f.name, f.verdict, fill(f.detail, DETAIL_WIDTH)] for f in findings]
    table = tabulate(cells, headers=["check", "verdict", "detail"], tablefmt="simple", disable_numparse=True)
    counts = Counter(finding.verdict for finding in findings)
    tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return f"{title}\n{table}\n\n{len(findings)} checks: {tally}"


def to_json(title: str, findings: Sequence[Finding]) -> str:
    """The same as one JSON document: ``optimizer``, ``conforms``, and ``checks`` with a finding each."""
    checks = [asdict(finding) for finding in findings]
    document = {"optimizer": title, "conforms": not any_failed(findings), "checks": checks}
    return json.dumps(document, indent=2, allow_nan=False)
