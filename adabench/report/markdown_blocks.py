"""Blocks of GitHub Markdown made of plain text: whatever the text holds, it is shown as it is."""

import re
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from adabench.report.text import markdown

LONG = 2000

_BLOCK_START = re.compile(r"^(\d*)([-+#=.)])")


def heading(level: int, text: str) -> str:
    """A heading of level 1 to 6."""
    return f"{'#' * level} {paragraph(text)}"


def paragraph(text: str) -> str:
    """Text at the start of a line, where a mark such as ``-`` or ``1.`` would open a list."""
    return _BLOCK_START.sub(r"\1\\\2", markdown(text.strip(), LONG))


def items(lines: Iterable[str]) -> str:
    """A list with one item a line; empty when there are none."""
    return "\n".join(f"- {paragraph(line)}" for line in lines)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1) -> str:
    """A table whose first ``text_columns`` columns stand left and the others right."""
    return tabulate(
        [[markdown(cell) for cell in row] for row in rows],
        headers=[markdown(header) for header in headers],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["left"] * text_columns + ["right"] * (len(headers) - text_columns),
    )
