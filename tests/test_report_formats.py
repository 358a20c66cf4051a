"""Documents in every format: that they open, say the same, and obey nothing that a name holds."""

import csv
import io
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from factories import make_result, make_runs
from payloads import PAYLOADS
from sweeps import sweep
from typer.testing import CliRunner

from adabench.cli import app
from adabench.compare import compare
from adabench.compare.question import Question
from adabench.errors import RequestError, UnknownNameError
from adabench.report import FORMATS, Publication, render
from adabench.report.blocks import Cell, Table
from adabench.report.csv import safe
from adabench.report.latex import PREAMBLE, text
from adabench.report.paper import paper_tables
from adabench.report.paper_blocks import layouts
from adabench.report.text import plain
from adabench.results import Result, ResultStore

TEXT_FORMATS = [name for name in FORMATS if name != "html"]
OBEYED = "=+-@\t\r|%"


def made(results: list[Result], format: str, *, paper: bool = False) -> str:
    return render(compare(results, question=Question(target_of_baseline=True)), results, format, paper)


def lines(document: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document)))


def hostile(payload: str) -> list[Result]:
    """Runs whose every outside text is the payload."""
    named = {"label": payload, "model": payload, "dataset": payload, "augment": payload}
    return [
        *make_runs("adam", [0.97, 0.98]),
        make_result(optimizer="evil", label=payload, accuracy=0.99),
        make_result(optimizer="worse", status="failed", reason=payload, accuracy=None),
        make_result(problem=named, environment={"device": payload, "command": [payload]}),
    ]


# LaTeX


def compiled(folder: Path, body: str) -> str:
    """The log of pdflatex on a document around the body; fails when it stops."""
    source = f"\\documentclass{{article}}\n{PREAMBLE}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "document.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")


@needs_latex
def test_latex_compiles_with_its_figures(tmp_path: Path) -> None:
    """A table that a paper cannot take in, or a figure that it does not find."""
    results = sweep(["mlp-mnist", "mlp-digits"])
    Publication(output=tmp_path / "tables.tex").write(results)
    log = compiled(tmp_path, r"\input{tables}")
    assert "Output written on document.pdf" in log
    assert "Missing character" not in log


@needs_latex
def test_latex_of_the_papers_tables_compiles(tmp_path: Path) -> None:
    results = make_runs("adam", [0.98] * 5, epochs=300) + make_runs("sgdm", [0.97, 0.98], epochs=300)
    compiled(tmp_path, made(results, "latex", paper=True))


@needs_latex
def test_latex_sets_every_payload(tmp_path: Path) -> None:
    """A name that ends a table, reads a file, or runs a command when the paper is made."""
    body = "\n\n".join(f"\\noindent {text(payload, 200)} \\textbf{{{text(payload)}}}" for payload in PAYLOADS)
    assert "Missing character" not in compiled(tmp_path, body)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_latex_text_holds_only_known_commands(payload: str) -> None:
    shown = text(payload)
    commands = set(re.findall(r"\\([a-zA-Z]+|.)", shown))
    assert commands <= {
        *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar"),
        *("textquotedbl", "textquotesingle", "textasciigrave", "textpm", "texttimes", "textminus"),
        *"{}$&#%_",
    }
    assert re.sub(r"\\[{}]", "", shown).count("{") == re.sub(r"\\[{}]", "", shown).count("}")


# CSV


def test_csv_holds_every_optimizer_with_numbers_in_full() -> None:
    """Numbers rounded for people where a spreadsheet goes on with them."""
    rows = lines(made(sweep(["one", "two"]), "csv"))
    assert [(row["problem"], row["optimizer"]) for row in rows if row["diverged"] == "1"] == [
        ("one", "muon"),
        ("two", "muon"),
    ]
    assert len(rows) == 8
    (adafix,) = (row for row in rows if row["problem"] == "one" and row["optimizer"] == "adafix")
    assert float(adafix["final_test_percent"]) == pytest.approx(97.3666666667)
    assert adafix["gradient_evaluations"] == "1600"
    assert adafix["difference_points"]
    assert adafix["completed"] == "3"


def test_csv_of_the_paper_has_its_cells() -> None:
    rows = lines(made(make_runs("adam", [0.98, 0.99]), "csv", paper=True))
    assert [row["method"] for row in rows] == ["SGDM", "Adam", "AMSGrad", "AdaBound", "AdaFix"]
    assert rows[1]["published_percent"] == "98.7"
    assert rows[1]["last_epoch_percent"] == "98.5"
    assert rows[0]["last_epoch_percent"] == ""
    assert [row["verdict"] for row in rows[:2]] == ["not measured", "other conditions"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_csv_cells_are_never_formulas(payload: str) -> None:
    """A name that a spreadsheet runs, or that breaks the table's lines."""
    assert not safe(payload).lstrip().startswith(tuple(OBEYED))
    rows = lines(made(hostile(payload), "csv"))
    assert len(rows) == 4
    for row in rows:
        for name, cell in row.items():
            if cell and cell.lstrip()[:1] in OBEYED:
                float(cell)  # a negative number is a number
            assert None not in row, name
    assert safe(payload) in {row["optimizer"] for row in rows}


# every format


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_is_the_same_bytes_for_any_order_locale_and_zone(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that changes in every commit although nothing else did."""
    results = [*sweep(["one", "two"], seeds=2), *make_runs("adam", [0.5, 0.6], dataset="digits")]
    expected = made(results, format)
    shuffler = random.Random(0)
    for zone, language in (("Asia/Kolkata", "de_DE.UTF-8"), ("America/Lima", "tr_TR.UTF-8")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("LC_ALL", language)
        shuffler.shuffle(results)
        assert made(results, format) == expected


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_a_document_holds_no_character_that_a_terminal_or_reader_obeys(format: str, payload: str) -> None:
    """Escapes that recolour a terminal, or right-to-left marks that turn a table around."""
    for paper in (False, True):
        document = made(hostile(payload), format, paper=paper)
        assert all(line.isprintable() for line in document.splitlines())


def test_every_caption_says_n_and_what_plus_minus_means() -> None:
    """A table pasted without the sentence that it needs."""
    for format in ("markdown", "latex"):
        document = made(sweep(), format)
        assert "sample standard deviation over completed seeds (n = 3)" in document
        assert "Bold: the best mean" in document


def test_failures_are_shown_in_markdown_and_latex() -> None:
    for format in ("markdown", "latex"):
        assert "muon, seed 0: diverged (loss is not finite at step 301)" in made(sweep(), format)


# the paper's own layout


def layout(results: list[Result]) -> Table:
    (table, *_) = (block for block in layouts(paper_tables(compare(results))) if isinstance(block, Table))
    return table


def column(results: list[Result], method: str) -> list[str]:
    rows = layout(results).rows
    (start,) = (i for i, row in enumerate(rows) if row[0].text == method)
    return [row[2].text for row in rows[start : start + 3]]


def test_the_papers_layout_has_published_measured_and_verdict() -> None:
    """A cell judged against its own row: published, then ours, then what the interval says."""
    adam = make_runs("adam", [0.9868, 0.9872, 0.9871, 0.9870, 0.9869], epochs=300)
    assert column(adam, "Adam") == ["98.70 ± 0.03", "98.70 ± 0.02 (5)", "agrees"]
    assert column(adam, "SGDM") == ["98.72 ± 0.02", "-", "not measured"]
    below = make_runs("adam", [0.90, 0.91, 0.90, 0.91, 0.90], epochs=300)
    assert column(below, "Adam")[-1] == "differs"
    wide = make_runs("adam", [0.98, 0.992, 0.985, 0.994, 0.98], epochs=300)
    assert column(wide, "Adam")[-1] == "cannot tell"
    assert column(below[:3], "Adam")[-1] == "differs"
    assert column(below[:1], "Adam")[-1] == "cannot tell"  # one seed has no interval


def test_no_verdict_is_given_under_other_conditions() -> None:
    """Twelve epochs called a failure to reproduce three hundred."""
    assert column(make_runs("adam", [0.90, 0.91, 0.90], epochs=12), "Adam")[-1] == "other conditions"


def test_of_several_measurements_the_closest_to_the_papers_conditions_is_laid_out() -> None:
    far = make_runs("adam", [0.90] * 5, epochs=1)
    near = make_runs("adam", [0.987, 0.988, 0.986, 0.987, 0.988], epochs=300)
    assert column([*far, *near], "Adam")[1].startswith("98.7")


def test_a_cell_that_is_strong_is_bold_in_markdown_and_latex() -> None:
    results = make_runs("adam", [0.97, 0.98, 0.99]) + make_runs("sgdm", [0.95, 0.96, 0.97])
    assert "| **adam**" in made(results, "markdown")
    assert "| sgdm " in made(results, "markdown")
    assert r"\textbf{adam} &" in made(results, "latex")
    assert Cell("adam") != Cell("adam", strong=True)


# publications and the command


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.md", "markdown"), ("a.TEX", "latex"), ("a.csv", "csv"), ("a.html", "html"), ("report", "markdown")],
)
def test_the_format_is_read_off_the_files_name(name: str, format: str) -> None:
    assert Publication(output=Path(name)).chosen == format
    assert Publication(output=Path(name), format="csv").chosen == "csv"


def test_a_name_or_format_that_means_nothing_is_refused_in_one_line() -> None:
    with pytest.raises(
        RequestError, match=r"^a\.docx names no format; let it end in one of \.md, .* --format$"
    ):
        Publication(output=Path("a.docx"))
    with pytest.raises(
        UnknownNameError, match="unknown report format 'pdf'; known: markdown, latex, csv, html"
    ):
        Publication(format="pdf")
    with pytest.raises(UnknownNameError, match="unknown figure format 'gif'; known: png, svg, pdf"):
        Publication(figures="gif")


def test_a_document_replaces_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of a watched report who meets half a file, or no file after a full disk."""
    output = tmp_path / "report.csv"
    Publication(output=output).write(sweep())
    before = output.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RequestError, match=r"^cannot write .*report\.csv: No space left on device$"):
        Publication(output=output).write(sweep(["another"]))
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_only_documents_with_room_for_pictures_get_them(tmp_path: Path) -> None:
    results = [make_result()]
    assert [p.name for p in Publication(output=tmp_path / "a.csv").write(results)] == ["a.csv"]
    written = Publication(output=tmp_path / "a.md", figures="svg").write(results)
    assert {path.suffix for path in written} == {".md", ".svg"}
    written = Publication(output=tmp_path / "a.tex").write(results)
    assert {path.suffix for path in written} == {".tex", ".pdf"}


def test_watching_writes_when_a_result_comes_in_and_ends_with_a_page_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that stays behind its sweep, that is written for nothing, or that reloads for ever after."""
    store, output = ResultStore(tmp_path / "results"), tmp_path / "page.html"
    arriving = [None, *sweep()[:2], None, KeyboardInterrupt]
    seen: list[int | None] = []

    def next_arrives(_: float) -> None:
        seen.append(output.stat().st_mtime_ns if output.exists() else None)
        if output.exists():
            assert 'http-equiv="refresh"' in output.read_text(encoding="utf-8")
        arrived = arriving.pop(0)
        if arrived is KeyboardInterrupt:
            raise KeyboardInterrupt
        if isinstance(arrived, Result):
            store.write(arrived)

    monkeypatch.setattr("adabench.commands.report.time.sleep", next_arrives)
    words = ["report", str(tmp_path / "results"), "--output", str(output), "--watch"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert seen[:2] == [None, None]
    assert len(set(seen[2:])) == 2
    assert 'http-equiv="refresh"' not in output.read_text(encoding="utf-8")


def test_watching_needs_a_file(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["report", str(tmp_path), "--watch"])
    assert str(found.exception) == "--watch writes a file again and again: name it with --output"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_plain_text_shows_what_a_payload_holds(payload: str) -> None:
    assert plain(payload).isprintable()
    assert len(plain(payload)) <= 80
