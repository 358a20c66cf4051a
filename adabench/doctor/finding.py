"""What was looked at and how it was found, as data, as a table and as JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from textwrap import fill
from typing import Literal

from tabulate import tabulate

State = Literal["ok", "note", "wrong"]

WIDTH = 90
MOST_ALIKE = 5
"""Findings of one name that are shown in a row; JSON has them all."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what it is, in a word or two.
        state: ``ok``; ``note`` for what costs time or choice; ``wrong`` for what must be mended.
        detail: one line with the facts.
        cure: what helps; None where nothing need be done.
    """

    name: str
    state: State
    detail: str
    cure: str | None = None


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something must be mended."""
    return any(finding.state == "wrong" for finding in findings)


def render(findings: Sequence[Finding]) -> str:
    """A plain table, with the states counted below it."""
    cells = [
        row for _, alike in groupby(findings, lambda finding: finding.name) for row in _rows(list(alike))
    ]
    table = tabulate(cells, headers=["what", "state", "detail"], tablefmt="simple", disable_numparse=True)
    counts = Counter(finding.state for finding in findings)
    notes = f", {counts['note']} to note" if counts["note"] else ""
    wrong = f"{counts['wrong']} wrong" if counts["wrong"] else "nothing is wrong"
    return f"{table}\n\n{wrong}{notes}"


def to_json(findings: Sequence[Finding]) -> str:
    """One JSON document: ``healthy``, and ``findings`` in their order."""
    document = {
        "healthy": not anything_wrong(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(document, indent=2)


def _rows(alike: Sequence[Finding]) -> Iterator[tuple[str, str, str]]:
    """Findings of one name; a cure that several share is told once."""
    for number, finding in enumerate(alike[:MOST_ALIKE], start=1):
        following = alike[number].cure if number < min(len(alike), MOST_ALIKE) else None
        yield (
            finding.name,
            finding.state,
            _told(finding.detail, finding.cure if finding.cure != following else None),
        )
    if len(alike) > MOST_ALIKE:
        yield alike[0].name, "", f"and {len(alike) - MOST_ALIKE} more; --json lists all"


def _told(detail: str, cure: str | None) -> str:
    lines = [detail] if cure is None else [detail, f"-> {cure}"]
    return "\n".join(fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines)
