# ruff: noqa: E501  (messages are quoted whole)
"""``adabench compare`` as a user meets it: one screen, one line for each error, and its exit codes."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from factories import make_result, make_runs, store_all
from typer.main import get_command

from adabench import cli
from adabench.compare.metrics import METRICS
from adabench.results import Result

ROOT = Path(__file__).parents[1]


def results(shift: float = 0.0) -> list[Result]:
    draw = random.Random(0)
    found = []
    for data in ("mnist", "digits"):
        for name, mean, price in (("adam", 0.95, 1), ("adafix", 0.97, 2), ("adabound:lr=0.5", 0.951, 1)):
            for seed in range(5):
                accuracy = round(mean + shift + 0.002 * seed + draw.gauss(0, 0.001), 4)
                result = make_result(
                    optimizer=name,
                    dataset=data,
                    seed=seed,
                    accuracy=accuracy,
                    gradient_evaluations=938 * price,
                )
                curve = {"test_accuracy": [0.9, accuracy], "test_loss": [0.5, 0.2], "steps": [469.0, 938.0],
                         "samples": [6e4, 12e4], "seconds": [5.0 * price, 10.0 * price],
                         "gradient_evaluations": [469.0 * price, 938.0 * price]}  # fmt: skip
                found.append(result.model_copy(update={"curve": curve}))
    return found


class Command:
    """Runs ``adabench compare`` in a folder with results and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        self._monkeypatch.setattr(sys, "argv", ["adabench", "compare", *words])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        self.out, self.err = self._capsys.readouterr()
        assert exit_.value.code == code, self.err
        return self.out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    store_all(tmp_path / "results", results())
    store_all(tmp_path / "before", results(shift=0.02))
    return tmp_path


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_the_screen_says_what_may_be_claimed(command: Command) -> None:
    text = command()
    assert "Best mean: adafix; all others are significantly worse." in text
    assert "adafix is better than adam by 2.0" in text
    assert (
        "p: paired t test, Holm over 4 comparisons; with 5 pairs a sign-flip test cannot go below 0.0625."
        in text
    )
    assert "adabound:lr=0.5 against adam: too few seeds to tell; 5 pairs find true differences of" in text
    assert "At 938 gradient evaluations each, where adafix is cut short (vs adam): adafix 90.00" in text
    assert "over 2 problems" in text
    assert "Ranks are not tested: that takes 6 problems and 3 optimizers." in text


def test_a_run_without_an_evaluation_by_then_is_said_to_have_none(command: Command, folder: Path) -> None:
    """A dash in a sentence, after an optimizer that evaluates once, at twice the cost."""
    for name, cost in (("adam", 938), ("adafix", 1876)):
        once = {"gradient_evaluations": [cost], "test_accuracy": [0.9]}
        runs = make_runs(name, [0.9, 0.91], epochs=1)
        store_all(folder / "once", [run.model_copy(update={"curve": once}) for run in runs])
    assert "each, where adafix is cut short (vs adam): adafix not yet evaluated." in command("once")


FLAGS = [
    [],
    ["--details", "--margin", "0.5"],
    ["--pairs", "--metric", "loss"],
    ["--target", "0.95"],
    ["--target", "baseline", "--target", "mlp-digits=0.9", "--difference", "0.1", "--power", "0.9"],
    ["--at", "equal-seconds", "--metric", "best"],
    ["--metric", "seconds"],
    ["--target", "0.95", "--details"],
    ["--paper"],
]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_every_screen_keeps_to_its_width_and_ends(command: Command, flags: list[str]) -> None:
    lines = command(*flags).splitlines()
    assert max(map(len, lines)) <= 110
    assert len(lines) < 100
    assert command.err == ""


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_the_same_bytes_whatever_the_files_are_called(
    command: Command, folder: Path, flags: list[str]
) -> None:
    """An answer that hangs on the order in which a file system lists its files."""
    shuffled = folder / "shuffled"
    shuffled.mkdir()
    files = sorted((folder / "results").rglob("*.json"))
    random.Random(3).shuffle(files)
    for i, file in enumerate(files):
        (shuffled / f"{i}.json").write_bytes(file.read_bytes())
    assert command(*flags, "results") == command(*flags, "shuffled")
    assert command(*flags, "--json", "results") == command(*flags, "--json", "shuffled")


def test_the_same_bytes_under_any_locale_time_zone_and_hash_seed(folder: Path) -> None:
    """Sets walked in hash order, or a decimal comma."""
    answers = set()
    for hash_seed, zone, locale in (("1", "UTC", "C.UTF-8"), ("2", "Asia/Kathmandu", "tr_TR.UTF-8")):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "TZ": zone,
            "LC_ALL": locale,
            "PYTHONUTF8": "1",
        }
        words = ["compare", "--pairs", "--target", "0.95", "--difference", "0.1", "--margin", "0.1"]
        for extra in ([], ["--json"]):
            command = [sys.executable, "-m", "adabench", *words, *extra]
            done = subprocess.run(command, capture_output=True, env=environment, cwd=folder, check=True)
            answers.add(done.stdout)
    assert len(answers) == 2


def test_json_holds_what_tables_and_figures_need(command: Command) -> None:
    found = json.loads(
        command("--json", "--target", "0.95", "--pairs", "--margin", "0.1", "--fail-below", "0.5")
    )
    problem = found["problems"][0]
    assert len(problem["comparisons"]) == 3
    assert {curve["column"] for curve in problem["curves"]} == {"test_accuracy", "test_loss"}
    assert problem["target_rows"][0]["costs"]["seconds"]["survival"]
    assert {each["axis"] for each in found["across"]["profiles"]} == {
        "steps",
        "samples",
        "gradient_evaluations",
        "seconds",
    }
    assert found["gates"]["checks"][0]["outcome"] == "passed"
    assert found["family"] == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metric", "acc"], "unknown metric 'acc'; known: final, best, validation, loss, train-loss, seconds, memory"),
        (["--at", "equal-second"], "unknown place to compare at 'equal-second'; did you mean 'equal-seconds'?"),
        (["--baseline", "adan"], "unknown baseline 'adan'; did you mean 'adam'?"),
        (["--target", "97"], "target 97 is above 1: accuracies are fractions, such as 0.97"),
        (["--target", "high"], "target 'high' is not allowed; it is a number, PROBLEM=number, `baseline` or `known`"),
        (["--target", "mnist=0.9"], "unknown problem of a target 'mnist'; did you mean 'mlp-mnist'?"),
        (["--power", "0.8"], "--power needs --difference, the difference to find: --difference 0.2"),
        (["--difference", "0.2", "--power", "2"], "power 2 is not allowed; it is a number between 0.05 and 1"),
        (["--margin", "-1"], "--margin -1 is not allowed; it is a number above 0"),
        (["--against", "before"], "--against and --fail-if-worse need each other: --against DIR --fail-if-worse 0.5"),
        (["--fail-if-worse", "1"], "--against and --fail-if-worse need each other: --against DIR --fail-if-worse 0.5"),
        (["--against", "before", "--fail-if-worse", "-1"], "--fail-if-worse -1 is not allowed; it is a number of at least 0"),
        (["--against", "nowhere", "--fail-if-worse", "1"], "nowhere does not exist; give result files or folders of them"),
        (["--against", "before", "--fail-if-worse", "1", "--at", "equal-steps"], "--against judges runs at their end; leave out --at equal-steps"),
        (["--junit", "x.xml"], "--junit needs a gate: --fail-if-worse or --fail-below"),
        (["--fail-below", "0.5", "--metric", "loss"], "--fail-below needs a metric of which higher is better, not loss"),
        (["--format", "jsn"], "unknown format 'jsn'; did you mean 'json'?"),
        (["--fail-below", "0.5", "--junit", "no/where.xml"], "cannot write no/where.xml: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_wrong_request_is_one_line_and_exit_code_2(
    command: Command, words: list[str], message: str
) -> None:
    command(*words, code=2)
    assert command.err == f"adabench: {message}\n"


def test_a_passed_gate_ends_with_0_and_a_failed_one_with_1_and_one_line_why(
    command: Command, folder: Path
) -> None:
    command("--fail-below", "0.9")
    assert command.err == "gates: 6 checks: 6 passed\n"
    text = command("--against", "before", "--fail-if-worse", "0.5", "--junit", "gates.xml", code=1)
    assert text.startswith("mlp-digits")
    first, second = command.err.splitlines()
    assert first == "gates: 6 checks: 6 failed"
    assert second.startswith(
        "gate failed: adabound:lr=0.5 on mlp-digits, 2 epochs, fp32: final test accuracy changed by -2.00 points"
    )
    assert second.endswith("0.5 points are allowed; and 5 more")
    assert ElementTree.parse(folder / "gates.xml").getroot().attrib["failures"] == "6"
    command("before", "--against", "results", "--fail-if-worse", "0")


def test_what_is_in_doubt_is_told_and_does_not_fail(command: Command, folder: Path) -> None:
    store_all(folder / "old", make_runs("adam", [0.98, 0.981, 0.979]))
    store_all(folder / "new", make_runs("adam", [0.98, 0.90, 0.979]))
    command("new", "--against", "old", "--fail-if-worse", "0.5")
    doubt, counts = command.err.splitlines()
    assert doubt.startswith("in doubt: adam on mlp-mnist")
    assert counts == "gates: 1 check: 1 in doubt"


def test_githubs_summary_is_appended_to_only_where_it_is_set(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "summary.md"
    path.write_text("before\n")
    command()
    assert path.read_text() == "before\n"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    command("--fail-below", "0.96", code=1)
    text = path.read_text()
    assert text.startswith("before\ngates: 6 checks: 4 failed, 2 passed\n")
    assert "- failed: adam on mlp-digits" in text
    assert "# Comparison of optimizers" in text


def test_benchmark_format_is_json_alone(command: Command) -> None:
    entries = json.loads(command("--format", "gha-benchmark"))
    assert len(entries) == 6
    assert (
        json.loads(command("--format", "gha-benchmark", "--metric", "seconds"))[0]["unit"]
        == "training seconds"
    )


def test_the_papers_table_is_judged_without_a_cell_measured(command: Command) -> None:
    text = command("--paper")
    assert "9 of 24 survive (9 in its favour), 12 before the correction." in text


def test_a_measured_cell_agrees_differs_or_cannot_be_told(command: Command, folder: Path) -> None:
    for name, values in (
        ("adafix", [0.9874, 0.9876, 0.9876, 0.9875, 0.9874]),
        ("adam", [0.90, 0.901, 0.899, 0.90, 0.90]),
        ("sgdm", [0.95, 0.999, 0.97, 0.98, 0.99]),
    ):
        store_all(folder / "cells", make_runs(name, values, epochs=300))
        store_all(folder / "short", make_runs(name, values, epochs=3))
    lines = {
        line.split()[0]: line.split("  ")[-1].strip()
        for line in command("cells", "--paper").splitlines()
        if line.strip()
    }
    assert (lines["AdaFix"], lines["Adam"], lines["SGDM"], lines["AMSGrad"]) == (
        "agrees",
        "differs",
        "cannot tell",
        "not measured",
    )
    verdicts = [line.split("  ")[-1].strip() for line in command("short", "--paper").splitlines()]
    assert verdicts.count("other conditions") == 3


def test_more_than_twenty_problems_are_counted_not_listed(command: Command, folder: Path) -> None:
    many = [
        r
        for i in range(23)
        for r in make_runs("adam", [0.9], dataset=f"d{i}") + make_runs("sgdm", [0.8], dataset=f"d{i}")
    ]
    store_all(folder / "many", many)
    assert "and 3 more problems: name a folder of results, or add --details or --json" in command("many")
    assert "more problems" not in command("many", "--details")


def test_nothing_is_claimed_of_a_diverged_optimizer_and_it_stands_last(
    command: Command, folder: Path
) -> None:
    found = make_runs("adam", [0.5, 0.51, 0.5]) + make_runs("wild", [0.9, 0.91])
    found.append(
        make_result(optimizer="wild", seed=2, status="diverged", reason="loss is not finite", accuracy=None)
    )
    store_all(folder / "wild", found)
    text = command("wild")
    assert "Diverged, so nothing is claimed: wild (1 of 3 runs)." in text
    assert "is better" not in text
    assert text.index("\nadam ") < text.index("\nwild ")


def test_every_flag_and_metric_is_explained_in_the_documentation() -> None:
    """A number on the screen that no page explains."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert [flag for flag in flags_of("compare") if flag not in page] == []
    assert [name for name in METRICS if name not in page] == []


def test_the_example_workflow_names_only_flags_that_exist() -> None:
    """An example that fails where it is copied to."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "optimizers.yml").read_text(encoding="utf-8"))
    script = "\n".join(step.get("run", "") for step in workflow["jobs"]["smoke"]["steps"])
    used = set(re.findall(r"--[a-z-]+", script)) - {"--extra-index-url"}
    assert used <= flags_of("run") | flags_of("compare")
    assert {"--against", "--fail-if-worse", "--fail-below", "--junit", "--format"} <= used


def flags_of(name: str) -> set[str]:
    command = get_command(cli.app).commands[name]  # type: ignore[attr-defined]
    return {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")}
