"""A comparison as GitHub Markdown; nothing in it depends on when or where it is rendered."""

from collections.abc import Sequence
from urllib.parse import quote

from adabench.compare.model import Comparison
from adabench.report.blocks import Block, Heading, Image, Items, Paragraph
from adabench.report.document import Figure, blocks
from adabench.report.markdown_blocks import heading, items, paragraph, table
from adabench.results.format import Result


def render(
    comparison: Comparison, results: Sequence[Result], paper: bool = False, figures: Sequence[Figure] = ()
) -> str:
    """The comparison, or the paper's tables beside it, the figures, and where the results come from."""
    return "\n\n".join(map(_block, blocks(comparison, results, paper, figures))) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return heading(block.level, block.text)
    if isinstance(block, Paragraph):
        return paragraph(block.text)
    if isinstance(block, Items):
        return items(block.lines)
    if isinstance(block, Image):
        return f"![{paragraph(block.title)}]({quote(block.name)})\n\n{paragraph(block.caption)}"
    return f"{table(block)}\n\n{paragraph(block.caption)}"
