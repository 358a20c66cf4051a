"""A comparison as one HTML page that needs nothing else: no network, and no JavaScript for its tables.

Its promises are in docs/reporting.md. Importing this room loads matplotlib, for the static figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from adabench.compare.model import Comparison
from adabench.report.blocks import Block, Heading, Table
from adabench.report.document import Figure, origins, sections
from adabench.report.figures import Exhibit, exhibits, shown_labels
from adabench.report.page.data import page_data, script_json
from adabench.report.page.pictures import svg_elements
from adabench.report.page.policy import plotly_styles, policy
from adabench.report.page.verdicts import verdicts
from adabench.report.paper import paper_tables
from adabench.report.paper_blocks import paper_blocks
from adabench.report.runs import runs_table
from adabench.report.standing import HOW
from adabench.results.format import Result
from adabench.results.order import ordered

RUNS_SHOWN = 200
"""Runs in the page without JavaScript; with it, all of them are listed in pages."""

SMALL = 3
FOLDED = ("Settings", "Every run")
"""Small headings whose part is there for whoever looks for it."""

_LIVE = "<!-- live -->"
_SCRIPTS = ("dom.js", "charts.js", "tables.js", "runs.js", "page.js")
_STYLES = ("page.css", "plotly.css")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure in the page: its static drawing, and the place of its chart among the charts."""

    title: str
    caption: str
    picture: Markup
    chart: int | None


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section of the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    figures: tuple[Shown, ...] = ()

    @property
    def first(self) -> list[Block]:
        """What stands before the figures: everything but the folds."""
        return [block for blocks in self._split() for block in blocks if not _folds(blocks)]

    @property
    def folds(self) -> list[tuple[str, list[Block]]]:
        """What a reader unfolds: title and blocks."""
        return [(_folds(blocks), blocks[1:]) for blocks in self._split() if _folds(blocks)]

    def _split(self) -> list[list[Block]]:
        """The blocks, parted before each small heading."""
        parts: list[list[Block]] = [[]]
        for block in self.blocks:
            if isinstance(block, Heading) and block.level == SMALL:
                parts.append([])
            parts[-1].append(block)
        return parts


def _folds(blocks: Sequence[Block]) -> str:
    """The title of a part that is folded away; empty for one that every reader must see."""
    head = blocks[0] if blocks else None
    return head.text if isinstance(head, Heading) and head.text.startswith(FOLDED) else ""


def render(
    comparison: Comparison, results: Sequence[Result], paper: bool = False, figures: Sequence[Figure] = ()
) -> str:
    """The page; its figures are drawn into it, so none stand beside it.

    Args:
        comparison: what is shown.
        results: what it was made of.
        paper: put the AdaFix paper's tables, published and measured, before the problems.
        figures: for the sake of the other formats; not used.
    """
    del figures
    results = ordered(results)
    every = exhibits(comparison, results)
    plotly, script, styles = _plotly(), "\n".join(map(_asset, _SCRIPTS)), list(map(_asset, _STYLES))
    charts = [exhibit.chart for exhibit in every if exhibit.chart]
    return _template().render(
        lead=_lead(comparison, results),
        verdicts=verdicts(comparison),
        how=HOW,
        judged=bool(comparison.problems),
        parts=[*(_paper(comparison, results) if paper else []), *_parts(comparison, every)],
        runs=runs_table(results[:RUNS_SHOWN]),
        runs_left=max(0, len(results) - RUNS_SHOWN),
        origins=origins(results).blocks,
        policy=policy([plotly, script], [*styles, *plotly_styles(plotly)]),
        styles=list(map(Markup, styles)),
        data=Markup(script_json(page_data(charts, results, shown_labels(comparison)))),
        plotly=Markup(plotly),
        script=Markup(script),
    )


def live(page: str, seconds: int) -> str:
    """The page as it is while a sweep runs: it loads itself again every so many seconds."""
    without = f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>'
    return page.replace(_LIVE, f'<meta name="adabench-live" content="{seconds}">{without}', 1)


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("adabench.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": lambda block: type(block).__name__, "sortable": _sortable}
    return environment.get_template("page.html.j2")


def _sortable(table: Table) -> bool:
    """Whether its rows stand alone: a table whose first cells are partly empty has groups of rows."""
    return len(table.rows) > 1 and all(row[0].text for row in table.rows)


def _paper(comparison: Comparison, results: Sequence[Result]) -> list[Part]:
    blocks = tuple(paper_blocks(paper_tables(comparison), results))
    return [
        Part(anchor="paper", title="The AdaFix paper's tables, published and measured", blocks=blocks[1:])
    ]


def _parts(comparison: Comparison, every: Sequence[Exhibit]) -> list[Part]:
    """Every section of the document with its figures; those of the whole suite stand in the first one."""
    places = {id(exhibit): place for place, exhibit in enumerate(e for e in every if e.chart)}
    shown = [
        Shown(title=e.title, caption=e.caption, picture=Markup(picture), chart=places.get(id(e)))
        for e, picture in zip(every, svg_elements(every), strict=True)
    ]
    return [
        Part(
            anchor=f"part-{number}",
            title=section.title,
            blocks=section.blocks,
            figures=tuple(
                each
                for each, exhibit in zip(shown, every, strict=True)
                if exhibit.problem == section.problem and (section.problem is not None or section.suite)
            ),
        )
        for number, section in enumerate(sections(comparison))
        if section.blocks
    ]


def _lead(comparison: Comparison, results: Sequence[Result]) -> str:
    """What the page rests on, in one line."""
    optimizers = {result.job.optimizer.label for result in results}
    problems = len(comparison.problems) + len(comparison.analytic)
    bad = sum(result.status != "completed" for result in results)
    counts = {"run": len(results), "optimizer": len(optimizers), "problem": problems}
    words = [f"{count:,} {word}{'' if count == 1 else 's'}" for word, count in counts.items()]
    return ", ".join([*words, f"{bad:,} did not complete" if bad else "all completed"])


def _asset(name: str) -> str:
    return files("adabench.report.page").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
