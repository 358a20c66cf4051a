"""Blocks of GitHub Markdown made of plain text: whatever the text holds, it is shown as it is."""

import re
from collections.abc import Iterable

from tabulate import tabulate

from adabench.report.blocks import Cell, Table
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


def table(block: Table) -> str:
    """A table without its caption: text columns stand left and the others right."""
    right = len(block.columns) - block.text_columns
    return tabulate(
        [[_cell(cell) for cell in row] for row in block.rows],
        headers=[markdown(header) for header in block.columns],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["left"] * block.text_columns + ["right"] * right,
    )


def _cell(cell: Cell) -> str:
    shown = markdown(cell.text)
    return f"**{shown}**" if cell.strong and shown.strip() else shown
