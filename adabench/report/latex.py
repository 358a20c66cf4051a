r"""A comparison as LaTeX that a paper can ``\input``: booktabs tables with captions, and figures.

The text is made of Latin-1 characters and commands alone, so that pdfTeX sets whatever a name holds.
"""

import re
from collections.abc import Iterable, Sequence

from adabench.compare.model import Comparison
from adabench.report.blocks import Block, Cell, Heading, Image, Items, Paragraph, Table
from adabench.report.document import Figure, blocks
from adabench.report.text import plain
from adabench.results.format import Result

PREAMBLE = r"\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx,textcomp}"
LONG = 2000
WIDEST = 7
"""Columns that stand side by side on a line of a paper and can still be read."""

_COMMANDS = {1: "section*", 2: "section*", 3: "subsection*"}
_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "±": r"\textpm{}",
    "×": r"\texttimes{}",
    "[": "{[}",
    "]": "{]}",
}
"""What means something to TeX, and how it is set as itself."""

_LIGATURES = re.compile(r"([-,])(?=\1)")
_MINUS = re.compile(r"(?<![^\s(])-(?=\d)")


def render(
    comparison: Comparison, results: Sequence[Result], paper: bool = False, figures: Sequence[Figure] = ()
) -> str:
    """The same blocks as the Markdown document; wants `PREAMBLE` in the document that takes them in."""
    parts = [f"% Needs {PREAMBLE}", *map(_block, blocks(comparison, results, paper, figures))]
    return "\n\n".join(parts) + "\n"


def text(content: str, limit: int = 80) -> str:
    """Text that TeX sets as it is, within a line or a cell."""
    shown = "".join(_sign(character) for character in plain(content, limit))
    return _MINUS.sub(r"\\textminus{}", _LIGATURES.sub(r"\1{}", shown))


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isascii() or character in _LATIN:
        return character
    return text(ascii(character)[1:-1])


_LATIN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ")


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return rf"\{_COMMANDS[block.level]}{{{text(block.text, LONG)}}}"
    if isinstance(block, Paragraph):
        return text(block.text, LONG)
    if isinstance(block, Items):
        lines = "\n".join(rf"\item {text(line, LONG)}" for line in block.lines)
        return f"\\begin{{itemize}}\n{lines}\n\\end{{itemize}}"
    if isinstance(block, Image):
        return _figure(block)
    return _table(block)


def _figure(block: Image) -> str:
    caption = f"{text(block.title, LONG)}. {text(block.caption, LONG)}"
    picture = rf"\includegraphics[width=\linewidth]{{{block.name}}}"
    return f"\\begin{{figure}}[htbp]\n\\centering\n{picture}\n\\caption{{{caption}}}\n\\end{{figure}}"


def _table(block: Table) -> str:
    """Many columns go into several tabulars below each other, each with the first columns of text."""
    first, last = block.text_columns, len(block.columns)
    room = WIDEST - first
    parts = [
        _tabular(block, [*range(first), *range(start, min(start + room, last))])
        for start in range(first, last, room)
    ]
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{text(block.caption, LONG)}}}",
            r"\smallskip",
            "\n\n\\medskip\n".join(parts),
            r"\end{table}",
        ]
    )


def _tabular(block: Table, columns: Sequence[int]) -> str:
    """Some columns of a table, shrunk to the width of the line where they are wider."""
    kinds = "".join("l" if column < block.text_columns else "r" for column in columns)
    return "\n".join(
        [
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            _line(text(block.columns[column]) for column in columns),
            r"\midrule",
            *(_line(_cell(row[column]) for column in columns) for row in block.rows),
            r"\bottomrule",
            r"\end{tabular}}",
        ]
    )


def _line(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _cell(cell: Cell) -> str:
    shown = text(cell.text)
    return rf"\textbf{{{shown}}}" if cell.strong else shown
