"""Checkpoints: going on equals never having stopped, and damage is never loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from adabench.config import Settings, problem_spec
from adabench.engine import run as engine_run
from adabench.engine.checkpoint import Checkpoints
from adabench.engine.train import train
from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone
from adabench.optimizers import OPTIMIZERS, implementation_of, optimizer_spec
from adabench.spec import Job

NOWHERE = Path("/nonexistent")
DATA = "synthetic:size=8,channels=1,classes=4,train=100,test=40,augment=crop_flip"
STOPS = (1, 2, 3, 4, 5, 9)
"""Steps after which a run of 3 epochs of 4 steps is stopped: within an epoch and at its edges."""


@pytest.fixture(autouse=True)
def every_step_is_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life, and so a place to stop and to write a checkpoint, after each step."""
    monkeypatch.setattr(engine_run, "SIGN_OF_LIFE_SECONDS", 0.0)


def job(name: str, *, model: str = "mlp:hidden=16", **rest: Any) -> Job:
    settings = {"schedule": "step"}
    kind = implementation_of(optimizer_spec(name, settings), "fused")
    return Job(
        optimizer=optimizer_spec(name, settings),
        problem=problem_spec(model, DATA, Settings(batch_size=32)),
        threads=1,
        **{"seed": 0, "epochs": 3, "implementation": kind, **rest},
    )


def events(*jobs: Job, folder: Path) -> Iterator[Event]:
    checkpoints = Checkpoints(folder, 0.0, [one.key for one in jobs])
    return train(*jobs, device="cpu", data_dir=NOWHERE, checkpoints=checkpoints)


def interrupted(*jobs: Job, folder: Path, after: int) -> None:
    """Run until a checkpoint of this step is written, and then no further; closing writes one more."""
    running = events(*jobs, folder=folder)
    for event in running:
        if list(folder.glob(f"{after:012d}.manifest")):
            break
        assert not isinstance(event, JobEnded)
    running.close()  # type: ignore[attr-defined]


def story(told: list[Event], job: Job) -> list[dict[str, float]]:
    """Everything a job has said of itself but its times; an epoch told twice counts once."""
    rows = {e.epoch: {**e.metrics, **e.probes} for e in told if isinstance(e, EpochEnded) and e.job == job}
    return [{k: v for k, v in row.items() if k != "seconds"} for _, row in sorted(rows.items())]


def ending(told: list[Event], job: Job) -> JobEnded:
    return next(event for event in told if isinstance(event, JobEnded) and event.job == job)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_going_on_equals_never_having_stopped(name: str, tmp_path: Path) -> None:
    """State that a checkpoint forgets: moments, counts, order, augmentation, schedule, totals, history."""
    one = job(name)
    whole = list(train(one, device="cpu", data_dir=NOWHERE))
    for stop in STOPS:
        folder = tmp_path / str(stop)
        interrupted(one, folder=folder, after=stop)
        rest = list(events(one, folder=folder))
        assert story(rest, one) == story(whole, one)
        assert ending(rest, one).status == ending(whole, one).status
        assert ending(rest, one).summary.resumed_at_step >= stop
        first = next(event for event in rest if isinstance(event, StepsDone))
        assert first.steps > stop


def test_running_statistics_go_on(tmp_path: Path) -> None:
    """BatchNorm that starts anew after an interruption."""
    one = job("adafix", model="densenet53:growth=2", epochs=2)
    whole = list(train(one, device="cpu", data_dir=NOWHERE))
    interrupted(one, folder=tmp_path, after=3)
    assert story(list(events(one, folder=tmp_path)), one) == story(whole, one)


def test_a_stack_goes_on_as_a_whole(tmp_path: Path) -> None:
    """One seed's state given to another, or a stack of other seeds that takes it for its own."""
    stack = tuple(job("adafix", seed=seed, stacked=True, implementation="foreach") for seed in (0, 1))
    whole = list(train(*stack, device="cpu", data_dir=NOWHERE))
    interrupted(*stack, folder=tmp_path, after=5)
    other = (stack[0], stack[1].model_copy(update={"seed": 2}))
    with pytest.warns(UserWarning, match="it belongs to a run of other jobs"):
        assert Checkpoints(tmp_path, 1.0, [one.key for one in other]).load(torch.device("cpu")) is None
    rest = list(events(*stack, folder=tmp_path))
    for one in stack:
        assert story(rest, one) == story(whole, one)


def damages(data: bytes) -> dict[str, bytes]:
    """A file as disks leave it."""
    middle = len(data) // 2
    flipped = {
        f"bit {bit}": data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
        for bit in range(5, 8 * len(data), max(8 * len(data) // 200, 1))
    }
    zeroed = data[:middle] + bytes(min(4096, len(data) - middle)) + data[middle + 4096 :]
    return {
        "empty": b"",
        "cut off": data[:middle],
        "longer": data + b"\0",
        "a zeroed page": zeroed,
        **flipped,
    }


@pytest.mark.parametrize("suffix", [".pt", ".manifest"])
@pytest.mark.filterwarnings("ignore:checkpoint")
def test_damage_is_found_and_the_one_before_is_used(suffix: str, tmp_path: Path) -> None:
    """A flipped bit that is trained on in silence: torch itself loads it."""
    one = job("adam")
    interrupted(one, folder=tmp_path, after=3)
    newest = sorted(tmp_path.glob(f"*{suffix}"))[-1]
    good, silent = newest.read_bytes(), 0
    cpu = torch.device("cpu")
    whole = Checkpoints(tmp_path, 1.0, [one.key]).load(cpu)
    for content in damages(good).values():
        newest.write_bytes(content)
        state = Checkpoints(tmp_path, 1.0, [one.key]).load(cpu)
        assert state is not None
        silent += state["steps_done"] == whole["steps_done"] and suffix == ".pt"
    assert silent == 0


@pytest.mark.filterwarnings("ignore:checkpoint")
def test_without_a_good_one_the_run_starts_anew(tmp_path: Path) -> None:
    """A job that fails because its checkpoints are damaged."""
    one = job("adam")
    interrupted(one, folder=tmp_path, after=3)
    for path in tmp_path.glob("*.pt"):
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match=r"checkpoint 0+3 is not used: it is damaged"):
        told = list(events(one, folder=tmp_path))
    assert story(told, one) == story(list(train(one, device="cpu", data_dir=NOWHERE)), one)
    assert ending(told, one).summary.resumed_at_step is None


def test_a_run_that_is_closed_writes_its_state(tmp_path: Path) -> None:
    """A Ctrl-C that costs two minutes of work: the run ends with its last step lost."""
    one = job("adafix")
    whole = list(train(one, device="cpu", data_dir=NOWHERE))
    running = train(one, device="cpu", data_dir=NOWHERE, checkpoints=Checkpoints(tmp_path, 1e9, [one.key]))
    steps = next(event.steps for event in running if isinstance(event, StepsDone) and event.steps > 4)
    assert not list(tmp_path.iterdir())
    running.close()
    assert [path.name for path in tmp_path.glob("*.manifest")] == [f"{steps:012d}.manifest"]
    rest = list(events(one, folder=tmp_path))
    assert ending(rest, one).summary.resumed_at_step == steps
    assert story(rest, one) == story(whole, one)


@pytest.mark.parametrize("kind", [JobStarted, JobEnded])
def test_a_run_with_nothing_to_keep_writes_nothing(tmp_path: Path, kind: type[Event]) -> None:
    """A checkpoint of a run that has not begun, or of one whose result is there."""
    one = job("adam")
    running = train(one, device="cpu", data_dir=NOWHERE, checkpoints=Checkpoints(tmp_path, 1e9, [one.key]))
    while not isinstance(next(running), kind):
        pass
    running.close()
    assert not list(tmp_path.iterdir())


def test_state_that_cannot_be_loaded_safely_is_said_and_not_written(tmp_path: Path) -> None:
    """A checkpoint that turns out useless only after the interruption; code run when it is loaded."""
    checkpoints = Checkpoints(tmp_path, 0.0, ["a"])
    with pytest.warns(UserWarning, match="no checkpoints in"):
        checkpoints.save({"note": Path("/")}, 1)
    assert not list(tmp_path.iterdir())
    assert not checkpoints.due


def test_a_disk_that_refuses_costs_the_checkpoint_and_not_the_run(tmp_path: Path) -> None:
    """A full disk that ends a job whose result would still fit."""
    place = tmp_path / "file"
    place.write_text("")
    one = job("adam")
    with pytest.warns(UserWarning, match="no checkpoints in .*Not a directory|no checkpoints in .*exists"):
        told = list(events(one, folder=place))
    assert ending(told, one).status == "completed"


def test_only_the_last_two_stay(tmp_path: Path) -> None:
    """A disk that fills up with old checkpoints, or a state without its manifest."""
    one = job("adam")
    interrupted(one, folder=tmp_path, after=7)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{step:012d}{suffix}" for step in (7, 8) for suffix in (".manifest", ".pt")
    ]
