"""The page's content-security policy: nothing is loaded, and only the scripts that it came with run."""

import ast
import base64
import hashlib
import re
from collections.abc import Iterable

_MAP_STYLE = re.compile(r"textContent='((?:[^'\\]|\\.)*)',document\.head\.appendChild")


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The text of the policy.

    Args:
        scripts: the text of every script element that may run.
        styles: the text of every style element that may apply.

    Style attributes are allowed, since plotly places its texts and buttons by them; images are
    allowed as data, since plotly makes its downloads so.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(digest, scripts))}",
            f"style-src-elem {' '.join(map(digest, styles))}",
            "style-src-attr 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def digest(text: str) -> str:
    """The policy's word for exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def plotly_styles(plotly: str) -> list[str]:
    """The style elements that plotly adds when it loads, for its maps, which the page never draws."""
    return [ast.literal_eval(f"'{found}'") for found in _MAP_STYLE.findall(plotly)]
