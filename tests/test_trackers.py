"""Trackers: what a sweep says arrives in their own files, and their failures stay theirs."""

import sqlite3
from pathlib import Path

import pytest
from factories import make_environment, make_job

from adabench.errors import RequestError, UnknownNameError
from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone, Summary
from adabench.spec import Job
from adabench.trackers import TRACKERS, Trackers
from adabench.trackers.values import values

LOSSES = (0.5, 0.25)


def story(*jobs: Job) -> list[Event]:
    """Jobs that run side by side for two epochs."""
    epochs: list[Event] = [
        EpochEnded(
            job=job,
            epoch=epoch,
            metrics={"train_loss": loss, "steps": 100.0 * epoch, "test_loss": float("nan")},
            probes={"lipschitz": 3.0},
        )
        for epoch, loss in enumerate(LOSSES, start=1)
        for job in jobs
    ]
    started: list[Event] = [JobStarted(job=job, device="cpu", total_steps=200) for job in jobs]
    busy: list[Event] = [StepsDone(job=job, steps=50, steps_per_second=5.0) for job in jobs]
    ended: list[Event] = [
        JobEnded(job=job, status="completed", reason=None, summary=Summary(), environment=make_environment())
        for job in jobs
    ]
    return [*started, *busy, *epochs, *ended]


def told(name: str, out: Path, events: list[Event]) -> list[str]:
    """What a tracker complained of."""
    complaints: list[str] = []
    with Trackers([name], out=out, warn=complaints.append) as trackers:
        for event in events:
            trackers(event)
    return complaints


JOBS = (make_job(seed=0), make_job(seed=1, optimizer="adafix", label="../<b>|evil"))


def test_tensorboard_reads_back_every_epoch(tmp_path: Path) -> None:
    """Runs mixed up when they run side by side, or a loss that is missing."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert told("tensorboard", tmp_path / "results", story(*JOBS)) == []
    folders = {path.parent for path in (tmp_path / "results-logs" / "tensorboard").rglob("events.*")}
    assert len(folders) == 2
    for folder in folders:
        assert folder.resolve().is_relative_to(tmp_path / "results-logs")
        read = EventAccumulator(str(folder)).Reload()
        assert set(read.Tags()["tensors"]) == {"train_loss", "steps", "probes/lipschitz"}
        points = [(e.step, e.tensor_proto.float_val[0]) for e in read.Tensors("train_loss")]
        assert points == [(100, 0.5), (200, 0.25)]


def test_mlflow_keeps_settings_and_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert told("mlflow", tmp_path / "results", story(*JOBS)) == []
    with sqlite3.connect(tmp_path / "results-logs" / "mlflow.db") as database:
        losses = database.execute(
            "select value from metrics where key = 'train_loss' order by step"
        ).fetchall()
        statuses = database.execute("select status from runs").fetchall()
        rates = database.execute("select value from params where key = 'optimizer.lr'").fetchall()
    assert losses == [(0.5,), (0.5,), (0.25,), (0.25,)]
    assert statuses == [("FINISHED",)] * 2
    assert rates == [("0.001",)] * 2


def test_wandb_stays_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits for a login, or that tells a server of itself unasked."""
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert told("wandb", tmp_path / "results", story(*JOBS)) == []
    assert len(list((tmp_path / "results-logs" / "wandb").glob("offline-run-*/*.wandb"))) == 2


class Faulty:
    """A tracker that fails at its n-th event."""

    failing = 1

    def __init__(self, folder: Path) -> None:
        self.seen, self.closed = 0, False
        if self.failing == 0:
            raise OSError("no\nroom")

    def __call__(self, event: Event) -> None:
        self.seen += 1
        if self.seen == self.failing:
            raise RuntimeError("server is gone")

    def close(self) -> None:
        if self.failing == -1:
            raise RuntimeError("cannot close")


@pytest.mark.parametrize(
    ("failing", "complaint"),
    [
        (0, "faulty is logged to no longer: OSError: no room; the run goes on"),
        (1, "faulty is logged to no longer: RuntimeError: server is gone; the run goes on"),
        (5, "faulty is logged to no longer: RuntimeError: server is gone; the run goes on"),
        (-1, "faulty is logged to no longer: RuntimeError: cannot close; the run goes on"),
    ],
)
def test_a_tracker_that_fails_is_named_once_and_the_others_go_on(
    failing: int, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night's sweep lost because a dashboard's server restarted."""
    pytest.importorskip("tensorboard")
    row = TRACKERS["tensorboard"]
    faulty = type(row)(target="test_trackers:Faulty", package="tensorboard", about="fails")
    monkeypatch.setitem(TRACKERS, "faulty", faulty)
    monkeypatch.setattr("test_trackers.Faulty.failing", failing)
    complaints: list[str] = []
    with Trackers(["faulty", "tensorboard"], out=tmp_path / "results", warn=complaints.append) as trackers:
        for event in story(*JOBS):
            trackers(event)
    assert complaints == [complaint]
    assert len(list((tmp_path / "results-logs").rglob("events.*"))) == 2


def test_an_interruption_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C taken for a tracker's failure."""
    monkeypatch.setitem(
        TRACKERS, "faulty", type(TRACKERS["wandb"])(target="test_trackers:Faulty", package="json", about="")
    )
    monkeypatch.setattr("test_trackers.Faulty.failing", 99)
    complaints: list[str] = []
    with pytest.raises(KeyboardInterrupt), Trackers(["faulty"], out=tmp_path, warn=complaints.append):
        raise KeyboardInterrupt
    assert complaints == []


def test_an_unknown_tracker_and_a_missing_package_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="unknown tracker 'tensorbord'; did you mean 'tensorboard'"):
        Trackers(["tensorbord"], out=tmp_path, warn=print)
    monkeypatch.setitem(
        TRACKERS, "x", type(TRACKERS["wandb"])(target="a:b", package="no_such_package", about="")
    )
    with pytest.raises(
        RequestError, match=r"--log x needs the package no_such_package, .* 'adabench\[no_such_package\]'"
    ):
        Trackers(["x"], out=tmp_path, warn=print)


def test_only_finite_numbers_are_logged() -> None:
    event = story(JOBS[0])[2]
    assert isinstance(event, EpochEnded)
    assert values(event) == {"train_loss": 0.5, "steps": 100.0, "probes/lipschitz": 3.0}
