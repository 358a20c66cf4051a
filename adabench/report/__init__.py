"""Reports: a comparison as documents that people read. The same results give the same bytes."""

from adabench.report.formats import FORMATS, Renderer, render
from adabench.report.publishing import Publication

__all__ = ["FORMATS", "Publication", "Renderer", "render"]
