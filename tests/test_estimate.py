"""How long a sweep will take, before it runs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adabench import pipeline
from adabench.cli import app
from adabench.config import Request, Settings
from adabench.estimate import estimate
from adabench.launchers.local import Local
from adabench.listing import in_words
from adabench.pipeline import Plan

DATA = "synthetic:size=4,channels=1,classes=3,train=60,test=30"


def plan(folder: Path, *, epochs: int = 4, seeds: int = 1, workers: int = 1) -> Plan:
    request = Request(
        optimizers=("adam", "adafix"),
        models=("mlp:hidden=8",),
        datasets=(DATA,),
        problems=("cosine_bowl",),
        settings=Settings(seeds=seeds, epochs=epochs, batch_size=20),
    )
    launcher = Local(workers=workers, threads=1)
    return pipeline.plan(request, out=folder, data_dir=folder, device="cpu", launcher=launcher)


def test_without_earlier_runs_nothing_is_made_up(tmp_path: Path) -> None:
    """A figure that rests on nothing."""
    told = estimate(plan(tmp_path / "out"))
    assert told.seconds is None
    assert "adafix on mlp:hidden=8-" in " ".join(told.unknown)
    assert not (tmp_path / "out").exists()


def test_measuring_keeps_nothing_and_knows_every_kind(tmp_path: Path) -> None:
    """Results of measuring that are taken for those of the sweep; a kind that stays unknown."""
    told = estimate(plan(tmp_path / "out"), measure=True)
    assert told.seconds is not None
    assert told.seconds > 0
    assert not (tmp_path / "out").exists()


def test_earlier_runs_tell_of_longer_ones(tmp_path: Path) -> None:
    """An estimate that does not grow with the length, or counts finished jobs."""
    short = plan(tmp_path)
    pipeline.execute(short, lambda event: None)
    assert estimate(plan(tmp_path)).seconds == 0
    some, twice, shared = (
        estimate(each).seconds
        for each in (
            plan(tmp_path, epochs=100),
            plan(tmp_path, epochs=200),
            plan(tmp_path, epochs=200, workers=2),
        )
    )
    assert some is not None
    assert twice is not None
    assert shared is not None
    assert some < twice <= 2 * some
    assert twice / 2 <= shared <= twice


def test_the_command_tells_time_and_bill(tmp_path: Path) -> None:
    """A price that is asked for and not told; flags that are silently ignored without --dry-run."""
    words = ["run", "--opt", "adam", "--model", "mlp:hidden=8", "--dataset", DATA, "--epochs", "9000"]
    out = ["--out", str(tmp_path / "out"), "--device", "cpu"]
    told = CliRunner().invoke(app, [*words, *out, "--dry-run", "--measure", "--price-per-hour", "1000"])
    assert "at 1000 an hour, by a few steps of each kind of job" in told.stdout
    document = CliRunner().invoke(app, [*words, *out, "--dry-run", "--json"]).stdout
    assert json.loads(document)["seconds"] is None
    refused = CliRunner().invoke(app, [*words, *out, "--measure"])
    assert "belong to --dry-run" in str(refused.exception)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_in_two_units(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
