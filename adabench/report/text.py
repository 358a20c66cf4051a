"""Text from outside made harmless: names, reasons and paths are shown, never obeyed."""

import re

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")


def plain(text: str, limit: int = 80) -> str:
    r"""Text on one line, at most ``limit`` characters, without control or direction characters.

    What cannot be printed is shown as its escape, so a newline reads ``\n``.
    """
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def markdown(text: str, limit: int = 80) -> str:
    """Text that GitHub's Markdown shows as it is, within a line or a table cell."""
    shown = plain(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", shown)
