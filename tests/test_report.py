"""Reports: what is said, that it is honest, and that nothing from outside is obeyed."""

import random
import re
from pathlib import Path

import pytest
from factories import make_result, make_runs
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adabench.compare import compare
from adabench.errors import UnknownNameError
from adabench.report import render, terminal
from adabench.report.blocks import Table, cells
from adabench.report.conclusions import conclusions
from adabench.report.markdown_blocks import heading, items, paragraph, table
from adabench.report.paper import paper_tables
from adabench.report.published import COLUMNS, METHODS
from adabench.report.standing import answer
from adabench.report.text import markdown, plain
from adabench.report.units import Units
from adabench.results import Result

GOLDEN = Path(__file__).parent / "golden" / "report.md"
HOSTILE = [
    "a|b",
    "`code`",
    "<script>alert(1)</script>",
    "line\nbreak",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202eevil",
    "[x](javascript:alert(1))",
    "**bold** _it_ ~~no~~ $m$",
    "&lt;b&gt;",
    "x" * 10_000,
    "[/] [bold]",
    "back\\slash\\|",
    "=cmd|' /C calc'!A0",
    "# heading",
    "- item",
    "1. one",
    "    indented",
    "",
    "0e1",
]


def small() -> list[Result]:
    """Two optimizers whose figures are easy to work out by hand, one run diverged."""
    return [
        *make_runs("adam", [0.97, 0.98, 0.99]),
        *make_runs("adafix", [0.98, 0.985, 0.999], gradient_evaluations=1876, seconds=1234.56),
        make_result(
            optimizer="sgdm", accuracy=None, status="diverged", reason="loss is not finite at step 7"
        ),
    ]


def html(text: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


def words_of(page: str) -> str:
    """What a reader sees of a page: its text without tags, entities read."""
    text = re.sub(r"<[^>]*>", "", page)
    for entity, sign in {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}.items():
        text = text.replace(entity, sign)
    return text


def test_the_terminal_table_holds_the_figures_worked_by_hand():
    """adafix - adam: 1, 0.5, 0.9 points; mean 0.8, deviation 0.2646, half width 4.3027 * 0.2646 / sqrt 3."""
    text = terminal.render(compare(small()))
    assert "mlp-mnist: mlp on mnist, augmentation none, 2 epochs, batch 128, all training examples" in text
    assert "98.00 ± 1.00" in text
    assert "95.52 to 100.48" in text
    assert "+0.80 (0.14 to 1.46)" in text
    assert "1,234.6" in text
    assert "1,876" in text
    assert "0 of 1,\n" in re.sub(r" +", " ", text).replace(", ", ",\n")
    assert "sgdm, seed 0: diverged (loss is not finite at step 7)" in text
    assert "± is the sample standard deviation over seeds" in text


def test_the_terminal_keeps_to_its_width_when_labels_are_long():
    adam = make_runs("adam", [0.97, 0.98, 0.975])
    usual = adam + make_runs("adabound", [0.98, 0.985, 0.982])
    long = adam + make_runs("adafix", [0.9, 0.95, 0.99], label="adafix:" + "lr=1," * 30)
    for results, width in ((usual, 110), (long, 125)):
        lines = terminal.render(compare(results)).splitlines()
        assert max(map(len, lines)) <= width


def test_the_terminal_shows_the_selected_accuracy_where_there_is_a_validation_split():
    text = terminal.render(compare([make_result(summary={"test_accuracy_at_best_validation": 0.9123})]))
    assert "91.23" in text
    assert "validation" in text


def concluded(results: list[Result]) -> list[str]:
    compared = compare(results)
    return conclusions(compared.problems[0], Units.of(compared), compared.family)


def test_a_claim_is_made_only_when_the_interval_excludes_zero():
    """A difference called real that chance explains, or one that three pairs do show called noise."""
    adam = make_runs("adam", [0.97, 0.98, 0.99])
    sure, *_ = concluded(adam + make_runs("adafix", [0.975, 0.987, 0.996]))
    assert sure.startswith("adafix is better than adam by 0.60 points (95 % interval 0.35 to 0.85, 3 pairs")
    worse, *_ = concluded(adam + make_runs("adafix", [0.96, 0.969, 0.981]))
    assert worse.startswith("adafix is worse than adam by 1.00 points")
    doubt, *_ = concluded(adam + make_runs("adafix", [0.99, 0.97, 0.99]))
    assert doubt.startswith("adafix against adam: too few seeds to tell")


def test_the_answer_names_the_best_and_who_cannot_be_told_from_it():
    """The first lines of a report claiming a winner that the tests do not support."""
    results = make_runs("adam", [0.97, 0.98, 0.99]) + make_runs("sgdm", [0.95, 0.96, 0.97])
    results += make_runs("adafix", [0.971, 0.979, 0.992])
    results.append(make_result(optimizer="muon", status="diverged", accuracy=None))
    compared = compare(results).problems[0]
    best, level, worse, aside = answer(compared)
    assert best == "Best mean: adafix, 98.07 ± 1.06 % (n = 3)."
    assert level == "Not significantly worse, in points: adam (-0.07, p 1.00)."
    assert worse.startswith("Significantly worse, in points: sgdm (-2.07, p ")
    assert aside == "Not judged, since runs diverged or did not complete: muon."
    assert set(compared.not_worse) == {"adafix", "adam"}


def test_an_optimizer_with_a_diverged_run_is_never_called_best():
    """A winner picked from the survivors of a sweep."""
    results = make_runs("adam", [0.9, 0.91, 0.9]) + make_runs("adafix", [0.99, 0.99])
    results.append(make_result(optimizer="adafix", seed=2, status="diverged", accuracy=None))
    compared = compare(results).problems[0]
    assert answer(compared)[0].startswith("Best mean: adam,")
    assert set(compared.not_worse) == {"adam"}


def test_without_any_completed_run_nobody_is_best():
    (only,) = compare([make_result(status="failed", accuracy=None)]).problems
    assert answer(only) == ["No optimizer completed all its runs: there is no best one."]


def test_markdown_equals_the_golden_file():
    """Would catch any change of wording, figure or layout; mend the file when one is meant."""
    results = small()
    assert render(compare(results), results) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", [False, True])
def test_markdown_is_the_same_bytes_for_any_order_of_results(paper: bool):
    results = small() + make_runs("adam", [0.5, 0.6], dataset="digits", environment={"device": "H100"})
    expected = render(compare(results), results, paper=paper)
    shuffler = random.Random(0)
    for _ in range(10):
        shuffler.shuffle(results)
        assert render(compare(results), results, paper=paper) == expected


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(
        UnknownNameError, match="unknown report format 'pdf'; known: markdown, latex, csv, html"
    ):
        render(compare(small()), small(), "pdf")


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_any_text_is_shown_as_it_is_in_every_kind_of_block(text: str):
    shown = " ".join(plain(text).split())
    page = html(table(Table(columns=("h",), rows=(cells([text]),), caption="")))
    assert page.count("<tr>") == 2
    assert page.count("<td") == 1
    assert " ".join(words_of(page.partition("<td")[2].partition(">")[2]).split()) == shown
    for block in (heading(2, plain(text)), paragraph(plain(text)), items([plain(text)])):
        inner = html(block)
        assert " ".join(words_of(inner).split()) == shown
        assert set(re.findall(r"<(\w+)", inner)) <= {"h2", "p", "ul", "li"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_reasons_are_shown_and_never_obeyed(text: str):
    results = [
        *make_runs("adam", [0.97, 0.98]),
        make_result(optimizer="evil", label=text, accuracy=0.99),
        make_result(optimizer="worse", status="failed", reason=text, accuracy=None),
        make_result(
            problem={
                "label": text,
                "model": text,
                "dataset": text,
                "augment": text,
                "model_options": {text: text},
            },
            environment={"device": text, "command": [text]},
        ),
    ]
    for paper in (False, True):
        document = render(compare(results), results, paper=paper)
        tags = set(re.findall(r"<\s*(\w+)", html(document)))
        assert tags <= {
            "h1",
            "h2",
            "h3",
            "p",
            "ul",
            "li",
            "strong",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
    for output in (document, terminal.render(compare(results))):
        assert all(line.isprintable() for line in output.splitlines())
    assert len(terminal.render(compare(results))) < 20_000


def test_plain_text_is_bounded_and_stays_itself_when_made_plain_again():
    for text in HOSTILE:
        once = plain(text)
        assert len(once) <= 80
        assert plain(once) == once
    assert plain("a\nb\x1b") == r"a\nb\x1b"
    assert markdown("w_d|x") == r"w\_d\|x"


def test_published_figures_are_the_papers():
    """Sums over each method of all means and deviations, added up from the paper's tables by hand."""
    sums = {
        method: (
            round(sum(column.accuracies[method].mean for column in COLUMNS), 2),
            round(sum(column.accuracies[method].deviation or 0 for column in COLUMNS), 2),
        )
        for method in METHODS
    }
    assert sums == {
        "sgdm": (547.82, 0.81),
        "adam": (548.16, 0.48),
        "amsgrad": (549.53, 0.78),
        "adabound": (537.02, 0.83),
        "adafix": (549.92, 0.93),
    }
    assert [column.table for column in COLUMNS] == [1, 2, 2, 2, 2, 2]


def paper_runs(**arguments: object) -> list[Result]:
    return make_runs("adafix", [0.98, 0.99], best=0.995, **arguments)


def test_the_papers_cells_are_matched_by_model_data_and_augmentation():
    mnist = paper_runs(problem={"model_options": {"hidden": (2048,)}})
    crop = paper_runs(model="resnet34", dataset="cifar10", problem={"augment": "crop_flip"})
    tables = paper_tables(compare(crop + mnist))
    assert [each.column.title for each in tables] == ["Two-layered MLP", "ResNet34 with augmentation"]
    row = tables[0].rows[-1]
    assert row.method == "AdaFix"
    assert row.last is not None
    assert row.best is not None
    assert row.last.ours.mean == pytest.approx(98.5)
    assert row.last.difference == pytest.approx(98.5 - 98.75)
    assert row.best.difference == pytest.approx(99.5 - 98.75)
    assert all(other.last is None for other in tables[0].rows[:-1])


@pytest.mark.parametrize(
    "arguments",
    [
        {"problem": {"model_options": {"hidden": (64,)}}},
        {"problem": {"model_options": {"unheard_of": 1}}},
        {"problem": {"augment": "crop_flip"}},
        {"dataset": "fashion_mnist"},
        {"dataset": "mnistlike"},
        {"dataset": "cifar100", "model": "vgg11"},
        {"label": "adafix:lr=0.01"},
        {"dataset": "unknown:thing"},
    ],
)
def test_what_is_not_a_cell_of_the_paper_is_not_taken_for_one(arguments):
    results = paper_runs(**arguments)
    assert paper_tables(compare(results)) == ()
    text = render(compare(results), results, paper=True)
    assert text.startswith("None of these results belongs to a cell of the AdaFix paper's Tables 1 and 2.\n")


def test_a_stand_in_for_the_data_is_never_called_the_real_thing():
    results = paper_runs(model="vgg11", dataset="folder:/somewhere/cifar10-jpeg")
    text = render(compare(results), results, paper=True)
    assert "on cifar10-jpeg, not CIFAR-10" in text
    assert "/somewhere" not in text


def test_each_setting_of_a_column_has_its_own_table_and_names_its_departures():
    results = paper_runs(epochs=1) + paper_runs(epochs=300, problem={"train_examples": 100, "batch_size": 64})
    short, long = paper_tables(compare(results))
    assert {short.column.title, long.column.title} == {"Two-layered MLP"}
    assert {short.departures, long.departures} == {
        ("1 of 300 epochs", "only 2 of 5 seeds for some methods"),
        (
            "batch 64 instead of 128",
            "100 training examples instead of all",
            "only 2 of 5 seeds for some methods",
        ),
    }


def test_the_papers_own_conditions_depart_in_nothing():
    results = make_runs("adam", [0.98] * 5, epochs=300)
    (only,) = paper_tables(compare(results))
    assert only.departures == ()


def test_the_paper_document_shows_published_ours_dashes_and_every_decision():
    results = small()
    text = render(compare(results), results, paper=True)
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    rows = {row[0]: row[1:] for row in cells}
    difference = ["98.00 ± 1.00", "-0.70 (-3.18 to 1.78)"]
    assert rows["Adam"] == ["98.70 ± 0.03", "3", *difference, "other conditions", *difference, "938"]
    assert rows["AMSGrad"] == ["98.72 ± 0.07", "-", "-", "-", "not measured", "-", "-", "-"]
    assert "fp32, seeds 0-2; on Test CPU, 2 CPU threads" in text
    assert rows["SGDM"][1] == "0 of 1, 1 diverged"
    assert "Not measured: VGG11 without augmentation (Table 2)" in text
    for decision in ("weight decay: 0", "final\\_lr 0.1", "growth 32", "square root", "same minibatch"):
        assert decision in text


def test_an_empty_comparison_says_so():
    assert terminal.render(compare([])) == "nothing to compare\n"
