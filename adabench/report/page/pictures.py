"""Static figures inside the page, for readers without JavaScript: drawings as SVG elements."""

import re
from collections.abc import Sequence

from adabench.report.figures import Exhibit
from adabench.report.figures.style import encoded

BUDGET_BYTES = 900_000
"""All static figures together; those beyond it are left out, so that a page stays small."""
DPI = 72

_WHOLE = re.compile(r"<svg.*</svg>", re.DOTALL)
_UNWANTED = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|<defs>\s*</defs>", re.DOTALL)
_NAMES = re.compile(r' id="(?!p[0-9a-f]{10}"|m[0-9a-f]{10}"|image)[^"]*"')
_PATH = re.compile(r' d="[^"]*"')
_DECIMALS = re.compile(r"(\d+\.\d)\d+")
_GAPS = re.compile(r"\s*([MLQCZz])\s*")
_SPACES = re.compile(r"\s*\n\s*")


def svg_elements(exhibits: Sequence[Exhibit]) -> list[str]:
    """The drawing of each exhibit as an ``<svg>`` element; empty where the budget is spent.

    Those that no chart can stand in for come first.
    """
    elements, left = [""] * len(exhibits), BUDGET_BYTES
    for place in sorted(range(len(exhibits)), key=lambda place: exhibits[place].chart is not None):
        element = svg_element(exhibits[place]) if left > 0 else ""
        left -= len(element)
        elements[place] = element if left >= 0 else ""
    return elements


def svg_element(exhibit: Exhibit) -> str:
    """One ``<svg>`` element: no styles, dates or names of its own, its lines to a tenth of a point."""
    text = encoded(exhibit.draw(), "svg", dpi=DPI, text_as_text=True).decode("utf-8")
    found = _WHOLE.search(text)
    body = _NAMES.sub("", _UNWANTED.sub("", found.group() if found else ""))
    body = _PATH.sub(lambda path: _GAPS.sub(r"\1", _DECIMALS.sub(r"\1", path.group())), body)
    return _SPACES.sub(" ", body).replace("<svg ", '<svg role="img" ', 1)
