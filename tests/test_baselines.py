"""The shipped results: what they hold, what they are compared with, and the tutorial that uses them."""

import re
import shlex
from pathlib import Path

import pytest
from factories import make_result
from typer.testing import CliRunner

from adabench.baselines import ARCHIVE, with_baselines
from adabench.cli import app
from adabench.config import Request, Settings, resolve_sweep
from adabench.datasets import DATASETS
from adabench.results import Result, read_all

README = Path(__file__).parent.parent / "README.md"
STANDARD = {"adafix", "adam", "adamw", "amsgrad", "adabound", "sgdm"}


@pytest.fixture(scope="module")
def shipped() -> tuple[Result, ...]:
    return read_all([ARCHIVE]).results


def own(result: Result, label: str = "mine") -> Result:
    """The same run by another optimizer."""
    optimizer = result.job.optimizer.model_copy(update={"name": label, "label": label})
    return result.model_copy(update={"job": result.job.model_copy(update={"optimizer": optimizer})})


@pytest.mark.parametrize("suite", ["quick", "breadth"])
def test_every_problem_of_a_suite_has_its_baselines(shipped: tuple[Result, ...], suite: str) -> None:
    """A suite that has changed since its results were made, so that nothing is found any more."""
    sweep = resolve_sweep(Request(suite=suite, settings=Settings()))
    for problem in sweep.problems:
        mine = [each for each in shipped if (each.job.problem, each.job.epochs) == (problem, sweep.epochs)]
        assert {each.job.optimizer.label for each in mine} == STANDARD, problem.label
        for name in STANDARD:
            seeds = {each.job.seed for each in mine if each.job.optimizer.label == name}
            assert seeds == set(sweep.seeds), (problem.label, name)
        assert all(each.status == "completed" for each in mine)


def test_they_need_no_download_and_name_no_place(shipped: tuple[Result, ...]) -> None:
    """A path of the machine that they were made on; data that a newcomer does not have."""
    assert {each.job.problem.dataset for each in shipped} <= {"digits", "breast_cancer", "python_text"}  # type: ignore[union-attr]
    assert all(each.job.problem.dataset in DATASETS for each in shipped)  # type: ignore[union-attr]
    commands = {word for each in shipped if each.environment for word in each.environment.command}
    assert not [word for word in commands if Path(word).is_absolute()]


def test_only_the_same_setting_is_joined_and_yours_count(shipped: tuple[Result, ...]) -> None:
    """A baseline of another length beside yours; an optimizer that is there twice."""
    mine = own(shipped[0])
    joined, _ = with_baselines([mine])
    assert {(each.job.problem, each.job.epochs) for each in joined} == {(mine.job.problem, mine.job.epochs)}
    assert {each.job.optimizer.label for each in joined} == {"mine", *STANDARD}
    adam = own(shipped[0], "adam")
    joined, _ = with_baselines([adam])
    assert [each for each in joined if each.job.optimizer.label == "adam"] == [adam]


def test_what_differs_is_told(shipped: tuple[Result, ...]) -> None:
    """Seconds of two machines compared without a word; silence where there is nothing to compare with."""
    mine = own(shipped[0])
    assert mine.environment
    _, lines = with_baselines([mine])
    assert not [line for line in lines if "torch" in line]
    older = mine.environment.model_copy(update={"torch": "2.10.0", "device": "NVIDIA H100"})
    _, lines = with_baselines([mine.model_copy(update={"environment": older})])
    told = " ".join(lines)
    assert "yours torch 2.10.0" in told
    assert "yours on NVIDIA H100" in told
    _, lines = with_baselines([make_result(optimizer="adam")])
    assert lines[0] == "no baselines for mlp-mnist at 2 epochs"
    assert "mlp-digits at 100 epochs" in lines[1]


def tutorial() -> list[list[str]]:
    """The commands of the README's section on one's own optimizer."""
    section = README.read_text().split("## Your own optimizer")[1].split("\n## ")[0]
    lines = re.findall(r"^\$ adabench (.+)$", section, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


SHORT = {
    "tune": ["--trials", "2", "--epochs", "1", "--seeds", "1", "--train-examples", "200", "--quiet"],
    "run": ["--quiet", "--seeds", "1"],
    "check": [],
}


def test_the_tutorial_works_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of the README that a newcomer cannot run; here in short, but each in its order."""
    source = re.search(r"```python\n(import torch\n.+?)```", README.read_text(), re.DOTALL)
    assert source
    (tmp_path / "sign.py").write_text(source[1])
    monkeypatch.chdir(tmp_path)
    commands = tutorial()
    assert [words[0] for words in commands] == ["check", "tune", "run", "compare", "report", "report"]
    told = []
    for words in commands:
        outcome = CliRunner().invoke(app, [*words, *SHORT.get(words[0], [])])
        assert outcome.exit_code == 0, (words, outcome.output, outcome.exception)
        told.append(outcome.stdout)
    assert "best setting" in told[1]
    assert "sign.py:SignMomentum  " in told[1]
    assert {"adamw", "sgdm"} < set(re.findall(r"^(\S+) ", told[3], re.MULTILINE))
    assert "SignMomentum" in (tmp_path / "report.tex").read_text()
    assert (tmp_path / "report.html").stat().st_size > 1_000_000
