"""What a document is made of, before anybody decides how it is written: plain text in blocks.

Every format is one function from these blocks to text; what a block holds is never markup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adabench.report.numbers import NOTHING


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (the document's title) to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of lines; shown as nothing when there are none."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        text: what is shown.
        value: what it is sorted by where a reader can sort; None sorts last.
        strong: whether it stands out.
    """

    text: str
    value: float | None = None
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table under its caption; the first ``text_columns`` columns stand left, the others right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    text_columns: int = 1


@dataclass(frozen=True)
class Image:
    """A picture beside the document: its file's name, its title and what to read from it."""

    name: str
    title: str
    caption: str


Block = Heading | Paragraph | Items | Table | Image


def items(lines: Iterable[str]) -> list[Block]:
    """A list as a block, or nothing when it would be empty."""
    kept = tuple(lines)
    return [Items(kept)] if kept else []


def section(title: str, lines: Sequence[str]) -> list[Block]:
    """A small heading with a list under it, or nothing when the list is empty."""
    return [Heading(3, title), *items(lines)] if lines else []


def cells(texts: Iterable[str]) -> tuple[Cell, ...]:
    """Cells that hold text alone."""
    return tuple(map(Cell, texts))


def number(text: str, value: float | None, *, strong: bool = False) -> Cell:
    """A cell that shows a number and is sorted by it."""
    return Cell(text if value is not None else NOTHING, value, strong)
