"""A comparison as blocks, the same for every format: what was compared, what came out, how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from adabench.compare.model import AnalyticComparison, Comparison, Failure, ProblemComparison, Row, Tally
from adabench.report import analytic, numbers
from adabench.report.blocks import Block, Heading, Image, Items, Paragraph, items, section
from adabench.report.conclusions import conclusions
from adabench.report.facts import LEGEND, facts, settings
from adabench.report.failures import failure_lines
from adabench.report.overview import overview
from adabench.report.paper import paper_tables
from adabench.report.paper_blocks import paper_blocks
from adabench.report.provenance import provenance
from adabench.report.standing import answer
from adabench.report.tables import analytic_table, cost_tables, problem_table
from adabench.report.text import plain
from adabench.report.units import Units
from adabench.results.format import Result

FAILURES_SHOWN = 50

Figure = tuple[str, str, str]
"""A picture's file name beside the document, its title and its caption."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the document with a heading of its own.

    Args:
        title: the heading.
        blocks: what stands under it.
        problem: the place of its problem among the comparison's, supervised ones first; None for other parts.
        suite: whether it is about all problems together.
    """

    title: str
    blocks: tuple[Block, ...]
    problem: int | None = None
    suite: bool = False


def blocks(
    comparison: Comparison, results: Sequence[Result], paper: bool, figures: Sequence[Figure]
) -> list[Block]:
    """The whole document in one row."""
    if paper:
        parts = paper_blocks(paper_tables(comparison), results)
    else:
        parts = [
            Heading(1, "Comparison of optimizers"),
            *(b for each in sections(comparison) for b in _flat(each)),
        ]
    return [*parts, *_figures(figures), *_flat(origins(results))]


def sections(comparison: Comparison) -> list[Section]:
    """An overview where there are several problems, then each problem, then how to read the tables."""
    problems = comparison.problems
    parts = []
    if len(problems) > 1:
        parts.append(Section(title="Over all problems", blocks=tuple(overview(comparison)), suite=True))
    parts += [_problem(each, place, comparison) for place, each in enumerate(problems)]
    parts += [_analytic(each, place) for place, each in enumerate(comparison.analytic, start=len(problems))]
    legends = [LEGEND] * bool(problems) + [analytic.LEGEND] * bool(comparison.analytic)
    return [*parts, Section(title="How to read the tables", blocks=tuple(map(Paragraph, legends)))]


def origins(results: Sequence[Result]) -> Section:
    """Where, when and with what the results came about."""
    lines = [f"{what}: {value}" for what, value in provenance(results)]
    return Section(title="Where the results come from", blocks=tuple(items(lines)))


def _flat(part: Section) -> list[Block]:
    return [Heading(2, part.title), *part.blocks] if part.blocks else []


def _figures(figures: Sequence[Figure]) -> list[Block]:
    shown = [Image(*figure) for figure in figures]
    return [Heading(2, "Figures"), *shown] if shown else []


def _problem(compared: ProblemComparison, place: int, whole: Comparison) -> Section:
    units = Units.of(whole)
    parts: list[Block] = [
        Paragraph(facts(compared)),
        Items(tuple(answer(compared))),
        problem_table(compared),
        *items(conclusions(compared, units, whole.family)),
        *_costs(compared, units),
        *_underneath(compared.notes, compared.failures, compared.rows),
        *section("Every run, final test %", [_every_run(row) for row in compared.rows]),
    ]
    return Section(title=compared.problem.label, blocks=tuple(parts), problem=place)


def _analytic(compared: AnalyticComparison, place: int) -> Section:
    parts: list[Block] = [
        Paragraph(analytic.facts(compared)),
        analytic_table(compared),
        Items((analytic.sentence(compared),)),
        *_underneath(compared.notes, compared.failures, compared.rows),
        *section("Every run, first step outside", list(map(analytic.every_exit, compared.rows))),
    ]
    return Section(title=compared.problem.label, blocks=tuple(parts), problem=place)


def _costs(compared: ProblemComparison, units: Units) -> list[Block]:
    tables: list[Block] = [*cost_tables(compared, units)]
    return [Heading(3, "At equal cost, and cost to target"), *tables] if tables else []


def _underneath(notes: Sequence[str], failures: tuple[Failure, ...], rows: Sequence[Tally]) -> list[Block]:
    """What a reader must know before believing the table above."""
    return [
        *section("Notes", notes),
        *section("Did not complete", failure_lines(failures, FAILURES_SHOWN)),
        *section("Settings", [_settings(row) for row in rows]),
    ]


def _settings(row: Tally) -> str:
    every = settings(row.spec.hyperparameters)
    return f"{plain(row.optimizer)}: {every}; learning rate schedule {plain(row.spec.schedule)}"


def _every_run(row: Row) -> str:
    sample = row.final_test_accuracy
    values = sorted(sample.values.items()) if sample else []
    words = (f"{numbers.percent(value)} (seed {seed})" for seed, value in values)
    return f"{plain(row.optimizer)}: {', '.join(words) or 'none completed'}"
