"""The two shapes of text on a terminal: a table, and wrapped sentences."""

import re
from collections.abc import Sequence
from textwrap import fill, wrap

from tabulate import tabulate

from adabench.report.text import plain

WIDTH = 110
LABEL_WIDTH = 24


def tabulated(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, labels: int = 1, label_width: int = LABEL_WIDTH
) -> str:
    """A table whose first ``labels`` columns stand left, wrapped to ``label_width``, and the others right."""
    rest = len(columns) - labels
    return tabulate(
        [[*(_folded(cell, label_width) for cell in row[:labels]), *row[labels:]] for row in rows],
        headers=columns,
        tablefmt="simple",
        disable_numparse=True,
        colalign=(*["left"] * labels, *["right"] * rest),
    )


def _folded(label: str, width: int) -> str:
    """A label on lines of at most ``width``, broken after a colon or a comma where there is one."""
    lines = [""]
    for part in re.findall(r"[^:,]*[:,]?", label):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(piece for line in lines for piece in wrap(line, width) or [""])


def wrapped(text: str) -> str:
    """One sentence or more within the terminal's width, later lines indented."""
    return fill(plain(text, 2000), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
