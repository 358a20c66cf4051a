"""The two shapes of text on a terminal: a table, and wrapped sentences."""

from collections.abc import Sequence
from textwrap import fill

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
        rows,
        headers=columns,
        tablefmt="simple",
        disable_numparse=True,
        colalign=(*["left"] * labels, *["right"] * rest),
        maxcolwidths=[*[label_width] * labels, *[None] * rest],
    )


def wrapped(text: str) -> str:
    """One sentence or more within the terminal's width, later lines indented."""
    return fill(plain(text, 2000), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
