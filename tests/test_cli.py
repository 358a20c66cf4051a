# ruff: noqa: E501  (messages are quoted whole)
"""The command line as a user meets it: what it prints, where, and with which exit code."""

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from adabench import cli
from adabench.engine import train as engine
from adabench.events import Event
from adabench.results import Result
from adabench.spec import Job

SUITES = """\
defaults: {seeds: 2, epochs: 2, batch_size: 32}
suites:
  quick:
    about: tiny
    optimizers: [adam, adafix]
    problems: [{model: "mlp:hidden=8", dataset: "synthetic:size=4,channels=1,classes=3,train=60,test=30"}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a small suite file of its own."""
    (tmp_path / "benchmarks.yaml").write_text(SUITES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADABENCH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


class Terminal:
    """Runs commands and keeps what they said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        self._monkeypatch.setattr(sys, "argv", ["adabench", *words])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        self.out, self.err = self._capsys.readouterr()
        assert exit_.value.code == code, self.err
        return self.out


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A command that was told to stop leaves the signals as they serve a process on its way out."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def adabench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def stored(folder: Path) -> list[Path]:
    return sorted((folder / "results").rglob("*.json"))


def test_run_compare_report(adabench: Terminal, folder: Path) -> None:
    """The main job, from nothing to a document."""
    assert adabench("run") == "4 jobs: 4 completed; results in results/, next: adabench compare\n"
    assert "quick: 4 jobs, on " in adabench.err
    assert "(cpu), 1 worker of 1 thread\n" in adabench.err
    assert "[4/4] adafix on mlp:hidden=8-synthetic" in adabench.err
    assert "\x1b[" not in adabench.out + adabench.err
    assert len(stored(folder)) == 4
    result = json.loads(stored(folder)[0].read_text())
    assert set(result) == {*Result.model_fields, "sha256"}
    assert {len(column) for column in result["curve"].values()} == {2}
    assert "adafix" in adabench("compare")
    assert json.loads(adabench("compare", "--json"))["problems"][0]["baseline"] == "adam"
    assert adabench("report", "--output", "report.md") == ""
    written = (folder / "report.md").read_text()
    assert adabench("report") == re.sub(r"## Figures.*?(?=## Where)", "", written, flags=re.DOTALL)
    pictures = re.findall(r"!\[.*\]\((.*)\)", written)
    assert pictures
    assert all((folder / unquote(picture)).read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert adabench("report", "--paper") != ""


def test_finished_jobs_are_skipped_until_asked_for_again(adabench: Terminal, folder: Path) -> None:
    """Hours of work done twice; or work that cannot be done again."""
    adabench("run")
    times = [path.stat().st_mtime_ns for path in stored(folder)]
    adabench("run")
    assert "4 jobs, 4 of them finished before" in adabench.err
    assert [path.stat().st_mtime_ns for path in stored(folder)] == times
    adabench("run", "--seeds", "3")
    assert len(stored(folder)) == 6
    adabench("run", "--rerun")
    assert all(a != b.stat().st_mtime_ns for a, b in zip(times, stored(folder), strict=False))
    assert len(stored(folder)) == 6


def test_a_diverged_job_is_recorded_and_the_sweep_goes_on(adabench: Terminal, folder: Path) -> None:
    """One bad run that takes the others with it, or that ends with exit code 0."""
    out = adabench("run", "--opt", "sgdm:lr=1e20", "--opt", "adam", "--seeds", "1", code=1)
    assert "diverged: sgdm:lr=1e+20 on" in out
    assert "2 jobs: 1 diverged, 1 completed" in out
    assert sorted(json.loads(path.read_text())["status"] for path in stored(folder)) == [
        "completed",
        "diverged",
    ]
    assert "diverged" in adabench("compare")


def test_json_answers_with_one_document(adabench: Terminal) -> None:
    document = json.loads(adabench("run", "--json", "--quiet"))
    assert adabench.err == ""
    assert [entry["status"] for entry in document["results"]] == ["completed"] * 4
    assert all(Path(entry["path"]).is_file() for entry in document["results"])


def test_dry_run_counts_and_runs_nothing(adabench: Terminal, folder: Path) -> None:
    """60 examples in batches of 32 are 2 steps an epoch; AdaFix takes two gradients a step."""
    out = adabench("run", "--dry-run", "--seeds", "1")
    assert out.splitlines()[-2].endswith(": 8 steps, 12 gradient evaluations")
    assert out.splitlines()[-1].startswith("time unknown")
    assert stored(folder) == []
    document = json.loads(adabench("run", "--dry-run", "--json"))
    assert [job["gradient evaluations"] for job in document["jobs"]] == [4, 8, 4, 8]
    assert (document["workers"], document["threads"]) == (1, 1)
    out = adabench("run", "--dry-run", "--workers", "3")
    assert ", 3 workers of 1 thread: 16 steps, 24 gradient evaluations" in out.splitlines()[-2]


def test_the_papers_tables_can_be_planned_without_their_data(adabench: Terminal) -> None:
    out = adabench(
        "run", "table1", "--suites", str(Path(__file__).parent.parent / "benchmarks.yaml"), "--dry-run"
    )
    assert out.splitlines()[-2].endswith(": 3,517,500 steps, 4,221,000 gradient evaluations")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_sweep_keeps_what_is_done(
    adabench: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    """Ctrl-C in the third job: two results stay, the same command does the other two."""
    started: list[Job] = []
    whole = engine.train

    def interrupted(job: Job, **place: Any) -> Iterator[Event]:
        started.append(job)
        if len(started) == 3:
            signal.raise_signal(number)
        yield from whole(job, **place)

    monkeypatch.setattr("adabench.engine.tasks.train", interrupted)
    adabench("run", code=code)
    assert "interrupted: finished jobs are kept in results; the same command goes on" in adabench.err
    assert "Traceback" not in adabench.err
    assert len(stored(folder)) == 2
    adabench("run")
    assert len(started) == 5
    assert len(stored(folder)) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--opt", "adafx"], "unknown optimizer 'adafx'; did you mean 'adafix'?"),
        (["run", "--model", "vgg12"], "unknown model 'vgg12'; did you mean 'vgg11'?"),
        (["run", "--dataset", "mnst"], "unknown data set 'mnst'; did you mean 'mnist'?"),
        (["run", "quik"], "unknown suite 'quik'; did you mean 'quick'?"),
        (["run", "--opt", "adam:lr=-1"], "adam: lr=-1 is not allowed; it takes a number in [0, inf)"),
        (["run", "--seeds", "0"], "--seeds 0 is not allowed; it takes a whole number of at least 1"),
        (["run", "--epochs", "-3"], "--epochs -3 is not allowed; it takes a whole number of at least 1"),
        (["run", "--workers", "0"], "--workers 0 is not allowed; it takes a whole number of at least 1"),
        (["run", "--seed-list", "1,x"], "--seed-list '1,x' is not allowed; list whole numbers such as 0,3,7"),
        (
            ["run", "--seeds", "1", "--seed-list", "1"],
            "--seeds and --seed-list cannot both be given; choose one",
        ),
        (["run", "--precision", "fp8"], "--precision fp8 is not allowed; it is one of fp32, tf32, bf16"),
        (["run", "--device", "tpu"], "unknown device 'tpu'; it is one of auto, cpu, cuda, cuda:N"),
        (["run", "--suites", "none.yaml"], "cannot read none.yaml: No such file or directory"),
        (
            ["run", "--out", "benchmarks.yaml"],
            "cannot write results to benchmarks.yaml: benchmarks.yaml is a file; name another folder with --out",
        ),
        (["run", "--dataset", "npz:none.npz"], "none.npz"),
        (["run", "--dataset", "folder"], "data set 'folder' needs a path: write folder:PATH"),
        (["run", "--train-examples", "61"], "61"),
        (["run", "--epochs", "many"], "--epochs"),
        (["run", "--nonsense"], "--nonsense"),
        (["compare", "nowhere"], "nowhere"),
        (["compare"], "results"),
        (["report", "--format", "pdf"], "unknown report format 'pdf'; known: markdown, latex, csv, html"),
        (["list", "planets"], "planets"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_request_is_one_line_and_writes_nothing(
    adabench: Terminal, folder: Path, words: list[str], message: str
) -> None:
    """A traceback, a page of usage, or a half-made results folder for a misspelt word."""
    assert adabench(*words, code=2) == ""
    lines = adabench.err.strip().splitlines()
    assert lines[-1].startswith("adabench: ")
    assert message in lines[-1]
    assert "Traceback" not in adabench.err
    assert sorted(path.name for path in folder.iterdir()) == ["benchmarks.yaml"]


def test_list_shows_every_catalogue(adabench: Terminal) -> None:
    out = adabench("list")
    for name in ("adafix", "densenet53", "fashion_mnist", "folder:PATH", "quick"):
        assert name in out
    kinds = {"optimizers", "models", "datasets", "problems", "suites"}
    assert set(json.loads(adabench("list", "--json"))) == kinds
    assert "adam" not in adabench("list", "models")


def test_version(adabench: Terminal) -> None:
    assert adabench("--version").startswith("adabench ")
